#!/usr/bin/env bash
# The programs of bench/flood.sh: the sender of forged SYNs refuses to send where they could get
# out; honest clients are counted right; a short run ends with figures and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

sender=$WEIR_BUILD_DIR/bench/weir-bench-syn
honest=$WEIR_BUILD_DIR/bench/weir-bench-honest
for tool in "$sender" "$honest"; do
	[ -x "$tool" ] || skip "$tool was not built"
done

# Where this script was started: the machine's network, and nothing in it may be flooded.
outside=0
outside_says=$("$sender" --device lo --to 10.99.0.2 --port 7 --seconds 1 2>&1) || outside=$?

interop_start 1500

# value FILE KEY: from the JSON object in FILE.
value() {
	python3 -c 'import json, sys
print(json.dumps(json.load(open(sys.argv[1]))[sys.argv[2]]))' "$1" "$2"
}

# refused TEXT OPTION...: the sender sends nothing, and says why.
refused() {
	local text=$1
	shift
	start sender inside "$sender" --port 7 --seconds 1 "$@"
	status $started
	check "sender $*: status 2" equal $ended 2
	check "sender $*: says '$text'" grep -q -e "$text" "$tmp/sender.err"
	check "sender $*: has sent nothing" test ! -s "$tmp/sender.out"
}

# --- The sender stays inside

check "outside of a namespace: status 2" equal $outside 2
check "outside of a namespace: refused" grep -q "refused" <<<"$outside_says"
refused "neither a TUN nor a veth" --device lo --to $W4
refused "neither a TUN nor a veth" --device nosuch --to $W4
refused "only private" --device $TUN --to 8.8.8.8
refused "only private" --device $TUN --to $W4 --from 8.8.0.0/16
refused "in range" --device $TUN --to $W4 --from 198.18.0.0/8
refused "not so many" --device $TUN --to $W4 --from 192.0.2.0/24 --sources 255
refused "are needed" --device $TUN
ip -n $ns route add default via $W4 dev $TUN
refused "default route over $TUN" --device $TUN --to $W4
ip -n $ns route del default
ip -n $ns link add outward type bridge
ip -n $ns link set outward up
refused "outward of this namespace may lead out" --device $TUN --to $W4
ip -n $ns link del outward
ip -n $ns route add blackhole default

# --- Against a listener: what it sends is a SYN, honest clients are served and counted

# Line drawing needs a UTF-8 locale.
start weir inside env LC_ALL=C.UTF-8 "$WEIR_BIN" serve --tun $TUN --ip $W4/24 --mtu 1500 --explain
served=$started
await $served "$tmp/weir.err" "Ctrl-C ends it"
for mode in "--parallel 4" "--rate 200"; do
	# shellcheck disable=SC2086 # words on purpose
	inside "$honest" --to $W4 --port 7 --count 40 --limit-ms 60000 $mode >"$tmp/honest.json" &
	status $!
	check "honest clients, $mode: status 0" equal $ended 0
	check "honest clients, $mode: all are served" \
		equal "$(value "$tmp/honest.json" served)" 40
	check "honest clients, $mode: their time is measured" \
		test "$(value "$tmp/honest.json" connect_p99_us)" != 0.0
done
inside "$honest" --to $W4 --port 9 --count 3 --limit-ms 60000 >"$tmp/honest.json" &
status $!
check "honest clients of a closed port: are refused" equal \
	"$(value "$tmp/honest.json" refused) $(value "$tmp/honest.json" served)" "3 0"

inside "$sender" --device $TUN --to $W4 --port 7 --rate 1000 --sources 100 --seconds 60 --json \
	>"$tmp/syns.json" &
flood=$!
pids+=("$flood")
# A SYN that is one is answered: the device's other direction moves.
answers() {
	ip netns exec $ns cat /sys/class/net/$TUN/statistics/rx_packets
}
before=$(answers)
while kill -0 $flood && [ "$(answers)" -lt $((before + 100)) ]; do
	continue
done
kill -INT $flood
status $flood
check "sender: ends with 0 on SIGINT" equal $ended 0
check "sender: says how many it sent" at_least "$(value "$tmp/syns.json" sent)" 100
check "sender: and from how many sources" equal "$(value "$tmp/syns.json" sources)" 100
kill -INT $served
status $served
# What the ladder shows of one source: the line after the heading of the columns.
syn_of() {
	grep -A 6 "client $1:" "$tmp/weir.err" | grep -m1 -e "── SYN "
}
check "a forged SYN is as Linux sends it" \
	grep -q "SYN seq=0 win=64240 mss=1460 ws=7 sackOK ts " <(syn_of 198.18.0.7)
check "sources go round: the last" grep -q "client 198.18.0.100:" "$tmp/weir.err"
check "sources go round: none after it" test -z "$(syn_of 198.18.0.101 || true)"

# --- A short run of the benchmark itself

start flood "$root/bench/flood.sh" --quick --subject weir --json "$tmp/flood.json"
flood=$started
status $flood
check "flood.sh --quick: status 0" equal $ended 0
check "flood.sh --quick: a table for each flood" equal "$(grep -c '^| weir |' "$tmp/flood.out")" 3
check "flood.sh --quick: the figures of each, and all clients counted" \
	equal "$(python3 - "$tmp/flood.json" <<'PY'
import json
import sys

report = json.load(open(sys.argv[1]))
for row in report["rows"]:
    ended = row["honest_served"] + row["honest_refused"] + row["honest_late"]
    print(row["load"], row["subject"], row["honest_tried"] - ended,
          row["taken_per_s"] > 0, row["rss_after_kb"] > 0, (row["offered_per_s"] or 0) > 0)
PY
)" "none weir 0 True True False
2000 weir 0 True True True
max weir 0 True True True"
check "flood.sh --quick: no namespace is left" \
	test -z "$(ip netns list | grep -e "-$flood\b" || true)"

start flood "$root/bench/flood.sh" --quick --subject weir
flood=$started
await $flood "$tmp/flood.err" "round 1"
kill -TERM $flood
status $flood
check "flood.sh, ended early: says so" equal $ended 130
check "flood.sh, ended early: no namespace is left" \
	test -z "$(ip netns list | grep -e "-$flood\b" || true)"

interop_end
