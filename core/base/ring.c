#include "base/ring.h"

#include <stddef.h>

#include "base/assert.h"

void ring_init(struct ring *r, struct arena *a, uint32_t size, uint32_t stride)
{
	weir_assert(stride > 0);
	/* Where size_t is 32 bits: as much as it can tell, which the arena then has not. */
	size_t most = SIZE_MAX / stride;

	r->items = arena_take(a, (size < most ? size : most) * stride, _Alignof(max_align_t));
	r->stride = stride;
	r->size = size;
	r->head = 0;
	r->count = 0;
}
