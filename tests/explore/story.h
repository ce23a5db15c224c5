/*
 * story.h: prints how a counterexample came about: its actions with the states of both ends, and
 * the ladder that each engine's own trace gives.
 */
#ifndef WEIR_TESTS_EXPLORE_STORY_H
#define WEIR_TESTS_EXPLORE_STORY_H

#include <stdio.h>

#include "sim/explore/search.h"

/* `r` is the result of `s` with a path in it. 0; -1: out of memory. */
int story_print(FILE *out, const struct ex_scenario *s, const struct ex_bounds *b,
		enum ex_tamper tamper, const struct ex_result *r);

#endif
