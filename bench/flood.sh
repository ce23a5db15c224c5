#!/usr/bin/env bash
# A SYN flood for real: forged SYNs against `weir serve`, the kernel's own listener and lwIP, while
# honest kernel clients connect and want one byte echoed. In network namespaces of its own: no other
# traffic, no way out of them; forged packets have TTL 1 besides.
#
#   bench/flood.sh [OPTION...]
#
#   --subject NAME     what is flooded; may be given again. Without: the five that are there.
#                        weir             weir serve on a TUN; the kernel sends its cookies for it
#                                         (--shield on) if it can
#                        weir:A=1,B=2     the same with these settings (weir serve --set)
#                        weir-noshield    weir serve --shield off; settings as above
#                        kernel-cookies   the kernel over veth, tcp_syncookies=1
#                        kernel-plain     the same with tcp_syncookies=0
#                        kernel-apart     as kernel-cookies; its SYNs are handled on another core
#                                         than the sender's, as weir's are
#                        lwip             lwIP (Debian's) on a TUN
#   --rates LIST       floods, with commas (none,hping3,20000,100000,max,match):
#                        none     no flood
#                        hping3   hping3 --flood --rand-source
#                        N        our sender, N SYNs a second
#                        max      our sender, as fast as it can
#                        match    the rate that max reached against kernel-cookies in this round;
#                                 the kernel slows its sender down, a TUN does not
#   --rounds N         rounds, of which the table has medians (BENCH_RUNS, 3)
#   --seconds N        how long honest clients come, for each figure (BENCH_SECONDS, 3)
#   --honest N         honest clients a second (100)
#   --json FILE        where all figures go, as one JSON object ($WEIR_BUILD_DIR/flood.json)
#   --quick            one round of one second: none, 2000, max; to see that it works
#   --bypass           our sender goes around tc, and so around the shield, straight to the driver
#
# The flood is under way when the first honest client comes and until the last has ended. Each
# figure has a listener and a device of its own. Queue lengths are equal: backlog and SYN backlog
# 1,024 (lwIP has no limit), TUN queue and veth backlog 1,000 packets.
set -euo pipefail
cd "$(dirname "$0")/.."
bench_name=flood
# shellcheck source=bench/lib.sh
. bench/lib.sh

BACKLOG=1024 QUEUE=1000 MTU=1500 PORT=7 LIMIT_MS=3000
TUN_HOST=10.78.0.1 TUN_OWN=10.78.0.2 VETH_HOST=10.77.0.2 VETH_FAR=10.77.0.1
TUN=weirflood
# SYNs that must have come before the first honest client: the queue is full by then.
warm=$((4 * BACKLOG))
# Bound on waiting for a flood to get going.
WARM_SECONDS=10

