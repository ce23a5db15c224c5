/*
 * Sequence numbers around the wrap, against the same sums in 64 bits. RFC9293-X-07: arithmetic
 * modulo 2^32.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/seq.h"
#include "prng.h"

static const struct {
	uint32_t a, b;
	int32_t diff; /* a - b */
} pairs[] = {
	{0, 0, 0},
	{1, 0, 1},
	{0, 1, -1},
	{0, UINT32_MAX, 1},
	{UINT32_MAX, 0, -1},
	{5, UINT32_MAX - 4, 10},
	{0x7fffffff, 0, INT32_MAX},
	{0, 0x7fffffff, -INT32_MAX},
	{0x80000000, 1, INT32_MAX},
	{0xc0000000, 0x80000000, 0x40000000},
	{0x20000000, 0xe0000000, 0x40000000},
	{0xe0000000, 0x20000000, -0x40000000},
};

/* neg: RFC9293-X-07 */
static void test_compare(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		seq_t a = seq_make(pairs[i].a), b = seq_make(pairs[i].b);
		int32_t diff = pairs[i].diff;

		assert_int_equal(seq_diff(a, b), diff);
		assert_int_equal(seq_eq(a, b), diff == 0);
		assert_int_equal(seq_lt(a, b), diff < 0);
		assert_int_equal(seq_leq(a, b), diff <= 0);
		assert_int_equal(seq_gt(a, b), diff > 0);
		assert_int_equal(seq_geq(a, b), diff >= 0);
		assert_int_equal(seq_max(a, b).v, diff > 0 ? pairs[i].a : pairs[i].b);
		assert_int_equal(seq_min(a, b).v, diff < 0 ? pairs[i].a : pairs[i].b);
	}
}

static const struct {
	uint32_t s, lo, len;
	bool in;
} windows[] = {
	{10, 10, 0, false},
	{10, 10, 1, true},
	{9, 10, 5, false},
	{14, 10, 5, true},
	{15, 10, 5, false},
	{UINT32_MAX, UINT32_MAX, 2, true},
	{0, UINT32_MAX, 2, true},
	{1, UINT32_MAX, 2, false},
	{UINT32_MAX - 1, UINT32_MAX, 2, false},
	{0x40000000 - 2, UINT32_MAX, 0x40000000, true},
	{0x40000000 - 1, UINT32_MAX, 0x40000000, false},
};

static void test_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		assert_int_equal(
			seq_in(seq_make(windows[i].s), seq_make(windows[i].lo), windows[i].len),
			windows[i].in);
}

/* Offsets in 64 bits that are less than 2^31 apart compare as their low halves do. */
static void test_random(void **state)
{
	struct prng r = {3};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t a = prng_next(&r) >> 16, away = prng_scaled(&r) >> 33;
		seq_t s = seq_make((uint32_t)a), t = seq_make((uint32_t)(a + away));

		assert_int_equal(seq_add(s, (uint32_t)away).v, t.v);
		assert_int_equal(seq_sub(t, (uint32_t)away).v, s.v);
		assert_int_equal(seq_diff(t, s), away);
		assert_int_equal(seq_lt(s, t), away > 0);
		assert_int_equal(seq_gt(t, s), away > 0);
		assert_true(seq_leq(s, t) && seq_geq(t, s));
		assert_int_equal(seq_in(t, s, (uint32_t)away + 1), true);
		assert_int_equal(seq_in(t, s, (uint32_t)away), false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
