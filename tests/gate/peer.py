#!/usr/bin/env python3
"""A peer for the gateway's tests: on the host's side as a server, inside as a client.

    peer.py serve ADDRESS         one server for each mode below, on ports that it prints as
                                  "mode=port mode=port ..." when all of them listen
    peer.py client MODE ADDRESS PORT
                                  does the other half; prints what it saw, one line
    peer.py connect ADDRESS PORT [TIMEOUT]
                                  prints the errno of a connect
    peer.py last ADDRESS PORT N   sends N bytes and ends at once, with status 3
    peer.py flood PREFIX HOSTS N  has N connects to HOSTS addresses wait, then fetches a page from
                                  weir.test; prints "page" if it came
    peer.py fill ADDRESS PORT     sends until nothing more is taken, and ends at once, with status 3
    peer.py left-open ADDRESS PORT N
                                  sends N bytes, prints the id of a process that keeps the
                                  connection open, and ends with status 3
    peer.py told ADDRESS PORT N [END]
                                  prints "same" if a server of mode count got just these, and then
                                  the end of the stream, or what END names (ECONNRESET)

Modes (what the server does; what the client does):
    echo          sends back what it reads, until the end of stream; then ends its own
                  | sends a pattern, ends its sending, reads to the end
    first-close   ends its sending at once, reads to the end of stream, sends nothing
                  | reads the end of stream, then sends a pattern and closes; the server reports its
                  digest on a second connection
    rst           reads 5 bytes, answers "bye\\n", resets   | sees bye, then a reset
    get-rst       reads 5 bytes, answers, waits for the client's reset; a second connection reports
                  it | sends 5 bytes, reads the answer, resets
    unread        closes with bytes unread, which resets    | sends much, sees a reset
    never-read    does not read before it is told to        | sends until it is blocked, then tells
    count         reads to the end; a second connection reports it      | (last and told)
"""

import errno
import hashlib
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading

