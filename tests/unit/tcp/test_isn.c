/*
 * Initial sequence numbers: RFC 6528, RFC9293-MUST-8, -9, SHLD-1, RFC6528-01.
 */
#include "fixture.h"

#include "base/hash.h"
#include "tcp/isn.h"

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t pair[12] = {10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80};

/*
 * One step for each 4 us, a full turn in 4.77 hours.
 * neg: RFC9293-MUST-8 RFC9293-SHLD-1
 */
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

/*
 * Any field, any bit of the key: another number.
 * req: RFC9293-SHLD-1 RFC6528-01
 */
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

/*
 * With the key kept, a later incarnation begins higher.
 * neg: RFC6528-03
 */
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

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* How many different values; sorts them. */
static unsigned distinct(uint32_t *v, unsigned n)
{
	unsigned count = 1;

	qsort(v, n, sizeof(*v), by_value);
	for (unsigned i = 1; i < n; i++)
		count += v[i] != v[i - 1];
	return count;
}

#define PORTS 50000u

/*
 * What an outsider sees of other tuples or of another key tells nothing: the numbers of adjacent
 * ports, and of the same port under two keys, have no constant difference. Among 50,000 random
 * 32-bit values about 0.3 pairs are equal; a function that is linear in the port has few
 * differences.
 * neg: RFC9293-MUST-9 RFC6528-01
 */
static void test_no_pattern(void **state)
{
	static uint32_t step[PORTS], between[PORTS];
	static const uint8_t other[16] = {[15] = 1};
	uint8_t id[12];
	uint32_t last = 0;

	(void)state;
	memcpy(id, pair, sizeof(id));
	for (unsigned port = 0; port < PORTS; port++) {
		uint32_t isn;

		id[10] = (uint8_t)(port >> 8);
		id[11] = (uint8_t)port;
		isn = isn_make(key, id, sizeof(id), 0).v;
		step[port] = isn - last;
		between[port] = isn - isn_make(other, id, sizeof(id), 0).v;
		last = isn;
	}
	assert_true(distinct(step, PORTS) > PORTS - 10);
	assert_true(distinct(between, PORTS) > PORTS - 10);
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
		cmocka_unit_test(test_no_pattern),     cmocka_unit_test(test_longest_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
