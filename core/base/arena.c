#include "base/arena.h"

#include <string.h>

#include "base/assert.h"

void *arena_carve(struct arena *a, size_t bytes, size_t align)
{
	weir_assert(align != 0 && (align & (align - 1)) == 0);
	size_t at = (a->used + align - 1) & ~(align - 1);

	/* Stuck at the top once the sum no longer fits: used > len stays true. */
	if (at < a->used || bytes > SIZE_MAX - at) {
		a->used = SIZE_MAX;
		return NULL;
	}
	a->used = at + bytes;
	if (a->base == NULL || a->used > a->len)
		return NULL;
	return a->base + at;
}

void *arena_take(struct arena *a, size_t bytes, size_t align)
{
	void *block = arena_carve(a, bytes, align);

	if (block != NULL)
		memset(block, 0, bytes);
	return block;
}
