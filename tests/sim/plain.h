/*
 * plain.h: a world for tests that disturb one thing: host 0 sends 20,000 bytes to port 80 of
 * host 1, 5,000 come back, over links without trouble that take 1 ms; both ends shut down and
 * close. The talk opens 1 ms after the start.
 */
#ifndef WEIR_TESTS_SIM_PLAIN_H
#define WEIR_TESTS_SIM_PLAIN_H

#include "sim/world.h"

#define PLAIN_START 5000000000ull

struct plain {
	struct sim_hooks hooks;
	uint64_t timestamps[2]; /* of each host: 0 or 1 */
};

/* The world, ready to run; its talk's plans may still be changed. */
void plain_world(struct sim_world *w, const struct plain *plain);

#endif
