"""Self-test of ledger.py: small trees that break each rule and one that does not, places in code,
forms of claims, results of runs, and that the document is the same twice."""

import os
import tempfile

import ledger
import ledger_doc
import ledger_run
import ledger_scan

REQUIREMENTS = """\
id\trfc\tsection\tlevel\tarea\trequirement\ttest\tconfidence
RFC9293-MUST-1\tRFC9293\t3.1\tMUST\twindow\tUnsigned < windows | all.\tt\tok
RFC9293-SHLD-1\tRFC9293\t3.2\tSHOULD\tisn\tA clock.\tt\tok
RFC5961-03\tRFC5961\t3\tMUST NOT\tsecurity\tNo reset.\tt\tok
"""
STATES = "state\tevent\nCLOSED\tCALL\n"
PKT = """\
test windows (large): all of them   # prose
req RFC9293-SHLD-1
neg RFC9293-MUST-1 RFC5961-03
    < A 1
"""
CODE = """\
/* The head: RFC9293-MUST-1. */
/* Above: RFC 9293 MUST-1. RFC 9293 3.1 and RFC 5961 5 are sections. */
static int f(struct x *x,
\tint y)
{
\t/* SHLD-1 within; what a string names is no id. */
\treturn g("RFC9293-MUST-99");
}
struct s {
\tint a; /* RFC5961-03 */
};
/* RFC5961-03 */
#define ROWS 3
/* RFC5961-03 */
int prototype(int a,
\tint b);
/* RFC5961-03 */
static const struct t rows[] = {
\t{1}, /* MUST-1 */
};
"""
PLACES = [("RFC9293-MUST-1", 1, ""), ("RFC9293-MUST-1", 2, "f()"), ("RFC9293-SHLD-1", 6, "f()"),
          ("RFC5961-03", 10, "struct s"), ("RFC5961-03", 12, "ROWS"),
          ("RFC5961-03", 14, "prototype()"), ("RFC5961-03", 17, "rows"),
          ("RFC9293-MUST-1", 19, "rows")]
C_TEST = """\
/* The head of the file. */
/*
 * Above.
 * req: RFC9293-MUST-1 RFC9293-SHLD-1
 * req: RFC5961-03
 */
static void test_a(void **state)
{
\t(void)state;
}

static void test_b(void **state)
{
\t/* neg: RFC9293-MUST-1 */
\t(void)state;
}
"""
C_CLAIMS = {"test_a": {"RFC9293-MUST-1": "req", "RFC9293-SHLD-1": "req", "RFC5961-03": "req"},
            "test_b": {"RFC9293-MUST-1": "neg"}}
ANSWERS = "id\tkind\tsubject\treason\n"
MUTANTS = "name\tfile\tids\tresult\tcaught_by\tseconds\tedit_hash\n"
CHOSEN = ANSWERS + "RFC9293-SHLD-1\tchoice\t-\tnot worth the trouble\n"
TOPIC = ledger.TOPICS[0]
REQ_ONLY = PKT.replace("neg", "req")

