/*
 * storms.h: runs storms by their seeds and says how to repeat one that fails.
 */
#ifndef WEIR_TESTS_SIM_STORMS_H
#define WEIR_TESTS_SIM_STORMS_H

#include "sim/storm/storm.h"

/* Runs `count` storms from seed `first` on, and fails the test if one of them fails. */
void storms_run(uint64_t first, uint64_t count);

/* A seed that no run of the tests is likely to have had: made of the time of day, and printed. */
uint64_t storms_fresh_seed(void);

#endif
