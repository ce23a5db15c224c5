#!/usr/bin/env bash
# weir against the kernel on imperfect paths: goodput, retransmissions and completion times, kernel
# to kernel and weir to kernel in both directions, over the same seeded path.
#
#   bench/loss.sh [OPTION...]
#
#   --quick            four cells, one round, 3 s, 10 KB and 100 KB; to see that it works
#   --loss LIST        percent lost, each way: 0,0.1,1,3
#   --rtt LIST         round-trip times in ms: 1,20,100
#   --reorder LIST     percent held back, each way: 0,5
#   --cell L:T:R       this cell only; may be given again
#   --cc LIST          cubic, bbr (cubic)
#   --parallel N       paths of a cell at a time, with other seeds; auto: as many as stay below half
#                      of the rate together, 8 at most (auto)
#   --jobs N           cells at a time, each in namespaces of its own; two cores can take four (1)
#   --way LIST         down (the server sends), up (the client; it is always the kernel's): down,up
#   --rounds N         of which the table has medians (3)
#   --seconds N        of bulk transfer for each figure (10)
#   --sizes LIST       of timed transfers, in bytes; none: "" (10000,100000,1000000,100000000)
#   --rate N           of the bottleneck, Mbit/s each way (100)
#   --set NAME=VALUE   a setting of weir; may be given again
#   --path OPTION      more for weir-bench-path, as "--aqm codel"; may be given again
#   --seed N           of the paths (1); round and cell are added
#   --json FILE        all figures, as one JSON object ($WEIR_BUILD_DIR/loss.json)
#   --markdown FILE    the tables ($WEIR_BUILD_DIR/loss.md), which are printed too
#
# The path: weir-bench-path between two namespaces, without offload, MTU 1500, a drop-tail queue of
# one bandwidth-delay product, but at least 64 packets of 1500 bytes. Held back means: for an eighth
# of the round-trip time, at least 0.25 ms. weir is behind a TUN in the far namespace and is reached
# through the kernel's forwarding, one hop more than the kernel's own server has. Windows: the
# kernel's buffers have 8 MB at most, of which it offers half; weir's have 4 MB. Nothing is
# remembered from connection to connection. Within a cell and round subjects take turns, on paths
# that lose the same packets by number. Paths at a time have namespaces and servers in common but
# neither devices nor bottleneck. Path, servers and clients have a real-time priority where
# that can be had, so that what else runs on the machine delays neither stack. Nothing leaves the
# two namespaces.
# shellcheck disable=SC2086 # $urgently is words
set -euo pipefail
cd "$(dirname "$0")/.."
bench_name=loss
# shellcheck source=bench/lib.sh
. bench/lib.sh

# Path number K: 10.79.K.1 near, 10.79.K.2 far; weir behind it is 10.80.K.2.
NEAR_NET=10.79 WEIR_NET=10.80 HOST_IP=10.80.255.1
MTU=1500 QUEUE_MIN=96000 # bytes: 64 packets
HOLD_MIN_US=250
KERNEL_BUFFER=8388608 WEIR_BUFFER=4190208
# Bound on one timed transfer; what is expected to take longer is left out. Time for all of a size.
LIMIT_S=30 BUDGET_S=6
MOST=10 # transfers of a size

PARALLEL_MAX=8
losses=0,0.1,1,3 rtts=1,20,100 reorders=0,5 ccs=cubic ways=down,up
jobs=1 parallel=auto rounds=3 seconds=10 sizes=10000,100000,1000000,100000000 rate=100 seed=1
json='' markdown=''
cells=() settings=() more=()

quick() {
	cells=(0:20:0 1:1:0 1:20:0 0:20:5)
	rounds=1 seconds=3 sizes=10000,100000 BUDGET_S=1
}

