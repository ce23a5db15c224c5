#!/usr/bin/env bash
# SYN cookies in the kernel (weir serve --shield): kernel clients connect through it, with and
# without timestamps; what is weir's own stays weir's; it begins and ends with the flood, ends with
# weir, and says so where it cannot be had.
. "$(dirname "$0")/lib.sh"
interop_start 1500

# --- What cannot be

# refused STATUS TEXT OPTION...
refused() {
	local want=$1 text=$2
	shift 2
	start refused inside "$WEIR_BIN" serve "$@"
	status $started
	check "serve $*: status $want" equal $ended "$want"
	check "serve $*: says '$text'" grep -q -e "$text" "$tmp/refused.err"
}

refused 2 "auto, on or off" --tun weirown --ip 10.98.0.1/24 --shield maybe
refused 2 "no SYN cookies are sent" --tun weirown --ip 10.98.0.1/24 --shield on --set cookies=0

# --- Tools

# serve OPTION...: runs it until its listening line; $served is its process id.
serve() {
	start serve inside "$WEIR_BIN" serve "$@"
	served=$started
	await $served "$tmp/serve.err" "Ctrl-C ends it"
}

# counter NAME: of the weir that serves.
counter() {
	inside "$WEIR_BIN" ss --json >"$tmp/ss.json" &
	wait $!
	python3 -c 'import json, sys
for one in json.load(open(sys.argv[3]))["instances"]:
    if one["pid"] == int(sys.argv[2]):
        print(one["counters"].get(sys.argv[1], 0))' "$1" "$served" "$tmp/ss.json"
}

# counter_reaches NAME N: it does so within ten seconds.
counter_reaches() {
	local until=$((EPOCHSECONDS + 10))
	while [ "$(counter "$1")" -lt "$2" ]; do
		[ $EPOCHSECONDS -lt $until ] || return 1
	done
}

stop() {
	kill -INT $served
	status $served
	check "... ends with 0 on SIGINT" equal $ended 0
}

echo_once() {
	start client kernel_peer connect "$1" 7
	status $started
	check "$2: orderly" equal $ended 0
	check "$2: the same bytes come back" same "$tmp/client.out" "$tmp/client.in"
}

programs() {
	ip netns exec $ns tc filter show dev "$1" egress | grep -c weir_shield || true
}

head -c 300000 /dev/urandom >"$tmp/client.in"

# --- Where it cannot be had: said by on, and auto does without

if ! serve --tun weirown --ip 10.98.0.1/24 --shield on; then
	status $served
	check "--shield on, but it cannot be: status 1" equal $ended 1
	check "--shield on, but it cannot be: says why" \
		grep -q -E -e "--shield on: .*(not permitted|built without|clsact)" \
		"$tmp/serve.err"
	serve --tun weirown --ip 10.98.0.1/24 --set cookies=2
	echo_once 10.98.0.1 "--shield auto without a shield"
	stop
	interop_end
	exit 0
fi

# --- A device of weir's own, each SYN answered by the kernel

stop
serve --tun weirown --ip 10.98.0.1/24 --ip6 fd98::2/64 --set cookies=2 # auto
check "a device of its own: the program is there" equal "$(programs weirown)" 1
for timestamps in 1 0; do
	ip netns exec $ns sysctl -qw net.ipv4.tcp_timestamps=$timestamps
	for address in 10.98.0.1 10.98.0.1 fd98::2; do
		echo_once $address "through the kernel to $address, timestamps $timestamps"
	done
done
ip netns exec $ns sysctl -qw net.ipv4.tcp_timestamps=1
check "the kernel answered all six" counter_reaches front-cookie 6
check "... and weir none itself" equal "$(counter syn-cookie)" 0
check "all six cookies were taken" equal "$(counter opened-cookie)" 6
check "no checksum was wrong" equal "$(kernel_counter InCsumErrors)" 0
stop
check "weir says how many" grep -q "the kernel answered 6 SYNs with cookies" "$tmp/serve.err"

serve --tun weirown --ip 10.98.0.1/24 --explain
check "--explain: auto leaves the kernel out of it" equal "$(programs weirown)" 0
stop

# --- A device of somebody else's

serve --tun $TUN --ip $W4/24 --set cookies=2
check "a device that was there: auto leaves it alone" equal "$(programs $TUN)" 0
stop
serve --tun $TUN --ip $W4/24 --set cookies=2 --shield on
check "a device that was there: on" equal "$(programs $TUN)" 1
echo_once $W4 "on a device that was there"

