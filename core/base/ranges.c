/*
 * Theory of operation
 *
 * A set is a singly linked list of nodes in ascending order, which the queue of a connection owns;
 * the nodes live in one pool for all connections. No two ranges touch: adding one swallows what it
 * overlaps or abuts, so that the number of nodes is the number of holes a peer can make, and `max`
 * bounds what one peer can take from the pool (and how long a walk can be).
 *
 * Walks are linear: with the default bound of 64 nodes they are shorter than what a tree costs, and
 * loss makes a handful. Merging never needs a node, so that a set at its bound still accepts
 * what fills or widens a range.
 *
 * Stamps order the ranges by their last change for the SACK option (RFC 2018 4: the first block
 * holds the segment that caused the ACK, the next ones the most recently reported). They count
 * modulo 2^32 and are compared by their distance from the last stamp given.
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
	r->count = 0;
	r->stamp = 0;
}

/* Takes the node that `link` names out of the list and gives it back. */
static void ranges_unlink(struct ranges *r, struct pool *nodes, uint32_t *link)
{
	uint32_t index = *link;

	*link = ranges_node(nodes, index)->next;
	pool_give(nodes, index);
	r->count--;
}

static enum ranges_result ranges_insert(struct ranges *r, struct pool *nodes, uint32_t max,
					uint32_t *link, uint64_t lo, uint64_t hi)
{
	uint32_t index = r->count < max ? pool_take(nodes) : POOL_NONE;

	if (index == POOL_NONE)
		return RANGES_FULL;
	struct range *node = ranges_node(nodes, index);

	node->next = *link;
	node->stamp = ++r->stamp;
	node->lo = lo;
	node->hi = hi;
	*link = index;
	r->count++;
	return RANGES_ADDED;
}

enum ranges_result ranges_add(struct ranges *r, struct pool *nodes, uint32_t max, uint64_t lo,
			      uint64_t hi)
{
	uint32_t *link = &r->first;

	weir_assert(lo < hi);
	while (*link != POOL_NONE && ranges_node(nodes, *link)->hi < lo)
		link = &ranges_node(nodes, *link)->next;
	if (*link == POOL_NONE || ranges_node(nodes, *link)->lo > hi)
		return ranges_insert(r, nodes, max, link, lo, hi);

	struct range *node = ranges_node(nodes, *link);

	node->stamp = ++r->stamp;
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
		ranges_unlink(r, nodes, &node->next);
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
		ranges_unlink(r, nodes, &r->first);
	}
}

uint64_t ranges_end_of(const struct ranges *r, const struct pool *nodes, uint64_t at)
{
	for (uint32_t i = r->first; i != POOL_NONE;) {
		const struct range *node = ranges_node(nodes, i);

		if (node->lo > at)
			break;
		if (at < node->hi)
			return node->hi;
		i = node->next;
	}
	return at;
}

bool ranges_common(const struct ranges *r, const struct pool *nodes, uint64_t lo, uint64_t hi,
		   uint64_t *from, uint64_t *to)
{
	for (uint32_t i = r->first; i != POOL_NONE;) {
		const struct range *node = ranges_node(nodes, i);

		if (node->lo >= hi)
			break;
		if (node->hi > lo) {
			*from = node->lo > lo ? node->lo : lo;
			*to = node->hi < hi ? node->hi : hi;
			return true;
		}
		i = node->next;
	}
	return false;
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

	for (uint32_t i = r->first; i != POOL_NONE; i = ranges_node(nodes, i)->next) {
		const struct range *node = ranges_node(nodes, i);
		uint32_t age = r->stamp - node->stamp;
		unsigned at = filled;

		while (at > 0 && r->stamp - out[at - 1].stamp > age)
			at--;
		if (at == max)
			continue;
		if (filled < max)
			filled++;
		for (unsigned k = filled - 1; k > at; k--)
			out[k] = out[k - 1];
		out[at] = *node;
	}
	return filled;
}

void ranges_clear(struct ranges *r, struct pool *nodes)
{
	while (r->first != POOL_NONE)
		ranges_unlink(r, nodes, &r->first);
}