rounds=${BENCH_RUNS:-3} seconds=${BENCH_SECONDS:-3} honest=100 json=$WEIR_BUILD_DIR/flood.json
rates=none,hping3,20000,100000,max,match
subjects=() bypass=()
matched= # SYNs a second
read_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--quick)
			rounds=1 seconds=1 honest=50 rates=none,2000,max
			warm=$((2 * BACKLOG))
			shift
			continue
			;;
		--bypass)
			bypass=(--bypass)
			shift
			continue
			;;
		--subject | --rates | --rounds | --seconds | --honest | --json)
			[ $# -ge 2 ] || fail "$1 needs a value"
			;;
		*) fail "no option $1 (see the head of bench/flood.sh)" ;;
		esac
		case $1 in
		--subject) subjects+=("$2") ;;
		--rates) rates=$2 ;;
		--rounds) rounds=$2 ;;
		--seconds) seconds=$2 ;;
		--honest) honest=$2 ;;
		--json) json=$2 ;;
		esac
		shift 2
	done
	if [ ${#subjects[@]} = 0 ]; then
		subjects=(weir weir-noshield kernel-cookies kernel-plain)
		if [ -x "$tools/weir-bench-lwip" ]; then
			subjects+=(lwip)
		else
			echo "flood: lwIP was not there at the build (tools/setup.sh bench)" >&2
		fi
	fi
	if [[ ,$rates, == *,hping3,* ]] && ! command -v hping3 >/dev/null; then
		echo "flood: hping3 is missing (tools/setup.sh bench): left out" >&2
		rates=${rates//hping3/}
	fi
}

# --- Networks ----------------------------------------------------------------------------------

# Clients and senders are near; the kernel's listener is far. What answers forged sources ends near:
# there is no forwarding and no route.
make_networks() {
	local ns
	make_namespaces
	for ns in "$near" "$far"; do
		ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=0 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
	ip netns exec "$near" sysctl -qw net.ipv4.tcp_tw_reuse=1 \
		net.ipv4.ip_local_port_range="1024 65535"
	ip netns exec "$far" sysctl -qw net.core.somaxconn=$BACKLOG \
		net.ipv4.tcp_max_syn_backlog=$BACKLOG
	ip -n "$near" route add blackhole default
}

use_veth() {
	make_veth $MTU $VETH_HOST $VETH_FAR
	ip -n "$far" route add default via $VETH_HOST
	device=far target=$VETH_FAR
	mac=$(ip netns exec "$far" cat /sys/class/net/near/address)
}

use_tun() {
	ip -n "$near" tuntap add dev $TUN mode tun
	ip -n "$near" link set $TUN mtu $MTU txqueuelen $QUEUE up
	ip -n "$near" addr add $TUN_HOST/24 dev $TUN
	device=$TUN target=$TUN_OWN mac=
}

# --- What is flooded ---------------------------------------------------------------------------

# listen_with TEXT COMMAND...: in the background, until TEXT is in its output.
listen_with() {
	start listener.log "$@"
	listener=$started
}

# Sets $can_shield: on, or off where the kernel or the build has none.
find_shield() {
	local log=$tmp/probe.log probe
	can_shield=off
	in_near "$WEIR_BIN" serve --tun weirprobe --ip 10.79.0.1/24 --shield on >"$log" 2>&1 &
	probe=$!
	pids+=("$probe")
	if grep -q -m1 "Ctrl-C" < <(tail -n +1 -F --pid=$probe "$log" 2>/dev/null); then
		can_shield=on
	else
		echo "flood: weir without its shield: $(tail -n 1 "$log")" >&2
	fi
	finish $probe INT
}

# start_weir SHIELD SETTINGS
start_weir() {
	local setting set=()
	shield=$1
	for setting in ${2//,/ }; do
		set+=(--set "$setting")
	done
	use_tun
	listen_with "Ctrl-C ends it" in_near "$WEIR_BIN" serve --tun $TUN --ip $TUN_OWN/24 \
		--mtu $MTU --echo --port $PORT --shield "$shield" ${set[@]+"${set[@]}"}
}

# start_kernel COOKIES [CORES]: CORES, a mask, handle what comes over the veth.
start_kernel() {
	use_veth
	ip netns exec "$far" sysctl -qw net.ipv4.tcp_syncookies="$1"
	if [ $# = 2 ]; then
		# shellcheck disable=SC2016 # for the inner shell
		ip netns exec "$far" sh -c 'echo $0 >/sys/class/net/near/queues/rx-0/rps_cpus' "$2"
	fi
	listen_with ready in_far "$tools/weir-bench-peer" serve $VETH_FAR
}

start_subject() {
	shield=off
	case $1 in
	weir) start_weir "$can_shield" "" ;;
	weir:*) start_weir "$can_shield" "${1#weir:}" ;;
	weir-noshield) start_weir off "" ;;
	weir-noshield:*) start_weir off "${1#weir-noshield:}" ;;
	kernel-cookies) start_kernel 1 ;;
	kernel-plain) start_kernel 0 ;;
	kernel-apart) start_kernel 1 2 ;; # the second core; the sender is on the first
	lwip)
		[ -x "$tools/weir-bench-lwip" ] || fail "lwip: liblwip-dev was missing at the build"
		use_tun
		listen_with ready in_near "$tools/weir-bench-lwip" $TUN $TUN_OWN $PORT
		;;
	*) fail "no subject '$1' (see the head of bench/flood.sh)" ;;
	esac
}

stop_subject() {
	finish "$listener" INT
	ip -n "$near" link del $device # a veth takes its far end with it
}

# --- Floods ------------------------------------------------------------------------------------

counter() {
	ip netns exec "$near" cat /sys/class/net/$device/statistics/"$1"
}

