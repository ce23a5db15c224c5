/*
 * Which segment goes next: RFC9293-X-11, Nagle, the windows, super-segments, PSH, FIN, resending.
 * Plans are made without looking at a byte.
 */
#include "fixture.h"

#include "tcp/recovery.h"
#include "tcp/timers.h"

#define PSH (TCP_ACK | TCP_PSH)

static void assert_nothing_lost(const struct fix *f)
{
	const char *bad = tcb_check(&f->env, &f->t);

	if (bad)
		fail_msg("%s", bad);
}

static void test_handshake(void **state)
{
	struct fix *f = *state;

	fix_init(f);
	tcb_open_active(&f->t, &f->env, seq_make(ISS), 0, f->now);
	fix_send(f, 10); /* queued, not sent with the SYN */
	assert_plan(f, SENT_SYN, ISS, 0, TCP_SYN);
	assert_no_plan(f);
	assert_int_equal(f->t.timers.at[TIMER_RTX], f->now + 1000 * NS_PER_MS);
	f->now += 1000 * NS_PER_MS;
	timers_run(&f->env, &f->t, f->now);
	assert_plan(f, RETX_SYN, ISS, 0, TCP_SYN); /* MUST-22 */
	assert_no_plan(f);
	fix_in(f, (struct tcp_seg){
			  .seq = {IRS}, .ack = {SND}, .wnd = 9999, .flags = TCP_SYN | TCP_ACK});
	assert_plan(f, SENT_DATA, SND, 10, PSH); /* and the ACK rides on it */
	assert_no_plan(f);
}

/* MUST-10: the SYN-ACK of a simultaneous open repeats our own ISN. */
static void test_simultaneous_open(void **state)
{
	struct fix *f = *state;

	fix_init(f);
	tcb_open_active(&f->t, &f->env, seq_make(ISS), 0, f->now);
	assert_plan(f, SENT_SYN, ISS, 0, TCP_SYN);
	fix_in(f, (struct tcp_seg){.seq = {IRS}, .wnd = 9999, .flags = TCP_SYN});
	assert_int_equal(f->t.state, WEIR_STATE_SYN_RECEIVED);
	assert_plan(f, SENT_SYNACK, ISS, 0, TCP_SYN | TCP_ACK);
	fix_send(f, 10);
	assert_no_plan(f); /* no data before the SYN is acknowledged */
}

/* SHLD-28, MUST-61: full segments, and PSH on the one that empties the queue. */
static void test_full_segments(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	f->t.cc.cwnd = 10 * MSS;
	fix_send(f, 2500);
	assert_plan(f, SENT_DATA, SND, MSS, TCP_ACK);
	assert_plan(f, SENT_DATA, SND + MSS, MSS, TCP_ACK);
	assert_no_plan(f); /* SHLD-7: the tail waits, data is out */
	fix_ack(f, SND + MSS, 65535);
	assert_no_plan(f);
	fix_ack(f, SND + 2 * MSS, 65535);
	assert_plan(f, SENT_DATA, SND + 2 * MSS, 500, PSH);
	assert_nothing_lost(f);
}

/* SHLD-7, MUST-17, -60 */
static void test_nagle(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 1);
	assert_plan(f, SENT_DATA, SND, 1, PSH); /* nothing is out: at once */
	for (unsigned i = 0; i < 5; i++)
		fix_send(f, 1);
	assert_no_plan(f);
	fix_ack(f, SND + 1, 65535);
	assert_plan(f, SENT_DATA, SND + 1, 5, PSH); /* SHLD-27: merged */
	user_set(&f->t, &f->env, WEIR_OPT_NODELAY, 1);
	fix_send(f, 1);
	assert_plan(f, SENT_DATA, SND + 6, 1, PSH);
	user_set(&f->t, &f->env, WEIR_OPT_NODELAY, 0);
	fix_send(f, MSS); /* a full one waits for nobody */
	assert_plan(f, SENT_DATA, SND + 7, MSS, PSH);
}

