#include "sim/explore/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define ROOM_FIRST 1024u

static void *grown(void *p, uint64_t room, size_t size)
{
	void *q = realloc(p, room * size);

	weir_assert(q != NULL); /* the explorer ends where memory does */
	return q;
}

static void fill_slots(struct ex_graph *g, uint32_t slots)
{
	g->slot = grown(g->slot, slots, sizeof(*g->slot));
	g->slots = slots;
	memset(g->slot, 0xff, slots * sizeof(*g->slot));
	for (uint32_t i = 0; i < g->nodes; i++) {
		uint32_t at = (uint32_t)g->node[i].hash.lo & (slots - 1);

		while (g->slot[at] != EX_NODE_NONE)
			at = (at + 1) & (slots - 1);
		g->slot[at] = i;
	}
}

void ex_graph_init(struct ex_graph *g)
{
	*g = (struct ex_graph){.node_room = ROOM_FIRST, .edge_room = ROOM_FIRST};
	g->node = grown(NULL, g->node_room, sizeof(*g->node));
	g->edge = grown(NULL, g->edge_room, sizeof(*g->edge));
	fill_slots(g, 2 * ROOM_FIRST);
}

void ex_graph_free(struct ex_graph *g)
{
	free(g->node);
	free(g->edge);
	free(g->slot);
}

/* The slot that holds the node, or the empty one where it would be. */
static uint32_t *slot_of(const struct ex_graph *g, struct ex_hash h)
{
	uint32_t at = (uint32_t)h.lo & (g->slots - 1);

	while (g->slot[at] != EX_NODE_NONE) {
		const struct ex_hash *x = &g->node[g->slot[at]].hash;

		if (x->lo == h.lo && x->hi == h.hi)
			break;
		at = (at + 1) & (g->slots - 1);
	}
	return &g->slot[at];
}

uint32_t ex_graph_find(const struct ex_graph *g, struct ex_hash h)
{
	return *slot_of(g, h);
}

uint32_t ex_graph_add(struct ex_graph *g, const struct ex_node *n)
{
	if (g->nodes == g->node_room) {
		g->node_room *= 2;
		g->node = grown(g->node, g->node_room, sizeof(*g->node));
	}
	if (2 * (g->nodes + 1) > g->slots)
		fill_slots(g, 2 * g->slots);
	*slot_of(g, n->hash) = g->nodes;
	g->node[g->nodes] = *n;
	return g->nodes++;
}

void ex_graph_link(struct ex_graph *g, uint32_t to)
{
	if (g->edges == g->edge_room) {
		g->edge_room *= 2;
		g->edge = grown(g->edge, g->edge_room, sizeof(*g->edge));
	}
	g->edge[g->edges++] = to;
}

static uint64_t edges_end(const struct ex_graph *g, uint32_t node)
{
	return node + 1 < g->nodes ? g->node[node + 1].edge : g->edges;
}

/* Takes nodes without transitions away, and the transitions that led to them, until none is left or
 * a circle is (Kahn, 1962). */
uint32_t ex_graph_endless(const struct ex_graph *g)
{
	uint64_t *first = calloc(g->nodes + 1u, sizeof(*first)); /* of the edges into a node */
	uint32_t *into = calloc(g->edges + 1u, sizeof(*into));
	uint32_t *left = calloc(g->nodes, sizeof(*left)); /* transitions out of a node */
	uint32_t *queue = calloc(g->nodes, sizeof(*queue));
	uint32_t head = 0, tail = 0, found = EX_NODE_NONE;

	weir_assert(first && into && left && queue);
	for (uint64_t e = 0; e < g->edges; e++)
		first[g->edge[e]]++;
	for (uint32_t i = 1; i <= g->nodes; i++)
		first[i] += first[i - 1];
	for (uint32_t i = 0; i < g->nodes; i++) {
		for (uint64_t e = g->node[i].edge; e < edges_end(g, i); e++)
			into[--first[g->edge[e]]] = i;
		left[i] = (uint32_t)(edges_end(g, i) - g->node[i].edge);
		if (left[i] == 0)
			queue[tail++] = i;
	}
	while (head < tail) {
		uint32_t n = queue[head++];
		uint64_t end = n + 1 < g->nodes ? first[n + 1] : g->edges;

		for (uint64_t e = first[n]; e < end; e++)
			if (--left[into[e]] == 0)
				queue[tail++] = into[e];
	}
	for (uint32_t i = 0; i < g->nodes && found == EX_NODE_NONE; i++)
		if (left[i])
			found = i;
	free(first);
	free(into);
	free(left);
	free(queue);
	return found;
}
