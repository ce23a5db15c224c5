#!/usr/bin/env bash
# `weir storm` as a user meets it: figures, statuses, wrong use, a failure that is found, repeated,
# drawn and made small, and the same run by whatever build.
here=$(cd "$(dirname "$0")" && pwd)
weir=${WEIR_BIN:-$here/../../build/weir}
command=("$weir" storm)
. "$here/../lib.sh"

field() { # KEY: its value in the JSON object
	python3 -c 'import json, sys
print(json.dumps(json.load(open(sys.argv[1]))[sys.argv[2]]))' "$work/out" "$1"
}

# --- Figures

check "40 seeds do not fail" same 0 "$(status --seeds 40 --jobs 2)"
check "two lines tell what was run" same 2 "$(lines out)"
check "no progress but on a terminal" same 0 "$(lines err)"
check "--json gives 0" same 0 "$(status --seeds 40 --json)"
check "it is one object in one line" same 1 "$(lines out)"
check "seeds" same 40 "$(field seeds)"
check "failures" same 0 "$(field failures)"
check "first_failing_seed" same null "$(field first_failing_seed)"
check "segments" test "$(field segments)" -gt 4000
check "connections" test "$(field connections)" -gt 40
digest=$(field digest)
check "--seconds ends" same 0 "$(status --seconds 1 --json)"
check "... after some seeds" test "$(field seeds)" -gt 0

# --- The same run again, in one process, by another build

status --seeds 40 --json --jobs 1 >"$work/status"
check "the same seeds give the same packets" same "$digest" "$(field digest)"
status --seed 2 --seeds 40 --json >"$work/status"
check "others give others" test "$digest" != "$(field digest)"
if [ -n "${WEIR_BIN_OTHER:-}" ] && [ -x "$WEIR_BIN_OTHER" ]; then
	"$WEIR_BIN_OTHER" storm --seeds 40 --json >"$work/out" 2>"$work/err"
	check "another build gives the same packets" same "$digest" "$(field digest)"
fi

# --- A failure

check "cheating gives 1" same 1 "$(status --seeds 10 --plant byte --json)"
seed=$(field first_failing_seed)
check "the failure has a line of its own" matches "^seed $seed, step [0-9]+: at .*wrong byte" \
	"$(grep "^seed $seed," "$work/err")"
words=$(grep "^seed $seed," "$work/err")
check "one seed repeats it" same 1 "$(status --seed "$seed" --plant byte)"
line=$(head -n 1 "$work/out")
check "... with the same words, on standard output" same "$words" "$line"
step=${line#*step }
step=${step%%:*}
check "it is not there a step before" same 0 \
	"$(status --seed "$seed" --plant byte --until "$step")"
check "--explain gives 1" same 1 "$(status --seed "$seed" --plant byte --explain)"
check "... and draws the connection" matches "SYN-SENT.*ESTABLISHED" "$(tr '\n' ' ' <"$work/out")"
check "--shrink gives 1" same 1 "$(status --seed "$seed" --plant byte --shrink)"
repeated=$(tail -n 1 "$work/out")
small=$(grep '^smallest' "$work/out")
check "it says how the smallest is repeated" matches \
	"^weir storm --seed $seed --without .*crash.* --plant byte$" "$repeated"
read -ra words <<<"$repeated"
check "which repeats it" same 1 "$(status "${words[@]:2}")"
check "... with the words that were promised" same "${small#*: }" "$(head -n 1 "$work/out")"

# --- A broken assertion ends a process, but not the run

check "a trap gives 1" same 1 "$(status --seeds 10 --plant trap --jobs 1 --json)"
check "every seed was run" same 10 "$(field seeds)"
check "some failed" test "$(field failures)" -gt 1
seed=$(field first_failing_seed)
trapped="^seed $seed, step [1-9][0-9]*: (the engine stopped itself|the process ended)"
check "each has its line" matches "$trapped" "$(grep "^seed $seed," "$work/err")"
check "one seed repeats it" same 1 "$(status --seed "$seed" --plant trap --explain)"
check "... with its line" matches "$trapped" "$(head -n 1 "$work/out")"
check "... and its ladder up to there" matches "SYN-SENT" "$(cat "$work/out")"
check "it can be made small" same 1 "$(status --seed "$seed" --plant trap --shrink)"
check "... as the others" matches "--without .*crash.* --plant trap$" "$(tail -n 1 "$work/out")"

# --- Wrong use

wrong "an unknown option" "no option --nothing" --nothing
wrong "an operand" "'7' is not an option" 7
wrong "no seeds" "--seeds: '0' is not a number from 1" --seeds 0
wrong "a seed that is no number" "--seed: 'x' is not a number from 0" --seed x
wrong "an option without value" "--seed needs a value" --seed
wrong "no time" "--seconds: '0' is not" --seconds 0
wrong "too many processes" "--jobs: '257' is not a number from 1 to 256" --jobs 257
wrong "a part that is not there" "--without: 'loss,rain' is not a list of parts" --without loss,rain
wrong "a connection that cannot be" "--talks: '64' is neither" --talks 64
wrong "a trouble that cannot be" "--troubles: '1,' is neither" --troubles 1,
wrong "a plant that is not there" "only byte, rst and trap" --plant tree
wrong "shrinking many" "are for one seed" --seed 1 --seeds 2 --shrink
wrong "drawing none" "are for one seed" --explain
wrong "drawing as JSON" "--json does not go together" --seed 1 --json --explain
check "--help gives 0" same 0 "$(status --help)"
check "--help tells the options" matches "--without" "$(cat "$work/out")"

finish
