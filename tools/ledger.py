#!/usr/bin/env python3
"""The conformance ledger: every requirement is answered, and docs/conformance.md says how.

    tools/ledger.py                    check ids, tests and answers
    tools/ledger.py --check JUNIT...   and compare docs/conformance.md with what these results make;
                                       the outcome becomes one more case of the first file
    tools/ledger.py --write JUNIT...   write docs/conformance.md
    tools/ledger.py --gaps [RFC...]    list the rows that nothing answers or guards
    tools/ledger.py --self-test        check this tool

The rules are in docs/conformance/README.md. Each mistake is one line, and the exit status is 1.
JUNIT are the files that tools/test.sh leaves. Needs nothing but Python 3.
"""

import argparse
import csv
import difflib
import os
import sys
from dataclasses import dataclass, field
from typing import Optional

import ledger_doc
import ledger_run
import ledger_scan

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = "docs/conformance"
DOCUMENT = "docs/conformance.md"
MUTANTS = "tests/mutants/results.tsv"
DIFF_LINES_MAX = 60

LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
KINDS = ("issue", "choice", "host")
# Code that meets requirements; what else names them (the simulator's oracle) only has to be right.
SHIPPED = ("core/", "include/", "host/", "gate/")
# What work under way brings.
TOPICS = ("loss recovery and congestion control", "half-open queue and SYN flood")


@dataclass
class Answer:
    kind: str
    subject: str
    reason: str


@dataclass
class Row:
    id: str
    rfc: str
    level: str
    text: str
    tests: list = field(default_factory=list)    # ledger_scan.Test
    code: list = field(default_factory=list)     # (path, name of the place)
    mutants: list = field(default_factory=list)  # names of planted faults that were found
    fault_places: list = field(default_factory=list)  # where they sit, as in `code`
    answer: Optional[Answer] = None
    result: str = ledger_run.NONE

    @property
    def is_must(self):
        return self.level.startswith("MUST")

    @property
    def negative(self):
        return any(t.claims[self.id] == "neg" for t in self.tests)


def table(path, columns):
    """Rows of a tab-separated file; an exception that names the file when a column is missing."""
    with open(path, encoding="utf-8", newline="") as source:
        reader = csv.DictReader(source, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows = list(reader)
    missing = [c for c in columns if c not in (reader.fieldnames or [])]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}")
    broken = [r for r in rows if None in r or None in r.values()]
    if broken:
        raise ValueError(f"{path}: a line with too many or too few columns: {broken[0]}")
    return rows


