#!/usr/bin/env bash
# Exit statuses, options, standard streams, environment, privilege, and nothing left behind.
. "$(dirname "$0")/lib.sh"

# --- Statuses

for who in $(each_user); do
	check "$who: true gives 0" same 0 "$(status as "$who" "$weir" run -- true)"
	check "$who: exit 7 gives 7" same 7 "$(status as "$who" "$weir" run -- sh -c 'exit 7')"
	check "$who: not found gives 127" same 127 "$(status as "$who" "$weir" run -- /no/such)"
	check "$who: not found is said in one line" same \
		"weir run: /no/such: No such file or directory" "$(cat "$work/err")"
	check "$who: not in PATH gives 127" same 127 \
		"$(status as "$who" "$weir" run -- no-such-cmd)"
	check "$who: not executable gives 126" same 126 \
		"$(status as "$who" "$weir" run /etc/passwd)"
	check "$who: killed by TERM gives 143" same 143 \
		"$(status as "$who" "$weir" run -- sh -c 'kill -TERM $$')"
	check "$who: killed by KILL gives 137" same 137 \
		"$(status as "$who" "$weir" run -- sh -c 'kill -KILL $$')"
done

# --- Options

wrong() { # TEXT PATTERN ARGUMENT...
	local text=$1 pattern=$2
	shift 2
	check "$text gives 125" same 125 "$(status "$weir" run "$@")"
	check "$text is said" matches "$pattern" "$(cat "$work/err")"
	check "$text takes one line" same 1 "$(wc -l <"$work/err")"
	check "$text prints nothing else" same "" "$(cat "$work/out")"
}

wrong "no program" "program is needed"
wrong "an unknown option" "no option --nothing" --nothing -- true
wrong "an unknown letter" "no option -q" -q -- true
wrong "an option without value" "--trace needs a value" --trace
wrong "a small MTU" "--mtu: '1279' is not a number from 1280 to 65520" --mtu 1279 -- true
wrong "a large MTU" "--mtu: '65521' is not" --mtu 65521 -- true
wrong "an MTU that is no number" "--mtu: 'big' is not" --mtu big -- true
wrong "a payload that is no number" "--pcap-payload: '-1' is not" --pcap-payload -1 -- true
wrong "a congestion control that is none" "--cc: 'vegas' is not newreno, cubic or bbr" \
	--cc vegas -- true
wrong "an address without prefix" "--ip: '10.0.0.9' is not" --ip 10.0.0.9 -- true
wrong "a long prefix" "needs a prefix" --ip 10.0.0.9/30 -- true
wrong "weir's own address" "is taken" --ip 10.0.0.2/24 -- true
wrong "IPv6 for IPv4" "--ip: 'fd00::9/64' is not" --ip fd00::9/64 -- true
wrong "IPv4 for IPv6" "--ip6: '10.0.0.9/24' is not" --ip6 10.0.0.9/24 -- true
wrong "a trace that cannot be written" "/no/such/file: No such file" --trace /no/such/file -- true
for option in "--fault drop" "--watch" "--watch=80" "--publish 80:80" "-p 80:80" "--allow tcp:*" \
	"--deny tcp:*" "--host-loopback"; do
	# shellcheck disable=SC2086
	wrong "$option" "is not there yet" $option -- true
done
check "--help gives 0" same 0 "$(status "$weir" run --help)"
check "--help tells the options" matches "--explain" "$(cat "$work/out")"
check "--help is on standard output" same "" "$(cat "$work/err")"
for cc in newreno cubic bbr; do
	check "--cc $cc" same here "$("$weir" run --cc "$cc" printf here)"
done
check "options after the program are its own" same "--mtu" "$("$weir" run printf %s --mtu)"
check "-- ends the options" same "--explain" "$("$weir" run -- printf %s --explain)"

# --- What the program finds

for who in $(each_user); do
	same_inside() { # TEXT CMD...
		local text=$1
		shift
		check "$who: $text is the same inside" same "$(as "$who" "$@" 2>&1)" \
			"$(as "$who" "$weir" run -- "$@" 2>&1)"
	}
	cd "$work/tmp" || exit 1
	same_inside "the working directory" pwd
	same_inside "the user id" id -u
	same_inside "the group id" id -g
	same_inside "the environment" env A=1 sh -c 'env | grep -v ^_= | sort'
	same_inside "the limit of descriptors" sh -c 'ulimit -Sn; ulimit -Hn'
	same_inside "the signal mask" grep -E '^Sig(Blk|Ign)' /proc/self/status
	same_inside "the process group" sh -c "awk '{print \$5, \$6}' /proc/\$\$/stat"
	same_inside "the list of descriptors" sh -c 'ls /proc/$$/fd'
	check "$who: standard input and output" same "hello" \
		"$(echo hello | as "$who" "$weir" run -- cat)"
	check "$who: standard error" same "oops" \
		"$(as "$who" "$weir" run -- sh -c 'echo oops >&2' 2>&1 >/dev/null)"
	check "$who: no capability" same "0" "$(as "$who" "$weir" run -- \
		sh -c 'grep ^Cap /proc/self/status' | grep -vc '0000000000000000$')"
	check "$who: no capability after another exec" same "0" "$(as "$who" "$weir" run -- \
		sh -c 'exec sh -c "exec grep ^Cap /proc/self/status"' |
		grep -vc '0000000000000000$')"
	check "$who: cannot change its routes" matches "not permitted" \
		"$(as "$who" "$weir" run -- ip route del default 2>&1)"
	check "$who: cannot mount" same 32 \
		"$(status as "$who" "$weir" run -- mount -t tmpfs x /mnt)"
	check "$who: addresses" matches "10.77.1.9/24.*fd99::9/64" "$(as "$who" "$weir" run \
		--ip 10.77.1.9/24 --ip6 fd99::9/64 -- ip -br addr show weir0)"
	check "$who: MTU" matches "mtu 1400" \
		"$(as "$who" "$weir" run --mtu 1400 -- ip link show weir0)"
	check "$who: default routes" same "2" "$(as "$who" "$weir" run -- \
		sh -c 'ip -4 route show default; ip -6 route show default' | wc -l)"
	check "$who: weir.test in /etc/hosts" matches "^10.0.2.3.weir.test$" \
		"$(as "$who" "$weir" run -- cat /etc/hosts)"
	check "$who: the host's entries in /etc/hosts" same "" "$(comm -13 \
		<(as "$who" "$weir" run -- sort /etc/hosts) <(sort /etc/hosts))"
	check "$who: the name server is weir" matches "^nameserver 10.0.2.2$" \
		"$(as "$who" "$weir" run -- cat /etc/resolv.conf)"
