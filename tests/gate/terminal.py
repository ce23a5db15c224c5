#!/usr/bin/env python3
"""Runs a command on a terminal of its own, as an interactive shell would, for test_signals.sh.

    terminal.py SCRIPT COMMAND...

SCRIPT is a list of steps, separated by commas; each waits for what it needs, none for a time:
    see=TEXT   until TEXT has been printed
    key=c      presses Ctrl-C (or z, \\)
    stopped    until the command's process group has stopped, weir included
    fg         continues the group as fg does
    end        until the command has ended

Prints what the command printed, then "status N".
"""

import os
import pty
import signal
import sys

KEYS = {"c": b"\x03", "z": b"\x1a", "\\": b"\x1c"}


class Shell:
    def __init__(self, command):
        self.printed = b""
        self.status = None
        self.pid, self.tty = pty.fork()
        if self.pid == 0:
            # A session leader is not stopped by its terminal: the command gets a group of its own.
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                os.tcsetpgrp(0, os.getpgrp())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                os.execvp(command[0], command)
            self.watch(child)

    @staticmethod
    def watch(child):
        """The session leader: tells stops and the end on the terminal."""
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, lambda *_: os.killpg(child, signal.SIGCONT))
        while True:
            _, status = os.waitpid(child, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                os.write(1, b"[stopped]")
                continue
            os.write(1, b"[status %d]" % os.waitstatus_to_exitcode(status))
            os._exit(0)

    def see(self, text):
        while text not in self.printed:
            try:
                piece = os.read(self.tty, 4096)
            except OSError:
                piece = b""
            if not piece:
                sys.exit(f"ended before {text!r}: {self.printed!r}")
            self.printed += piece
        self.printed = self.printed.split(text, 1)[1]

    def step(self, step):
        word, _, value = step.partition("=")
        if word == "see":
            self.see(value.encode())
        elif word == "key":
            os.write(self.tty, KEYS[value])
        elif word == "stopped":
            self.see(b"[stopped]")
        elif word == "fg":
            os.kill(self.pid, signal.SIGUSR1)
        elif word == "end":
            self.see(b"[status ")
            self.see_status()
        else:
            sys.exit(f"no step {step}")

    def see_status(self):
        while b"]" not in self.printed:
            self.printed += os.read(self.tty, 4096)
        print("status", self.printed.split(b"]")[0].decode())


def main():
    shell = Shell(sys.argv[2:])
    for step in sys.argv[1].split(","):
        shell.step(step)


if __name__ == "__main__":
    main()