class Ledger:
    """All that is known about the rows, and the mistakes found on the way."""

    def __init__(self, root):
        self.root = root
        self.mistakes = []
        self.rows = {}
        for row in table(self._path(FOLDER, "requirements.tsv"),
                         ("id", "rfc", "level", "requirement")):
            if row["id"] in self.rows:
                self.mistakes.append(f"requirements.tsv: {row['id']} stands twice")
            if row["level"] not in LEVELS:
                self.mistakes.append(f"requirements.tsv: {row['id']}: level {row['level']}")
            self.rows[row["id"]] = Row(row["id"], row["rfc"], row["level"], row["requirement"])
        self._read_answers()
        self._read_code()
        self._read_tests()
        self._read_mutants()

    def _path(self, *parts):
        return os.path.join(self.root, *parts)

    def _read_answers(self):
        order = {one: i for i, one in enumerate(self.rows)}
        last = -1
        for line in table(self._path(FOLDER, "answers.tsv"), ("id", "kind", "subject", "reason")):
            row, where = self.rows.get(line["id"]), f"answers.tsv: {line['id']}"
            if row is None or row.answer:
                self.mistakes.append(f"{where}: {'stands twice' if row else 'no such id'}")
                continue
            if order[row.id] < last:
                self.mistakes.append(f"{where}: not in the order of requirements.tsv")
            last = order[row.id]
            row.answer = Answer(line["kind"], line["subject"], line["reason"])
            self._check_answer(where, row)

    def _check_answer(self, where, row):
        answer = row.answer
        if answer.kind not in KINDS:
            self.mistakes.append(f"{where}: kind {answer.kind}")
        if answer.kind == "issue" and answer.subject not in TOPICS:
            self.mistakes.append(f"{where}: no topic of work under way: {answer.subject}")
        if row.is_must and answer.kind == "host":
            self.mistakes.append(f"{where}: a MUST does not lie with the host")
        if row.is_must and answer.kind == "choice" and answer.subject in ("", "-"):
            self.mistakes.append(f"{where}: a MUST is no choice, unless it binds only who offers "
                                 "an optional feature: name that")
        if not row.is_must and answer.kind != "issue" and answer.subject != "-":
            self.mistakes.append(f"{where}: subject is - for {answer.kind}")
        if len(answer.reason.split()) < 3:
            self.mistakes.append(f"{where}: no reason")

    def _known(self, path, line, one):
        row = self.rows.get(one)
        if row is None:
            self.mistakes.append(f"{path}:{line}: unknown requirement: {one}")
        return row

    def _read_code(self):
        endings = (".c", ".h", ".def")
        for path, text in ledger_scan.sources(self.root, ledger_scan.CODE_FOLDERS, endings):
            for one, line, place in ledger_scan.scan_code(path, text):
                row = self._known(path, line, one)
                if row and path.startswith(SHIPPED) and (path, place) not in row.code:
                    row.code.append((path, place))

    def _read_tests(self):
        endings = (".c", ".h", ".def", ".pkt", ".sh", ".py")
        for path, text in ledger_scan.sources(self.root, ledger_scan.TEST_FOLDERS, endings):
            if "/must-fail/" in path:
                continue
            for one, line in ledger_scan.prose_ids(path, text):
                self._known(path, line, one)
            for found in ledger_scan.scan_test(path, text):
                if isinstance(found, ledger_scan.Mistake):
                    self.mistakes.append(str(found))
                    continue
                for one in found.claims:
                    if one in self.rows:
                        self.rows[one].tests.append(found)

    def _read_mutants(self):
        if not os.path.exists(self._path(MUTANTS)):
            return
        places = {}
        for _, text in ledger_scan.sources(self.root, [os.path.dirname(MUTANTS)], (".mut",)):
            places.update(ledger_scan.mutant_places(text))
        for line in table(self._path(MUTANTS), ("name", "ids", "result")):
            for one in line["ids"].split():
                row = self.rows.get(one)
                if row is None:
                    self.mistakes.append(f"{MUTANTS}: {line['name']}: unknown requirement: {one}")
                elif line["result"] == "killed":
                    row.mutants.append(line["name"])
                    self._note_fault_place(row, places.get(line["name"]))

    @staticmethod
    def _note_fault_place(row, place):
        """Where no comment has the id, the fault that its tests found is in the mechanism."""
        if place and row.code == row.fault_places and place not in row.code:
            row.fault_places.append(place)
            row.code = list(row.fault_places)

    def gaps(self, row):
        """What is missing of a row's answer."""
        if row.answer and row.tests:
            yield f"answers.tsv says {row.answer.kind}, but {row.tests[0].path} answers it"
        if not row.answer and not row.tests:
            yield f"no answer ({row.level})"
        if row.is_must and row.tests and not row.answer and not row.negative and not row.mutants:
            yield f"unguarded: no negative form in {row.tests[0].path}, no planted fault was found"

    def check(self):
        """All mistakes."""
        gaps = [f"{row.id}: {gap}" for row in self.rows.values() for gap in self.gaps(row)]
        return self.mistakes + gaps

    def states(self):
        rows = table(self._path(FOLDER, "state_events.tsv"), ("state", "event"))
        return [(r["state"], f"{r['state']} | {r['event']}") for r in rows]

    def packetdrill(self):
        path = self._path(FOLDER, "packetdrill.tsv")
        if not os.path.exists(path):
            return None
        return table(path, ("script", "family", "result", "kind", "reason"))

    def document(self, run):
        """The page, and what keeps a row from a pass."""
        failures = list(run.unreadable)
        for row in self.rows.values():
            row.result = ledger_run.worst([run.of(t) for t in row.tests])
            if row.tests and row.result != "pass":
                bad = [t for t in row.tests if run.of(t) == row.result] or row.tests
                failures.append(f"{row.id}: {row.result}: {bad[0].path} {bad[0].name}")
        for _, name in self.states():
            if run.row(name) != "pass":
                failures.append(f"row {name}: {run.row(name)}")
        page = ledger_doc.render(list(self.rows.values()), self.states(), self.packetdrill(), run)
        return page, failures


def compare(root, page):
    """The differences between the committed document and the page, as lines."""
    try:
        with open(os.path.join(root, DOCUMENT), encoding="utf-8") as source:
            committed = source.read()
    except OSError:
        committed = ""
    diff = list(difflib.unified_diff(committed.splitlines(), page.splitlines(), DOCUMENT,
                                     "what this run makes", lineterm="", n=0))
    if len(diff) > DIFF_LINES_MAX:
        diff = diff[:DIFF_LINES_MAX] + [f"... {len(diff) - DIFF_LINES_MAX} more lines"]
    return diff


def run_document(ledger, paths, write):
    """Writes the document or compares it; mistakes as lines."""
    page, failures = ledger.document(ledger_run.Run(paths))
    if write:
        with open(os.path.join(ledger.root, DOCUMENT), "w", encoding="utf-8") as out:
            out.write(page)
        return failures
    diff = compare(ledger.root, page)
    if diff:
        diff.append(f"{DOCUMENT} is not current: `make test`, then `make ledger`, writes it")
    return failures + diff


def print_gaps(ledger, rfcs):
    for row in ledger.rows.values():
        if not rfcs or row.rfc.removeprefix("RFC") in rfcs:
            for gap in ledger.gaps(row):
                print(f"{row.id}\t{gap}\t{row.text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", nargs="+", metavar="JUNIT")
    what.add_argument("--write", nargs="+", metavar="JUNIT")
    what.add_argument("--gaps", nargs="*", metavar="RFC")
    what.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        import ledger_selftest
        return ledger_selftest.main()
    ledger = Ledger(ROOT)
    if args.gaps is not None:
        print_gaps(ledger, args.gaps)
        return 0
    mistakes = ledger.check()
    if args.check or args.write:
        mistakes += run_document(ledger, args.check or args.write, bool(args.write))
    if args.check:
        ledger_run.record(args.check[0], "ledger", mistakes)
    for mistake in mistakes:
        print(mistake)
    print(f"ledger: {len(ledger.rows)} rows, {len(mistakes)} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
