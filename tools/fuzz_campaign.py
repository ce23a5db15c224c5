#!/usr/bin/env python3
"""Runs fuzz targets for a number of CPU minutes each, and keeps the table of what was reached.

    tools/fuzz_campaign.py run --build DIR --minutes N TARGET...   fuzz, in slices, one at a time
    tools/fuzz_campaign.py adopt FILE...            take over rows that a run elsewhere has made
    tools/fuzz_campaign.py table                    write the table into docs/fuzzing.md
    tools/fuzz_campaign.py check                    which rows were made with other code than this

A target is a row of fuzz/targets.tsv: its name, the code under test, and the CPU minutes that a
full campaign gives it. Time is the CPU time of the process, so a busy machine makes a campaign
longer, not weaker. A row is of one state of the code: it holds a hash of the code under test and of
the target, time adds up over runs while the hash is the same, and begins again when it is not. A
finding ends a target's run; its input is left in DIR/campaign/TARGET/crashes.

The rows are in fuzz/campaign.tsv (--rows FILE: elsewhere). Exit status: 0; 1 if something was
found, or (check) a row is missing, stale or short; 2 for a wrong command line.
"""

import argparse
import datetime
import glob
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
ROWS = os.path.join(ROOT, "fuzz/campaign.tsv")
TARGETS = os.path.join(ROOT, "fuzz/targets.tsv")
PAGE = os.path.join(ROOT, "docs/fuzzing.md")
BEGIN = "<!-- written by tools/fuzz_campaign.py table: do not edit -->"
END = "<!-- end of the table -->"

FIELDS = ["target", "code", "commit", "date", "cpu_s", "executions", "edges", "edges_all",
          "features", "lines", "lines_all", "corpus_files", "corpus_bytes", "findings"]
COUNTS = FIELDS[5:]

POLL_S = 0.2
GRACE_S = 60        # from the request to end until it is enforced
UNIT_TIMEOUT_S = 300  # wall time for one input: a busy machine must not make a finding
SOURCES = (".c", ".h", ".def")


# --- Targets and rows ----------------------------------------------------------------------------

def read_targets():
    """name -> (list of files under test, as patterns; CPU minutes)."""
    targets = {}
    with open(TARGETS, encoding="utf-8") as table:
        for line in table:
            if line.startswith("#") or not line.strip():
                continue
            name, minutes, under_test = line.rstrip("\n").split("\t")
            targets[name] = (under_test.split(), int(minutes))
    return targets


def files_of(patterns):
    found = set()
    for pattern in patterns:
        paths = glob.glob(os.path.join(ROOT, pattern), recursive=True)
        found |= {p for p in paths if p.endswith(SOURCES) and os.path.isfile(p)}
    return sorted(found)


def code_hash(name, targets):
    """Of the code under test, the target's own sources, and nothing else."""
    own = [f"fuzz/{name}.c", "fuzz/fuzz.h"]
    support = name.replace("fuzz_", "fuzz/", 1) + "_*"  # fuzz/engine_*, fuzz/trace_*
    own.append(support)
    digest = hashlib.sha256()
    for path in files_of(targets[name][0] + own):
        digest.update(os.path.relpath(path, ROOT).encode())
        with open(path, "rb") as source:
            digest.update(hashlib.sha256(source.read()).digest())
    return digest.hexdigest()[:12]


def read_rows(path):
    rows = {}
    if not os.path.exists(path):
        return rows
    with open(path, encoding="utf-8") as table:
        fields = table.readline().rstrip("\n").split("\t")
        for line in table:
            row = dict(zip(fields, line.rstrip("\n").split("\t")))
            row["cpu_s"] = float(row["cpu_s"])
            for name in COUNTS:
                row[name] = int(row.get(name) or 0)
            rows[row["target"]] = row
    return rows


def write_rows(path, rows):
    """Through a file beside it, so that an end at any time leaves a whole table."""
    lines = ["\t".join(FIELDS)]
    for name in sorted(rows):
        row = dict(rows[name], cpu_s=f"{rows[name]['cpu_s']:.1f}")
        lines.append("\t".join(str(row[f]) for f in FIELDS))
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    os.replace(path + ".new", path)


