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

/* Hooks that print to standard output; *s must live as long as the world. */
struct sim_hooks show_hooks(struct show *s, const struct sim_world *world);

/* Describes the world before it runs. */
void show_world(const struct sim_world *w);

#endif
