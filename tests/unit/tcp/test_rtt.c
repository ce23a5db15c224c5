/*
 * RFC 6298 arithmetic against values worked out by hand.
 */
#include "fixture.h"

#include "tcp/rtt.h"

struct clock {
	struct rtt r;
	struct weir_config cfg;
	weir_time now;
	uint32_t seq;
};

static struct clock clock_make(void)
{
	struct clock c = {.now = 1000 * NS_PER_MS};

	weir_config_default(&c.cfg);
	rtt_init(&c.r, &c.cfg);
	return c;
}

/* One segment goes out and is acknowledged after `us` microseconds. */
static void sample(struct clock *c, uint64_t us)
{
	c->seq += 100;
	rtt_sent(&c->r, seq_make(c->seq), c->now);
	c->now += us * 1000;
	rtt_acked(&c->r, &c->cfg, seq_make(c->seq), WEIR_NEVER, c->now);
}

static uint64_t rto_us(const struct clock *c)
{
	return rtt_rto(&c->r, &c->cfg) / 1000;
}

/* RFC6298-01, -02, -03, -07 */
static void test_samples(void **state)
{
	static const struct {
		uint64_t sample_us, srtt_us, var_us, rto_us;
	} rows[] = {
		{400000, 400000, 200000, 1200000}, /* first: SRTT = R, RTTVAR = R/2 */
		{800000, 450000, 250000, 1450000}, /* 3/4*200+1/4*400; 7/8*400+1/8*800 */
		{450000, 450000, 187500, 1200000}, /* no error: only the variance shrinks */
		{50000, 400000, 240625, 1362500},  /* smaller: |SRTT-R| counts, not its sign */
	};
	struct clock c = clock_make();

	(void)state;
	assert_int_equal(rto_us(&c), 1000000);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		sample(&c, rows[i].sample_us);
		assert_int_equal(c.r.srtt_ns / 1000, rows[i].srtt_us);
		assert_int_equal(c.r.var_ns / 1000, rows[i].var_us);
		assert_int_equal(rto_us(&c), rows[i].rto_us);
	}
	assert_int_equal(c.r.min_ns, 50000000);
}

/* RFC6298-07: a constant RTT leaves the granularity of one millisecond, never nothing. */
static void test_granularity(void **state)
{
	struct clock c = clock_make();

	(void)state;
	c.cfg.rto_min_ms = 1;
	for (unsigned i = 0; i < 200; i++)
		sample(&c, 2000000);
	assert_int_equal(c.r.var_ns, 0);
	assert_int_equal(rto_us(&c), 2001000);
}

/* Policy: it leaves a quarter of the round trip, too, but no more than rto_min. */
static void test_least_spread(void **state)
{
	static const struct {
		unsigned rtt_us, rto_us;
	} rows[] = {
		{100000, 200000}, /* rto_min itself */
		{160000, 200000}, {200000, 250000}, {300000, 375000}, {1000000, 1200000},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct clock c = clock_make();

		for (unsigned k = 0; k < 200; k++)
			sample(&c, rows[i].rtt_us);
		assert_int_equal(c.r.var_ns, 0);
		assert_int_equal(rto_us(&c), rows[i].rto_us);
	}
}

/* RFC6298-04, -05 */
static void test_bounds(void **state)
{
	static const struct {
		uint64_t sample_us, min_ms, max_ms, rto_us;
	} rows[] = {
		{10000, 200, 120000, 200000},      {10000, 1000, 120000, 1000000},
		{10000, 1, 120000, 30000},         {100000000, 200, 120000, 120000000},
		{100000000, 200, 60000, 60000000}, {0, 1, 120000, 1000},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct clock c = clock_make();

		c.cfg.rto_min_ms = rows[i].min_ms;
		c.cfg.rto_max_ms = rows[i].max_ms;
		sample(&c, rows[i].sample_us);
		assert_int_equal(rto_us(&c), rows[i].rto_us);
		assert_true(c.r.srtt_ns > 0); /* 0 would mean: no sample yet */
	}
}

/* RFC6298-06, RFC9293-MUST-18: Karn's rule. */
static void test_karn(void **state)
{
	struct clock c = clock_make();

	(void)state;
	sample(&c, 400000);
	rtt_sent(&c.r, seq_make(900), c.now);
	rtt_resent(&c.r);
	c.now += 3000 * NS_PER_MS;
	rtt_acked(&c.r, &c.cfg, seq_make(900), WEIR_NEVER, c.now);
	assert_int_equal(c.r.srtt_ns, 400 * NS_PER_MS);
	assert_int_equal(c.r.var_ns, 200 * NS_PER_MS);
	/* the next fresh segment counts */
	sample(&c, 800000);
	assert_int_equal(c.r.srtt_ns, 450 * NS_PER_MS);
}

