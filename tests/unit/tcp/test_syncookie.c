/*
 * SYN cookies as numbers: RFC4987-06, -07, -08.
 */
#include "fixture.h"

#include "tcp/syncookie.h"

#define TICK    1000u
#define SYN_SEQ seq_make(70000)

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint64_t pair = 0x0123456789abcdef; /* the pair's hash: demux_hash() */

static bool check(uint32_t tick, seq_t cookie)
{
	uint16_t mss;

	return syncookie_check(key, pair, SYN_SEQ, tick, cookie, &mss);
}

static seq_t make(uint16_t mss)
{
	return syncookie_make(key, pair, SYN_SEQ, TICK, mss);
}

/*
 * The MSS comes back as the class below it.
 * neg: RFC4987-06
 */
static void test_mss(void **state)
{
	static const struct {
		uint16_t said, read;
	} rows[] = {
		{1, 28},      {28, 28},     {255, 28},    {256, 256},    {535, 256},   {536, 536},
		{1219, 536},  {1220, 1220}, {1360, 1360}, {1439, 1360},  {1440, 1440}, {1459, 1440},
		{1460, 1460}, {8939, 1460}, {8940, 8940}, {65495, 8940},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		uint16_t mss = 0;

		assert_true(syncookie_check(key, pair, SYN_SEQ, TICK, make(rows[i].said), &mss));
		assert_int_equal(mss, rows[i].read);
	}
}

/*
 * In its tick and the next, and in no other, however far.
 * neg: RFC4987-07
 */
static void test_time(void **state)
{
	seq_t cookie = make(1460);

	(void)state;
	assert_true(check(TICK, cookie));
	assert_true(check(TICK + 1, cookie));
	assert_false(check(TICK - 1, cookie));
	for (uint32_t later = 2; later < 10000; later++)
		assert_false(check(TICK + later, cookie));
}

/*
 * Another key, pair or initial number: another cookie.
 * neg: RFC4987-07
 */
static void test_depends_on_all(void **state)
{
	seq_t cookie = make(1460);
	uint8_t other[sizeof(key)];
	uint16_t mss;

	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof(key); bit++) {
		memcpy(other, key, sizeof(key));
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(syncookie_check(other, pair, SYN_SEQ, TICK, cookie, &mss));
	}
	for (unsigned bit = 0; bit < 64; bit++)
		assert_false(syncookie_check(key, pair ^ 1ull << bit, SYN_SEQ, TICK, cookie, &mss));
	for (unsigned bit = 0; bit < 32; bit++)
		assert_false(syncookie_check(key, pair, seq_make(SYN_SEQ.v ^ 1u << bit), TICK,
					     cookie, &mss));
}

/* Of all numbers that agree with a cookie in all but some 20 bits, the cookie alone is right. */
static void test_neighbours(void **state)
{
	seq_t cookie = make(1460);
	unsigned low = 0, high = 0;

	(void)state;
	for (uint32_t x = 0; x < 1u << 20; x++) {
		low += check(TICK, seq_make(cookie.v ^ x));
		high += check(TICK, seq_make(cookie.v ^ x << 12));
	}
	assert_int_equal(low, 1);
	assert_int_equal(high, 1);
}

/*
 * What the timestamp carries comes back, whatever the clock; and the timestamp is never later than
 * the clock, nor more than 64 ms earlier.
 * neg: RFC4987-08
 */
static void test_timestamp(void **state)
{
	static const uint32_t clocks[] = {0, 1, 63, 64, 65, 1000000, 0x7fffffff, 0x80000000, ~0u};

	(void)state;
	for (unsigned i = 0; i < LENGTH(clocks); i++)
		for (unsigned bits = 0; bits < 32; bits++) {
			struct tcp_agreed said = {.sack_ok = bits & 16,
						  .wscale_ok = (bits & 15) < 15,
						  .snd_wscale = (bits & 15) % 15};
			struct tcp_agreed read = {0};
			uint32_t ts = syncookie_ts(clocks[i], &said);

			assert_in_range(clocks[i] - ts, 0, 64);
			syncookie_ts_read(ts, &read);
			assert_int_equal(read.sack_ok, said.sack_ok);
			assert_int_equal(read.wscale_ok, said.wscale_ok);
			assert_int_equal(read.snd_wscale, said.wscale_ok ? said.snd_wscale : 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mss),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_depends_on_all),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_timestamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
