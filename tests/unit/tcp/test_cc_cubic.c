/*
 * CUBIC (RFC 9438), with segments of 1,000 bytes: how the window follows its curve, and what
 * congestion does to it.
 */
#include "cc_path.h"

#include <math.h>

/* After a loss at `cwnd` segments: recovery is over at `now`. */
static struct cc after_loss(uint32_t cwnd, weir_time now)
{
	struct cc c = cc_at(CC_CUBIC, cwnd * MSS, now);

	cc_hit(&c, CC_LOSS, cwnd * MSS, now);
	return c;
}

static double curve(double w_max, double k, double t)
{
	return 0.4 * (t - k) * (t - k) * (t - k) + w_max;
}

/*
 * After a loss at 100 segments the window follows the curve within 5 %, one RTT ahead of it, and is
 * back at 100 after K = cbrt(30 / 0.4) = 4.2 s; then it looks for more, ever faster.
 * neg: RFC9438-01
 */
static void test_curve(void **state)
{
	struct cc c = after_loss(100, 10 * SECOND);
	double k = cbrt(30 / 0.4);

	(void)state;
	assert_int_equal(c.cwnd, 70 * MSS);
	for (unsigned i = 0; i < 80; i++) {
		double want = curve(100, k, i * 0.1 + 0.1);

		cc_round(&c, 10 * SECOND + i * 100 * MS, 100 * MS);
		assert_in_range(c.cwnd, want * MSS * 0.95, want * MSS * 1.05);
		if (i == 0)
			assert_in_range(c.priv.cubic->now.k, 4217 * 1024 / 1000, 4318);
		if (i == 41)
			assert_in_range(c.cwnd, 99000, 101000);
	}
	assert_true(c.cwnd > 118 * MSS);
}

/*
 * However far away the curve is, a round trip adds half of the window at most, and takes nothing.
 * neg: RFC9438-02
 */
static void test_growth_is_bounded(void **state)
{
	struct cc c = cc_at(CC_CUBIC, 100 * MSS, 10 * SECOND);
	unsigned half = 0;

	(void)state;
	for (unsigned i = 0; i < 100 && c.cwnd < CC_CWND_MAX; i++) {
		uint32_t before = c.cwnd;
		uint32_t most = c.cwnd + c.cwnd / 2 + MSS;

		if (before > 20000 * MSS)
			break;
		cc_round(&c, 10 * SECOND + i * 5 * SECOND, 5 * SECOND);
		assert_in_range(c.cwnd, before, most);
		half += c.cwnd >= most - 3 * MSS;
	}
	assert_true(half >= 3); /* the bound was reached */
}

/*
 * A minute without data, or with so little that the window is not in use, is no time of the curve.
 * neg: RFC9438-03
 */
static void test_time_stands_still(void **state)
{
	(void)state;
	for (unsigned idle = 0; idle < 2; idle++) {
		struct cc c = after_loss(100, 10 * SECOND);
		weir_time now = 10 * SECOND;
		struct weir_config cfg;
		uint32_t before;

		weir_config_default(&cfg);
		cfg.idle_restart = 0;
		for (unsigned i = 0; i < 20; i++, now += 100 * MS)
			cc_round(&c, now, 100 * MS);
		before = c.cwnd;
		assert_in_range(before, 95 * MSS, 98 * MSS);
		for (unsigned i = 0; i < 60 && !idle; i++) {
			struct cc_ack a = cc_ack_of(now += SECOND, MSS, 100 * MS);

			c.limited = false;
			cc_on_ack(&c, &a);
			assert_int_equal(c.cwnd, before);
		}
		if (idle) {
			now += 60 * SECOND;
			cc_on_restart(&c, &cfg, 60 * SECOND, SECOND, MSS, now);
			assert_int_equal(c.cwnd, before);
		}
		cc_round(&c, now, 100 * MS);
		assert_in_range(c.cwnd, before, before + MSS);
		for (unsigned i = 0; i < 20; i++)
			cc_round(&c, now += 100 * MS, 100 * MS);
		assert_in_range(c.cwnd, 99 * MSS, 101 * MSS); /* as without the break */
	}
}

/*
 * With a short RTT the window is that of a Reno that loses a third: 9/17 of a segment a round trip,
 * and one from where the last reduction was.
 * neg: RFC9438-04
 */
static void test_reno_friendly(void **state)
{
	struct cc c = after_loss(20, 10 * SECOND);
	weir_time now = 10 * SECOND;
	unsigned rounds = 0;
	uint32_t at;

	(void)state;
	for (; c.cwnd < 20 * MSS && rounds < 100; rounds++)
		cc_round(&c, now += 10 * MS, 10 * MS);
	/* 6 segments at 9/17; a window of it needs a whole one to be counted */
	assert_in_range(rounds, 10, 13);
	at = c.cwnd;
	for (unsigned i = 0; i < 10; i++)
		cc_round(&c, now += 10 * MS, 10 * MS);
	assert_in_range(c.cwnd, at + 9 * MSS, at + 10 * MSS);
	/* The curve itself is far behind: K = cbrt(6 / 0.4) = 2.5 s. */
	assert_true(now < 11 * SECOND);
}

