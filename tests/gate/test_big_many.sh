#!/usr/bin/env bash
# Many connections in one `weir run`: 2,000 in sequence and 300 at one time, none fails.
. "$(dirname "$0")/lib.sh"
need curl

# The inner program prints one line for each transfer that was not right, and their number.
cat >"$work/tmp/sequence" <<'END'
i=0
bad=0
while [ $i -lt 2000 ]; do
	n=$((i * 37 % 5000))
	got=$(curl -sS "$1/bytes/$n" | wc -c)
	[ "$got" = $n ] || { bad=$((bad + 1)); echo "transfer $i: $got of $n bytes"; }
	i=$((i + 1))
done
echo "bad $bad"
END
cat >"$work/tmp/together" <<'END'
i=0
while [ $i -lt 300 ]; do
	(curl -sS "$1/bytes/1000000" 2>&1 | sha256sum >"$2/one.$i") &
	i=$((i + 1))
done
wait
cat "$2"/one.* | sort | uniq -c | awk '{print $1, $2}'
rm "$2"/one.*
END
want=$(as_user "$weir" run -- curl -sSI http://weir.test/bytes/1000000 |
	sed -n 's/\r$//; s/^X-Content-SHA256: //p')

inside() {
	as_user timeout 500 "$weir" run -- sh "$@" 2>&1
}

check "2,000 transfers in sequence" same "bad 0" \
	"$(inside "$work/tmp/sequence" http://weir.test)"
check "300 transfers at one time, IPv6" same "300 $want" \
	"$(inside "$work/tmp/together" http://weir.test "$work/tmp")"
check "300 transfers at one time, IPv4" same "300 $want" \
	"$(inside "$work/tmp/together" http://10.0.2.3 "$work/tmp")"
finish
