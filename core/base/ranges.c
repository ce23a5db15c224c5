/*
 * Theory of operation
 *
 * A set is a list of nodes in ascending order, which the queue of a connection owns; the nodes live
 * in one pool for all connections. No two ranges touch: adding one swallows what it overlaps or
 * abuts, so that the number of nodes is the number of holes a peer can make, and `max` bounds what
 * one peer can take from the pool (and how long a walk can be).
 *
 * A walk begins at the nearest of three nodes, the first, the last and the one that changed last,
 * and goes either way. Streams with losses add at the end or beside what came before, and what goes
 * again fills holes from below, so that a window of a thousand holes costs such a stream no walk at
 * all. A peer that hops about in it makes a walk of at most `max` nodes, of 32 bytes each.
 *
 * A second list orders the ranges by their last change for the SACK option (RFC 2018 4: the first
 * block holds the segment that caused the ACK, the next ones the most recently reported).
 *
 * Merging never needs a node, so that a set at its bound still accepts what fills or widens a
 * range.
 */
#include "base/ranges.h"

#include <stddef.h>

#include "base/assert.h"

static struct range *ranges_node(const struct pool *nodes, uint32_t index)
{
	return pool_at(nodes, index);
}

void ranges_init(struct ranges *r)
{
	r->first = POOL_NONE;
	r->last = POOL_NONE;
	r->newest = POOL_NONE;
	r->count = 0;
}

/* --- The two lists ---------------------------------------------------------------------------- */

/* Files a node by offset behind `prev`, POOL_NONE: as the first one. */
static void file_behind(struct ranges *r, const struct pool *nodes, uint32_t index, uint32_t prev)
{
	struct range *node = ranges_node(nodes, index);
	uint32_t *from = prev == POOL_NONE ? &r->first : &ranges_node(nodes, prev)->next;

	node->prev = prev;
	node->next = *from;
	*from = index;
	if (node->next == POOL_NONE)
		r->last = index;
	else
		ranges_node(nodes, node->next)->prev = index;
}

/* Files a node as the one that changed last. */
static void file_newest(struct ranges *r, const struct pool *nodes, uint32_t index)
{
	struct range *node = ranges_node(nodes, index);

	node->newer = POOL_NONE;
	node->older = r->newest;
	if (r->newest != POOL_NONE)
		ranges_node(nodes, r->newest)->newer = index;
	r->newest = index;
}

static void take_from_age(struct ranges *r, const struct pool *nodes, const struct range *node)
{
	if (node->older != POOL_NONE)
		ranges_node(nodes, node->older)->newer = node->newer;
	if (node->newer != POOL_NONE)
		ranges_node(nodes, node->newer)->older = node->older;
	else
		r->newest = node->older;
}

static void make_newest(struct ranges *r, const struct pool *nodes, uint32_t index)
{
	if (r->newest == index)
		return;
	take_from_age(r, nodes, ranges_node(nodes, index));
	file_newest(r, nodes, index);
}

/* Takes a node out of both lists and gives it back. */
static void ranges_remove(struct ranges *r, struct pool *nodes, uint32_t index)
{
	const struct range *node = ranges_node(nodes, index);

	take_from_age(r, nodes, node);
	if (node->prev == POOL_NONE)
		r->first = node->next;
	else
		ranges_node(nodes, node->prev)->next = node->next;
	if (node->next == POOL_NONE)
		r->last = node->prev;
	else
		ranges_node(nodes, node->next)->prev = node->prev;
	pool_give(nodes, index);
	r->count--;
}

/* --- Search ----------------------------------------------------------------------------------- */

static uint64_t distance(const struct pool *nodes, uint32_t index, uint64_t at)
{
	uint64_t lo = ranges_node(nodes, index)->lo;

	return lo > at ? lo - at : at - lo;
}

/* Where a walk to `at` begins; the set is not empty. */
static uint32_t nearest(const struct ranges *r, const struct pool *nodes, uint64_t at)
{
	uint32_t best = r->last;

	if (distance(nodes, r->newest, at) < distance(nodes, best, at))
		best = r->newest;
	if (distance(nodes, r->first, at) < distance(nodes, best, at))
		best = r->first;
	return best;
}

