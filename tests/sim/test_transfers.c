/*
 * 10,000 transfers between two hosts over links that lose, duplicate, reorder, delay and damage:
 * every stream arrives whole, every connection ends orderly on both sides, nothing is left behind,
 * and every segment keeps to the rules (sim/tap.c). A failure prints the seed that repeats it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seeds.h"

#define FIRST_SEED 1u
#define SEEDS      10000u

static void test_transfers_arrive_whole(void **state)
{
	static const struct seeds_plan plan = {.name = "sim.transfers",
					       .kind = SIM_SCENARIO_TRANSFER,
					       .network = SEEDS_HONEST,
					       .first = FIRST_SEED,
					       .count = SEEDS};
	struct seeds_total t;

	(void)state;
	seeds_run(&plan, &t);
	assert_int_equal(t.failures, 0);
	assert_int_equal(t.aborted + t.refused + t.timed_out + t.reset, 0);
	if (getenv("WEIR_SIM_SEED") != NULL)
		return;
	/* The links did their worst. */
	assert_true(t.lost > t.frames / 200);
	assert_true(t.duplicated > t.frames / 200);
	assert_true(t.reordered > t.frames / 200);
	assert_true(t.damaged > t.frames / 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfers_arrive_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
