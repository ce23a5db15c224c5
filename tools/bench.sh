#!/usr/bin/env bash
# Runs every measurement there is in bench/, one after the other.
set -euo pipefail
cd "$(dirname "$0")/.."
found=no
for script in bench/*.sh; do
	[ -x "$script" ] || continue
	found=yes
	echo "== $script"
	arguments=()
	# All of its cells take hours.
	[ "$script" != bench/loss.sh ] || arguments=(--quick)
	WEIR_BIN=$PWD/build/weir WEIR_BUILD_DIR=$PWD/build \
		"$script" ${arguments[@]+"${arguments[@]}"}
done
if [ $found = no ]; then
	echo "bench: no executable script in bench/" >&2
	exit 1
fi
