/*
 * ring.h: a bounded first-in first-out queue of equal items, in memory carved at start.
 */
#ifndef WEIR_BASE_RING_H
#define WEIR_BASE_RING_H

#include <stdbool.h>
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

/* The place for a new item at the end, to be filled by the caller; NULL: full. */
void *ring_push(struct ring *r);
/* The oldest item, which stays valid until the next push; NULL: empty. */
void *ring_pop(struct ring *r);
/* The oldest item without taking it; NULL: empty. */
void *ring_peek(const struct ring *r);

#endif
