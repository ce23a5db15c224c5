#!/usr/bin/env bash
# `weir serve` against kernel clients: each service, devices made and attached, many connections at
# once, and its end.
. "$(dirname "$0")/lib.sh"
interop_start 65520

head -c 20000000 /dev/urandom >"$tmp/data"

# serve OPTION...: runs it until its listening line; $served is its process id.
serve() {
	# shellcheck disable=SC2086 # words on purpose
	start serve inside ${serve_as:-} "$WEIR_BIN" serve "$@"
	served=$started
	await $served "$tmp/serve.err" "Ctrl-C ends it" || {
		echo "FAILED  weir serve $*: does not listen"
		cat "$tmp/serve.err"
		exit 1
	}
}

stop() {
	kill -INT $served
	status $served
	check "... ends with 0 on SIGINT" equal $ended 0
}

echo_both() {
	cp "$tmp/data" "$tmp/client.in"
	for address in "$@"; do
		start client kernel_peer connect $address 7
		status $started
		check "echo on $address: orderly" equal $ended 0
		check "echo on $address: the same bytes come back" \
			same "$tmp/client.out" "$tmp/data"
	done
}

serve --tun $TUN --ip $W4/24 --ip6 $W6/64
echo_both $W4 $W6
stop

# A device of its own, with the host's end in the prefix.
serve --tun weirown --ip 10.98.0.1/24 --ip6 fd98::2/64 --mtu 1500 --echo
check "the host's end has the next IPv4 address" \
	grep -q "10.98.0.2/24" <(ip -n $ns -4 addr show dev weirown)
check "the host's end has the first IPv6 address" \
	grep -q "fd98::1/64" <(ip -n $ns -6 addr show dev weirown)
check "the device has the MTU" grep -q "mtu 1500" <(ip -n $ns link show dev weirown)
echo_both 10.98.0.1 fd98::2
stop
check "the device is gone" test -z "$(ip -n $ns -o link show dev weirown 2>/dev/null)"

serve --tun $TUN --ip $W4/24 --discard
cp "$tmp/data" "$tmp/client.in"
start client kernel_peer connect $W4 9
status $started
check "discard: orderly" equal $ended 0
check "discard: nothing comes back" test ! -s "$tmp/client.out"
stop

rm -f "$tmp/client.in"
serve --tun $TUN --ip $W4/24 --source --port 4000
start client kernel_peer connect $W4 4000 --abort-at 10000000
status $started
check "source: at least 10 MB came" test "$(stat -c %s "$tmp/client.out")" -ge 10000000
check "source: lines of printable characters" \
	equal "$(head -c 7400 "$tmp/client.out" | tr -d '[:print:]' | tr -d '\r' | wc -l)" 100
stop

mkdir -p "$tmp/www/sub"
cp "$tmp/data" "$tmp/www/data.bin"
echo "<p>index</p>" >"$tmp/www/sub/index.html"
echo secret >"$tmp/secret"
ln -s ../secret "$tmp/www/link"
serve --tun $TUN --ip $W4/24 --ip6 $W6/64 --dir "$tmp/www"
for url in http://$W4 "http://[$W6]"; do
	check "$url/data.bin: is the file" same \
		<(inside curl -sS "$url/data.bin") "$tmp/www/data.bin"
	check "$url/sub/: is index.html" same \
		<(inside curl -sS "$url/sub/") "$tmp/www/sub/index.html"
	check "$url: HEAD gives the length" grep -qi "^content-length: 20000000" \
		<(inside curl -sSI "$url/data.bin")
	for path in /none /link /../secret; do
		check "$url$path: 404" equal 404 \
			"$(inside curl -sS --path-as-is -o /dev/null -w '%{http_code}' "$url$path")"
	done
	check "$url: POST is refused" equal 405 \
		"$(inside curl -sS -d x -o /dev/null -w '%{http_code}' "$url/data.bin")"
done
seq 100 | xargs -P 20 -I{} ip netns exec $ns curl -sS -o "$tmp/many.{}" http://$W4/data.bin
check "100 transfers, 20 at a time: all are the file" \
	equal "$(sha256sum "$tmp"/many.* | cut -d' ' -f1 | sort -u)" \
	"$(sha256sum "$tmp/data" | cut -d' ' -f1)"
stop

# A device that was made for an ordinary user, who needs nothing else.
if setpriv --reuid 65534 --regid 65534 --clear-groups test -w /dev/net/tun; then
	ip -n $ns tuntap add dev weiruser mode tun user 65534
	ip -n $ns link set weiruser mtu 9000 up
	ip -n $ns addr add 10.97.0.1/24 dev weiruser
	serve_as="setpriv --reuid 65534 --regid 65534 --clear-groups"
	serve --tun weiruser --ip 10.97.0.2/24
	serve_as=
	echo_both 10.97.0.2
	stop
	check "the device is still there" grep -q weiruser <(ip -n $ns link show dev weiruser)
else
	echo "        (/dev/net/tun is closed to ordinary users here: not tried as one)"
fi

# Connections that are open when it ends are reset.
serve --tun $TUN --ip $W4/24 --echo
rm -f "$tmp/client.in"
mkfifo "$tmp/client.in"
start client kernel_peer connect $W4 7
client=$started
exec 9>"$tmp/client.in"
echo hello >&9
check "an open connection echoes" await $client "$tmp/client.out" hello
stop
status $client
exec 9>&-
check "... and is reset when weir ends" equal $ended 4

interop_end
