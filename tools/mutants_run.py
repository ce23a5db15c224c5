"""Builds planted faults and runs the tests against them, all in a private copy of the tree.

The copy is built once with its parts as shared libraries (WEIR_SHARED_PARTS). A fault then costs
the compilation of one source and one link into a folder of its own, which LD_LIBRARY_PATH puts in
front; programs and tests stay as they are. The tests are those that CTest has.
"""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import threading
import time

LABELS = ["unit", "pkt", "sim", "golden", "fuzz", "packetdrill"]  # in this order
OUTER_LABELS = {"host": ["host", "golden"], "gate": ["gate"], "sim": ["sim", "golden"]}
NOT_FOR_FAULTS = {"pkt.rows", "pkt.must-fail"}  # texts, and scripts that fail anyway
FLAGS = "-O1"
TIMEOUT_LEAST_S = 10.0
TIMEOUT_FACTOR = 10.0
PLAIN_TIMEOUT_S = 300.0
BUILD_TIMEOUT_S = 300
# A fault may loop and write without end (in kilobytes; files in half ones).
LIMITS = ["sh", "-c", 'ulimit -c 0; ulimit -f 131072; ulimit -v 4194304; exec "$@"', "sh"]


class BuildError(Exception):
    """The copy, or a fault in it, does not compile."""


class Test:
    """One test: a command and where it runs."""

    def __init__(self, name, label, command, folder):
        self.name, self.label, self.command, self.folder = name, label, command, folder
        self.passes, self.timeout = None, PLAIN_TIMEOUT_S
        self.lock = threading.Lock()

    def passes_plain(self, log):
        """Does it pass without a fault? It is tried once, and gives the time limit. What fails
        anyway proves nothing about a fault."""
        with self.lock:
            if self.passes is None:
                began = time.monotonic()
                self.passes = call(self.command, self.folder, self.timeout, None, log) == 0
                took = time.monotonic() - began
                self.timeout = max(TIMEOUT_LEAST_S, TIMEOUT_FACTOR * took)
            return self.passes


def call(command, folder, timeout, env=None, log=None):
    """Exit status of a command; None: it hung. Its whole group ends with it."""
    out = open(log, "wb") if log else subprocess.DEVNULL
    try:
        child = subprocess.Popen(LIMITS + command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, env=env, start_new_session=True)
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            child.wait()
            return None
    finally:
        if log:
            out.close()


def copy_tree(root, to, revision):
    """Brings the copy up to date; files that are the same keep their times."""
    if revision:
        command = ["git", "-C", root, "ls-tree", "-r", "--name-only", revision]
    else:
        command = ["git", "-C", root, "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    wanted = set()
    source = root
    if revision:
        source = to + ".rev"
        shutil.rmtree(source, ignore_errors=True)
        os.makedirs(source)
        archive = subprocess.Popen(["git", "-C", root, "archive", revision],
                                   stdout=subprocess.PIPE)
        subprocess.run(["tar", "x", "-C", source], stdin=archive.stdout, check=True)
        archive.wait()
    for name in names:
        if os.path.isfile(os.path.join(source, name)):
            wanted.add(name)
            copy_if_other(os.path.join(source, name), os.path.join(to, name))
    for folder, _, files in os.walk(to):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.relpath(path, to) not in wanted:
                os.remove(path)
    if revision:
        shutil.rmtree(source)


def copy_if_other(source, to):
    """Copies what is not the same already."""
    with open(source, "rb") as stream:
        data = stream.read()
    if os.path.isfile(to):
        with open(to, "rb") as stream:
            if stream.read() == data:
                return
    os.makedirs(os.path.dirname(to), exist_ok=True)
    with open(to, "wb") as stream:
        stream.write(data)
    shutil.copymode(source, to)


def build_base(tree, build, jobs, strict):
    """The copy without a fault. If not strict, what does not build is left out."""
    log = build + ".log"
    commands = [
        ["cmake", "-S", tree, "-B", build, "-DCMAKE_BUILD_TYPE=Debug",
         f"-DCMAKE_C_FLAGS_DEBUG={FLAGS}", "-DWEIR_BUILD_KIND=debug", "-DWEIR_SHARED_PARTS=ON",
         "-DWEIR_WERROR=OFF"],
        ["cmake", "--build", build, "-j", str(jobs)] + ([] if strict else ["--", "-k"]),
    ]
    for old in [] if strict else filter(os.path.isfile, glob.glob(os.path.join(build, "tests/*"))):
        os.remove(old)
    for command in commands:
        with open(log, "wb") as out:
            done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)
        if done.returncode and strict:
            raise BuildError(f"the copy does not build: {log}")


