#include "storms.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "seeds.h"

#define FAILURES_SHOWN 20u

uint64_t storms_fresh_seed(void)
{
	uint64_t seed = (uint64_t)time(NULL) * 1000000;

	printf("fresh seeds from %" PRIu64 " on\n", seed);
	return seed;
}

void storms_run(uint64_t first, uint64_t count)
{
	const struct storm_cut whole = STORM_WHOLE;
	uint64_t failures = 0, segments = 0, connections = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct storm_result r;
		char again[64];

		snprintf(again, sizeof(again), "weir storm --seed %" PRIu64, first + i);
		seeds_note(again);
		storm_run(first + i, &whole, NULL, &r);
		segments += r.segments;
		connections += r.connections;
		if (r.failed && failures++ < FAILURES_SHOWN)
			fprintf(stderr, "seed %" PRIu64 ", step %" PRIu64 ": %s; repeat with %s\n",
				first + i, r.steps, r.text, again);
	}
	printf("%" PRIu64 " storms from seed %" PRIu64 ", %" PRIu64 " failures, %" PRIu64
	       " segments, %" PRIu64 " connections\n",
	       count, first, failures, segments, connections);
	assert_int_equal(failures, 0);
	assert_true(connections > count);
}
