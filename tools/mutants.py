#!/usr/bin/env python3
"""Planted faults: each is one small edit of the code that some test must catch.

    tools/mutants.py                  run all of tests/mutants/*.mut, write results and table
    tools/mutants.py --stale          only those without a current result
    tools/mutants.py --only NAME      only these (a pattern; may be repeated)
    tools/mutants.py --show NAME      print the edit as a diff
    tools/mutants.py --table          write docs/mutants.md from what is known
    tools/mutants.py --check          run nothing: every edit applies in one place, every id exists,
                                      every fault has a result of this very edit, and is killed
    --self-test                       does --check find what is wrong?

    --jobs N        faults at a time (2)
    --revision REV  the tree of a commit, instead of the working tree
    --folder DIR    where the copy is built (build-mutants)
    --keep-going    leave out tests that do not build

A fault is killed when a test fails, crashes or hangs that passes without it. The exit status is 1
when one survives. Nothing outside the folder and tests/mutants/results.tsv, docs/mutants.md is
written. What a fault's block looks like is in tools/mutants_list.py.
"""

import argparse
import difflib
import fcntl
import fnmatch
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
import mutants_list as listing  # noqa: E402
import mutants_run as running  # noqa: E402
import mutants_selftest as selftest  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def parse_args():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--show")
    for flag in ("--stale", "--table", "--check", "--self-test", "--keep-going"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--revision")
    parser.add_argument("--folder", default=os.path.join(ROOT, "build-mutants"))
    return parser.parse_args()


def show(mutants, name):
    """The edit as a diff."""
    for m in mutants:
        if m.name == name:
            with open(os.path.join(ROOT, m.file), encoding="utf-8") as stream:
                before = stream.read()
            print("\n".join(difflib.unified_diff(before.split("\n"), m.apply(before).split("\n"),
                                                 "a/" + m.file, "b/" + m.file, lineterm="")))
            return 0
    print(f"no fault {name}", file=sys.stderr)
    return 2


def choose(mutants, results, args):
    """The faults to run."""
    if args.only:
        return [m for m in mutants if any(fnmatch.fnmatch(m.name, p) for p in args.only)]
    if args.stale:
        return [m for m in mutants if not listing.is_current(m, results.get(m.name))
                or results[m.name]["result"] != "killed"]
    return mutants


class Round:
    """Faults that several threads run, and what came of them."""

    def __init__(self, bench, mutants, todo, results):
        self.bench, self.mutants, self.results = bench, mutants, results
        self.todo = list(todo)
        self.total, self.done, self.failed = len(todo), 0, []
        self.lock = threading.Lock()

    def work(self, number):
        """One thread."""
        folder = os.path.join(self.bench.folder, f"job{number}")
        while True:
            with self.lock:
                if not self.todo:
                    return
                mutant = self.todo.pop(0)
            try:
                result, caught, seconds = self.bench.run(mutant, folder)
            except (running.BuildError, listing.Mistake) as error:
                result, caught, seconds = "error", str(error), "0.0"
            self.note(mutant, result, caught, seconds)

    def note(self, mutant, result, caught, seconds):
        """Writes down what is known at once: a round may be broken off."""
        with self.lock:
            self.done += 1
            print(f"[{self.done}/{self.total}] {result:8} {seconds:>5} s  {mutant.name}  {caught}",
                  flush=True)
            if result != "killed":
                self.failed.append(mutant.name)
            if result == "error":
                return
            self.results[mutant.name] = dict(zip(listing.HEADER, [
                mutant.name, mutant.file, " ".join(mutant.ids), result, caught or "-", seconds,
                mutant.edit_hash()]))
            listing.write_results(ROOT, self.mutants, self.results)


def write_table(mutants, results):
    """results.tsv without what is gone, and docs/mutants.md."""
    listing.write_results(ROOT, mutants, results)
    results = listing.read_results(ROOT)
    with open(os.path.join(ROOT, listing.TABLE), "w", encoding="utf-8") as stream:
        stream.write(listing.table(mutants, results))


def run(mutants, args):
    """Builds and tests; the number of faults that were not caught."""
    results = listing.read_results(ROOT)
    todo = choose(mutants, results, args)
    if not todo:
        print("nothing to run")
        return 0
    began = time.monotonic()
    os.makedirs(args.folder, exist_ok=True)
    lock = open(os.path.join(args.folder, "lock"), "w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)  # one round at a time in a folder
    bench = running.Bench(ROOT, args.folder, args.jobs)
    bench.prepare(args.revision, not args.keep_going)
    print(f"{len(bench.tests)} tests ({time.monotonic() - began:.0f} s to build)", flush=True)
    work = Round(bench, mutants, todo, results)
    threads = [threading.Thread(target=work.work, args=(i,)) for i in range(args.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    write_table(mutants, results)
    print(f"{work.total} faults, {work.total - len(work.failed)} caught, {len(work.failed)} not, "
          f"{time.monotonic() - began:.0f} s")
    for name in bench.broken():
        print(f"fails without a fault, and was left out: {name}")
    for name in work.failed:
        print(f"not caught: {name}")
    return len(work.failed)


def main():
    """The command."""
    args = parse_args()
    if args.self_test:
        return selftest.run()
    if args.check:
        mistakes = listing.check(ROOT)
        for mistake in mistakes:
            print(mistake)
        if not mistakes:
            print(f"{len(listing.read_all(ROOT))} faults, all caught")
        return 1 if mistakes else 0
    try:
        mutants = listing.read_all(ROOT)
    except listing.Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 2
    if args.show:
        return show(mutants, args.show)
    if args.table:
        write_table(mutants, listing.read_results(ROOT))
        return 0
    try:
        return 1 if run(mutants, args) else 0
    except running.BuildError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
