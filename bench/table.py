#!/usr/bin/env python3
"""Prints medians of bench.tsv: a row for each figure, a column for each subject, and the ratio of
weir's figure to that of each other subject (for times: how many times shorter)."""
import collections
import statistics
import sys

figures = collections.OrderedDict()  # (part, what, unit) -> subject -> values
with open(sys.argv[1], encoding="utf-8") as tsv:
    for line in tsv:
        part, what, unit, subject, value = line.rstrip("\n").split("\t")
        row = figures.setdefault((part, what, unit), collections.OrderedDict())
        row.setdefault(subject, []).append(float(value))


def cell(values):
    middle = statistics.median(values)
    digits = 0 if middle >= 1000 else 1 if middle >= 10 else 2
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratio(unit, ours, other):
    ours, other = statistics.median(ours), statistics.median(other)
    return f"{other / ours if unit in ('us', 's/GB') else ours / other:.2f}"


for part in dict.fromkeys(key[0] for key in figures):
    rows = {key: row for key, row in figures.items() if key[0] == part}
    subjects = list(dict.fromkeys(s for row in rows.values() for s in row))
    ours = next(s for s in subjects if s.startswith("weir"))
    others = [s for s in subjects if s != ours]
    print("| figure | unit | " + " | ".join(subjects)
          + " | " + " | ".join(f"{ours} : {s}" for s in others) + " |")
    print("|---" * (2 + len(subjects) + len(others)) + "|")
    for (_, what, unit), row in rows.items():
        cells = [cell(row[s]) if s in row else "" for s in subjects]
        cells += [ratio(unit, row[ours], row[s]) if s in row and ours in row else ""
                  for s in others]
        print(f"| {what} | {unit} | " + " | ".join(cells) + " |")
    print()
