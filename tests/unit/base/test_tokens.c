/*
 * Tokens: at most `burst` in an interval, over the wrap of the 32-bit millisecond clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/tokens.h"

#define MS   1000000ull
#define WRAP ((uint64_t)1 << 32) /* ms */

static const struct {
	uint64_t at_ms;
	bool got;
} takes[] = {
	/* 2 in 100 ms */
	{7, true},    {7, true},   {7, false},   {106, false}, {107, true},   {150, true},
	{206, false}, {207, true}, {1000, true}, {1001, true}, {1002, false},
};

static void test_take(void **state)
{
	static const uint64_t starts_ms[] = {0, 5000, WRAP - 8, WRAP - 107, WRAP - 500, WRAP};

	(void)state;
	for (size_t s = 0; s < sizeof(starts_ms) / sizeof(starts_ms[0]); s++) {
		struct tokens t = {0};

		for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
			assert_int_equal(
				tokens_take(&t, (starts_ms[s] + takes[i].at_ms) * MS, 2, 100),
				takes[i].got);
	}
}

static void test_none(void **state)
{
	struct tokens t = {0};

	(void)state;
	assert_false(tokens_take(&t, 0, 0, 1000));
	assert_false(tokens_take(&t, 5000 * MS, 0, 1000));
	/* No interval: no bound. */
	for (int i = 0; i < 5; i++)
		assert_true(tokens_take(&t, 5000 * MS, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