done

# A reader of the program's output is not kept waiting by weir, which holds no copy of it.
mkfifo "$work/in" "$work/pipe"
cat "$work/pipe" >"$work/out" &
reader=$!
"$weir" run -- sh -c 'echo all; exec >&-; read -r line' <"$work/in" >"$work/pipe" &
writer=$!
exec 9>"$work/in"
check "output ends when the program closes it" wait "$reader"
check "output is all there" same all "$(cat "$work/out")"
echo >&9
exec 9>&-
check "weir ends after that" wait "$writer"

# --- Unusual beginnings

check "standard input stays closed inside" same "" \
	"$("$weir" run -- sh -c 'ls -l /proc/$$/fd/0 2>/dev/null' <&-)"
check "standard output closed" same 4 "$("$weir" run -- sh -c 'exit 4' >&- 2>"$work/err"; echo $?)"
check "all standard streams closed" same 4 "$("$weir" run -- sh -c 'exit 4' <&- >&- 2>&-; echo $?)"
# User id 0 of a namespace cannot be mapped again without CAP_SETFCAP.
[ "$WEIR_TEST_WORLD" != 0 ] || check "weir inside weir" same 7 \
	"$(status as_user "$weir" run -- "$weir" run -- sh -c 'exit 7')"
check "a trace into a descriptor" matches . "$("$weir" run --trace /dev/fd/7 -- true 7>&1 | wc -c)"
check "SIGCHLD and SIGPIPE ignored by the caller" same 7 "$(trap '' CHLD PIPE
	"$weir" run -- sh -c 'exit 7'; echo $?)"

# --- Nothing is left behind

for who in $(each_user); do
	as "$who" "$weir" run -- sh -c "readlink /proc/self/ns/net >$work/tmp/ns
		ip link >$work/tmp/l"
	check "$who: the device was there" grep -q weir0 "$work/tmp/l"
	check "$who: no namespace is left" same "" \
		"$(readlink /proc/[0-9]*/ns/net 2>/dev/null | grep -F "$(cat "$work/tmp/ns")")"
	rm -f "$work/tmp/ns" "$work/tmp/l"
done
check "no process is left" same "" "$(pgrep -f "^$weir run" || true)"
check "no device is left" same "" "$(ip -br link show 2>/dev/null | grep weir0 || true)"
check "no file is left" same "" "$(unshare --mount sh -c "mount --bind $work /mnt &&
	mount -t tmpfs none /tmp && /mnt/weir run --explain -- true && ls -A /tmp" 2>&1 |
	grep -v -e '^States' -e '^$' -e left -e empty)"

# --- Machines that cannot do it

# A child of this namespace that may make no user namespaces.
check "no user namespaces: 125" same 125 "$(status as_user unshare --user --map-root-user sh -c \
	"echo 0 >/proc/sys/user/max_user_namespaces && exec $weir run -- true")"
check "no user namespaces: said in one line" matches \
	"^weir run: user namespaces are missing.*max_user_namespaces.*weir lab.*weir explain" \
	"$(cat "$work/err")"
check "no user namespaces: one line" same 1 "$(wc -l <"$work/err")"
if [ "$WEIR_TEST_WORLD" = 0 ]; then
	check "no /dev/net/tun: 125" same 125 "$(status unshare --mount sh -c \
		"umount /dev/net/tun; mount -t tmpfs none /dev/net && exec $weir run -- true")"
	check "no /dev/net/tun: said" matches \
		"^weir run: /dev/net/tun is missing.*modprobe tun.*weir lab.*weir explain" \
		"$(cat "$work/err")"
	check "/dev/net/tun not for users: 125" same 125 "$(status unshare --mount sh -c \
		"mount --bind /dev/null /dev/net/tun && mount -o remount,bind,nodev /dev/net/tun &&
		exec setpriv --reuid 61234 --clear-groups $weir run -- true")"
	check "/dev/net/tun not for users: said" matches "chmod 0666 /dev/net/tun" \
		"$(cat "$work/err")"
fi
finish
