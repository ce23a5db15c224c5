/*
 * talk.c: the talks of a world. The table is sized at start and never moves, so that pointers stay
 * good; look-up is by a hash of both endpoints that does not mind their order.
 */
#include "sim/talk.h"

#include <stdlib.h>
#include <string.h>

#include "sim/frame.h"
#include "sim/rng.h"

void sim_talks_init(struct sim_talks *t, uint32_t max)
{
	uint32_t buckets = 1;

	while (buckets < max)
		buckets *= 2;
	memset(t, 0, sizeof(*t));
	t->max = max;
	t->list = sim_alloc(max, sizeof(*t->list));
	t->bucket = sim_alloc(buckets, sizeof(*t->bucket));
	t->bucket_mask = buckets - 1;
	for (uint32_t i = 0; i < buckets; i++)
		t->bucket[i] = SIM_TALK_NONE;
}

static void free_past(struct sim_wire_end *e)
{
	while (e->past != NULL) {
		struct sim_wire_end *past = e->past;

		e->past = past->past;
		free(past);
	}
}

void sim_talks_free(struct sim_talks *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		free_past(&t->list[i].wire[0]);
		free_past(&t->list[i].wire[1]);
	}
	free(t->list);
	free(t->bucket);
	memset(t, 0, sizeof(*t));
}

struct sim_talk *sim_talks_add(struct sim_talks *t, const struct sim_talk_spec *spec, uint64_t seed)
{
	struct sim_talk *talk;

	if (t->count == t->max)
		return NULL;
	talk = &t->list[t->count];
	talk->number = t->count++;
	talk->spec = *spec;
	talk->chain = SIM_TALK_NONE;
	for (unsigned side = 0; side < 2; side++) {
		struct sim_end *e = &talk->end[side];

		e->key = sim_mix(seed ^ sim_mix(talk->number * 2u + side));
		sim_rng_seed(&e->rng, ~e->key);
		e->wake = WEIR_NEVER;
	}
	return talk;
}

static uint64_t hash_endpoint(const struct weir_endpoint *e)
{
	uint64_t h = e->port;

	for (unsigned i = 0; i < (e->addr.family == 4 ? 4u : 16u); i++)
		h = h * 31 + e->addr.bytes[i];
	return sim_mix(h);
}

static uint32_t bucket_of(const struct sim_talks *t, const struct weir_endpoint *a,
			  const struct weir_endpoint *b)
{
	return (uint32_t)(hash_endpoint(a) + hash_endpoint(b)) & t->bucket_mask;
}

void sim_talks_index(struct sim_talks *t, struct sim_talk *talk)
{
	uint32_t *head = &t->bucket[bucket_of(t, &talk->at[0], &talk->at[1])];

	if (talk->indexed)
		return;
	talk->indexed = true;
	talk->chain = *head;
	*head = talk->number;
}

struct sim_talk *sim_talks_find(const struct sim_talks *t, const struct weir_endpoint *a,
				const struct weir_endpoint *b, unsigned *side)
{
	uint32_t i = t->bucket[bucket_of(t, a, b)];

	while (i != SIM_TALK_NONE) {
		struct sim_talk *talk = &t->list[i];

		for (*side = 0; *side < 2; ++*side)
			if (sim_endpoint_equal(&talk->at[*side], a) &&
			    sim_endpoint_equal(&talk->at[!*side], b))
				return talk;
		i = talk->chain;
	}
	return NULL;
}

struct sim_talk *sim_talks_older(const struct sim_talks *t, const struct sim_talk *talk)
{
	for (uint32_t i = talk->chain; i != SIM_TALK_NONE; i = t->list[i].chain)
		if (sim_endpoint_equal(&t->list[i].at[0], &talk->at[0]) &&
		    sim_endpoint_equal(&t->list[i].at[1], &talk->at[1]))
			return &t->list[i];
	return NULL;
}

/* --- Lives -------------------------------------------------------------------------------------
 */

struct sim_talk *sim_talks_owner(const struct sim_talks *t, struct sim_talk *talk, unsigned side)
{
	uint32_t boot = t->boot[talk->spec.host[side]];
	struct sim_talk *best = NULL;

	for (; talk != NULL; talk = sim_talks_older(t, talk)) {
		const struct sim_wire_end *e = &talk->wire[side];

		if (e->life != 0 && e->boot == boot &&
		    (best == NULL || e->order > best->wire[side].order))
			best = talk;
	}
	return best;
}

struct sim_wire_end *sim_life_of_isn(const struct sim_talks *t, struct sim_talk *talk,
				     unsigned side, uint32_t iss, struct sim_talk **where)
{
	for (; talk != NULL; talk = sim_talks_older(t, talk)) {
		*where = talk;
		for (struct sim_wire_end *e = &talk->wire[side]; e != NULL; e = e->past)
			if (e->life != 0 && e->iss == iss)
				return e;
	}
	return NULL;
}

struct sim_wire_end *sim_life_of_number(const struct sim_talks *t, struct sim_talk *talk,
					unsigned side, uint32_t life)
{
	for (; talk != NULL; talk = sim_talks_older(t, talk))
		for (struct sim_wire_end *e = &talk->wire[side]; e != NULL; e = e->past)
			if (e->life == life)
				return e;
	return NULL;
}

/* The life becomes the newest of its end; the two change places in the list. */
static void bring_forward(struct sim_wire_end *now, struct sim_wire_end *past)
{
	struct sim_wire_end was = *now;

	was.past = past->past;
	past->past = now->past;
	*now = *past;
	*past = was;
}

void sim_life_choose(struct sim_talks *t, struct sim_talk *talk, unsigned side, uint32_t iss)
{
	struct sim_wire_end *e = sim_life_of_isn(t, talk, side, iss, &talk);

	if (e == NULL || e->boot != t->boot[talk->spec.host[side]] ||
	    talk->end[side].phase != SIM_PHASE_NONE)
		return;
	if (e != &talk->wire[side])
		bring_forward(&talk->wire[side], e);
	talk->wire[side].order = ++t->order;
}

struct sim_wire_end *sim_life_begin(struct sim_talks *t, struct sim_talk *talk, unsigned side,
				    uint32_t iss, weir_time now)
{
	struct sim_wire_end *e = &talk->wire[side], *past = NULL;

	if (e->life != 0) {
		past = sim_alloc(1, sizeof(*past));
		*past = *e;
	}
	*e = (struct sim_wire_end){.life = ++t->lives,
				   .order = ++t->order,
				   .boot = t->boot[talk->spec.host[side]],
				   .past = past,
				   .begun = now,
				   .has_syn = true,
				   .iss = iss,
				   .nxt = iss + 1};
	return e;
}
