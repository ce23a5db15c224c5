#!/usr/bin/env bash
# Counts the instructions that the engine needs for a SYN with its SYN-ACK, a connection opened and
# closed, a segment of a stream and a round trip, with callgrind. Start and warm-up are not counted:
# each figure is the difference of two runs of different length. Counts do not depend on what else
# the machine does.
#
# For a SYN there are two figures: what the engine needs, that is all that happens in weir_input()
# and weir_output(), and the whole process, which also hands the SYN in and checks the SYN-ACK. All
# other figures are of the whole process: both ends, and what carries packets between them.
#
#   bench/instructions.sh [syn|connect|bulk|rr]...     all by default
#
#   INSTRUCTIONS_COUNT=8000    SYNs (and so on) in the shorter run; the longer has twice as many
#   INSTRUCTIONS_TOP=0         also print that many of the functions that need most
set -euo pipefail
cd "$(dirname "$0")/.."
: "${WEIR_BUILD_DIR:=$PWD/build}"
: "${WEIR_BIN:=$WEIR_BUILD_DIR/weir}"
count=${INSTRUCTIONS_COUNT:-8000}
top=${INSTRUCTIONS_TOP:-0}
failed=0
whole=()
engine=(--toggle-collect=weir_input --toggle-collect=weir_output)
collect=("${whole[@]}")

command -v valgrind >/dev/null || {
	echo "instructions: valgrind is missing (tools/setup.sh bench)" >&2
	exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# total COUNT ARGUMENT...: instructions of what is collected, in $tmp/total.
total() {
	local n=$1
	shift
	valgrind --tool=callgrind --callgrind-out-file="$tmp/$n.out" "${collect[@]}" "$WEIR_BIN" \
		bench "$@" --count "$n" --json >"$tmp/out" 2>"$tmp/err" || return 1
	sed -n 's/^\(summary\|totals\): //p' "$tmp/$n.out" | head -n 1 >"$tmp/total"
	[ -s "$tmp/total" ]
}

# row TEXT ARGUMENT...: one line of the table.
row() {
	local text=$1 short long
	shift
	if ! total "$count" "$@"; then
		if grep -q 'no SYN cookies' "$tmp/err"; then
			printf '| %-46s | %12s |\n' "$text" "not built"
			return
		fi
		echo "instructions: weir bench $* has failed:" >&2
		cat "$tmp/err" >&2
		failed=1
		return
	fi
	short=$(<"$tmp/total")
	total $((2 * count)) "$@"
	long=$(<"$tmp/total")
	printf '| %-46s | %12s |\n' "$text" "$(((long - short + count / 2) / count))"
	if [ "$top" -gt 0 ]; then
		hot "$text"
	fi
}

# hot TEXT: the functions whose own instructions are most, per unit.
hot() {
	local n
	for n in "$count" $((2 * count)); do
		callgrind_annotate --auto=no --threshold=100 "$tmp/$n.out" >"$tmp/$n.txt"
	done
	python3 - "$tmp/$count.txt" "$tmp/$((2 * count)).txt" "$count" "$top" <<'PY'
import re
import sys

LINE = re.compile(r"^\s*([\d,]+)(?: \([ \d.]+%\))?\s+(?:\S*:)?([^\s:]+)(?: \[.*\])?$")


def read(path):
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            match = LINE.match(line)
            if match and "PROGRAM TOTALS" not in line:
                name = match.group(2)
                found[name] = found.get(name, 0) + int(match.group(1).replace(",", ""))
    return found


short, long = read(sys.argv[1]), read(sys.argv[2])
each = {name: (n - short.get(name, 0)) / int(sys.argv[3]) for name, n in long.items()}
for name, n in sorted(each.items(), key=lambda x: -x[1])[:int(sys.argv[4])]:
    print(f"|    {name:43} | {n:12.1f} |")
PY
}

printf '| %-46s | %12s |\n' "what" "instructions"
printf '|%s|%s:|\n' "$(printf -- '-%.0s' {1..48})" "$(printf -- '-%.0s' {1..13})"
for what in "${@:-all}"; do
	case $what in
	syn | connect | bulk | rr | all) ;;
	*)
		echo "instructions: there are syn, connect, bulk and rr, but no '$what'" >&2
		exit 2
		;;
	esac
	if [ "$what" = syn ] || [ "$what" = all ]; then
		for mode in cookie queue; do
			collect=("${engine[@]}")
			row "a SYN with its SYN-ACK, $mode mode" syn --mode $mode --half-open 4096
			collect=("${whole[@]}")
			row "the same, with the bench's own part" syn --mode $mode --half-open 4096
		done
	fi
	if [ "$what" = connect ] || [ "$what" = all ]; then
		row "a connection opened and closed, both ends" connect
	fi
	if [ "$what" = bulk ] || [ "$what" = all ]; then
		row "a segment of 1,448 bytes, with its share of ACKs" bulk
		row "the same without timestamps, 1,460 bytes" bulk --set timestamps=0
	fi
	if [ "$what" = rr ] || [ "$what" = all ]; then
		row "a round trip of 64 bytes each way" rr
	fi
done
exit $failed