def commit_here():
    git = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=9", "HEAD"], text=True,
                         capture_output=True, check=False)
    return git.stdout.strip() or "none"


# --- One slice of CPU time ------------------------------------------------------------------------

def cpu_seconds(pid):
    """User and system time of a running process; None when it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    if fields[0] == "Z":
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_slice(build, name, folder, seconds, max_len):
    """Fuzzes for about `seconds` of CPU time. Returns (CPU seconds, exit status, log text)."""
    seeds = os.path.join(ROOT, "fuzz/corpus", name.replace("fuzz_", "", 1))
    log_path = os.path.join(folder, "log")
    command = [os.path.join(build, "fuzz", name), "-print_final_stats=1",
               f"-timeout={UNIT_TIMEOUT_S}", f"-artifact_prefix={folder}/crashes/"]
    if max_len:
        command.append(f"-max_len={max_len}")
    command.append(os.path.join(folder, "corpus"))
    if os.path.isdir(seeds):
        command.append(seeds)
    with open(log_path, "w", encoding="utf-8") as log:
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        asked = None
        while True:
            used = cpu_seconds(child.pid)
            if used is None:
                break
            if used >= seconds and asked is None:
                child.send_signal(signal.SIGUSR1)  # libFuzzer: ends after the current input
                asked = time.monotonic()
            if asked is not None and time.monotonic() - asked > GRACE_S:
                child.kill()
            time.sleep(POLL_S)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    with open(log_path, encoding="utf-8", errors="replace") as log:
        return usage.ru_utime + usage.ru_stime, child.returncode, log.read()


def numbers_of(log):
    """What libFuzzer's log tells; what it does not tell is 0."""
    last = (re.findall(r"cov: (\d+) ft: (\d+)", log) or [(0, 0)])[-1]
    units = re.findall(r"stat::number_of_executed_units: (\d+)", log)
    counters = re.findall(r"\((\d+) inline 8-bit counters\)", log)
    if not units:
        units = re.findall(r"^#(\d+)", log, re.MULTILINE)
    return {"edges": int(last[0]), "features": int(last[1]),
            "executions": int(units[-1]) if units else 0,
            "edges_all": sum(int(n) for n in counters)}


def corpus_size(name):
    files = glob.glob(os.path.join(ROOT, "fuzz/corpus", name.replace("fuzz_", "", 1), "*"))
    return len(files), sum(os.path.getsize(f) for f in files)


# --- Commands -------------------------------------------------------------------------------------

def new_row(name, code, commit):
    row = {f: 0 for f in FIELDS}
    row.update(target=name, code=code, commit=commit, cpu_s=0.0)
    return row


def run_target(args, name, seconds, targets):
    """Slices until the row has its time. False: there is a finding."""
    folder = os.path.join(os.path.abspath(args.build), "campaign", name)
    code = code_hash(name, targets)
    for sub in ("corpus", "crashes"):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    while True:
        rows = read_rows(args.rows)
        row = rows.get(name)
        if not row or row["code"] != code:
            row = rows[name] = new_row(name, code, args.commit or commit_here())
        left = seconds - row["cpu_s"]
        if left <= 0:
            return row["findings"] == 0
        used, status, log = run_slice(args.build, name, folder, min(args.slice, left),
                                      args.max_len)
        reached = numbers_of(log)
        row["cpu_s"] += used
        row["executions"] += reached.pop("executions")
        for key, value in reached.items():
            row[key] = max(row[key], value)
        row["findings"] = len(os.listdir(os.path.join(folder, "crashes")))
        row["corpus_files"], row["corpus_bytes"] = corpus_size(name)
        row["date"] = datetime.date.today().isoformat()
        write_rows(args.rows, rows)
        print(f"{name}: {row['cpu_s'] / 60:.1f} of {seconds / 60:.0f} CPU minutes, "
              f"{row['executions']} executions, {row['edges']} edges, {row['features']} features, "
              f"{row['findings']} findings", flush=True)
        if status != 0:
            print(f"{name}: exit status {status}:\n{log[-3000:]}", flush=True)
            return False


