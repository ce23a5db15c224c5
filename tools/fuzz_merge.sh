#!/usr/bin/env bash
# Adds to the corpus of a target what a campaign has found: of its inputs as few as together reach
# every edge that any does, and no more than FILES_MAX, small ones first. Inputs with a name of
# their own are kept as they are; those named by a hash are chosen anew.
#
#   tools/fuzz_merge.sh BUILD_DIR TARGET [FOLDER...]     FOLDER: more inputs to choose from
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
target=$2
shift 2
corpus=fuzz/corpus/${target#fuzz_}
files_max=${FILES_MAX:-400}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/found" "$work/out"

hashed='[0-9a-f]{40}'
cp -r "$corpus" "$work/named"
find "$work/named" -type f -regextype posix-extended -regex ".*/$hashed" \
	-exec mv -t "$work/found" {} +
for folder in "$build/campaign/$target/corpus" "$@"; do
	if [ -d "$folder" ]; then
		find "$folder" -type f -size "-${BYTES_MAX:-2048}c" -exec cp -t "$work/found" {} +
	fi
done
# What the named ones reach need not be reached again.
cp -r "$work/named/." "$work/out"
"$build/fuzz/$target" -set_cover_merge=1 -use_counters=0 -timeout=300 "$work/out" "$work/found" \
	2>"$work/log" || {
	tail -5 "$work/log" >&2
	exit 1
}
find "$corpus" -type f -regextype posix-extended -regex ".*/$hashed" -delete
find "$work/out" -type f -regextype posix-extended -regex ".*/$hashed" -printf '%s %p\n' |
	sort -n | awk -v max="$files_max" 'NR <= max { print $2 }' | xargs -r cp -t "$corpus"
echo "$target: $(find "$corpus" -type f | wc -l) inputs," \
	"$(du -bs "$corpus" | cut -f 1) bytes"
