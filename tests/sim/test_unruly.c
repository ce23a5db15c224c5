/*
 * Connections that end badly: aborted, closed with bytes unread, refused, cut off by a link that
 * dies. What was read is a right prefix, every end ends (by its timeouts if need be), and nothing
 * is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "seeds.h"

#define FIRST_SEED 1u
#define SEEDS      2000u

static void test_every_end_ends(void **state)
{
	static const struct seeds_plan plan = {.name = "sim.unruly",
					       .kind = SIM_SCENARIO_UNRULY,
					       .network = SEEDS_HONEST,
					       .first = FIRST_SEED,
					       .count = SEEDS};
	struct seeds_total t;

	(void)state;
	seeds_run(&plan, &t);
	assert_int_equal(t.failures, 0);
	if (getenv("WEIR_SIM_SEED") != NULL)
		return;
	/* All of it happened. */
	assert_true(t.aborted > 0 && t.refused > 0 && t.timed_out > 0 && t.reset > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_end_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
