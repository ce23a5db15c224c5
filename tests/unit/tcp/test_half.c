/*
 * Half-open records: what the SYN said, and each outcome of a segment for one.
 */
#include "fixture.h"

#include "tcp/half.h"

#define WND 1000u

static struct weir_config cfg;

static const struct tcp_seg full_syn = {
	.seq = {IRS},
	.wnd = 4321,
	.flags = TCP_SYN,
	.opts = {.has_mss = true,
		 .mss = 1400,
		 .has_wscale = true,
		 .wscale = 7,
		 .sack_permitted = true,
		 .has_ts = true,
		 .ts_val = 5000},
};

static struct half make(uint8_t flags)
{
	struct half h = {.iss = {ISS}, .irs = {IRS}, .ts_recent = 5000, .flags = flags};

	return h;
}

/* What is offered and what is switched on: both, or it is off (RFC7323-02, -10, RFC2018-02). */
static void test_init(void **state)
{
	struct tcp_agreed a;
	struct half h;

	(void)state;
	for (unsigned bits = 0; bits < 64; bits++) {
		struct tcp_seg syn = full_syn;

		weir_config_default(&cfg);
		syn.opts.has_wscale = bits & 1;
		syn.opts.sack_permitted = bits & 2;
		syn.opts.has_ts = bits & 4;
		cfg.window_scaling = !!(bits & 8);
		cfg.sack = !!(bits & 16);
		cfg.timestamps = !!(bits & 32);
		half_init(&h, &cfg, &syn, seq_make(ISS), 536);
		half_agreed(&h, 3, &a);
		assert_int_equal(a.wscale_ok, (bits & 9) == 9);
		assert_int_equal(a.snd_wscale, (bits & 9) == 9 ? 7 : 0);
		assert_int_equal(a.rcv_wscale, (bits & 9) == 9 ? 3 : 0);
		assert_int_equal(a.sack_ok, (bits & 18) == 18);
		assert_int_equal(a.ts_ok, (bits & 36) == 36);
		assert_int_equal(a.mss, 1400);
		assert_int_equal(h.wnd, 4321);
		assert_int_equal(h.iss.v, ISS);
		assert_int_equal(h.irs.v, IRS);
		assert_int_equal(h.ts_recent, a.ts_ok ? 5000 : 0);
	}
	weir_config_default(&cfg);
}

/* RFC9293-MUST-15 */
static void test_default_mss(void **state)
{
	struct tcp_seg syn = full_syn;
	struct half h;

	(void)state;
	syn.opts.has_mss = false;
	half_init(&h, &cfg, &syn, seq_make(ISS), 1220);
	assert_int_equal(h.mss, 1220);
}

struct input_row {
	const char *name;
	uint8_t half_flags;
	uint8_t flags;
	uint32_t seq, ack, len;
	int32_t ts; /* -1: none; otherwise TSval - TS.Recent, plus 1000 */
	enum half_action action;
	enum weir_counter verdict;
};

#define NO_TS   (-1)
#define SAME_TS 1000

