/*
 * Theory of operation
 *
 * A ladder is collected while the stack runs and written at the end. Each record goes to its
 * connection's flow (ladder_flow.c), found through a hash table by the number that the engine gave
 * it; records of no connection go to the strays. Flows are kept in the order in which they began.
 *
 * Bounds: flows_max connections, rows_max rows of each, LADDER_STRAYS_MAX strays. What is beyond a
 * bound is counted, and the ladder says so. Out of memory counts as beyond.
 */
#include <stdlib.h>
#include <string.h>

#include "sink/ladder_flow.h"
#include "sink/ladder_print.h"
#include "sink/ladder_stray.h"
#include "weir/sink.h"

#define FLOWS_DEFAULT 1000u
#define ROWS_DEFAULT  2000u
/* The hash table's slots are counted in 32 bits, and half of them stay free. */
#define FLOWS_MOST 1000000u
#define ROWS_LEAST 8u
/* Connections that are looked at for the one which an ICMP message of ours refuses. */
#define ANSWERED_COMPARED 256u

struct weir_ladder {
	struct textstyle style;
	struct ladder_names names;
	size_t flows_max, rows_max;
	struct ladder_flow **flow; /* flow_count of flows_max */
	size_t flow_count;
	uint32_t *slot; /* index into flow, plus 1; 0: free */
	uint32_t slot_mask;
	uint64_t flows_omitted;
	uint32_t omitted_last; /* the highest number among those */
	struct ladder_strays strays;
	weir_time start;
	bool any;
};

static size_t or_default(size_t n, size_t def)
{
	return n ? n : def;
}

struct weir_ladder *weir_ladder_new(const struct weir_ladder_args *args)
{
	struct weir_ladder *l = calloc(1, sizeof(*l));
	uint32_t slots = 64;

	if (!l)
		return NULL;
	textstyle_init(&l->style, args->charset, args->colour, args->width);
	text_copy_name(l->names.local, sizeof(l->names.local),
		       args->local_name ? args->local_name : "weir");
	text_copy_name(l->names.remote, sizeof(l->names.remote),
		       args->remote_name ? args->remote_name : "peer");
	l->names.name_of = args->name_of;
	l->names.user = args->user;
	l->flows_max = or_default(args->flows_max, FLOWS_DEFAULT);
	if (l->flows_max > FLOWS_MOST)
		l->flows_max = FLOWS_MOST;
	l->rows_max = or_default(args->rows_max, ROWS_DEFAULT);
	if (l->rows_max < ROWS_LEAST)
		l->rows_max = ROWS_LEAST;
	while (slots < 2 * l->flows_max)
		slots *= 2;
	l->slot_mask = slots - 1;
	l->flow = calloc(l->flows_max, sizeof(struct ladder_flow *));
	l->slot = calloc(slots, sizeof(*l->slot));
	if (l->flow && l->slot)
		return l;
	weir_ladder_free(l);
	return NULL;
}

void weir_ladder_free(struct weir_ladder *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->flow_count; i++) {
		ladder_flow_free(l->flow[i]);
		free(l->flow[i]);
	}
	free(l->flow);
	free(l->slot);
	ladder_strays_free(&l->strays);
	free(l);
}

/* The slot of a flow, or the free one where it would go. */
static uint32_t *slot_of(struct weir_ladder *l, uint32_t id)
{
	/* Numbers are consecutive: Fibonacci hashing spreads any stride. */
	uint32_t at = id * 2654435769u & l->slot_mask;

	while (l->slot[at] != 0 && l->flow[l->slot[at] - 1]->id != id)
		at = (at + 1) & l->slot_mask;
	return &l->slot[at];
}

static struct ladder_flow *flow_omit(struct weir_ladder *l, uint32_t id)
{
	if (l->flows_omitted == 0 || id > l->omitted_last) {
		l->flows_omitted++;
		l->omitted_last = id;
	}
	return NULL;
}

/* The flow of a record, made if it is new; NULL if there is no room for it. */
static struct ladder_flow *flow_of(struct weir_ladder *l, const struct weir_trace_record *r)
{
	uint32_t *slot = slot_of(l, r->flow);
	struct ladder_flow *f;

	if (*slot != 0)
		return l->flow[*slot - 1];
	if (l->flow_count == l->flows_max)
		return flow_omit(l, r->flow);
	f = malloc(sizeof(*f));
	if (!f)
		return flow_omit(l, r->flow);
	ladder_flow_init(f, r, l->rows_max);
	l->flow[l->flow_count++] = f;
	*slot = (uint32_t)l->flow_count;
	return f;
}

static bool endpoint_is(const struct weir_endpoint *a, const struct weir_endpoint *b)
{
	return a->port == b->port && a->addr.family == b->addr.family &&
	       memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes)) == 0;
}

/* The connection whose SYN is refused with this ICMP message, which the engine sends for nobody:
 * one of the latest with the same two ends. NULL: none. */
static struct ladder_flow *flow_answered(const struct weir_ladder *l,
					 const struct weir_trace_record *r)
{
	size_t oldest = l->flow_count > ANSWERED_COMPARED ? l->flow_count - ANSWERED_COMPARED : 0;

	if (r->kind != WEIR_TRACE_OUT || r->is_tcp || r->tuple.remote.port == 0)
		return NULL;
	for (size_t i = l->flow_count; i > oldest; i--) {
		struct ladder_flow *f = l->flow[i - 1];

		if (endpoint_is(&f->tuple.remote, &r->tuple.remote) &&
		    endpoint_is(&f->tuple.local, &r->tuple.local))
			return f;
	}
	return NULL;
}

void weir_ladder_feed(struct weir_ladder *l, const struct weir_trace_record *r)
{
	struct ladder_flow *f;

	if (!l->any)
		l->start = r->at;
	l->any = true;
	f = r->flow ? flow_of(l, r) : flow_answered(l, r);
	if (f)
		ladder_flow_feed(f, r);
	else if (r->flow == 0)
		ladder_strays_feed(&l->strays, r);
}

void weir_ladder_print(struct weir_ladder *l, FILE *out, const struct weir_stack *s, weir_time now)
{
	char number[TEXT_NUMBER_BYTES];

	if (l->flow_count > 0)
		fputs("States with ~ are inferred from the segments.\n\n", out);
	for (size_t i = 0; i < l->flow_count; i++) {
		ladder_flow_flush(l->flow[i]);
		ladder_print_flow(out, &l->style, &l->names, l->flow[i], l->start);
	}
	if (l->flows_omitted)
		fprintf(out, "%s more connection%s %s not shown.\n\n",
			text_count(number, l->flows_omitted), l->flows_omitted == 1 ? "" : "s",
			l->flows_omitted == 1 ? "is" : "are");
	ladder_strays_print(&l->strays, out, &l->style, l->start);
	if (s)
		ladder_print_tables(out, &l->style, s, now);
}
