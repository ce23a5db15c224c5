/*
 * search.h: explores a scenario to the end, or until something is found.
 */
#ifndef WEIR_SIM_EXPLORE_SEARCH_H
#define WEIR_SIM_EXPLORE_SEARCH_H

#include "sim/explore/world.h"

#define EX_PATH_MAX 256u

enum ex_outcome {
	EX_HOLDS,     /* all was explored, and every property that must hold does */
	EX_FOUND,     /* the counterexample that must exist was found */
	EX_VIOLATED,  /* a property that must hold does not */
	EX_NOT_FOUND, /* all was explored, and the counterexample that must exist was not there */
	EX_BOUND,     /* states, depth or a table did not suffice: nothing is shown */
	EX_BROKEN,    /* the explorer itself: a state could not be made again, or two states with
		       * the same canonical form have different futures */
};
const char *ex_outcome_text(enum ex_outcome o);

struct ex_result {
	enum ex_outcome outcome;
	uint32_t states;
	uint64_t transitions;
	uint64_t ends;   /* states in which a run can end */
	uint64_t merged; /* pairs of paths to one state whose futures were compared */
	unsigned depth;  /* the longest of the shortest paths to a state */
	unsigned variants;
	/* FOUND, VIOLATED: what, and the shortest way to it. */
	unsigned violated;
	const char *why; /* EX_CHECK: the engine's text; otherwise NULL */
	unsigned variant;
	unsigned path_len;
	struct ex_action path[EX_PATH_MAX];
};

/* Explores all variants, or the first `variants` of them (0: all). */
void ex_search(const struct ex_scenario *s, const struct ex_bounds *b, unsigned variants,
	       enum ex_tamper tamper, struct ex_result *r);

#endif
