#!/usr/bin/env bash
# A table of weir-paths against tests/golden/TABLE.txt, exactly: paths have no clock and no chance
# but their seeds. A change of the engine that moves a figure is seen in review.
#
#   tests/paths/test_table.sh WEIR_PATHS TABLE [--update]
#
# --update (or WEIR_GOLDEN_UPDATE=1) writes the file anew.
set -euo pipefail
paths=$1
table=$2
golden=$(cd "$(dirname "$0")/../golden" && pwd)/$table.txt
got=$("$paths" "$table")
if [ "${WEIR_GOLDEN_UPDATE:-}" = 1 ] || [ "${3:-}" = --update ]; then
	printf '%s\n' "$got" >"$golden"
fi
if ! diff -u "$golden" <(printf '%s\n' "$got"); then
	echo "FAIL $table is not what it was: tests/paths/test_table.sh WEIR_PATHS $table --update"
	exit 1
fi
echo "ok   $table"
