/*
 * prng.h: splitmix64, so that a seed names a run on every machine.
 */
#ifndef WEIR_TESTS_PRNG_H
#define WEIR_TESTS_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline uint64_t prng_next(struct prng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0..n-1 */
static inline uint64_t prng_below(struct prng *r, uint64_t n)
{
	return prng_next(r) % n;
}

/* Of any magnitude: as many have one bit as have 64. */
static inline uint64_t prng_scaled(struct prng *r)
{
	uint64_t shift = prng_below(r, 64);

	return prng_next(r) >> shift;
}

static inline void prng_fill(struct prng *r, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(prng_next(r) >> 56);
}

#endif