read_options() {
	while [ $# -gt 0 ]; do
		[ "$1" = --quick ] || [ $# -ge 2 ] || fail "$1 needs a value"
		case $1 in
		--quick) quick && shift && continue ;;
		--loss) losses=$2 ;;
		--rtt) rtts=$2 ;;
		--reorder) reorders=$2 ;;
		--cell) cells+=("$2") ;;
		--cc) ccs=$2 ;;
		--parallel) parallel=$2 ;;
		--jobs) jobs=$2 ;;
		--way) ways=$2 ;;
		--rounds) rounds=$2 ;;
		--seconds) seconds=$2 ;;
		--sizes) sizes=$2 ;;
		--rate) rate=$2 ;;
		--set) settings+=("$2") ;;
		--path)
			# shellcheck disable=SC2206 # words on purpose
			more+=($2)
			;;
		--seed) seed=$2 ;;
		--json) json=$2 ;;
		--markdown) markdown=$2 ;;
		*) fail "no option $1 (see the head of bench/loss.sh)" ;;
		esac
		shift 2
	done
	: "${json:=$WEIR_BUILD_DIR/loss.json}" "${markdown:=$WEIR_BUILD_DIR/loss.md}"
	[ ${#cells[@]} -gt 0 ] || list_cells
	# One of several jobs has its share of the cells, and only adds to the figures.
	[ -z "${WEIR_LOSS_CELLS:-}" ] || read -ra cells <<<"$WEIR_LOSS_CELLS"
}

list_cells() {
	local loss rtt reorder
	for reorder in ${reorders//,/ }; do
		for rtt in ${rtts//,/ }; do
			for loss in ${losses//,/ }; do
				cells+=("$loss:$rtt:$reorder")
			done
		done
	done
}

# calc EXPRESSION: a whole number.
calc() {
	awk "BEGIN {printf \"%d\", $1}"
}

# --- Networks ----------------------------------------------------------------------------------

# Both ends may have whole windows in flight; nothing else is set but what the head says.
make_networks() {
	local ns buffers="4096 131072 $KERNEL_BUFFER"
	make_namespaces
	for ns in "$near" "$far"; do
		ip netns exec "$ns" sysctl -qw net.ipv4.tcp_rmem="$buffers" \
			net.ipv4.tcp_wmem="4096 65536 $KERNEL_BUFFER" \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
	ip netns exec "$near" sysctl -qw net.ipv4.tcp_tw_reuse=1 \
		net.ipv4.ip_local_port_range="1024 65535"
	ip netns exec "$far" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$far" tuntap add dev weir0 mode tun
	ip -n "$far" link set weir0 mtu $MTU txqueuelen 4096 up
	ip -n "$far" addr add $HOST_IP/16 dev weir0
}

# path_options LOSS RTT REORDER: sets $options.
path_options() {
	local queue hold_us
	queue=$(calc "$rate * $2 * 125")
	[ "$queue" -ge $QUEUE_MIN ] || queue=$QUEUE_MIN
	hold_us=$(calc "$2 * 125")
	[ "$hold_us" -ge $HOLD_MIN_US ] || hold_us=$HOLD_MIN_US
	options=(--rate "${rate}mbit" --delay "$(calc "$2 * 500")us" --queue "$queue"
		--mtu "$MTU")
	[ "$1" = 0 ] || options+=(--loss "$1%")
	[ "$3" = 0 ] || options+=(--reorder "$3%:${hold_us}us")
	options+=(${more[@]+"${more[@]}"})
}

# start_paths LOSS RTT REORDER SEED: as many as $abreast says; sets $paths.
start_paths() {
	local k options
	path_options "$1" "$2" "$3"
	paths=()
	for ((k = 0; k < abreast; k++)); do
		: >"$tmp/path-$k.json"
		start_stdout=$tmp/path-$k.json start path.err ready \
			$urgently "$tools/weir-bench-path" "${options[@]}" --seed $(($4 + 2 * k)) \
			--a "$near,far$k,$NEAR_NET.$k.1/24" --b "$far,near$k,$NEAR_NET.$k.2/24"
		paths+=("$started")
		ip -n "$near" route add $WEIR_NET.$k.2/32 via $NEAR_NET.$k.2 dev far$k
	done
}

# start_server STACK CC: sets $server, and $net, in which it is number 2 of each path.
start_server() {
	local k settings_now=("sndbuf=$WEIR_BUFFER" "rcvbuf=$WEIR_BUFFER") addresses=()
	case $1 in
	kernel)
		net=$NEAR_NET
		start server.err ready in_far $urgently "$tools/weir-bench-peer" serve 0.0.0.0 "$2"
		;;
	weir)
		net=$WEIR_NET
		settings_now+=("$(weir_cc "$2")" ${settings[@]+"${settings[@]}"})
		for ((k = 0; k < abreast; k++)); do
			addresses+=("$WEIR_NET.$k.2/16")
		done
		start server.err ready in_far $urgently "$tools/weir-bench-weir" weir0 $MTU \
			"${addresses[@]}" "${settings_now[@]}"
		;;
	esac
	server=$started
}

# paths_abreast CC LOSS RTT: how many paths of this cell can be measured at a time: by Mathis'
# formula, 1.22 * MSS / (RTT * sqrt(p)), what a flow reaches at most, and half of $rate for all
# together. BBR goes on at the rate.
paths_abreast() {
	if [ "$parallel" != auto ]; then
		echo "$parallel"
		return
	fi
	if [ "$1" = bbr ]; then
		echo 1
		return
	fi
	awk -v loss="$2" -v rtt="$3" -v rate="$rate" -v most=$PARALLEL_MAX 'BEGIN {
		flow = loss > 0 ? 1.22 * 1448 * 8 / 1000 / rtt / sqrt(loss / 100) : rate
		n = int(rate / 2 / flow)
		print (n < 1 ? 1 : n > most ? most : n)
	}'
}

weir_cc() {
	case $1 in
	bbr) echo cc=2 ;;
	*) echo cc=1 ;;
	esac
}

