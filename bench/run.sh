#!/usr/bin/env bash
# Measures weir against the kernel and against other rootless networks, in network namespaces of its
# own: no other traffic, no other route. Every subject is measured in each round, so that what the
# machine does beside falls on all of them; the table has medians and ratios.
#
#   bench/run.sh [serve|run]...     both parts by default
#
#   BENCH_RUNS=5       rounds
#   BENCH_SECONDS=2    seconds for each figure
#
# Results go to $WEIR_BUILD_DIR/bench.tsv, one line a figure.
set -euo pipefail
cd "$(dirname "$0")/.."
bench_name=bench
# shellcheck source=bench/lib.sh
. bench/lib.sh
runs=${BENCH_RUNS:-5}
seconds=${BENCH_SECONDS:-2}
peer=$tools/weir-bench-peer
tsv=$WEIR_BUILD_DIR/bench.tsv

# record PART WHAT UNIT SUBJECT VALUE
record() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$tsv"
}

make_networks() {
	make_namespaces
	make_veth 1500 10.77.0.2 10.77.0.1
	ip -n "$near" route add default via 10.77.0.1
	ip netns exec "$near" sysctl -qw net.ipv4.tcp_tw_reuse=1 \
		net.ipv4.ip_local_port_range="1024 65535"
}

# --- weir serve beside the kernel --------------------------------------------------------------

# figures SUBJECT ADDRESS SERVICE MTU: what the client measures against one service.
figures() {
	local subject=$1 address=$2 service=$3 mtu=$4 value parallel size
	case $service in
	discard)
		value=$(in_near "$peer" upload $address 9 $seconds)
		record serve "MTU $mtu: kernel sends" Gbit/s "$subject" $value
		[ $mtu = 1500 ] || return 0
		for parallel in 1 32; do
			value=$(in_near "$peer" connect $address 9 $seconds $parallel)
			record serve "connect and close, $parallel at a time" 1/s "$subject" $value
		done
		;;
	source)
		value=$(in_near "$peer" download $address 19 $seconds)
		record serve "MTU $mtu: kernel receives" Gbit/s "$subject" $value
		;;
	echo)
		[ $mtu = 1500 ] || return 0
		for size in 1 64; do
			value=$(in_near "$peer" rr $address 7 $seconds $size)
			record serve "round trip of $size B, median" us "$subject" $value
		done
		;;
	esac
}

serve_round() {
	local mtu service
	for mtu in 65520 1500; do
		ip -n "$near" link set far mtu $mtu
		ip -n "$far" link set near mtu $mtu
		for service in discard source echo; do
			figures "kernel over veth" 10.77.0.1 $service $mtu
			start serve "Ctrl-C ends it" in_near "$WEIR_BIN" serve --tun weirbench \
				--ip 10.78.0.2/24 --mtu $mtu --$service
			figures "weir over TUN" 10.78.0.2 $service $mtu
			finish "$started" INT
		done
	done
}

# --- weir run beside pasta and slirp4netns -----------------------------------------------------

# The host's address that programs connect to; nothing of it leaves the namespace.
host=10.77.1.1

# iperf SUBJECT WHAT IPERF_OPTION...: the throughput, and the processor time of the program and of
# what carries it (but not of the server), which moves less on a busy machine.
iperf() {
	local subject=$1 what=$2 figures
	shift 2
	{
		TIMEFORMAT='%U %S'
		time via "$subject" iperf3 -c $host -J -t $seconds "$@" \
			>"$tmp/iperf.json" 2>>"$tmp/via.err"
	} 2>"$tmp/iperf.cpu"
	figures=$(python3 - "$tmp/iperf.json" "$tmp/iperf.cpu" <<'PY'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as report, open(sys.argv[2], encoding="utf-8") as cpu:
    received = json.load(report)["end"]["sum_received"]
    seconds = sum(float(x) for x in cpu.read().split())
    print(f"{received['bits_per_second'] / 1e9:.3f} {seconds / received['bytes'] * 1e9:.4f}")
PY
	)
	record run "$what" Gbit/s "$subject" "${figures% *}"
	record run "$what: processor time" s/GB "$subject" "${figures#* }"
}

# via SUBJECT COMMAND...: runs it inside of the subject.
via() {
	local subject=$1
	shift
	case $subject in
	host) (in_near "$@") ;;
	"weir run") (in_near "$WEIR_BIN" run -- "$@") ;;
	pasta)
		(in_near pasta --runas 0 --quiet --log-file "$tmp/pasta.log" --config-net \
			--no-map-gw -- "$@" 2>>"$tmp/via.err")
		;;
	slirp4netns) via_slirp "$@" ;;
	esac
}

via_slirp() {
	local holder slirp
	mkfifo "$tmp/hold" "$tmp/up"
	ip netns exec "$near" unshare --net cat "$tmp/hold" &
	holder=$!
	pids+=($holder)
	exec 8>"$tmp/hold"
	ip netns exec "$near" slirp4netns --configure --mtu=65520 --disable-host-loopback \
		--ready-fd=7 $holder tap0 7>"$tmp/up" 8>&- >/dev/null 2>&1 &
	slirp=$!
	pids+=($slirp)
	head -c 1 "$tmp/up" >/dev/null
	nsenter --target $holder --net "$@" 8>&-
	exec 8>&-
	kill $slirp
	wait $slirp $holder 2>/dev/null || true
	rm "$tmp/hold" "$tmp/up"
}

run_round() {
	local subject value parallel
	for subject in host "weir run" pasta slirp4netns; do
		iperf "$subject" "program sends"
		iperf "$subject" "program receives" -R
		value=$(via "$subject" "$peer" rr $host 7 $seconds 64)
		record run "round trip of 64 B, median" us "$subject" $value
		for parallel in 1 32; do
			value=$(via "$subject" "$peer" connect $host 9 $seconds $parallel)
			record run "connect and close, $parallel at a time" 1/s "$subject" $value
		done
	done
}

# -----------------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] || fail "root is needed to make network namespaces"
parts=("${@:-serve}")
[ $# -gt 0 ] || parts=(serve run)
need ip python3 sysctl
bench_begin
make_networks
: >"$tsv"
for part in "${parts[@]}"; do
	case $part in
	serve)
		start kernel ready in_far "$peer" serve 10.77.0.1
		;;
	run)
		need iperf3 pasta slirp4netns unshare nsenter
		ip -n "$near" addr add $host/32 dev lo
		start iperf listening in_near iperf3 -s -B $host --forceflush
		start plain ready in_near "$peer" serve $host
		;;
	*)
		echo "bench: parts are serve and run" >&2
		exit 2
		;;
	esac
	for round in $(seq $runs); do
		echo "bench: $part, round $round of $runs" >&2
		${part}_round
	done
done
python3 bench/table.py "$tsv"
