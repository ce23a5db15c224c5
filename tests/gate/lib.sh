# lib.sh: what the scripts of the gateway share; sourced first by each.
#
# Every script runs in a world of its own: a network and a mount namespace that end with it. As root
# the parts about ordinary users run as user id 61234, which needs no account; otherwise all runs as
# whoever called. Skipped (77) where the machine has no user namespaces or no /dev/net/tun.
#
#   $weir          the command under test, executable by everybody
#   $work          a folder that is removed at the end
#   as_user CMD    runs CMD as an ordinary user
#   each_user      prints the users to test as: "user", and "root" where that can be
#   as WHO CMD     runs CMD as "user" or "root"
#   check TEXT CMD one line of output, and a failure if CMD fails
#   finish         the end of each script
#
# Host side addresses in this world: 192.0.2.1 and 2001:db8::1 are the host's; 198.51.100.0/24 and
# 2001:db8:dead::/64 never answer; 203.0.113.0/25 is unreachable, 203.0.113.128/25 prohibited.

set -u

here=$(cd "$(dirname "$0")" && pwd)
WEIR_BIN=${WEIR_BIN:-$here/../../build/weir}

skip() {
	echo "skipped: $*"
	exit 77
}

enter_world() {
	local flags=(--net --mount --propagation private)
	[ "$(id -u)" = 0 ] || flags+=(--user --map-root-user)
	unshare "${flags[@]}" true 2>/dev/null || skip "no namespaces for $(id -un)"
	exec unshare "${flags[@]}" env WEIR_TEST_WORLD="$(id -u)" WEIR_BIN="$WEIR_BIN" \
		bash "$0" "$@"
}

[ -n "${WEIR_TEST_WORLD:-}" ] || enter_world "$@"
[ -x "$WEIR_BIN" ] || skip "there is no $WEIR_BIN"

work=$(mktemp -d)
pids=()
failed=0
count=0

clean_up() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	# Removes the sockets of those that were killed.
	[ ! -x "$work/weir" ] || { "$work/weir" ss; as_user "$work/weir" ss; } >/dev/null 2>&1
	[ ! -d "$work/dev" ] || umount "$work/dev"
	rm -rf "$work"
}
trap clean_up EXIT

chmod 755 "$work"
mkdir -m 1777 "$work/tmp"
cp "$WEIR_BIN" "$work/weir"
weir=$work/weir

# The device node with the rights that distributions give it, in this mount namespace only.
make_device() {
	[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
	[ "$WEIR_TEST_WORLD" = 0 ] || return 0
	mkdir "$work/dev"
	mount -t tmpfs weir-test "$work/dev" || skip "cannot mount"
	mknod -m 666 "$work/dev/tun" c 10 200 || skip "cannot make a device node"
	mount --bind "$work/dev/tun" /dev/net/tun || skip "cannot mount"
}

make_net() {
	ip link set lo up
	ip addr add 192.0.2.1/32 dev lo
	ip addr add 2001:db8::1/128 dev lo
	# A device that nobody reads from: what goes there is lost.
	ip tuntap add dead0 mode tun
	ip link set dead0 up
	ip addr add 198.51.100.1/24 dev dead0
	ip addr add 2001:db8:dead::1/64 dev dead0 nodad
	ip route add unreachable 203.0.113.0/25
	ip route add prohibit 203.0.113.128/25
}

as_user() {
	if [ "$WEIR_TEST_WORLD" = 0 ]; then
		setpriv --reuid 61234 --regid 61234 --clear-groups --inh-caps=-all \
			env HOME="$work/tmp" PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
	else
		"$@"
	fi
}

each_user() {
	echo user
	[ "$WEIR_TEST_WORLD" != 0 ] || echo root
}

as() {
	local who=$1
	shift
	case $who in
	user) as_user "$@" ;;
	root) "$@" ;;
	esac
}

check() {
	local text=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $text"
	else
		echo "not ok $count - $text"
		failed=$((failed + 1))
	fi
}

# same WANT GOT
same() {
	[ "$1" = "$2" ] || {
		echo "# wanted: $1"
		echo "# got:    $2"
		return 1
	}
}

# at_most MOST GOT
at_most() {
	[ "$2" -le "$1" ] || {
		echo "# at most: $1"
		echo "# got:     $2"
		return 1
	}
}

# matches PATTERN TEXT: an extended regular expression.
matches() {
	grep -Eq -- "$1" <<<"$2" || {
		echo "# wanted: $1"
		echo "# got:    $2"
		return 1
	}
}

# status CMD...: prints the exit status; output goes to $work/out and $work/err.
status() {
	"$@" >"$work/out" 2>"$work/err" </dev/null
	echo $?
}

# start_server FILE CMD...: runs CMD in the background; waits for its first line, which goes to
# FILE. CMD must print it when it is ready.
start_server() {
	local file=$1 fifo=$work/fifo.$RANDOM
	shift
	mkfifo "$fifo"
	"$@" >"$fifo" &
	pids+=($!)
	head -n 1 "$fifo" >"$file"
	rm "$fifo"
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip "there is no $tool"
	done
}

finish() {
	echo "1..$count"
	exit $((failed > 0))
}

need ip unshare setpriv
make_device
as_user unshare --user --map-root-user --net true 2>/dev/null ||
	skip "no user namespaces for ordinary users"
make_net
