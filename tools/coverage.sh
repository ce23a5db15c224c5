#!/usr/bin/env bash
# Runs the unit tests of a coverage build and prints, for each folder, the part of its lines that
# ran.
#
#   tools/coverage.sh BUILD_DIR [JOBS]
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" -LE 'big|interop' -j "${2:-2}" --output-on-failure --quiet || true
find "$build/CMakeFiles" -name '*.gcda' | while read -r data; do
	gcov -n -r -s "$PWD" "$data" 2>/dev/null
done | awk '
	/^File / { split($2, q, "\047"); file = q[2] }
	/^Lines executed:/ && file != "" {
		split($0, a, /[:% ]+/)
		if (file ~ /\.c$/ && file !~ /^tests/ && !(file in seen)) {
			seen[file] = 1
			n = split(file, part, "/")
			dir = part[1]
			for (i = 2; i < n; i++)
				dir = dir "/" part[i]
			total[dir] += a[5]
			ran[dir] += a[3] * a[5] / 100
		}
		file = ""
	}
	END {
		for (dir in total)
			printf "%-16s %6d lines %6.1f%%\n", dir, total[dir],
			       100 * ran[dir] / total[dir]
	}' | sort