/*
 * 0.7 of FlightSize, two segments at least; marks 0.85 of it, and down to one segment.
 * neg: RFC9438-05
 */
static void test_signals(void **state)
{
	static const struct {
		enum cc_signal what;
		bool abe;
		uint32_t flight, ssthresh, target;
	} rows[] = {
		{CC_LOSS, true, 100000, 70000, 70000},   {CC_LOSS, true, 10000, 7000, 7000},
		{CC_LOSS, true, 2000, 2000, 2000},       {CC_LOSS, true, 0, 2000, 2000},
		{CC_ECE, true, 100000, 85000, 85000},    {CC_ECE, false, 100000, 70000, 70000},
		{CC_ECE, true, 2000, 2000, 1700},        {CC_ECE, false, 1000, 2000, 1000},
		{CC_RTO, true, 50000, 35000, 1000},      {CC_RTO, true, 1000, 2000, 1000},
		{CC_RTO_AGAIN, true, 50000, 9000, 1000},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct cc c = cc_at(CC_CUBIC, 100 * MSS, SECOND);

		c.abe = rows[i].abe;
		c.ssthresh = 9000;
		cc_hit(&c, rows[i].what, rows[i].flight, SECOND);
		assert_int_equal(c.ssthresh, rows[i].ssthresh);
		assert_int_equal(c.target, rows[i].target);
	}
}

/*
 * An application that gives ten segments a round trip for a minute does not store up a window.
 * neg: RFC9438-06
 */
static void test_unused_window(void **state)
{
	static struct path p;

	(void)state;
	path_init(&p, CC_CUBIC, 1, 125000000, 100 * MS, 1u << 24);
	p.flows[0].app_rate = 10 * MSS * 10;
	path_run(&p, 60 * SECOND);
	assert_true(p.flows[0].delivered > 5900 * MSS);
	assert_in_range(p.flows[0].cc.cwnd, 10 * MSS, 22 * MSS);
	/* In avoidance it must have been full to grow. */
	p.flows[0].cc.ssthresh = p.flows[0].cc.cwnd;
	path_run(&p, 120 * SECOND);
	assert_in_range(p.flows[0].cc.cwnd, 10 * MSS, 22 * MSS);
	/* And with more to send it grows. */
	p.flows[0].app_rate = 0;
	path_run(&p, 130 * SECOND);
	assert_true(p.flows[0].cc.cwnd > 40 * MSS);
}

/*
 * A second loss below the last maximum lowers it to 0.85 of the window: 100, then 80, gives 68.
 * neg: RFC9438-08
 */
static void test_fast_convergence(void **state)
{
	struct cc c = after_loss(100, 10 * SECOND);

	(void)state;
	assert_int_equal(c.priv.cubic->now.w_max, 100 * MSS);
	c.cwnd = 80 * MSS;
	cc_hit(&c, CC_LOSS, 80 * MSS, 11 * SECOND);
	assert_int_equal(c.priv.cubic->now.w_max, 68 * MSS);
	c.cwnd = 68 * MSS;
	cc_hit(&c, CC_LOSS, 68 * MSS, 12 * SECOND);
	assert_int_equal(c.priv.cubic->now.w_max, 68 * MSS);
	c.cwnd = 120 * MSS;
	cc_hit(&c, CC_ECE, 120 * MSS, 13 * SECOND);
	assert_int_equal(c.priv.cubic->now.w_max, 120 * MSS);
}

/*
 * A timeout: one segment, ssthresh 0.7 of FlightSize, slow start up to it, and then a curve that
 * begins flat, with K = 0 and w_max where it begins.
 * neg: RFC9438-09
 */
static void test_timeout(void **state)
{
	struct cc c = cc_at(CC_CUBIC, 50 * MSS, 10 * SECOND);
	weir_time now = 10 * SECOND;

	(void)state;
	cc_hit(&c, CC_RTO, 50 * MSS, now);
	assert_int_equal(c.cwnd, MSS);
	assert_int_equal(c.ssthresh, 35 * MSS);
	for (unsigned i = 0; i < 5; i++) {
		uint32_t before = c.cwnd;

		cc_round(&c, now += 200 * MS, 200 * MS);
		assert_int_equal(c.cwnd, 2 * before);
	}
	assert_int_equal(c.priv.cubic->now.t_epoch, WEIR_NEVER);
	cc_round(&c, now += 200 * MS, 200 * MS);
	assert_true(c.priv.cubic->now.t_epoch != WEIR_NEVER);
	assert_int_equal(c.priv.cubic->now.k, 0);
	assert_int_equal(c.priv.cubic->now.w_max, 35 * MSS);
}

/*
 * A reduction for nothing is taken back with the curve, unless the window is back already.
 * neg: RFC9438-10
 */
