/*
 * graph.h: the states that were reached, each known by the hash of its canonical form, and the
 * transitions between them. A state itself is not kept: it is made again by the actions that led to
 * it first.
 */
#ifndef WEIR_SIM_EXPLORE_GRAPH_H
#define WEIR_SIM_EXPLORE_GRAPH_H

#include "sim/explore/world.h"

#define EX_NODE_NONE UINT32_MAX

struct ex_node {
	struct ex_hash hash;
	uint64_t future;     /* digest of what can happen next; set when it was expanded */
	uint32_t parent;     /* EX_NODE_NONE: the first state */
	uint32_t edge;       /* its first transition in graph.edge, once it was expanded */
	uint16_t depth;      /* actions from the first state, as few as can be */
	struct ex_action by; /* the last of them */
};

struct ex_graph {
	struct ex_node *node;
	uint32_t nodes, node_room;
	uint32_t *edge; /* where each transition leads, in order of the nodes that it leaves */
	uint64_t edges, edge_room;
	uint32_t *slot; /* hash table of nodes */
	uint32_t slots; /* a power of two */
};

void ex_graph_init(struct ex_graph *g);
void ex_graph_free(struct ex_graph *g);

/* The node with this hash, or EX_NODE_NONE. */
uint32_t ex_graph_find(const struct ex_graph *g, struct ex_hash h);
/* Adds a node that is not there yet; returns its number. */
uint32_t ex_graph_add(struct ex_graph *g, const struct ex_node *n);
/* Adds a transition of the node that is being expanded. */
void ex_graph_link(struct ex_graph *g, uint32_t to);

/* A node from which a run need never end, or EX_NODE_NONE: then every run reaches a state without
 * transitions. All nodes must have been expanded. */
uint32_t ex_graph_endless(const struct ex_graph *g);

#endif
