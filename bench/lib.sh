# What the benchmarks share that make network namespaces of their own: two of them, near and far,
# with nothing in them that leads out; processes in the background that end with the script.
#
#   bench_name=NAME; . bench/lib.sh; bench_begin     at the head of a script, in the project's root
#
# Afterwards: $near and $far (namespaces, not made yet), $tmp (a folder), $WEIR_BUILD_DIR,
# $WEIR_BIN, $tools (the bench programs). All of it goes when the script ends, however it ends.
# shellcheck shell=bash disable=SC2034,SC2154 # variables for and of the scripts

: "${WEIR_BUILD_DIR:=$PWD/build}"
: "${WEIR_BIN:=$WEIR_BUILD_DIR/weir}"
tools=$WEIR_BUILD_DIR/bench
near=weir$bench_name-$$ far=weir$bench_name-far-$$
pids=() tmp='' started=''

fail() {
	echo "$bench_name: $*" >&2
	exit 1
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || fail "$tool is missing (tools/setup.sh bench)"
	done
}

bench_clean() {
	local pid
	for pid in ${pids[@]+"${pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
	ip netns del "$near" 2>/dev/null || true
	ip netns del "$far" 2>/dev/null || true
	[ -z "$tmp" ] || rm -rf "$tmp"
}

bench_begin() {
	tmp=$(mktemp -d)
	trap bench_clean EXIT
	trap 'exit 130' INT TERM
}

# An ordinary user is root in a user namespace of his own; ip(8) keeps its names in /run.
# enter_user_namespace SCRIPT ARGUMENT...: runs the script again, there.
enter_user_namespace() {
	unshare -Urmn true 2>/dev/null || fail "neither root nor a user namespace can be had"
	# shellcheck disable=SC2016 # for the inner shell
	exec unshare -Urmn bash -c 'mount -t tmpfs tmpfs /run && exec bash "$0" "$@"' "$@"
}

# Both namespaces with loopback up, no IPv6 and nothing remembered of earlier connections.
make_namespaces() {
	local ns
	for ns in "$near" "$far"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
		ip netns exec "$ns" sysctl -qw net.ipv4.tcp_no_metrics_save=1 \
			net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	done
}

# make_veth MTU ADDRESS_NEAR ADDRESS_FAR: devices `far` in near and `near` in far, 24 bits.
make_veth() {
	ip -n "$near" link add far type veth peer name near netns "$far"
	ip -n "$near" addr add "$2/24" dev far
	ip -n "$far" addr add "$3/24" dev near
	ip -n "$near" link set far mtu "$1" up
	ip -n "$far" link set near mtu "$1" up
}

in_near() {
	exec ip netns exec "$near" "$@"
}
in_far() {
	exec ip netns exec "$far" "$@"
}

# start LOG TEXT COMMAND...: in the background, until TEXT is in its output, which goes to $tmp/LOG;
# $started is its process. Standard output goes to $start_stdout instead, if that is set.
start() {
	local log=$tmp/$1 text=$2
	shift 2
	: >"$log"
	"$@" >>"${start_stdout:-$log}" 2>>"$log" </dev/null &
	started=$!
	pids+=("$started")
	grep -q -m1 -e "$text" < <(tail -n +1 -F --pid="$started" "$log" 2>/dev/null) || {
		cat "$log" >&2
		fail "'$*' does not start"
	}
}

# forget PID: it has ended and been waited for, so its number may be another's.
forget() {
	local pid rest=()
	for pid in ${pids[@]+"${pids[@]}"}; do
		[ "$pid" = "$1" ] || rest+=("$pid")
	done
	pids=(${rest[@]+"${rest[@]}"})
}

# finish PID SIGNAL: ends it and waits. Its status does not matter here.
finish() {
	kill "-$2" "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
	forget "$1"
}