static void test_more_follows(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send_flags(f, 100, WEIR_SEND_MORE);
	assert_no_plan(f);
	fix_send_flags(f, MSS, WEIR_SEND_MORE);
	assert_plan(f, SENT_DATA, SND, MSS, TCP_ACK);
	assert_no_plan(f);
	fix_ack(f, SND + MSS, 65535);
	fix_send(f, 1);
	assert_plan(f, SENT_DATA, SND + MSS, 101, PSH);
}

/* MUST-38, X-11: no silly segments when the window opens by a little. */
static void test_silly_window(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	f->t.snd.wnd_max = 1000;
	fix_ack(f, SND, 0);
	fix_send(f, 5000);
	for (uint16_t wnd = 100; wnd < 500; wnd = (uint16_t)(wnd + 100)) {
		fix_ack(f, SND, wnd);
		assert_no_plan(f);
	}
	fix_ack(f, SND, 500); /* half of the largest window ever offered */
	assert_plan(f, SENT_DATA, SND, 500, TCP_ACK);
}

static void test_override(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_ack(f, SND, 0);
	fix_send(f, 5000);
	fix_ack(f, SND, 100);
	assert_no_plan(f);
	assert_true(timer_on(&f->t, TIMER_PERSIST));
	timers_run(&f->env, &f->t, f->t.timers.at[TIMER_PERSIST]);
	assert_plan(f, SENT_DATA, SND, 100, TCP_ACK);
	assert_no_plan(f);
	assert_nothing_lost(f);
}

/* RFC5681-01: min(cwnd, rwnd); SHLD-15: nothing beyond a window that shrank. */
static void test_windows(void **state)
{
	static const struct {
		uint32_t cwnd;
		uint16_t wnd;
		unsigned segments;
		bool limited;
	} rows[] = {
		{4000, 65535, 4, true},    {65535, 3000, 3, false},   {3999, 65535, 3, true},
		{65535, 20000, 10, false}, {20000, 65535, 10, false},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		fix_open(f, NULL);
		fix_ack(f, SND, rows[i].wnd);
		f->t.cc.cwnd = rows[i].cwnd;
		fix_send(f, 10 * MSS);
		assert_int_equal(fix_drain(f), rows[i].segments);
		assert_int_equal(f->t.cc.limited, rows[i].limited);
		assert_nothing_lost(f);
		tcb_flush(&f->t, &f->env);
	}
}

/* MUST-34 */
static void test_window_shrinks(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	f->t.cc.cwnd = 60000;
	fix_send(f, 10 * MSS);
	assert_int_equal(fix_drain(f), 10);
	fix_send(f, 5 * MSS);
	fix_ack(f, SND + MSS, 2000); /* nine segments are out, two of them inside */
	assert_no_plan(f);
	fix_ack(f, SND + 10 * MSS, 2000);
	assert_plan(f, SENT_DATA, SND + 10 * MSS, MSS, TCP_ACK);
}

/* Super-segments: multiples of the segment size, with the tail when it may go too. */
static void test_super_segments(void **state)
{
	static const struct {
		uint32_t queued, gso_max, len;
		uint16_t gso_size;
		uint8_t flags;
	} rows[] = {
		{5000, 64000, 5000, MSS, PSH},
		{5500, 64000, 5500, MSS, PSH}, /* nothing behind it: the tail goes along ... */
		{5500, 3000, 3000, MSS, TCP_ACK},
		{5500, 3999, 3000, MSS, TCP_ACK},
		{999, 64000, 999, 0, PSH},
		{1000, 64000, 1000, 0, PSH},
		{5000, 1000, 1000, 0, TCP_ACK},
		{5000, 999, 1000, 0, TCP_ACK},
		{5000, 0, 1000, 0, TCP_ACK},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcp_plan p;

		fix_open(f, NULL);
		f->t.user.nodelay = true;
		f->t.cc.cwnd = 60000;
		f->gso_max = rows[i].gso_max;
		fix_send(f, rows[i].queued);
		assert_true(fix_out(f, &p));
		assert_int_equal(p.len, rows[i].len);
		assert_int_equal(p.gso_size, rows[i].gso_size);
		assert_int_equal(p.flags, rows[i].flags);
		tcb_flush(&f->t, &f->env);
	}
}

