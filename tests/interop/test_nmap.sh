#!/usr/bin/env bash
# What a scanner can tell: nmap probes weir's TCP through a TUN device. Initial sequence
# numbers must be of its top class ("Good luck!"), the IP ID all zeros. NMAP_OUT names a file for
# nmap's own report.
. "$(dirname "$0")/lib.sh"
command -v nmap >/dev/null || skip "nmap is missing"
interop_start 1500

start serve inside "$WEIR_BIN" serve --tun $TUN --ip $W4/24 --ip6 $W6/64
served=$started
await $served "$tmp/serve.err" "Ctrl-C ends it" || {
	echo "FAILED  weir serve: does not listen"
	cat "$tmp/serve.err"
	exit 1
}

# attribute FILE ELEMENT NAME: of the first such element of nmap's XML; empty if there is none.
attribute() {
	python3 - "$@" <<'PY'
import sys
import xml.etree.ElementTree as tree
element = tree.parse(sys.argv[1]).find(".//" + sys.argv[2])
print("" if element is None else element.get(sys.argv[3], ""))
PY
}

# Echo (7) is open, 81 is closed: both are needed.
start nmap inside nmap -n -Pn -O -v -p 7,81 --max-os-tries 1 -oX "$tmp/nmap.xml" $W4
status $started
check "nmap ends with 0" equal $ended 0
check "sequence prediction is of the top class" \
	equal "$(attribute "$tmp/nmap.xml" tcpsequence difficulty)" "Good luck!"
# Eight times the bits of the spread that nmap sees in five differences: of random numbers that is
# 250 to 270, as chance has it, and 8 less for each bit that could be guessed.
check "... of difficulty 200 or more" \
	at_least "$(attribute "$tmp/nmap.xml" tcpsequence index)" 200
check "the IP ID is all zeros" equal "$(attribute "$tmp/nmap.xml" ipidsequence class)" "All zeros"
[ -z "${NMAP_OUT:-}" ] || cp "$tmp/nmap.out" "$NMAP_OUT"

kill -INT $served
status $served
check "weir serve ends with 0 on SIGINT" equal $ended 0
interop_end
