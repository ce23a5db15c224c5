#!/usr/bin/env python3
"""Writes the codecs' seed corpora, fuzz/corpus/*: one file a row, named for what it is.

The files are in the repository, so this runs only when a row changes. Inputs that a fuzzer has
found worth keeping are added by hand beside them (see README.md); nothing here removes them.
"""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))

# Sent by Linux 6.1 through a TUN device; the same packets as tests/unit/wire/wire_packets.h.
SYN4 = ("4500003c23a84000400603000a0900020a090001"
        "959800509b85d64d00000000a002faf0a89f0000020405b40402080af5ed92ae000000000103030a")
DATA4 = ("4500005337a740004006eee90a0900020a0900011f901388414cd9cf000003e9f0180040c0230000"
         "0101080a7ad4a7390000004e0101051a000005150000051f000004b1000004bb0000044d00000457474554")
RST4 = "4500002800004000400626bc0a0900020a0900011f91138800000000000000025014000068a10000"
UDP4 = "45000021a0b74000401186000a0900020a090001e7210035000dc09668656c6c6f"
UNREACH4 = ("45c0003a8a2700004001dbc70a0900020a0900010303826600000000"
            "4500001e00014000401126ba0a0900010a09000200090009000a00007a7a")
OPTION4 = "46c00028000040000102f9ee0a090002e0000016940400002200e9fb0000000104000000ef010101"
FRAG4 = "45000094a26a00b94011c3210a0900020a090001" + "41" * 128
ADDRS6 = "fd090000000000000000000000000002fd090000000000000000000000000001"
SYN6 = ("600f8d7e00280640" + ADDRS6 +
        "996401bbc1f46da000000000a002fd20bbf60000020405a00402080a81d84856000000000103030a")
UDP6 = "600672d1000e1140" + ADDRS6 + "d0fb0035000ef09768656c6c6f21"
SOLICIT6 = ("6000000000083afffe80000000000000b11bcc0822bd52ec"
            "ff02000000000000000000000000000285008a6900000000")
FRAG6 = "600f7b3700282c40" + ADDRS6 + "110005a8aabf56a6" + "41" * 32
FRAG6_ATOMIC = "6000000000302c40" + ADDRS6 + "06000000aabf56a6" + SYN6[80:]


