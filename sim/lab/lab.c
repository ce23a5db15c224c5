/*
 * lab.c: the table of experiments, and running one many times.
 */
#include "sim/lab/lab.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim/lab/experiments.h"
#include "sim/lab/world.h"

/* In the order of the document. */
static const struct lab_experiment *const experiments[] = {
	&lab_reliability, &lab_handshake,  &lab_two_way,   &lab_half_open,  &lab_syn_flood,
	&lab_close_ways,  &lab_half_close, &lab_time_wait, &lab_congestion,
};
#define EXPERIMENTS (sizeof(experiments) / sizeof(experiments[0]))

const struct lab_experiment *lab_experiment(unsigned i)
{
	return i < EXPERIMENTS ? experiments[i] : NULL;
}

const struct lab_experiment *lab_find(const char *name)
{
	for (unsigned i = 0; i < EXPERIMENTS; i++)
		if (strcmp(experiments[i]->name, name) == 0)
			return experiments[i];
	return NULL;
}

void lab_say(struct lab_words *w, const char *format, ...)
{
	size_t room = sizeof(w->text) - w->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->text + w->len, room, format, args);
	va_end(args);
	weir_assert(n >= 0);
	w->len += (size_t)n < room ? (size_t)n : room - 1;
}

void lab_say_runs(struct lab_words *w, uint64_t count, uint64_t runs)
{
	if (w->lang == LAB_ZH && count == runs)
		lab_say(w, "%" PRIu64 " 次运行中每次都有", runs);
	else if (w->lang == LAB_ZH)
		lab_say(w, "%" PRIu64 " 次运行中有 %" PRIu64 " 次", runs, count);
	else if (count == 0)
		lab_say(w, "in none of %" PRIu64 " runs", runs);
	else if (count == runs)
		lab_say(w, "in each of %" PRIu64 " runs", runs);
	else
		lab_say(w, "in %" PRIu64 " of %" PRIu64 " runs", count, runs);
}

/* The seeds of runs do not depend on the variant. */
static uint64_t run_seed(uint64_t seed, uint64_t run)
{
	return sim_mix(sim_mix(seed) ^ run);
}

static void run_once(struct lab_run *r, const struct lab_experiment *e, unsigned variant,
		     uint64_t seed, struct lab_figure *figure)
{
	sim_rng_seed(&r->rng, seed);
	r->variant = &e->variant[variant];
	r->count = e->count;
	r->figure = figure;
	r->world.run = r;
	e->run(r);
	lab_end(r);
}

static void add_up(const struct lab_experiment *e, struct lab_figure *all,
		   const struct lab_figure *one)
{
	for (unsigned c = 0; c < e->counts; c++) {
		all[c].samples += one[c].samples;
		if (e->count[c].merge != LAB_MAX)
			all[c].value += one[c].value;
		else if (one[c].value > all[c].value)
			all[c].value = one[c].value;
	}
}

void lab_measure(const struct lab_experiment *e, uint64_t seed, uint64_t runs,
		 struct lab_result *out)
{
	struct lab_run *r = malloc(sizeof(*r));
	bool told = false;

	weir_assert(r != NULL && runs > 0 && runs <= LAB_RUNS_MAX);
	weir_assert(e->counts <= LAB_COUNTS_MAX && e->variants <= LAB_VARIANTS_MAX);
	memset(out, 0, sizeof(*out));
	out->seed = seed;
	out->runs = runs;
	for (uint64_t i = 0; i < runs; i++) {
		for (unsigned v = 0; v < e->variants; v++) {
			struct lab_figure one[LAB_COUNTS_MAX] = {{0}};

			memset(r, 0, sizeof(*r));
			run_once(r, e, v, run_seed(seed, i), one);
			add_up(e, out->figure[v], one);
			if (!told && v == e->drawn_variant && one[e->drawn_count].value != 0) {
				told = true;
				out->telling = i;
			}
		}
	}
	free(r);
}

void lab_look(const struct lab_experiment *e, unsigned variant, uint64_t seed, uint64_t run,
	      const struct lab_watch *watch, struct lab_sight *out)
{
	struct lab_run *r = calloc(1, sizeof(*r));
	struct lab_figure none[LAB_COUNTS_MAX] = {{0}};

	weir_assert(r != NULL && variant < e->variants);
	memset(out, 0, sizeof(*out));
	r->watch = watch;
	r->sight = out;
	run_once(r, e, variant, run_seed(seed, run), none);
	out->end = r->world.now;
	free(r);
}
