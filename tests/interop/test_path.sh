#!/usr/bin/env bash
# The path of bench/loss.sh: refuses what it cannot do; delays, loses and counts as it was told; a
# short run of the benchmark ends with figures and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

tools=$WEIR_BUILD_DIR/bench
for tool in path transfer peer weir; do
	[ -x "$tools/weir-bench-$tool" ] || skip "weir-bench-$tool was not built"
done
interop_start 1500

# refused TEXT OPTION...: nothing is made, and one line says why.
refused() {
	local text=$1
	shift
	start path inside "$tools/weir-bench-path" "$@"
	status $started
	check "path $*: status 2" equal $ended 2
	check "path $*: says '$text'" grep -q -e "$text" "$tmp/path.err"
	check "path $*: no figures" test ! -s "$tmp/path.out"
}

ends=(--a "$ns,one" --b "$ns,two")
refused "--a and --b are needed" --rate 10mbit
refused "rate.*fast\|fast: a value" "${ends[@]}" --rate fast
refused "a value like this" "${ends[@]}" --delay 10
refused "a value like this" "${ends[@]}" --loss 0.1
refused "a value like this" "${ends[@]}" --reorder 5%
refused "a value like this" "${ends[@]}" --burst 1%
refused "a value like this" "${ends[@]}" --aqm red
refused "more than a million" "${ends[@]}" --dup 101%
refused "need a chance to end" "${ends[@]}" --burst 1%:0%
refused "no such argument" "${ends[@]}" again

# --- One direction loses a tenth, the other nothing; both take 5 ms

ip netns add "$ns-far"
trap 'ip netns del "$ns-far" 2>/dev/null || true; interop_clean' EXIT
start path "$tools/weir-bench-path" --a "$ns,one,10.98.0.1/24" --b "$ns-far,two,10.98.0.2/24" \
	--rate 50mbit --delay 5ms --queue 100p --loss 0/10% --seed 4
path=$started
await $path "$tmp/path.err" ready
start peer ip netns exec "$ns-far" "$tools/weir-bench-peer" serve 10.98.0.2
peer=$started
await $peer "$tmp/peer.err" ready
inside "$tools/weir-bench-transfer" 10.98.0.2 cubic fetch 200000 5 60 >"$tmp/fetch.json" &
status $!
check "transfer: status 0" equal $ended 0
inside "$tools/weir-bench-transfer" 10.98.0.2 cubic store 200000 5 60 >"$tmp/store.json" &
status $!
kill -TERM $path
status $path
check "path: status 0 at SIGTERM" equal $ended 0
kill -TERM $peer
check "path: what it did" equal "$(python3 - "$tmp" <<'PY'
import json
import sys

path, fetch, store = (json.load(open(f"{sys.argv[1]}/{name}"))
                      for name in ("path.out", "fetch.json", "store.json"))
there, back = path["a_to_b"], path["b_to_a"]
data = [f for f in path["flows"] if f["side"] == "b"]
print(len(data), sum(f["delivered_bytes"] for f in data))
off = abs(back["verdicts"]["lost"] - back["packets"] / 10)
print(there["verdicts"]["lost"], off < 5 * (back["packets"] * 0.09) ** 0.5)
print(sum(f["lost"] for f in data) <= sum(f["retransmitted"] for f in data))
print(all(f["stream_bytes"] == f["delivered_bytes"] for f in path["flows"]))
# Connecting, asking and answering take two round trips of 10 ms, and the bytes 32 ms at least.
print(all(t > 0.05 for t in fetch["times"] + store["times"]), len(fetch["times"]))
PY
)" "5 1000000
0 True
True
True
True 5"

# --- A short run of the benchmark itself

ordinary="--seconds 1 --rounds 1 --sizes 10000,100000000 --cell 1:10:5 --way down"
# shellcheck disable=SC2086 # words on purpose
start loss "$root/bench/loss.sh" $ordinary --json "$tmp/loss.json" --markdown "$tmp/loss.md"
loss=$started
status $loss
check "loss.sh: status 0" equal $ended 0
check "loss.sh: prints what it writes" cmp "$tmp/loss.out" "$tmp/loss.md"
check "loss.sh: the cell and its figures" equal "$(python3 - "$tmp/loss.json" <<'PY'
import json
import sys

for row in json.load(open(sys.argv[1]))["rows"]:
    print(row["cc"], row["way"], row["loss"], row["rtt_ms"], row["reorder"])
    for stack in ("kernel", "weir"):
        one = row[stack]
        print(stack, one["goodput_mbit_s"] > 0, one["segments"] > 0, one["lost"] > 0,
              one["times_s"]["10000"]["done"] > 0, one["times_s"]["100000000"]["left_out"])
PY
)" "cubic down 1 10 5
kernel True True True True True
weir True True True True True"
check "loss.sh: no namespace is left" test -z "$(ip netns list | grep -e "-$loss\b" || true)"

# shellcheck disable=SC2086 # words on purpose
start loss "$root/bench/loss.sh" $ordinary
loss=$started
await $loss "$tmp/loss.err" "round 1"
kill -TERM $loss
status $loss
check "loss.sh, ended early: says so" equal $ended 130
check "loss.sh, ended early: no namespace is left" \
	test -z "$(ip netns list | grep -e "-$loss\b" || true)"

interop_end
