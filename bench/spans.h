/*
 * spans.h: a set of disjoint [lo, hi) spans of stream offsets, in order.
 *
 * Grows by itself up to SPANS_MAX spans; what would need more is left out and counted, so that a
 * figure made of it can say so.
 */
#ifndef WEIR_BENCH_SPANS_H
#define WEIR_BENCH_SPANS_H

#include <stddef.h>
#include <stdint.h>

#define SPANS_MAX 65536u

struct span {
	uint64_t lo, hi;
};

struct spans {
	struct span *list; /* NULL: none yet */
	size_t len, room;
	uint64_t left_out;
};

void spans_add(struct spans *s, uint64_t lo, uint64_t hi);
void spans_remove(struct spans *s, uint64_t lo, uint64_t hi);

/* Bytes of [lo, hi) that are in the set. */
uint64_t spans_covered(const struct spans *s, uint64_t lo, uint64_t hi);

void spans_free(struct spans *s);

#endif
