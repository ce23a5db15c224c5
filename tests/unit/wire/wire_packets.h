/*
 * wire_packets.h: packets for the codecs' tests, and how a test gets at their bytes.
 *
 * Unless a comment says otherwise the packets were sent by Linux 6.1 through a TUN device without
 * any offload, so that lengths and checksums are its own. A test takes the bytes with hex_bytes(),
 * into memory of exactly their number: a sanitizer then sees each read beyond the end.
 */
#ifndef WEIR_TEST_WIRE_PACKETS_H
#define WEIR_TEST_WIRE_PACKETS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* 10.9.0.2 -> 10.9.0.1 port 80: SYN with MSS, SACK permitted, timestamps, window scale 10. */
#define PKT_SYN4 \
	"4500003c23a84000400603000a0900020a090001" \
	"959800509b85d64d00000000a002faf0a89f0000" \
	"020405b40402080af5ed92ae000000000103030a"
/* The same with timestamps off (tcp_timestamps=0). */
#define PKT_SYN4_NO_TS \
	"450000347d1740004006a9980a0900020a090001" \
	"c74a0051dbead045000000008002faf0ec3c0000" \
	"020405b4010104020103030a"
/* The same with SACK off (tcp_sack=0). */
#define PKT_SYN4_NO_SACK \
	"4500003c41be40004006e4e90a0900020a090001" \
	"cb6a005228d494fe00000000a002faf0e8610000" \
	"020405b40101080abbe40e23000000000103030a"
/* fd09::2 -> fd09::1 port 443: SYN with a flow label. */
#define PKT_SYN6 \
	"600f8d7e00280640fd090000000000000000000000000002fd090000000000000000000000000001" \
	"996401bbc1f46da000000000a002fd20bbf60000020405a00402080a81d84856000000000103030a"
/* A duplicate ACK with one SACK block, and one with three. */
#define PKT_SACK_1 \
	"4500004037a440004006eeff0a0900020a090001" \
	"1f901388414cd9cf000003e9b0100040b2d00000" \
	"0101080a7ad4a39d0000004e0101050a0000044d00000457"
#define PKT_SACK_3 \
	"4500005037a640004006eeed0a0900020a090001" \
	"1f901388414cd9cf000003e9f01000405ca70000" \
	"0101080a7ad4a6060000004e0101051a000005150000051f000004b1000004bb0000044d00000457"
/* Three bytes of payload, "GET", behind 40 bytes of options. */
#define PKT_DATA \
	"4500005337a740004006eee90a0900020a090001" \
	"1f901388414cd9cf000003e9f0180040c0230000" \
	"0101080a7ad4a7390000004e0101051a000005150000051f000004b1000004bb0000044d00000457" \
	"474554"
/* RST and ACK from a closed port. */
#define PKT_RST \
	"4500002800004000400626bc0a0900020a090001" \
	"1f91138800000000000000025014000068a10000"
/* UDP over IPv4 and IPv6 to port 53. The IPv4 checksum was left to a device: it holds the
 * pseudo-header's sum only. */
#define PKT_UDP4 "45000021a0b74000401186000a0900020a090001e7210035000dc09668656c6c6f"
#define PKT_UDP6 \
	"600672d1000e1140fd090000000000000000000000000002fd090000000000000000000000000001" \
	"d0fb0035000ef09768656c6c6f21"
/* ICMP port unreachable, quoting a datagram of 30 bytes whole. */
#define PKT_UNREACH4 \
	"45c0003a8a2700004001dbc70a0900020a090001" \
	"0303826600000000" \
	"4500001e00014000401126ba0a0900010a09000200090009000a00007a7a"
/* ICMPv6 router solicitation. */
#define PKT_ICMP6 \
	"6000000000083afffe80000000000000b11bcc0822bd52ecff020000000000000000000000000002" \
	"85008a6900000000"
/* IGMP, for its IPv4 header with the router alert option. */
#define PKT_IP4_OPTION \
	"46c00028000040000102f9ee0a090002e000001694040000" \
	"2200e9fb0000000104000000ef010101"
/* The headers of the first and the last fragment of a UDP datagram; the tests cut the rest off. */
#define HDR_FRAG4_FIRST "450005dca26a200040119e920a0900020a090001"
#define HDR_FRAG4_LAST  "45000094a26a00b94011c3210a0900020a090001"
#define HDR_FRAG6_FIRST \
	"600f7b3705b02c40fd090000000000000000000000000002fd090000000000000000000000000001" \
	"11000001aabf56a6"
#define HDR_FRAG6_LAST \
	"600f7b3700a82c40fd090000000000000000000000000002fd090000000000000000000000000001" \
	"110005a8aabf56a6"

struct bytes {
	uint8_t *at;
	size_t len;
};

static inline uint8_t hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	assert_in_range(c, 'a', 'f');
	return (uint8_t)(c - 'a' + 10);
}

/* The bytes that `hex` writes down, blanks ignored; to be freed with free(b.at). */
static inline struct bytes hex_bytes(const char *hex)
{
	struct bytes b = {.len = 0};
	size_t digits = 0;

	for (const char *p = hex; *p; p++)
		digits += *p != ' ';
	assert_int_equal(digits % 2, 0);
	b.at = malloc(digits / 2);
	for (size_t i = 0; b.len < digits / 2; i += 2) {
		while (hex[i] == ' ')
			i++;
		b.at[b.len++] = (uint8_t)(hex_digit(hex[i]) << 4 | hex_digit(hex[i + 1]));
	}
	return b;
}

/* A copy of `len` bytes from `at` in memory of exactly that size. */
static inline struct bytes bytes_copy(const uint8_t *at, size_t len)
{
	struct bytes b = {.at = malloc(len), .len = len};

	if (len)
		memcpy(b.at, at, len);
	return b;
}

/* The same of all that follows the first `off` bytes of `b`. */
static inline struct bytes bytes_from(struct bytes b, size_t off)
{
	return bytes_copy(b.at + off, b.len > off ? b.len - off : 0);
}

/* Numbers that look random and are the same in each run (xorshift64). */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
