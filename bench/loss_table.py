#!/usr/bin/env python3
"""Prints what bench/loss.sh measured, as Markdown: two tables for each congestion control and way,
goodput with retransmissions, and times.

    loss_table.py MEASUREMENTS JSON_FILE MARKDOWN_FILE

MEASUREMENTS has one JSON object a line. Figures are medians of all flows of a cell, over rounds and
paths; so are the times of a size. JSON_FILE gets one object: `rows`, as in the tables, and
`measurements`, all that was read.
"""
import json
import statistics
import sys

# Ratios weir : kernel of goodput that are marked, and of times, where more is worse.
GOODPUT_MARKS = ((0.8, "**"), (0.95, "*"))
TIME_MARKS = ((1.25, "**"), (1.05, "*"))
WAYS = {"down": "weir or the kernel sends to a kernel client",
        "up": "a kernel client sends to weir or the kernel"}


def bulk_flow(one):
    """The path's account of the bulk transfer's data; zeros if none of it came through."""
    port = "to_port" if one["way"] == "down" else "from_port"
    side = "b" if one["way"] == "down" else "a"
    for flow in one["path"]["flows"]:
        if flow["side"] == side and flow[port] == one["bulk"]["local_port"]:
            return flow
    return {key: 0 for key in ("segments", "retransmitted", "needless", "spurious", "lost")}


def median(values):
    return statistics.median(values) if values else None


def ratio(weir, kernel):
    return weir / kernel if weir is not None and kernel else None


def one_stack(group):
    """The figures of one stack in one cell."""
    flows = [bulk_flow(one) for one in group]
    segments = sum(flow["segments"] for flow in flows)
    goodputs = [one["bulk"]["bytes"] * 8e-6 / one["bulk"]["seconds"] for one in group]
    row = {
        "goodput_mbit_s": median(goodputs),
        "goodputs_mbit_s": goodputs,
        "segments": segments,
        "times_s": {},
        "late_p99_us": max(max(one["path"][way]["late_us"]["p99"] for way in ("a_to_b", "b_to_a"))
                           for one in group),
    }
    for key in ("retransmitted", "needless", "spurious", "lost"):
        row[key] = sum(flow[key] for flow in flows)
    for sizes in zip(*(one["sizes"] for one in group)):
        times = [t for size in sizes for t in size["times"]]
        done = [t for t in times if t is not None]
        # One that was not done in time counts as longer than all others.
        ordered = done + [float("inf")] * (len(times) - len(done))
        value = statistics.median_low(sorted(ordered)) if ordered else None
        row["times_s"][str(sizes[0]["bytes"])] = {
            "median": None if value == float("inf") else value, "done": len(done),
            "of": len(times), "left_out": bool(sizes[0].get("left_out"))}
    return row


def summarize(measurements):
    """A row for each congestion control, way and cell, in the order of their first measurement."""
    groups = {}
    for one in measurements:
        key = (one["cc"], one["way"], one["loss"], one["rtt_ms"], one["reorder"])
        groups.setdefault(key, {}).setdefault(one["stack"], []).append(one)
    rows = []
    for key, stacks in groups.items():
        if len(stacks) < 2:
            continue
        row = dict(zip(("cc", "way", "loss", "rtt_ms", "reorder"), key))
        row["kernel"], row["weir"] = one_stack(stacks["kernel"]), one_stack(stacks["weir"])
        row["flows"] = len(stacks["weir"])
        row["goodput_ratio"] = ratio(row["weir"]["goodput_mbit_s"],
                                     row["kernel"]["goodput_mbit_s"])
        row["time_ratios"] = {
            size: ratio(row["weir"]["times_s"][size]["median"], time["median"])
            for size, time in row["kernel"]["times_s"].items()}
        rows.append(row)
    return rows


def marked(value, marks, worse):
    if value is None:
        return "-"
    mark = next((mark for limit, mark in marks if worse(value, limit)), "")
    return f"{value:.2f}{mark}"


def seconds(time):
    if time["median"] is None:
        return f"late ({time['done']} of {time['of']})"
    return f"{time['median'] * 1e3:,.0f}" if time["median"] >= 0.1 \
        else f"{time['median'] * 1e3:.1f}"


def count(row):
    percent = 100 * row["retransmitted"] / row["segments"] if row["segments"] else 0
    return f"{percent:.2f} % ({row['needless']:,}, {row['spurious']:,})"


def size_name(size):
    size = int(size)
    return f"{size // 10**6} MB" if size >= 10**6 else f"{size // 1000} KB"


def lines_of(names, rows):
    return ["| " + " | ".join(names) + " |", "|---" * len(names) + "|",
            *("| " + " | ".join(row) + " |" for row in rows)]


def cell_of(row):
    return [f"{row['loss']} %", f"{row['rtt_ms']}", f"{row['reorder']} %"]


CELL = ["loss", "RTT ms", "reordered"]


def goodput_table(rows):
    return lines_of(
        CELL + ["flows", "kernel Mbit/s", "weir Mbit/s", "weir : kernel", "kernel retransmits",
                "weir retransmits"],
        [cell_of(row) + [f"{row['flows']}", f"{row['kernel']['goodput_mbit_s']:.2f}",
                         f"{row['weir']['goodput_mbit_s']:.2f}",
                         marked(row["goodput_ratio"], GOODPUT_MARKS, lambda a, b: a < b),
                         count(row["kernel"]), count(row["weir"])] for row in rows])


def times_table(rows):
    sizes = list(rows[0]["time_ratios"])

    def one(row, size):
        if row["kernel"]["times_s"][size]["left_out"]:
            return "-"
        value = marked(row["time_ratios"][size], TIME_MARKS, lambda a, b: a > b)
        return " / ".join(seconds(row[stack]["times_s"][size])
                          for stack in ("kernel", "weir")) + f" ({value})"

    return lines_of(CELL + [f"{size_name(size)}, ms: kernel / weir" for size in sizes],
                    [cell_of(row) + [one(row, size) for size in sizes] for row in rows])


def verdict(rows):
    """What of the goal is reached, in one line."""
    goodput = [row["goodput_ratio"] or 0 for row in rows]
    times = [r for row in rows for r in row["time_ratios"].values() if r is not None]
    return (f"{sum(r >= 0.95 for r in goodput)} of {len(rows)} cells at 0.95 or more of the "
            f"kernel's goodput, {sum(r < 0.8 for r in goodput)} below 0.8; "
            f"{sum(r <= 1.05 for r in times)} of {len(times)} times at 1.05 or less.")


def render(rows):
    lines = []
    for cc in dict.fromkeys(row["cc"] for row in rows):
        for way in dict.fromkeys(row["way"] for row in rows):
            some = [row for row in rows if (row["cc"], row["way"]) == (cc, way)]
            if some:
                lines += [f"**{cc}, {WAYS[way]}**", "",
                          *goodput_table(some), "", verdict(some), ""]
                if some[0]["time_ratios"]:
                    lines += [*times_table(some), ""]
    lines += ["Retransmits: segments of the bulk transfers (of these: needless, as nothing of "
              "them was missing; spurious, as all of it had been delivered). Goodput: * below "
              "0.95, ** below 0.8 of the kernel's; times: * above 1.05, ** above 1.25."]
    return lines


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        measurements = [json.loads(line) for line in lines]
    rows = summarize(measurements)
    text = "\n".join(render(rows)) + "\n"
    print(text, end="")
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump({"bench": "loss", "rows": rows, "measurements": measurements}, out)
        out.write("\n")
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        out.write(text)


main()