LENGTH = 3_000_000
PATTERN = bytes((i * 7 + i // 256 * 13) & 255 for i in range(65536))
MODES = ("echo", "first-close", "rst", "get-rst", "unread", "never-read", "count")


def pattern(length):
    return (PATTERN * (length // len(PATTERN) + 1))[:length]


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_all(sock):
    """(bytes, how it ended: "eof" or the name of an errno)."""
    data = bytearray()  # not bytes, each += of which copies all there is
    try:
        while True:
            piece = sock.recv(65536)
            if not piece:
                return bytes(data), "eof"
            data += piece
    except OSError as e:
        return bytes(data), errno.errorcode[e.errno]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def serve_echo(listener):
    while True:
        sock, _ = listener.accept()

        def run(sock=sock):
            while piece := sock.recv(65536):
                sock.sendall(piece)
            sock.close()

        threading.Thread(target=run, daemon=True).start()


def report(listener, text):
    """Tells the next connection what the one before it was."""
    sock, _ = listener.accept()
    sock.sendall(text.encode())
    sock.close()


def serve_first_close(listener):
    while True:
        sock, _ = listener.accept()
        sock.shutdown(socket.SHUT_WR)
        data, how = read_all(sock)
        sock.close()
        report(listener, f"{len(data)} {digest(data)} {how}")


def serve_rst(listener):
    while True:
        sock, _ = listener.accept()
        sock.recv(5, socket.MSG_WAITALL)
        sock.sendall(b"bye\n")
        reset(sock)


def serve_get_rst(listener):
    while True:
        sock, _ = listener.accept()
        hello = sock.recv(5, socket.MSG_WAITALL)
        sock.sendall(b"x")
        data, how = read_all(sock)
        sock.close()
        report(listener, f"{len(hello + data)} {how}")


def serve_unread(listener):
    while True:
        sock, _ = listener.accept()
        select.select([sock], [], [])
        sock.close()


def serve_never_read(listener):
    while True:
        sock, _ = listener.accept()
        told, _ = listener.accept()
        data, how = read_all(sock)
        told.sendall(f"{len(data)} {digest(data)} {how}".encode())
        told.close()
        sock.close()


def serve_count(listener):
    while True:
        sock, _ = listener.accept()
        data, how = read_all(sock)
        sock.close()
        report(listener, f"{len(data)} {digest(data)} {how}")


SERVERS = {"echo": serve_echo, "first-close": serve_first_close, "rst": serve_rst,
           "get-rst": serve_get_rst, "unread": serve_unread, "never-read": serve_never_read,
           "count": serve_count}


def serve(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    ports = []
    threads = []
    for mode in MODES:
        listener = socket.create_server((address, 0), family=family, backlog=64)
        ports.append(f"{mode}={listener.getsockname()[1]}")
        threads.append(threading.Thread(target=SERVERS[mode], args=(listener,)))
    for thread in threads:
        thread.start()
    print(" ".join(ports), flush=True)
    for thread in threads:
        thread.join()


def client_echo(connect):
    data = pattern(LENGTH)
    sock = connect()

    def send():
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    back, how = read_all(sock)
    sender.join()
    return f"{'same' if back == data else 'different'} {how}"


def client_first_close(connect):
    data = pattern(LENGTH)
    sock = connect()
    got, how = read_all(sock)
    sock.sendall(data)
    sock.close()
    told, _ = read_all(connect())
    want = f"{LENGTH} {digest(data)} eof"
    return f"{len(got)} {how} {'same' if told.decode() == want else told.decode()}"


def client_rst(connect):
    sock = connect()
    sock.sendall(b"hello")
    data, how = read_all(sock)
    return f"{data.decode().strip()} {how}"


def client_get_rst(connect):
    sock = connect()
    sock.sendall(b"hello")
    sock.recv(1)
    reset(sock)
    told, _ = read_all(connect())
    return told.decode()


def client_unread(connect):
    sock = connect()
    try:
        while True:
            sock.send(pattern(65536))
    except OSError as e:
        return errno.errorcode[e.errno]


def fill(sock):
    """Sends until nothing is taken for a while; what was sent."""
    sock.setblocking(False)
    sent = b""
    while select.select([], [sock], [], 1)[1]:
        sent += pattern(65536)[:sock.send(pattern(65536))]
    return sent


def client_never_read(connect):
    """What is on the way to a host that does not read is bounded; when it reads, all arrives."""
    sock = connect()
    sent = fill(sock)
    bounded = len(sent) < 64 << 20
    told = connect()
    sock.close()
    want = f"{len(sent)} {digest(sent)} eof"
    got, _ = read_all(told)
    return f"{'bounded' if bounded else len(sent)} " \
           f"{'same' if got.decode() == want else got.decode()}"


CLIENTS = {"echo": client_echo, "first-close": client_first_close, "rst": client_rst,
           "get-rst": client_get_rst, "unread": client_unread, "never-read": client_never_read}


def connect_errno(address, port, timeout=None):
    """The name of the errno of a connect(2), or "connected", or "timeout"."""
    try:
        socket.create_connection((address, int(port)), timeout).close()
        return "connected"
    except TimeoutError as e:
        return "timeout" if e.errno is None else errno.errorcode[e.errno]
    except OSError as e:
        return errno.errorcode[e.errno]


def last(address, port, length):
    sock = socket.create_connection((address, int(port)))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    sock.sendall(pattern(length))
    os._exit(3)


def left_open(address, port, length):
    """Ends, and leaves a process behind that has the connection open and does nothing with it."""
    sock = socket.create_connection((address, int(port)))
    sock.sendall(pattern(length))
    child = os.fork()
    if child == 0:
        signal.pause()
    print(child, flush=True)
    os._exit(3)


def flood(prefix, hosts, count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 50, count + 50))
    waiting = []
    for i in range(count):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((f"{prefix}{2 + i % hosts}", 80))
        waiting.append(sock)
    sock = socket.create_connection(("weir.test", 80))
    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    page, how = read_all(sock)
    return "page" if how == "eof" and b"<h1>weir.test</h1>" in page else f"{page} {how}"


def told(address, port, length, end="eof"):
    got, _ = read_all(socket.create_connection((address, int(port))))
    want = f"{length} {digest(pattern(length))} {end}"
    return "same" if got.decode() == want else got.decode()


def main():
    command = sys.argv[1]
    if command == "serve":
        serve(sys.argv[2])
    elif command == "connect":
        print(connect_errno(sys.argv[2], sys.argv[3],
                            float(sys.argv[4]) if len(sys.argv) > 4 else None))
    elif command == "last":
        last(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif command == "fill":
        fill(socket.create_connection((sys.argv[2], int(sys.argv[3]))))
        os._exit(3)
    elif command == "flood":
        print(flood(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    elif command == "told":
        print(told(sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:]))
    elif command == "left-open":
        left_open(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        mode, address, port = sys.argv[2:5]
        print(CLIENTS[mode](lambda: socket.create_connection((address, int(port)))))


if __name__ == "__main__":
    main()
