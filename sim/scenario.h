/*
 * scenario.h: hosts, their links and the talks between them, all chosen by one seed.
 */
#ifndef WEIR_SIM_SCENARIO_H
#define WEIR_SIM_SCENARIO_H

#include "sim/draw.h"
#include "sim/world.h"

enum sim_scenario_kind {
	SIM_SCENARIO_TRANSFER, /* two hosts; every stream arrives whole, however bad the links */
	SIM_SCENARIO_UNRULY,   /* two hosts; aborts, early closes, refusals, links that die */
	SIM_SCENARIO_CROWD,    /* three to six hosts, many talks at once, orderly ones and others */
};

/* Makes a world of `seed`, ready to run. The same arguments give the same run. */
void sim_scenario_make(struct sim_world *w, enum sim_scenario_kind kind, uint64_t seed,
		       const struct sim_hooks *hooks);

#endif