/* ... but not when Nagle holds it, nor beyond cwnd. */
static void test_super_segment_tail(void **state)
{
	struct fix *f = *state;

	f->gso_max = 64000;
	fix_open(f, NULL);
	f->t.cc.cwnd = 60000;
	fix_send(f, 5500);
	assert_plan(f, SENT_DATA, SND, 5000, TCP_ACK);
	assert_no_plan(f);
	tcb_flush(&f->t, &f->env);
	fix_open(f, NULL);
	f->t.cc.cwnd = 3500;
	fix_send(f, 5500);
	assert_plan(f, SENT_DATA, SND, 3000, TCP_ACK);
	assert_no_plan(f);
}

/* The urgent pointer counts from each segment: no device cuts that. */
static void test_urgent_is_not_cut_up(void **state)
{
	struct fix *f = *state;

	f->gso_max = 64000;
	fix_open(f, NULL);
	f->t.cc.cwnd = 60000;
	fix_send_flags(f, 2500, WEIR_SEND_URGENT);
	fix_send(f, 2500);
	for (unsigned i = 0; i < 3; i++)
		assert_plan(f, SENT_DATA, SND + i * MSS, MSS, TCP_ACK);
	assert_plan(f, SENT_DATA, SND + 3 * MSS, 2 * MSS, PSH);
}

/* 3.10.4: the FIN rides on the last data; alone only when there is none. */
static void test_fin(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 1200);
	user_shutdown(&f->t, &f->env, f->now);
	assert_plan(f, SENT_DATA, SND, MSS, TCP_ACK);
	assert_plan(f, SENT_DATA, SND + MSS, 200, PSH | TCP_FIN); /* Nagle holds no last one */
	assert_no_plan(f);
	assert_int_equal(tcb_flight(&f->t), 1201);
	tcb_flush(&f->t, &f->env);
	fix_open(f, NULL);
	user_shutdown(&f->t, &f->env, f->now);
	assert_plan(f, SENT_FIN, SND, 0, TCP_ACK | TCP_FIN);
	assert_no_plan(f);
	fix_ack(f, SND + 1, 65535);
	assert_int_equal(f->t.state, WEIR_STATE_FIN_WAIT_2);
	assert_nothing_lost(f);
}

/* A FIN takes a number: it needs room in the window. */
static void test_fin_needs_room(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_ack(f, SND, MSS);
	fix_send(f, MSS);
	user_shutdown(&f->t, &f->env, f->now);
	assert_plan(f, SENT_DATA, SND, MSS, PSH);
	assert_no_plan(f);
	fix_ack(f, SND + MSS, MSS);
	assert_plan(f, SENT_FIN, SND + MSS, 0, TCP_ACK | TCP_FIN);
}

/* RFC9293-MUST-36: the first byte that waits, or the FIN. */
static void test_probe(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_ack(f, SND, 0);
	fix_send(f, 100);
	assert_no_plan(f);
	f->t.want_probe = true;
	assert_plan(f, PROBE_WINDOW, SND, 1, TCP_ACK);
	assert_no_plan(f);
	assert_false(f->t.rtt.timing); /* its answer comes when the peer has room, not before */
	/* an ACK now must not stand beyond the window, or it would not be acceptable */
	f->t.ackgen.now = true;
	f->t.ackgen.why = WEIR_CTR_SENT_ACK;
	assert_plan(f, SENT_ACK, SND, 0, TCP_ACK);
	tcb_flush(&f->t, &f->env);
	fix_open(f, NULL);
	fix_ack(f, SND, 0);
	user_shutdown(&f->t, &f->env, f->now);
	assert_no_plan(f);
	f->t.want_probe = true;
	assert_plan(f, PROBE_WINDOW, SND, 0, TCP_ACK | TCP_FIN);
}

