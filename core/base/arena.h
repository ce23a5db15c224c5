/*
 * arena.h: carves the caller's one block of memory at start; nothing is ever given back.
 *
 * An arena with a NULL base only counts, so the code that carves also tells how much is needed.
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
	uint8_t *base; /* NULL: count only */
	size_t len;    /* bytes at base */
	size_t used;   /* bytes carved (or counted) so far */
};

static inline void arena_init(struct arena *a, void *base, size_t len)
{
	a->base = base;
	a->len = len;
	a->used = 0;
}

/* `bytes` bytes aligned to `align` (a power of two), zeroed. NULL when counting, or when the block
 * is used up (used > len tells the two apart). The offset is aligned, so that counting and carving
 * agree: `base` must itself be aligned as strictly as anything taken. */
void *arena_take(struct arena *a, size_t bytes, size_t align);

/* The same, but the bytes stay as the caller's block had them: not touched. */
void *arena_carve(struct arena *a, size_t bytes, size_t align);

#endif
