/*
 * Theory of operation
 *
 * Breadth first, so that what is found is found on a shortest path. A node is a hash and the action
 * that led there; to expand it, its state is made again by the actions from the first state on.
 * Nodes that follow each other in breadth-first order share most of their path, so the states along
 * the path of the last node are kept, and only what differs is done again: about one action a node.
 *
 * Three things are judged: each step (the world's `violated`), each state in which a run can end
 * (ex_world_finish()), and, when all is known, that no run goes on for ever. With the last two,
 * every run ends, and ends well, whatever the network and the applications do within the bound;
 * that is more than that a good end can always be reached.
 *
 * The search doubts itself. A state that is made again must have the hash that it had; and of every
 * MERGE_EVERYth path that leads to a state that is known, all that can happen next is compared with
 * what can happen next on the path that found it first. A canonical form that leaves out something
 * that matters shows up there.
 */
#include "sim/explore/search.h"

#include <stdlib.h>

#include "base/assert.h"
#include "sim/explore/graph.h"
#include "sim/rng.h"

#define MERGE_EVERY 37u
#define MERGES_MAX  65536u
#define ALIGN       64u

struct merge {
	uint32_t node;
	uint64_t future;
};

struct search {
	const struct ex_scenario *s;
	const struct ex_bounds *b;
	struct ex_result *r;
	struct ex_graph g;
	struct ex_world *live;
	struct ex_world *other;             /* the second state of a merge */
	struct ex_world *kept[EX_PATH_MAX]; /* the states along the last path */
	uint32_t kept_node[EX_PATH_MAX];
	unsigned kept_len;
	uint64_t merges; /* paths to a state that was known */
	struct merge *merge;
	unsigned merge_count;
	bool done;
};

const char *ex_outcome_text(enum ex_outcome o)
{
	switch (o) {
	case EX_HOLDS:
		return "holds";
	case EX_FOUND:
		return "counterexample found";
	case EX_VIOLATED:
		return "VIOLATED";
	case EX_NOT_FOUND:
		return "NOT FOUND";
	case EX_BOUND:
		return "BOUND REACHED";
	case EX_BROKEN:
		return "BROKEN";
	}
	return "";
}

static struct ex_world *world_new(void)
{
	size_t len = (sizeof(struct ex_world) + ALIGN - 1) / ALIGN * ALIGN;
	struct ex_world *w = aligned_alloc(ALIGN, len);

	weir_assert(w != NULL);
	return w;
}

static void stop(struct search *x, enum ex_outcome outcome)
{
	x->r->outcome = outcome;
	x->done = true;
}

/* The actions that led to a node. */
static unsigned path_to(const struct search *x, uint32_t node, struct ex_action *path)
{
	unsigned depth = x->g.node[node].depth;

	for (unsigned i = depth; i > 0; i--) {
		path[i - 1] = x->g.node[node].by;
		node = x->g.node[node].parent;
	}
	return depth;
}

/* Something was violated on the way from `node` by `last` (NULL: in the state itself). */
static void report(struct search *x, uint32_t node, const struct ex_action *last, unsigned violated,
		   const char *why)
{
	struct ex_result *r = x->r;
	unsigned bad = violated & x->s->hold & ~ex_variant(r->variant).excused;
	unsigned wanted = violated & x->s->find;

	if (x->done || !(bad | wanted))
		return;
	r->violated = bad ? bad : wanted;
	r->why = why;
	r->path_len = path_to(x, node, r->path);
	if (last)
		r->path[r->path_len++] = *last;
	stop(x, bad ? EX_VIOLATED : EX_FOUND);
}

