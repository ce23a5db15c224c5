#!/usr/bin/env python3
"""Holds the layers and the sizes that docs/ARCHITECTURE.md promises.

    tools/tidy.py                    check the sources
    tools/tidy.py --archive FILE     check the engine's archive: what it needs, what it may write
    tools/tidy.py --self-test        check this tool on sources that break each rule

Sources: every #include against the table LAYERS; functions, lines and files within their limits;
no sleep in a test; nothing but sinks and the commands prints; the layout of clang-format 14.
Archive: no undefined symbol but memcpy, memmove, memset, memcmp, and no global that can be written.
Each violation is one line, FILE:LINE: TEXT, and the exit status is 1. Needs nothing but Python 3,
and objdump for --archive.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100
FILE_LINES_MAX = 800
TAB_COLUMNS = 8

FREESTANDING = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h",
                "stddef.h", "stdint.h", "stdnoreturn.h"}
# memcpy, memmove, memset and memcmp are declared nowhere else.
CORE_SYSTEM = FREESTANDING | {"string.h"}
# No clock and no randomness of the operating system.
SIM_SYSTEM = CORE_SYSTEM | {"assert.h", "ctype.h", "errno.h", "inttypes.h", "math.h", "stdio.h",
                            "stdlib.h"}
# The kernel's virtual machine.
KERN_SYSTEM = CORE_SYSTEM | {"linux/bpf.h", "linux/if_ether.h", "linux/pkt_cls.h",
                             "bpf/bpf_helpers.h", "bpf/bpf_endian.h"}
KERN_QUOTED = [r"(weir|kern|base)/.*", r"tcp/(isn|syncookie|accecn_syn)\.h",
               r"wire/(ip4|tcp_hdr|checksum)\.h"]
ANY = None

# Folder: (what it may include in quotes, as patterns of the whole path; which system headers).
# The longest folder that is a prefix of a file's path decides. Folders without a row (tests, fuzz,
# bench) may include anything.
LAYERS = {
    "include/weir": ([r"weir/.*"], FREESTANDING),
    # The part of the public headers that is about the operating system.
    "include/weir/link.h": ([r"weir/.*"], ANY),
    "include/weir/loop.h": ([r"weir/.*"], ANY),
    "include/weir/sink.h": ([r"weir/.*"], ANY),
    "include/weir/socket.h": ([r"weir/.*"], ANY),
    "core/base": ([r"weir/weir\.h", r"base/.*"], CORE_SYSTEM),
    "core/table": ([r"weir/.*", r"(base|table)/.*"], CORE_SYSTEM),
    "core/wire": ([r"weir/.*", r"(base|table|wire)/.*"], CORE_SYSTEM),
    "core/net": ([r"weir/.*", r"(base|table|wire|net)/.*"], CORE_SYSTEM),
    "core/tcp": ([r"weir/.*", r"(base|table|tcp)/.*", r"wire/(tcp_hdr|tcp_opt|checksum)\.h"],
                 CORE_SYSTEM),
    "core/stack": ([r"weir/.*", r"(base|table|wire|net|tcp|stack)/.*"], CORE_SYSTEM),
    "host": ([r"weir/.*", r"(host/)?[a-z0-9_/]*\.(h|def)"], ANY),
    # The model of a path is the simulator's too.
    "host/link/impair.c": ([r"weir/impair\.h", r"link/codel\.h"], CORE_SYSTEM),
    "host/link/impair_bytes.c": ([r"weir/impair\.h"], CORE_SYSTEM),
    "host/link/codel.c": ([r"link/codel\.h"], CORE_SYSTEM),
    # The program for the kernel: what it can have of the engine are headers, without its tables.
    "kern": (KERN_QUOTED, CORE_SYSTEM),
    "kern/shield.bpf.c": (KERN_QUOTED, KERN_SYSTEM),
    "gate": ([r"weir/.*", r"gate/.*", r"[a-z0-9_]*\.(h|def)"], ANY),
    "cli": ([r"weir/.*", r"(cli|gate|sim)/.*", r"host/shield/shield\.h",
             r"[a-z0-9_]*\.(h|def)"], ANY),
    "packetdrill": ([r"weir/.*", r"[a-z0-9_]*\.(h|def)"], ANY),
    "sim": ([r"weir/.*", r"(base|table|wire|net|tcp|stack|sim)/.*", r"[a-z0-9_]*\.(h|def)"],
            SIM_SYSTEM),
}
CORE_FOLDERS = r"(core|base|table|wire|net|tcp|stack)/"

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
SLEEP = re.compile(r"\b(u?sleep|nanosleep|clock_nanosleep)\s*\(")
SCRIPT_SLEEP = re.compile(r"(^|[;&|`(]|\bdo\b|\bthen\b)\s*sleep\s+[0-9.$]")
PRINT = re.compile(r"\b(v?f?printf|puts|fputs|putchar|perror)\s*\(")
# Folders whose code may not print. The gate speaks for `weir run`, so it may.
SILENT = ("core/", "host/", "kern/", "sim/")
SILENT_BUT = ("host/sink/",)

ARCHIVE_MAY_NEED = {"memcpy", "memmove", "memset", "memcmp"}
# What a compiler or linker adds by itself where the distribution's defaults say so.
ARCHIVE_MAY_GET = {"__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}
WRITABLE_SECTION = re.compile(r"^(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\*COM\*)")


def list_sources(root):
    """The files of the project: what git knows or would add; all files outside of git."""
    command = ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        paths = done.stdout.splitlines()
    else:
        paths = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, names in os.walk(root) for name in names]
        paths = [p for p in paths if not p.startswith((".git/", "build"))]
    return sorted(p for p in set(paths) if os.path.isfile(os.path.join(root, p)))


def find_layer(path):
    """The row of LAYERS for a file, or None."""
    best = None
    for folder in LAYERS:
        if path == folder or path.startswith(folder + "/"):
            if best is None or len(folder) > len(best):
                best = folder
    return best


def check_include(path, line):
    """The text of a violation, or None."""
    layer = find_layer(path)
    found = INCLUDE.match(line)
    if layer is None or not found:
        return None
    quoted, system = LAYERS[layer]
    name = found.group(2)
    if found.group(1) == "<":
        if system is not ANY and name not in system:
            return f"{layer} must not include <{name}>"
        return None
    outside = layer in ("host", "gate", "cli", "packetdrill") and re.match(CORE_FOLDERS, name)
    if outside or not any(re.fullmatch(pattern, name) for pattern in quoted):
        return f'{layer} must not include "{name}"'
    return None


def columns_of(line):
    return len(line.expandtabs(TAB_COLUMNS))


def check_functions(lines):
    """Yields (line number, text). A function's body is between braces in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            length = number - start + 1
            if length > FUNCTION_LINES_MAX:
                yield start, f"function of {length} lines; at most {FUNCTION_LINES_MAX}"
            start = None


