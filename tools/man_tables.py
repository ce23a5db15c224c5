#!/usr/bin/env python3
"""Writes man/weir-tables.7 from the rows of include/weir/def/*.def, which are the only place where
settings, options, errors, events, states and counters are declared.

    tools/man_tables.py            write the page
    tools/man_tables.py --check    exit 1 if the page is not what the tables say
"""

import ast
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PAGE = os.path.join(ROOT, "man/weir-tables.7")

HEAD = """.\\" Written by tools/man_tables.py from include/weir/def/*.def: do not edit.
.TH WEIR-TABLES 7 "" "weir" "weir"
.SH NAME
weir-tables \\- settings, options, errors, events, states and counters of the weir engine
.SH DESCRIPTION
Every row of the engine's tables, as
.BR libweir (3)
declares them. In C a row's name has the prefix that the section tells.
"""


def read_rows(name):
    """The arguments of each X(...) of a table, names and numbers as text."""
    with open(os.path.join(ROOT, "include/weir/def", name), encoding="utf-8") as table:
        text = re.sub(r"/\*.*?\*/", "", table.read(), flags=re.DOTALL)
    rows = []
    for body in re.findall(r'^X\(((?:[^"()]|"(?:[^"\\]|\\.)*"|\([^)]*\))*)\)', text, re.MULTILINE):
        fields = re.findall(r'\s*((?:"(?:[^"\\]|\\.)*"\s*)+|[^,"]+?)\s*(?:,|$)', body)
        rows.append([ast.literal_eval(f) if f.startswith('"') else f.strip() for f in fields])
    return rows


def roff(text):
    return text.replace("\\", "\\e").replace("-", "\\-")


def item(title, *lines):
    out = [".TP", f".B {roff(title)}"]
    out += [roff(line) for line in lines if line]
    return "\n".join(out) + "\n"


def render():
    out = [HEAD]
    out.append(".SH SETTINGS\nFields of\n.I struct weir_config\nand names for\n"
               ".BR weir_config_set ().\n")
    for name, default, low, high, unit, text in read_rows("config.def"):
        span = "0 or 1" if unit == "flag" else f"from {low} to {high} {unit}"
        out.append(item(name, text + ".", f"Default {default}, {span}."))
    out.append(".SH CONNECTION OPTIONS\nFor\n.BR weir_conn_set ();\nprefix WEIR_OPT_.\n")
    for name, _, low, high, text in read_rows("connopt.def"):
        out.append(item(name, text + ".", f"From {low} to {high}."))
    out.append(".SH CONGESTION CONTROL\nValues of the setting and of the connection option cc; "
               "names as options\n.B \\-\\-cc\ntake them. Prefix WEIR_CC_.\n")
    for number, (_, name, text) in enumerate(read_rows("cc.def")):
        out.append(item(f"{number}: {name}", text + "."))
    out.append(".SH ERRORS\nPrefix WEIR_.\n")
    for name, text in read_rows("err.def"):
        out.append(item(name, text + "."))
    out.append(".SH EVENTS\nPrefix WEIR_EV_.\n")
    for name, _, text in read_rows("events.def"):
        out.append(item(name, text + "."))
    out.append(".SH STATES\nPrefix WEIR_STATE_.\n")
    out.append(", ".join(roff(name) for name, _ in read_rows("states.def")) + ".\n")
    out.append(".SH VERDICTS AND COUNTERS\nEach segment that comes in gets one of these as its "
               "verdict, each that goes out one as\nits reason; the rest only count. "
               "Prefix WEIR_CTR_, names as in traces.\n")
    for _, name, text, clause in read_rows("counters.def"):
        out.append(item(name, text + ".", f"({clause})" if clause else ""))
    out.append(".SH SEE ALSO\n.BR weir (1),\n.BR libweir (3)\n")
    return "".join(out)


def count_rows(name):
    with open(os.path.join(ROOT, "include/weir/def", name), encoding="utf-8") as table:
        return len(re.findall(r"^X\(", table.read(), re.MULTILINE))


def main():
    for name in sorted(os.listdir(os.path.join(ROOT, "include/weir/def"))):
        if len(read_rows(name)) != count_rows(name):
            print(f"man_tables: a row of {name} cannot be read")
            return 1
    page = render()
    if sys.argv[1:] == ["--check"]:
        with open(PAGE, encoding="utf-8") as old:
            if old.read() == page:
                return 0
        print("man/weir-tables.7 is not what the tables say: run tools/man_tables.py")
        return 1
    with open(PAGE, "w", encoding="utf-8") as out:
        out.write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
