/*
 * queue.c: a binary heap by time and, for equal times, by the order of adding, so that a run has
 * one order only.
 */
#include "sim/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event t = *a;

	*a = *b;
	*b = t;
}

void sim_queue_free(struct sim_queue *q)
{
	while (q->len > 0)
		sim_frame_free(q->heap[--q->len].frame);
	free(q->heap);
	memset(q, 0, sizeof(*q));
}

void sim_queue_add(struct sim_queue *q, const struct sim_event *ev)
{
	size_t i = q->len++;

	if (q->len > q->max) {
		q->max = q->max * 2 + 64;
		q->heap = realloc(q->heap, q->max * sizeof(*q->heap));
		weir_assert(q->heap != NULL);
	}
	q->heap[i] = *ev;
	q->heap[i].order = q->order++;
	for (; i > 0 && earlier(&q->heap[i], &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&q->heap[i], &q->heap[(i - 1) / 2]);
}

struct sim_event sim_queue_take(struct sim_queue *q)
{
	struct sim_event first = q->heap[0];
	size_t i = 0;

	q->heap[0] = q->heap[--q->len];
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < q->len; child++)
			if (earlier(&q->heap[child], &q->heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(&q->heap[i], &q->heap[least]);
		i = least;
	}
}

weir_time sim_queue_next(const struct sim_queue *q)
{
	return q->len > 0 ? q->heap[0].at : WEIR_NEVER;
}
