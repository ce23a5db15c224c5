# Shared by the interoperation tests: one network namespace with one TUN device, the kernel's TCP on
# one side of it and weir's on the other. Sourced, not run.
#
#   kernel's end  10.99.0.1, fd99::1      weir's end  10.99.0.2, fd99::2
#
# A script says `interop_start MTU`, runs its checks, and ends with `interop_end`. Everything that
# was made goes when the script ends, however it ends.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${WEIR_BIN:=$root/build/weir}"
: "${WEIR_BUILD_DIR:=$(dirname "$WEIR_BIN")}"

K4=10.99.0.1 W4=10.99.0.2 K6=fd99::1 W6=fd99::2
TUN=weirtest
ns= tmp= pids=() checks=0 failures=0

skip() {
	echo "skipped: $*"
	exit 77
}

interop_clean() {
	local pid
	for pid in ${pids[@]+"${pids[@]}"}; do
		kill "$pid" 2>/dev/null || true
	done
	[ -z "$ns" ] || ip netns del "$ns" 2>/dev/null || true
	[ -z "$tmp" ] || rm -rf "$tmp"
}

# What runs in the namespace. `exec`, so that $! of a background call is the program itself.
inside() {
	exec ip netns exec "$ns" "$@"
}

device_up() {
	ip -n "$ns" tuntap add dev $TUN mode tun
	ip -n "$ns" link set $TUN mtu "$1" txqueuelen 4096 up
	ip -n "$ns" addr add $K4/24 dev $TUN
	ip -n "$ns" addr add $K6/64 dev $TUN nodad
}

# An ordinary user is root in a user namespace of his own; ip(8) keeps its names in /run.
enter_user_namespace() {
	unshare -Urmn true 2>/dev/null || skip "neither root nor a user namespace can be had"
	exec unshare -Urmn bash -c 'mount -t tmpfs tmpfs /run && exec bash "$0"' "$0"
}

interop_start() {
	[ "$(id -u)" = 0 ] || enter_user_namespace
	[ -c /dev/net/tun ] || skip "/dev/net/tun is missing"
	{ [ -r /dev/net/tun ] && : 4<>/dev/net/tun; } 2>/dev/null ||
		skip "/dev/net/tun cannot be opened: chmod 0666 /dev/net/tun"
	for tool in ip python3 sha256sum cc; do
		command -v $tool >/dev/null || skip "$tool is missing"
	done
	ns=weirtest-$$
	trap interop_clean EXIT
	trap 'exit 130' INT TERM
	ip netns add $ns 2>/dev/null || { ns=; skip "no network namespace can be made"; }
	tmp=$(mktemp -d)
	ip -n $ns link set lo up
	device_up "$1"
}

# Sets the device's MTU between checks.
set_mtu() {
	ip -n $ns link set $TUN mtu "$1"
}

# A user of libweir.a, built as its users build.
build_weir_peer() {
	local flags=()
	case ${WEIR_BUILD_KIND:-release} in
	asan) flags=(-fsanitize=address,undefined) ;;
	coverage) flags=(--coverage) ;;
	esac
	cc -std=c11 -O2 -D_GNU_SOURCE ${flags[@]+"${flags[@]}"} -I "$root/include" \
		"$here/weir_peer.c" "$here/bad_link.c" "$here/link_up.c" \
		"$WEIR_BUILD_DIR/libweir.a" -o "$tmp/weir_peer"
}

weir_peer() {
	inside "$tmp/weir_peer" $TUN "$@"
}

kernel_peer() {
	inside "$here/kernel_peer.py" "$@"
}

# await PID FILE TEXT: until a line with TEXT is in FILE; fails when PID ends first.
await() {
	grep -q -m1 -e "$3" < <(tail -n +1 -F --pid="$1" "$2" 2>/dev/null)
}

# start NAME COMMAND...: in the background; its standard input, output and error are
# $tmp/NAME.in (if there is one), .out and .err. Its process id is in $started.
start() {
	local name=$1 input=/dev/null
	shift
	[ ! -e "$tmp/$name.in" ] || input=$tmp/$name.in
	: >"$tmp/$name.err"
	"$@" <"$input" >"$tmp/$name.out" 2>"$tmp/$name.err" &
	started=$!
	pids+=($started)
}

# status PID: waits for it; its exit status is in $ended.
status() {
	ended=0
	wait "$1" || ended=$?
}

# check TEXT CONDITION...: one line, and a failure if the command is not true.
check() {
	local text=$1
	shift
	checks=$((checks + 1))
	if "$@"; then
		echo "ok      $text"
	else
		failures=$((failures + 1))
		echo "FAILED  $text"
		echo "        $*"
		tail -n 3 "$tmp"/*.err 2>/dev/null | sed 's/^/        /' || true
	fi
}

at_least() {
	[ "$1" -ge "$2" ] || {
		echo "        $1 is less than $2"
		return 1
	}
}

equal() {
	[ "$1" = "$2" ] || {
		echo "        '$1' is not '$2'"
		return 1
	}
}

sha() {
	sha256sum <"$1"
}

same() {
	equal "$(sha "$1")" "$(sha "$2")"
}

# A counter of the kernel's TCP in the namespace, absolute.
kernel_counter() {
	ip netns exec $ns python3 - "$1" <<'PY'
import sys
want = sys.argv[1]
for path in ("/proc/net/snmp", "/proc/net/netstat"):
    rows = [line.split() for line in open(path)]
    for names, values in zip(rows[::2], rows[1::2]):
        for name, value in zip(names, values):
            if names[0].startswith("Tcp") and name == want:
                print(value)
                sys.exit()
sys.exit(f"no counter {want}")
PY
}

interop_end() {
	echo "$checks checks, $failures failed"
	[ $checks -gt 0 ] && [ $failures = 0 ]
}