# (what the tree has otherwise than the good one, a part of the one mistake; None: there is none)
TREES = [
    ({}, None),
    ({"tests/pkt/x/a.pkt": PKT.replace("MUST-1", "MUST-99")},
     ["a.pkt:3: unknown requirement: RFC9293-MUST-99", "RFC9293-MUST-1: no answer"]),
    ({"core/a.c": "/* RFC5961-98 */\nint a;\n"}, ["core/a.c:1: unknown requirement: RFC5961-98"]),
    ({"core/a.c": "/* MUST-98 */\nint a;\n"},
     ["core/a.c:1: unknown requirement: RFC9293-MUST-98"]),
    ({"tests/unit/test_a.c": "/* like SHLD-98 */\nint a;\n"},
     ["unknown requirement: RFC9293-SHLD-98"]),
    ({"tests/pkt/x/a.pkt": PKT.replace("req RFC9293-SHLD-1\n", "")},
     ["RFC9293-SHLD-1: no answer (SHOULD)"]),
    ({"tests/pkt/x/a.pkt": PKT.replace("req RFC9293-SHLD-1\n", ""),
      "docs/conformance/answers.tsv": CHOSEN},
     None),
    ({"docs/conformance/answers.tsv": CHOSEN},
     ["RFC9293-SHLD-1: answers.tsv says choice, but tests/pkt/x/a.pkt answers it"]),
    ({"tests/pkt/x/a.pkt": PKT.replace(" RFC5961-03", ""),
      "docs/conformance/answers.tsv": ANSWERS + "RFC5961-03\tchoice\t-\tnot worth the trouble\n"},
     ["RFC5961-03: a MUST is no choice"]),
    ({"tests/pkt/x/a.pkt": PKT.replace(" RFC5961-03", ""),
      "docs/conformance/answers.tsv": ANSWERS + "RFC5961-03\tchoice\tTFO\tit is not offered\n"},
     None),
    ({"tests/pkt/x/a.pkt": PKT.replace(" RFC5961-03", ""),
      "docs/conformance/answers.tsv": ANSWERS + "RFC5961-03\thost\t-\tthe program does it\n"},
     ["RFC5961-03: a MUST does not lie with the host"]),
    ({"tests/pkt/x/a.pkt": PKT.replace(" RFC5961-03", ""),
      "docs/conformance/answers.tsv": ANSWERS + f"RFC5961-03\tissue\t{TOPIC}\tcomes with that\n"},
     None),
    ({"tests/pkt/x/a.pkt": PKT.replace(" RFC5961-03", ""),
      "docs/conformance/answers.tsv": ANSWERS + "RFC5961-03\tissue\tlater\tcomes with that\n"},
     ["RFC5961-03: no topic of work under way: later"]),
    ({"tests/pkt/x/a.pkt": PKT.replace(" RFC5961-03", ""),
      "docs/conformance/answers.tsv": ANSWERS + f"RFC5961-03\tissue\t{TOPIC}\tlater\n"},
     ["RFC5961-03: no reason"]),
    ({"tests/pkt/x/a.pkt": REQ_ONLY},
     ["RFC9293-MUST-1: unguarded", "RFC5961-03: unguarded"]),
    ({"tests/pkt/x/a.pkt": REQ_ONLY, "tests/mutants/results.tsv":
      MUTANTS + "a\tcore/a.c\tRFC9293-MUST-1\tkilled\tpkt\t1\tx\n"
      "b\tcore/a.c\tRFC5961-03\tsurvived\t-\t1\tx\n"}, ["RFC5961-03: unguarded"]),
    ({"tests/mutants/results.tsv": MUTANTS + "a\tcore/a\tRFC5961-97\tkilled\tpkt\t1\tx\n"},
     ["a: unknown requirement: RFC5961-97"]),
    ({"tests/pkt/x/a.pkt": PKT + "req RFC5961-03\n"}, ["a.pkt:5: RFC5961-03 stands twice"]),
    ({"tests/pkt/x/a.pkt": "macro m\nreq RFC5961-03\nend\n" + PKT},
     ["a.pkt:2: req outside of a test"]),
    ({"tests/unit/test_a.c": "\n/* req: MUST-1 */\nstatic void test_a(void **s)\n{\n}\n"},
     ["test_a.c:2: not of the form"]),
    ({"tests/unit/test_a.c": "int b;\n/* req: RFC9293-MUST-1 */\n#include <a.h>\n"},
     ["test_a.c:2: above no function"]),
    ({"tests/unit/fixture.c": "/* req: RFC9293-MUST-1 */\nvoid help(void)\n{\n}\n"},
     ["fixture.c: claims requirements, but is no test"]),
]

JUNIT = """<testsuite>
<testcase name="pkt.x" status="run"><system-out>
ok   windows (large): all of them (IPv4, IPv6) tests/pkt/x/a.pkt:1
FAIL other (IPv4) tests/pkt/x/a.pkt:9
ok   row CLOSED | CALL (tests/pkt/x/a.pkt:1)
</system-out></testcase>
<testcase name="unit.a"><failure message=""/><system-out>[       OK ] test_a
[  FAILED  ] test_b
</system-out></testcase>
<testcase name="gate.sh.a"><skipped message="x"/></testcase>
</testsuite>"""
RESULTS = [
    (ledger_scan.Test("tests/pkt/x/a.pkt", "windows (large): all of them", "pkt.x", "pkt"), "pass"),
    (ledger_scan.Test("tests/pkt/x/a.pkt", "other", "pkt.x", "pkt"), "FAIL"),
    (ledger_scan.Test("tests/pkt/x/a.pkt", "never ran", "pkt.x", "pkt"), "no result"),
    (ledger_scan.Test("tests/unit/test_a.c", "test_a", "unit.a", "c"), "pass"),
    (ledger_scan.Test("tests/unit/test_a.c", "test_b", "unit.a", "c"), "FAIL"),
    (ledger_scan.Test("tests/unit/test_a.c", "test_c", "unit.a", "c"), "FAIL"),
    (ledger_scan.Test("tests/gate/test_a.sh", "", "gate.sh.a", "file"), "skipped"),
    (ledger_scan.Test("tests/gate/test_b.sh", "", "gate.sh.b", "file"), "no result"),
]
ENTRIES = {"tests/pkt/x/a.pkt": "pkt.x", "tests/unit/tcp/test_isn.c": "unit.tcp.isn",
           "tests/gate/test_close.sh": "gate.sh.close", "fuzz/fuzz_engine.c": "fuzz-engine"}


