/*
 * rng.h: the simulator's pseudorandom numbers: xoshiro256** seeded by splitmix64 (Blackman and
 * Vigna, 2018), and the keyed pattern that streams are made of. The same seed gives the same
 * numbers on every machine; nothing here is fit for secrets.
 */
#ifndef WEIR_SIM_RNG_H
#define WEIR_SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PPM 1000000u

struct sim_rng {
	uint64_t s[4];
};

/* One step of splitmix64: a bijection that scatters even neighbouring values. */
static inline uint64_t sim_mix(uint64_t v)
{
	v += 0x9e3779b97f4a7c15u;
	v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
	v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
	return v ^ (v >> 31);
}

static inline void sim_rng_seed(struct sim_rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = seed = sim_mix(seed + (uint64_t)i);
}

static inline uint64_t sim_rng_rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static inline uint64_t sim_rng_next(struct sim_rng *r)
{
	uint64_t out = sim_rng_rotl(r->s[1] * 5, 7) * 9;
	uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = sim_rng_rotl(r->s[3], 45);
	return out;
}

/* 0 to n - 1. The bias of the remainder is below n / 2^64. */
static inline uint64_t sim_rng_below(struct sim_rng *r, uint64_t n)
{
	return n == 0 ? 0 : sim_rng_next(r) % n;
}

/* lo to hi, both included. */
static inline uint64_t sim_rng_range(struct sim_rng *r, uint64_t lo, uint64_t hi)
{
	return lo + sim_rng_below(r, hi - lo + 1);
}

/* True `ppm` times in a million. */
static inline bool sim_rng_chance(struct sim_rng *r, uint32_t ppm)
{
	return sim_rng_below(r, SIM_PPM) < ppm;
}

/* Bytes `offset` to `offset + len - 1` of the stream with this key. */
void sim_pattern_fill(uint64_t key, uint64_t offset, uint8_t *bytes, size_t len);

/* The index of the first byte that differs from the stream's; `len`: none does. */
size_t sim_pattern_compare(uint64_t key, uint64_t offset, const uint8_t *bytes, size_t len);

#endif
