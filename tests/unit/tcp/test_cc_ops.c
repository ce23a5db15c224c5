/*
 * What congestion control does whatever its kind: the initial window (RFC 6928), the restart window
 * after an idle time (RFC 5681 4.1), whether the window is in use (RFC 7661), undo.
 */
#include "cc_path.h"

static const struct weir_config *defaults(void)
{
	static struct weir_config cfg;

	weir_config_default(&cfg);
	return &cfg;
}

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
	struct weir_config cfg = *defaults();

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		for (enum cc_kind kind = 0; kind < CC_COUNT; kind++) {
			struct cc c;

			memset(&c, 0xa5, sizeof(c));
			c.chosen = 0;
			cfg.cc = kind;
			cfg.initial_cwnd = rows[i].segments;
			cc_start(&c, &cfg, rows[i].mss, rows[i].syn_retries, 1);
			cc_fit(&c, rows[i].mss, SECOND);
			assert_int_equal(c.kind, kind);
			assert_string_equal(cc_of(c.kind)->name, weir_cc_name((enum weir_cc)kind));
			assert_int_equal(c.cwnd, rows[i].cwnd);
			assert_true(c.ssthresh > 1u << 30); /* larger than any window */
			assert_false(c.limited);
		}
	}
}

/* RFC5681-17: RW = min(IW, cwnd), when more than an RTO has passed; slow start leads back to three
 * quarters. */
static void test_restart(void **state)
{
	static const struct {
		uint64_t idle_ns;
		unsigned setting;
		uint32_t cwnd, after, ssthresh;
	} rows[] = {
		{201 * MS, 1, 100000, 14600, 75000},  {201 * MS, 1, 20000, 14600, 50000},
		{200 * MS, 1, 100000, 100000, 50000}, {201 * MS, 1, 3000, 3000, 50000},
		{201 * MS, 0, 100000, 100000, 50000},
	};
	struct weir_config cfg = *defaults();

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		for (enum cc_kind kind = CC_NEWRENO; kind <= CC_CUBIC; kind++) {
			struct cc c = cc_at(kind, rows[i].cwnd, SECOND);

			c.ssthresh = 50000;
			cfg.idle_restart = rows[i].setting;
			cc_on_restart(&c, &cfg, rows[i].idle_ns, 200 * MS, 1460, 2 * SECOND);
			assert_int_equal(c.cwnd, rows[i].after);
			assert_int_equal(c.ssthresh, rows[i].ssthresh);
		}
	}
}

static void acked(struct cc *c, uint32_t bytes)
{
	struct cc_ack a = cc_ack_of(SECOND, bytes, WEIR_NEVER);

	cc_on_ack(c, &a);
}

static void lost(struct cc *c, enum cc_signal what, uint32_t flight)
{
	struct cc_ack a = cc_ack_of(SECOND, 0, WEIR_NEVER);

	a.flight = flight;
	cc_on_signal(c, what, &a);
}

static uint32_t restarted(struct cc *c, uint32_t mss)
{
	c->cwnd = 100000;
	cc_on_restart(c, defaults(), SECOND, 200 * MS, mss, SECOND);
	return c->cwnd;
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

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct cc c = {0};

		cc_start(&c, defaults(), rows[i].mss, 0, 1);
		cc_fit(&c, rows[i].mss, SECOND);
		acked(&c, rows[i].acked);
		acked(&c, 0);
		lost(&c, CC_ECE, rows[i].flight); /* a mark is no loss */
		assert_false(c.careful);
		lost(&c, i % 2 ? CC_LOSS : CC_RTO, rows[i].flight);
		assert_int_equal(restarted(&c, rows[i].mss), rows[i].cwnd);
		/* For good, and what is acknowledged counts anew in each such window. */
		acked(&c, UINT32_MAX);
		acked(&c, UINT32_MAX);
		lost(&c, CC_LOSS, 50000);
		assert_int_equal(restarted(&c, rows[i].mss), rows[i].cwnd);
		lost(&c, CC_LOSS, 50000); /* in the restart window */
		assert_true(restarted(&c, rows[i].mss) <= 4 * rows[i].mss);
	}
}

static bool in_use(struct cc *c)
{
	struct cc_ack a = cc_ack_of(SECOND, 0, WEIR_NEVER);

	cc_on_ack(c, &a);
	return a.cwnd_limited;
}