/* The first range that ends at `at` or behind it, POOL_NONE if none does; *prev: the one before. */
static uint32_t reaching(const struct ranges *r, const struct pool *nodes, uint64_t at,
			 uint32_t *prev)
{
	uint32_t i;

	*prev = POOL_NONE;
	if (r->count == 0)
		return POOL_NONE;
	i = nearest(r, nodes, at);
	while (i != POOL_NONE && ranges_node(nodes, i)->hi >= at)
		i = ranges_node(nodes, i)->prev;
	*prev = i;
	i = i == POOL_NONE ? r->first : ranges_node(nodes, i)->next;
	while (i != POOL_NONE && ranges_node(nodes, i)->hi < at) {
		*prev = i;
		i = ranges_node(nodes, i)->next;
	}
	return i;
}

/* --- What the header says --------------------------------------------------------------------- */

static enum ranges_result ranges_insert(struct ranges *r, struct pool *nodes, uint32_t max,
					uint32_t prev, uint64_t lo, uint64_t hi)
{
	uint32_t index = r->count < max ? pool_take(nodes) : POOL_NONE;

	if (index == POOL_NONE)
		return RANGES_FULL;
	file_behind(r, nodes, index, prev);
	file_newest(r, nodes, index);
	ranges_node(nodes, index)->lo = lo;
	ranges_node(nodes, index)->hi = hi;
	r->count++;
	return RANGES_ADDED;
}

enum ranges_result ranges_add(struct ranges *r, struct pool *nodes, uint32_t max, uint64_t lo,
			      uint64_t hi)
{
	uint32_t prev, at;

	weir_assert(lo < hi);
	at = reaching(r, nodes, lo, &prev);
	if (at == POOL_NONE || ranges_node(nodes, at)->lo > hi)
		return ranges_insert(r, nodes, max, prev, lo, hi);

	struct range *node = ranges_node(nodes, at);

	make_newest(r, nodes, at);
	if (node->lo <= lo && hi <= node->hi)
		return RANGES_HAD;
	if (lo < node->lo)
		node->lo = lo;
	if (hi > node->hi)
		node->hi = hi;
	while (node->next != POOL_NONE) {
		const struct range *next = ranges_node(nodes, node->next);

		if (next->lo > node->hi)
			break;
		if (next->hi > node->hi)
			node->hi = next->hi;
		ranges_remove(r, nodes, node->next);
	}
	return RANGES_ADDED;
}

void ranges_drop_below(struct ranges *r, struct pool *nodes, uint64_t to)
{
	while (r->first != POOL_NONE) {
		struct range *node = ranges_node(nodes, r->first);

		if (node->hi > to) {
			if (node->lo < to)
				node->lo = to;
			return;
		}
		ranges_remove(r, nodes, r->first);
	}
}

uint64_t ranges_end_of(const struct ranges *r, const struct pool *nodes, uint64_t at)
{
	uint32_t prev;
	uint32_t i = reaching(r, nodes, at + 1, &prev);

	if (i == POOL_NONE || ranges_node(nodes, i)->lo > at)
		return at;
	return ranges_node(nodes, i)->hi;
}

bool ranges_common(const struct ranges *r, const struct pool *nodes, uint64_t lo, uint64_t hi,
		   uint64_t *from, uint64_t *to)
{
	uint32_t prev;
	uint32_t i = reaching(r, nodes, lo + 1, &prev);
	const struct range *node;

	if (i == POOL_NONE || ranges_node(nodes, i)->lo >= hi)
		return false;
	node = ranges_node(nodes, i);
	*from = node->lo > lo ? node->lo : lo;
	*to = node->hi < hi ? node->hi : hi;
	return true;
}

uint64_t ranges_bytes(const struct ranges *r, const struct pool *nodes)
{
	uint64_t sum = 0;

	for (uint32_t i = r->first; i != POOL_NONE; i = ranges_node(nodes, i)->next)
		sum += ranges_node(nodes, i)->hi - ranges_node(nodes, i)->lo;
	return sum;
}

unsigned ranges_recent(const struct ranges *r, const struct pool *nodes, struct range *out,
		       unsigned max)
{
	unsigned filled = 0;

	for (uint32_t i = r->newest; i != POOL_NONE && filled < max;) {
		out[filled] = *ranges_node(nodes, i);
		i = out[filled++].older;
	}
	return filled;
}

void ranges_clear(struct ranges *r, struct pool *nodes)
{
	while (r->first != POOL_NONE)
		ranges_remove(r, nodes, r->first);
}
