/*
 * test_patience.c: waiting for progress on a machine that may be busy with something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/patience.h"

#define STEP 20u

/* A clock of its own, so that nothing here takes time. */
static void test_steps(void **state)
{
	/* Gap and progress of a step; then quiet and waited. */
	static const uint64_t
		rows[][4] =
			{
				{20, 0, 20, 20},     {20, 0, 40, 40},   {5, 0, 45, 45},
				{20, 7, 0, 65},      {20, 7, 20, 85},   {40, 7, 60, 125},
				{41, 7, 100, 165},   /* longer than two steps: ... */
				{5000, 7, 140, 205}, /* ... somebody else had the processor */
				{0, 7, 140, 205},    {9000, 8, 0, 245},
			};
	struct gate_patience p;
	uint64_t now = 1000;

	(void)state;
	gate_patience_start(&p, now);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		now += rows[i][0];
		gate_patience_step(&p, now, STEP, rows[i][1]);
		assert_int_equal(p.quiet_ns, rows[i][2]);
		assert_int_equal(p.waited_ns, rows[i][3]);
	}
	gate_patience_start(&p, now);
	assert_int_equal(p.waited_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
