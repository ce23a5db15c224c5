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

struct range {
	uint32_t next;  /* node index or POOL_NONE */
	uint32_t stamp; /* larger: changed later */
	uint64_t lo, hi;
};

struct ranges {
	uint32_t first; /* node index or POOL_NONE */
	uint32_t count; /* nodes */
	uint32_t stamp; /* last stamp given */
};

enum ranges_result { RANGES_ADDED, RANGES_HAD, RANGES_FULL };

void ranges_init(struct ranges *r);

/* Adds [lo, hi), lo < hi, merging with what it touches; the resulting node gets a new stamp (also
 * when nothing was new: RANGES_HAD). RANGES_FULL: no node is free or `max` is reached; the set is
 * unchanged. */
enum ranges_result ranges_add(struct ranges *r, struct pool *nodes, uint32_t max, uint64_t lo,
			      uint64_t hi);

/* Removes everything below `to`, cutting a range that straddles it. */
void ranges_drop_below(struct ranges *r, struct pool *nodes, uint64_t to);

/* The end of the range that begins at or below `at` and covers it; `at` if none does. */
uint64_t ranges_end_of(const struct ranges *r, const struct pool *nodes, uint64_t at);

/* The first part of [lo, hi) that the set has already: [*from, *to). False: none of it. */
bool ranges_common(const struct ranges *r, const struct pool *nodes, uint64_t lo, uint64_t hi,
		   uint64_t *from, uint64_t *to);

/* Sum of all lengths. */
uint64_t ranges_bytes(const struct ranges *r, const struct pool *nodes);

/* Copies up to `max` ranges, most recently changed first (RFC 2018 4). Returns how many. */
unsigned ranges_recent(const struct ranges *r, const struct pool *nodes, struct range *out,
		       unsigned max);

void ranges_clear(struct ranges *r, struct pool *nodes);

#endif