def run(args):
    targets = read_targets()
    bad = [t for t in args.target if t not in targets]
    if bad:
        sys.exit(f"fuzz_campaign: no such target: {' '.join(bad)}; there are "
                 + " ".join(sorted(targets)))
    good = True
    for name in args.target or sorted(targets):
        minutes = args.minutes or targets[name][1]
        good = run_target(args, name, minutes * 60, targets) and good
    return 0 if good else 1


def thousands(n):
    return f"{n:,}"


def part(n, whole):
    return f"{thousands(n)} of {thousands(whole)} ({100 * n / whole:.0f} %)" if whole else "-"


def kib(size):
    return f"{size / 1024:.1f} KiB"


def table_text(rows, targets):
    out = ["| target | CPU minutes | executions | edges | lines of the code under test | features "
           "| findings | corpus | commit |", "|---|--:|--:|--:|--:|--:|--:|--:|---|"]
    for name in sorted(targets):
        row = rows.get(name)
        if not row:
            out.append(f"| `{name}` | 0 | | | | | | | |")
            continue
        files, size = corpus_size(name)
        out.append(f"| `{name}` | {row['cpu_s'] / 60:.1f} | {thousands(row['executions'])} "
                   f"| {part(row['edges'], row['edges_all'])} "
                   f"| {part(row['lines'], row['lines_all'])} | {thousands(row['features'])} "
                   f"| {row['findings']} | {files} files, {kib(size)} | {row['commit']} |")
    return "\n".join(out)


def table(args):
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    text = f"{before}{BEGIN}\n{table_text(read_rows(args.rows), read_targets())}\n{END}{after}"
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(text)
    return 0


def adopt(args):
    """Rows of other files, unless a longer run of the same code is there."""
    rows = read_rows(args.rows)
    for path in args.file:
        for name, row in read_rows(path).items():
            mine = rows.get(name)
            if mine and mine["code"] == row["code"]:
                row["lines"] = row["lines"] or mine["lines"]
                row["lines_all"] = row["lines_all"] or mine["lines_all"]
                if mine["cpu_s"] > row["cpu_s"]:
                    continue
            row["corpus_files"], row["corpus_bytes"] = corpus_size(name)
            rows[name] = row
    write_rows(args.rows, rows)
    return 0


def check(args):
    targets, rows, bad = read_targets(), read_rows(args.rows), 0
    for name in sorted(targets):
        row, minutes = rows.get(name), targets[name][1]
        says = []
        if not row:
            says.append("never ran")
        else:
            if row["code"] != code_hash(name, targets):
                says.append(f"the code has changed since {row['commit']}")
            if row["cpu_s"] < minutes * 60:
                says.append(f"{row['cpu_s'] / 60:.1f} of {minutes} CPU minutes")
            if row["findings"]:
                says.append(f"{row['findings']} findings")
        bad += bool(says)
        print(f"{name}: {'; '.join(says) or 'good'}")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=ROWS, metavar="FILE")
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("run")
    p.add_argument("--build", required=True, metavar="DIR", help="a build of the preset `fuzz`")
    p.add_argument("--minutes", type=float, metavar="N", help="CPU minutes; else fuzz/targets.tsv")
    p.add_argument("--slice", type=float, default=120, metavar="S", help="CPU seconds at once")
    p.add_argument("--max-len", type=int, default=0, metavar="BYTES", help="of an input")
    p.add_argument("--commit", metavar="ID", help="what the build was made of, if not this tree")
    p.add_argument("target", nargs="*")
    p.set_defaults(do=run)
    p = commands.add_parser("adopt")
    p.add_argument("file", nargs="+")
    p.set_defaults(do=adopt)
    commands.add_parser("table").set_defaults(do=table)
    commands.add_parser("check").set_defaults(do=check)
    args = parser.parse_args()
    return args.do(args)


if __name__ == "__main__":
    sys.exit(main())
