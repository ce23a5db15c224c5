/*
 * plan.h: what a seed means: everything about a storm that is settled before it runs.
 */
#ifndef WEIR_SIM_STORM_PLAN_H
#define WEIR_SIM_STORM_PLAN_H

#include "sim/storm/storm.h"
#include "sim/world.h"

#define STORM_HOSTS_MAX 5u
#define STORM_LISTENERS 3u

struct storm_plan {
	uint64_t seed;
	weir_time start;
	bool wild; /* nothing but each end's own behaviour can be demanded */
	unsigned hosts, talks, troubles;
	uint8_t family; /* 4 or 6; 0: each connection has its own */
	uint32_t forge_ppm;
	struct sim_host_config host[STORM_HOSTS_MAX];
	struct weir_listen_args listen[STORM_HOSTS_MAX][STORM_LISTENERS];
	struct sim_link_config link[STORM_HOSTS_MAX][STORM_HOSTS_MAX];
	struct sim_talk_spec talk[STORM_TALKS_MAX];
	struct sim_trouble trouble[STORM_TROUBLES_MAX];
};

/* Draws the plan of a seed. Each host, link, connection and trouble has a generator of its own, so
 * that one can be left out without another changing. */
void storm_plan_draw(struct storm_plan *p, uint64_t seed);

/* Leaves out what the cut leaves out. */
void storm_plan_cut(struct storm_plan *p, const struct storm_cut *cut);

#endif
