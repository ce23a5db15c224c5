#!/usr/bin/env bash
# Congestion marks between the kernel's TCP and weir's: what they agree on for each setting of both,
# in both roles, and that marks on the way are told and answered. Accurate ECN with kernels that
# have it (sysctl tcp_ecn=3 is taken); with others, that asking for it comes down to RFC 3168. And
# between two of weir's through a kernel that cuts super-segments up as devices do.
# req: RFC9768-02
. "$(dirname "$0")/lib.sh"
interop_start 1500
build_weir_peer
ip -n $ns link set $TUN gso_max_segs 1
head -c 2000000 /dev/urandom >"$tmp/data"

kernel_ecn() {
	ip netns exec $ns sysctl -qw net.ipv4.tcp_ecn=$1 2>/dev/null
}

# field NAME [END]: of weir's last line about marks.
field() {
	sed -n "s/.*\b$1 \([0-9]*\).*/\1/p" "$tmp/${2:-weir}.err" | tail -1
}

# transfer ROLE KERNEL WEIR AGREED: weir takes ROLE; the kernel's tcp_ecn, weir's ecn, and what they
# come to: 0 nothing, 1 RFC 3168, 2 RFC 9768. 2 of 100 frames that may be marked are.
transfer() {
	local role=$1 kernel=$2 weir=$3 agreed=$4 text kernel_pid weir_pid
	local options=(--bad 0 7 --mark 20 --set "ecn=$weir")
	kernel_ecn $kernel
	cp "$tmp/data" "$tmp/weir.in"
	cp "$tmp/data" "$tmp/kernel.in"
	if [ $role = connect ]; then
		start kernel kernel_peer listen $K4 5001
		kernel_pid=$started
		await $kernel_pid "$tmp/kernel.err" ready || true
		start weir weir_peer $W4 connect $K4 5001 "${options[@]}"
		weir_pid=$started
	else
		start weir weir_peer $W4 listen 5001 "${options[@]}"
		weir_pid=$started
		await $weir_pid "$tmp/weir.err" ready || true
		start kernel kernel_peer connect $W4 5001
		kernel_pid=$started
	fi
	text="weir ${role}s, tcp_ecn=$kernel, ecn=$weir"
	status $weir_pid
	check "$text: weir's end is orderly" equal $ended 0
	status $kernel_pid
	check "$text: the kernel's end is orderly" equal $ended 0
	check "$text: the kernel got the bytes" same "$tmp/kernel.out" "$tmp/data"
	check "$text: weir got the bytes" same "$tmp/weir.out" "$tmp/data"
	check "$text: agreed on $agreed" equal "$(field ecn)" $agreed
	if [ $agreed = 0 ]; then
		check "$text: nothing may be marked" \
			equal "$(field marked-in) $(field marked-out)" "0 0"
		return
	fi
	check "$text: both ends' packets may be marked" \
		test "$(field marked-in)" -gt 0 -a "$(field marked-out)" -gt 0
	check "$text: weir heard marks" test "$(field heard)" -gt 0
	check "$text: weir answered marks" test "$(field reduced)" -gt 0
	[ $agreed = 2 ] || return 0
	# Every mark on data is told; the last ones may come with the end.
	check "$text: the kernel told of marks" \
		at_least "$(field told)" $(($(field marked-out) - 8))
	check "$text: and of no more than there were" at_least "$(field marked-out)" "$(field told)"
	check "$text: weir counted all" equal "$(field heard)" "$(field marked-in)"
}

transfer connect 0 3 0
transfer connect 1 3 1
transfer connect 1 2 1
transfer connect 1 4 0
transfer listen 0 4 0
transfer listen 1 4 1
transfer listen 1 3 1
transfer listen 1 0 0
if kernel_ecn 3; then
	transfer connect 3 3 2
	transfer listen 3 4 2
	transfer connect 3 2 1
	transfer listen 3 1 1
else
	echo "        this kernel does not have Accurate ECN: what both come down to was tested"
fi

# Two of weir's, with two devices and the kernel's forwarding between them. One sends
# super-segments; the kernel cuts them for the other's device, and clears CWR on all segments but
# the first, as one does that knows only RFC 3168.
FAR=weirtest2 FAR4=10.98.0.2
# Queues hold all that is out: when an ACK with the option is lost the next one may mean eight marks
# more than there were, and then that is what it has to mean (RFC 9768 3.2.2.5.1).
ip -n $ns link set $TUN txqueuelen 4096
ip -n $ns tuntap add dev $FAR mode tun
ip -n $ns link set $FAR mtu 1500 txqueuelen 4096 gso_max_size 1600 up
ip -n $ns addr add 10.98.0.1/24 dev $FAR
ip netns exec $ns sysctl -qw net.ipv4.ip_forward=1
ip -n $ns link set $TUN gso_max_segs 65535
cp "$tmp/data" "$tmp/weir.in"
cp "$tmp/data" "$tmp/far.in"
start far inside "$tmp/weir_peer" $FAR $FAR4 listen 5001 --bad 0 7 --mark 20 --set ecn=4
far=$started
await $far "$tmp/far.err" ready || true
start weir weir_peer $W4 connect $FAR4 5001 --mark 0 --set ecn=3
weir=$started
status $weir
check "two of weir's: the one that connects is orderly" equal $ended 0
status $far
check "two of weir's: the other is orderly" equal $ended 0
check "two of weir's: bytes there" same "$tmp/far.out" "$tmp/data"
check "two of weir's: bytes back" same "$tmp/weir.out" "$tmp/data"
check "two of weir's: Accurate ECN" equal "$(field ecn) $(field ecn far)" "2 2"
check "two of weir's: marks both ways" \
	test "$(field marked-in far)" -gt 5 -a "$(field marked-out far)" -gt 5
check "two of weir's: all that came marked was heard there" \
	equal "$(field heard far)" "$(field marked-in far)"
check "two of weir's: no mark too many is told there" \
	at_least "$(field marked-in far)" "$(field told)"
check "two of weir's: nor too few" at_least "$(field told)" $(($(field marked-in far) - 7))
check "two of weir's: no mark too many is told back" \
	at_least "$(field marked-out far)" "$(field told far)"
check "two of weir's: nor too few" at_least "$(field told far)" $(($(field marked-out far) - 7))
echo "        $(grep ecn "$tmp/weir.err")"
echo "        $(grep ecn "$tmp/far.err")"
interop_end
