/*
 * The ACK field: its range, the window update, and what an acceptable ACK moves.
 */
#include "fixture.h"

#include "tcp/timers.h"

#define WND 65535u

static void open_busy(struct fix *f, uint32_t len)
{
	fix_open(f, NULL);
	f->t.cc.cwnd = 30 * MSS;
	fix_send(f, len);
	fix_drain(f);
	f->t.events = 0;
}

/* RFC5961-08, RFC9293-MAY-12 */
static void test_range(void **state)
{
	static const struct {
		int32_t from_una; /* SEG.ACK - SND.UNA */
		enum weir_counter verdict;
	} rows[] = {
		{-1001, WEIR_CTR_ACK_TOO_OLD}, {-1000, WEIR_CTR_ACCEPTED},
		{-1, WEIR_CTR_ACCEPTED},       {0, WEIR_CTR_ACCEPTED},
		{1, WEIR_CTR_ACCEPTED},        {5000, WEIR_CTR_ACCEPTED},
		{5001, WEIR_CTR_ACK_TOO_NEW},  {0x7fffffff, WEIR_CTR_ACK_TOO_NEW},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		bool good = rows[i].verdict == WEIR_CTR_ACCEPTED;

		open_busy(f, 5000);
		f->t.snd.wnd_max = 1000;
		assert_int_equal(fix_ack(f, SND + (uint32_t)rows[i].from_una, WND),
				 rows[i].verdict);
		assert_int_equal(f->t.ackgen.now, !good);
		if (!good)
			assert_verdict(f->t.ackgen.why, SENT_CHALLENGE);
		assert_int_equal(f->t.snd.una.v,
				 good && rows[i].from_una > 0 ? SND + rows[i].from_una : SND);
		tcb_flush(&f->t, &f->env);
	}
}

/* RFC9293-X-05: an old segment does not set the window. */
static void test_window_update(void **state)
{
	/* The last row acknowledges something new: it is the peer's latest word. */
	static const struct {
		int seq; /* SEG.SEQ - SND.WL1 */
		int ack; /* SEG.ACK - SND.WL2 */
		bool taken;
	} rows[] = {
		{1, 0, true},   {0, 0, true},   {0, 1, true},
		{-1, 0, false}, {1, -1, false}, {-1, 1, true},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcb *t = &f->t;

		open_busy(f, 5000);
		fix_ack(f, SND + 1000, 5000);
		t->snd.wl1 = seq_add(t->rcv.nxt, 10);
		t->snd.wl2 = seq_make(SND + 1000);
		t->rcv.nxt = seq_add(t->rcv.nxt, 9); /* so that SEG.SEQ 9 is in its place */
		fix_in(f, (struct tcp_seg){.seq = {RCV + 10 + (uint32_t)rows[i].seq},
					   .ack = {SND + 1000 + (uint32_t)rows[i].ack},
					   .wnd = 8000,
					   .flags = TCP_ACK});
		assert_int_equal(t->snd.wnd, rows[i].taken ? 8000 : 5000);
		assert_int_equal(t->snd.wnd_max, WND);
		t->rcv.nxt = seq_make(RCV);
		tcb_flush(t, &f->env);
	}
}

/* RFC7323-05, RFC9293-REC-1 */
static void test_window_is_scaled(void **state)
{
	static const struct tcp_agreed a = {.mss = MSS, .wscale_ok = true, .snd_wscale = 14};
	struct fix *f = *state;

	fix_open(f, &a);
	fix_ack(f, SND, 65535);
	assert_int_equal(f->t.snd.wnd, 65535u << 14);
	assert_int_equal(f->t.snd.wnd_max, 65535u << 14);
	fix_ack(f, SND, 1);
	assert_int_equal(f->t.snd.wnd, 16384);
	assert_int_equal(f->t.snd.wnd_max, 65535u << 14);
}

static void test_acked_bytes_go(void **state)
{
	struct fix *f = *state;

	open_busy(f, 9000);
	f->t.retries = 3;
	fix_ack(f, SND + 8192, WND);
	assert_int_equal(f->t.sndq.len, 808);
	assert_int_equal(f->t.sndq.q.head, 8192);
	assert_int_equal(f->t.retries, 0);
	assert_int_equal(f->env.pages.used, 2);
	fix_ack(f, SND + 9000, WND);
	assert_int_equal(f->env.pages.used, 0);
	assert_int_equal(f->t.sndq.q.head, 9000);
	assert_true(f->t.user.stuck_at == WEIR_NEVER);
}