/*
 * What was in flight is what was used of the window, over the last window of data.
 * req: RFC7661-01
 */
static void test_used(void **state)
{
	struct cc c = {0};

	(void)state;
	cc_start(&c, defaults(), 1000, 0, 1);
	cc_fit(&c, 1000, SECOND); /* 10,000 */
	cc_on_sent(&c, 5000, 1000, seq_make(1), seq_make(5001));
	assert_false(in_use(&c)); /* half of it is not more than half */
	cc_on_sent(&c, 6000, 1000, seq_make(1), seq_make(6001));
	assert_true(in_use(&c));
	cc_on_sent(&c, 1000, 1000, seq_make(5001), seq_make(6002));
	assert_true(in_use(&c)); /* the window of 6,000 is not over yet */
	cc_on_sent(&c, 1000, 1000, seq_make(6001), seq_make(7001));
	assert_false(in_use(&c));
	cc_on_sent(&c, 8000, 1000, seq_make(6001), seq_make(14001));
	c.ssthresh = 5000; /* congestion avoidance: all of it must be used */
	assert_false(in_use(&c));
	cc_on_sent(&c, 9000, 1000, seq_make(6001), seq_make(15001));
	assert_false(in_use(&c));
	cc_on_sent(&c, 9001, 1000, seq_make(6001), seq_make(15002));
	assert_true(in_use(&c));
	/* A window that was full once counts as full until it is acknowledged. */
	cc_on_sent(&c, 3000, 1000, seq_make(14001), seq_make(17001));
	assert_true(in_use(&c));
	cc_on_sent(&c, 3000, 1000, seq_make(15002), seq_make(18002));
	assert_false(in_use(&c));
	cc_on_held(&c, seq_make(18002));
	assert_true(in_use(&c));
}

/*
 * What an ACK lets the window grow by: what it acknowledged; nothing while PRR leads it; after a
 * timeout only what was news.
 */
static void test_growth(void **state)
{
	static const struct {
		uint32_t acked, delivered;
		bool recovering, resending;
		uint32_t growth;
	} rows[] = {
		{5000, 5000, false, false, 5000}, {5000, 1000, false, false, 5000},
		{0, 1000, false, false, 0},       {5000, 5000, true, false, 0},
		{50000, 1000, false, true, 1000}, {1000, 5000, false, true, 1000},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct cc_ack a = {
			.acked = rows[i].acked,
			.delivered = rows[i].delivered,
			.recovering = rows[i].recovering,
			.resending = rows[i].resending,
		};

		assert_int_equal(cc_growth(&a), rows[i].growth);
	}
}

/* A reduction for nothing is taken back, once, and never makes the window smaller. */
static void test_undo(void **state)
{
	(void)state;
	for (enum cc_kind kind = CC_NEWRENO; kind <= CC_CUBIC; kind++) {
		for (enum cc_signal what = CC_LOSS; what <= CC_RTO; what++) {
			struct cc c = cc_at(kind, 100 * MSS, SECOND);
			struct cc_ack a = cc_ack_of(2 * SECOND, 0, WEIR_NEVER);

			c.ssthresh = 60 * MSS;
			cc_hit(&c, what, 100 * MSS, SECOND);
			assert_true(c.cwnd < 90 * MSS);
			a.recovering = true;
			if (what == CC_RTO) {
				cc_on_signal(&c, CC_RTO_AGAIN, &a);
				assert_int_equal(c.cwnd, MSS);
			} else {
				cc_on_signal(&c, CC_RTO, &a); /* during that repair */
			}
			cc_on_undo(&c, &a);
			assert_int_equal(c.cwnd, 100 * MSS);
			assert_true(c.ssthresh >= 60 * MSS);
			c.cwnd = 40 * MSS;
			cc_on_undo(&c, &a);
			assert_int_equal(c.cwnd, 40 * MSS);
			cc_hit(&c, CC_LOSS, 40 * MSS, SECOND);
			c.cwnd = 50 * MSS;
			cc_on_undo(&c, &a);
			assert_int_equal(c.cwnd, 50 * MSS);
		}
	}
}

