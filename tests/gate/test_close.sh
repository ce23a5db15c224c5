#!/usr/bin/env bash
# Ends of connections through the relay: half-close, reset, refusal, unreachable, no answer.
. "$(dirname "$0")/lib.sh"
need python3
python3=$(python3 -c 'import sys; print(sys.executable)')
[ "$WEIR_TEST_WORLD" != 0 ] || [ ! -x /usr/bin/python3 ] || python3=/usr/bin/python3
cp "$here/peer.py" "$work/peer.py"
peer="$python3 $work/peer.py"

start_server "$work/ports4" $peer serve 192.0.2.1
start_server "$work/ports6" $peer serve 2001:db8::1

port_of() { # FAMILY MODE
	tr ' ' '\n' <"$work/ports$1" | sed -n "s/^$2=//p"
}

client() { # WHO FAMILY MODE
	local address=192.0.2.1
	[ "$2" = 4 ] || address=2001:db8::1
	as "$1" timeout 60 "$weir" run -- $peer client "$3" $address "$(port_of "$2" "$3")" 2>&1
}

for who in $(each_user); do
	for family in 4 6; do
		check "$who, IPv$family: half-close by the program, all comes back" \
			same "same eof" "$(client "$who" $family echo)"
		check "$who, IPv$family: half-close by the host, the program sends on" \
			same "0 eof same" "$(client "$who" $family first-close)"
		check "$who, IPv$family: reset by the host, after its last bytes" \
			same "bye ECONNRESET" "$(client "$who" $family rst)"
		check "$who, IPv$family: reset by the program" \
			same "5 ECONNRESET" "$(client "$who" $family get-rst)"
		check "$who, IPv$family: the host closes with bytes unread" \
			matches "^(ECONNRESET|EPIPE)$" "$(client "$who" $family unread)"
		check "$who, IPv$family: a host that does not read makes the program wait" \
			same "bounded same" "$(client "$who" $family never-read)"
	done
done

# --- Connections that never open. The want column is what a program without weir sees here.

connect() { # ADDRESS PORT [TIMEOUT]
	as_user timeout 60 "$weir" run -- $peer connect "$@" 2>&1
}

direct() {
	$peer connect "$@" 2>&1
}

for address in 192.0.2.1 2001:db8::1; do
	check "$address: a closed port is refused" same ECONNREFUSED "$(connect $address 9)"
	check "$address: as without weir" same ECONNREFUSED "$(direct $address 9)"
done
check "unreachable host" same "$(direct 203.0.113.1 80)" "$(connect 203.0.113.1 80)"
check "prohibited: the same to the program as ICMP 3/13" same EHOSTUNREACH \
	"$(connect 203.0.113.129 80)"
check "no route, IPv4" same "$(direct 233.252.0.1 80)" "$(connect 233.252.0.1 80)"
check "no route to a network" same "$(direct 100.64.1.1 80)" "$(connect 100.64.1.1 80)"
check "no route, IPv6" same "$(direct 2001:db8:2::1 80)" "$(connect 2001:db8:2::1 80)"
check "no answer, IPv4" same timeout "$(connect 198.51.100.9 80 1)"
check "no answer, IPv6" same timeout "$(connect 2001:db8:dead::9 80 1)"

# What the host's kernel would take for its loopback. Not even an RST may come from there (RFC 1122
# 3.2.1.3), so nothing answers.
check "0.1.2.3 cannot be reached" same timeout "$(connect 0.1.2.3 80 1)"
# What is not there inside.
for address in 10.0.2.2 10.0.2.99 fd77:6569:72::2 fd77:6569:72::99; do
	check "$address is refused" same ECONNREFUSED "$(connect $address 80)"
done
check "weir.test has port 80 only" same ECONNREFUSED "$(connect weir.test 81)"
check "weir.test by IPv4" same connected "$(connect 10.0.2.3 80)"
check "weir.test by IPv6" same connected "$(connect fd77:6569:72::3 80)"

# --- The origin's ends

fetch() {
	as_user timeout 60 "$weir" run -- curl -sS -o /dev/null "$@" 2>&1
	echo "exit $?"
}
check "/close?how=fin is an empty reply" matches "exit 52" \
	"$(fetch 'http://weir.test/close?how=fin')"
check "/close?how=rst is a reset" matches "[Rr]eset by peer|exit 56" \
	"$(fetch 'http://weir.test/close?how=rst')"

# --- UDP and names

check "a name that is not weir.test fails at once" matches "exit 6" \
	"$(fetch http://example.org/)"
check "and weir says why" matches "^weir run: names other than weir.test and UDP are not" \
	"$(fetch http://example.org/)"
check "once" same 1 "$(fetch http://a.example/ http://b.example/ | grep -c 'weir run: names')"
finish
