"""Self-test of tidy.py: each rule is shown a source that breaks it and one that does not."""

import os
import subprocess
import tempfile

import tidy

LONG_FUNCTION = "void f(void)\n{\n" + "\t;\n" * 69 + "}\n"
FULL_FUNCTION = "void f(void)\n{\n" + "\t;\n" * 68 + "}\n"

# (path, text, the violation's line and a part of its message; None: there is none)
CASES = [
    ("core/base/a.h", '#include <stdint.h>\n#include "weir/weir.h"\n', None),
    ("core/base/b.h", "\n#include <stdio.h>\n", (2, "core/base must not include <stdio.h>")),
    ("core/base/c.c", '#include "wire/ip4.h"\n', (1, "core/base must not include")),
    ("core/wire/a.c", '#include "wire/ip4.h"\n#include <string.h>\n', None),
    ("core/wire/b.c", '#include "tcp/tcb.h"\n', (1, "core/wire must not include")),
    ("core/tcp/a.c", '#include "wire/tcp_hdr.h"\n#include "tcp/tcb.h"\n', None),
    ("core/tcp/b.c", '#include "wire/ip4.h"\n', (1, "core/tcp must not include")),
    ("core/tcp/c.c", '#include "stack/stack.h"\n', (1, "core/tcp must not include")),
    ("core/net/a.c", '#include "tcp/tcb.h"\n', (1, "core/net must not include")),
    ("core/stack/a.c", '#include "tcp/tcb.h"\n#include "net/ip_in.h"\n', None),
    ("core/stack/b.c", "#include <unistd.h>\n", (1, "core/stack must not include <unistd.h>")),
    ("host/a.c", '#include <unistd.h>\n#include "weir/link.h"\n', None),
    ("host/b.c", '#include "base/list.h"\n', (1, "host must not include")),
    ("kern/a.h", '#include "tcp/syncookie.h"\n#include "wire/ip4.h"\n', None),
    ("kern/b.h", '#include "stack/stack.h"\n', (1, "kern must not include")),
    ("kern/c.h", "#include <linux/bpf.h>\n", (1, "kern must not include <linux/bpf.h>")),
    ("kern/shield.bpf.c", "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n", None),
    ("cli/c.c", '#include "host/shield/shield.h"\n', None),
    ("cli/d.c", '#include "host/loop/x.h"\n', (1, "cli must not include")),
    ("gate/a.c", '#include "gate/relay.h"\n#include <microhttpd.h>\n', None),
    ("gate/b.c", '#include "core/tcp/tcb.h"\n', (1, "gate must not include")),
    ("cli/a.c", '#include "stack/stack.h"\n', (1, "cli must not include")),
    ("cli/b.c", '#include "gate/run.h"\n', None),
    ("sim/a.c", '#include "tcp/tcb.h"\n#include <stdlib.h>\n', None),
    ("sim/b.c", "#include <time.h>\n", (1, "sim must not include <time.h>")),
    ("include/weir/a.h", "#include <unistd.h>\n", (1, "include/weir must not include")),
    ("include/weir/link.h", "#include <net/if.h>\n", None),
    ("core/tcp/long.c", LONG_FUNCTION, (2, "function of 71 lines")),
    ("core/tcp/full.c", FULL_FUNCTION, None),
    ("core/tcp/wide.c", "\n/*" + " " * 97 + "*/\n", (2, "101 columns")),
    ("core/tcp/tabs.c", "\t" * 12 + "12345\n", (1, "101 columns")),
    ("core/tcp/full_line.c", "\t" * 12 + "1234\n", None),
    ("core/tcp/big.c", ";\n" * 801, (801, "file of 801 lines")),
    ("core/tcp/full_file.c", ";\n" * 800, None),
    ("host/print.c", '\tprintf("x");\n', (1, "only sinks and the commands print")),
    ("host/sink/print.c", '\tprintf("x");\n', None),
    ("cli/print.c", '\tprintf("x");\n', None),
    ("host/text.c", "\tsnprintf(a, b, c);\n", None),
    ("tests/unit/test_a.c", "\tusleep(10);\n", (1, "must not sleep")),
    ("tests/unit/test_b.c", "\tint sleeper(void);\n", None),
    ("tests/gate/test_c.sh", "true; sleep 1\n", (1, "must not sleep")),
    ("tests/gate/test_d.sh", "weir run -- sleep 100 &\n", None),
]

ARCHIVES = [
    ("static const int a = 1; int f(void); int f(void) { return a; }", None),
    ("static const char *const a[] = {\"x\"}; const char *f(int i);"
     "const char *f(int i) { return a[i]; }", None),
    ("void f(void *a, void *b); void *memcpy(void *, const void *, unsigned long);"
     "void f(void *a, void *b) { memcpy(a, b, 100000); }", None),
    ("int a = 1;", "writable global a"),
    ("int f(void); int f(void) { static int a; return a++; }", "writable global a"),
    ("int g(void); int f(void); int f(void) { return g(); }", "needs g"),
]


def check_case(path, text, want):
    """None, or why the case failed."""
    found = list(tidy.check_file(path, text))
    if want is None:
        return f"{path}: unexpected: {found}" if found else None
    if len(found) == 1 and found[0][0] == want[0] and want[1] in found[0][1]:
        return None
    return f"{path}: wanted {want}, found {found}"


def check_archive_case(folder, number, text, want):
    source, obj = os.path.join(folder, "a.c"), os.path.join(folder, "a.o")
    archive = os.path.join(folder, f"a{number}.a")
    with open(source, "w", encoding="utf-8") as out:
        out.write(text + "\n")
    subprocess.run(["cc", "-O2", "-fPIC", "-U_FORTIFY_SOURCE", "-c", source, "-o", obj], check=True)
    subprocess.run(["ar", "rc", archive, obj], check=True)
    found = tidy.check_archive(archive)
    if want is None:
        return f"archive {number}: unexpected: {found}" if found else None
    if len(found) == 1 and want in found[0]:
        return None
    return f"archive {number}: wanted {want}, found {found}"


def check_tree(folder):
    """A violation in a tree on disk is reported with its file and line."""
    os.makedirs(os.path.join(folder, "core/base"))
    with open(os.path.join(folder, "core/base/x.c"), "w", encoding="utf-8") as out:
        out.write("\n#include <time.h>\n")
    found = tidy.check_sources(folder)
    if found == ["core/base/x.c:2: core/base must not include <time.h>"]:
        return None
    return f"tree: found {found}"


def run():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as tree:
        results = [check_case(*case) for case in CASES]
        results += [check_archive_case(folder, i, *case) for i, case in enumerate(ARCHIVES)]
        results.append(check_tree(tree))
    failed = [text for text in results if text]
    for text in failed:
        print(text)
    print(f"tidy self-test: {len(results) - len(failed)} of {len(results)} cases hold")
    return 1 if failed else 0
