#!/usr/bin/env bash
# `weir lab` as a user meets it: the list, figures as JSON, the same run again, pictures, wrong use,
# and the text of each experiment with its ladder, compared with tests/cli/lab/NAME.txt. Those that
# are figures of thousands of segments have no such text: tests/sim/test_lab.c judges these.
#
#     tests/cli/test_lab.sh --write    write these texts anew, after a look at the difference
here=$(cd "$(dirname "$0")" && pwd)
weir=${WEIR_BIN:-$here/../../build/weir}
command=("$weir" lab)
. "$here/../lib.sh"

ladders="handshake two-way half-open syn-flood close half-close time-wait"
names="reliability $ladders congestion"
export LC_ALL=C.UTF-8
keys() { # of one experiment's JSON: the object's, variants' names, those of a variant
	python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
print(",".join(o), *[v["name"] for v in o["variants"]], ",".join(list(o["variants"][0])[1:]))
assert all(isinstance(x, (int, float)) or x is None for v in o["variants"]
           for k, x in v.items() if k != "name")' "$work/out"
}
figure() { # VARIANT KEY
	python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
print(next(v[sys.argv[3]] for v in o["variants"] if v["name"] == sys.argv[2]))' \
		"$work/out" "$1" "$2"
}

# --- Texts, each with the ladder of its telling run

run_text() { # FILE: NAME.txt or NAME.zh.txt
	local lang=en
	[ "${1%.zh.txt}" != "$1" ] && lang=zh
	"$weir" lab "${1%%.*}" --runs 5 --seed 7 --lang $lang
}

texts="two-way.zh.txt syn-flood.zh.txt"
for name in $ladders; do
	texts="$texts $name.txt"
done
if [ "${1:-}" = --write ]; then
	for text in $texts; do
		run_text "$text" >"$here/lab/$text" || exit 1
	done
	exit 0
fi
for text in $texts; do
	run_text "$text" >"$work/text" 2>"$work/err"
	diff -u "$here/lab/$text" "$work/text" >"$work/out"
	check "$text is what it was" same 0 $?
done

# --- The list

check "without a name there is a list" same 0 "$(status)"
check "... of all experiments, in the document's order" same "$names" \
	"$(awk '{ print $1 }' "$work/out" | tr '\n' ' ' | sed 's/ $//')"
check "... each in a line of at most 100 columns" same 0 "$(grep -c '.\{101\}' "$work/out")"
check "the list in Chinese" same 0 "$(status --lang zh)"
check "... has the document's words" matches "三次握手" "$(cat "$work/out")"

# --- Figures

frame=experiment,runs,seed,variants
check "two-way as JSON" same 0 "$(status two-way --runs 20 --seed 3 --json)"
check "... is one line" same 1 "$(lines out)"
check "... with its keys" matches \
	"^$frame two-handshakes three-handshakes ghost_connections,[a-z_,]+$" "$(keys)"
check "... a ghost in every run" same 20 "$(figure two-handshakes ghost_connections)"
check "... and in none" same 0 "$(figure three-handshakes ghost_connections)"
first=$(cat "$work/out")
status two-way --runs 20 --seed 3 --json >/dev/null
check "the same seed gives the same figures" same "$first" "$(cat "$work/out")"
status two-way --runs 20 --seed 4 --json >/dev/null
check "another seed gives others" test "${first/\"seed\": 3/\"seed\": 4}" != "$(cat "$work/out")"
check "syn-flood as JSON" same 0 "$(status syn-flood --runs 6 --json)"
check "... with its variants" matches "^$frame none short-timeout cookies source-limit all " \
	"$(keys)"
check "... and its keys" matches " honest_tried,honest_served,.*,syns,.*,memory_peak_bytes$" \
	"$(keys)"
tried=$(figure none honest_tried)
check "... hardly anybody served without defences" \
	test $((10 * $(figure none honest_served))) -lt "$tried"
check "... everybody with cookies" same "$tried" "$(figure cookies honest_served)"
check "... and with all defences" same "$tried" "$(figure all honest_served)"
check "time-wait as JSON" same 0 "$(status time-wait --runs 20 --json)"
check "... with its keys" matches "^$frame with without late_fin_reset,.*old_bytes_delivered" \
	"$(keys)"
