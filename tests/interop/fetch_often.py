#!/usr/bin/env python3
"""fetch_often.py ADDRESS PORT PATH N: as many HTTP/1.0 requests, one connection each, which the
server closes first. Prints how many were answered whole."""
import socket
import sys

address, port, path, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
whole = 0
for _ in range(count):
    with socket.create_connection((address, port), 30) as sock:
        sock.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b""
        while data := sock.recv(65536):
            answer += data
    whole += answer.endswith(b"\r\n\r\nhello\n")
print(whole)
