/*
 * What became of a stream, told from its bytes alone: each fault by itself, and some together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/lab/judge.h"
#include "sim/rng.h"

#define LEN 64000u /* 1,000 bytes for each sign of the map */

static uint8_t sent[LEN], got[2 * LEN];
static size_t got_len;
static struct judgement j;

/* Takes a piece of what was sent as read next. */
static void take(size_t from, size_t len)
{
	memcpy(got + got_len, sent + from, len);
	got_len += len;
}

static void judge(void)
{
	judge_stream(sent, LEN, got, got_len, &j);
	assert_int_equal(strlen(j.map), JUDGE_CELLS);
}

static int begin(void **state)
{
	(void)state;
	sim_pattern_fill(2026, 0, sent, LEN);
	got_len = 0;
	return 0;
}

static void assert_counts(uint64_t wrong, uint64_t lost, uint64_t twice, uint64_t moved)
{
	assert_false(j.intact);
	assert_int_equal(j.wrong, wrong);
	assert_int_equal(j.lost, lost);
	assert_int_equal(j.twice, twice);
	assert_int_equal(j.moved, moved);
}

static void test_intact(void **state)
{
	(void)state;
	take(0, LEN);
	judge();
	assert_true(j.intact);
	assert_int_equal(j.wrong + j.lost + j.twice + j.moved, 0);
	assert_int_equal(strspn(j.map, "="), JUDGE_CELLS);
}

static void test_wrong_bytes_in_their_place(void **state)
{
	(void)state;
	take(0, LEN);
	got[2500] ^= 0x40;
	got[60000] ^= 1;
	got[60001] ^= 0xff;
	got[60002] ^= 0x80;
	judge();
	assert_counts(4, 0, 0, 0);
	assert_int_equal(strspn(j.map, "=x"), JUDGE_CELLS);
	assert_true(j.map[2] == 'x' && j.map[60] == 'x' && j.map[3] == '=');
}

static void test_a_foreign_piece_in_the_place_of_ours(void **state)
{
	(void)state;
	take(0, LEN);
	sim_pattern_fill(sim_mix(7), 0, got + 10000, 1500);
	judge();
	assert_counts(1500, 0, 0, 0);
	assert_true(j.map[9] == '=' && j.map[10] == 'x' && j.map[11] == 'x' && j.map[12] == '=');
}

static void test_cut_off(void **state)
{
	(void)state;
	take(0, 30000);
	judge();
	assert_counts(0, LEN - 30000, 0, 0);
	assert_int_equal(strspn(j.map, "="), 30);
	assert_int_equal(strspn(j.map + 30, "."), JUDGE_CELLS - 30);
	got_len = 0;
	judge();
	assert_counts(0, LEN, 0, 0);
}

static void test_a_missing_piece_moves_the_rest(void **state)
{
	(void)state;
	take(0, 10000);
	take(12000, LEN - 12000);
	judge();
	assert_counts(0, 2000, 0, LEN - 12000);
	assert_true(j.map[9] == '=' && j.map[10] == '.' && j.map[11] == '.' && j.map[12] == '~');
}

static void test_a_piece_twice(void **state)
{
	(void)state;
	take(0, 20000);
	take(18000, 2000);
	take(20000, LEN - 20000);
	judge();
	assert_counts(0, 0, 2000, 2000 + LEN - 20000);
	assert_true(j.map[17] == '=' && j.map[18] == '2' && j.map[20] == '~');
}

static void test_two_pieces_the_other_way_round(void **state)
{
	(void)state;
	take(0, 20000);
	take(21000, 1000);
	take(20000, 1000);
	take(22000, LEN - 22000);
	judge();
	assert_counts(0, 0, 0, 2000);
	assert_true(j.map[19] == '=' && j.map[20] == '~' && j.map[21] == '~' && j.map[22] == '=');
}

static void test_nothing_of_ours(void **state)
{
	(void)state;
	sim_pattern_fill(sim_mix(99), 0, got, LEN);
	got_len = LEN;
	judge();
	assert_counts(LEN, LEN, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_intact, begin),
		cmocka_unit_test_setup(test_wrong_bytes_in_their_place, begin),
		cmocka_unit_test_setup(test_a_foreign_piece_in_the_place_of_ours, begin),
		cmocka_unit_test_setup(test_cut_off, begin),
		cmocka_unit_test_setup(test_a_missing_piece_moves_the_rest, begin),
		cmocka_unit_test_setup(test_a_piece_twice, begin),
		cmocka_unit_test_setup(test_two_pieces_the_other_way_round, begin),
		cmocka_unit_test_setup(test_nothing_of_ours, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
