#!/usr/bin/env bash
# `weir ss` beside running instances: what it lists, as text and JSON; dead, stopped and slow ones;
# and that `weir run` is the same where there is no place for its socket.
export TMPDIR=${TMPDIR:-/var/tmp} # /tmp is covered below
. "$(dirname "$0")/../gate/lib.sh"
need curl python3 ip
cd "$work" || exit 1
mount -t tmpfs -o mode=1777 weir-test /tmp || skip "cannot mount"

mkdir -m 700 "$work/root"
as_user mkdir -m 700 "$work/tmp/user"
root_dir=$work/root user_dir=$work/tmp/user
export XDG_RUNTIME_DIR

root_ss() { XDG_RUNTIME_DIR=$root_dir status "$weir" ss "$@"; }
user_ss() { XDG_RUNTIME_DIR=$user_dir status as_user "$weir" ss "$@"; }
# value EXPRESSION: of the JSON that the last one printed, as `o`; `i` is its first instance.
value() {
	python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
i = o["instances"][0] if o["instances"] else None
print(eval(sys.argv[2]))' "$work/out" "$1"
}
# answered SS...: asks again while an instance needs more than its second, on a machine that is
# busy.
answered() {
	local end=$((SECONDS + 180))
	until [ "$("$@")" = 0 ]; do
		[ $SECONDS -lt $end ] || return 1
	done
}
# until_true EXPRESSION SS: asks again until it is.
until_true() {
	local expression=$1 end=$((SECONDS + 180))
	shift
	while [ $SECONDS -lt $end ]; do
		"$@" --json >"$work/status"
		[ "$(value "$expression" 2>/dev/null)" != True ] || return 0
	done
	cat "$work/out" "$work/err"
	return 1
}

# --- Nobody runs
check "no instance: status" same 0 "$(user_ss)"
check "no instance: one line" same 1 "$(wc -l <"$work/out")"
check "no instance: the heading" matches "^State +Recv-Q +Send-Q +Local" "$(cat "$work/out")"
check "no instance: nothing said" same "" "$(cat "$work/err")"
check "no instance: JSON status" same 0 "$(user_ss --json)"
check "no instance: JSON" same "{'instances': []}" "$(value o)"

# --- weir run: a connection, one in TIME-WAIT, one that is held
cat >"$work/tmp/program" <<'END'
curl -sS "http://weir.test/slow?ms=600000" &
curl -s "http://weir.test/close?how=fin"
curl -s http://198.51.100.7/ &
echo ready
read -r line
kill %1 %2
exit 3
END
mkfifo "$work/in" "$work/lines"
XDG_RUNTIME_DIR=$user_dir as_user "$weir" run -- bash "$work/tmp/program" \
	<"$work/in" >"$work/lines" 2>/dev/null &
run_job=$!
exec 7>"$work/in" 8<"$work/lines"
read -r _ <&8
check "weir run: connection, TIME-WAIT and half-open are listed" until_true \
	'len(i["connections"]) == 1 and len(i["time_wait"]) == 1 and len(i["half_open"]) == 1' \
	user_ss
# The text at once, as TIME-WAIT goes by.
cp "$work/out" "$work/json"
check "weir run: as text" answered user_ss --half-open --time-wait --sources --counters
cp "$work/out" "$work/text"
cp "$work/json" "$work/out"
check "weir run: its command" same "run bash" "$(value 'i["command"]')"
pid=$(value 'i["pid"]')
check "weir run: its process" same "$weir" "$(readlink "/proc/$pid/exe")"
check "weir run: keys" same "pid command connections half_open time_wait sources counters" \
	"$(value '" ".join(i)')"
check "weir run: the connection's state" same ESTABLISHED "$(value 'i["connections"][0]["state"]')"
check "weir run: and its bytes" same True "$(value 'i["connections"][0]["bytes_received"] > 0')"
check "weir run: windows, rates, phase" same True "$(value '(lambda c: c["cwnd_bytes"] > 0 and
	c["ssthresh_bytes"] > 0 and c["srtt_ns"] > 0 and c["pipe_bytes"] == c["lost_bytes"] == 0 and
	c["spurious"] == 0 and c["reordering"] is False and c["cc"] == "cubic" and
	c["recovery"] == "open" and all(type(c[k]) is int for k in
		("min_rtt_ns", "pacing_rate", "delivery_rate")))(i["connections"][0])')"
check "weir run: the held one's source and destination" same "10.0.2.15 198.51.100.7:80" \
	"$(value '"{remote_address} {local_address}:{local_port}".format(**i["half_open"][0])')"
check "weir run: held, young" same True \
	"$(value 'i["half_open"][0]["held"] and i["half_open"][0]["age_ms"] < 600000')"
check "weir run: TIME-WAIT goes by" same 60000 \
	"$(value 'i["time_wait"][0]["age_ms"] + i["time_wait"][0]["expires_ms"]')"
check "weir run: counters" same True "$(value 'i["counters"]["sent-synack"] == 2')"

check "text: half-open" grep -Eq "^SYN-RECEIVED .*198.51.100.7:80 +10.0.2.15:" "$work/text"
check "text: its age" grep -Eq "age:[0-9.]+s retries:0 expires:[0-9.]+s held" "$work/text"
check "text: TIME-WAIT" grep -q "^TIME-WAIT " "$work/text"
check "text: limits" grep -Eq "^destination +198.51.100.7:80 +1 " "$work/text"
check "text: counters" grep -Eq "^ +2  sent-synack +SYN-ACK" "$work/text"
check "text: connections alone by default" answered user_ss
check "text: three lines of it" same 3 "$(wc -l <"$work/out")"
check "text: the connection" grep -Eq "^ESTAB.*:80 .*run bash,pid=$pid$" "$work/out"
check "text: what the engine knows" grep -Eq \
	"rto:[0-9]+ .*cwnd:[0-9]+ .*bytes_received:[1-9]" "$work/out"