# --- Figures -----------------------------------------------------------------------------------

# transfer CC ARGUMENT...: on all paths at a time; what the clients print is in
# $tmp/transfer-K.json.
transfer() {
	local k client clients=()
	for ((k = 0; k < abreast; k++)); do
		in_near $urgently "$tools/weir-bench-transfer" "$net.$k.2" "$@" \
			>"$tmp/transfer-$k.json" &
		clients+=($!)
		pids+=($!)
	done
	# In the background, so that Ctrl-C is heard at once.
	for client in "${clients[@]}"; do
		wait "$client" || fail "the client could not run"
		forget "$client"
	done
}

# times CC RTT_MS WAY: sets $lists, an object for each size on each path. The kernel's goodput in
# this cell and round says how many there is time for, for both.
times() {
	local k size need_ms count verb=fetch
	[ "$3" = down ] || verb=store
	lists=()
	for ((k = 0; k < abreast; k++)); do
		lists[k]=
	done
	for size in ${sizes//,/ }; do
		need_ms=$(calc "$size * 8 / ($expected_kbit + 1) + 4 * $2")
		count=$(calc "$BUDGET_S * 1000 / ($need_ms + 1)")
		[ "$count" -ge 1 ] || count=1
		[ "$count" -le $MOST ] || count=$MOST
		if [ "$need_ms" -le $((LIMIT_S * 1000)) ]; then
			transfer "$1" $verb "$size" "$count" $((LIMIT_S * 2))
		fi
		for ((k = 0; k < abreast; k++)); do
			if [ "$need_ms" -le $((LIMIT_S * 1000)) ]; then
				lists[k]+=", $(cat "$tmp/transfer-$k.json")"
			else
				lists[k]+=', {"left_out": true, "times": [], '
				lists[k]+="\"bytes\": $size}"
			fi
		done
	done
}

# The kernel's goodput, kbit/s, of the paths' mean.
expect() {
	sed -n 's/.*"bytes": \([0-9]*\).*/\1/p' "$tmp"/transfer-*.json |
		awk -v ms=$((seconds * 1000)) '{sum += $1} END {printf "%d", sum * 8 / NR / ms}'
}

# measure CC CELL ROUND STACK WAY: a line of JSON for each path in measurements.
measure() {
	local k loss rtt reorder bulk=()
	IFS=: read -r loss rtt reorder <<<"$2"
	abreast=$(paths_abreast "$1" "$loss" "$rtt")
	rm -f "$tmp"/transfer-*.json
	start_paths "$loss" "$rtt" "$reorder" $((seed + $3 * 1000))
	start_server "$4" "$1"
	transfer "$1" "$5" "$seconds"
	for ((k = 0; k < abreast; k++)); do
		bulk+=("$(cat "$tmp/transfer-$k.json")")
	done
	[ "$4" != kernel ] || expected_kbit=$(expect)
	times "$1" "$rtt" "$5"
	for k in "${paths[@]}"; do
		finish "$k" TERM
	done
	finish "$server" TERM
	for ((k = 0; k < abreast; k++)); do
		printf '{"cc": "%s", "loss": %s, "rtt_ms": %s, "reorder": %s, "round": %s, ' \
			"$1" "$loss" "$rtt" "$reorder" "$3"
		printf '"stack": "%s", "way": "%s", "bulk": %s, "sizes": [%s], "path": %s}\n' \
			"$4" "$5" "${bulk[k]}" "${lists[k]#, }" "$(cat "$tmp/path-$k.json")"
	done >>"$tmp/measurements"
}

# share_cells ARGUMENT...: each job measures every $jobs-th cell; all figures are in measurements.
share_cells() {
	local job k share pid workers=()
	for ((job = 0; job < jobs; job++)); do
		share=
		for ((k = job; k < ${#cells[@]}; k += jobs)); do
			share+="${cells[k]} "
		done
		[ -n "$share" ] || continue
		WEIR_LOSS_CELLS=$share WEIR_LOSS_RAW=$tmp/raw-$job bash bench/loss.sh "$@" &
		workers+=($!)
		pids+=($!)
	done
	for pid in "${workers[@]}"; do
		wait "$pid" || fail "one of the jobs has failed"
		forget "$pid"
	done
	cat "$tmp"/raw-* >"$tmp/measurements"
}

tell_time() {
	local each n_ways n_ccs n_sizes
	n_ways=$(wc -w <<<"${ways//,/ }")
	n_ccs=$(wc -w <<<"${ccs//,/ }")
	n_sizes=$(wc -w <<<"${sizes//,/ }")
	each=$((seconds + n_sizes * BUDGET_S + 1))
	echo "loss: ${#cells[@]} cells, $rounds rounds: about $(calc \
		"${#cells[@]} * $rounds * $n_ways * $n_ccs * 2 * $each / 60 + 1") minutes" >&2
}

# -----------------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || enter_user_namespace "$PWD/bench/loss.sh" "$@"
read_options "$@"
need ip python3 sysctl awk chrt
[ -c /dev/net/tun ] || fail "/dev/net/tun is missing (modprobe tun)"
bench_begin
: >"$tmp/measurements"
if [ "$jobs" -gt 1 ] && [ -z "${WEIR_LOSS_RAW:-}" ]; then
	share_cells "$@"
	python3 bench/loss_table.py "$tmp/measurements" "$json" "$markdown"
	exit
fi
make_networks
urgently=
! chrt -r 1 true 2>/dev/null || urgently="chrt -r 1"
tell_time
for round in $(seq "$rounds"); do
	for cc in ${ccs//,/ }; do
		for cell in "${cells[@]}"; do
			echo "loss: round $round of $rounds, $cc, $cell" >&2
			for way in ${ways//,/ }; do
				for stack in kernel weir; do
					measure "$cc" "$cell" "$round" $stack "$way"
				done
			done
		done
	done
done
if [ -n "${WEIR_LOSS_RAW:-}" ]; then
	cp "$tmp/measurements" "$WEIR_LOSS_RAW"
	exit
fi
python3 bench/loss_table.py "$tmp/measurements" "$json" "$markdown"
