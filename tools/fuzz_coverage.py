#!/usr/bin/env python3
"""Measures which lines of the code under test the fuzz corpora reach, with llvm-cov.

    tools/fuzz_coverage.py DIR [TARGET...]     DIR: a build of the preset `fuzz-coverage`
        --by-file       print a line for each file, not only for each target
        --unreached     print the functions that no input reaches
        --with FOLDER   also the inputs of FOLDER/TARGET/corpus (as of build-fuzz/campaign)
        --write         put the figures into fuzz/campaign.tsv (--rows FILE: elsewhere)

Which files are under test is told by fuzz/targets.tsv. A file with several targets counts for each.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys

import fuzz_campaign as campaign


def tool(name):
    """llvm-cov and llvm-profdata may only have names with a version."""
    for candidate in [name] + [f"{name}-{v}" for v in range(20, 13, -1)]:
        if shutil.which(candidate):
            return candidate
    sys.exit(f"fuzz_coverage: {name} is not installed")


def measure(build, name, folders):
    """Replays the folders and returns llvm-cov's report as JSON."""
    program = os.path.join(build, "fuzz", name)
    raw, data = f"{program}.profraw", f"{program}.profdata"
    subprocess.run([program, *folders], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, LLVM_PROFILE_FILE=raw))
    subprocess.run([tool("llvm-profdata"), "merge", "-o", data, raw], check=True)
    out = subprocess.run([tool("llvm-cov"), "export", program, f"-instr-profile={data}"],
                         check=True, capture_output=True)
    os.unlink(raw)
    return json.loads(out.stdout)["data"][0]


def lines_by_file(report, under_test):
    """path -> (lines reached, lines), for files under test that have any."""
    lines = {}
    for entry in report["files"]:
        path = os.path.relpath(os.path.realpath(entry["filename"]), under_test["root"])
        if path in under_test["files"]:
            counts = entry["summary"]["lines"]
            lines[path] = (counts["covered"], counts["count"])
    return lines


def unreached(report, under_test):
    """Functions with no run at all; an inline one of a header has a row for each user."""
    runs = {}
    for function in report["functions"]:
        path = os.path.relpath(os.path.realpath(function["filenames"][0]), under_test["root"])
        if path in under_test["files"]:
            key = (path, function["name"].rsplit(":", 1)[-1])
            runs[key] = runs.get(key, 0) + function["count"]
    return sorted(key for key, count in runs.items() if count == 0)


def percent(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "    -"


def folders_of(name, extra):
    short = name.replace("fuzz_", "", 1)
    folders = [os.path.join(campaign.ROOT, "fuzz/corpus", short)]
    more = os.path.join(extra, name, "corpus") if extra else ""
    return folders + ([more] if os.path.isdir(more) else [])


def show(name, lines, report, under_test, args):
    reached = sum(n for n, _ in lines.values())
    whole = sum(n for _, n in lines.values())
    print(f"{name:16} {reached:5} of {whole:5} lines {percent(reached, whole)}")
    if args.by_file:
        for path, (part, all_of_it) in sorted(lines.items()):
            print(f"    {path:32} {part:5} of {all_of_it:5} {percent(part, all_of_it)}")
    if args.unreached:
        for path, function in unreached(report, under_test):
            print(f"    unreached: {path}: {function}()")
    return reached, whole


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("target", nargs="*")
    parser.add_argument("--by-file", action="store_true")
    parser.add_argument("--unreached", action="store_true")
    parser.add_argument("--with", dest="extra", metavar="FOLDER")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rows", default=campaign.ROWS)
    args = parser.parse_intermixed_args()
    targets = campaign.read_targets()
    for name in args.target or sorted(targets):
        files = campaign.files_of(targets[name][0])
        under_test = {"root": os.path.realpath(campaign.ROOT),
                      "files": {os.path.relpath(f, campaign.ROOT) for f in files}}
        report = measure(args.build, name, folders_of(name, args.extra))
        lines = lines_by_file(report, under_test)
        reached, whole = show(name, lines, report, under_test, args)
        rows = campaign.read_rows(args.rows)
        if args.write and name in rows:
            rows[name].update(lines=reached, lines_all=whole)
            campaign.write_rows(args.rows, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