/* RFC7323-15: with timestamps a retransmission is not ambiguous. */
static void test_echoed_timestamp(void **state)
{
	struct clock c = clock_make();

	(void)state;
	rtt_sent(&c.r, seq_make(100), c.now);
	rtt_resent(&c.r);
	rtt_acked(&c.r, &c.cfg, seq_make(100), 70 * NS_PER_MS, c.now + 999 * NS_PER_MS);
	assert_int_equal(c.r.srtt_ns, 70 * NS_PER_MS);
}

static void test_timed_segment_before_timestamp(void **state)
{
	struct clock c = clock_make();

	(void)state;
	rtt_sent(&c.r, seq_make(300), c.now);
	rtt_sent(&c.r, seq_make(400), c.now + NS_PER_MS); /* one at a time: not timed */
	rtt_acked(&c.r, &c.cfg, seq_make(200), 9 * NS_PER_MS, c.now + 10 * NS_PER_MS);
	assert_int_equal(c.r.srtt_ns, 0); /* the timed one is still out */
	rtt_acked(&c.r, &c.cfg, seq_make(300), 9 * NS_PER_MS, c.now + 50 * NS_PER_MS);
	assert_int_equal(c.r.srtt_ns, 50 * NS_PER_MS);
}

/* RFC6298-10, -12: doubled on each expiry, up to the cap; a fresh sample undoes it all. */
static void test_backoff(void **state)
{
	static const uint64_t rto_ms[] = {2000, 4000, 8000, 16000, 32000, 64000, 120000, 120000};
	struct clock c = clock_make();

	(void)state;
	for (unsigned i = 0; i < LENGTH(rto_ms); i++) {
		rtt_backoff(&c.r, &c.cfg);
		assert_int_equal(rto_us(&c), rto_ms[i] * 1000);
	}
	for (unsigned i = 0; i < 1000; i++)
		rtt_backoff(&c.r, &c.cfg);
	assert_int_equal(rto_us(&c), 120000000);
	sample(&c, 400000);
	assert_int_equal(rto_us(&c), 1200000);
}

static void test_backoff_ends_the_timing(void **state)
{
	struct clock c = clock_make();

	(void)state;
	rtt_sent(&c.r, seq_make(100), c.now);
	rtt_backoff(&c.r, &c.cfg);
	rtt_acked(&c.r, &c.cfg, seq_make(100), WEIR_NEVER, c.now + 5000 * NS_PER_MS);
	assert_int_equal(c.r.srtt_ns, 0);
	assert_int_equal(rto_us(&c), 2000000);
}

/* RFC6298-11 */
static void test_lost_syn(void **state)
{
	struct clock c = clock_make();

	(void)state;
	rtt_syn_acked(&c.r, 0);
	assert_int_equal(rto_us(&c), 1000000);
	rtt_backoff(&c.r, &c.cfg);
	rtt_syn_acked(&c.r, 1);
	assert_int_equal(rto_us(&c), 3000000);
	sample(&c, 400000);
	rtt_syn_acked(&c.r, 1); /* a timestamp gave a sample: that one holds */
	assert_int_equal(rto_us(&c), 1200000);
}

/*
 * The least round trip is forgotten when the path has been longer for minutes.
 * req: RFC8985-04
 */
static void test_least_of_the_last_minutes(void **state)
{
	struct clock c = clock_make();

	(void)state;
	rtt_least(&c.r, 10 * NS_PER_MS, c.now);
	for (unsigned s = 0; s < 140; s++) {
		c.now += 1000 * NS_PER_MS;
		rtt_least(&c.r, 100 * NS_PER_MS, c.now);
		assert_int_equal(c.r.min_ns, 10 * NS_PER_MS);
	}
	for (unsigned s = 0; s < 170; s++) {
		c.now += 1000 * NS_PER_MS;
		rtt_least(&c.r, 100 * NS_PER_MS, c.now);
	}
	assert_int_equal(c.r.min_ns, 100 * NS_PER_MS);
	rtt_least(&c.r, 50 * NS_PER_MS, c.now);
	assert_int_equal(c.r.min_ns, 50 * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least_of_the_last_minutes),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_granularity),
		cmocka_unit_test(test_least_spread),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_karn),
		cmocka_unit_test(test_echoed_timestamp),
		cmocka_unit_test(test_timed_segment_before_timestamp),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_backoff_ends_the_timing),
		cmocka_unit_test(test_lost_syn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