static bool hash_eq(struct ex_hash a, struct ex_hash b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* Makes the state of a node in x->live, and keeps the states on the way. */
static void load(struct search *x, uint32_t node)
{
	uint32_t path[EX_PATH_MAX];
	unsigned depth = x->g.node[node].depth, at = depth;

	for (uint32_t n = node; n != EX_NODE_NONE; n = x->g.node[n].parent)
		path[at--] = n;
	at = 0;
	while (at + 1 <= depth && at + 1 < x->kept_len && x->kept_node[at + 1] == path[at + 1])
		at++;
	ex_world_restore(x->live, x->kept[at]);
	for (unsigned i = at + 1; i <= depth; i++) {
		ex_world_apply(x->live, &x->g.node[path[i]].by);
		if (!x->kept[i])
			x->kept[i] = world_new();
		ex_world_save(x->kept[i], x->live);
		x->kept_node[i] = path[i];
	}
	x->kept_len = depth + 1;
	if (!hash_eq(ex_world_hash(x->live), x->g.node[node].hash))
		stop(x, EX_BROKEN);
}

/* --- Two paths to one state --------------------------------------------------------------- */

static uint64_t digest(struct ex_hash h, unsigned violated)
{
	return sim_mix(h.lo ^ sim_mix(violated + 1u));
}

/* What can happen from x->live, which is left changed. */
static uint64_t future_of(struct search *x)
{
	struct ex_action action[EX_ACTIONS_MAX];
	unsigned n = ex_world_actions(x->live, action);
	uint64_t future = n;

	ex_world_save(x->other, x->live);
	ex_world_restore(x->live, x->other);
	for (unsigned i = 0; i < n; i++) {
		ex_world_undo(x->live, x->other);
		ex_world_apply(x->live, &action[i]);
		future += digest(ex_world_hash(x->live), x->live->violated);
	}
	for (unsigned h = 0; h < EX_HOSTS; h++)
		x->live->touched[h] = true; /* it is further away from what it was than an action */
	return future;
}

static void note_merge(struct search *x, uint32_t node)
{
	if (x->merges++ % MERGE_EVERY || x->merge_count == MERGES_MAX)
		return;
	x->merge[x->merge_count++] = (struct merge){node, future_of(x)};
}

static void compare_merges(struct search *x)
{
	for (unsigned i = 0; i < x->merge_count && !x->done; i++) {
		const struct merge *m = &x->merge[i];

		if (x->g.node[m->node].future != m->future) {
			x->r->path_len = path_to(x, m->node, x->r->path);
			stop(x, EX_BROKEN);
		}
	}
	x->r->merged += x->merge_count;
}

/* --- The search --------------------------------------------------------------------------- */

static void reach(struct search *x, uint32_t from, const struct ex_action *a)
{
	struct ex_hash h = ex_world_hash(x->live);
	unsigned violated = x->live->violated;
	uint32_t to = ex_graph_find(&x->g, h);
	struct ex_node *n = &x->g.node[from];

	n->future += digest(h, violated);
	report(x, from, a, violated, x->live->why);
	if (x->done)
		return;
	if (to == EX_NODE_NONE) {
		struct ex_node new = {
			.hash = h, .parent = from, .depth = (uint16_t)(n->depth + 1), .by = *a};

		if (x->live->overflow || new.depth >= x->b->depth_max ||
		    x->g.nodes >= x->b->states_max) {
			stop(x, EX_BOUND);
			return;
		}
		to = ex_graph_add(&x->g, &new);
	} else {
		note_merge(x, to);
	}
	ex_graph_link(&x->g, to);
}

static void expand(struct search *x, uint32_t node)
{
	struct ex_action action[EX_ACTIONS_MAX];
	unsigned depth = x->g.node[node].depth;
	unsigned n = ex_world_actions(x->live, action);

	x->g.node[node].edge = (uint32_t)x->g.edges;
	x->g.node[node].future = n;
	if (ex_world_may_end(x->live, action, n)) {
		x->r->ends++;
		report(x, node, NULL, ex_world_finish(x->live), NULL);
	}
	for (unsigned i = 0; i < n && !x->done; i++) {
		if (i > 0)
			ex_world_undo(x->live, x->kept[depth]);
		ex_world_apply(x->live, &action[i]);
		reach(x, node, &action[i]);
	}
}

static void begin(struct search *x, unsigned variant, enum ex_tamper tamper)
{
	struct ex_node first = {.parent = EX_NODE_NONE};

	ex_world_init(x->live, x->s, x->b, variant, tamper, NULL);
	ex_world_save(x->kept[0], x->live);
	x->kept_len = 1;
	x->merges = x->merge_count = 0;
	first.hash = ex_world_hash(x->live);
	ex_graph_add(&x->g, &first);
}

static void explore(struct search *x, unsigned variant, enum ex_tamper tamper)
{
	uint32_t endless;

	ex_graph_init(&x->g);
	begin(x, variant, tamper);
	for (uint32_t i = 0; i < x->g.nodes && !x->done; i++) {
		load(x, i);
		if (!x->done)
			expand(x, i);
	}
	if (!x->done)
		compare_merges(x);
	endless = x->done ? EX_NODE_NONE : ex_graph_endless(&x->g);
	if (endless != EX_NODE_NONE)
		report(x, endless, NULL, EX_LIVE, NULL);
	x->r->states += x->g.nodes;
	x->r->transitions += x->g.edges;
	if (x->g.node[x->g.nodes - 1].depth > x->r->depth)
		x->r->depth = x->g.node[x->g.nodes - 1].depth;
	ex_graph_free(&x->g);
}

void ex_search(const struct ex_scenario *s, const struct ex_bounds *b, unsigned variants,
	       enum ex_tamper tamper, struct ex_result *r)
{
	struct search x = {.s = s, .b = b, .r = r};

	weir_assert(b->depth_max <= EX_PATH_MAX);
	*r = (struct ex_result){.outcome = EX_HOLDS};
	x.live = world_new();
	x.other = world_new();
	x.kept[0] = world_new();
	x.merge = calloc(MERGES_MAX, sizeof(*x.merge));
	weir_assert(x.merge != NULL);
	if (variants == 0 || variants > s->variants)
		variants = s->variants;
	for (unsigned v = 0; v < variants && !x.done; v++) {
		r->variant = v;
		explore(&x, v, tamper);
		r->variants++;
	}
	if (!x.done && s->find)
		r->outcome = EX_NOT_FOUND;
	for (unsigned i = 0; i < EX_PATH_MAX; i++)
		free(x.kept[i]);
	free(x.merge);
	free(x.other);
	free(x.live);
}
