#!/usr/bin/env bash
# A table of weir-paths against tests/golden/TABLE.txt, exactly: paths have no clock and no chance
# but their seeds. A change of the engine that moves a figure is seen in review.
#
#   tests/paths/test_table.sh WEIR_PATHS TABLE [--update]
#
# --update (or WEIR_GOLDEN_UPDATE=1) writes the file anew. The status is 1, too, when the program
# finds that a criterion of its table is not met.
set -euo pipefail
paths=$1
table=$2
golden=$(cd "$(dirname "$0")/../golden" && pwd)/$table.txt
met=0
got=$("$paths" "$table") || met=$?
if [ "${WEIR_GOLDEN_UPDATE:-}" = 1 ] || [ "${3:-}" = --update ]; then
	printf '%s\n' "$got" >"$golden"
fi
if ! diff -u "$golden" <(printf '%s\n' "$got"); then
	echo "FAIL $table is not what it was: tests/paths/test_table.sh WEIR_PATHS $table --update"
	exit 1
fi
if [ "$met" != 0 ]; then
	echo "FAIL $table: a criterion is not met (see the lines marked with !)"
	exit 1
fi
echo "ok   $table"
