/*
 * show.h: prints what happens in a simulated world, one line an event, for somebody who repeats a
 * seed.
 */
#ifndef WEIR_TESTS_SIM_SHOW_H
#define WEIR_TESTS_SIM_SHOW_H

#include "sim/world.h"

struct show {
	const struct sim_world *world;
};

/* Makes the hooks that watch print to standard output. *s must live as long as the world, and
 * hooks->user must point to it, or to a struct that begins with it. */
void show_hooks(struct show *s, const struct sim_world *world, struct sim_hooks *hooks);

/* Describes the world before it runs. */
void show_world(const struct sim_world *w);

#endif
