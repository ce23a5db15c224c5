/*
 * Initial sequence numbers: RFC 6528, RFC9293-MUST-8, -9, SHLD-1, RFC6528-01.
 */
#include "fixture.h"

#include "base/hash.h"
#include "tcp/isn.h"

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t pair[12] = {10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80};

/* One step for each 4 us, a full turn in 4.77 hours. */
static void test_clock(void **state)
{
	uint32_t at0 = isn_make(key, pair, sizeof(pair), 0).v;
	static const struct {
		uint64_t us;
		uint32_t ticks;
	} rows[] = {
		{0, 0},
		{3, 0},
		{4, 1},
		{7, 1},
		{8, 2},
		{1000000, 250000},
		{(1ull << 32) * 4, 0},
		{(1ull << 32) * 4 + 40, 10},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++)
		assert_int_equal(isn_make(key, pair, sizeof(pair), rows[i].us * 1000).v,
				 (uint32_t)(at0 + rows[i].ticks));
}

/* Any field, any bit of the key: another number. */
static void test_depends_on_all(void **state)
{
	uint32_t isn = isn_make(key, pair, sizeof(pair), 0).v;
	uint32_t ts = isn_ts_offset(key, pair, sizeof(pair));
	uint32_t port = isn_port_offset(key, pair, sizeof(pair));

	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof(pair); bit++) {
		uint8_t other[sizeof(pair)];

		memcpy(other, pair, sizeof(pair));
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(isn_make(key, other, sizeof(pair), 0).v, isn);
		assert_int_not_equal(isn_ts_offset(key, other, sizeof(pair)), ts);
		assert_int_not_equal(isn_port_offset(key, other, sizeof(pair)), port);
	}
	for (unsigned bit = 0; bit < 128; bit++) {
		uint8_t other[16];

		memcpy(other, key, 16);
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(isn_make(other, pair, sizeof(pair), 0).v, isn);
		assert_int_not_equal(isn_ts_offset(other, pair, sizeof(pair)), ts);
	}
}

/* What goes out in the clear (timestamps) tells nothing about the rest. */
static void test_uses_are_apart(void **state)
{
	uint32_t isn = isn_make(key, pair, sizeof(pair), 0).v;
	uint32_t ts = isn_ts_offset(key, pair, sizeof(pair));
	uint32_t port = isn_port_offset(key, pair, sizeof(pair));

	(void)state;
	assert_int_not_equal(isn, ts);
	assert_int_not_equal(isn, port);
	assert_int_not_equal(ts, port);
	assert_int_not_equal(isn, (uint32_t)siphash24(key, pair, sizeof(pair)));
}

/* RFC6528-03: with the key kept, a later incarnation begins higher. */
static void test_monotone(void **state)
{
	seq_t last = isn_make(key, pair, sizeof(pair), 0);

	(void)state;
	for (unsigned i = 1; i < 1000; i++) {
		seq_t next = isn_make(key, pair, sizeof(pair), i * 1000 * NS_PER_MS);

		assert_true(seq_gt(next, last));
		last = next;
	}
}

static void test_longest_name(void **state)
{
	uint8_t id[40] = {0};
	uint32_t one = isn_ts_offset(key, id, 36);

	(void)state;
	assert_int_not_equal(isn_ts_offset(key, id, 40), one); /* the length counts too */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),          cmocka_unit_test(test_depends_on_all),
		cmocka_unit_test(test_uses_are_apart), cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_longest_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
