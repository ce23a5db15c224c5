#!/usr/bin/env bash
# `weir bench` as a user meets it: figures and keys of each bench at a small size, wrong use, and
# the counts that do not depend on the machine.
here=$(cd "$(dirname "$0")" && pwd)
weir=${WEIR_BIN:-$here/../../build/weir}
command=("$weir" bench)
. "$here/../lib.sh"

holds() { # EXPRESSION: true of the JSON object's keys, which are its names
	python3 -c 'import json, sys
print(eval(sys.argv[2], {}, json.load(open(sys.argv[1]))))' "$work/out" "$1" | grep -qx True
}

figures() { # BENCH EXPRESSION ARGUMENT...: what --json must say
	local bench=$1 expression=$2
	shift 2
	check "$bench $* gives 0" same 0 "$(status "$bench" --json "$@")"
	check "... one object in one line" same 1 "$(lines out)"
	check "... nothing on standard error" same 0 "$(lines err)"
	check "... bench is $bench" holds "bench == '$bench'"
	check "... $expression" holds "$expression"
}

# --- Figures, by keys

figures bulk "gbit_s > 0 and ns_per_segment > 0 and retransmits == 0" --count 2000
check "... segments as asked" holds "segments == 2000 and bytes == 2000 * segment_bytes"
check "... which hold timestamps" holds "segment_bytes == 1448"
figures bulk "segment_bytes == 988 and acks > 0" --count 500 --segment 1000
figures bulk "segment_bytes == 1000 and retransmits == 0" --count 500 --segment 1000 \
	--set timestamps=0
figures bulk "segments >= 100 and segment_bytes == 65483" --count 100 --segment 65495
for cc in newreno cubic bbr; do
	figures bulk "retransmits == 0 and segments == 3000" --count 3000 --cc "$cc"
done
figures rr "round_trips == 500 and ns_each > 0 and size == 64" --count 500
figures rr "round_trips == 20 and size == 100000" --count 20 --size 100000
figures connect "connections == 300 and per_s > 0 and ns_each > 0" --count 300
check "... and TIME-WAIT is what it is" holds "time_waits > 8000"
figures syn "syns == answered == 5000 and unanswered == 0 and other_output == 0" \
	--mode queue --count 5000 --half-open 1000
check "... mode, per_s, ns_each" holds "mode == 'queue' and per_s > 0 and ns_each > 0"
check "... as many records as asked" holds "900 <= half_open <= 1100"
figures syn "unanswered > 0 and answered + unanswered == syns" \
	--mode queue --count 5000 --half-open 1000 --set halfs_max=100
figures timers "connections == 200 and ns_per_timer > 0 and timers >= 1000" \
	--connections 200 --count 1000
figures memory "established['count'] == 300 and half_open['count'] == 2000" \
	--established 300 --half-open 2000 --time-wait 1500
check "... and TIME-WAIT" holds "time_wait['count'] == 1500"
check "... a connection is small" holds "300 < established['bytes_each'] <= 1100"
check "... a half-open record smaller" holds "50 < half_open['bytes_each'] <= 96"
check "... and so is one in TIME-WAIT" holds "50 < time_wait['bytes_each'] <= 96"
check "... the process" holds "rss_bytes > 500 * 1024"
figures memory "half_open['count'] == 64 and established['count'] == time_wait['count'] == 0" \
	--half-open 64
check "... and none costs none" holds "established['bytes_each'] == 0"

# --- SYN cookies, where this engine has them

status syn --mode cookie --json --count 5000 >"$work/status"
if [ "$(cat "$work/status")" = 0 ]; then
	check "every SYN gets a cookie" holds "mode == 'cookie' and answered == syns == 5000"
	check "... and leaves no record" holds "half_open == 0"
else
	check "without cookies --mode cookie gives 2" same 2 "$(cat "$work/status")"
	check "... and says so" matches "no SYN cookies" "$(cat "$work/err")"
	check "... in one line" same 1 "$(lines err)"
	check "... and in no other" same 0 "$(lines out)"
fi

# --- Text, and the end by time

check "text gives 0" same 0 "$(status rr --seconds 1)"
check "... in one line" matches "^rr: [0-9]+ ns a round trip of 64 bytes" "$(cat "$work/out")"
check "memory has a line for each kind" same 0 "$(status memory --half-open 100)"
check "... and one for the process" same 4 "$(lines out)"

# --- Wrong use

wrong "no bench" "which\? bulk, rr, connect, syn, memory or timers"
wrong "an unknown bench" "no 'fast'; there are bulk" fast
wrong "two benches" "'rr' is one too many" bulk rr
wrong "an unknown option" "no option --nothing" bulk --nothing
wrong "an option of another bench" "--size is not for bulk" bulk --size 3
wrong "time for what takes none" "--seconds is not for memory" memory --seconds 3
wrong "no time" "--seconds: '0' is not a number from 1" bulk --seconds 0
wrong "an option without value" "--count needs a value" bulk --count
wrong "a segment of nothing" "--segment: '1' is not a number from 64 to 65495" bulk --segment 1
wrong "a mode that is not there" "no 'magic', only cookie and queue" syn --mode magic
wrong "too few records" "--half-open: for syn a number from 64" syn --half-open 1
wrong "too many records" "--time-wait: '9999999' is not a number" memory --time-wait 9999999
wrong "no value of a setting" "--set: 'nagle' is not NAME=NUMBER" bulk --set nagle
wrong "a setting that is not there" "no setting 'speed'" bulk --set speed=11
wrong "a setting out of range" "nagle cannot be 2" bulk --set nagle=2
wrong "a congestion control that is none" "--cc: 'reno' is not newreno, cubic or bbr" bulk --cc reno
wrong "settings that contradict" "contradicts another setting" connect --set port_first=60000 \
	--set port_last=50000
check "--help gives 0" same 0 "$(status --help)"
check "--help tells the options" matches "--half-open N" "$(cat "$work/out")"

# --- What does not work is no figure

check "no timers gives 1" same 1 "$(status timers --set keepalive=0 --connections 64 --count 64)"
check "... and says so" matches "no timer fires" "$(cat "$work/err")"

finish