/* WRITABLE once, when a quarter of the buffer is free again. */
static void test_writable(void **state)
{
	struct fix *f = *state;

	f->cfg.sndbuf = 8000;
	open_busy(f, 8000);
	f->t.sndq.full = true;
	fix_ack(f, SND + 1999, WND);
	assert_false(f->t.events & 1u << WEIR_EV_WRITABLE);
	fix_ack(f, SND + 2000, WND);
	assert_true(f->t.events & 1u << WEIR_EV_WRITABLE);
	f->t.events = 0;
	fix_ack(f, SND + 4000, WND);
	assert_int_equal(f->t.events, 0); /* nobody waits */
}

/* RFC9293 3.10.7.4, fifth: the ACK of our FIN moves the state. */
static void test_fin_acked(void **state)
{
	struct fix *f = *state;

	open_busy(f, 100);
	user_shutdown(&f->t, &f->env, f->now);
	fix_drain(f);
	fix_ack(f, SND + 100, WND); /* the data, not the FIN */
	assert_int_equal(f->t.state, WEIR_STATE_FIN_WAIT_1);
	fix_ack(f, SND + 101, WND);
	assert_int_equal(f->t.state, WEIR_STATE_FIN_WAIT_2);
	fix_open(f, NULL);
	fix_data(f, RCV, 0, TCP_FIN);
	user_shutdown(&f->t, &f->env, f->now);
	fix_drain(f);
	assert_int_equal(f->t.state, WEIR_STATE_LAST_ACK);
	fix_ack(f, SND + 1, WND);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSED);
	assert_int_equal(f->t.reason, WEIR_OK);
	fix_open(f, NULL);
	user_shutdown(&f->t, &f->env, f->now);
	fix_drain(f);
	fix_data(f, RCV, 0, TCP_FIN);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSING);
	fix_ack(f, SND + 1, WND);
	assert_int_equal(f->t.state, WEIR_STATE_TIME_WAIT);
}

/* RFC5681-04: the handshake's ACK does not grow cwnd; nor does one in recovery. */
static void test_cwnd(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	assert_int_equal(f->t.cc.cwnd, 10 * MSS);
	f->t.cc.cwnd = 4 * MSS;
	fix_send(f, 10 * MSS);
	assert_int_equal(fix_drain(f), 4);
	fix_ack(f, SND + MSS, WND);
	assert_int_equal(f->t.cc.cwnd, 5 * MSS);
	assert_int_equal(fix_drain(f), 2);
	for (unsigned i = 0; i < 3; i++)
		fix_ack(f, SND + MSS, WND);
	assert_int_equal(f->t.rec.phase, RECOVERY_FAST);
	fix_drain(f);
	fix_ack(f, SND + 3 * MSS, WND);
	assert_int_equal(f->t.cc.cwnd, f->t.cc.ssthresh);
}

/* RFC7323-15, -12: a sample comes from TSecr, but not from zero or one that lies ahead. */
static void test_echo(void **state)
{
	static const struct tcp_agreed a = {.mss = MSS, .ts_ok = true};
	static const struct {
		uint32_t ecr;
		uint64_t srtt_ms;
	} rows[] = {{1000, 50}, {1040, 10}, {0, 0}, {1051, 0}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		f->now = START;
		fix_open(f, &a);
		fix_send(f, 10);
		fix_drain(f);
		f->t.rtt.timing = false; /* it was sent again: only the echo can tell */
		f->now += 50 * NS_PER_MS;
		fix_in(f, (struct tcp_seg){
				  .seq = {RCV},
				  .ack = {SND + 10},
				  .wnd = WND,
				  .flags = TCP_ACK,
				  .opts = {.has_ts = true, .ts_val = 1, .ts_ecr = rows[i].ecr}});
		assert_int_equal(f->t.rtt.srtt_ns, rows[i].srtt_ms * NS_PER_MS);
	}
}

/* ACKs while the window is closed answer probes: they start no recovery. */
static void test_probe_answers_are_no_duplicates(void **state)
{
	struct fix *f = *state;

	open_busy(f, 5 * MSS);
	for (unsigned i = 0; i < 5; i++)
		fix_ack(f, SND, 0);
	assert_int_equal(f->t.rec.dupacks, 0);
	assert_true(timer_on(&f->t, TIMER_PERSIST)); /* MUST-35 */
	assert_false(timer_on(&f->t, TIMER_RTX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_range),
		TEST(test_window_update),
		TEST(test_window_is_scaled),
		TEST(test_acked_bytes_go),
		TEST(test_writable),
		TEST(test_fin_acked),
		TEST(test_cwnd),
		TEST(test_echo),
		TEST(test_probe_answers_are_no_duplicates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
