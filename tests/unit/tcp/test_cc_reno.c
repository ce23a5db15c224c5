/*
 * RFC 5681, RFC 8511: how NewReno's window grows and shrinks.
 */
#include "cc_path.h"

struct ack_row {
	uint32_t cwnd, ssthresh, acked_before; /* given */
	uint32_t acked;                        /* by this ACK */
	uint32_t cwnd_after, acked_after;
};

/* RFC5681-07, -08 */
static void test_on_ack(void **state)
{
	static const struct ack_row rows[] = {
		/* slow start: what was acknowledged is added */
		{10000, 1u << 30, 0, 1000, 11000, 0},
		{10000, 1u << 30, 0, 5000, 15000, 0}, /* an ACK for a super-segment */
		{10000, 1u << 30, 0, 1, 10001, 0},
		/* not beyond ssthresh; the rest counts for congestion avoidance */
		{10000, 10500, 0, 1000, 10500, 500},
		{10000, 10001, 0, 1000, 10001, 999},
		/* congestion avoidance: one segment for a window of bytes */
		{10000, 10000, 0, 9999, 10000, 9999},
		{10000, 10000, 0, 10000, 11000, 0},
		{10000, 10000, 9500, 1000, 11000, 500},
		{10000, 10000, 0, 40000, 11000, 0}, /* never two for one ACK */
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		const struct ack_row *r = &rows[i];
		struct cc c = cc_at(CC_NEWRENO, r->cwnd, SECOND);
		struct cc_ack a = cc_ack_of(SECOND, r->acked, 100 * MS);

		c.ssthresh = r->ssthresh;
		c.priv.reno->acked = r->acked_before;
		cc_give(&c, &a);
		assert_int_equal(c.cwnd, r->cwnd_after);
		assert_int_equal(c.priv.reno->acked, r->acked_after);
	}
}

/* RFC5681-08: a window of one-segment ACKs gives one segment more. */
static void test_round_trips(void **state)
{
	struct cc c = cc_at(CC_NEWRENO, 10000, SECOND);

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		assert_int_equal(c.cwnd, 10000 + round * MSS);
		cc_round(&c, SECOND, 100 * MS);
	}
}

/*
 * A window larger than the square of a segment grows as any other, by bytes counted.
 * req: RFC5681-09
 */
static void test_window_of_many_small_segments(void **state)
{
	struct cc c = cc_at(CC_NEWRENO, 1000, SECOND);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct cc_ack a = cc_ack_of(SECOND, 10, 100 * MS);

		a.mss = 10;
		assert_int_equal(c.cwnd, 1000);
		cc_give(&c, &a);
	}
	assert_int_equal(c.cwnd, 1010);
}

/* RFC7661-02: who does not use the window gets no more of it. PRR leads in recovery. */
static void test_no_growth(void **state)
{
	struct cc c = cc_at(CC_NEWRENO, 10000, SECOND);

	(void)state;
	c.ssthresh = 1u << 30;
	for (unsigned i = 0; i < 100; i++) {
		struct cc_ack a = cc_ack_of(SECOND, MSS, 100 * MS);

		cc_on_ack(&c, &a);
		assert_int_equal(c.cwnd, 10000);
		a.recovering = true;
		cc_give(&c, &a);
		assert_int_equal(c.cwnd, 10000);
		c.limited = false;
	}
}

static void test_bounded(void **state)
{
	struct cc c = cc_at(CC_NEWRENO, CC_CWND_MAX, SECOND);
	struct cc_ack a = cc_ack_of(SECOND, 1u << 29, 100 * MS);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		c.ssthresh = i % 2 ? c.cwnd : CC_SSTHRESH_MAX;
		cc_give(&c, &a);
		assert_int_equal(c.cwnd, CC_CWND_MAX);
	}
}

/*
 * A loss takes half of FlightSize and a mark a fifth of it, or half without ABE; a timeout leaves
 * one segment and, the second time, ssthresh. Not of cwnd, and never below two segments; marks
 * alone take the window down to one.
 * neg: RFC8511-01 RFC8311-02
 */
static void test_signals(void **state)
{
	static const struct {
		enum cc_signal what;
		bool abe;
		uint32_t flight, ssthresh, target;
	} rows[] = {
		{CC_LOSS, true, 100000, 50000, 50000},    {CC_LOSS, false, 100000, 50000, 50000},
		{CC_LOSS, true, 20000, 10000, 10000},     {CC_LOSS, true, 4000, 2000, 2000},
		{CC_LOSS, true, 3999, 2000, 2000},        {CC_LOSS, true, 0, 2000, 2000},
		{CC_LOSS, true, 900000, 100000, 100000}, /* no more than cwnd was out */
		{CC_ECE, true, 100000, 80000, 80000},     {CC_ECE, false, 100000, 50000, 50000},
		{CC_ECE, true, 2000, 2000, 1600},         {CC_ECE, true, 1000, 2000, 1000},
		{CC_ECE, false, 1000, 2000, 1000},        {CC_RTO, true, 100000, 50000, 1000},
		{CC_RTO, false, 20000, 10000, 1000},      {CC_RTO, true, 3000, 2000, 1000},
		{CC_RTO_AGAIN, true, 100000, 7000, 1000},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct cc c = cc_at(CC_NEWRENO, 200000, SECOND);

		c.abe = rows[i].abe;
		c.ssthresh = 7000;
		c.priv.reno->acked = 77;
		cc_hit(&c, rows[i].what, rows[i].flight, SECOND);
		assert_int_equal(c.ssthresh, rows[i].ssthresh);
		assert_int_equal(c.target, rows[i].target);
		assert_int_equal(c.priv.reno->acked, 0);
	}
}

/* The window that a loss rate allows: 1.22 / sqrt(p) segments (RFC 5681's response function). */
static void test_response(void **state)
{
	static const struct {
		uint32_t every;
		double segments;
	} rows[] = {{100, 12.2}, {1000, 38.7}, {5000, 86.6}};
	static struct path p;

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		double mean;

		path_init(&p, CC_NEWRENO, 1, 1000000000, 100 * MS, 1u << 30);
		p.every = rows[i].every;
		path_used(&p, 100 * SECOND, 700 * SECOND);
		mean = (double)p.flows[0].share / MSS / 6000;
		assert_true(mean > rows[i].segments * 0.85 && mean < rows[i].segments * 1.15);
	}
}

/* One flow fills the path if the buffer is as large as the path; two share it. */
static void test_bottleneck(void **state)
{
	static struct path p;

	(void)state;
	path_init(&p, CC_NEWRENO, 1, 1250000, 50 * MS, 62500);
	assert_true(path_used(&p, 10 * SECOND, 60 * SECOND) >= 950);
	path_init(&p, CC_NEWRENO, 2, 1250000, 50 * MS, 62500);
	p.flows[1].start = 5 * SECOND;
	assert_true(path_used(&p, 30 * SECOND, 150 * SECOND) >= 950);
	assert_true(path_jain(&p) >= 950);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_ack),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_window_of_many_small_segments),
		cmocka_unit_test(test_no_growth),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_bottleneck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
