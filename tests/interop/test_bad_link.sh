#!/usr/bin/env bash
# The kernel's TCP and weir's over a link that loses, swaps and doubles frames in both directions:
# everything arrives and both ends are orderly, whichever side sends, with and without SACK.
. "$(dirname "$0")/lib.sh"
interop_start 1500
build_weir_peer
ip -n $ns link set $TUN gso_max_segs 1

head -c 3000000 /dev/urandom >"$tmp/data"
: >"$tmp/none"

# transfer SENDER PERMILLE SEED OPTION...: SENDER is kernel, weir or both; weir connects.
transfer() {
	local sender=$1 permille=$2 seed=$3 kernel_pid weir_pid text
	shift 3
	cp "$tmp/data" "$tmp/weir.in"
	cp "$tmp/data" "$tmp/kernel.in"
	[ $sender != kernel ] || cp "$tmp/none" "$tmp/weir.in"
	[ $sender != weir ] || cp "$tmp/none" "$tmp/kernel.in"
	start kernel kernel_peer listen $K4 5001
	kernel_pid=$started
	await $kernel_pid "$tmp/kernel.err" ready || true
	# weir stays until the kernel's side has ended: its last ACK may be lost, too.
	start weir weir_peer $W4 connect $K4 5001 --stay --bad $permille $seed "$@"
	weir_pid=$started
	status $kernel_pid
	text="$sender sends, $permille of 1000, seed $seed${*:+ ($*)}"
	check "$text: the kernel's end is orderly" equal $ended 0
	kill $weir_pid
	status $weir_pid
	check "$text: weir's end is orderly" equal $ended 0
	check "$text: the kernel got the bytes" same "$tmp/kernel.out" "$tmp/weir.in"
	check "$text: weir got the bytes" same "$tmp/weir.out" "$tmp/kernel.in"
	echo "        $(grep lost "$tmp/weir.err")"
}

for seed in 1 2; do
	for sender in kernel weir both; do
		transfer $sender 10 $seed
		transfer $sender 40 $seed
	done
	transfer both 20 $seed --set sack=0
	transfer both 20 $seed --set timestamps=0
done
interop_end
