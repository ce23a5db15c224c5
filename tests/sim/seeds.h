/*
 * seeds.h: runs scenarios for many seeds, and one of them with everything printed.
 *
 * WEIR_SIM_SEED=N runs only seed N, with a trace; WEIR_SIM_SEEDS=COUNT runs another number of seeds
 * than the test's own.
 */
#ifndef WEIR_TESTS_SIM_SEEDS_H
#define WEIR_TESTS_SIM_SEEDS_H

#include "sim/scenario.h"

/* What many runs did together. */
struct seeds_total {
	uint64_t runs, failures;
	uint64_t frames, steps, bytes; /* bytes: delivered to applications */
	uint64_t lost, duplicated, reordered, damaged;
	uint64_t aborted, refused, timed_out, reset; /* ends that were not orderly */
};

/* What the network does beside its links. */
enum seeds_network {
	SEEDS_HONEST,
	SEEDS_HOSTILE, /* somebody on the way injects packets of his own: see sim/forge.h */
};

struct seeds_plan {
	const char *name; /* of the test, for the line that repeats a seed */
	enum sim_scenario_kind kind;
	enum seeds_network network;
	uint64_t first, count;
};

/* Has `again`, the command that repeats the run that begins now, printed if the process crashes. */
void seeds_note(const char *again);

/* Runs the plan's seeds, prints one line for each that fails (the first 50), and one at the end
 * with the totals. */
void seeds_run(const struct seeds_plan *plan, struct seeds_total *total);

#endif
