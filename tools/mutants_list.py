"""The planted faults of tests/mutants: read, applied as text, held against their results.

A fault is one block of a file tests/mutants/*.mut, blocks parted by empty lines:

    mutant paws-skipped                     its name
    file core/tcp/accept_seg.c              the source it changes
    in accept_paws                          optional: the function whose lines alone are looked at
    ids RFC7323-19                          rows of docs/conformance/requirements.tsv it stands for
    hint tests/pkt/features/timestamps.pkt  optional: the test to run first, script or CTest name
    why an old duplicate is delivered       what goes wrong, for the table
    -if (later >= 0)                        the text as it is: whole lines, or a part of one
    +if (true)                              and what it becomes

White space does not count, so the text may be cut into lines otherwise than the file is. It must
stand in exactly one place of the file (or of the function). A line with # begins a comment.
"""

import glob
import hashlib
import os
import re

LIST_GLOB = "tests/mutants/*.mut"
RESULTS = "tests/mutants/results.tsv"
TABLE = "docs/mutants.md"
REQUIREMENTS = "docs/conformance/requirements.tsv"
HEADER = ["name", "file", "ids", "result", "caught_by", "seconds", "edit_hash"]


class Mistake(Exception):
    """A fault's block, or a row of results, is wrong."""


class Mutant:
    """One planted fault."""

    def __init__(self, where):
        self.where = where
        self.name = self.file = self.function = self.hint = self.why = ""
        self.ids, self.old, self.new = [], [], []

    def edit_hash(self):
        """Changes with the edit, so that a result of another edit is seen to be stale."""
        text = "\0".join([self.file, self.function, "\n".join(self.old), "\n".join(self.new)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def apply(self, source):
        """The text of the file with the fault in it."""
        first, last = 0, len(source)
        if self.function:
            first, last = find_function(source, self.function, self.where)
        words = [re.escape(word) for word in " ".join(self.old).split()]
        found = list(re.compile(r"\s+".join(words)).finditer(source, first, last))
        if len(found) != 1:
            raise Mistake(f"{self.where}: {self.name}: its text is {len(found)} times in "
                          f"{self.file}")
        at, end = found[0].span()
        return source[:at] + "\n".join(self.new) + source[end:]


def find_function(source, name, where):
    """Where a function begins, in the first column, and where it ends."""
    starts = [m.start() for m in re.finditer(r"^[a-z].*\b" + re.escape(name) + r"\(.*[^;\n]$",
                                             source, re.M)]
    if len(starts) != 1:
        raise Mistake(f"{where}: {len(starts)} functions {name}")
    end = source.find("\n}\n", starts[0])
    if end < 0:
        raise Mistake(f"{where}: function {name} has no end")
    return starts[0], end + 3


def read_line(mutant, line, where):
    """Takes one line of a block."""
    if line[0] in "-+":
        (mutant.old if line[0] == "-" else mutant.new).append(line[1:].strip())
        return
    key, _, value = line.partition(" ")
    value = value.strip()
    if key == "mutant":
        mutant.name = value
    elif key == "ids":
        mutant.ids += value.split()
    elif key in ("file", "hint", "why"):
        setattr(mutant, key, value)
    elif key == "in":
        mutant.function = value
    else:
        raise Mistake(f"{where}: {key}?")


def read_file(path, shown):
    """All blocks of one file."""
    mutants, current = [], None
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if not line.strip():
                current = None
                continue
            where = f"{shown}:{number}"
            if current is None:
                if not line.startswith("mutant "):
                    raise Mistake(f"{where}: a block begins with `mutant`")
                current = Mutant(where)
                mutants.append(current)
            read_line(current, line, where)
    return mutants


def read_all(root):
    """The whole list, in the order of the files' names."""
    mutants, seen = [], set()
    for path in sorted(glob.glob(os.path.join(root, LIST_GLOB))):
        mutants += read_file(path, os.path.relpath(path, root))
    for m in mutants:
        if m.name in seen:
            raise Mistake(f"{m.where}: {m.name} is there twice")
        seen.add(m.name)
        if not re.fullmatch(r"[a-z0-9-]+", m.name) or not m.file or not m.old or not m.why:
            raise Mistake(f"{m.where}: {m.name}: name, file, why and - lines are needed")
        if m.old == m.new:
            raise Mistake(f"{m.where}: {m.name} changes nothing")
    return mutants


def read_ids(root):
    """The ids of the requirements."""
    with open(os.path.join(root, REQUIREMENTS), encoding="utf-8") as stream:
        return {line.split("\t")[0] for line in stream if line.strip()}


def read_results(root):
    """Name to row (a dictionary by HEADER)."""
    path = os.path.join(root, RESULTS)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        lines = [line.rstrip("\n").split("\t") for line in stream if line.strip()]
    if not lines or lines[0] != HEADER:
        raise Mistake(f"{RESULTS}: the first line is not the header")
    for fields in lines[1:]:
        if len(fields) != len(HEADER):
            raise Mistake(f"{RESULTS}: {fields[0]}: {len(fields)} fields")
    return {fields[0]: dict(zip(HEADER, fields)) for fields in lines[1:]}


def is_current(mutant, row):
    """Was this row won by this edit?"""
    return row is not None and row["edit_hash"] == mutant.edit_hash()


def write_results(root, mutants, results):
    """Rows in the order of the list; those of faults that are gone go too."""
    rows = []
    for m in mutants:
        row = results.get(m.name)
        if row is None:
            continue
        row = dict(row, file=m.file, ids=" ".join(m.ids))
        rows.append("\t".join(row[key] for key in HEADER))
    path = os.path.join(root, RESULTS)
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.write("\n".join(["\t".join(HEADER)] + rows) + "\n")
    os.replace(path + ".new", path)


def table(mutants, results):
    """The text of docs/mutants.md."""
    killed = sum(1 for m in mutants if results.get(m.name, {}).get("result") == "killed")
    ids = sorted({i for m in mutants for i in m.ids})
    seconds = sum(float(r["seconds"]) for r in results.values())
    out = [
        "# Planted faults", "",
        "<!-- Written by `make mutants` from tests/mutants; not to be edited. -->", "",
        "Each row is one small edit of the real code, made in a private copy of the tree, built,",
        "and run against the tests of `make test` until one of them fails. A fault that no test",
        "sees is a gap in the tests. The edits are in `tests/mutants/*.mut`; `tools/mutants.py",
        "--show NAME` prints one as a diff, `tools/mutants.py --only NAME` runs it again.", "",
        f"{len(mutants)} faults, {killed} caught, {len(mutants) - killed} not; they stand for "
        f"{len(ids)} requirements.",
        f"Building and testing them took {seconds:.0f} s of two cores' time.", "",
        "| fault | file | what goes wrong | requirements | caught by | s |",
        "|---|---|---|---|---|---|",
    ]
    for m in mutants:
        row = results.get(m.name, {})
        caught = row.get("caught_by", "") if row.get("result") == "killed" else "**nothing**"
        out.append(f"| {m.name} | {m.file} | {cell(m.why)} | {' '.join(m.ids)} | {cell(caught)} | "
                   f"{row.get('seconds', '')} |")
    return "\n".join(out) + "\n"


def cell(text):
    """Text that may stand in a table."""
    return text.replace("|", "\\|")


def check(root):
    """Mistakes, one a line: stale edits, unknown ids, faults without a current result, table."""
    try:
        mutants, ids, results = read_all(root), read_ids(root), read_results(root)
    except Mistake as mistake:
        return [str(mistake)]
    bad = []
    for m in mutants:
        bad += [f"{m.where}: {m.name}: no such requirement: {i}" for i in m.ids if i not in ids]
        bad += check_edit(root, m)
        bad += check_hint(root, m)
        bad += check_result(m, results.get(m.name))
    names = {m.name for m in mutants}
    bad += [f"{RESULTS}: {name}: no such fault" for name in results if name not in names]
    path = os.path.join(root, TABLE)
    shown = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    if not bad and shown != table(mutants, results):
        bad.append(f"{TABLE}: not current (tools/mutants.py --table)")
    return bad


def check_edit(root, mutant):
    """Does the edit apply in exactly one place?"""
    path = os.path.join(root, mutant.file)
    if not os.path.isfile(path):
        return [f"{mutant.where}: {mutant.name}: no file {mutant.file}"]
    try:
        with open(path, encoding="utf-8") as stream:
            mutant.apply(stream.read())
    except Mistake as mistake:
        return [str(mistake)]
    return []


def check_hint(root, mutant):
    """Is there a script, or what a test of that name is made of?"""
    hint = mutant.hint
    label, _, rest = hint.partition(".")
    head, _, last = rest.replace(".", "/").rpartition("/")
    sources = [
        os.path.join(root, "tests/pkt", rest) if label == "pkt" else "",
        os.path.join(root, "tests", label, head, f"test_{last}.c"),
        os.path.join(root, "fuzz", hint.replace("fuzz-", "fuzz_", 1) + ".c"),
    ]
    if hint.startswith("tests/"):
        sources = [os.path.join(root, hint)]
    if not hint or any(os.path.exists(path) for path in sources if path):
        return []
    return [f"{mutant.where}: {mutant.name}: no such test: {hint}"]


def check_result(mutant, row):
    """Is there a result of this very edit, and is it a kill?"""
    where = f"{mutant.where}: {mutant.name}"
    if row is None:
        return [f"{where}: never run (tools/mutants.py --stale)"]
    if not is_current(mutant, row):
        return [f"{where}: changed since it was run (tools/mutants.py --stale)"]
    if row["result"] != "killed" or not row["caught_by"]:
        return [f"{where}: no test catches it"]
    if row["file"] != mutant.file or row["ids"].split() != mutant.ids:
        return [f"{where}: {RESULTS} has another file or other ids (tools/mutants.py --table)"]
    return []
