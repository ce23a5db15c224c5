/*
 * seq.h: sequence numbers (RFC 9293 3.4).
 *
 * A sequence number is a struct, so that no one compares two of them with a raw `<`. All
 * arithmetic is modulo 2^32 (RFC9293-X-07); comparisons are right while the two numbers are less
 * than 2^31 apart, which the largest window (2^30) guarantees.
 */
#ifndef WEIR_BASE_SEQ_H
#define WEIR_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint32_t v;
} seq_t;

static inline seq_t seq_make(uint32_t v)
{
	return (seq_t){v};
}

/* s + n, modulo 2^32. */
static inline seq_t seq_add(seq_t s, uint32_t n)
{
	return (seq_t){s.v + n};
}

static inline seq_t seq_sub(seq_t s, uint32_t n)
{
	return (seq_t){s.v - n};
}

/* a - b as a signed distance: positive if a is later. */
static inline int32_t seq_diff(seq_t a, seq_t b)
{
	return (int32_t)(a.v - b.v);
}

static inline bool seq_eq(seq_t a, seq_t b)
{
	return a.v == b.v;
}

static inline bool seq_lt(seq_t a, seq_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_leq(seq_t a, seq_t b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(seq_t a, seq_t b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_geq(seq_t a, seq_t b)
{
	return seq_diff(a, b) >= 0;
}

/* lo <= s < lo + len */
static inline bool seq_in(seq_t s, seq_t lo, uint32_t len)
{
	return s.v - lo.v < len;
}

static inline seq_t seq_max(seq_t a, seq_t b)
{
	return seq_gt(a, b) ? a : b;
}

static inline seq_t seq_min(seq_t a, seq_t b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