def ext6(next_header, rest):
    return "60000000%04x%02x40" % (len(rest) // 2, next_header) + ADDRS6 + rest


def segment(options, payload="", flags=0x10):
    options += "00" * (-len(options) // 2 % 4)
    words = 5 + len(options) // 8
    return "1f9013880000000100000002%02x%02x0040000000000" % (words << 4, flags) + "0" * 3 + \
        options + payload


TS = "080a1122334455667788"
BLOCKS = ["0000044d00000457", "ffffff0000000010", "000005150000051f", "0000060000000700"]

TCP_OPTS = {
    "none": "",
    "linux-syn": "020405b40402" + TS + "01030307",
    "bsd-syn": "020405b4010303070402" + TS,
    "mss-eol-zeros": "020405b400000000",
    "timestamps": "0101" + TS,
    "timestamps-unaligned": "01" + TS + "01",
    "sack-1": "0101050a" + BLOCKS[0],
    "sack-4": "01010522" + "".join(BLOCKS),
    "timestamps-sack-3": "0101" + TS + "0101051a" + "".join(BLOCKS[:3]),
    "accecn-synack": "020405b40402" + TS + "01030307" "01ac0b000001000000000001",
    "accecn-order-1": "ae0b0000010203040a0b0c",
    "accecn-lengths": "ac05000001" "ae02" "ac0a000001000002ffff" "010101",
    "accecn-timestamps-sack-2": "0101" + TS + "ac08000001000002" "01010512" + "".join(BLOCKS[:2]),
    "unknown-kind": "fd06aabbccdd02040384",
    "window-scale-255": "0303ff00",
    "bad-length-0": "0800",
    "bad-length-1": "fd010000",
    "bad-length-beyond": "0228000000000000",
    "bad-mss-3": "02030500",
    "bad-accecn-beyond": "ae0b000001000002",
    "bad-sack-11": "050b" + BLOCKS[0] + "00",
    "fields-all": "ff07" "05b4" "11223344" "55667788" + "".join(BLOCKS),
    "fields-accecn": "3f07" "05b4" "11223344" "55667788" + "".join(BLOCKS)
                     + "0a" "00000001" "0000ffff" "00ffffff",
    "fields-sack-alone": "5400" "0000" "00000000" "00000000" + "".join(BLOCKS),
}

IP6_CHAINS = {
    "no-next-header": ext6(59, ""),
    "hop-by-hop-router-alert": ext6(0, "3a00050200000100" "8000000000000000"),
    "hop-by-hop-not-first": ext6(60, "0000010400000000" "0600010400000000" + SYN6[80:]),
    "dest-routing-dest": ext6(60, "2b00010400000000" "3c00000000000000" "0600010400000000"
                              + SYN6[80:]),
    "routing-segments-left": ext6(43, "06020001000000000" "fd09000000000000000000000000003"),
    "unknown-next": ext6(253, "0011223344556677"),
    "unknown-option-drop": ext6(60, "06007e0400000000"),
    "unknown-option-answer": ext6(60, "0600be0400000000"),
    "option-beyond": ext6(60, "0600010500000000"),
    "nine-headers": ext6(60, "3c00010400000000" * 8 + "0600010400000000"),
}

CORPORA = {
    "checksum": {
        "empty": "0000000000",
        "rfc1071-example": "0000000000" "0001f203f4f5f6f7",
        "rfc1624-example": "0032850000" "5555cd7b",
        "odd-cut": "03ffff0005" + "ff" * 71,
        "block-and-tail": "0112340021" + "".join("%02x" % (i * 37 % 256) for i in range(103)),
        "zeros": "0000000002" + "00" * 40,
    },
    "ip4": {
        "tcp-syn": SYN4, "icmp": UNREACH4, "router-alert": OPTION4, "last-fragment": FRAG4,
        "udp-with-padding": UDP4 + "000000", "header-only": RST4[:40],
        "cut-short": SYN4[:38], "total-length-0": SYN4[:4] + "0000" + SYN4[8:],
        "header-length-16": "44" + SYN4[2:], "version-6": "65" + SYN4[2:],
        "options-60": "4f00003c" + SYN4[8:],
    },
    "ip6": dict(IP6_CHAINS, **{
        "tcp-syn": SYN6, "udp": UDP6, "icmp6": SOLICIT6, "last-fragment": FRAG6,
        "atomic-fragment": FRAG6_ATOMIC, "cut-short": SYN6[:90], "header-39": SYN6[:78],
    }),
    "icmp": {
        "v4-unreachable": "00" + UNREACH4[40:],
        "v4-echo": "00" "0800f7fd00010001",
        "v4-needfrag-tcp": "00" "0304000000000514" + SYN4[:56],
        "v4-quote-cut": "00" "0b00000000000000" + SYN4[:30],
        "v6-solicitation": "01" + SOLICIT6[16:80] + SOLICIT6[80:],
        "v6-too-big": "01" + ADDRS6 + "0200000000000500" + SYN6,
        "v6-unreachable-chain": "01" + ADDRS6 + "0104000000000000"
                                + IP6_CHAINS["dest-routing-dest"],
        "too-short": "00" "080000",
    },
    "tcp_opt": TCP_OPTS,
    "tcp_hdr": dict({"options-" + k: segment(v) for k, v in TCP_OPTS.items() if len(v) <= 80}, **{
        "syn-linux4": SYN4[40:], "data-get": DATA4[40:], "rst": RST4[40:], "syn-linux6": SYN6[80:],
        "all-flags": segment("", "aabb", 0xff), "offset-4": segment("")[:24] + "40" +
        segment("")[26:], "offset-beyond": segment("")[:24] + "f0" + segment("")[26:],
        "cut-19": segment("")[:38], "quoted-8": segment("")[:16],
    }),
    "udp": {
        "dns-hello": UDP4[40:], "over-ipv6": UDP6[80:], "padding": UDP4[40:] + "0000",
        "empty-datagram": "0035e72100080000", "length-7": "0035e72100070000",
        "length-beyond": "0035e72100ff0000aa", "cut-7": "0035e721000800",
    },
}


CONFIG_DEF = os.path.join(HERE, "../include/weir/def/config.def")


def config_rows():
    """A seed for each setting: its least and its largest value, what lies beyond, its default."""
    with open(CONFIG_DEF, encoding="utf-8") as table:
        rows = re.findall(r"^X\((\w+), (\d+), (\d+), (\d+),", table.read(), re.MULTILINE)
    seeds = {"no-such-row": "no_such_row=1\n=2\nmss\nmss=\nmss=-1\nmss=99999999999999999999\n",
             "nothing": "\n"}
    for name, default, low, high in rows:
        values = [int(low), int(high), int(high) + 1, int(low) - 1, int(default)]
        seeds["row-" + name] = "".join(f"{name}={v}\n" for v in values if v >= 0)
        seeds["largest-" + name] = f"{name}={high}\n"
        seeds["least-" + name] = f"{name}={low}\n"
    return {name: text.encode().hex() for name, text in seeds.items()}


def tun_record(flags, gso_type, hdr_len, gso_size, packet, start=0, offset=0):
    """A virtio_net_hdr, in the byte order of the machines that this runs on, and a packet."""
    record = "%02x%02x" % (flags, gso_type)
    for field in (hdr_len, gso_size, start, offset):
        record += "%02x%02x" % (field & 0xff, field >> 8)
    record += packet
    return "%02x" % (len(record) // 2) + record


# How many records come in (less one), the records, then the packet to send: header length (less
# one), bits, segment size, lengths of spans.
TUN = {
    "one-packet": "00" + tun_record(0, 0, 0, 0, SYN4) + "2700",
    "checksum-left-to-us": "00" + tun_record(1, 0, 0, 0, SYN4, 20, 16) + "2701",
    "verified": "00" + tun_record(2, 0, 0, 0, SYN6) + "2745",
    "super-segment": "00" + tun_record(1, 1, 52, 1448, DATA4, 20, 16) + "331b05a8" + "ffff0103",
    "super-segment-ecn-ipv6": "00" + tun_record(1, 0x84, 72, 1208, SYN6) + "3b1f05a8" + "ff0000",
    "header-alone": "02" + tun_record(0, 0, 0, 0, "") + tun_record(0, 0, 0, 0, "45")
                    + tun_record(1, 1, 0, 0, RST4) + "00ff0000",
    "eight": "07" + tun_record(0, 0, 0, 0, RST4) * 8 + "bf00",
    "short": "01" + "0145" + "0900000000000000000000" + "0091",
}


def main():
    for target, rows in dict(CORPORA, config=config_rows(), tun=TUN).items():
        folder = os.path.join(HERE, "corpus", target)
        os.makedirs(folder, exist_ok=True)
        for name, digits in rows.items():
            with open(os.path.join(folder, name), "wb") as out:
                out.write(bytes.fromhex(digits))


if __name__ == "__main__":
    main()