/* A kind chosen before the handshake is complete is what the connection begins with. */
static void test_chosen(void **state)
{
	struct cc c = {0};

	(void)state;
	cc_switch(&c, CC_BBR);
	assert_int_equal(c.cwnd, 0);
	cc_start(&c, defaults(), MSS, 0, 1);
	cc_fit(&c, MSS, SECOND);
	assert_int_equal(c.kind, CC_BBR);
	assert_true(c.pacing_rate > 0);
	cc_switch(&c, CC_NEWRENO);
	cc_start(&c, defaults(), MSS, 0, 1);
	cc_fit(&c, MSS, SECOND); /* again, as after a crossing SYN */
	assert_int_equal(c.kind, CC_NEWRENO);
}

/* Another kind takes over what there is, and can be switched back. */
static void test_switch(void **state)
{
	struct cc c = cc_at(CC_CUBIC, 50 * MSS, SECOND);

	(void)state;
	c.ssthresh = 40 * MSS;
	for (unsigned i = 0; i < 6; i++) {
		enum cc_kind kind = (c.kind + 1) % CC_COUNT;
		uint32_t cwnd = c.cwnd;

		cc_switch(&c, kind);
		cc_fit(&c, MSS, (2 + i) * SECOND);
		assert_int_equal(c.kind, kind);
		assert_int_equal(c.cwnd, cwnd);
		assert_int_equal(c.ssthresh, 40 * MSS);
		if (kind != CC_BBR)
			assert_int_equal(c.pacing_rate, 0);
		for (unsigned n = 0; n < 5; n++)
			cc_round(&c, (2 + i) * SECOND + n * 100 * MS, 100 * MS);
		assert_true(c.cwnd >= cwnd / 2);
	}
}

/* Twice the window a round trip in slow start, 1.2 times it afterwards. */
static void test_window_rate(void **state)
{
	struct cc c = {.cwnd = 100000, .ssthresh = 200000};

	(void)state;
	assert_int_equal(cc_window_rate(&c, 0), 0);
	assert_int_equal(cc_window_rate(&c, 100 * MS), 2000000);
	c.ssthresh = 100000;
	assert_int_equal(cc_window_rate(&c, 100 * MS), 1200000);
	c.cwnd = CC_CWND_MAX;
	assert_true(cc_window_rate(&c, 1) > 1ull << 60);
	assert_int_equal(cc_window_rate(&c, 100 * SECOND), CC_CWND_MAX * 6ull / 5 / 100);
}

/* a * b / d, exact where a double is, never above UINT64_MAX. */
static void test_mul_div(void **state)
{
	static const uint64_t v[] = {0, 1, 3, 1000, 65535, 1ull << 31, 1ull << 40, UINT64_MAX};

	(void)state;
	for (unsigned i = 0; i < LENGTH(v); i++) {
		for (unsigned j = 0; j < LENGTH(v); j++) {
			for (unsigned k = 1; k < LENGTH(v); k++) {
				double want = (double)v[i] * (double)v[j] / (double)v[k];
				double got = (double)cc_mul_div(v[i], v[j], v[k]);

				if (want > 1.8446744073709e19)
					assert_true(got > 1.8446744073709e19);
				else
					assert_true(got <= want * 1.001 && got >= want * 0.999 - 1);
			}
		}
	}
}

/*
 * A loss while a mark is answered counts for the window before the mark: as if there were no mark.
 * neg: RFC8511-02
 */
static void test_loss_after_mark(void **state)
{
	(void)state;
	for (enum cc_kind kind = CC_NEWRENO; kind <= CC_CUBIC; kind++) {
		struct cc c = cc_at(kind, 100 * MSS, SECOND);
		struct cc once = c;
		struct cc_ack a = cc_ack_of(SECOND, 0, 100 * MS);

		cc_hit(&once, CC_LOSS, 100 * MSS, SECOND);
		cc_hit(&c, CC_ECE, 100 * MSS, SECOND);
		assert_true(c.target > once.target);
		a.recovering = true;
		a.flight = 100 * MSS;
		cc_on_signal(&c, CC_LOSS, &a);
		assert_int_equal(c.target, once.target);
		assert_int_equal(c.ssthresh, once.ssthresh);
		if (kind == CC_CUBIC)
			assert_int_equal(c.priv.cubic->now.w_max, 100 * MSS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initial_window),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restart_after_loss),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_window_rate),
		cmocka_unit_test(test_mul_div),
		cmocka_unit_test(test_loss_after_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
