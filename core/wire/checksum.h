/*
 * checksum.h: the internet checksum (RFC 1071), with the pseudo-headers of IPv4 and IPv6.
 *
 * Sums are kept in 64 bits, unfolded, in the byte order of memory: the sum is the same in either
 * order once folded (RFC 1071 2 B), so nothing is swapped on the way.
 */
#ifndef WEIR_WIRE_CHECKSUM_H
#define WEIR_WIRE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/be.h"

/* Adds `len` bytes at any alignment to `sum`. Pieces must have even lengths, but the last. */
static inline uint64_t csum_add(uint64_t sum, const void *bytes, size_t len);

/* The same for the 20 bytes of a header without options. */
static inline uint64_t csum_add20(uint64_t sum, const uint8_t *bytes);

/* The same for a piece that begins at an odd offset of the whole. */
uint64_t csum_add_odd(uint64_t sum, const void *bytes, size_t len);

/* Adds the pseudo-header (RFC 9293 3.1): addresses of `addr_len` bytes (4 or 16), the upper-layer
 * length in bytes and the protocol number. */
static inline uint64_t csum_add_pseudo(uint64_t sum, const uint8_t *src, const uint8_t *dst,
				       size_t addr_len, uint32_t len, uint8_t proto);

/* Folds to 16 bits, not complemented, in memory order: memcpy it into a header. */
static inline uint16_t csum_fold(uint64_t sum);

/* The checksum field in memory order: the folded sum's complement. */
static inline uint16_t csum_finish(uint64_t sum)
{
	return (uint16_t)~csum_fold(sum);
}

/* 1 when a sum that includes the received checksum field is right (RFC 1624 5: compare with all
 * ones, so that both forms of zero pass). */
static inline int csum_good(uint64_t sum)
{
	return csum_fold(sum) == 0xffff;
}

/* The new value of a checksum field (memory order) after a 16-bit word covered by it changed from
 * `from` to `to` (memory order): HC' = ~(~HC + ~m + m') (RFC 1624). */
uint16_t csum_update(uint16_t field, uint16_t from, uint16_t to);

/* --- Inlines: every packet is summed, and most of them are nothing but headers ---------------- */

#define CSUM_SHORT_MAX 60u /* what csum_add() sums without a call: a TCP header */

/* csum_add() of more, or of a length that is not a multiple of 4. */
uint64_t csum_add_long(uint64_t sum, const void *bytes, size_t len);

static inline uint64_t csum_load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t csum_load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Ones-complement addition of 64 bits. */
static inline uint64_t csum_add64(uint64_t a, uint64_t b)
{
	uint64_t s = a + b;

	return s + (s < b);
}

static inline uint64_t csum_add16(uint64_t sum, const uint8_t *bytes)
{
	return csum_add64(csum_add64(sum, csum_load64(bytes)), csum_load64(bytes + 8));
}

static inline uint64_t csum_add20(uint64_t sum, const uint8_t *bytes)
{
	return csum_add64(csum_add16(sum, bytes), csum_load32(bytes + 16));
}

static inline uint64_t csum_add(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (len > CSUM_SHORT_MAX || len % 4)
		return csum_add_long(sum, bytes, len);
	if (len & 32) {
		sum = csum_add16(csum_add16(sum, p), p + 16);
		p += 32;
	}
	if (len & 16) {
		sum = csum_add16(sum, p);
		p += 16;
	}
	if (len & 8) {
		sum = csum_add64(sum, csum_load64(p));
		p += 8;
	}
	return len & 4 ? csum_add64(sum, csum_load32(p)) : sum;
}

/* RFC 9293 3.1 and RFC8200-01. IPv4's 16-bit length and IPv6's 32-bit length give the same sum,
 * since what is above 16 bits is zero in the first. */
static inline uint64_t csum_add_pseudo(uint64_t sum, const uint8_t *src, const uint8_t *dst,
				       size_t addr_len, uint32_t len, uint8_t proto)
{
	sum = csum_add64(sum, (uint64_t)be32_in_memory(len) + be32_in_memory(proto));
	if (addr_len == 4)
		return csum_add64(sum, (uint64_t)csum_load32(src) + csum_load32(dst));
	return csum_add16(csum_add16(sum, src), dst);
}

/* Adding a word to itself, turned by half, leaves in its upper half the sum of both halves with the
 * carry of the lower one: the end-around carry. */
static inline uint16_t csum_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

#endif
