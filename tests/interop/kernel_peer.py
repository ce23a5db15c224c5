#!/usr/bin/env python3
"""A netcat on the kernel's TCP, for the interoperation tests; the other half of weir_peer.c.

  kernel_peer.py connect ADDRESS PORT [OPTION...]
  kernel_peer.py listen ADDRESS PORT [OPTION...]

Standard input is sent, its end is a half-close; what is received goes to standard output. The exit
status tells how it ended: 0 orderly, 3 refused, 4 reset, 5 timed out, 6 unreachable.

  --after-eof    send only after the peer has ended its stream
  --abort-at N   reset the connection when N bytes were received
  --from-port N  (connect) the port to connect from
"""
import argparse
import errno
import os
import select
import socket
import struct
import sys

STATUS = {errno.ECONNREFUSED: 3, errno.ECONNRESET: 4, errno.EPIPE: 4, errno.ETIMEDOUT: 5,
          errno.EHOSTUNREACH: 6, errno.ENETUNREACH: 6}
CHUNK = 262144


def say(text):
    print(text, file=sys.stderr, flush=True)


def write_all(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]


def abort(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Pump:
    """Moves bytes both ways until both streams have ended."""

    def __init__(self, sock, args):
        self.sock, self.args = sock, args
        self.sent = self.received = 0
        self.pending = memoryview(b"")
        self.input_ended = self.peer_ended = False
        sock.setblocking(False)

    def wants_input(self):
        return not self.input_ended and (self.peer_ended or not self.args.after_eof)

    def receive(self):
        data = self.sock.recv(CHUNK)
        if not data:
            self.peer_ended = True
        write_all(data)
        self.received += len(data)
        return self.args.abort_at and self.received >= self.args.abort_at

    def send(self):
        if not self.pending:
            self.pending = memoryview(os.read(0, CHUNK))
            if not self.pending:
                self.input_ended = True
                self.sock.shutdown(socket.SHUT_WR)
                return
        try:
            taken = self.sock.send(self.pending)
        except BlockingIOError:
            return
        self.pending = self.pending[taken:]
        self.sent += taken

    def run(self):
        while not (self.input_ended and self.peer_ended):
            reads, writes = [], []
            if not self.peer_ended:
                reads.append(self.sock)
            if self.pending:
                writes.append(self.sock)
            elif self.wants_input():
                reads.append(0)
            ready_in, ready_out, _ = select.select(reads, writes, [])
            if self.sock in ready_in and self.receive():
                abort(self.sock)
                say(f"end: aborted; sent {self.sent}, received {self.received} bytes")
                return
            if 0 in ready_in or self.sock in ready_out:
                self.send()
        self.sock.close()
        say(f"end: orderly; sent {self.sent}, received {self.received} bytes")


def connect(sock, args):
    """Says "connecting" once the SYN is out, whatever becomes of it."""
    if args.from_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", args.from_port))
    sock.setblocking(False)
    result = sock.connect_ex((args.address, args.port))
    if result not in (0, errno.EINPROGRESS):
        raise OSError(result, "connect")
    say("connecting")
    select.select([], [sock], [])
    result = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if result:
        raise OSError(result, "connect")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("mode", choices=["connect", "listen"])
    p.add_argument("address")
    p.add_argument("port", type=int)
    p.add_argument("--after-eof", action="store_true")
    p.add_argument("--abort-at", type=int, default=0)
    p.add_argument("--from-port", type=int, default=0)
    args = p.parse_args()
    family = socket.AF_INET6 if ":" in args.address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if args.mode == "listen":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((args.address, args.port))
            sock.listen()
            say("ready")
            conn, _ = sock.accept()
            sock.close()
            sock = conn
        else:
            connect(sock, args)
        Pump(sock, args).run()
    except OSError as e:
        say(f"end: {errno.errorcode.get(e.errno, e.errno)}")
        return STATUS.get(e.errno, 1)
    return 0


sys.exit(main())