def list_tests(build):
    """CTest's tests, in the order in which a fault meets them."""
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True,
                           capture_output=True, text=True).stdout
    tests = []
    for t in json.loads(shown)["tests"]:
        properties = {p["name"]: p["value"] for p in t["properties"]}
        labels = properties.get("LABELS", [])
        command = t.get("command", [])
        if "big" in labels or not command or command[0].endswith((".sh", "python3")):
            continue
        if labels and t["name"] not in NOT_FOR_FAULTS:
            tests.append(Test(t["name"], labels[0], command, properties["WORKING_DIRECTORY"]))
    every = LABELS + ["host", "gate"]
    tests = [t for t in tests if t.label in every]
    return sorted(tests, key=lambda t: every.index(t.label))


class Bench:
    """The copy with its build, and its tests."""

    def __init__(self, root, folder, jobs):
        self.root, self.folder, self.jobs = root, folder, jobs
        self.tree = os.path.join(folder, "tree")
        self.build = os.path.join(folder, "build")
        self.tests, self.scripts = [], {}

    def prepare(self, revision, strict):
        """Copies and builds."""
        os.makedirs(os.path.join(self.folder, "plain"), exist_ok=True)
        copy_tree(self.root, self.tree, revision)
        build_base(self.tree, self.build, self.jobs, strict)
        self.tests = list_tests(self.build)
        for script in glob.glob(os.path.join(self.tree, "tests/pkt/*/*.pkt")):
            name = os.path.relpath(script, self.tree)
            own = os.path.join(os.path.dirname(name), "lib.pkt")  # the folder's own macros
            libs = ["tests/pkt/lib"]
            if own != name and os.path.isfile(os.path.join(self.tree, own)):
                libs.append(own)
            command = [os.path.join(self.build, "tests/weir-pkt"), *libs, name]
            self.scripts[name] = Test(name, "pkt", command, self.tree)

    def broken(self):
        """Tests that were found to fail without a fault."""
        return [t.name for t in self.tests + list(self.scripts.values()) if t.passes is False]

    def hinted(self, mutant):
        """The test that a hint names; none: an empty list. A hint that is no good is an error, as
        it would cost each run of the fault the time that it is there to save."""
        hint = mutant.hint
        if not hint:
            return []
        found = [self.scripts[hint]] if hint in self.scripts else [
            t for t in self.tests if t.name == hint]
        if not found:
            raise BuildError(f"{mutant.where}: {mutant.name}: no test {hint}")
        if not found[0].passes_plain(self.plain_log(found[0])):
            raise BuildError(f"{mutant.where}: {mutant.name}: {hint} fails without a fault")
        return found

    def plain_log(self, test):
        """What a test says without a fault."""
        return os.path.join(self.folder, "plain", test.name.replace("/", "_") + ".log")

    def order(self, mutant):
        """The tests for one fault: its hint, then all others."""
        part = mutant.file.split("/")[0]
        labels = OUTER_LABELS.get(part, []) + [x for x in LABELS
                                               if x not in OUTER_LABELS.get(part, [])]
        rest = [t for t in self.tests if t.label in labels]
        rest.sort(key=lambda t: labels.index(t.label))
        return self.hinted(mutant) + rest

    def run(self, mutant, work):
        """(result, caught by, seconds)."""
        began = time.monotonic()
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        plant(self, mutant, work)
        env = dict(os.environ, LD_LIBRARY_PATH=work)
        caught = ""
        for test in self.order(mutant):
            if not test.passes_plain(self.plain_log(test)):
                continue
            log = os.path.join(work, "test.log")
            status = call(test.command, test.folder, test.timeout, env, log)
            if status != 0:
                caught = describe(test, status, log)
                break
        seconds = f"{time.monotonic() - began:.1f}"
        return ("killed" if caught else "survived"), caught, seconds


