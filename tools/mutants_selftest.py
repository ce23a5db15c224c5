"""Does `tools/mutants.py --check` find what it is there to find? A small project is made for it."""

import os
import tempfile

import mutants_list as listing

SOURCE = """int f(int a)
{
	if (a)
		return 1;
	return 0;
}

static int g(int a)
{
	if (a)
		return 2;
	return 0;
}
"""
BLOCK = """mutant one
file core/a.c
in f
ids ID-1
why f is always 0
-if (a)
-return 1;
+(void)a;
"""


def write(root, path, text):
    """A file of the small project."""
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as stream:
        stream.write(text)


def make(root, block, result="killed", edit_hash=None):
    """The small project with one fault and its result."""
    write(root, "core/a.c", SOURCE)
    write(root, listing.REQUIREMENTS, "id\trfc\nID-1\tRFC\n")
    write(root, "tests/mutants/a.mut", block)
    os.makedirs(os.path.join(root, "docs"), exist_ok=True)
    try:
        mutants = listing.read_all(root)
    except listing.Mistake:
        return
    row = dict(zip(listing.HEADER, [
        "one", mutants[0].file, " ".join(mutants[0].ids), result, "unit.a", "0.1",
        edit_hash or mutants[0].edit_hash()]))
    listing.write_results(root, mutants, {"one": row})
    write(root, listing.TABLE, listing.table(mutants, listing.read_results(root)))


def cases():
    """(what is wrong, block, result, hash, what has to be said)."""
    other = BLOCK.replace("+(void)a;", "+(void)0;")
    return [
        ("nothing", BLOCK, "killed", None, ""),
        ("text in two places", BLOCK.replace("in f\n", "").replace("-return 1;\n", ""), "killed",
         None, "is 2 times"),
        ("text nowhere", BLOCK.replace("-return 1;", "-return 3;"), "killed", None,
         "is 0 times"),
        ("text in another function", BLOCK.replace("in f", "in g"), "killed", None,
         "is 0 times"),
        ("no such function", BLOCK.replace("in f", "in h"), "killed", None, "0 functions h"),
        ("no such file", BLOCK.replace("core/a.c", "core/b.c"), "killed", None, "no file"),
        ("no such id", BLOCK.replace("ID-1", "ID-2"), "killed", None, "no such requirement"),
        ("a script that is not there", BLOCK.replace("why", "hint tests/pkt/a/b.pkt\nwhy"),
         "killed", None, "no such test"),
        ("a test that is not there", BLOCK.replace("why", "hint unit.a.b\nwhy"), "killed", None,
         "no such test"),
        ("a script that is there", BLOCK.replace("why", "hint tests/mutants/a.mut\nwhy"),
         "killed", None, ""),
        ("a survivor", BLOCK, "survived", None, "no test catches it"),
        ("an edit that was changed", BLOCK, "killed",
         hash_of(other), "changed since it was run"),
        ("an edit that changes nothing",
         BLOCK.replace("+(void)a;", "+if (a)\n+return 1;"), "killed", None, "changes nothing"),
        ("the same name twice", BLOCK + "\n" + BLOCK, "killed", None, "is there twice"),
        ("no reason", BLOCK.replace("why f is always 0\n", ""), "killed", None, "are needed"),
    ]


def hash_of(block):
    """The hash of another edit."""
    with tempfile.TemporaryDirectory() as root:
        write(root, "tests/mutants/a.mut", block)
        return listing.read_all(root)[0].edit_hash()


def check_case(case):
    """None, or what is wrong with the tool."""
    what, block, result, edit_hash, expected = case
    with tempfile.TemporaryDirectory() as root:
        make(root, block, result, edit_hash)
        said = "\n".join(listing.check(root))
    if expected in said and bool(expected) == bool(said):
        return None
    return f"{what}: expected {expected!r}, said {said!r}"


def check_without_result():
    """A fault that was never run, and a table that is old."""
    bad = []
    with tempfile.TemporaryDirectory() as root:
        make(root, BLOCK)
        write(root, listing.TABLE, "old\n")
        said = "\n".join(listing.check(root))
        if "not current" not in said:
            bad.append(f"an old table: said {said!r}")
        os.remove(os.path.join(root, listing.RESULTS))
        said = "\n".join(listing.check(root))
        if "never run" not in said:
            bad.append(f"no result: said {said!r}")
    return bad


def check_apply():
    """The edit is made where it should be, and only there."""
    with tempfile.TemporaryDirectory() as root:
        write(root, "tests/mutants/a.mut", BLOCK)
        text = listing.read_all(root)[0].apply(SOURCE)
    expected = SOURCE.replace("if (a)\n\t\treturn 1;", "(void)a;")
    return [] if text == expected else [f"the edit came out as {text!r}"]


def run():
    """Prints what is wrong; 0 or 1."""
    bad = [text for text in map(check_case, cases()) if text]
    bad += check_without_result() + check_apply()
    for text in bad:
        print(text)
    if not bad:
        print(f"{len(cases()) + 3} cases, all as they should be")
    return 1 if bad else 0
