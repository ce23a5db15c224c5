/*
 * forge.h: somebody on the way who injects packets of his own. He sees what goes by, but each of
 * his packets is one that a TCP must not heed: no stream may be harmed, and no connection ended.
 */
#ifndef WEIR_SIM_FORGE_H
#define WEIR_SIM_FORGE_H

#include "sim/world.h"

#define SIM_FORGE_PPM 100000u /* one packet for ten that he sees */

struct sim_forge {
	struct sim_rng rng;
	uint32_t ppm; /* packets that he answers, in a million */
	uint64_t forged;
};

void sim_forge_init(struct sim_forge *f, uint64_t seed, uint32_t ppm);

/* A frame has left host `from`: perhaps injects something towards the same receiver, or back to the
 * sender, that arrives at once. */
void sim_forge_beside(struct sim_forge *f, struct sim_world *w, unsigned from,
		      const struct sim_frame *seen);

#endif
