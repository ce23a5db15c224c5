/*
 * checksum.c: the internet checksum.
 *
 * Theory of operation
 *
 * The checksum of IPv4, ICMP, TCP and UDP is the ones-complement sum of the 16-bit words that it
 * covers (RFC 1071). That sum is a sum modulo 2^16 - 1, and since 2^16 - 1 divides 2^32 - 1 and
 * 2^64 - 1, words of any of these sizes may be added instead, as long as a carry out of the top is
 * added at the bottom again. It does not depend on the byte order either (RFC 1071 2 B), so words
 * are loaded as the machine has them and the folded result is stored the same way.
 *
 * Here 64-bit words are added into four independent sums: the carry of each addition is the
 * comparison `sum < word`, which compilers turn into one add-with-carry, and four sums keep one
 * addition from waiting for the one before. Loads go through memcpy, so any alignment will do.
 *
 * What is nothing but a header is summed without a loop, by the bits of its length, in the header
 * file: most packets of a flood are, and so are all acknowledgements.
 *
 * State: none. A sum in progress is an unfolded uint64_t; zero starts one. Each function takes a
 * sum and returns one, with the end-around carry already in it, so a sum never overflows however
 * many pieces go into it. All pieces but the last have an even length; a piece whose first byte is
 * at an odd offset of the whole (payload spans may be so) is summed by itself and its bytes are
 * swapped, since a shift by one byte is a swap modulo 2^16 - 1 (RFC 1071 2 B again).
 *
 * Limits: none but `len` itself; a packet has at most 65,535 bytes.
 *
 * RFC 1071 (sum), RFC 1624 (update, two forms of zero), RFC 9293 3.1 and RFC 8200 8.1 (the
 * pseudo-headers).
 */
#include "wire/checksum.h"

#include <string.h>

/* Less than 8 bytes, as a word whose 16-bit parts add up to their sum. By sizes, since a memcpy of
 * a variable length costs more than the whole of a 20-byte header. */
static uint64_t load_tail(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	uint16_t w2;

	if (len & 4) {
		sum += csum_load32(p);
		p += 4;
	}
	if (len & 2) {
		memcpy(&w2, p, 2);
		sum += w2;
		p += 2;
	}
	if (len & 1) { /* padded with a zero that is not sent (RFC9293-MUST-2) */
		w2 = 0;
		memcpy(&w2, p, 1);
		sum += w2;
	}
	return sum;
}

/* 32 bytes a round; `len` is a multiple of 32. */
static uint64_t add_blocks(uint64_t sum, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint64_t s0 = sum, s1 = 0, s2 = 0, s3 = 0;

	for (; p != end; p += 32) {
		s0 = csum_add64(s0, csum_load64(p));
		s1 = csum_add64(s1, csum_load64(p + 8));
		s2 = csum_add64(s2, csum_load64(p + 16));
		s3 = csum_add64(s3, csum_load64(p + 24));
	}
	return csum_add64(csum_add64(s0, s1), csum_add64(s2, s3));
}

uint64_t csum_add_long(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t blocks = len & ~(size_t)31;

	if (blocks) {
		sum = add_blocks(sum, p, blocks);
		p += blocks;
		len -= blocks;
	}
	for (; len >= 8; p += 8, len -= 8)
		sum = csum_add64(sum, csum_load64(p));
	if (len)
		sum = csum_add64(sum, load_tail(p, len));
	return sum;
}

uint64_t csum_add_odd(uint64_t sum, const void *bytes, size_t len)
{
	uint16_t piece = csum_fold(csum_add(0, bytes, len));

	return csum_add64(sum, (uint16_t)(piece << 8 | piece >> 8));
}

/* RFC1624-01: equation 3, which keeps to the right form of zero where RFC 1141's does not. */
uint16_t csum_update(uint16_t field, uint16_t from, uint16_t to)
{
	uint32_t sum = (uint32_t)(uint16_t)~field + (uint16_t)~from + to;

	return csum_finish(sum);
}
