#!/usr/bin/env python3
"""Writes the seeds of fuzz_trace, fuzz/corpus/trace: short traces in the form that the head of
fuzz_trace.c describes. The names of states and counters are those of include/weir/def.
"""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
DEF = os.path.join(HERE, "../include/weir/def")


def names(table):
    with open(os.path.join(DEF, table), encoding="utf-8") as rows:
        return re.findall(r"^X\((\w+),", rows.read(), re.MULTILINE)


STATES = names("states.def")
COUNTERS = names("counters.def")

IN, OUT, STATE = 0, 1, 2
RAW, SPANS, PARTIAL, WINDOWS = 0x10, 0x20, 0x40, 0x80
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
SYN_OPTIONS = "020405b40402080a0000000100000000" + "01030307"
TIMESTAMPS = "0101080a0000000200000001"

HEAD = [0, 1, 0, 0, 0, 0, 0, 0]  # width 100, UTF-8, no colour, default bounds, no payload


def record(kind, flow, verdict, before="CLOSED", after=None, step=2, six=False, more=0):
    states = STATES.index(before) | STATES.index(after or before) << 4
    return [kind | more, flow | (8 if six else 0) | step << 5, states, COUNTERS.index(verdict)]


def tcp(kind, flow, flags, verdict, before, after=None, length=0, options="", back=None,
        ack_back=None, zero_window=False, spans=(), step=2, six=False, partial=False,
        windows=None):
    more = (SPANS | (len(spans) - 1) << 2 if spans else 0) | (PARTIAL if partial else 0)
    more |= WINDOWS if windows is not None else 0
    how = (1 if length else 0) | (2 if back is not None else 0) | \
        (4 if ack_back is not None else 0) | (0x10 if zero_window else 0)
    out = record(kind, flow, verdict, before, after, step, six, more)
    out += [windows] if windows is not None else []
    out += [len(options) // 8, how, flags]
    out += [length >> 8, length & 0xff] if length else []
    out += [back & 0xff] if back is not None else []
    out += [ack_back & 0xff] if ack_back is not None else []
    out += list(bytes.fromhex(options)) + [n - 1 for n in spans]
    return out


def raw(kind, packet, verdict, claims=0, flow=0, extra=()):
    data = bytes.fromhex(packet)
    return record(kind, flow, verdict, more=RAW) + [claims, len(data), *data, *extra]


def opened(flow=1, six=False, options=SYN_OPTIONS):
    return (tcp(IN, flow, SYN, "ACCEPTED", "LISTEN", "SYN_RECEIVED", options=options, six=six)
            + tcp(OUT, flow, SYN | ACK, "SENT_SYNACK", "SYN_RECEIVED", options=options, six=six)
            + tcp(IN, flow, ACK, "ACCEPTED", "SYN_RECEIVED", "ESTABLISHED", six=six))


def data(kind, flow, length=100, verdict=None, **more):
    verdict = verdict or ("ACCEPTED" if kind == IN else "SENT_DATA")
    return tcp(kind, flow, ACK | PSH, verdict, "ESTABLISHED", length=length, **more)


def acked(kind, flow, **more):
    verdict = "ACCEPTED" if kind == IN else "SENT_ACK"
    return tcp(kind, flow, ACK, verdict, "ESTABLISHED", **more)


CLOSE = (tcp(OUT, 1, FIN | ACK, "SENT_FIN", "FIN_WAIT_1")
         + tcp(IN, 1, ACK, "ACCEPTED", "FIN_WAIT_1", "FIN_WAIT_2")
         + tcp(IN, 1, FIN | ACK, "ACCEPTED", "FIN_WAIT_2", "TIME_WAIT")
         + tcp(OUT, 1, ACK, "SENT_ACK", "TIME_WAIT")
         + record(STATE, 1, "TIMEWAIT_EXPIRED", "TIME_WAIT", "CLOSED", step=7))

UNREACH4 = ("45c0003800000000400166f80a0000010a000002" "0301fcfe00000000"
            "4500003c23a84000400603000a0000020a000001" "0400005000002328")
UDP6 = "600672d0000e1140" + "fd" + "00" * 14 + "02" + "fd" + "00" * 14 + "01" \
    + "d0fb0035000ef09768656c6c6f21"

STORIES = {
    "open-data-close": opened() + data(IN, 1) + acked(OUT, 1) + data(OUT, 1, spans=(100,)) + CLOSE,
    "ipv6": opened(six=True) + data(IN, 1, six=True) + acked(OUT, 1, six=True),
    "active-open": tcp(OUT, 1, SYN, "SENT_SYN", "SYN_SENT", options=SYN_OPTIONS)
                   + tcp(IN, 1, SYN | ACK, "ACCEPTED", "SYN_SENT", "ESTABLISHED")
                   + acked(OUT, 1),
    "refused": tcp(OUT, 1, SYN, "SENT_SYN", "SYN_SENT")
               + tcp(IN, 1, RST | ACK, "REFUSED", "SYN_SENT", "CLOSED"),
    "reset": opened() + tcp(IN, 1, RST, "RST_ACCEPTED", "ESTABLISHED", "CLOSED"),
    "expired": opened() + data(OUT, 1) + tcp(OUT, 1, ACK | PSH, "RETX_TIMEOUT", "ESTABLISHED",
               length=100, back=-1, step=6) * 5
               + record(STATE, 1, "CLOSED_TIMEOUT", "ESTABLISHED", "CLOSED", step=7),
    "simultaneous": tcp(OUT, 1, SYN, "SENT_SYN", "SYN_SENT")
                    + tcp(IN, 1, SYN, "ACCEPTED", "SYN_SENT", "SYN_RECEIVED")
                    + tcp(OUT, 1, SYN | ACK, "SENT_SYNACK", "SYN_RECEIVED", back=0)
                    + tcp(IN, 1, SYN | ACK, "ACCEPTED", "SYN_RECEIVED", "ESTABLISHED"),
    "bulk-in": opened() + (data(IN, 1, 1448) + data(IN, 1, 1448) + acked(OUT, 1)) * 9,
    "bulk-out": opened() + (data(OUT, 1, 200, spans=(100, 100)) * 2 + acked(IN, 1)) * 9,
    "bulk-with-a-gap": opened() + data(OUT, 1) * 3 + acked(IN, 1, ack_back=-2,
                       options="0101050a" + "0000000100000002") * 4
                       + data(OUT, 1, verdict="RETX_FAST", back=-3) + acked(IN, 1),
    "recovery": opened() + data(OUT, 1, windows=0x60) * 3
                + acked(IN, 1, ack_back=-2, options="0101050a" + "0000000100000002", windows=0x22)
                + data(OUT, 1, verdict="RETX_RACK", back=-3, windows=0x32)
                + acked(IN, 1, windows=0x24) + acked(IN, 1, windows=0x3c,
                options="0101050a" + "0000000000000001")
                + data(OUT, 1, verdict="RETX_TIMEOUT", back=-1, step=5, windows=0xff),
    "exchanges": opened() + (data(IN, 1, 40) + data(OUT, 1, 90)) * 12 + CLOSE,
    "exchanges-acknowledged": opened() + (data(IN, 1, 40) + acked(OUT, 1) + data(OUT, 1, 90)
                              + acked(IN, 1)) * 12 + CLOSE,
    "zero-window": opened() + acked(IN, 1, zero_window=True)
                   + data(OUT, 1, 1, verdict="PROBE_WINDOW") + acked(IN, 1, zero_window=True)
                   + acked(IN, 1) + data(OUT, 1, verdict="RETX_WINDOW"),
    "timestamps": opened() + data(IN, 1, options=TIMESTAMPS) + acked(OUT, 1, options=TIMESTAMPS),
    "bad-options": opened(options="0200" "0800") + data(IN, 1, options="ffffffff" "050b0000"),
    "urgent": opened() + tcp(IN, 1, ACK | URG, "ACCEPTED", "ESTABLISHED", length=5),
    "verdicts": sum((tcp(IN, n % 8, ACK, name, "ESTABLISHED") for n, name
                     in enumerate(COUNTERS)), []),
    "states": sum((record(STATE, 1, "ACCEPTED", a, b) for a in STATES for b in STATES), []),
    "flags": sum((tcp(n & 1, 1, n, "ACCEPTED", "ESTABLISHED") for n in range(0, 256, 5)), []),
    "many-connections": sum((opened(n) + data(IN, n) for n in range(1, 8)), []),
    "strays": raw(IN, UNREACH4, "ICMP_SOFT") + raw(OUT, UNREACH4, "SENT_ICMP", 2)
              + raw(IN, UDP6, "UDP_REFUSED") * 3 + raw(IN, "", "IP_MALFORMED")
              + raw(IN, "45", "IP_MALFORMED", 1, extra=(9, 9)),
    "unreachable": tcp(IN, 1, SYN, "HALF_HELD", "LISTEN", "SYN_RECEIVED")
                   + raw(OUT, UNREACH4, "SENT_ICMP", 0, flow=1)
                   + record(STATE, 1, "HALF_REFUSED", "SYN_RECEIVED", "CLOSED"),
    "checksum-completed": opened() + data(OUT, 1, 100, spans=(51, 49), partial=True)
                          + acked(OUT, 1, partial=True),
}

HEADS = {
    "tables": ([0, 1, 0, 255, 0, 0, 0, 1], "strays"),
    "ascii-narrow": ([1, 0, 0, 0, 0, 0, 0, 0], "open-data-close"),
    "colour-wide-names": ([255, 0x1f, 0, 0, 0xff, 0xff, 1, 1], "verdicts"),
    "picture-cut-short": ([0, 0x39, 0x68, 0, 0, 0, 0, 0], "recovery"),
    "picture-in-columns": ([0, 0x0d, 0x20, 0, 0, 0, 0, 0], "bulk-with-a-gap"),
    "two-connections-kept": ([9, 3, 2, 8, 0, 10, 0, 0], "many-connections"),
    "eight-rows-kept": ([9, 1, 0, 8, 0, 1, 0, 0], "flags"),
}


def main():
    folder = os.path.join(HERE, "corpus", "trace")
    os.makedirs(folder, exist_ok=True)
    files = {name: bytes(HEAD + told) for name, told in STORIES.items()}
    for name, (head, told) in HEADS.items():
        files[name] = bytes(head + STORIES[told])
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)


if __name__ == "__main__":
    main()
