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

static void *ring_at(const struct ring *r, uint32_t index)
{
	return r->items + (size_t)index * r->stride;
}

void *ring_push(struct ring *r)
{
	if (r->count == r->size)
		return NULL;
	uint32_t to_end = r->size - r->head;
	uint32_t index = r->count < to_end ? r->head + r->count : r->count - to_end;

	r->count++;
	return ring_at(r, index);
}

void *ring_pop(struct ring *r)
{
	void *item = ring_peek(r);

	if (item == NULL)
		return NULL;
	r->head = r->head + 1 == r->size ? 0 : r->head + 1;
	r->count--;
	return item;
}

void *ring_peek(const struct ring *r)
{
	return r->count == 0 ? NULL : ring_at(r, r->head);
}
