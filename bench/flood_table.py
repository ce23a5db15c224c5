#!/usr/bin/env python3
"""Prints what bench/flood.sh measured: a table for each rate, a row for each subject.

    flood_table.py MEASUREMENTS JSON_FILE

MEASUREMENTS has one JSON object a line. Figures are medians of the rounds; honest clients are added
up. JSON_FILE gets one object: `rows`, as in the tables, and `measurements`, all that was read.
"""
import json
import os
import statistics
import sys

NAMES = {
    "weir-noshield": "weir, no shield",
    "kernel-cookies": "kernel, cookies",
    "kernel-plain": "kernel, no cookies",
    "kernel-apart": "kernel, cookies, a core of its own",
    "lwip": "lwIP",
}
LOADS = {
    "none": "none",
    "hping3": "hping3",
    "max": "our sender, as fast as it can",
    "match": "our sender, at the rate it reached against the kernel with cookies",
}
COLUMNS = ("listener", "SYN/s offered", "taken in", "answered/s", "honest served",
           "connect median us", "p99 us", "listener CPU", "soft irq CPU", "RSS MB")


def figures(one):
    """The figures of one measurement."""
    before, after, honest = one["before"], one["after"], one["honest"]
    seconds = (after["us"] - before["us"]) / 1e6
    ticks = os.sysconf("SC_CLK_TCK") * seconds

    def per_s(key):
        return (after[key] - before[key]) / seconds

    shield_s = (after["shielded_us"] - before["shielded_us"]) / 1e6
    shielded = (after["shielded"] - before["shielded"]) / shield_s
    taken = per_s("to_listener") + shielded
    return {
        "offered_per_s": one["sender"]["offered_per_s"] if one["sender"] else
        taken + per_s("lost") if one["load"] == "hping3" else 0,
        "taken_per_s": taken,
        "shielded_per_s": shielded,
        "answered_per_s": per_s("from_listener") + shielded,
        "connect_median_us": honest["connect_median_us"],
        "connect_p99_us": honest["connect_p99_us"],
        "byte_median_us": honest["byte_median_us"],
        "listener_cpu": (after["listener_ticks"] - before["listener_ticks"]) / ticks,
        "softirq_cpu": (after["softirq_ticks"] - before["softirq_ticks"]) / ticks,
        "rss_before_kb": one["rss_before_kb"],
        "rss_after_kb": one["rss_after_kb"],
    }


def summarize(measurements):
    """A row for each load and subject, in the order of their first measurement."""
    groups = {}
    for one in measurements:
        groups.setdefault((one["load"], one["subject"]), []).append(one)
    rows = []
    for (load, subject), group in groups.items():
        each = [figures(one) for one in group]
        row = {"load": load, "subject": subject, "rounds": len(group)}
        for key in ("tried", "served", "refused", "late"):
            row[f"honest_{key}"] = sum(one["honest"][key] for one in group)
        # A round in which nobody was served has no time to connect.
        served = [f for f, one in zip(each, group) if one["honest"]["served"] > 0]
        for key in each[0]:
            values = [f[key] for f in (served if key.endswith("_us") else each)]
            row[key] = statistics.median(values) if values else None
        half_open = [one["half_open"] for one in group if one["half_open"] is not None]
        row["half_open"] = statistics.median(half_open) if half_open else None
        rows.append(row)
    return rows


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value > 0 else "0"


def cells(row):
    subject = row["subject"]
    rss = f"{row['rss_before_kb'] / 1024:.1f} to {row['rss_after_kb'] / 1024:.1f}"
    if row["half_open"] is not None:
        rss += f", {row['half_open']:.0f} half-open"
    return (NAMES.get(subject, subject), number(row["offered_per_s"]), number(row["taken_per_s"]),
            number(row["answered_per_s"]), f"{row['honest_served']:,} of {row['honest_tried']:,}",
            number(row["connect_median_us"]), number(row["connect_p99_us"]),
            f"{row['listener_cpu']:.2f}", f"{row['softirq_cpu']:.2f}", rss)


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        measurements = [json.loads(line) for line in lines]
    rows = summarize(measurements)
    for load in dict.fromkeys(row["load"] for row in rows):
        print(f"Flood: {LOADS.get(load, load + ' SYN/s of our sender')}\n")
        print("| " + " | ".join(COLUMNS) + " |")
        print("|---" * len(COLUMNS) + "|")
        for row in rows:
            if row["load"] == load:
                print("| " + " | ".join(cells(row)) + " |")
        print()
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump({"bench": "flood", "rows": rows, "measurements": measurements}, out)
        out.write("\n")


main()
