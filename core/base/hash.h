/*
 * hash.h: SipHash (Aumasson and Bernstein, 2012), a keyed pseudorandom function for short input.
 *
 * 2-4 where secrecy matters (ISNs, ports, timestamp offsets; RFC 6528), 1-3 for look-up tables,
 * so that nobody outside can choose collisions.
 *
 * Every segment is hashed, so whoever has a message of known size in words may mix it in without a
 * call and without writing it down as bytes first: sip_begin(), sip_word() for each 8 bytes
 * (little-endian) and for the last word (sip_last()), sip_end(). Constant round counts, please.
 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/le.h"

/* `key`: 16 bytes; `len` bytes at `data`. */
uint64_t siphash24(const uint8_t key[16], const void *data, size_t len);
uint64_t siphash13(const uint8_t key[16], const void *data, size_t len);

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotl(uint64_t x, unsigned by)
{
	return x << by | x >> (64u - by);
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

/* "somepseudorandomlygeneratedbytes" */
static inline struct sip sip_begin(const uint8_t key[16])
{
	uint64_t k0 = le64_get(key), k1 = le64_get(key + 8);

	return (struct sip){k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
			    k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
}

static inline void sip_word(struct sip *s, uint64_t word, unsigned rounds)
{
	s->v3 ^= word;
	sip_rounds(s, rounds);
	s->v0 ^= word;
}

/* The last word of a message of `len` bytes: the len % 8 bytes that are left over. */
static inline uint64_t sip_last(uint64_t rest, size_t len)
{
	return (uint64_t)len << 56 | rest;
}

static inline uint64_t sip_end(struct sip *s, unsigned rounds)
{
	s->v2 ^= 0xff;
	sip_rounds(s, rounds);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif
