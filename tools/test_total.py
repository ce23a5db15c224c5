#!/usr/bin/env python3
"""Adds up CTest's JUnit files and prints the totals; a file that is missing counts as one failure,
since its tests did not get to run."""

import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    """Returns (passed, failed, skipped) of one JUnit file."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        print(f"{path}: no result", file=sys.stderr)
        return 0, 1, 0
    failed = sum(1 for c in cases if c.find("failure") is not None)
    skipped = sum(1 for c in cases if c.find("skipped") is not None)
    return len(cases) - failed - skipped, failed, skipped


def main(paths):
    totals = [sum(column) for column in zip(*(count(p) for p in paths))]
    if totals[2]:
        print(f"{totals[2]} skipped")
    print(f"{totals[0]} passed, {totals[1]} failed")


if __name__ == "__main__":
    main(sys.argv[1:])