static void test_undo(void **state)
{
	struct cc c = after_loss(100, 10 * SECOND);
	struct cc_ack a = cc_ack_of(13 * SECOND, 0, 100 * MS);
	struct cubic_curve before;
	uint32_t cwnd;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		cc_round(&c, 10 * SECOND + i * 100 * MS, 100 * MS);
	before = c.priv.cubic->now;
	cwnd = c.cwnd;
	cc_hit(&c, CC_LOSS, cwnd, 12 * SECOND);
	assert_true(c.cwnd < cwnd && c.priv.cubic->now.t_epoch == WEIR_NEVER);
	cc_on_undo(&c, &a);
	assert_int_equal(c.cwnd, cwnd);
	assert_int_equal(c.ssthresh, 70 * MSS);
	assert_int_equal(c.priv.cubic->now.w_max, before.w_max);
	assert_int_equal(c.priv.cubic->now.k, before.k);
	assert_int_equal(c.priv.cubic->now.t_epoch, before.t_epoch);
	assert_int_equal(c.priv.cubic->now.w_est, before.w_est);
	cc_hit(&c, CC_LOSS, cwnd, 13 * SECOND);
	c.cwnd = cwnd + MSS;
	before = c.priv.cubic->now;
	cc_on_undo(&c, &a);
	assert_int_equal(c.cwnd, cwnd + MSS);
	assert_int_equal(c.priv.cubic->now.w_max, before.w_max);
	assert_int_equal(c.priv.cubic->now.t_epoch, WEIR_NEVER);
}

/*
 * Slow start below ssthresh, by HyStart++ the first time; where that ends without a loss, the curve
 * begins flat.
 * neg: RFC9438-11
 */
static void test_slow_start(void **state)
{
	struct cc c = cc_at(CC_CUBIC, 10 * MSS, 10 * SECOND);
	weir_time now = 10 * SECOND;
	uint32_t at;

	(void)state;
	c.ssthresh = CC_SSTHRESH_MAX;
	c.hystart = HYSTART_BY_DELAY;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t before = c.cwnd;

		cc_round(&c, now += 100 * MS, 40 * MS);
		assert_int_equal(c.cwnd, 2 * before);
	}
	for (unsigned i = 0; i < 6; i++)
		cc_round(&c, now += 100 * MS, 60 * MS);
	assert_true(c.ssthresh < CC_SSTHRESH_MAX);
	assert_int_equal(c.priv.cubic->now.k, 0);
	assert_int_equal(c.priv.cubic->now.w_max, c.ssthresh);
	at = c.cwnd;
	cc_round(&c, now += 100 * MS, 60 * MS);
	assert_in_range(c.cwnd, at, at + 2 * MSS);
}

/*
 * The window that a loss rate allows: RFC 9438 5.1, 1.054 * (RTT / p)^0.75 segments, and Reno's
 * 1.22 / sqrt(p) where that is more.
 */
static void test_response(void **state)
{
	static const struct {
		uint32_t rtt_ms, every;
	} rows[] = {{100, 10000}, {100, 3000}, {300, 3000}, {10, 1000}, {10, 100}, {30, 1000}};
	static struct path p;

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		double cubic = 1.054 * pow(rows[i].rtt_ms / 1000.0 * rows[i].every, 0.75);
		double reno = 1.22 * sqrt(rows[i].every);
		double want = cubic > reno ? cubic : reno;
		double mean;

		path_init(&p, CC_CUBIC, 1, 1000000000, rows[i].rtt_ms * MS, 1u << 30);
		p.every = rows[i].every;
		p.sent = p.every > 200 ? p.every - 200 : 0; /* slow start ends soon */
		path_used(&p, 100 * SECOND, 500 * SECOND);
		mean = (double)p.flows[0].share / MSS / (400000.0 / rows[i].rtt_ms);
		assert_true(mean > want * 0.85 && mean < want * 1.15);
	}
}

/* One flow fills the path; two share it; with marks instead of a full buffer nothing is lost. */
static void test_bottleneck(void **state)
{
	static struct path p;

	(void)state;
	path_init(&p, CC_CUBIC, 1, 1250000, 50 * MS, 31250);
	assert_true(path_used(&p, 10 * SECOND, 60 * SECOND) >= 950);
	path_init(&p, CC_CUBIC, 2, 1250000, 50 * MS, 62500);
	p.flows[1].start = 5 * SECOND;
	assert_true(path_used(&p, 30 * SECOND, 150 * SECOND) >= 950);
	assert_true(path_jain(&p) >= 950);
	path_init(&p, CC_CUBIC, 1, 1250000, 50 * MS, 1u << 24);
	p.mark = 31250;
	assert_true(path_used(&p, 10 * SECOND, 60 * SECOND) >= 950);
	assert_int_equal(p.flows[0].lost, 0);
	assert_true(p.flows[0].losses > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curve),
		cmocka_unit_test(test_growth_is_bounded),
		cmocka_unit_test(test_time_stands_still),
		cmocka_unit_test(test_reno_friendly),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_unused_window),
		cmocka_unit_test(test_fast_convergence),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_bottleneck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
