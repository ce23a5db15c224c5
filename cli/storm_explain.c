/*
 * storm_explain.c: one storm again, with a ladder, and smaller.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "storm.h"
#include "weir/sink.h"

#define TRIES_MAX 600u
#define FLOWS_MAX 64u

static const char *const plants[] = {
	[STORM_PLANT_NONE] = "none",
	[STORM_PLANT_BYTE] = "byte",
	[STORM_PLANT_TRAP] = "trap",
	[STORM_PLANT_RST] = "rst",
};

int storm_find_plant(const char *name, enum storm_plant *out)
{
	for (unsigned i = STORM_PLANT_NONE + 1; i < sizeof(plants) / sizeof(plants[0]); i++)
		if (strcmp(plants[i], name) == 0) {
			*out = (enum storm_plant)i;
			return 0;
		}
	return -1;
}

void storm_print_command(uint64_t seed, const struct storm_cut *cut,
			 const struct storm_result *whole, enum storm_plant plant)
{
	char text[1024];

	storm_write_cut(text, sizeof(text), cut, whole);
	printf("weir storm --seed %" PRIu64 "%s", seed, text);
	if (plant != STORM_PLANT_NONE)
		printf(" --plant %s", plants[plant]);
	putchar('\n');
}

/* --- Ladders ------------------------------------------------------------------------------------
 */

/* A connection that is drawn, as one of its hosts sees it. */
struct drawn {
	unsigned host;
	struct weir_tuple tuple;
};

struct drawing {
	struct weir_ladder *ladder;
	bool one; /* only the connection that failed; otherwise each, as its opener sees it */
	struct drawn flow[FLOWS_MAX];
	unsigned count;
	weir_time now;
};

static bool same_tuple(const struct weir_tuple *a, const struct weir_tuple *b)
{
	return a->local.port == b->local.port && a->remote.port == b->remote.port &&
	       memcmp(a->local.addr.bytes, b->local.addr.bytes, 16) == 0 &&
	       memcmp(a->remote.addr.bytes, b->remote.addr.bytes, 16) == 0;
}

static bool is_drawn(struct drawing *d, unsigned host, const struct weir_trace_record *r)
{
	const uint8_t syn = WEIR_TCP_SYN, both = WEIR_TCP_SYN | WEIR_TCP_ACK;

	for (unsigned i = 0; i < d->count; i++)
		if (d->flow[i].host == host && same_tuple(&d->flow[i].tuple, &r->tuple))
			return true;
	if (d->one || d->count == FLOWS_MAX || r->kind != WEIR_TRACE_OUT || !r->is_tcp ||
	    (r->seg_flags & both) != syn)
		return false;
	d->flow[d->count].host = host;
	d->flow[d->count++].tuple = r->tuple;
	return true;
}

static void on_trace(void *user, unsigned host, const struct weir_trace_record *r)
{
	struct drawing *d = user;

	d->now = r->at;
	if (is_drawn(d, host, r))
		weir_ladder_feed(d->ladder, r);
}

void storm_explain(const struct storm_options *o, const struct storm_failure *f)
{
	static struct drawing d;
	struct weir_ladder_args args = {.local_name = "host", .remote_name = "peer"};
	struct storm_watch watch = {.user = &d, .trace = on_trace, .plant = o->watch.plant};
	struct storm_cut cut = o->cut;
	struct storm_result r;

	memset(&d, 0, sizeof(d));
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		args.charset = WEIR_CHARSET_UTF8;
	if (isatty(STDOUT_FILENO))
		args.colour = WEIR_COLOUR_ALWAYS;
	d.ladder = weir_ladder_new(&args);
	if (d.ladder == NULL)
		return;
	if (f != NULL && f->result.has_tuple) {
		d.one = true;
		d.count = 1;
		d.flow[0].host = f->result.host;
		d.flow[0].tuple = f->result.tuple;
	}
	if (f != NULL && f->crashed)
		cut.until = f->result.steps; /* the step that must not run here */
	storm_run(o->first, &cut, &watch, &r);
	weir_ladder_print(d.ladder, stdout, NULL, d.now);
	weir_ladder_free(d.ladder);
}

/* --- Smaller ------------------------------------------------------------------------------------
 */

struct target {
	uint64_t seed;
	enum storm_plant plant;
	const struct storm_failure *like;
	struct storm_failure last; /* the failure of the smallest cut so far */
};

/* storm_try */
static bool fails_alike(void *user, const struct storm_cut *cut)
{
	struct target *t = user;
	struct storm_failure f;

	if (storm_apart_run(t->seed, cut, t->plant, &f) != 0 || !f.result.failed)
		return false;
	if (f.crashed != t->like->crashed)
		return false;
	if (f.crashed ? strcmp(f.result.text, t->like->result.text) != 0
		      : f.result.rule != t->like->result.rule)
		return false;
	t->last = f;
	return true;
}

void storm_make_small(struct storm_options *o, struct storm_failure *f)
{
	struct target t = {.seed = f->seed, .plant = o->watch.plant, .like = f, .last = *f};
	struct storm_cut none = {.without = 0};
	struct storm_result whole;
	unsigned tries;

	storm_run(f->seed, &none, NULL, &whole); /* for the numbers of what there is */
	tries = storm_shrink(&o->cut, &whole, TRIES_MAX, fails_alike, &t);
	o->cut.until = t.last.result.steps + 1;
	*f = t.last;
	printf("smallest of %u: seed %" PRIu64 ", step %" PRIu64 ": %s\n", tries + 1, f->seed,
	       f->result.steps, f->result.text);
	storm_print_command(f->seed, &o->cut, &whole, o->watch.plant);
}
