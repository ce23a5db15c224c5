#!/usr/bin/env bash
# --trace and --explain: tshark finds nothing wrong, and the ladder tells the whole life.
. "$(dirname "$0")/lib.sh"
need curl python3

cp "$here/peer.py" "$work/peer.py"
start_server "$work/ports" python3 "$work/peer.py" serve 192.0.2.1
port_of() {
	tr ' ' '\n' <"$work/ports" | sed -n "s/^$1=//p"
}

# A program with a bit of everything: both families, up and down, half-closes, resets, refusals.
cat >"$work/tmp/program" <<END
curl -sS4 http://weir.test/ http://weir.test/bytes/3000000
curl -sS6 --data-binary @$work/weir http://weir.test/sink
curl -sS 'http://weir.test/close?how=rst'
curl -sS 'http://weir.test/close?how=fin'
curl -sS http://weir.test:81/
curl -sS http://203.0.113.1/
curl -sS --connect-timeout 1 http://198.51.100.9/
curl -sS http://example.org/
python3 $work/peer.py client echo 192.0.2.1 $(port_of echo)
python3 $work/peer.py client first-close 192.0.2.1 $(port_of first-close)
python3 $work/peer.py client rst 192.0.2.1 $(port_of rst)
python3 $work/peer.py client get-rst 192.0.2.1 $(port_of get-rst)
python3 $work/peer.py client unread 192.0.2.1 $(port_of unread)
exit 0
END

trace() { # NAME OPTION...
	local name=$1
	shift
	rm -f "$work/tmp/$name"
	status as_user timeout 120 "$weir" run --trace "$work/tmp/$name" "$@" -- \
		sh "$work/tmp/program"
}

expert() { # NAME FILTER: lines of the expert's list
	tshark -r "$work/tmp/$1" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE \
		-o udp.check_checksum:TRUE -q -z "expert" 2>"$work/tshark.err" |
		grep -Ei "$2"
}

# Packets whose comment is not there.
without_comment() {
	tshark -r "$work/tmp/$1" -Y "not frame.comment" 2>/dev/null | wc -l
}

if command -v tshark >/dev/null; then
	for name in full-65520 full-1500 headers; do
		case $name in
		full-65520) set -- --pcap-payload 65535 ;;
		full-1500) set -- --pcap-payload 65535 --mtu 1500 ;;
		headers) set -- ;;
		esac
		check "$name: the program ran" same 0 "$(trace "$name" "$@")"
		check "$name: tshark reads it whole" same "" "$(tshark -r "$work/tmp/$name" 2>&1 \
			>/dev/null | grep -v '^Running as user')"
		check "$name: no malformed packet" same "" "$(expert "$name" malformed)"
		check "$name: no bad checksum" same "" "$(expert "$name" 'checksum')"
		check "$name: no error" same "" "$(expert "$name" '^Errors')"
		check "$name: every packet has its comment" same 0 "$(without_comment "$name")"
		check "$name: the clauses are there" matches "RFC 9293 3.10.7" \
			"$(expert "$name" 'RFC 9293 3.10.7' | head -n 1)"
		check "$name: both families" same 2 "$(tshark -r "$work/tmp/$name" -T fields \
			-e ip.version -e ipv6.version 2>/dev/null | tr -d '\t ,' | cut -c 1 |
			grep -E '[46]' | sort -u | wc -l)"
	done
	check "no payload is kept without being asked for" same "" \
		"$(grep -a -o 'weir.test</h1>' "$work/tmp/headers")"
	check "payload is kept when asked for" matches "weir.test</h1>" \
		"$(grep -a -o 'weir.test</h1>' "$work/tmp/full-65520" | head -n 1)"
else
	echo "# no tshark: the trace was not read"
fi

# --- The ladder

export LC_ALL=C
as_user "$weir" run --explain -- curl -sS http://weir.test/ >"$work/out" 2>"$work/ladder"
check "the program's output has no ladder in it" matches "</html>$" "$(tail -n 1 "$work/out")"
for word in 'SYN ' 'SYN\+ACK' 'SYN-RECEIVED' 'ESTABLISHED' 'FIN-WAIT-1' 'CLOSE-WAIT' 'LAST-ACK' \
	'TIME-WAIT' 'len=73|PSH'; do
	check "the ladder has $word" grep -Eq -- "$word" "$work/ladder"
done
check "plain ASCII in the C locale" same "" "$(tr -d '\000-\177' <"$work/ladder")"
check "at most 100 columns" same "" "$(grep -E '.{101}' "$work/ladder")"
check "no colour in a file" same "" "$(grep -F "$(printf '\033')" "$work/ladder")"
as_user "$weir" run --explain -- curl -sS http://weir.test:81/ >"$work/out" 2>"$work/ladder"
check "a refused connection has a ladder" grep -q RST "$work/ladder"
check "no option, no ladder" same "" "$(as_user "$weir" run -- curl -sS http://weir.test/ 2>&1 \
	>/dev/null)"
finish
