/*
 * Assertions: they stay on in every build and end the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/assert.h"
#include "dies.h"

static volatile int zero;

static void assert_true_thing(void)
{
	weir_assert(zero == 0);
}

static void assert_false_thing(void)
{
	weir_assert(zero != 0);
}

static void test_assert(void **state)
{
	(void)state;
	assert_false(dies(assert_true_thing));
	assert_true(dies(assert_false_thing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
