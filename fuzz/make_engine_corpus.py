#!/usr/bin/env python3
"""Writes the seeds of fuzz_engine, fuzz/corpus/engine: one short story a file, by the names of the
actions in fuzz_engine.c. Keep both in the same order: a name that does not fit the table there is
not an error, but another story.
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))

ACTIONS = """time deadline syn synack ack data fin rst segment rewind replay handshake pump icmp
packet raw listen unlisten decide connect send send_in_place read shutdown close abort set
look burst""".split()

# The first nine bytes: limits, switches, link, buffers, timers, rare, clock, filler, listeners.
PLAIN = [0, 0, 0, 0, 0, 0, 0, 1, 0x0f]  # generous limits, MTU 1500, all four listeners
LINUX = 0xf8  # options of a SYN: MSS 1460, scale 7, SACK permitted, timestamps
EARLY, HELD, NOBODY, SIX, FOREIGN = 0x00, 0x02, 0x06, 0x01, 0x40
MS100, S1, S9, S60, S180 = 5, 8, 10, 12, 13
NEWEST = 0  # the flow or connection made last
ACCEPT, REFUSE_RST, REFUSE_HOST = 0x50, 0x00, 0x10


def head(**changes):
    names = ["limits", "switches", "link", "buffers", "timers", "rare", "clock", "filler",
             "listeners"]
    return [changes.get(n, v) for n, v in zip(names, PLAIN)]


def story(actions, start=None):
    out = bytes(start or PLAIN)
    for name, *arguments in actions:
        out += bytes([ACTIONS.index(name)] + [a & 0xff for a in arguments])
    return out


def opened(where=EARLY, options=LINUX):
    return [("handshake", where, options, 0, 9)]


def called(options=LINUX):
    return [("connect", 0), ("synack", NEWEST, options, 0x50), ("ack", NEWEST, 0)]


def segment(flags, how=0, mode=0, *rest):
    """flags as they are to be; how and mode as in peer_segment()."""
    return ("segment", NEWEST, flags ^ 0x10, how, mode) + rest


def ahead(steps, length=256, scale=2):
    """Data `steps` times 536 bytes (or 1, 7, 1448) to the right of what is missing."""
    return segment(0x10, 0x10, 0x10 | scale << 5, steps, length >> 8, length)


ASK = [("data", NEWEST, 100), ("read", NEWEST, 0), ("send", NEWEST, 0xff, 0)]
CLOSE_BY_PEER = [("fin", NEWEST, 0), ("read", NEWEST, 0), ("close", NEWEST), ("ack", NEWEST, 0)]
CLOSE_BY_US = [("close", NEWEST), ("ack", NEWEST, 0), ("fin", NEWEST, 0), ("time", S60)]

STORIES = {
    "passive-open-close-by-peer": opened() + ASK + [("pump", NEWEST, 15)] + CLOSE_BY_PEER,
    "passive-open-close-by-us": opened() + ASK + [("pump", NEWEST, 15)] + CLOSE_BY_US,
    "passive-open-ipv6": opened(EARLY | SIX) + ASK + [("pump", NEWEST, 9)] + CLOSE_BY_US,
    "active-open-close-by-us": called() + ASK + [("pump", NEWEST, 15)] + CLOSE_BY_US,
    "active-open-refused": [("connect", 0), segment(0x14)],
    "active-open-times-out": [("connect", 1)] + [("deadline",)] * 12,
    "simultaneous-open": [("connect", 0x30), ("synack", NEWEST, LINUX, 0x51),
                          ("synack", NEWEST, LINUX, 0x50), ("data", NEWEST, 9)] + CLOSE_BY_US,
    "simultaneous-close": opened() + [("close", NEWEST), ("fin", NEWEST, 4), ("ack", NEWEST, 0),
                                      ("time", S60)],
    "fin-with-ack": opened() + [("shutdown", NEWEST), ("fin", NEWEST, 3), ("read", NEWEST, 0)],
    "half-close": opened() + [("shutdown", NEWEST), ("ack", NEWEST, 0), ("data", NEWEST, 0xff),
                              ("read", NEWEST, 0), ("data", NEWEST, 50)] + CLOSE_BY_PEER,
    "close-with-unread-data": opened() + [("data", NEWEST, 9), ("close", NEWEST)],
    "data-after-close": opened() + [("close", NEWEST), ("ack", NEWEST, 0), ("data", NEWEST, 9)],
    "held-accepted": [("syn", HELD, LINUX, 0, 3), ("time", S1), ("decide", ACCEPT), ("ack", 0, 0)]
                     + ASK + CLOSE_BY_PEER,
    "held-unreachable": [("syn", HELD | SIX, LINUX, 0, 3), ("decide", REFUSE_HOST)],
    "held-expires": [("syn", HELD, LINUX, 0, 3), ("time", S180), ("deadline",)],
    "held-syn-again-then-rst": [("syn", HELD, LINUX, 0, 3), ("replay", 0), ("rst", NEWEST)],
    "held-catch-all-foreign": [("syn", HELD | FOREIGN, LINUX, 0, 3), ("decide", ACCEPT),
                               ("ack", 0, 0)] + ASK + CLOSE_BY_PEER,
    "nobody-listens": [("syn", NOBODY, 0, 0, 1), ("syn", NOBODY | SIX, 0, 0x10, 1)],
    "half-open-expires": [("syn", EARLY, LINUX, 0, 3)] + [("deadline",)] * 8,
    "half-open-bad-ack": [("syn", EARLY, LINUX, 0, 3), segment(0x10, 0, 0x0c)],
    "half-open-full": [("syn", EARLY | n << 3, LINUX, 0, n) for n in range(4)]
                      + [("syn", EARLY | 0x20 | n << 3, LINUX, 0, n) for n in range(4)],
    "syn-with-data": [("syn", EARLY, LINUX, 0x40, 3), ("ack", NEWEST, 0), ("data", NEWEST, 5),
                      ("read", NEWEST, 0)],
    "out-of-order": opened() + [segment(0x10, 0x10, 0x51, 2, 5, 0xb4),
                                segment(0x10, 0x10, 0x51, 1, 2, 0x00),
                                segment(0x10, 0x10, 0x01, 5, 0xb4), ("read", NEWEST, 0),
                                ("data", NEWEST, 0xff), ("read", NEWEST, 0)],
    "overlap": opened() + [("data", NEWEST, 0xff), segment(0x18, 0x10, 0x31, 0xe0, 9, 0),
                           ("replay", 0), ("replay", 1), ("read", NEWEST, 0)],
    "zero-window-and-probe": opened() + [("ack", NEWEST, 255), ("send", NEWEST, 0xff, 0),
                                         ("deadline",), ("deadline",), ("ack", NEWEST, 255),
                                         ("deadline",), ("ack", NEWEST, 0), ("pump", NEWEST, 9)],
    "our-window-closes": opened() + [("data", NEWEST, 0xff)] * 10
                         + [("read", NEWEST, 128), ("rewind", NEWEST), ("data", NEWEST, 0xff),
                            ("read", NEWEST, 0)],
    "fast-retransmit": opened() + [("send", NEWEST, 0xff, 0), ("send", NEWEST, 0xff, 0)]
                       + [segment(0x10, 3, 0x04, 0, 3, 1)] * 4 + [("pump", NEWEST, 15)],
    "retransmission-timeout": opened() + ASK + [("deadline",)] * 6 + [("pump", NEWEST, 5)],
    "user-timeout": opened() + ASK + [("set", NEWEST, 5, 9)] + [("deadline",)] * 8,
    "keep-alive": opened() + [("set", NEWEST, 1, 1), ("set", NEWEST, 2, 1), ("deadline",),
                              ("ack", NEWEST, 0)] + [("deadline",)] * 12,
    "path-mtu": opened() + ASK + [("icmp", NEWEST, 4, 2, 88, 0, 20), ("pump", NEWEST, 9)],
    "path-mtu-ipv6": opened(SIX) + ASK + [("icmp", NEWEST, 5, 5, 0, 0, 20), ("pump", NEWEST, 9)],
    "urgent": opened() + [segment(0x38, 0x18, 0x01, 0, 4, 0, 9), ("look",), ("read", NEWEST, 99),
                          ("send", NEWEST, 9, 1), ("send", NEWEST, 9, 0)],
    "challenges": opened() + [segment(0x04, 0, 0x51, 9), segment(0x02, 0, 0x01),
                              segment(0x10, 0, 0x09), segment(0x10, 0, 0x0d)] * 3,
    "old-timestamp": opened() + [("data", NEWEST, 9), segment(0x10, 0x12, 0x01, 0xf0, 0, 9)],
    "bad-checksum": opened() + [segment(0x10, 0x30, 0x01, 0, 9, 0), segment(0x14, 0x20, 0, 0)],
    "raw-options": opened() + [segment(0x10, 0x80, 0, 1, 8, 0, 1, 1), segment(0x10, 0x80, 0, 0, 1)],
    "time-wait-reuse": opened() + CLOSE_BY_US[:3] + [("syn", EARLY, LINUX, 0x80, 0),
                                                     ("ack", NEWEST, 0)] + ASK,
    "time-wait-fin-again": opened() + CLOSE_BY_US[:3] + [("replay", 5), ("replay", 6), ("rst", 0),
                                                         ("time", S60)],
    "in-place-sends": opened() + [("send_in_place", NEWEST, 0x20, 0, 0x40)] * 4
                      + [("pump", NEWEST, 15)],
    "listener-ends": opened() + [("syn", HELD, LINUX, 0, 3), ("unlisten", 1), ("unlisten", 0),
                                 ("listen", 0), ("listen", 0x11)] + ASK,
    "other-packets": [("packet", n, 16, 8) for n in range(0, 16)]
                     + [("raw", 4, 0x45, 0, 0, 4), ("raw", 0)],
    "active-open-port-unreachable": [("connect", 0), ("icmp", NEWEST, 3, 0, 0, 0xff, 20)],
    "receive-window-grows": opened() + [("data", NEWEST, 0xff), ("read", NEWEST, 0)] * 40,
    "listener-ends-before-accept": [("syn", EARLY, LINUX, 0, 3), ("burst", 2), ("ack", NEWEST, 0),
                                    ("unlisten", 0)],
    "burst-of-frames": opened() + [("burst", 12)] + [("data", NEWEST, 0x90)] * 6
                       + [("ack", NEWEST, 0)] * 3 + [("read", NEWEST, 0)],
    "burst-of-resets": [("burst", 31)] + [("syn", NOBODY, 0, 0, 1)] * 30,
    "time-waits-evicted": (opened(EARLY) + CLOSE_BY_US[:3] + opened(EARLY | 8) + CLOSE_BY_US[:3]
                           + opened(EARLY | 16) + CLOSE_BY_US[:3]) * 2,
    "paws-after-a-month": opened() + [("time", 15), segment(0x10, 0x12, 0x01, 0xf0, 0, 9)],
    "time-wait-seen-and-quoted": opened() + CLOSE_BY_US[:3] + [("look",), ("icmp", 0, 1, 0, 0, 0,
                                 20), segment(0x12), ("look",), ("time", S60), ("look",)],
    "half-open-seen-and-quoted": [("syn", HELD, LINUX, 0, 3), ("look",), ("syn", EARLY, LINUX, 0,
                                 4), ("look",), ("icmp", NEWEST, 1, 0, 0, 0, 20),
                                 ("decide", ACCEPT | 8), ("icmp", 1, 1, 0, 0, 0, 20), ("look",)],
    "five-gaps-with-timestamps": opened() + [ahead(n) for n in (2, 4, 6, 8, 10, 3, 9)]
                                 + [("data", NEWEST, 0xff), ahead(1), ("read", NEWEST, 0)],
    "five-gaps": opened(EARLY, 0x78) + [ahead(n, 1, 1) for n in (10, 8, 6, 4, 2, 8, 8)]
                 + [("data", NEWEST, 0xff), ("read", NEWEST, 0)],
    "gap-closed-from-below": opened() + [ahead(4, 536), ahead(2, 536), ahead(3, 536), ahead(1, 536),
                             ("data", NEWEST, 0x88), ("read", NEWEST, 0)],
    "segments-twice": opened() + [("data", NEWEST, 99), ("replay", 0), ahead(3), ("replay", 2),
                      ("data", NEWEST, 0xa0), ("replay", 3)],
    "idle-then-send": opened() + ASK + [("pump", NEWEST, 15), ("time", S60)] + ASK
                      + [("pump", NEWEST, 15)],
    "odd-sends": opened() + [("send", NEWEST, n, 0) for n in (1, 3, 5, 7, 99)]
                 + [("pump", NEWEST, 9)],
    "path-mtu-not-told": opened() + ASK + [("icmp", NEWEST, 4, 0, 0, 0, 20), ("pump", NEWEST, 9)],
    "udp-refused": [("packet", how, 8, 0, 53, 0, 53, 0, 8, 0, 0) for how in (2, 3)],
    "echo": [("packet", how, 8, kind, 0, 0, 0, 1, 2, 3, 4) for how, kind in ((0, 8), (5, 128))],
    "extension-headers": opened(SIX) + [segment(0x10, 0x50, 0x01, 0, 9),
                         ("packet", 13, 8, 6, 0, 1, 4, 0, 0, 0, 0),
                         ("packet", 13, 8, 6, 0, 0xbe, 4, 0, 0, 0, 0),
                         ("packet", 7, 8, 58, 0, 5, 2, 0, 0, 1, 0),
                         ("packet", 9, 8, 6, 0, 0, 1, 0, 0, 0, 0),
                         ("packet", 11, 8, 6, 0, 0, 1, 0, 0, 0, 9),
                         ("packet", 15, 8, 1, 2, 3, 4, 5, 6, 7, 8)],
    # What a fuzzer found: three old ACKs while our SYN and FIN are out; a packet to `::` that asks
    # for an answer; a connection that ended and is closed with bytes unread.
    "broke-resend-of-syn": [("connect", 0), ("synack", NEWEST, 0, 0x51), ("shutdown", NEWEST)]
                           + [segment(0x10, 0, 0x08)] * 4,
    "broke-answer-from-nowhere": [("raw", 40, 0x60, 0, 0, 0, 0, 0, 107, 64, 0xfd) + (0,) * 14
                                  + (2,) + (0,) * 16],
    "broke-close-after-end": opened() + [("shutdown", NEWEST), ("fin", NEWEST, 7), ("ack", 0, 0),
                                         ("time", 14), ("close", NEWEST), ("read", NEWEST, 0)],
    # A challenge for a half-open record, whose window the trace showed without its scale.
    "broke-window-of-challenge": [("syn", EARLY, LINUX, 0, 3),
                                  segment(0x10, 0x10, 0x70, 127, 0, 9)],
    "everyone-at-once": opened() + opened(SIX | 8) + called() + ASK + [("data", 1, 99),
                        ("data", 2, 99), ("read", 1, 0), ("read", 2, 0), ("look",), ("close", 1),
                        ("close", 2), ("look",), ("pump", 1, 9)],
}

HEADS = {
    "small-limits": (head(limits=0xff), "passive-open-close-by-us"),
    "small-buffers": (head(buffers=0x24, link=4), "retransmission-timeout"),
    "segmentation-offload": (head(switches=0x60, link=0), "passive-open-close-by-peer"),
    "time-waits-evicted-of-one": (head(limits=0x04), "time-waits-evicted"),
    "no-pages": (head(limits=0x10, buffers=0x18), "our-window-closes"),
    "no-pages-to-send": (head(limits=0x10, buffers=0x03), "in-place-sends"),
    "all-settings-turned": (head(rare=0x3f, switches=0x90, buffers=0xc0), "five-gaps"),
    "no-time-wait": (head(rare=0x40), "passive-open-close-by-us"),
    "two-handshakes": (head(rare=0x80), "passive-open-close-by-us"),
    "two-handshakes-half-open": (head(rare=0x80), "half-open-full"),
    "orderly-end": (head(filler=2), "everyone-at-once"),
    "orderly-end-of-sends": (head(filler=2), "zero-window-and-probe"),
    "orderly-end-of-open": (head(filler=2), "active-open-times-out"),
    "resets-dropped": (head(limits=0x80), "burst-of-resets"),
}


def main():
    folder = os.path.join(HERE, "corpus", "engine")
    os.makedirs(folder, exist_ok=True)
    files = {name: story(actions) for name, actions in STORIES.items()}
    for name, (start, told) in HEADS.items():
        files[name] = story(STORIES[told], start)
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)


if __name__ == "__main__":
    main()
