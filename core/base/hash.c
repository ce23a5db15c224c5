/*
 * Theory of operation
 *
 * SipHash-c-d as in "SipHash: a fast short-input PRF" (Aumasson, Bernstein; 2012): four 64-bit
 * words are set from the key, c rounds mix in each 8 input bytes (little-endian), the last word
 * carries what is left over and the length modulo 256 in its top byte, and d rounds end it.
 *
 * 2-4 is the authors' choice for a PRF; it makes what an attacker must not predict. 1-3 is what
 * Linux, Rust and Python use for tables, where the output itself is never shown to anyone.
 *
 * The rounds are in the header, with constant counts, so that the hash of each segment's pair and
 * that of a SYN cookie take no call and no bytes in memory. There is no secret-dependent branch or
 * look-up.
 */
#include "base/hash.h"

/* The bytes behind the last whole word; from the last eight bytes, where there are as many. */
static inline uint64_t sip_rest(const uint8_t *p, size_t len)
{
	size_t rest = len % 8;
	uint64_t w = 0;

	if (rest == 0)
		return 0;
	if (len > 8)
		return le64_get(p + len - 8) >> (64 - 8 * rest);
	for (size_t i = 0; i < rest; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

static inline uint64_t sip_hash(const uint8_t key[16], const uint8_t *p, size_t len, unsigned each,
				unsigned last)
{
	uint64_t last_word = sip_last(sip_rest(p, len), len);
	struct sip s = sip_begin(key);

	for (; len >= 8; len -= 8, p += 8)
		sip_word(&s, le64_get(p), each);
	sip_word(&s, last_word, each);
	return sip_end(&s, last);
}

uint64_t siphash24(const uint8_t key[16], const void *data, size_t len)
{
	return sip_hash(key, data, len, 2, 4);
}

uint64_t siphash13(const uint8_t key[16], const void *data, size_t len)
{
	return sip_hash(key, data, len, 1, 3);
}
