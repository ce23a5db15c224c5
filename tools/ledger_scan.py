"""Reads requirement ids from code and tests, for ledger.py: which place of the code carries an id,
and which test claims it. The forms are in docs/conformance/README.md."""

import os
import re
from dataclasses import dataclass, field

# Whole ids, with or without the blank after RFC; and what only RFC 9293 numbers, by itself.
ID = re.compile(r"\bRFC ?(\d{4})[- ]((?:MUST|SHLD|MAY|REC|X)-\d+|\d{2}(?![\d.]))"
                r"|(?<![\w-])((?:MUST|SHLD|MAY)-\d+)")
SPACED_NUMBER = re.compile(r"\bRFC ?\d{4} \d{2}$")
CODE_FOLDERS = ("include", "core", "host", "gate", "cli", "sim")
TEST_FOLDERS = ("tests", "fuzz", "bench")
CLAIM = re.compile(r"^\s*(?:/\*+|//|\*|#)?\s*(req|neg):((?:\s+RFC\d{4}-[A-Z0-9-]+)+)\s*(?:\*/)?$")
CLAIM_START = re.compile(r"^\s*(?:/\*+|//|\*|#)?\s*(?:req|neg):")


@dataclass
class Test:
    """One test that claims requirements."""
    path: str       # of its source
    name: str       # of the script's test or of the function; "" when the file is one test
    entry: str      # CTest's name of what runs it
    kind: str       # "pkt", "c" or "file"
    claims: dict = field(default_factory=dict)  # id: "req" or "neg"


@dataclass
class Mistake:
    path: str
    line: int
    text: str

    def __str__(self):
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.text}"


def ids_in(text):
    """The ids in a piece of prose, as (offset, id written whole)."""
    for match in ID.finditer(text):
        if SPACED_NUMBER.search(match.group(0)):  # "RFC 9293 10": a section
            continue
        if match.group(3):
            yield match.start(), f"RFC9293-{match.group(3)}"
        else:
            yield match.start(), f"RFC{match.group(1)}-{match.group(2)}"


def comments(text):
    """The comments of a C source, as (offset, text); strings are stepped over."""
    token = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|/\*.*?\*/|//[^\n]*', re.S)
    for match in token.finditer(text):
        if match.group(0)[0] == "/":
            yield match.start(), match.group(0)


def blank_comments(text):
    """The source with its comments blanked, lines kept."""
    out = list(text)
    for start, comment in comments(text):
        for i in range(start, start + len(comment)):
            if out[i] != "\n":
                out[i] = " "
    return "".join(out)


def name_of(line):
    """What a line at column 0 defines or declares, or None."""
    match = re.match(r"(?:typedef )?(struct|enum|union) (\w+) ?\{", line)
    if match:
        return f"{match.group(1)} {match.group(2)}"
    match = re.match(r"#define (\w+)", line)
    if match:
        return match.group(1)
    if line.startswith("enum {"):
        return "enum"
    # Attributes of GCC come before the name and have parentheses too.
    line = re.sub(r"__attribute__\(\(.*?\)\)\s*|\bstatic_assert\(.*", "", line)
    match = re.match(r"[A-Za-z_][\w \t*]*?[ *](\w+)\(", line)
    if match:
        return f"{match.group(1)}()"
    match = re.match(r"[A-Za-z_][\w \t*]*?[ *](\w+)(?:\[[^\]]*\])*(?:;| =)", line)
    return match.group(1) if match else None


def places(text):
    """For each line (from 0) the function, type or table around it, or None; and the lines without
    comments."""
    lines = blank_comments(text).split("\n")
    around, current, start = [None] * len(lines), None, None
    for number, line in enumerate(lines):
        if start is None:
            named = name_of(line) if line[:1] not in ("", " ", "\t") else None
            current = named or (current if line[:1] in ("{", " ", "\t") else None)
            if line.startswith("{") or (named and re.search(r"\{\s*$", line)):
                start = number
        around[number] = current if start is not None else None
        if start is not None and line.startswith("}"):
            start, current = None, None
    return around, lines


def place_of(around, lines, first, last):
    """The name for a comment on lines first..last: what it stands in, or what follows it."""
    if around[first]:
        return around[first]
    if first == 0:
        return ""
    if lines[first].strip():
        return name_of(lines[first]) or ""
    for number in range(last + 1, len(lines)):
        if lines[number].strip():
            return name_of(lines[number]) or around[number] or ""
    return ""


def scan_code(path, text):
    """The ids of a source of the product, as (id, line, place)."""
    around, lines = places(text)
    for start, comment in comments(text):
        first = text.count("\n", 0, start)
        last = first + comment.count("\n")
        place = place_of(around, lines, first, last)
        for offset, found in ids_in(comment):
            yield found, text.count("\n", 0, start + offset) + 1, place