def check_file(path, text):
    """Yields (line number, text) for each violation in one file."""
    lines = text.splitlines()
    is_c = path.endswith((".c", ".h", ".def"))
    is_script = path.endswith((".sh", ".py"))
    silent = path.startswith(SILENT) and not path.startswith(SILENT_BUT)
    if not is_c and not is_script:
        return
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f"file of {len(lines)} lines; at most {FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if columns_of(line) > LINE_COLUMNS_MAX:
            yield number, f"{columns_of(line)} columns; at most {LINE_COLUMNS_MAX}"
        if is_c and check_include(path, line):
            yield number, check_include(path, line)
        if is_c and silent and PRINT.search(line):
            yield number, "only sinks and the commands print"
        if path.startswith("tests/"):
            pattern = SLEEP if is_c else SCRIPT_SLEEP
            if pattern.search(line):
                yield number, "a test must not sleep: wait for what it needs"
    if is_c:
        yield from check_functions(lines)


def check_sources(root):
    """Returns the list of violations of a tree."""
    found = []
    for path in list_sources(root):
        if not path.endswith((".c", ".h", ".def", ".sh", ".py")):
            continue
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as source:
            text = source.read()
        found += [f"{path}:{number}: {what}" for number, what in check_file(path, text)]
    return found


def check_layout(root):
    """(violations, note). Only version 14 is asked: others lay the same style out differently."""
    formatter = None
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True,
                                     check=False).stdout
            if re.search(r"version 14\.", version):
                formatter = name
                break
    if formatter is None:
        return [], "clang-format 14 is not here: layout was not checked"
    paths = [p for p in list_sources(root) if p.endswith((".c", ".h"))]
    if not paths:
        return [], None
    done = subprocess.run([formatter, "--dry-run", *paths], cwd=root, capture_output=True,
                          text=True, check=False)
    first = {}
    for line in done.stderr.splitlines():
        match = re.match(r"(\S+?):(\d+):\d+: warning:", line)
        if match and match.group(1) not in first:
            first[match.group(1)] = match.group(2)
    return [f"{path}:{number}: layout differs from clang-format's (make format)"
            for path, number in first.items()], None


def check_archive(path):
    """Returns the violations of the engine's archive."""
    done = subprocess.run(["objdump", "-t", path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return [f"{path}: {done.stderr.strip()}"]
    member, defined, needed, found = "?", set(), {}, []
    for line in done.stdout.splitlines():
        header = re.match(r"(\S+):\s+file format", line)
        if header:
            member = header.group(1)
            continue
        # address, 7 flag characters, section, size, (visibility), name
        row = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+\s+(?:\.\w+ )?(\S+)$", line)
        if not row:
            continue
        flags, section, name = row.groups()
        if section == "*UND*":
            needed.setdefault(name, member)
        elif "d" not in flags and WRITABLE_SECTION.match(section):
            found.append(f"{member}: writable global {name} in {section}")
        if section != "*UND*" and flags[0] in "gu!" or flags[1] == "w":
            defined.add(name)
    for name, where in sorted(needed.items()):
        if name not in defined | ARCHIVE_MAY_NEED | ARCHIVE_MAY_GET:
            found.append(f"{where}: needs {name}, which is not the engine's")
    return found


def main():
    parser = argparse.ArgumentParser(description="Holds the layers and sizes of the sources.")
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), ".."))
    parser.add_argument("--archive", metavar="FILE", help="check the engine's archive instead")
    parser.add_argument("--self-test", action="store_true", help="check this tool instead")
    options = parser.parse_args()
    if options.self_test:
        import tidy_selftest
        return tidy_selftest.run()
    if options.archive:
        found, note = check_archive(options.archive), None
    else:
        layout, note = check_layout(options.root)
        found = check_sources(options.root) + layout
    for line in found:
        print(line)
    if note:
        print(f"tidy: note: {note}")
    print(f"tidy: {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
