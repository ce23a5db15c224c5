/*
 * The initial window (RFC 6928) and the restart window after an idle time (RFC 5681 4.1).
 */
#include "fixture.h"

#include "tcp/cc.h"

/* RFC6928-01, -02, RFC5681-05, -06 */
static void test_initial_window(void **state)
{
	static const struct {
		uint32_t mss;
		uint8_t syn_retries;
		uint64_t segments;
		uint32_t cwnd;
	} rows[] = {
		{1460, 0, 10, 14600}, {536, 0, 10, 5360},   {1500, 0, 10, 14600},
		{1220, 0, 10, 12200}, {8960, 0, 10, 17920}, {65480, 0, 10, 130960},
		{1460, 1, 10, 14600}, /* one lost SYN is forgiven */
		{1460, 2, 10, 1460},  {536, 200, 10, 536},  {1460, 0, 4, 5840},
		{1460, 0, 1, 1460},   {1, 0, 10, 10},
	};
	struct weir_config cfg;

	(void)state;
	weir_config_default(&cfg);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct cc c = {.acked = 7, .limited = true};

		cfg.initial_cwnd = rows[i].segments;
		cc_init(&c, &cfg, rows[i].mss, rows[i].syn_retries);
		assert_int_equal(c.cwnd, rows[i].cwnd);
		assert_true(c.ssthresh > 1u << 30); /* larger than any window */
		assert_int_equal(c.acked, 0);
		assert_false(c.limited);
	}
}

/* RFC5681-17: RW = min(IW, cwnd) */
static void test_idle(void **state)
{
	struct cc c = {.cwnd = 100000, .ssthresh = 50000};
	struct weir_config cfg;

	(void)state;
	weir_config_default(&cfg);
	cc_idle(&c, &cfg, 1460);
	assert_int_equal(c.cwnd, 14600);
	assert_int_equal(c.ssthresh, 50000);
	c.cwnd = 3000;
	cc_idle(&c, &cfg, 1460);
	assert_int_equal(c.cwnd, 3000);
	c.cwnd = 100000;
	cfg.idle_restart = 0;
	cc_idle(&c, &cfg, 1460);
	assert_int_equal(c.cwnd, 100000);
}

/*
 * A loss in a first window of more than 4 KB, and no other, makes the restart windows RFC 3390's.
 * neg: RFC6928-03
 */
static void test_restart_after_loss(void **state)
{
	static const struct {
		uint32_t acked, flight, mss, cwnd;
	} rows[] = {
		{0, 14600, 1460, 4380},      {0, 4096, 1460, 14600}, /* not more than 4 KB */
		{0, 4097, 1460, 4380},       {14599, 1, 1460, 4380},
		{14600, 14600, 1460, 14600}, {UINT32_MAX, 14600, 1460, 14600},
		{0, 5360, 536, 2144},        {0, 20000, 4000, 8000},
	};
	struct weir_config cfg;

	(void)state;
	weir_config_default(&cfg);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct cc c;

		cc_init(&c, &cfg, rows[i].mss, 0);
		cc_acked(&c, rows[i].acked);
		cc_acked(&c, 0);
		cc_lost(&c, rows[i].flight);
		c.cwnd = 100000;
		cc_idle(&c, &cfg, rows[i].mss);
		assert_int_equal(c.cwnd, rows[i].cwnd);
		/* For good, and what is acknowledged counts anew in each such window. */
		cc_acked(&c, UINT32_MAX);
		cc_acked(&c, UINT32_MAX);
		cc_lost(&c, 50000);
		c.cwnd = 100000;
		cc_idle(&c, &cfg, rows[i].mss);
		assert_int_equal(c.cwnd, rows[i].cwnd);
		cc_lost(&c, 50000); /* in the restart window */
		c.cwnd = 100000;
		cc_idle(&c, &cfg, rows[i].mss);
		assert_true(c.cwnd <= 4 * rows[i].mss);
	}
}

/*
 * What was in flight is what was used of the window, over the last window of data.
 * req: RFC7661-01
 */
static void test_used(void **state)
{
	struct weir_config cfg;
	struct cc c = {0};

	(void)state;
	weir_config_default(&cfg);
	cc_init(&c, &cfg, 1000, 0); /* 10,000 */
	cc_sent(&c, 5000, 1000, seq_make(1), seq_make(5001));
	assert_false(c.limited);
	cc_acked(&c, 1000);
	assert_false(c.limited); /* half of it is not more than half */
	cc_sent(&c, 6000, 1000, seq_make(1), seq_make(6001));
	cc_acked(&c, 1000);
	assert_true(c.limited);
	c.limited = false;
	cc_sent(&c, 1000, 1000, seq_make(5001), seq_make(6002));
	cc_acked(&c, 1000);
	assert_true(c.limited); /* the window of 6,000 is not over yet */
	c.limited = false;
	cc_sent(&c, 1000, 1000, seq_make(6001), seq_make(7001));
	cc_acked(&c, 1000);
	assert_false(c.limited);
	cc_sent(&c, 8000, 1000, seq_make(6001), seq_make(14001));
	c.ssthresh = 5000; /* congestion avoidance: all of it must be used */
	cc_acked(&c, 1000);
	assert_false(c.limited);
	cc_sent(&c, 9000, 1000, seq_make(6001), seq_make(15001));
	assert_false(c.limited);
	cc_sent(&c, 9001, 1000, seq_make(6001), seq_make(15002));
	assert_true(c.limited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initial_window),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_restart_after_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
