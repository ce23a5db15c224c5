/*
 * SYN-SENT: RFC 9293 3.10.7.3, each outcome.
 */
#include "fixture.h"

#include "tcp/rcvq.h"
#include "tcp/timers.h"

#define SYNACK (TCP_SYN | TCP_ACK)

static void open_synsent(struct fix *f)
{
	fix_init(f);
	tcb_open_active(&f->t, &f->env, seq_make(ISS), 0, f->now);
	assert_plan(f, SENT_SYN, ISS, 0, TCP_SYN);
}

/* RFC9293-X-03, X-02, RFC5961-04, MUST-10 */
static void test_outcomes(void **state)
{
	static const struct {
		const char *name;
		uint8_t flags;
		uint32_t ack;
		enum weir_counter verdict;
		enum weir_state after;
		bool answer; /* an RST with SEG.SEQ = SEG.ACK */
	} rows[] = {
		{"SYN-ACK", SYNACK, SND, WEIR_CTR_ACCEPTED, WEIR_STATE_ESTABLISHED, false},
		{"SYN-ACK of ISS", SYNACK, ISS, WEIR_CTR_SYNSENT_BAD_ACK, WEIR_STATE_SYN_SENT,
		 true},
		{"SYN-ACK beyond", SYNACK, SND + 1, WEIR_CTR_SYNSENT_BAD_ACK, WEIR_STATE_SYN_SENT,
		 true},
		{"bad ACK", TCP_ACK, ISS - 9, WEIR_CTR_SYNSENT_BAD_ACK, WEIR_STATE_SYN_SENT, true},
		{"good ACK, no SYN", TCP_ACK, SND, WEIR_CTR_SYNSENT_STRAY, WEIR_STATE_SYN_SENT,
		 false},
		{"RST-ACK", TCP_RST | TCP_ACK, SND, WEIR_CTR_REFUSED, WEIR_STATE_CLOSED, false},
		{"RST, bad ACK", TCP_RST | TCP_ACK, ISS, WEIR_CTR_SYNSENT_BAD_ACK,
		 WEIR_STATE_SYN_SENT, false},
		{"RST without ACK", TCP_RST, 0, WEIR_CTR_SYNSENT_RST, WEIR_STATE_SYN_SENT, false},
		{"RST and SYN", TCP_RST | SYNACK, SND, WEIR_CTR_REFUSED, WEIR_STATE_CLOSED, false},
		{"SYN", TCP_SYN, 0, WEIR_CTR_ACCEPTED, WEIR_STATE_SYN_RECEIVED, false},
		{"nothing", 0, 0, WEIR_CTR_SYNSENT_STRAY, WEIR_STATE_SYN_SENT, false},
		{"FIN", TCP_FIN, 0, WEIR_CTR_SYNSENT_STRAY, WEIR_STATE_SYN_SENT, false},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		enum weir_counter v;

		open_synsent(f);
		v = fix_in(f, (struct tcp_seg){.seq = {IRS},
					       .ack = {rows[i].ack},
					       .wnd = 5000,
					       .flags = rows[i].flags});
		if (v != rows[i].verdict || f->t.state != rows[i].after)
			fail_msg("%s: %s, %s", rows[i].name, weir_counter_name(v),
				 weir_state_name(f->t.state));
		assert_int_equal(f->in.answer, rows[i].answer);
		if (f->in.answer)
			assert_int_equal(f->in.answer_seq.v, rows[i].ack);
		if (f->t.state == WEIR_STATE_CLOSED)
			assert_int_equal(f->t.reason, WEIR_REFUSED);
	}
}

/* RFC9293-X-20, RFC7323-03, RFC5681-04 */
static void test_complete(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_synsent(f);
	f->now += 70 * NS_PER_MS;
	fix_in(f, (struct tcp_seg){.seq = {IRS},
				   .ack = {SND},
				   .wnd = 5000,
				   .flags = SYNACK,
				   .opts = {.has_mss = true,
					    .mss = 800,
					    .has_wscale = true,
					    .wscale = 7,
					    .sack_permitted = true}});
	assert_int_equal(t->snd.wnd, 5000); /* not scaled here */
	assert_int_equal(t->snd.wl1.v, IRS);
	assert_int_equal(t->snd.wl2.v, SND);
	assert_int_equal(t->snd.una.v, SND);
	assert_int_equal(t->rcv.nxt.v, RCV);
	assert_int_equal(tcb_rcv_wnd(t), 65535); /* what our SYN offered */
	assert_int_equal(t->snd_wscale, 7);
	assert_true(t->sack_ok);
	assert_false(t->ts.ok);
	assert_int_equal(t->snd.mss, 800);
	assert_int_equal(t->cc.cwnd, 8000);
	assert_int_equal(t->rtt.srtt_ns, 70 * NS_PER_MS);
	assert_true(t->events & 1u << WEIR_EV_CONNECTED);
	assert_true(timers_next(t) == WEIR_NEVER);
	assert_int_equal(f->env.counters[WEIR_CTR_OPENED_ACTIVE], 1);
	assert_plan(f, SENT_ACK, SND, 0, TCP_ACK);
	assert_null(tcb_check(&f->env, t));
}

