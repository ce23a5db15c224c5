/*
 * spent.h: pairs whose SYN cookie was used and whose record had to go: no ACK may use it again.
 */
#ifndef WEIR_STACK_SPENT_H
#define WEIR_STACK_SPENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct spent {
	uint64_t *bits[2]; /* of the present tick of the cookies' clock, and of the one before */
	uint32_t words;    /* of each */
	uint32_t tick;     /* the present one, when something was last noted */
	uint32_t count[2]; /* pairs noted in each */
};

/* Carves it; `bits`: of each filter, rounded up to a power of two. */
void spent_init(struct spent *f, struct arena *a, uint32_t bits);
/* Nothing is noted. */
void spent_clear(struct spent *f);

/* The record that remembered the pair's cookie is gone. `pair`: its keyed hash (demux.h); `tick`:
 * of the cookies' clock, now. */
void spent_add(struct spent *f, uint64_t pair, uint32_t tick);

/* Is anything noted? Every SYN asks, and mostly there is nothing to look for. */
static inline bool spent_any(const struct spent *f)
{
	return f->count[0] + f->count[1] != 0;
}

/* May a cookie of this pair have been used? Never false when one was that is still good. */
bool spent_may_have(struct spent *f, uint64_t pair, uint32_t tick);

#endif
