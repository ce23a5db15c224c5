/*
 * impair_bytes.c: what an imperfect path does to the bytes of a packet: CE marks and damage.
 *
 * Theory of operation
 *
 * Marks are bits 6 and 7 of the second byte of IPv4, and bits 4 and 5 of the second byte of IPv6
 * counted from the least (the traffic class lies across two bytes). IPv4's header checksum is
 * mended by RFC 1624: ~(~old + ~old word + new word).
 *
 * Damage must be such that the receiver is certain to notice, as a measurement that counts damaged
 * segments, or a test that demands intact streams, has no use for what no checksum can show.
 * Inverting bits of a run of at most 15 changes the sum of 16-bit words by d * 2^k modulo 65,535,
 * where d is a sum of +-2^i, i from 0 to 14, over the inverted bits: not 0, as the highest one
 * outweighs the others together, and less than 65,535; 2^k has an inverse. So the sum differs
 * wherever the run lies. IPv6's payload length and next header are left out: they decide what is
 * summed, and no header checksum protects them (RFC 8200 8.1).
 */
#include <string.h>

#include "weir/impair.h"

#define IP4_HEADER      20u
#define IP6_HEADER      40u
#define IP6_FIXED_FIRST 4u /* payload length and next header */
#define IP6_FIXED_END   7u
#define ECN_SHIFT6      4u
#define RUN_MIN         2u
#define RUN_MAX         15u

static unsigned version_of(const uint8_t *packet, size_t len)
{
	if (len >= IP4_HEADER && packet[0] >> 4 == 4)
		return 4;
	return len >= IP6_HEADER && packet[0] >> 4 == 6 ? 6 : 0;
}

enum weir_impair_ecn weir_impair_ecn_of(const uint8_t *packet, size_t len)
{
	switch (version_of(packet, len)) {
	case 4:
		return (enum weir_impair_ecn)(packet[1] & WEIR_IMPAIR_CE);
	case 6:
		return (enum weir_impair_ecn)(packet[1] >> ECN_SHIFT6 & WEIR_IMPAIR_CE);
	default:
		return WEIR_IMPAIR_NOT_ECT;
	}
}

static uint32_t word_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void set_ce4(uint8_t *packet)
{
	uint32_t before = word_at(packet), sum = word_at(packet + 10);

	packet[1] |= WEIR_IMPAIR_CE;
	sum = (~sum & 0xffffu) + (~before & 0xffffu) + word_at(packet);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = ~((sum & 0xffffu) + (sum >> 16));
	packet[10] = (uint8_t)(sum >> 8);
	packet[11] = (uint8_t)sum;
}

void weir_impair_set_ce(uint8_t *packet, size_t len)
{
	switch (version_of(packet, len)) {
	case 4:
		set_ce4(packet);
		break;
	case 6:
		packet[1] |= WEIR_IMPAIR_CE << ECN_SHIFT6;
		break;
	default:
		break;
	}
}

void weir_impair_damage(uint8_t *packet, size_t len, uint64_t noise)
{
	uint64_t first_bit = 0, bits = (uint64_t)len * 8u;
	uint64_t run = RUN_MIN + (noise >> 16) % (RUN_MAX - RUN_MIN + 1u);
	uint64_t inside = noise | 1u | UINT64_C(1) << (run - 1); /* both ends, and what falls */

	if (version_of(packet, len) == 0)
		return;
	if (version_of(packet, len) == 6)
		first_bit = IP6_FIXED_END * 8u;
	first_bit += (noise >> 24) % (bits - first_bit - run + 1);
	for (uint64_t i = 0; i < run; i++) {
		if (inside >> i & 1u)
			packet[(first_bit + i) / 8] ^= (uint8_t)(0x80u >> ((first_bit + i) % 8));
	}
}
