/*
 * fifo.h: queues of pool slots by index, the timers of half-open and TIME-WAIT records.
 *
 * All records of one queue wait equally long, so the oldest is due first and a queue needs no
 * sorting: arming, moving and expiring are O(1) and cost twelve bytes a record. A record is in at
 * most one queue of its pool at a time.
 */
#ifndef WEIR_STACK_FIFO_H
#define WEIR_STACK_FIFO_H

#include "base/pool.h"

struct fifo_node {
	uint32_t prev, next; /* slots or POOL_NONE */
	uint32_t due_ms;     /* low 32 bits of the time in milliseconds, rounded up */
};

struct fifo {
	uint32_t head, tail; /* slots or POOL_NONE */
	uint32_t count;
};

static inline void fifo_init(struct fifo *f)
{
	f->head = f->tail = POOL_NONE;
	f->count = 0;
}

/* `offset`: where the fifo_node is in a slot of `p`. */
static inline struct fifo_node *fifo_node(const struct pool *p, size_t offset, uint32_t slot)
{
	return (struct fifo_node *)(void *)((uint8_t *)pool_at(p, slot) + offset);
}

static inline void fifo_push(struct fifo *f, const struct pool *p, size_t offset, uint32_t slot)
{
	struct fifo_node *n = fifo_node(p, offset, slot);

	n->prev = f->tail;
	n->next = POOL_NONE;
	if (f->tail != POOL_NONE)
		fifo_node(p, offset, f->tail)->next = slot;
	else
		f->head = slot;
	f->tail = slot;
	f->count++;
}

static inline void fifo_remove(struct fifo *f, const struct pool *p, size_t offset, uint32_t slot)
{
	struct fifo_node *n = fifo_node(p, offset, slot);

	if (n->prev != POOL_NONE)
		fifo_node(p, offset, n->prev)->next = n->next;
	else
		f->head = n->next;
	if (n->next != POOL_NONE)
		fifo_node(p, offset, n->next)->prev = n->prev;
	else
		f->tail = n->prev;
	f->count--;
}

/* The time `wait_ms` after `now` as a node keeps it. */
static inline uint32_t fifo_due(uint64_t now_ns, uint64_t wait_ms)
{
	return (uint32_t)((now_ns + 999999u) / 1000000u + wait_ms);
}

/* Is the queue's oldest due? */
static inline int fifo_is_due(const struct fifo *f, const struct pool *p, size_t offset,
			      uint64_t now_ns)
{
	if (f->head == POOL_NONE)
		return 0;
	return (int32_t)((uint32_t)(now_ns / 1000000u) - fifo_node(p, offset, f->head)->due_ms) >=
	       0;
}

/* When the queue's oldest is due, in nanoseconds; UINT64_MAX: empty. */
static inline uint64_t fifo_next(const struct fifo *f, const struct pool *p, size_t offset,
				 uint64_t now_ns)
{
	uint64_t now_ms = now_ns / 1000000u;
	int32_t ahead;

	if (f->head == POOL_NONE)
		return UINT64_MAX;
	ahead = (int32_t)(fifo_node(p, offset, f->head)->due_ms - (uint32_t)now_ms);
	return ahead <= 0 ? now_ns : (now_ms + (uint64_t)ahead) * 1000000u;
}

#endif
