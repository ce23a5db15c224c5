#!/usr/bin/env bash
# Bytes both ways between the kernel's TCP and weir's, in both roles, over IPv4 and IPv6, with the
# MTU of an Ethernet, with a large one and with odd ones; verified by SHA-256.
. "$(dirname "$0")/lib.sh"
interop_start 65520
build_weir_peer

head -c 1 /dev/urandom >"$tmp/one"
head -c 100000 /dev/urandom >"$tmp/small"
head -c 104857600 /dev/urandom >"$tmp/big"
: >"$tmp/none"

# transfer ROLE FAMILY SIZE: weir takes ROLE (connect or listen); both send SIZE at the same time.
transfer() {
	local role=$1 family=$2 size=$3 kernel=$K4 weir=$W4 text
	[ $family = 4 ] || kernel=$K6 weir=$W6
	cp --reflink=auto "$tmp/$size" "$tmp/weir.in"
	cp --reflink=auto "$tmp/$size" "$tmp/kernel.in"
	if [ $role = connect ]; then
		start kernel kernel_peer listen $kernel 5001
		local kernel_pid=$started
		await $kernel_pid "$tmp/kernel.err" ready || true
		start weir weir_peer $weir connect $kernel 5001
		local weir_pid=$started
	else
		start weir weir_peer $weir listen 5001
		local weir_pid=$started
		await $weir_pid "$tmp/weir.err" ready || true
		start kernel kernel_peer connect $weir 5001
		local kernel_pid=$started
	fi
	text="MTU $mtu, IPv$family, weir ${role}s, $size both ways"
	status $weir_pid
	check "$text: weir's end is orderly" equal $ended 0
	status $kernel_pid
	check "$text: the kernel's end is orderly" equal $ended 0
	check "$text: the kernel got the bytes" same "$tmp/kernel.out" "$tmp/$size"
	check "$text: weir got the bytes" same "$tmp/weir.out" "$tmp/$size"
}

for mtu in 65520 1500; do
	set_mtu $mtu
	for family in 4 6; do
		for role in connect listen; do
			for size in none one small big; do
				transfer $role $family $size
			done
		done
	done
done

# Odd MTUs: the smallest that IPv6 allows, jumbo frames, the largest packet there is.
for mtu in 1280 9000 65535; do
	set_mtu $mtu
	for family in 4 6; do
		for role in connect listen; do
			transfer $role $family small
		done
	done
done

# A kernel that cuts its segments itself: many small frames in each batch.
ip -n $ns link set $TUN mtu 1500 gso_max_segs 1
mtu="1500, no super-segments"
for role in connect listen; do
	transfer $role 4 small
	transfer $role 6 big
done

# IPv6 needs 1280 and goes for good when the MTU falls below, so this is last.
mtu=576
set_mtu $mtu
transfer connect 4 small
transfer listen 4 small
interop_end
