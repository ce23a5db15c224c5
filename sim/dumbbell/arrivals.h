/*
 * arrivals.h: which bytes of a stream were sent and which have arrived, seen from the path. It
 * tells what an outside eye can tell for certain: that a segment was sent again, and that all of a
 * segment's bytes had arrived before.
 */
#ifndef WEIR_SIM_DUMBBELL_ARRIVALS_H
#define WEIR_SIM_DUMBBELL_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arrivals_range {
	uint64_t from, to;
};

struct arrivals {
	bool begun;
	uint32_t base;                /* sequence number of the stream's first byte */
	uint64_t sent;                /* one past the highest byte sent */
	uint64_t edge;                /* all below has arrived */
	struct arrivals_range *above; /* what has arrived above it: disjoint, in order */
	size_t count, room;
};

/* A new stream, whose first byte has this number. */
void arrivals_begin(struct arrivals *a, uint32_t base);
void arrivals_free(struct arrivals *a);

/* `len` bytes from sequence number `seq` on are sent. Had any of them been sent before? */
bool arrivals_sent(struct arrivals *a, uint32_t seq, uint32_t len);
/* They arrive. Had all of them arrived before? */
bool arrivals_came(struct arrivals *a, uint32_t seq, uint32_t len);

#endif
