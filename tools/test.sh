#!/usr/bin/env bash
# Builds what the tests need and runs them all:
#   - on the sanitizer build, every test but those labelled `big`;
#   - on the release build, the scripts again (full size) and what is labelled `big` or `release`.
# Leaves build-asan/junit.xml and build/junit.xml, prints the totals of both, and holds
# docs/conformance.md against them (tools/ledger.py).
#
#   tools/test.sh [JOBS]
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${1:-$(nproc)}

export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"

rm -f build/junit.xml build-asan/junit.xml
cmake --preset release >/dev/null
cmake --build build -j "$jobs"
cmake --preset asan >/dev/null
cmake --build build-asan -j "$jobs"

# The ledger reads each test's result from what it printed.
junit=(--output-junit junit.xml --test-output-size-passed 4000000 --test-output-size-failed 4000000)
status=0
ctest --test-dir build-asan -LE big -j "$jobs" --output-on-failure --no-tests=error \
	"${junit[@]}" || status=$?
export WEIR_BIN_OTHER=$PWD/build-asan/weir # two builds must give the same storms
ctest --test-dir build -L 'interop|gate|cli|big|release|package' -j "$jobs" --output-on-failure \
	"${junit[@]}" || status=$?
echo
tools/ledger.py --check build-asan/junit.xml build/junit.xml || status=1
tools/test_total.py build-asan/junit.xml build/junit.xml
exit $status