def make_tree(folder, changes):
    files = {"docs/conformance/requirements.tsv": REQUIREMENTS, "tests/pkt/x/a.pkt": PKT,
             "docs/conformance/state_events.tsv": STATES, "docs/conformance/answers.tsv": ANSWERS,
             "core/tcp/code.c": CODE}
    files.update(changes)
    for path, text in files.items():
        path = os.path.join(folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)


def check_tree(changes, want):
    """None, or why the case failed."""
    with tempfile.TemporaryDirectory() as folder:
        make_tree(folder, changes)
        found = ledger.Ledger(folder).check()
    want = want or []
    if len(found) == len(want) and all(part in line for part, line in zip(want, found)):
        return None
    return f"tree {list(changes)}: wanted {want}, found {found}"


def check_scans():
    found = list(ledger_scan.scan_code("core/tcp/code.c", CODE))
    if found != PLACES:
        yield f"places: {found}"
    claims = {t.name: t.claims for t in ledger_scan.scan_c("tests/unit/test_a.c", C_TEST)}
    if claims != C_CLAIMS:
        yield f"claims of a C test: {claims}"
    for path, entry in ENTRIES.items():
        if ledger_scan.entry_of(path) != entry:
            yield f"{path}: {ledger_scan.entry_of(path)}"


def check_places():
    """A comment's place wins over that of a planted fault."""
    rows = ("a\tcore/b.c\tRFC9293-MUST-1 RFC5961-03\tkilled\tpkt\t1\tx\n"
            "b\tcore/b.c\tRFC5961-03\tkilled\tpkt\t1\tx\n")
    faults = "mutant a\nfile core/b.c\nin g\n-x\n+y\n\nmutant b\nin h\nfile core/b.c\n-x\n+y\n"
    with tempfile.TemporaryDirectory() as folder:
        make_tree(folder, {"core/tcp/code.c": "/* MUST-1 */\nint a;\n",
                           "tests/mutants/results.tsv": MUTANTS + rows,
                           "tests/mutants/x.mut": faults})
        found = ledger.Ledger(folder).rows
    if found["RFC9293-MUST-1"].code != [("core/tcp/code.c", "")]:
        yield f"place of a comment: {found['RFC9293-MUST-1'].code}"
    if found["RFC5961-03"].code != [("core/b.c", "g()"), ("core/b.c", "h()")]:
        yield f"places of faults: {found['RFC5961-03'].code}"


def check_packetdrill():
    """A script that fails in one family fails; what only Linux has is not portable."""
    rows = [("a/x.pkt", "ipv4 ipv6", "pass", "", ""),
            ("a/y.pkt", "ipv4", "pass", "", ""), ("a/y.pkt", "ipv6", "fail", "our fault", "r"),
            ("b/z.pkt", "ipv4", "fail", "linux-only option", "r")]
    names = ("script", "family", "result", "kind", "reason")
    page = ledger_doc.packetdrill_section([dict(zip(names, row)) for row in rows])
    for line in ("| a | 2 | 2 | 1 |", "| b | 1 | 0 | 0 |",
                 "| `a/y.pkt` | ipv6 | our fault | r |"):
        if line not in page:
            yield f"packetdrill: no {line} in {page}"


def check_document():
    with tempfile.TemporaryDirectory() as folder:
        make_tree(folder, {})
        junit = os.path.join(folder, "junit.xml")
        with open(junit, "w", encoding="utf-8") as out:
            out.write(JUNIT)
        run = ledger_run.Run([junit])
        for test, want in RESULTS:
            if run.of(test) != want:
                yield f"result of {test.path} {test.name}: {run.of(test)}, not {want}"
        if not ledger.run_document(ledger.Ledger(folder), [junit], False):
            yield "a missing document is not noticed"
        if ledger.run_document(ledger.Ledger(folder), [junit], True):
            yield "writing failed"
        if ledger.run_document(ledger.Ledger(folder), [junit], False):
            yield "the document is not the same twice"
        with open(junit, "w", encoding="utf-8") as out:
            out.write(JUNIT.replace("ok   windows", "FAIL windows"))
        found = ledger.run_document(ledger.Ledger(folder), [junit], False)
        if not any("RFC5961-03: FAIL: tests/pkt/x/a.pkt" in line for line in found):
            yield f"a failed test is not noticed: {found}"
        for mistakes, want in ((["a"], ["FAIL"]), ([], ["pass"])):
            ledger_run.record(junit, "ledger", mistakes)
            if ledger_run.Run([junit]).entries.get("ledger") != want:
                yield f"recorded with {mistakes}: {ledger_run.Run([junit]).entries}"


def main():
    failed = [why for changes, want in TREES if (why := check_tree(changes, want))]
    failed += list(check_scans()) + list(check_places()) + list(check_packetdrill())
    failed += list(check_document())
    for why in failed:
        print(why)
    print(f"{len(TREES)} trees, {len(RESULTS)} results, {len(failed)} failed")
    return 1 if failed else 0
