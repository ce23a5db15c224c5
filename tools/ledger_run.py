"""What a run of the tests said, for ledger.py: CTest's JUnit files with each entry's output."""

import re
import xml.etree.ElementTree as ElementTree

PKT_LINE = re.compile(r"^(ok  |FAIL) (.*) \(IPv[46](?:, IPv6)?\) (\S+):\d+$", re.M)
ROW_LINE = re.compile(r"^(ok  |FAIL) row (.*) \(\S+:\d+\)$", re.M)
C_LINE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\w+)$", re.M)
C_RESULTS = {"OK": "pass", "FAILED": "FAIL", "SKIPPED": "skipped"}
NONE = "no result"


def worst(results):
    """One result for several: a failure wins, then a pass; what was skipped proves nothing."""
    for result in ("FAIL", "pass", "skipped"):
        if result in results:
            return result
    return NONE


class Run:
    """The results of one or more JUnit files."""

    def __init__(self, paths):
        self.entries = {}    # CTest's name: results
        self.functions = {}  # (CTest's name, function): results
        self.scripts = {}    # (path, name of the script's test): results
        self.rows = {}       # row of state_events.tsv: results
        self.unreadable = []
        for path in paths:
            try:
                root = ElementTree.parse(path).getroot()
            except (OSError, ElementTree.ParseError) as error:
                self.unreadable.append(f"{path}: {error}")
                continue
            for case in root.iter("testcase"):
                self._read(case)

    def _read(self, case):
        name, output = case.get("name"), case.findtext("system-out") or ""
        result = "pass"
        if case.find("failure") is not None or case.find("error") is not None:
            result = "FAIL"
        elif case.find("skipped") is not None:
            result = "skipped"
        self.entries.setdefault(name, []).append(result)
        for word, function in C_LINE.findall(output):
            self.functions.setdefault((name, function), []).append(C_RESULTS[word])
        for word, test, path in PKT_LINE.findall(output):
            self.scripts.setdefault((path, test), []).append("pass" if word == "ok  " else "FAIL")
        for word, row in ROW_LINE.findall(output):
            self.rows.setdefault(row, []).append("pass" if word == "ok  " else "FAIL")

    def of(self, test):
        """The result of one test (ledger_scan.Test)."""
        if test.kind == "pkt":
            return worst(self.scripts.get((test.path, test.name), []))
        entry = worst(self.entries.get(test.entry, []))
        if test.kind == "file":
            return entry
        result = worst(self.functions.get((test.entry, test.name), []))
        # A program that dies after its last function (a leak, say) has failed as a whole.
        return "FAIL" if entry == "FAIL" and result != "pass" else result

    def row(self, name):
        return worst(self.rows.get(name, []))


def record(path, name, mistakes):
    """Adds the case `name` to a JUnit file, failed if there are mistakes: totals count it."""
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError):
        return  # said already, and its absence fails the totals
    root = tree.getroot()
    for old in [c for c in root.findall("testcase") if c.get("name") == name]:
        root.remove(old)
    case = ElementTree.SubElement(root, "testcase", name=name, classname=name)
    if mistakes:
        ElementTree.SubElement(case, "failure", message=f"{len(mistakes)} mistakes")
        ElementTree.SubElement(case, "system-out").text = "\n".join(mistakes)
    tree.write(path, encoding="utf-8", xml_declaration=True)
