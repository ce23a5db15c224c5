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

/* Adds `len` bytes at any alignment to `sum`. Pieces must have even lengths, but the last. */
uint64_t csum_add(uint64_t sum, const void *bytes, size_t len);

/* The same for the 20 bytes of an IPv4 header without options. */
uint64_t csum_add20(uint64_t sum, const uint8_t *bytes);

/* The same for a piece that begins at an odd offset of the whole. */
uint64_t csum_add_odd(uint64_t sum, const void *bytes, size_t len);

/* Adds the pseudo-header (RFC 9293 3.1): addresses of `addr_len` bytes (4 or 16), the upper-layer
 * length in bytes and the protocol number. */
uint64_t csum_add_pseudo(uint64_t sum, const uint8_t *src, const uint8_t *dst, size_t addr_len,
			 uint32_t len, uint8_t proto);

/* Folds to 16 bits, not complemented, in memory order: memcpy it into a header. */
uint16_t csum_fold(uint64_t sum);

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

#endif
