/*
 * ranges.h: an ordered set of disjoint, non-adjacent [lo, hi) ranges of stream offsets.
 *
 * The out-of-order ranges of a receive queue now, the SACK scoreboard later. Nodes come from a
 * shared pool; a set has a bound of its own, so one connection cannot starve the others.
 */
#ifndef WEIR_BASE_RANGES_H
#define WEIR_BASE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"

/* Links are node indices or POOL_NONE. */
struct range {
	uint32_t next, prev;   /* by offset (next is the pool's link while free: must be first) */
	uint32_t older, newer; /* by when it changed last */
	uint64_t lo, hi;
};

struct ranges {
	uint32_t first, last; /* by offset */
	uint32_t newest;      /* the one that changed last */
	uint32_t count;       /* nodes */
};

enum ranges_result { RANGES_ADDED, RANGES_HAD, RANGES_FULL };

void ranges_init(struct ranges *r);

/* Adds [lo, hi), lo < hi, merging with what it touches; the resulting node becomes the newest (also
 * when nothing was new: RANGES_HAD). RANGES_FULL: no node is free or `max` is reached; the set is
 * unchanged. O(1) at either end and beside what changed last. */
enum ranges_result ranges_add(struct ranges *r, struct pool *nodes, uint32_t max, uint64_t lo,
			      uint64_t hi);

/* Removes everything below `to`, cutting a range that straddles it. */
void ranges_drop_below(struct ranges *r, struct pool *nodes, uint64_t to);

/* The end of the range that begins at or below `at` and covers it; `at` if none does. */
uint64_t ranges_end_of(const struct ranges *r, const struct pool *nodes, uint64_t at);

/* The first part of [lo, hi) that the set has already: [*from, *to). False: none of it. */
bool ranges_common(const struct ranges *r, const struct pool *nodes, uint64_t lo, uint64_t hi,
		   uint64_t *from, uint64_t *to);

/* One past the last byte of the set; `none` if it is empty. */
static inline uint64_t ranges_end(const struct ranges *r, const struct pool *nodes, uint64_t none)
{
	return r->last == POOL_NONE ? none : ((const struct range *)pool_at(nodes, r->last))->hi;
}

/* Sum of all lengths. */
uint64_t ranges_bytes(const struct ranges *r, const struct pool *nodes);

/* Copies up to `max` ranges, most recently changed first (RFC 2018 4); O(max). Returns how many. */
unsigned ranges_recent(const struct ranges *r, const struct pool *nodes, struct range *out,
		       unsigned max);

void ranges_clear(struct ranges *r, struct pool *nodes);

#endif
