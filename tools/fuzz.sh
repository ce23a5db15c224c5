#!/usr/bin/env bash
# Runs each libFuzzer target for FUZZ_SECONDS seconds, starting from its corpus; new inputs go to
# the build folder, a crash stops the run and its input is named.
#
#   tools/fuzz.sh BUILD_DIR [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
if [ $# -gt 0 ]; then
	targets=("$@")
else
	mapfile -t targets < <(find "$build/fuzz" -maxdepth 1 -type f -executable -name 'fuzz_*' \
		-printf '%f\n' | sort)
fi
for target in "${targets[@]}"; do
	echo "== $target"
	mkdir -p "$build/corpus/$target" "$build/crashes"
	corpus=()
	if [ -d "fuzz/corpus/${target#fuzz_}" ]; then
		corpus=("fuzz/corpus/${target#fuzz_}")
	fi
	"$build/fuzz/$target" -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=1 \
		-artifact_prefix="$build/crashes/" "$build/corpus/$target" \
		${corpus[@]+"${corpus[@]}"}
done