def describe(test, status, log):
    """Which test, and the first of its cases that failed."""
    with open(log, encoding="utf-8", errors="replace") as stream:
        text = stream.read(1 << 20)
    case = re.search(r"^FAIL (.*?) \(IPv|^\[  FAILED  \] ([a-z]\w+)", text, re.M)
    name = test.name
    if case:
        name += ": " + (case.group(1) or case.group(2))
    if status is None:
        name += " (hangs)"
    elif status < 0:
        name += f" (signal {-status})"
    return re.sub(r"\s+", " ", name)


def plant(bench, mutant, work):
    """Compiles the changed source into `work` and links its library there."""
    with open(os.path.join(bench.tree, mutant.file), encoding="utf-8") as stream:
        text = mutant.apply(stream.read())
    changed = os.path.join(work, "changed", mutant.file)
    os.makedirs(os.path.dirname(changed))
    with open(changed, "w", encoding="utf-8") as stream:
        stream.write(text)
    overlay = []
    if mutant.file.endswith(".c"):
        sources = {mutant.file: changed}
    else:
        sources = readers_of(bench, mutant.file)
        overlay = ["-I" + os.path.join(work, "changed", d) for d in ("core", "include", "")]
    part, commands = part_of(bench, mutant)
    replaced = {}
    for source, path in sources.items():
        words = shlex.split(commands[source]["command"])
        out = words[words.index("-o") + 1]
        replaced[out] = os.path.join(work, source.replace("/", "_") + ".o")
        words[words.index("-o") + 1] = replaced[out]
        words[words.index("-c") + 1] = path
        words[1:1] = overlay + ["-w", "-I" + os.path.dirname(os.path.join(bench.tree, source))]
        build_step(words, bench.build, mutant)
    link_part(bench, mutant, part, replaced, work)


def part_of(bench, mutant):
    """The library that a file is a part of, and how each of its sources is compiled."""
    part = "core" if mutant.file.startswith("include/") else mutant.file.split("/")[0]
    with open(os.path.join(bench.build, "compile_commands.json"), encoding="utf-8") as stream:
        every = json.load(stream)
    for c in every:
        found = re.search(r"CMakeFiles/weir-([a-z]+)\.dir/", c["command"])
        if found and os.path.relpath(c["file"], bench.tree) == mutant.file:
            part = found.group(1)
    return part, {os.path.relpath(c["file"], bench.tree): c for c in every
                  if f"CMakeFiles/weir-{part}.dir/" in c["command"]}


def readers_of(bench, header):
    """The sources of the engine that include a header: each compiles anew."""
    part = os.path.join(bench.build, "CMakeFiles/weir-core.dir")
    full = os.path.join(bench.tree, header)
    found = {}
    for folder, _, files in os.walk(part):
        for name in files:
            if not name.endswith(".o.d"):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                if full in stream.read().split():
                    source = os.path.relpath(os.path.join(folder, name[:-4]), part)
                    found[source] = os.path.join(bench.tree, source)
    return found


def link_part(bench, mutant, part, replaced, work):
    """The shared library of one part, with some of its objects replaced."""
    path = os.path.join(bench.build, f"CMakeFiles/weir-{part}.dir/link.txt")
    with open(path, encoding="utf-8") as stream:
        words = shlex.split(stream.read())
    words = [replaced.get(word, word) for word in words]
    at = words.index("-o") + 1
    words[at] = os.path.join(work, words[at])
    build_step(words, bench.build, mutant)


def build_step(words, folder, mutant):
    """Runs a compiler; a fault must compile."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False,
                          timeout=BUILD_TIMEOUT_S)
    if done.returncode:
        raise BuildError(f"{mutant.where}: {mutant.name} does not compile:\n{done.stderr}")