check "text: its congestion control and recovery" grep -Eq \
	" rtt:[0-9.]+/[0-9.]+.* cubic mss:.* pipe:[0-9]+ .*recovery:open " "$work/out"

# --- Who does not answer
kill -STOP "$pid"
check "a stopped instance: status" same 1 "$(user_ss)"
check "a stopped instance: named" same "weir ss: process $pid does not answer" "$(cat "$work/err")"
check "a stopped instance: the table" same 1 "$(wc -l <"$work/out")"
kill -CONT "$pid"
hold='import signal, socket, sys
held = []
for _ in range(9):
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	held.append(s)
print("ready", flush=True)
signal.pause()'
start_server "$work/held" python3 -c "$hold" "$user_dir/weir/$pid.sock"
check "clients that do not read lock nobody out" answered user_ss --json
check "and it is there" same "$pid" "$(value 'i["pid"]')"
echo >&7
wait $run_job
check "the program's status" same 3 $?
exec 7>&- 8<&-
check "its socket and folder are gone" same "" "$(ls "$user_dir")"

# --- weir serve: half-open records of a flood, with source and retries
XDG_RUNTIME_DIR=$root_dir "$weir" serve --tun weirss --ip 10.77.0.2/24 --set half_source_max=50 \
	2>"$work/serve.err" &
serve=$!
pids+=($serve)
check "weir serve is listed" until_true 'i["command"] == "serve echo"' root_ss
python3 -c 'import socket, struct
def total(b):
	n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
	n = (n >> 16) + (n & 0xffff)
	return 0xffff & ~(n + (n >> 16))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
there = socket.inet_aton("10.77.0.2")
for k in range(100):
	here = socket.inet_aton("198.18.%d.9" % (k // 10))
	head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, here, there)
	syn = lambda c: struct.pack("!HHIIBBHHH", 1000 + k, 7, k, 0, 5 << 4, 2, 1024, c, 0)
	pseudo = here + there + struct.pack("!HH", 6, 20)
	raw.sendto(head + syn(total(pseudo + syn(0))), ("10.77.0.2", 0))' || failed=1
check "weir serve: all of 100 half-open, in more than one piece" until_true \
	'len(i["half_open"]) == 100' root_ss
check "weir serve: none is there twice" same 100 \
	"$(value 'len({h["remote_port"] for h in i["half_open"]})')"
check "weir serve: ten sources" same 10 \
	"$(value 'len({h["remote_address"] for h in i["half_open"]})')"
check "weir serve: their SYN-ACKs are repeated" until_true \
	'all(h["retries"] > 0 and h["age_ms"] > 0 for h in i["half_open"])' root_ss
check "weir serve: limits by source" same "{('source', '198.18.3.9', 32, 10)}" \
	"$(value '{(l["limit"], l["address"], l["prefix"], l["records"])
		for l in i["sources"] if l["address"] == "198.18.3.9"}')"

# --- Two instances; one dies without a farewell
XDG_RUNTIME_DIR=$root_dir "$weir" serve --tun weirss2 --ip 10.78.0.2/24 --discard 2>/dev/null &
second=$!
pids+=($second)
check "two instances, in order" until_true \
	"{i['pid'] for i in o['instances']} == {$serve, $second}" root_ss
kill -KILL $second
wait $second 2>/dev/null
check "a dead one: its socket is left" test -S "$root_dir/weir/$second.sock"
check "a dead one: no failure" answered root_ss --json
check "a dead one: nothing is said" same "" "$(cat "$work/err")"
check "a dead one: not listed" same "[$serve]" "$(value '[i["pid"] for i in o["instances"]]')"
check "a dead one: its socket is removed" test ! -e "$root_dir/weir/$second.sock"
kill $serve
wait $serve
check "weir serve ends as ever" same 0 $?
check "and leaves nothing" same "" "$(ls "$root_dir")"

# --- Where the folder cannot be used
as_user mkdir -m 755 "$user_dir/weir"
check "a folder open to others is not used" same "weir-$(as_user id -u)" "$(
	XDG_RUNTIME_DIR=$user_dir as_user "$weir" run -- ls "$user_dir/weir" /tmp | grep weir-)"
as_user rmdir "$user_dir/weir"
mount -o remount,ro /tmp
for who in $(each_user); do
	check "no folder at all: the program's status, as $who" same 7 \
		"$(XDG_RUNTIME_DIR=/nowhere status as "$who" "$weir" run -- sh -c 'exit 7')"
	check "no folder at all: nothing is said, as $who" same "" "$(cat "$work/out" "$work/err")"
done
sockets=(sh -c 'ls -l /proc/self/fd | grep -c socket:')
check "the program has none of weir's sockets" same "$("${sockets[@]}")" \
	"$(XDG_RUNTIME_DIR=$user_dir as_user "$weir" run -- "${sockets[@]}")"

# --- Wrong use
check "an unknown option: status" same 2 "$(user_ss --all)"
check "an unknown option: said" matches "no option --all" "$(cat "$work/err")"
check "an argument: status" same 2 "$(user_ss tcp)"
check "help" same 0 "$(user_ss --help)"
finish