def entry_of(path):
    """CTest's name of a test's source, as cmake/WeirTests.cmake and fuzz/CMakeLists.txt make it."""
    stem, extension = os.path.splitext(path)
    parts = stem.split("/")
    if parts[0] == "fuzz":
        return "fuzz-" + parts[-1].removeprefix("fuzz_")
    if extension == ".pkt":
        return "pkt." + parts[2]
    last = parts[-1].removeprefix("test_")
    if extension == ".c":
        return ".".join(parts[1:-1] + [last])
    return f"{parts[1]}.{extension[1:]}.{last}"


def claim_lines(text, offset=0):
    """The `req:` and `neg:` lines of a comment, as (line from `offset`, kind, ids or None)."""
    for number, line in enumerate(text.split("\n")):
        match = CLAIM.match(line)
        if match:
            yield offset + number, match.group(1), match.group(2).split()
        elif CLAIM_START.match(line):
            yield offset + number, "", None


def add_claims(test, kind, ids):
    """Adds ids to a test; the text of a mistake, or None."""
    for one in ids:
        if one in test.claims:
            return f"{one} stands twice"
        test.claims[one] = kind
    return None


def scan_pkt(path, text):
    """The tests of a packet script: Tests and Mistakes."""
    test = None
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] in ("test", "macro"):
            if test and test.claims:
                yield test
            # As the runner has it: all of the line after the word.
            name = line.split("#")[0].split(None, 1)[1].strip() if len(words) > 1 else ""
            test = Test(path, name, entry_of(path), "pkt") if words[0] == "test" else None
        elif words[0] in ("req", "neg"):
            if test is None:
                yield Mistake(path, number, f"{words[0]} outside of a test")
                continue
            wrong = add_claims(test, words[0], words[1:])
            if wrong:
                yield Mistake(path, number, wrong)
    if test and test.claims:
        yield test


def scan_c(path, text):
    """The test functions of a C test: Tests and Mistakes."""
    around, lines = places(text)
    tests = {}
    for start, comment in comments(text):
        first = text.count("\n", 0, start)
        place = place_of(around, lines, first, first + comment.count("\n"))
        for number, kind, ids in claim_lines(comment, first + 1):
            if ids is None:
                yield Mistake(path, number, "not of the form `req: ID ...`")
                continue
            if not place.endswith("()"):
                yield Mistake(path, number, "above no function, and in none")
                continue
            name = place[:-2]
            kind_of = "file" if path.startswith("fuzz/") else "c"
            test = tests.setdefault(name, Test(path, name, entry_of(path), kind_of))
            wrong = add_claims(test, kind, ids)
            if wrong:
                yield Mistake(path, number, wrong)
    yield from tests.values()


def scan_script(path, text):
    """A shell or Python test, which is one test: at most one Test, and Mistakes."""
    test = Test(path, "", entry_of(path), "file")
    for number, kind, ids in claim_lines(text, 1):
        wrong = add_claims(test, kind, ids) if ids else "not of the form `# req: ID ...`"
        if wrong:
            yield Mistake(path, number, wrong)
    if test.claims:
        yield test


def scan_test(path, text):
    """The Tests and Mistakes of a file below tests or fuzz."""
    is_test = os.path.basename(path).startswith(("test_", "fuzz_"))
    if path.endswith(".pkt"):
        yield from scan_pkt(path, text)
    elif not is_test and any(True for _ in claim_lines(text)):
        yield Mistake(path, 0, "claims requirements, but is no test")
    elif is_test and path.endswith(".c"):
        yield from scan_c(path, text)
    elif is_test and path.endswith((".sh", ".py")):
        yield from scan_script(path, text)


def prose_ids(path, text):
    """Every id that a file names in a comment, as (id, line): each has to exist."""
    pieces = comments(text) if path.endswith((".c", ".h", ".def")) else [(0, text)]
    for start, piece in pieces:
        for offset, found in ids_in(piece):
            yield found, text.count("\n", 0, start + offset) + 1


def mutant_places(text):
    """Where the planted faults of a tests/mutants/*.mut sit, as name: (path, function)."""
    found, name = {}, None
    for line in text.split("\n"):
        words = line.split()
        if len(words) != 2:
            continue
        if words[0] == "mutant":
            name = words[1]
            found[name] = ("", "")
        elif name and words[0] == "file":
            found[name] = (words[1], found[name][1])
        elif name and words[0] == "in":
            found[name] = (found[name][0], words[1] + "()")
    return found


def sources(root, folders, endings):
    """Files below `folders`, sorted, as (path from root, text)."""
    found = []
    for folder in folders:
        for base, _, names in os.walk(os.path.join(root, folder)):
            found += [os.path.join(base, n) for n in names if n.endswith(endings)]
    for path in sorted(found):
        with open(path, encoding="utf-8") as source:
            yield os.path.relpath(path, root), source.read()
