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
 * The engine hashes tuples of 12 to 36 bytes, once for each segment, so that the rounds are inlined
 * with constant counts. It has no secret-dependent branch or look-up.
 */
#include "base/hash.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotl(uint64_t x, unsigned by)
{
	return x << by | x >> (64u - by);
}

static inline uint64_t sip_le64_get(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

static inline void sip_rounds(struct sip *s, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v1 = sip_rotl(s->v1, 13) ^ s->v0;
		s->v0 = sip_rotl(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = sip_rotl(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = sip_rotl(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = sip_rotl(s->v1, 17) ^ s->v2;
		s->v2 = sip_rotl(s->v2, 32);
	}
}

static inline void sip_word(struct sip *s, uint64_t word, unsigned rounds)
{
	s->v3 ^= word;
	sip_rounds(s, rounds);
	s->v0 ^= word;
}

/* The bytes behind the last whole word; from the last eight bytes, where there are as many. */
static inline uint64_t sip_rest(const uint8_t *p, size_t len)
{
	size_t rest = len % 8;
	uint64_t w = 0;

	if (rest == 0)
		return 0;
	if (len > 8)
		return sip_le64_get(p + len - 8) >> (64 - 8 * rest);
	for (size_t i = 0; i < rest; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

static inline uint64_t sip_hash(const uint8_t key[16], const uint8_t *p, size_t len, unsigned each,
				unsigned last)
{
	uint64_t k0 = sip_le64_get(key), k1 = sip_le64_get(key + 8);
	uint64_t tail = (uint64_t)len << 56 | sip_rest(p, len);
	/* "somepseudorandomlygeneratedbytes" */
	struct sip s = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};

	for (; len >= 8; len -= 8, p += 8)
		sip_word(&s, sip_le64_get(p), each);
	sip_word(&s, tail, each);
	s.v2 ^= 0xff;
	sip_rounds(&s, last);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash24(const uint8_t key[16], const void *data, size_t len)
{
	return sip_hash(key, data, len, 2, 4);
}

uint64_t siphash13(const uint8_t key[16], const void *data, size_t len)
{
	return sip_hash(key, data, len, 1, 3);
}
