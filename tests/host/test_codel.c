/*
 * CoDel against RFC 8289: its control law, the times of its drops, and when it drops at all.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "link/codel.h"

#define MS  UINT64_C(1000000)
#define LEN 1500u

static void test_control_law(void **state)
{
	static const uint64_t intervals[] = {100 * MS, 20 * MS, 4000 * MS, 1};
	struct codel c;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		codel_init(&c, 5 * MS, intervals[i]);
		for (uint32_t count = 1; count < 100000; count += 1 + count / 7) {
			uint64_t got = codel_control_law(&c, 1000, count) - 1000;
			long double root = (long double)intervals[i] / sqrtl(count);

			assert_true(got <= (uint64_t)(root + 1e-6L));
			assert_true((long double)got > root - 1.000001L);
		}
	}
	codel_init(&c, 5 * MS, 100 * MS);
	assert_int_equal(codel_control_law(&c, 0, 1), 100 * MS);
	assert_int_equal(codel_control_law(&c, 0, 2), 70710678);
	assert_int_equal(codel_control_law(&c, 0, 4), 50 * MS);
}

static const struct codel_packet slow = {.sojourn_ns = 6 * MS, .behind = 9000, .largest = LEN};
static const struct codel_packet quick = {.sojourn_ns = 4 * MS, .behind = 9000, .largest = LEN};
static const struct codel_packet last = {.sojourn_ns = 6 * MS, .behind = LEN, .largest = LEN};

/* Asks once a millisecond from `from` on; when the k-th drop comes. */
static uint64_t drop_time(struct codel *c, uint64_t from, unsigned k)
{
	for (uint64_t t = from;; t += MS) {
		while (codel_decide(c, &slow, t) == CODEL_DROP) {
			if (--k == 0)
				return t;
		}
	}
}

static void test_codel_drops(void **state)
{
	/* In ms: an interval after the first slow packet, then 100 / sqrt(n) later each,
	 * counted from drop_next and so without drift; 1 ms is the grain of the questions. */
	struct codel c;
	double due = 100;

	(void)state;
	for (unsigned k = 1; k <= 50; k++) {
		codel_init(&c, 5 * MS, 100 * MS);
		assert_int_equal(drop_time(&c, 1 * MS, k) / MS, 1 + (uint64_t)ceil(due - 1e-6));
		due += 100 / sqrt(k);
	}
}

static void test_codel_state(void **state)
{
	struct codel c;

	(void)state;
	codel_init(&c, 5 * MS, 100 * MS);
	/* Slow for an interval but for one quick packet, or one with nothing behind it. */
	for (uint64_t t = 1; t < 300; t++)
		assert_int_equal(codel_decide(&c, t % 90 == 0 ? &quick : &slow, t * MS),
				 CODEL_SEND);
	for (uint64_t t = 300; t < 600; t++)
		assert_int_equal(codel_decide(&c, t % 90 == 0 ? &last : &slow, t * MS), CODEL_SEND);
	/* The first drop, and the next packet goes at once, though it was slow too. */
	assert_int_equal(codel_decide(&c, &slow, 700 * MS), CODEL_DROP);
	assert_int_equal(codel_decide(&c, &slow, 700 * MS), CODEL_SEND);
	assert_int_equal(drop_time(&c, 701 * MS, 9), 1171 * MS); /* 470.5 */
	/* A quick one ends it. Soon after, it goes on at the rate that it had: 10 drops less 1. */
	assert_int_equal(codel_decide(&c, &quick, 1200 * MS), CODEL_SEND);
	assert_false(c.dropping);
	assert_int_equal(drop_time(&c, 1201 * MS, 1), 1301 * MS);
	assert_int_equal(c.count, 9);
	assert_int_equal(c.drop_next, 1301 * MS + 100 * MS / 3);
	/* After 16 intervals it begins anew, though it went on for five drops. */
	(void)drop_time(&c, 1301 * MS, 5);
	assert_int_equal(c.count, 14);
	assert_int_equal(codel_decide(&c, &quick, 1900 * MS), CODEL_SEND);
	assert_int_equal(drop_time(&c, 4000 * MS, 1), 4100 * MS);
	assert_int_equal(c.count, 1);
}

/* RFC 8289 5.6: what waited for just the target has waited too long. */
static void test_codel_target(void **state)
{
	static const struct codel_packet just = {
		.sojourn_ns = 5 * MS, .behind = 9000, .largest = LEN};
	struct codel c;

	(void)state;
	codel_init(&c, 5 * MS, 100 * MS);
	for (uint64_t t = 1; t <= 100; t++)
		assert_int_equal(codel_decide(&c, &just, t * MS), CODEL_SEND);
	assert_int_equal(codel_decide(&c, &just, 101 * MS), CODEL_DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_law),
		cmocka_unit_test(test_codel_drops),
		cmocka_unit_test(test_codel_state),
		cmocka_unit_test(test_codel_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