/* RFC7323-02, -10, RFC2018-02, MUST-15: only what both ends want. */
static void test_options(void **state)
{
	struct fix *f = *state;

	for (unsigned bits = 0; bits < 64; bits++) {
		struct tcb *t = &f->t;

		f->cfg.window_scaling = !!(bits & 1);
		f->cfg.sack = !!(bits & 2);
		f->cfg.timestamps = !!(bits & 4);
		open_synsent(f);
		fix_in(f, (struct tcp_seg){.seq = {IRS},
					   .ack = {SND},
					   .wnd = 5000,
					   .flags = SYNACK,
					   .opts = {.has_wscale = bits & 8,
						    .wscale = 7,
						    .sack_permitted = bits & 16,
						    .has_ts = bits & 32,
						    .ts_val = 99}});
		assert_int_equal(t->wscale_ok, (bits & 9) == 9);
		assert_int_equal(t->snd_wscale, (bits & 9) == 9 ? 7 : 0);
		assert_int_equal(t->rcv_wscale, (bits & 9) == 9 ? 5 : 0);
		assert_int_equal(t->sack_ok, (bits & 18) == 18);
		assert_int_equal(t->ts.ok, (bits & 36) == 36);
		assert_int_equal(t->ts.recent, t->ts.ok ? 99 : 0);
		assert_int_equal(t->snd.mss, t->ts.ok ? 524 : 536);
	}
}

/* Data and FIN on a SYN-ACK are in order and are taken, up to the window offered. */
static void test_text_on_synack(void **state)
{
	struct fix *f = *state;
	static uint8_t bytes[3000];

	open_synsent(f);
	fix_in(f, (struct tcp_seg){.seq = {IRS},
				   .ack = {SND},
				   .wnd = 5000,
				   .len = 100,
				   .payload = bytes,
				   .flags = SYNACK | TCP_FIN});
	assert_int_equal(rcvq_readable(&f->t), 100);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSE_WAIT);
	assert_int_equal(f->t.rcv.nxt.v, RCV + 101);
	tcb_flush(&f->t, &f->env);
	f->cfg.rcvbuf = 2000;
	open_synsent(f);
	fix_in(f, (struct tcp_seg){.seq = {IRS},
				   .ack = {SND},
				   .wnd = 5000,
				   .len = 3000,
				   .payload = bytes,
				   .flags = SYNACK | TCP_FIN});
	assert_int_equal(rcvq_readable(&f->t), 2000);
	assert_int_equal(f->t.state, WEIR_STATE_ESTABLISHED);
}

/* MUST-10, RFC9293-X-09: a crossing SYN; its data comes again. */
static void test_simultaneous_open(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	uint8_t bytes[10] = {0};

	open_synsent(f);
	fix_in(f,
	       (struct tcp_seg){
		       .seq = {IRS}, .wnd = 5000, .len = 10, .payload = bytes, .flags = TCP_SYN});
	assert_int_equal(t->state, WEIR_STATE_SYN_RECEIVED);
	assert_int_equal(t->rcv.nxt.v, RCV);
	assert_int_equal(rcvq_readable(t), 0);
	assert_int_equal(fix_drain(f), 1);
	/* the peer's SYN-ACK stands one left of the window */
	assert_verdict(
		fix_in(f,
		       (struct tcp_seg){.seq = {IRS}, .ack = {SND}, .wnd = 5000, .flags = SYNACK}),
		ACCEPTED);
	assert_int_equal(t->state, WEIR_STATE_ESTABLISHED);
	assert_true(t->events & 1u << WEIR_EV_CONNECTED);
	assert_int_equal(t->cc.cwnd, 5360);
	assert_null(tcb_check(&f->env, t));
}

/* A close while the crossing SYNs are not acknowledged: the FIN goes at once (3.10.4). */
static void test_close_in_simultaneous_open(void **state)
{
	struct fix *f = *state;

	open_synsent(f);
	fix_in(f, (struct tcp_seg){.seq = {IRS}, .wnd = 5000, .flags = TCP_SYN});
	fix_drain(f);
	assert_int_equal(user_shutdown(&f->t, &f->env, f->now), WEIR_OK);
	assert_int_equal(f->t.state, WEIR_STATE_FIN_WAIT_1);
	assert_plan(f, SENT_FIN, SND, 0, TCP_ACK | TCP_FIN);
	assert_int_equal(f->t.cc.cwnd, 5360); /* it is synchronized: it has a window */
	assert_null(tcb_check(&f->env, &f->t));
}

/* RFC6298-11: a lost SYN and no timestamps leave no sample. */
static void test_lost_syn(void **state)
{
	struct fix *f = *state;

	open_synsent(f);
	f->now = f->t.timers.at[TIMER_RTX];
	timers_run(&f->env, &f->t, f->now);
	assert_plan(f, RETX_SYN, ISS, 0, TCP_SYN);
	f->now += 10 * NS_PER_MS;
	fix_in(f, (struct tcp_seg){.seq = {IRS}, .ack = {SND}, .wnd = 5000, .flags = SYNACK});
	assert_int_equal(f->t.rtt.srtt_ns, 0); /* Karn */
	fix_send(f, 10);
	fix_drain(f);
	assert_int_equal(f->t.timers.at[TIMER_RTX], f->now + 3000 * NS_PER_MS);
	assert_int_equal(f->t.retries, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outcomes),
		TEST(test_complete),
		TEST(test_options),
		TEST(test_text_on_synack),
		TEST(test_simultaneous_open),
		TEST(test_lost_syn),
		TEST(test_close_in_simultaneous_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
