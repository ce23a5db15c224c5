#!/usr/bin/env bash
# What is bounded, and the end of `weir run` beside background processes and hosts that do not read.
. "$(dirname "$0")/lib.sh"
need curl python3 prlimit
cp "$here/peer.py" "$work/peer.py"
start_server "$work/ports" python3 "$work/peer.py" serve 192.0.2.1
port_of() {
	tr ' ' '\n' <"$work/ports" | sed -n "s/^$1=//p"
}
run=(timeout 120 "$weir" run)

# --- Attempts that nobody answers do not block others: fewer than the bounds, more for one
# destination, more in all.
for flood in "1 500" "1 1500" "200 3000"; do
	# shellcheck disable=SC2086
	check "$flood connects without an answer block nobody" same page \
		"$(as_user "${run[@]}" -- python3 "$work/peer.py" flood 198.51.100. $flood)"
done

# --- Few descriptors: the newest connections are refused, once with a word, and it goes on.
cat >"$work/tmp/few" <<'END'
for i in $(seq 60); do
	curl -sS -o /dev/null http://weir.test/slow?ms=200 2>/dev/null &
done
wait
curl -sS http://weir.test/
END
as_user prlimit --nofile=40:40 "${run[@]}" -- sh "$work/tmp/few" >"$work/out" 2>"$work/err"
check "after a shortage of descriptors it goes on" grep -q "<h1>weir.test</h1>" "$work/out"
check "the shortage is told, once" same 1 "$(grep -c "^weir run: out of file desc" "$work/err")"

# --- Every connection gives its descriptor back, however it ended
cat >"$work/tmp/ends" <<END
echo "\$PPID"
read -r line
seq 1 60 | while read -r i; do
	curl -sS -o /dev/null --max-time 0.1 "http://weir.test/slow?ms=300"
	curl -sS -o /dev/null "http://weir.test/close?how=rst"
	curl -sS -o /dev/null http://weir.test/bytes/100000
	curl -sS -o /dev/null --max-filesize 10 http://weir.test/bytes/100000000
	curl -sS -o /dev/null http://192.0.2.1:9/
	curl -sS -o /dev/null http://weir.test:81/
done 2>/dev/null
python3 $work/peer.py client rst 192.0.2.1 $(port_of rst)
python3 $work/peer.py client unread 192.0.2.1 $(port_of unread)
echo done
read -r line
END
mkfifo "$work/in" "$work/lines"
as_user "${run[@]}" -- sh "$work/tmp/ends" <"$work/in" >"$work/lines" &
job=$!
exec 7>"$work/in" 8<"$work/lines"
read -r weir_pid <&8
before=$(ls "/proc/$weir_pid/fd" | wc -l)
echo >&7
while read -r line <&8 && [ "$line" != done ]; do :; done
# What ended last may still be on its way: the next look comes when another connection has been.
# Fewer than before is possible: weir may have held one of its start-up still at the first look.
for _ in $(seq 100); do
	after=$(ls "/proc/$weir_pid/fd" | wc -l)
	[ "$after" -gt "$before" ] || break
	as_user "$weir" run -- true
done
check "no descriptor is left of 360 connections" at_most "$before" "$after"
echo >&7
wait "$job"
check "and weir ends" same 0 $?
exec 7>&- 8<&-

# --- Background processes do not keep weir
check "a background process does not keep weir" same 3 \
	"$(status as_user "${run[@]}" -- \
		sh -c 'tail -f /dev/null >/dev/null 2>&1 & echo $!; exit 3')"
kill "$(cat "$work/out")"
check "nor one with a connection open" same 3 "$(status as_user "${run[@]}" -- sh -c '
	curl -sSN "http://weir.test/slow?ms=600000" >/dev/null 2>&1 &
	echo $!
	curl -sS http://weir.test/ >/dev/null
	exit 3')"
kill "$(cat "$work/out")"

check "nor one that has sent and may go on" same 3 "$(status as_user "${run[@]}" -- \
	python3 "$work/peer.py" left-open 192.0.2.1 "$(port_of count)" 1000)"
kill "$(cat "$work/out")"
check "whose stream does not look whole" same same \
	"$(python3 "$work/peer.py" told 192.0.2.1 "$(port_of count)" 1000 ECONNRESET)"

# --- A host that does not take what the program sent: given up, and said
check "a host that does not read: the program's status" same 3 "$(status as_user "${run[@]}" -- \
	python3 "$work/peer.py" fill 192.0.2.1 "$(port_of never-read)")"
check "a host that does not read: said" matches "does not take what it sent" "$(cat "$work/err")"
finish
