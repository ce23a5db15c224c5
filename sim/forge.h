/*
 * forge.h: somebody on the way who injects packets of his own. He sees what goes by, but each of
 * his packets is one that a TCP must not heed: no stream may be harmed, and no connection ended.
 */
#ifndef WEIR_TESTS_SIM_FORGE_H
#define WEIR_TESTS_SIM_FORGE_H

#include "sim/world.h"

struct forge {
	struct sim_rng rng;
	uint64_t forged;
};

void forge_init(struct forge *f, uint64_t seed);

/* A frame has left host `from`: perhaps injects something towards the same receiver, or back to the
 * sender, that arrives at once. */
void forge_beside(struct forge *f, struct sim_world *w, unsigned from,
		  const struct sim_frame *seen);

#endif
