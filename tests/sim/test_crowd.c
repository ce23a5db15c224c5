/*
 * Three to six hosts, each linked to each, up to forty connections at once between them: orderly
 * ones arrive whole, the others end, and no connection is harmed by its neighbours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seeds.h"

static void test_a_crowd(void **state)
{
	static const struct seeds_plan plan = {.name = "sim.crowd",
					       .kind = SIM_SCENARIO_CROWD,
					       .network = SEEDS_HONEST,
					       .first = 1,
					       .count = 100};
	struct seeds_total t;

	(void)state;
	seeds_run(&plan, &t);
	assert_int_equal(t.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
