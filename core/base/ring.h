/*
 * ring.h: a bounded first-in first-out queue of equal items, in memory carved at start.
 */
#ifndef WEIR_BASE_RING_H
#define WEIR_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct ring {
	uint8_t *items;
	uint32_t stride; /* bytes of one item */
	uint32_t size;   /* items it can hold */
	uint32_t head;   /* index of the oldest */
	uint32_t count;
};

void ring_init(struct ring *r, struct arena *a, uint32_t size, uint32_t stride);

static inline void *ring_at(const struct ring *r, uint32_t index)
{
	return r->items + (size_t)index * r->stride;
}

/* The place for a new item at the end, to be filled by the caller; NULL: full. */
static inline void *ring_push(struct ring *r)
{
	if (r->count == r->size)
		return NULL;
	uint32_t to_end = r->size - r->head;
	uint32_t index = r->count < to_end ? r->head + r->count : r->count - to_end;

	r->count++;
	return ring_at(r, index);
}

/* The oldest item without taking it; NULL: empty. */
static inline void *ring_peek(const struct ring *r)
{
	return r->count == 0 ? NULL : ring_at(r, r->head);
}

/* The oldest item, which stays valid until the next push; NULL: empty. */
static inline void *ring_pop(struct ring *r)
{
	void *item = ring_peek(r);

	if (item == NULL)
		return NULL;
	r->head = r->head + 1 == r->size ? 0 : r->head + 1;
	r->count--;
	return item;
}

#endif
