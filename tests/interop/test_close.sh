#!/usr/bin/env bash
# How connections begin and end between the kernel's TCP and weir's: both opening at once,
# half-close in both roles, refusals, resets by either side in the middle of a transfer, and ports
# that are used again while weir still holds them in TIME-WAIT.
. "$(dirname "$0")/lib.sh"
interop_start 1500
build_weir_peer

head -c 3000000 /dev/urandom >"$tmp/first"
head -c 5000000 /dev/urandom >"$tmp/second"

# join ROLE FAMILY: both ends run and are waited for; options are in weir_options, kernel_options.
# Their exit statuses are in $weir_ended and $kernel_ended.
join() {
	local role=$1 family=$2 kernel=$K4 weir=$W4 weir_pid kernel_pid
	[ $family = 4 ] || kernel=$K6 weir=$W6
	if [ $role = connect ]; then
		start kernel kernel_peer listen $kernel 5001 "${kernel_options[@]}"
		kernel_pid=$started
		await $kernel_pid "$tmp/kernel.err" ready || true
		start weir weir_peer $weir connect $kernel 5001 "${weir_options[@]}"
		weir_pid=$started
	else
		start weir weir_peer $weir listen 5001 "${weir_options[@]}"
		weir_pid=$started
		await $weir_pid "$tmp/weir.err" ready || true
		start kernel kernel_peer connect $weir 5001 "${kernel_options[@]}"
		kernel_pid=$started
	fi
	status $weir_pid
	weir_ended=$ended
	status $kernel_pid
	kernel_ended=$ended
}

half_close() {
	local role=$1 family=$2 text
	cp "$tmp/first" "$tmp/weir.in"
	cp "$tmp/second" "$tmp/kernel.in"
	weir_options=() kernel_options=(--after-eof)
	join $role $family
	text="IPv$family, weir ${role}s and half-closes, then the kernel sends"
	check "$text: both ends are orderly" equal "$weir_ended $kernel_ended" "0 0"
	check "$text: the kernel got the first part" same "$tmp/kernel.out" "$tmp/first"
	check "$text: weir got the second" same "$tmp/weir.out" "$tmp/second"

	weir_options=(--after-eof) kernel_options=()
	join $role $family
	text="IPv$family, weir ${role}s, the kernel half-closes, then weir sends"
	check "$text: both ends are orderly" equal "$weir_ended $kernel_ended" "0 0"
	check "$text: weir got the first part" same "$tmp/weir.out" "$tmp/second"
	check "$text: the kernel got the second" same "$tmp/kernel.out" "$tmp/first"
}

aborted() {
	local role=$1 family=$2 text
	cp "$tmp/first" "$tmp/weir.in"
	cp "$tmp/second" "$tmp/kernel.in"
	weir_options=() kernel_options=(--abort-at 100000)
	join $role $family
	text="IPv$family, weir ${role}s, the kernel resets"
	check "$text: weir is told" equal "$weir_ended" 4
	check "$text: what had come is right" cmp -s -n "$(stat -c %s "$tmp/weir.out")" \
		"$tmp/weir.out" "$tmp/second"

	weir_options=(--abort-at 100000) kernel_options=()
	join $role $family
	text="IPv$family, weir ${role}s and resets"
	check "$text: weir ends so" equal "$weir_ended" 7
	check "$text: the kernel is told" equal "$kernel_ended" 4
}

# Nobody listens on port 5999; that it was told at once shows in that no SYN was sent again.
refused() {
	local family=$1 kernel=$K4 weir=$W4 before after
	[ $family = 4 ] || kernel=$K6 weir=$W6
	rm -f "$tmp"/*.in
	start weir weir_peer $weir connect $kernel 5999
	status $started
	check "IPv$family, weir connects to the kernel's closed port: refused" equal $ended 3
	check "IPv$family, ... after one SYN" grep -q " 1 out$" "$tmp/weir.err"

	start weir weir_peer $weir listen 5001
	await $started "$tmp/weir.err" ready || true
	before=$(kernel_counter RetransSegs)
	start kernel kernel_peer connect $weir 5999
	status $started
	check "IPv$family, the kernel connects to weir's closed port: refused" equal $ended 3
	after=$(kernel_counter RetransSegs)
	check "IPv$family, ... after one SYN" equal $before $after
	start kernel kernel_peer connect $weir 5001
	status $started
	check "IPv$family, ... and weir goes on listening" equal $ended 0
}

# The kernel's SYN waits in the device while weir sends its own, so the two cross for certain.
both_open() {
	local family=$1 kernel=$K4 weir=$W4 weir_pid kernel_pid text
	[ $family = 4 ] || kernel=$K6 weir=$W6
	cp "$tmp/first" "$tmp/weir.in"
	cp "$tmp/second" "$tmp/kernel.in"
	start weir weir_peer $weir connect $kernel 5003 --from-port 5004 --on-signal
	weir_pid=$started
	await $weir_pid "$tmp/weir.err" waiting || true
	start kernel kernel_peer connect $weir 5004 --from-port 5003
	kernel_pid=$started
	await $kernel_pid "$tmp/kernel.err" connecting || true
	kill -USR1 $weir_pid
	status $weir_pid
	weir_ended=$ended
	status $kernel_pid
	text="IPv$family, both open at once"
	check "$text: both ends are orderly" equal "$weir_ended $ended" "0 0"
	check "$text: the kernel got the bytes" same "$tmp/kernel.out" "$tmp/first"
	check "$text: weir got the bytes" same "$tmp/weir.out" "$tmp/second"
}

# weir closes first and holds each pair for a minute; 500 connections from 20 ports can only be had
# if a newer SYN reopens it (RFC 6191), and at once if none is sent twice.
reuse() {
	local before after
	mkdir "$tmp/www"
	echo hello >"$tmp/www/file"
	ip netns exec $ns sysctl -qw net.ipv4.ip_local_port_range="20000 20019"
	start serve inside "$WEIR_BIN" serve --tun $TUN --ip $W4/24 --dir "$tmp/www" --explain
	served=$started
	await $served "$tmp/serve.err" "Ctrl-C ends it" || true
	before=$(kernel_counter RetransSegs)
	ip netns exec $ns "$here/fetch_often.py" $W4 80 /file 500 >"$tmp/fetched" || true
	after=$(kernel_counter RetransSegs)
	check "500 connections from 20 ports: all are answered" equal "$(cat "$tmp/fetched")" 500
	check "... no SYN was sent twice" equal $before $after
	kill -INT $served
	status $served
	check "... the ports are in TIME-WAIT at the end" \
		at_least "$(grep -c "200[01][0-9].*ends in" "$tmp/serve.err")" 5
}

for family in 4 6; do
	both_open $family
	for role in connect listen; do
		half_close $role $family
		aborted $role $family
	done
	refused $family
done
reuse
interop_end
