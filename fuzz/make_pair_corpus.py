#!/usr/bin/env python3
"""Writes the seeds of fuzz_pair, fuzz/corpus/pair: hosts, talks and the fates of the first frames,
as the head of fuzz_pair.c has them. What a fuzzer found lies beside them; nothing here removes it.
"""

import os

HERE = os.path.dirname(os.path.abspath(__file__))

PLAIN = (0, 0, 0, 0, 0)  # a host: MTU 1500, all options, buffers of 65,535 bytes
OFFLOAD, PASS = 0x18, 0x28  # device: checksums and super-segments, cut or passed on
V6, TWO, THREE = 1, 2, 4  # of the world's byte

HELD, BOTH, AGAIN = 2, 4, 0x10  # of a talk's first byte
LAST, HALF_CLOSE, EARLY, CUT_OFF, ABORT, REFUSE = 1, 2, 3, 4, 5, 6

# Fates of frames; the delay is the high nibble.
PASSES, SLOW, LOST, DAMAGED, TWICE, LATE, OLD, FORGED, KEPT = 0, 0xf7, 8, 10, 0xab, 0xfc, 13, 14, 15


def plan(total=3000, write=0, read=0, bits=0, stall=0):
    return [total >> 8, total & 0xff, write, read, bits, stall]


def talk(how=0, ends=0, one=None, two=None, abort_at=0, when=0, reply=0):
    return [how, ends, abort_at, when, reply] + (one or plan()) + (two or plan(500))


def story(talks, fates=(), world=0, start=0, hosts=(PLAIN, PLAIN)):
    world |= (len(talks) - 1) << 1
    return bytes([world, start, *hosts[0], *hosts[1]] + sum(talks, []) + list(fates))


def host(device=0, switches=0, buffers=0, scarce=0, rare=0):
    return (device, switches, buffers, scarce, rare)


STORIES = {
    "plain": story([talk()]),
    "plain-ipv6": story([talk()], world=V6),
    "nothing-sent": story([talk(one=plan(0), two=plan(0))]),
    "large": story([talk(one=plan(19999), two=plan(19999))]),
    "super-segments": story([talk(one=plan(19999))], hosts=(host(OFFLOAD), host(OFFLOAD))),
    "super-segments-passed": story([talk(one=plan(19999))], world=V6,
                                   hosts=(host(PASS), host(PASS))),
    "syn-lost": story([talk()], [LOST]),
    "synack-lost": story([talk()], [PASSES, LOST]),
    "last-ack-of-handshake-lost": story([talk()], [PASSES, PASSES, LOST, LOST]),
    "data-lost": story([talk(one=plan(19999))], [PASSES] * 6 + [LOST] + [PASSES] * 9 + [LOST]),
    "data-lost-without-sack": story([talk(one=plan(19999))], [PASSES] * 6 + [LOST, LOST],
                                    hosts=(host(switches=6), host(switches=7))),
    "reordered": story([talk(one=plan(19999))], [PASSES, PASSES, PASSES] + [0x60, 0x20] * 20),
    "damaged": story([talk(one=plan(9000))], [PASSES, DAMAGED, PASSES, DAMAGED, DAMAGED]),
    "doubled": story([talk(one=plan(9000))], [TWICE] * 30),
    "late": story([talk(one=plan(3000))], [LATE] * 30),
    "old-frames-again": story([talk(one=plan(9000))], [KEPT, KEPT, KEPT, KEPT] + [OLD, 0x1d] * 9),
    "forged": story([talk(one=plan(9000))], [PASSES] * 4 + [FORGED | n << 4 for n in range(4)] * 5),
    "slow-link": story([talk(one=plan(9000))], [SLOW] * 60),
    "simultaneous-open": story([talk(BOTH)]),
    "simultaneous-open-lossy": story([talk(BOTH)], [LOST, PASSES, LOST]),
    "held": story([talk(HELD, reply=9)]),
    "refused": story([talk(HELD, REFUSE)]),
    "refused-late": story([talk(HELD, REFUSE, reply=15)], [LOST]),
    "aborted": story([talk(0, ABORT, abort_at=50, one=plan(9000))]),
    "aborted-reset-lost": story([talk(0, ABORT, abort_at=1)], [PASSES] * 3 + [LOST] * 3),
    "closed-early": story([talk(0, CUT_OFF, one=plan(9000), two=plan(9000))]),
    "half-close": story([talk(0, HALF_CLOSE), talk(1, HALF_CLOSE | 8)]),
    "close-once": story([talk(0, LAST), talk(1, EARLY)]),
    "again": story([talk(), talk(AGAIN), talk(AGAIN)], [KEPT, KEPT, KEPT, KEPT] + [LATE] * 9),
    "three-at-once": story([talk(one=plan(9000)), talk(1, one=plan(9000)), talk(HELD)]),
    "window-closes": story([talk(one=plan(9000), two=plan(900, read=0x33))],
                           hosts=(PLAIN, host(buffers=0x11))),
    "stalls": story([talk(one=plan(9000), two=plan(0, stall=3))], [PASSES] * 8 + [LOST] * 3,
                    hosts=(PLAIN, host(buffers=0x18))),
    "single-bytes": story([talk(one=plan(200, write=1, read=1), two=plan(200, write=1, read=1))],
                          hosts=(host(switches=8), PLAIN)),
    "pages-scarce": story([talk(one=plan(19999), two=plan(19999, read=0x24))],
                          [PASSES] * 7 + [LOST], hosts=(host(scarce=1), host(scarce=1))),
    "ranges-scarce": story([talk(one=plan(19999))], [PASSES] * 5 + [0x60, 0x10] * 20,
                           hosts=(host(scarce=12), host(scarce=12))),
    "urgent-and-more": story([talk(one=plan(5000, write=3, bits=3))]),
    "in-place": story([talk(one=plan(9000, bits=0x10), two=plan(9000, bits=0x10))]),
    "clock-wraps": story([talk(one=plan(9000))], [LOST, LOST], start=3),
    "tiny-mtu": story([talk(one=plan(9000))], hosts=(host(1), host(1))),
    "tiny-mss": story([talk(one=plan(3000))], hosts=(host(buffers=0x40), host(buffers=0x40))),
}


def main():
    folder = os.path.join(HERE, "corpus", "pair")
    os.makedirs(folder, exist_ok=True)
    for name, content in STORIES.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)


if __name__ == "__main__":
    main()