/* RFC5681-11, SHLD-16: from SND.UNA on again, one segment, then as slow start allows. */
static void test_resend_after_timeout(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	t->cc.cwnd = 10 * MSS;
	fix_send(f, 4500);
	user_shutdown(t, &f->env, f->now);
	assert_int_equal(fix_drain(f), 5);
	fix_send(f, 0);
	f->now = t->timers.at[TIMER_RTX];
	timers_run(&f->env, t, f->now);
	assert_plan(f, RETX_TIMEOUT, SND, MSS, TCP_ACK);
	assert_no_plan(f);
	fix_ack(f, SND + MSS, 65535);
	assert_int_equal(t->cc.cwnd, 2 * MSS);
	assert_plan(f, RETX_TIMEOUT, SND + MSS, MSS, TCP_ACK);
	assert_plan(f, RETX_TIMEOUT, SND + 2 * MSS, MSS, TCP_ACK);
	assert_no_plan(f);
	fix_ack(f, SND + 4 * MSS, 65535); /* the peer had one of them already */
	assert_plan(f, RETX_TIMEOUT, SND + 4 * MSS, 500, TCP_ACK | TCP_FIN | TCP_PSH);
	assert_no_plan(f);
	fix_ack(f, SND + 4501, 65535);
	assert_int_equal(t->state, WEIR_STATE_FIN_WAIT_2);
	assert_int_equal(t->retransmits, 4);
	assert_nothing_lost(f);
}

/* SHLD-16: only inside the window as it is now. */
static void test_resend_inside_the_window(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	f->t.cc.cwnd = 10 * MSS;
	fix_send(f, 5 * MSS);
	assert_int_equal(fix_drain(f), 5);
	fix_ack(f, SND, 1500);
	recovery_again(&f->t, &f->env, WEIR_CTR_RETX_TIMEOUT);
	assert_plan(f, RETX_TIMEOUT, SND, MSS, TCP_ACK);
	assert_plan(f, RETX_TIMEOUT, SND + MSS, 500, TCP_ACK);
	assert_no_plan(f);
	fix_ack(f, SND, 1000); /* it shrinks below what was sent again */
	assert_no_plan(f);
}

/* RFC6298-06, MUST-18: a fast retransmission makes the timing ambiguous. */
static void test_karn(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 5 * MSS);
	fix_drain(f);
	assert_true(f->t.rtt.timing);
	for (unsigned i = 0; i < 3; i++)
		fix_ack(f, SND, 65535);
	assert_plan(f, RETX_FAST, SND, MSS, TCP_ACK);
	f->now += 70 * NS_PER_MS;
	fix_ack(f, SND + 5 * MSS, 65535);
	assert_int_equal(f->t.rtt.srtt_ns, 0);
}

/* RFC5681-17 */
static void test_restart_after_idle(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 10);
	fix_drain(f);
	fix_ack(f, SND + 10, 65535);
	f->t.cc.cwnd = 50 * MSS;
	f->now += 200 * NS_PER_MS; /* an RTO exactly: not idle yet */
	fix_send(f, 20 * MSS);
	assert_true(fix_drain(f) == 20);
	fix_ack(f, SND + 10 + 20 * MSS, 65535);
	f->now += 10000 * NS_PER_MS;
	fix_send(f, 20 * MSS);
	assert_int_equal(fix_drain(f), 10);
	assert_int_equal(f->t.cc.cwnd, 10 * MSS);
}

/* An ACK owed goes with data, not beside it. */
static void test_ack_rides_on_data(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_data(f, RCV, 10, 0);
	assert_true(f->t.ackgen.now);
	fix_send(f, 10);
	assert_plan(f, SENT_DATA, SND, 10, PSH);
	assert_no_plan(f);
	assert_int_equal(f->t.rcv.last_ack.v, RCV + 10); /* RFC7323-29 */
}

static void test_nothing_after_the_end(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 10);
	f->t.ackgen.now = true;
	tcb_end(&f->t, &f->env, WEIR_RESET);
	assert_no_plan(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handshake),
		TEST(test_simultaneous_open),
		TEST(test_full_segments),
		TEST(test_nagle),
		TEST(test_more_follows),
		TEST(test_silly_window),
		TEST(test_override),
		TEST(test_windows),
		TEST(test_window_shrinks),
		TEST(test_super_segments),
		TEST(test_super_segment_tail),
		TEST(test_urgent_is_not_cut_up),
		TEST(test_fin),
		TEST(test_fin_needs_room),
		TEST(test_probe),
		TEST(test_resend_after_timeout),
		TEST(test_resend_inside_the_window),
		TEST(test_karn),
		TEST(test_restart_after_idle),
		TEST(test_ack_rides_on_data),
		TEST(test_nothing_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