# From another host, forwarded: first with checksums that the devices on the way complete, then with
# whole ones.
far=$ns-far
ip netns add $far
trap 'ip netns del $far 2>/dev/null || true; interop_clean' EXIT
ip -n $ns link add towards type veth peer name back netns $far
ip -n $ns addr add 10.97.0.1/24 dev towards
ip -n $ns link set towards up
ip -n $far addr add 10.97.0.2/24 dev back
ip -n $far link set back up
ip -n $far route add default via 10.97.0.1
ip netns exec $ns sysctl -qw net.ipv4.ip_forward=1
for offload in 1 0; do
	ip netns exec $far python3 - $offload <<'PY'
import array, fcntl, socket, struct, sys
ETHTOOL_STXCSUM, SIOCETHTOOL = 0x17, 0x8946
value = array.array("I", [ETHTOOL_STXCSUM, int(sys.argv[1])])
request = struct.pack("16sP", b"back", value.buffer_info()[0])
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), SIOCETHTOOL, request)
PY
	answered=$(counter front-cookie)
	start client ip netns exec $far "$here/kernel_peer.py" connect $W4 7
	status $started
	check "forwarded, checksum offload $offload: orderly" equal $ended 0
	check "forwarded, checksum offload $offload: the same bytes come back" \
		same "$tmp/client.out" "$tmp/client.in"
	check "forwarded, checksum offload $offload: by the kernel" \
		counter_reaches front-cookie $((answered + 1))
done
ip netns del $far

# The pair of a connection: a SYN for it is weir's (RFC 5961 4.2). From a raw socket, since no other
# sends one.
mkfifo "$tmp/held.in"
start held kernel_peer connect $W4 7 --from-port 4567
exec 5>"$tmp/held.in"
held=$started
check "a second connection is open" counter_reaches opened-cookie 4
check "... and reported" counter_reaches front-cookie 4
ip netns exec $ns python3 - $K4 $W4 <<'PY'
import socket, struct, sys
local, remote = (socket.inet_aton(a) for a in sys.argv[1:3])
def total(data):
    words = sum(struct.unpack(f"!{len(data) // 2}H", data))
    words = (words >> 16) + (words & 0xffff)
    return ~(words + (words >> 16)) & 0xffff
head = struct.pack("!HHIIBBH", 4567, 7, 1, 0, 0x50, 2, 1000)
pseudo = local + remote + struct.pack("!BBH", 0, 6, 20)
syn = head + struct.pack("!HH", total(pseudo + head + bytes(4)), 0)
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, local, remote)
s.sendto(ip + syn, (sys.argv[2], 0))
PY
check "a SYN of an open connection goes to weir" counter_reaches syn-challenged 1
check "... and the kernel answers it not" equal "$(counter front-cookie)" 4
exec 5>&-
status $held

# Killed, weir leaves its program on a device that is not its own: it may not answer for nobody.
kill -KILL $served
status $served
check "killed: the program is still there" equal "$(programs $TUN)" 1
syn_ack_stops() {
	local until=$((EPOCHSECONDS + 10))
	# While the kernel answers, connect() has an end at once.
	while ip netns exec $ns python3 -c 'import socket, sys
s = socket.socket()
s.settimeout(0.5)
sys.exit(s.connect_ex((sys.argv[1], 7)) != 0)' $W4; do
		[ $EPOCHSECONDS -lt $until ] || return 1
	done
}
check "killed: nobody answers any more" syn_ack_stops
serve --tun $TUN --ip $W4/24 --shield on --set halfs_max=16 --set half_retries=0 \
	--set rto_initial_ms=500
check "started again: one program, the new one" equal "$(programs $TUN)" 1

# --- Cookie mode begins with a flood and ends after it

echo_once $W4 "no flood: a record"
check "no flood: weir answers itself" equal "$(counter front-cookie) $(counter sent-synack)" "0 1"
sender=$WEIR_BUILD_DIR/bench/weir-bench-syn
if [ -x "$sender" ]; then
	ip -n $ns route add blackhole default
	start flood inside "$sender" --device $TUN --to $W4 --port 7 --rate 2000 --seconds 600
	flood=$started
	check "a flood: the kernel answers" counter_reaches front-cookie 3000
	for i in 1 2 3; do
		echo_once $W4 "in the flood, $i"
	done
	check "in the flood: the mode began once" equal "$(counter cookie-modes)" 1
	kill -INT $flood
	status $flood
	# A record lives half a second here: then weir answers itself again.
	ended_mode() {
		local until=$((EPOCHSECONDS + 10)) before
		before=$(counter sent-synack)
		while [ "$(counter sent-synack)" = "$before" ]; do
			start after kernel_peer connect $W4 7
			status $started
			[ $EPOCHSECONDS -lt $until ] || return 1
		done
	}
	check "after the flood the mode ends" ended_mode
else
	echo "        (no flood: weir-bench-syn was not built)"
fi
stop
check "orderly ended: the program is gone" equal "$(programs $TUN)" 0

interop_end
