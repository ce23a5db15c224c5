#!/usr/bin/env bash
# The demonstration: an unmodified curl inside `weir run`, first a page with the ladder of every
# segment, then 100 MB whose SHA-256 must be the one the origin announced. Offline: the origin,
# weir.test, is built into weir. WEIR_BIN names the command, build/weir if unset.
set -euo pipefail
cd "$(dirname "$0")/.."
weir=${WEIR_BIN:-build/weir}
bytes=100000000
tun=/dev/net/tun

step() {
	printf '\n== %s\n' "$*"
}

fail() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

if [ ! -c $tun ]; then
	fail "$tun does not exist: run 'sudo modprobe tun', or give a container" \
		"'--device /dev/net/tun'"
fi
if [ ! -r $tun ] || [ ! -w $tun ]; then
	fail "$tun cannot be opened by $(id -un): run 'sudo chmod 0666 $tun' (its usual mode)"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step "weir run --explain -- curl -sS http://weir.test/"
"$weir" run --explain -- curl -sS http://weir.test/ || fail "weir run ended with status $?"

step "weir run -- curl -sS http://weir.test/bytes/$bytes | sha256sum"
began=$(date +%s.%N)
"$weir" run -- curl -sS -D "$work/head" "http://weir.test/bytes/$bytes" |
	sha256sum >"$work/sum" || fail "the transfer failed"
ended=$(date +%s.%N)
announced=$(tr -d '\r' <"$work/head" | awk -F': *' 'tolower($1) == "x-content-sha256" { print $2 }')
computed=$(cut -d' ' -f1 "$work/sum")
echo "announced by the origin: ${announced:-nothing}"
echo "computed from the bytes: $computed"
[ -n "$announced" ] && [ "$announced" = "$computed" ] || fail "the checksums differ"
awk -v n=$bytes -v a="$began" -v b="$ended" \
	'BEGIN { printf "%d bytes in %.2f s, SHA-256 matches\n", n, b - a }'
