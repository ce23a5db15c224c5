/*
 * ways.c: imperfect ways between the two hosts (weir/impair.h), each with the frames that are
 * inside it as its ids. What a fate does to the bytes is the experiment's business.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "sim/lab/world.h"

#define PACKETS_MAX 4096u /* inside one way */

void lab_way_make(struct lab_run *r, enum lab_host from, const struct weir_impair_conf *conf)
{
	struct lab_world *w = &r->world;
	struct weir_impair_conf c = *conf;
	size_t bytes;

	weir_assert(w->way[from] == NULL && r->sent != NULL && r->came != NULL);
	c.packets_max = PACKETS_MAX;
	c.seed = sim_rng_next(&r->rng);
	weir_assert(weir_impair_check(&c) == NULL);
	bytes = weir_impair_size(&c);
	w->way_memory[from] = malloc(bytes);
	weir_assert(w->way_memory[from] != NULL);
	w->way[from] = weir_impair_init(w->way_memory[from], bytes, &c);
	weir_assert(w->way[from] != NULL);
}

bool lab_way_offer(struct lab_run *r, enum lab_host from, struct sim_frame *f)
{
	struct lab_world *w = &r->world;
	enum weir_impair_ecn ecn = weir_impair_ecn_of(f->bytes, f->len);

	if (weir_impair_offer(w->way[from], f->len, ecn, w->now, (uintptr_t)f) ==
	    WEIR_IMPAIR_ACCEPTED)
		return true;
	sim_frame_free(f);
	return false;
}

weir_time lab_ways_next(const struct lab_world *w)
{
	weir_time next = WEIR_NEVER;

	for (unsigned h = 0; h < LAB_HOSTS; h++)
		if (w->way[h] != NULL && weir_impair_deadline(w->way[h]) < next)
			next = weir_impair_deadline(w->way[h]);
	return next;
}

void lab_ways_run(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	struct weir_impair_out out;

	for (unsigned h = 0; h < LAB_HOSTS; h++) {
		while (w->way[h] != NULL && weir_impair_next(w->way[h], w->now, &out)) {
			struct sim_frame *f = (struct sim_frame *)(uintptr_t)out.id;

			r->came(r, (enum lab_host)h, out.last ? f : sim_frame_copy(f), &out);
		}
	}
}

void lab_ways_free(struct lab_world *w)
{
	struct weir_impair_out out;

	for (unsigned h = 0; h < LAB_HOSTS; h++) {
		while (w->way[h] != NULL && weir_impair_next(w->way[h], WEIR_NEVER - 1, &out))
			if (out.last)
				sim_frame_free((struct sim_frame *)(uintptr_t)out.id);
		free(w->way_memory[h]);
	}
}
