#include "base/pool.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"

void pool_init(struct pool *p, struct arena *a, uint32_t count, uint32_t stride, uint32_t align)
{
	weir_assert(stride >= sizeof(uint32_t) && stride % align == 0);
	weir_assert(count < POOL_NONE);
	/* Where size_t is 32 bits: as much as it can tell, which the arena then has not. */
	size_t most = SIZE_MAX / stride;

	/* Not cleared here: that would touch every page of a pool that may never fill. */
	p->slots = arena_carve(a, (count < most ? count : most) * stride, align);
	p->stride = stride;
	p->count = count;
	p->used = 0;
	p->peak = 0;
	p->free = POOL_NONE;
	p->fresh = 0;
	p->clear = stride;
}

uint32_t pool_fresh(struct pool *p)
{
	uint32_t index = p->fresh;

	if (index == p->count)
		return POOL_NONE;
	p->fresh++;
	memset(pool_at(p, index), 0, p->clear);
	return index;
}
