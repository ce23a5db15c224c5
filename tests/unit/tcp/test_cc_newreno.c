/*
 * RFC 5681: how the congestion window grows and shrinks.
 */
#include "fixture.h"

#include "tcp/cc.h"

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
		{10000, 5000, 0, 21500, 12000, 500}, /* 10,000 and then 11,000 */
		{10000, 10000, 0, 20999, 11000, 10999},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		const struct ack_row *r = &rows[i];
		struct cc c = {.cwnd = r->cwnd,
			       .ssthresh = r->ssthresh,
			       .acked = r->acked_before,
			       .limited = true};

		cc_newreno.on_ack(&c, r->acked, MSS);
		assert_int_equal(c.cwnd, r->cwnd_after);
		assert_int_equal(c.acked, r->acked_after);
		assert_false(c.limited); /* sending must be held back again first */
	}
}

/* RFC5681-08: a window of one-segment ACKs gives one segment more. */
static void test_round_trips(void **state)
{
	struct cc c = {.cwnd = 10000, .ssthresh = 10000};

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		uint32_t segments = c.cwnd / MSS;

		for (unsigned i = 0; i < segments; i++) {
			assert_int_equal(c.cwnd, 10000 + round * MSS);
			c.limited = true;
			cc_newreno.on_ack(&c, MSS, MSS);
		}
		assert_int_equal(c.cwnd, 10000 + (round + 1) * MSS);
	}
}

/*
 * A window larger than the square of a segment grows as any other, by bytes counted.
 * req: RFC5681-09
 */
static void test_window_of_many_small_segments(void **state)
{
	struct cc c = {.cwnd = 1000, .ssthresh = 10};

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(c.cwnd, 1000);
		c.limited = true;
		cc_newreno.on_ack(&c, 10, 10);
	}
	assert_int_equal(c.cwnd, 1010);
}

/* RFC7661-02: who does not use the window gets no more of it. */
static void test_unused_window(void **state)
{
	struct cc c = {.cwnd = 10000, .ssthresh = 1u << 30, .limited = false};

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		cc_newreno.on_ack(&c, MSS, MSS);
	assert_int_equal(c.cwnd, 10000);
}

static void test_bounded(void **state)
{
	struct cc c = {.cwnd = 1u << 30, .ssthresh = UINT32_MAX / 2, .limited = true};

	(void)state;
	cc_newreno.on_ack(&c, 1u << 29, MSS);
	assert_int_equal(c.cwnd, 1u << 30);
}

/* RFC5681-14, -10: half of what was in flight, not of cwnd, and never below two segments. */
static void test_on_loss(void **state)
{
	static const struct {
		uint32_t flight, ssthresh;
	} rows[] = {{20000, 10000}, {4000, 2000}, {3999, 2000}, {1000, 2000}, {0, 2000}};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct cc c = {.cwnd = 50000, .ssthresh = 1u << 30, .acked = 77};

		cc_newreno.on_loss(&c, rows[i].flight, MSS);
		assert_int_equal(c.ssthresh, rows[i].ssthresh);
		assert_int_equal(c.cwnd, rows[i].ssthresh);
		assert_int_equal(c.acked, 0);
	}
}

/* RFC5681-10, -11 */
static void test_on_timeout(void **state)
{
	struct cc c = {.cwnd = 50000, .ssthresh = 1u << 30, .acked = 77};

	(void)state;
	cc_newreno.on_timeout(&c, 20000, MSS, 0);
	assert_int_equal(c.ssthresh, 10000);
	assert_int_equal(c.cwnd, MSS);
	assert_int_equal(c.acked, 0);
	cc_newreno.on_timeout(&c, 2000, MSS, 1); /* the same segment again: ssthresh stays */
	assert_int_equal(c.ssthresh, 10000);
	assert_int_equal(c.cwnd, MSS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_ack),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_unused_window),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_window_of_many_small_segments),
		cmocka_unit_test(test_on_loss),
		cmocka_unit_test(test_on_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
