#!/usr/bin/env bash
# Lays out every C source and header with clang-format. `--check` changes nothing and lists the
# files that would change. Tables (*.def) are laid out by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
formatter=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$formatter" ]; then
	echo "format: clang-format is not installed (apt-get install clang-format)" >&2
	exit 1
fi
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.c' '*.h')
[ ${#files[@]} -gt 0 ] || exit 0
if [ "${1:-}" = --check ]; then
	exec "$formatter" --dry-run -Werror "${files[@]}"
fi
"$formatter" -i "${files[@]}"
