/*
 * pool.h: a fixed number of equal slots, named by their index; take and give in O(1).
 *
 * A free slot's first four bytes link the free list; all its other bytes keep what they held, so a
 * slot can carry a generation from one life to the next. A slot that is taken for the first time
 * reads as zeros, unless the pool's slots are raw (pool_raw()); before that (index >= fresh) it
 * holds whatever the caller's memory held, so an index that came from outside is compared with
 * `fresh` before its slot is looked at.
 */
#ifndef WEIR_BASE_POOL_H
#define WEIR_BASE_POOL_H

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"

#define POOL_NONE UINT32_MAX

struct pool {
	uint8_t *slots;
	uint32_t stride; /* bytes of one slot */
	uint32_t count;  /* slots */
	uint32_t used;   /* slots taken */
	uint32_t peak;   /* most ever taken */
	uint32_t free;   /* first free slot or POOL_NONE */
	uint32_t fresh;  /* slots from here on were never taken: memory is touched only by need */
	uint32_t clear;  /* bytes of a slot that are zeroed when it is taken for the first time */
};

/* `count` slots of `stride` bytes (at least 4), aligned to `align`, from `a` (may be counting).
 * `stride` is a multiple of `align`. */
void pool_init(struct pool *p, struct arena *a, uint32_t count, uint32_t stride, uint32_t align);

/* For slots that nobody reads before he has written them, as pages: none is zeroed first. */
static inline void pool_raw(struct pool *p)
{
	p->clear = 0;
}

static inline void *pool_at(const struct pool *p, uint32_t index)
{
	return p->slots + (uint64_t)index * p->stride;
}

static inline uint32_t pool_index(const struct pool *p, const void *slot)
{
	return (uint32_t)((uint64_t)((const uint8_t *)slot - p->slots) / p->stride);
}

/* One that was never taken, or POOL_NONE: pool_take() counts it. */
uint32_t pool_fresh(struct pool *p);

/* The index of a slot, or POOL_NONE. Lowest-touched first: reused slots before fresh ones. */
static inline uint32_t pool_take(struct pool *p)
{
	uint32_t index = p->free;

	if (index != POOL_NONE)
		memcpy(&p->free, pool_at(p, index), sizeof(p->free));
	else if ((index = pool_fresh(p)) == POOL_NONE)
		return POOL_NONE;
	p->used++;
	if (p->used > p->peak)
		p->peak = p->used;
	return index;
}

static inline void pool_give(struct pool *p, uint32_t index)
{
	weir_assert(index < p->fresh && p->used > 0);
	memcpy(pool_at(p, index), &p->free, sizeof(p->free));
	p->free = index;
	p->used--;
}

#endif
