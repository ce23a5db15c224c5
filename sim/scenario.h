/*
 * scenario.h: hosts, their links and the talks between them, all chosen by one seed.
 */
#ifndef WEIR_SIM_SCENARIO_H
#define WEIR_SIM_SCENARIO_H

#include "sim/world.h"

enum sim_scenario_kind {
	SIM_SCENARIO_TRANSFER, /* two hosts; every stream arrives whole, however bad the links */
	SIM_SCENARIO_UNRULY,   /* two hosts; aborts, early closes, refusals, links that die */
	SIM_SCENARIO_CROWD,    /* three to six hosts, many talks at once, orderly ones and others */
};

/* Makes a world of `seed`, ready to run. The same arguments give the same run. */
void sim_scenario_make(struct sim_world *w, enum sim_scenario_kind kind, uint64_t seed,
		       const struct sim_hooks *hooks);

/* The stack settings that the simulator begins with: the defaults with small tables, so that a
 * stack is made in no time, and keys from the seed. */
void sim_stack_config(struct weir_config *cfg, uint64_t seed);

/* Host `number`'s addresses: 10.0.0.n and fd00::n, n = number + 1. */
void sim_host_addrs(struct sim_host_config *cfg, unsigned number);

#endif
