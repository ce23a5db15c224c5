/*
 * storm.h: the parts of `weir storm`: running many seeds in several processes, drawing one as
 * ladders, and finding the smallest storm that still fails.
 *
 * Each storm runs in a process of its own making, since a broken assertion of the engine ends the
 * process: it is a failure of that seed like any other.
 */
#ifndef WEIR_CLI_STORM_H
#define WEIR_CLI_STORM_H

#include "sim/storm/storm.h"

#define STORM_JOBS_MAX 256u

struct storm_options {
	uint64_t first;   /* seed */
	uint64_t seeds;   /* how many; UINT64_MAX: as many as fit into the time */
	uint64_t seconds; /* no seed is begun after these; 0: no limit */
	unsigned jobs;    /* processes */
	struct storm_cut cut;
	struct storm_watch watch; /* its hooks are NULL */
};

/* What many storms did together. */
struct storm_total {
	uint64_t seeds, failures;
	uint64_t first_failing; /* valid if failures != 0 */
	uint64_t segments, connections, bytes, steps, crashes;
	uint64_t digest; /* of all storms, in whatever order they ran */
	double seconds;
};

/* One that failed. */
struct storm_failure {
	uint64_t seed;
	bool crashed; /* the process ended: only `steps` and `text` of the result are valid */
	struct storm_result result;
};

/* Is told of each failure when it is found. */
typedef void storm_report(void *user, const struct storm_failure *f);

/* Runs the seeds. 0; -1: a process cannot be made, and it was said so. */
int storm_pool_run(const struct storm_options *o, storm_report *report, void *user,
		   struct storm_total *total);

/* Runs one storm apart. 0: *out is its result; -1: a process cannot be made, and it was said so. */
int storm_apart_run(uint64_t seed, const struct storm_cut *cut, enum storm_plant plant,
		    struct storm_failure *out);

/* Runs one storm again and prints the ladder of the connection that it failed on, or of all its
 * connections. The failure, or NULL. */
void storm_explain(const struct storm_options *o, const struct storm_failure *f);

/* Finds the smallest cut with which the seed fails as it does in *f and prints the command that
 * repeats it. The cut is left in o->cut, its failure in *f. */
void storm_make_small(struct storm_options *o, struct storm_failure *f);

/* The plant of that name. 0; -1: there is none. */
int storm_find_plant(const char *name, enum storm_plant *out);

/* Prints the command that repeats a storm. */
void storm_print_command(uint64_t seed, const struct storm_cut *cut,
			 const struct storm_result *whole, enum storm_plant plant);

#endif