static const struct input_row rows[] = {
	/* RFC9293-MUST-11, RFC5961-01 to -03: an RST ends the record, and nothing else */
	{"RST at RCV.NXT", 0, TCP_RST, RCV, 0, 0, NO_TS, HALF_DO_END, WEIR_CTR_HALF_RST},
	{"RST of a held one", HALF_HELD, TCP_RST, RCV, 0, 0, NO_TS, HALF_DO_END, WEIR_CTR_HALF_RST},
	{"RST in the window", 0, TCP_RST, RCV + 1, 0, 0, NO_TS, HALF_DO_ACK,
	 WEIR_CTR_RST_CHALLENGED},
	{"RST at its last byte", 0, TCP_RST, RCV + WND - 1, 0, 0, NO_TS, HALF_DO_ACK,
	 WEIR_CTR_RST_CHALLENGED},
	{"RST beyond", 0, TCP_RST, RCV + WND, 0, 0, NO_TS, HALF_DO_NOTHING, WEIR_CTR_RST_OUTSIDE},
	{"RST before", 0, TCP_RST, IRS, 0, 0, NO_TS, HALF_DO_NOTHING, WEIR_CTR_RST_OUTSIDE},
	/* the same SYN again */
	{"SYN again", 0, TCP_SYN, IRS, 0, 0, NO_TS, HALF_DO_SYNACK, WEIR_CTR_HALF_SYN_AGAIN},
	{"SYN again, held", HALF_HELD, TCP_SYN, IRS, 0, 0, NO_TS, HALF_DO_NOTHING,
	 WEIR_CTR_HALF_HELD},
	{"SYN again, old TS", HALF_TS, TCP_SYN, IRS, 0, 0, SAME_TS - 1, HALF_DO_SYNACK,
	 WEIR_CTR_HALF_SYN_AGAIN},
	/* another SYN */
	{"SYN in the window", 0, TCP_SYN, RCV + 5, 0, 0, NO_TS, HALF_DO_END, WEIR_CTR_HALF_SYN_NEW},
	{"SYN in it, old TS", HALF_TS, TCP_SYN, RCV + 5, 0, 0, SAME_TS - 1, HALF_DO_END,
	 WEIR_CTR_HALF_SYN_NEW},
	{"SYN outside", 0, TCP_SYN, RCV + WND, 0, 0, NO_TS, HALF_DO_ACK, WEIR_CTR_OUT_OF_WINDOW},
	/* the sequence check */
	{"ACK left of the window", 0, TCP_ACK, IRS, SND, 0, NO_TS, HALF_DO_ACK,
	 WEIR_CTR_OUT_OF_WINDOW},
	{"ACK right of it", 0, TCP_ACK, RCV + WND, SND, 0, NO_TS, HALF_DO_ACK,
	 WEIR_CTR_OUT_OF_WINDOW},
	{"data that reaches in", 0, TCP_ACK, IRS - 5, SND, 7, NO_TS, HALF_DO_COMPLETE,
	 WEIR_CTR_ACCEPTED},
	{"data that ends before", 0, TCP_ACK, IRS - 5, SND, 6, NO_TS, HALF_DO_ACK,
	 WEIR_CTR_OUT_OF_WINDOW},
	{"unacceptable, held", HALF_HELD, TCP_ACK, RCV + WND, SND, 0, NO_TS, HALF_DO_NOTHING,
	 WEIR_CTR_OUT_OF_WINDOW},
	/* RFC7323-13, -19 */
	{"old timestamp", HALF_TS, TCP_ACK, RCV, SND, 0, SAME_TS - 1, HALF_DO_ACK, WEIR_CTR_PAWS},
	{"same timestamp", HALF_TS, TCP_ACK, RCV, SND, 0, SAME_TS, HALF_DO_COMPLETE,
	 WEIR_CTR_ACCEPTED},
	{"newer timestamp", HALF_TS, TCP_ACK, RCV, SND, 0, SAME_TS + 1, HALF_DO_COMPLETE,
	 WEIR_CTR_ACCEPTED},
	{"no timestamp", HALF_TS, TCP_ACK, RCV, SND, 0, NO_TS, HALF_DO_NOTHING,
	 WEIR_CTR_TS_MISSING},
	{"not negotiated", 0, TCP_ACK, RCV, SND, 0, SAME_TS - 1, HALF_DO_COMPLETE,
	 WEIR_CTR_ACCEPTED},
	/* the ACK (RFC9293-X-03) */
	{"third segment", 0, TCP_ACK, RCV, SND, 0, NO_TS, HALF_DO_COMPLETE, WEIR_CTR_ACCEPTED},
	{"third, with data", 0, TCP_ACK, RCV, SND, 10, NO_TS, HALF_DO_COMPLETE, WEIR_CTR_ACCEPTED},
	{"third, with FIN", 0, TCP_ACK | TCP_FIN, RCV, SND, 0, NO_TS, HALF_DO_COMPLETE,
	 WEIR_CTR_ACCEPTED},
	{"no ACK", 0, TCP_PSH, RCV, SND, 10, NO_TS, HALF_DO_NOTHING, WEIR_CTR_HALF_STRAY},
	{"ACK too low", 0, TCP_ACK, RCV, ISS, 0, NO_TS, HALF_DO_RST, WEIR_CTR_HALF_BAD_ACK},
	{"ACK too high", 0, TCP_ACK, RCV, SND + 1, 0, NO_TS, HALF_DO_RST, WEIR_CTR_HALF_BAD_ACK},
	{"ACK of a held one", HALF_HELD, TCP_ACK, RCV, SND, 0, NO_TS, HALF_DO_NOTHING,
	 WEIR_CTR_HALF_STRAY},
};

static void test_input(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		const struct input_row *r = &rows[i];
		struct half h = make(r->half_flags);
		struct tcp_seg s = {.seq = {r->seq},
				    .ack = {r->ack},
				    .len = r->len,
				    .flags = r->flags,
				    .opts = {.has_ts = r->ts != NO_TS,
					     .ts_val = (uint32_t)(5000 + r->ts - 1000)}};
		enum weir_counter verdict = WEIR_CTR_COUNT;
		enum half_action action = half_input(&h, &cfg, &s, WND, &verdict);

		if (action != r->action || verdict != r->verdict)
			fail_msg("%s: action %d, %s", r->name, (int)action,
				 weir_counter_name(verdict));
	}
}

/* RFC9293-X-04 with a closed window. */
static void test_closed_window(void **state)
{
	struct half h = make(0);
	struct tcp_seg s = {.seq = {RCV}, .ack = {SND}, .flags = TCP_ACK};
	enum weir_counter v;

	(void)state;
	assert_int_equal(half_input(&h, &cfg, &s, 0, &v), HALF_DO_COMPLETE);
	s.len = 1;
	assert_int_equal(half_input(&h, &cfg, &s, 0, &v), HALF_DO_ACK);
	s.len = 0;
	s.seq = seq_make(RCV + 1);
	assert_int_equal(half_input(&h, &cfg, &s, 0, &v), HALF_DO_ACK);
}

/* RFC5961-09: a record answers so many times and no more; its handshake still completes. */
static void test_answers_are_bounded(void **state)
{
	struct half h = make(0);
	struct tcp_seg bad = {.seq = {RCV + WND}, .flags = TCP_ACK};
	struct tcp_seg good = {.seq = {RCV}, .ack = {SND}, .flags = TCP_ACK};
	enum weir_counter v;
	unsigned answers = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		answers += half_input(&h, &cfg, &bad, WND, &v) == HALF_DO_ACK;
	assert_int_equal(answers, cfg.challenge_count);
	assert_int_equal(half_input(&h, &cfg, &good, WND, &v), HALF_DO_COMPLETE);
	cfg.challenge_count = 1000; /* more than the record can count */
	h = make(0);
	answers = 0;
	for (unsigned i = 0; i < 2000; i++)
		answers += half_input(&h, &cfg, &bad, WND, &v) == HALF_DO_ACK;
	assert_int_equal(answers, UINT8_MAX);
	weir_config_default(&cfg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_default_mss),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_closed_window),
		cmocka_unit_test(test_answers_are_bounded),
	};

	weir_config_default(&cfg);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
