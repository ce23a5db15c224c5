/*
 * Storms: a fixed number of seeds and some fresh ones; that a seed repeats itself; that cheating is
 * found out; and that a failure is made small.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storms.h"

#define FIXED 1500u
#define FRESH 500u

static const struct storm_cut whole = STORM_WHOLE;

static void test_fixed_seeds(void **state)
{
	(void)state;
	storms_run(1, FIXED);
}

static void test_fresh_seeds(void **state)
{
	(void)state;
	storms_run(storms_fresh_seed(), FRESH);
}

static uint64_t digest_of(uint64_t seed)
{
	struct storm_watch watch = {.digest = true};
	struct storm_result r;

	storm_run(seed, &whole, &watch, &r);
	return r.digest;
}

/* The same seed gives the same packets at the same times. */
static void test_a_seed_repeats_itself(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		assert_true(digest_of(seed) != 0);
		assert_true(digest_of(seed) == digest_of(seed));
		assert_true(digest_of(seed) != digest_of(seed + 1));
	}
}

/* Every part, left out alone, leaves a storm that runs. */
static void test_each_part_can_be_left_out(void **state)
{
	(void)state;
	for (unsigned p = 0; p < STORM_PART_COUNT; p++)
		for (uint64_t seed = 1; seed <= 5; seed++) {
			struct storm_cut cut = whole;
			struct storm_result r;

			cut.without = 1u << p;
			storm_run(seed, &cut, NULL, &r);
			if (r.failed)
				fail_msg("without %s: seed %" PRIu64 ": %s",
					 storm_part_name((enum storm_part)p), seed, r.text);
		}
}

/* --- Cheating ----------------------------------------------------------------------------------
 */

/* The first seed in which the plant is found, with how it was. */
static uint64_t find_plant(enum storm_plant plant, const char *text, struct storm_result *r)
{
	const struct storm_watch watch = {.plant = plant};

	for (uint64_t seed = 1; seed <= 20; seed++) {
		storm_run(seed, &whole, &watch, r);
		if (r->failed && strstr(r->text, text) != NULL)
			return seed;
	}
	fail_msg("nothing that says \"%s\" in 20 seeds", text);
	return 0;
}

static void test_cheating_is_found_out(void **state)
{
	struct storm_result r;

	(void)state;
	find_plant(STORM_PLANT_BYTE, "wrong byte at offset", &r);
	assert_true(r.has_tuple && r.steps > 0);
	find_plant(STORM_PLANT_RST, "ended with \"connection reset\"", &r);
}

/* A run that is stopped before the failing step does not fail; one step later it does. */
static void test_until(void **state)
{
	const struct storm_watch watch = {.plant = STORM_PLANT_BYTE};
	struct storm_result r;
	uint64_t seed = find_plant(STORM_PLANT_BYTE, "wrong byte at offset", &r), step = r.steps;
	struct storm_cut cut = whole;

	(void)state;
	cut.until = step;
	storm_run(seed, &cut, &watch, &r);
	assert_false(r.failed);
	cut.until = step + 1;
	storm_run(seed, &cut, &watch, &r);
	assert_true(r.failed && r.steps == step);
}

/* --- Shrinking ---------------------------------------------------------------------------------
 */

struct target {
	uint64_t seed;
	const char *rule;
};

/* storm_try */
static bool fails_alike(void *user, const struct storm_cut *cut)
{
	const struct target *t = user;
	const struct storm_watch watch = {.plant = STORM_PLANT_BYTE};
	struct storm_result r;

	storm_run(t->seed, cut, &watch, &r);
	return r.failed && r.rule == t->rule;
}

static unsigned bits(uint64_t v)
{
	unsigned n = 0;

	for (; v != 0; v &= v - 1)
		n++;
	return n;
}

/* What is left of a planted failure: one or two connections, no crashes, almost no parts. */
static void test_shrinking(void **state)
{
	struct storm_result r;
	struct target t;
	struct storm_cut cut = whole;

	(void)state;
	t.seed = find_plant(STORM_PLANT_BYTE, "wrong byte at offset", &r);
	t.rule = r.rule;
	assert_in_range(storm_shrink(&cut, &r, 400, fails_alike, &t), 10, 400);
	assert_true(fails_alike(&t, &cut));
	assert_in_range(bits(cut.talks), 1, 2);
	assert_int_equal(bits(cut.troubles), 0);
	assert_in_range(bits(cut.without), STORM_PART_COUNT - 3, STORM_PART_COUNT);
}

/* It stops where it is told to, with a cut that fails. */
static void test_shrinking_is_bounded(void **state)
{
	struct storm_result r;
	struct target t;
	struct storm_cut cut = whole;

	(void)state;
	t.seed = find_plant(STORM_PLANT_BYTE, "wrong byte at offset", &r);
	t.rule = r.rule;
	assert_int_equal(storm_shrink(&cut, &r, 3, fails_alike, &t), 3);
	assert_true(fails_alike(&t, &cut));
}

/* --- Cuts as text ------------------------------------------------------------------------------
 */

static void test_cuts_as_text(void **state)
{
	const struct storm_result all = {.talks = 12, .troubles = 3};
	struct storm_cut cut = whole;
	uint64_t numbers;
	uint32_t parts;
	char text[256];

	(void)state;
	storm_write_cut(text, sizeof(text), &cut, &all);
	assert_string_equal(text, "");
	cut.without = 1u << STORM_LOSS | 1u << STORM_CRASH;
	cut.talks = 1u << 3 | 1u << 11;
	cut.troubles = 0;
	cut.bytes = 100;
	cut.until = 77;
	storm_write_cut(text, sizeof(text), &cut, &all);
	assert_string_equal(text, " --without loss,crash --talks 3,11 --troubles none --bytes 100 "
				  "--until 77");
	assert_int_equal(storm_read_parts("loss,crash", &parts), 0);
	assert_int_equal(parts, cut.without);
	assert_int_equal(storm_read_parts("loss,", &parts), -1);
	assert_int_equal(storm_read_parts("los", &parts), -1);
	assert_int_equal(storm_read_parts("", &parts), -1);
	assert_int_equal(storm_read_numbers("3,11", 64, &numbers), 0);
	assert_int_equal(numbers, cut.talks);
	assert_int_equal(storm_read_numbers("64", 64, &numbers), -1);
	assert_int_equal(storm_read_numbers("3,,4", 64, &numbers), -1);
	assert_int_equal(storm_read_numbers("3x", 64, &numbers), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_seeds),
		cmocka_unit_test(test_fresh_seeds),
		cmocka_unit_test(test_a_seed_repeats_itself),
		cmocka_unit_test(test_each_part_can_be_left_out),
		cmocka_unit_test(test_cheating_is_found_out),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_shrinking),
		cmocka_unit_test(test_shrinking_is_bounded),
		cmocka_unit_test(test_cuts_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
