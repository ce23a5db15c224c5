/*
 * Storms on the release build, where there is time for more of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storms.h"

static void test_fixed_seeds(void **state)
{
	(void)state;
	storms_run(100001, 10000);
}

static void test_fresh_seeds(void **state)
{
	(void)state;
	storms_run(storms_fresh_seed() + 500000, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_seeds),
		cmocka_unit_test(test_fresh_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
