/*
 * Transfers while somebody injects one packet for ten that he sees, each just beside what a TCP
 * would heed (forge.c): nothing is harmed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seeds.h"

static void test_forged_packets_do_no_harm(void **state)
{
	static const struct seeds_plan plan = {.name = "sim.hostile",
					       .kind = SIM_SCENARIO_TRANSFER,
					       .network = SEEDS_HOSTILE,
					       .first = 1,
					       .count = 3000};
	struct seeds_total t;

	(void)state;
	seeds_run(&plan, &t);
	assert_int_equal(t.failures, 0);
	assert_int_equal(t.aborted + t.refused + t.timed_out + t.reset, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged_packets_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