# Sets $shielded: SYNs that the kernel has answered for weir, which are in no counter of the device;
# and $shielded_us: when that was, to a tenth of a second.
read_shielded() {
	shielded=0 shielded_us=${EPOCHREALTIME/./}
	[ "$shield" = on ] || return 0
	ip netns exec "$near" "$WEIR_BIN" ss --json >"$tmp/ss.json"
	shielded_us=${EPOCHREALTIME/./}
	shielded=$(python3 -c 'import json, sys
for one in json.load(open(sys.argv[2]))["instances"]:
    if one["pid"] == int(sys.argv[1]):
        print(one["counters"].get("front-cookie", 0))' "$listener" "$tmp/ss.json")
}

# start_flood LOAD: sets $sender to its process, or to nothing.
start_flood() {
	local command=() rate until=$((EPOCHSECONDS + WARM_SECONDS))
	sender=
	: >"$tmp/sender.json"
	case $1 in
	none) return ;;
	hping3)
		command=(hping3 -q -n -S -p $PORT -t 1 --flood --rand-source -I $device $target)
		;;
	*)
		command=("$tools/weir-bench-syn" --device $device --to $target --port $PORT
			--seconds 600 --json)
		rate=$1
		if [ "$1" = match ]; then
			rate=${matched:?match needs max before it and subject kernel-cookies}
		fi
		[ "$rate" = max ] || command+=(--rate "$rate")
		command+=(${bypass[@]+"${bypass[@]}"})
		[ -z "$mac" ] || command+=(--mac "$mac")
		;;
	esac
	[ "$subject" != kernel-apart ] || command=(taskset -c 0 "${command[@]}")
	in_near "${command[@]}" >"$tmp/sender.json" 2>"$tmp/sender.err" </dev/null &
	sender=$!
	pids+=("$sender")
	# A listener that drowns may take in fewer than that; then it is full all the same.
	read_shielded
	while [ $(($(counter tx_packets) + shielded)) -lt $warm ] &&
		[ $EPOCHSECONDS -lt $until ]; do
		kill -0 $sender 2>/dev/null || {
			cat "$tmp/sender.err" >&2
			fail "'${command[*]}' ended"
		}
		read_shielded
	done
}

# stop_flood LOAD
stop_flood() {
	[ -z "$sender" ] || finish "$sender" INT
	# hping3 writes words for people; the counters of the device speak for it.
	grep -q '^{' "$tmp/sender.json" || echo null >"$tmp/sender.json"
	if [ "$subject $1" = "kernel-cookies max" ]; then
		matched=$(sed -n 's/.*"offered_per_s": \([0-9]*\).*/\1/p' "$tmp/sender.json")
	fi
}

# --- Figures -----------------------------------------------------------------------------------

# A file NAME with numbers of now: ticks of the listener's processor time and of the machine's soft
# interrupts, packets to the listener and back, microseconds.
snapshot() {
	local stat cpu
	read_shielded
	stat=$(cat "/proc/$listener/stat")
	# shellcheck disable=SC2206 # words on purpose
	stat=(${stat##*) })
	read -ra cpu </proc/stat
	printf '{"listener_ticks": %s, "softirq_ticks": %s, "to_listener": %s, ' \
		$((stat[11] + stat[12])) "${cpu[7]}" "$(counter tx_packets)"
	printf '"shielded": %s, "shielded_us": %s, ' "$shielded" "$shielded_us"
	printf '"from_listener": %s, "lost": %s, "us": %s}\n' "$(counter rx_packets)" \
		"$(counter tx_dropped)" "${EPOCHREALTIME/./}"
}

rss_kb() {
	awk '/^VmRSS:/ {print $2}' "/proc/$listener/status"
}

# The kernel's records are not in its listener's memory.
half_open() {
	case $subject in
	kernel*) ip netns exec "$far" ss -Htn state syn-recv | wc -l ;;
	*) echo null ;;
	esac
}

run_honest() {
	in_near "$tools/weir-bench-honest" --to $target --port $PORT \
		--count $((honest * seconds)) --rate "$honest" --limit-ms $LIMIT_MS \
		>"$tmp/honest.json" &
	clients=$!
	pids+=("$clients")
	# In the background, so that Ctrl-C is heard at once.
	wait $clients || fail "honest clients could not run"
	forget $clients
}

# measure SUBJECT LOAD ROUND: one line of JSON in measurements.
measure() {
	local load=$2 rss before
	subject=$1
	start_subject "$subject"
	rss=$(rss_kb)
	start_flood "$load"
	before=$(snapshot)
	run_honest
	printf '{"subject": "%s", "load": "%s", "round": %s, "before": %s, "after": %s, ' \
		"$subject" "$load" "$3" "$before" "$(snapshot)" >>"$tmp/measurements"
	printf '"rss_before_kb": %s, "rss_after_kb": %s, "half_open": %s, "honest": %s, ' \
		"$rss" "$(rss_kb)" "$(half_open)" "$(cat "$tmp/honest.json")" >>"$tmp/measurements"
	stop_flood "$load"
	printf '"sender": %s}\n' "$(cat "$tmp/sender.json")" >>"$tmp/measurements"
	stop_subject
}

# -----------------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || enter_user_namespace "$PWD/bench/flood.sh" "$@"
read_options "$@"
need ip python3 sysctl awk ss taskset
[ -c /dev/net/tun ] || fail "/dev/net/tun is missing (modprobe tun)"
bench_begin
make_networks
find_shield
: >"$tmp/measurements"
for round in $(seq "$rounds"); do
	echo "flood: round $round of $rounds" >&2
	for load in ${rates//,/ }; do
		for name in "${subjects[@]}"; do
			measure "$name" "$load" "$round"
		done
	done
done
python3 bench/flood_table.py "$tmp/measurements" "$json"
