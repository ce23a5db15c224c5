#!/usr/bin/env bash
# One path from the command line: figures, samples, settings, the picture, wrong use.
#
#   tests/paths/test_run.sh WEIR_PATHS
command=("$1")
. "$(dirname "$0")/../lib.sh"

check "a path" same 0 "$(status run seconds=1)"
check "... tells its flow" has '^flow 0: [0-9.]+ Mbit/s, [0-9]+ segments, '
check "... and its speed" has '^speed: .* virtual s'
check "losses at distances" same 0 "$(status run seconds=1 lose_every=100 reorder_pct=1)"
check "... are counted" has ', [1-9][0-9]* lost, '
check "three flows with a setting, and samples" same 0 \
	"$(status run seconds=1 flows=3 +cc=0 +delack_ms=0 series)"
check "... are there" has '^flow 2: '
check "... with their windows" has '^ +0\.500 +[1-9]'
check "counters" same 0 "$(status run seconds=1 counters)"
check "... of both ends" has '^ +[0-9]+ +[0-9]+  frames-in$'
check "short transfers" same 0 "$(status run seconds=1 short_kb=10 gap_ms=50)"
check "... are timed" has '[0-9]+ transfers, half of them within [0-9.]+ ms'
check "a picture" same 0 "$(status run seconds=1 loss_pct=1 svg="$work/path.svg")"
check "... of four panels" same 4 "$(grep -c '<clipPath' "$work/path.svg")"
check "... says why what was lost is sent again" grep -q '>retransmitted: ' "$work/path.svg"
check "a picture that cannot be written gives 1" same 1 \
	"$(status run seconds=0.1 svg="$work/nowhere/path.svg")"
check "--help" same 0 "$(status run --help)"
check "--help of all" same 0 "$(status --help)"
for wrong in nothing=1 rate_mbit=x rate_mbit=-1 flows=0 flows=65 series=1x +nothing=1 +cc=9; do
	check "$wrong gives 2" same 2 "$(status run $wrong)"
done
check "a table that there is not gives 2" same 2 "$(status nothing)"
check "no table gives 2" same 2 "$(status)"
finish
