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

/* Runs seeds `first` to `first + count - 1`, prints one line for each that fails (at most 20), and
 * one at the end with the totals. `name` is the test's, for the line that repeats a seed. */
void seeds_run(const char *name, enum sim_scenario_kind kind, uint64_t first, uint64_t count,
	       struct seeds_total *total);

#endif