check "... no reset" same 0 "$(figure with late_fin_reset)"
check "... no old byte" same 0 "$(figure with old_bytes_delivered)"
check "... resets without" test "$(figure without late_fin_reset)" -gt 0
check "... old bytes without" test "$(figure without old_bytes_delivered)" -gt 0
for name in $names; do
	check "$name is valid JSON" same 0 "$(status "$name" --runs 2 --json)"
	check "... of that name" matches "^$frame [a-z -]+ [a-z0-9_,]+$" "$(keys)"
done

check "reliability as JSON" same 0 "$(status reliability --runs 5 --json)"
check "... with a variant for each mechanism" matches \
	"^$frame all no-checksum no-sequence no-ack no-resend no-time-wait " \
	"$(keys)"
check "... intact with all of them" same 5 "$(figure all intact)"
check "... not without sequence numbers" same 0 "$(figure no-sequence intact)"
check "congestion as JSON" same 0 "$(status congestion --runs 1 --json)"
check "... with its variants" matches "^$frame newreno cubic bbr mixed codel ecn utilisation_pct," \
	"$(keys)"
check "... which use the path" \
	python3 -c "import sys; sys.exit(not 80 < $(figure cubic utilisation_pct) < 100)"
for name in reliability congestion; do
	check "$name in English" same 0 "$(status $name --runs 1)"
	check "... in lines of at most 100 columns" same 0 "$(grep -c '.\{101\}' "$work/out")"
	check "... and in Chinese" same 0 "$(status $name --runs 1 --lang zh)"
	check "... without words of the other" matches "结论" "$(cat "$work/out")"
done

# --- Pictures

well_formed() { # the picture: SVG that loads and runs nothing; FILE [PANELS]
	python3 -c 'import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
svg = "{http://www.w3.org/2000/svg}"
assert root.tag == svg + "svg"
tags = [e.tag.replace(svg, "") for e in root.iter()]
assert not set(tags) & {"script", "image", "use", "a", "foreignObject"}, tags
assert tags.count("clipPath") == int(sys.argv[2]), tags.count("clipPath")
assert tags.count("path") >= int(sys.argv[2])' "$1" "$2" 2>"$work/err"
}

check "a picture of reliability" same 0 "$(status reliability --runs 1 --svg "$work/r.svg")"
check "... with a panel for each variant, and the windows" well_formed "$work/r.svg" 8
check "a picture of congestion, and JSON" same 0 \
	"$(status congestion --runs 1 --json --svg "$work/c.svg")"
check "... is still one line of JSON" same 1 "$(lines out)"
check "... with two panels for each variant" well_formed "$work/c.svg" 12
first=$(cat "$work/r.svg")
status reliability --runs 1 --svg "$work/again.svg" >/dev/null
check "the same seed gives the same picture" same "$first" "$(cat "$work/again.svg")"

# --- Wrong use

wrong "a name that is not there" "no experiment 'two'; there are reliability, handshake" two
wrong "two names" "one experiment at a time: 'close'" two-way close
wrong "an unknown option" "no option --nothing" --nothing
wrong "no runs" "--runs: '0' is not a number from 1" close --runs 0
wrong "a seed that is no number" "--seed: 'x' is not a number from 0" close --seed x
wrong "an option without value" "--seed needs a value" close --seed
wrong "a language that is not there" "--lang: 'fr' is neither en nor zh" close --lang fr
wrong "a picture that there is not" "no picture of 'close'; there is of reliability, congestion" \
	close --svg "$work/close.svg"
wrong "a picture of nothing" "need the name of an experiment" --svg "$work/nothing.svg"
check "a picture that cannot be written gives 1" same 1 \
	"$(status reliability --runs 1 --svg "$work/nowhere/r.svg")"
check "... is said" matches "cannot write '.*nowhere/r.svg': No such file" "$(cat "$work/err")"
check "... in one line" same 1 "$(lines err)"
check "... and nothing else is printed" same 0 "$(lines out)"
wrong "figures of nothing" "need the name of an experiment" --json
check "--help gives 0" same 0 "$(status --help)"
check "--help tells the experiments" matches "time-wait" "$(cat "$work/out")"

finish
