#!/usr/bin/env bash
# What `weir` and `weir serve` say to wrong options: one line on standard error that names what is
# wrong, nothing on standard output, status 2. And to devices that are busy or go away.
. "$(dirname "$0")/lib.sh"
interop_start 1500

# wrong TEXT ARGUMENT...: the line has TEXT.
wrong() {
	local text=$1
	shift
	ended=0
	"$WEIR_BIN" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || ended=$?
	check "weir $*: status 2" equal $ended 2
	check "weir $*: one line" equal "$(wc -l <"$tmp/err") $(wc -c <"$tmp/out")" "1 0"
	check "weir $*: says '$text'" grep -q -e "$text" "$tmp/err"
}

# help ARGUMENT...
help() {
	ended=0
	"$WEIR_BIN" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || ended=$?
	check "weir $*: status 0" equal $ended 0
	check "weir $*: a text, no complaint" \
		equal "$(($(wc -l <"$tmp/out") > 0)) $(wc -c <"$tmp/err")" "1 0"
}

help --help
help --version
help serve --help
help serve --set help
wrong "a command is needed"
wrong "no command 'nosuch'" nosuch
wrong "no option '--nosuch'" --nosuch
wrong "no option --nosuch" serve --nosuch
wrong "no option -x" serve -x
wrong "option --tun needs a value" serve --tun
wrong "option --echo=1 takes no value" serve --echo=1
wrong "--cc: 'tahoe' is not newreno, cubic or bbr" serve --tun t --ip 10.9.0.1/24 --cc tahoe
wrong "'extra'" serve --tun t --ip 10.9.0.1/24 extra
wrong "--tun NAME is needed" serve --ip 10.9.0.1/24
wrong "1 to 15 characters" serve --tun a-name-that-is-too-long --ip 10.9.0.1/24
wrong "--ip ADDRESS/PREFIX" serve --tun t
for cidr in 10.9.0.1 10.9.0/24 10.9.0.1/33 10.9.0.1/ 10.9.0.1/-1 10.9.0.1/24x fd00::1/64; do
	wrong "--ip $cidr" serve --tun t --ip $cidr
done
wrong "--ip6 10.9.0.1/24" serve --tun t --ip6 10.9.0.1/24
wrong "room for the host" serve --tun t --ip 10.9.0.1/32
wrong "room for the host" serve --tun t --ip6 fd00::1/128
for mtu in 67 65536 x ''; do
	wrong "--mtu $mtu: a number from 68 to 65535" serve --tun t --ip 10.9.0.1/24 --mtu "$mtu"
done
wrong "IPv6 needs 1280" serve --tun t --ip6 fd00::1/64 --mtu 1279
wrong "--port 0: a number from 1 to 65535" serve --tun t --ip 10.9.0.1/24 --port 0
wrong "only one of" serve --tun t --ip 10.9.0.1/24 --echo --source
wrong "a directory is needed" serve --tun t --ip 10.9.0.1/24 --dir "$tmp/none"
wrong "NAME=NUMBER" serve --tun t --ip 10.9.0.1/24 --set sndbuf
wrong "no setting 'nosuch'" serve --tun t --ip 10.9.0.1/24 --set nosuch=1
wrong "out of its range" serve --tun t --ip 10.9.0.1/24 --set sack=2

# A device that another weir has.
start first inside "$WEIR_BIN" serve --tun $TUN --ip $W4/24
first=$started
await $first "$tmp/first.err" "Ctrl-C ends it"
start second inside "$WEIR_BIN" serve --tun $TUN --ip $W4/24
status $started
check "a device in use: status 1" equal $ended 1
check "a device in use: says so" grep -q "'$TUN'.*busy" "$tmp/second.err"

# A device that goes away.
ip -n $ns link del $TUN
status $first
check "a device that goes away: status 1" equal $ended 1
check "a device that goes away: says so" grep -q "device $TUN: " "$tmp/first.err"

# A trace file that cannot be written.
start trace inside "$WEIR_BIN" serve --tun $TUN --ip $W4/24 --trace "$tmp/none/file"
status $started
check "--trace into nothing: status 2" equal $ended 2
check "--trace into nothing: says so" grep -q -e "--trace .*/none/file" "$tmp/trace.err"

interop_end
