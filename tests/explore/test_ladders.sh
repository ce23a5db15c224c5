#!/usr/bin/env bash
# The counterexamples, step for step, against tests/explore/NAME.txt, which a person has read.
# WEIR_GOLDEN_UPDATE=1 writes the files anew; the change is then seen in review.
#
#   tests/explore/test_ladders.sh WEIR_EXPLORE
set -euo pipefail
explore=$1
cd "$(dirname "$0")"
status=0
for name in two-handshakes two-handshakes-delayed no-time-wait-bytes no-time-wait-fin; do
	got=$("$explore" --scenario "$name" --ladder)
	if [ "${WEIR_GOLDEN_UPDATE:-}" = 1 ]; then
		printf '%s\n' "$got" >"$name.txt"
	fi
	if diff -u "$name.txt" <(printf '%s\n' "$got"); then
		echo "ok   $name"
	else
		echo "FAIL $name"
		status=1
	fi
done
exit $status
