/*
 * Theory of operation
 *
 * Sequence numbers become offsets in the stream: the offset nearest to the highest byte sent that
 * has the number, so that streams may be longer than 4 GB. What has arrived in order is one number;
 * what has arrived above a gap is a sorted list of ranges, one for each gap at most, searched from
 * its end, where new ones nearly always belong.
 *
 * A segment was retransmitted for nothing if it and what it repeats both arrive: the second of
 * them, whichever that is, brings nothing new. So the count of arrivals that bring nothing new
 * (copies that the path itself made apart, which the caller does not tell) is the count of needless
 * retransmissions that the receiver saw. One whose original arrives but which is itself lost is not
 * counted: it cost the path only.
 */
#include "sim/dumbbell/arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void arrivals_begin(struct arrivals *a, uint32_t base)
{
	a->begun = true;
	a->base = base;
	a->sent = a->edge = 0;
	a->count = 0;
}

void arrivals_free(struct arrivals *a)
{
	free(a->above);
	memset(a, 0, sizeof(*a));
}

/* The difference of two numbers is meant modulo 2^32 here, and no older than half of that. */
static uint64_t offset_of(const struct arrivals *a, uint32_t seq)
{
	uint32_t near = a->base + (uint32_t)a->sent;

	return a->sent + (uint64_t)(int64_t)(int32_t)(seq - near);
}

bool arrivals_sent(struct arrivals *a, uint32_t seq, uint32_t len)
{
	uint64_t from = offset_of(a, seq), to = from + len;
	bool again = from < a->sent;

	if (to > a->sent)
		a->sent = to;
	return again;
}

static void insert(struct arrivals *a, size_t at, struct arrivals_range r)
{
	if (a->count == a->room) {
		a->room = a->room * 2 + 16;
		a->above = realloc(a->above, a->room * sizeof(*a->above));
		weir_assert(a->above != NULL);
	}
	memmove(&a->above[at + 1], &a->above[at], (a->count - at) * sizeof(*a->above));
	a->above[at] = r;
	a->count++;
}

static void take_out(struct arrivals *a, size_t at, size_t count)
{
	if (count == 0)
		return;
	memmove(&a->above[at], &a->above[at + count], (a->count - at - count) * sizeof(*a->above));
	a->count -= count;
}

/* What now joins the edge is part of it. */
static void advance(struct arrivals *a)
{
	size_t joined = 0;

	while (joined < a->count && a->above[joined].from <= a->edge) {
		if (a->above[joined].to > a->edge)
			a->edge = a->above[joined].to;
		joined++;
	}
	take_out(a, 0, joined);
}

bool arrivals_came(struct arrivals *a, uint32_t seq, uint32_t len)
{
	struct arrivals_range r = {.from = offset_of(a, seq)};
	size_t first = a->count, last = a->count;

	r.to = r.from + len;
	if (r.to <= a->edge)
		return true;
	if (r.from <= a->edge) {
		a->edge = r.to;
		advance(a);
		return false;
	}
	while (first > 0 && a->above[first - 1].to >= r.from)
		first--;
	while (last > first && a->above[last - 1].from > r.to)
		last--;
	/* Ranges first to last - 1 touch it. */
	if (last - first == 1 && a->above[first].from <= r.from && r.to <= a->above[first].to)
		return true;
	if (first < last && a->above[first].from < r.from)
		r.from = a->above[first].from;
	if (first < last && a->above[last - 1].to > r.to)
		r.to = a->above[last - 1].to;
	take_out(a, first, last - first);
	insert(a, first, r);
	return false;
}
