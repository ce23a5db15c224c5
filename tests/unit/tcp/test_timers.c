/*
 * The timers of a connection: RFC 6298 5, zero-window probes, keep-alive, the user timeout.
 */
#include "fixture.h"

#include "tcp/timers.h"

#define S (1000 * NS_PER_MS)

/* Lets time pass to the nearest timer and runs it. */
static weir_time next_timer(struct fix *f)
{
	f->now = timers_next(&f->t);
	assert_true(f->now != WEIR_NEVER);
	timers_run(&f->env, &f->t, f->now);
	return f->now;
}

static void test_next(void **state)
{
	struct fix *f = *state;

	fix_init(f);
	assert_true(timers_next(&f->t) == WEIR_NEVER);
	timer_set(&f->t, TIMER_KEEP, 500);
	timer_set(&f->t, TIMER_RTX, 300);
	timer_set(&f->t, TIMER_USER, 400);
	assert_int_equal(timers_next(&f->t), 300);
	timer_stop(&f->t, TIMER_RTX);
	assert_int_equal(timers_next(&f->t), 400);
}

/* RFC6298-09, -10: one segment again, the RTO doubles, R1 is told at the third (SHLD-9, -10). */
static void test_retransmission(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	weir_time sent = f->now, gap = S;

	f->cfg.mtu_probing = 0; /* the segments keep their size */
	fix_open(f, NULL);
	f->t.cc.cwnd = 10 * MSS;
	fix_send(f, 5 * MSS);
	fix_drain(f);
	assert_int_equal(t->timers.at[TIMER_RTX], sent + S);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_equal(next_timer(f), sent + gap);
		sent = f->now;
		assert_int_equal(t->retries, i);
		assert_int_equal(!!(t->events & 1u << WEIR_EV_SOFT_ERROR), i >= 3);
		assert_plan(f, RETX_TIMEOUT, SND, MSS, TCP_ACK);
		assert_no_plan(f);
		gap *= 2;
	}
	assert_int_equal(t->soft, WEIR_TIMEOUT);
	assert_int_equal(f->env.counters[WEIR_CTR_RTO_FIRED], 5);
	assert_int_equal(t->cc.cwnd, MSS);
	assert_int_equal(t->cc.ssthresh, 5 * MSS / 2);
}

/* RFC6298-09: each ACK of new data restarts the timer with the present RTO. */
static void test_restart(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	f->t.cc.cwnd = 10 * MSS;
	fix_send(f, 2 * MSS);
	fix_drain(f);
	f->now += S / 2;
	fix_ack(f, SND + MSS, 65535);
	/* a sample of 500 ms: 500 + 4 * 250 */
	assert_int_equal(f->t.timers.at[TIMER_RTX], f->now + 1500 * NS_PER_MS);
	fix_ack(f, SND + 2 * MSS, 65535);
	assert_false(timer_on(&f->t, TIMER_RTX));
	assert_true(timers_next(&f->t) == WEIR_NEVER);
}

/* RFC9293-MUST-35, -36, SHLD-29, -30: after one RTO, then with doubling gaps up to the cap. */
static void test_probes(void **state)
{
	static const unsigned gap_s[] = {1, 2, 4, 8, 16, 20, 20};
	struct fix *f = *state;
	struct tcb *t = &f->t;

	f->cfg.persist_max_ms = 20000;
	fix_open(f, NULL);
	fix_ack(f, SND, 0);
	fix_send(f, 100);
	assert_no_plan(f);
	for (unsigned i = 0; i < LENGTH(gap_s); i++) {
		weir_time before = f->now;

		assert_true(timer_on(t, TIMER_PERSIST));
		assert_int_equal(next_timer(f), before + gap_s[i] * S);
		assert_plan(f, PROBE_WINDOW, SND, 1, TCP_ACK);
		assert_false(timer_on(t, TIMER_RTX)); /* they exclude each other */
		fix_ack(f, SND, 0);                   /* the peer answers: it lives */
	}
}

/* MUST-37, RFC6429-01: answered probes keep the user timeout away; silence does not. */
static void test_probed_peer_may_take_its_time(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	fix_ack(f, SND, 0);
	fix_send(f, 100);
	assert_no_plan(f);
	while (f->now < 24 * 3600 * S) {
		next_timer(f);
		fix_drain(f);
		fix_ack(f, SND, 0);
	}
	assert_int_equal(t->state, WEIR_STATE_ESTABLISHED);
	while (t->state == WEIR_STATE_ESTABLISHED) {
		next_timer(f);
		fix_drain(f);
	}
	assert_int_equal(t->reason, WEIR_TIMEOUT);
	assert_true(f->now <= 24 * 3600 * S + 420 * S);
}

static void test_probes_end_when_it_opens(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_ack(f, SND, 0);
	fix_send(f, 100);
	assert_no_plan(f);
	next_timer(f);
	assert_plan(f, PROBE_WINDOW, SND, 1, TCP_ACK);
	fix_ack(f, SND, 1000);
	assert_false(timer_on(&f->t, TIMER_PERSIST));
	assert_true(timer_on(&f->t, TIMER_RTX));
	/* it may have been thrown away; what waited behind it goes along */
	assert_plan(f, RETX_WINDOW, SND, 100, TCP_ACK | TCP_PSH);
	assert_no_plan(f);
	fix_ack(f, SND + 100, 1000);
	assert_int_equal(f->t.sndq.len, 0);
}

/* A timer that fires when the window is open already does no harm. */
static void test_override(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	fix_send_flags(f, 100, WEIR_SEND_MORE);
	assert_no_plan(f);
	assert_int_equal(t->timers.at[TIMER_PERSIST], f->now + 200 * NS_PER_MS);
	next_timer(f);
	assert_true(t->snd.force);
	assert_plan(f, SENT_DATA, SND, 100, TCP_ACK);
	assert_false(t->snd.force);
}

/* MUST-20, -21, SHLD-11, RFC9293-X-14 */
static void test_user_timeout(void **state)
{
	static const struct {
		uint64_t set_ms, ends_s;
	} rows[] = {{300000, 300}, {5000, 5}, {0, 0}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		weir_time start = f->now;

		fix_open(f, NULL);
		user_set(&f->t, &f->env, WEIR_OPT_USER_TIMEOUT_MS, rows[i].set_ms);
		f->now += S / 2; /* the age of what waits counts, not of the connection */
		fix_send(f, 100);
		while (f->t.state != WEIR_STATE_CLOSED && f->now < start + 86400 * S) {
			fix_drain(f);
			next_timer(f);
		}
		if (rows[i].ends_s) {
			assert_int_equal(f->now, start + S / 2 + rows[i].ends_s * S);
			assert_int_equal(f->t.reason, WEIR_TIMEOUT);
			assert_int_equal(f->env.pages.used, 0);
		} else {
			assert_int_equal(f->t.state, WEIR_STATE_ESTABLISHED);
		}
		tcb_flush(&f->t, &f->env);
	}
}

/* MUST-22, -23: 180 s for a SYN, unless the user wants less. */
static void test_syn_timeout(void **state)
{
	static const struct {
		uint64_t set_ms, ends_ms; /* set 1: not set */
	} rows[] = {{1, 180000}, {0, 180000}, {10000, 10000}, {900000, 180000}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		weir_time start = f->now;

		fix_init(f);
		tcb_open_active(&f->t, &f->env, seq_make(ISS), 0, f->now);
		if (rows[i].set_ms != 1)
			user_set(&f->t, &f->env, WEIR_OPT_USER_TIMEOUT_MS, rows[i].set_ms);
		while (f->t.state != WEIR_STATE_CLOSED) {
			fix_drain(f);
			next_timer(f);
		}
		assert_int_equal(f->now, start + rows[i].ends_ms * NS_PER_MS);
		assert_int_equal(f->t.reason, WEIR_TIMEOUT);
	}
}

/* MUST-24 to -29 */
static void test_keepalive(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	weir_time heard = f->now;

	fix_open(f, NULL);
	assert_true(timers_next(t) == WEIR_NEVER); /* off: MUST-25 */
	user_set(t, &f->env, WEIR_OPT_KEEP_IDLE_MS, 10000);
	user_set(t, &f->env, WEIR_OPT_KEEP_INTERVAL_MS, 2000);
	user_set(t, &f->env, WEIR_OPT_KEEP_COUNT, 3);
	user_set(t, &f->env, WEIR_OPT_KEEPALIVE, 1);
	assert_int_equal(next_timer(f), heard + 10 * S);
	assert_plan(f, PROBE_KEEPALIVE, SND - 1, 0, TCP_ACK); /* SHLD-12 */
	assert_no_plan(f);
	assert_int_equal(next_timer(f), heard + 12 * S);
	assert_plan(f, PROBE_KEEPALIVE, SND - 1, 0, TCP_ACK);
	f->now += S;
	heard = f->now;
	fix_ack(f, SND, 65535); /* one answer, and all begins again (MUST-29) */
	while (t->state == WEIR_STATE_ESTABLISHED) {
		next_timer(f);
		fix_drain(f);
	}
	assert_int_equal(f->now, heard + 10 * S + 3 * 2 * S);
	assert_int_equal(t->reason, WEIR_TIMEOUT);
}

/* MUST-26: the idle time counts from what was heard last, and not while data is out. */
static void test_keepalive_waits(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	user_set(t, &f->env, WEIR_OPT_KEEP_IDLE_MS, 10000);
	user_set(t, &f->env, WEIR_OPT_KEEPALIVE, 1);
	f->now += 6 * S;
	fix_data(f, RCV, 10, 0);
	fix_drain(f);
	timers_run(&f->env, t, START + 10 * S);
	assert_false(t->want_keep);
	assert_int_equal(t->timers.at[TIMER_KEEP], START + 16 * S);
	f->now = START + 15 * S;
	fix_send(f, 10);
	fix_drain(f);
	timer_stop(t, TIMER_RTX);
	timers_run(&f->env, t, START + 16 * S);
	assert_false(t->want_keep);
	user_set(t, &f->env, WEIR_OPT_KEEPALIVE, 0);
	assert_false(timer_on(t, TIMER_KEEP));
}

/* MUST-40 */
static void test_delayed_ack(void **state)
{
	struct fix *f = *state;

	f->cfg.quickacks = 0;
	fix_open(f, NULL);
	f->t.rcv.seg_max = MSS;
	fix_data(f, RCV, 10, 0);
	assert_no_plan(f);
	assert_int_equal(next_timer(f), START + 40 * NS_PER_MS);
	assert_plan(f, SENT_ACK, SND, 0, TCP_ACK);
}

/* What is due and what is not. */
static void test_run_only_what_is_due(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	timer_set(&f->t, TIMER_DELACK, f->now + 1);
	timer_set(&f->t, TIMER_FINWAIT2, f->now + 2);
	timers_run(&f->env, &f->t, f->now);
	assert_false(f->t.ackgen.now);
	timers_run(&f->env, &f->t, f->now + 1);
	assert_true(f->t.ackgen.now);
	assert_int_equal(f->t.state, WEIR_STATE_ESTABLISHED);
	timers_run(&f->env, &f->t, f->now + 2);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSED);
	assert_int_equal(f->t.reason, WEIR_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_next),
		TEST(test_retransmission),
		TEST(test_restart),
		TEST(test_probes),
		TEST(test_probed_peer_may_take_its_time),
		TEST(test_probes_end_when_it_opens),
		TEST(test_override),
		TEST(test_user_timeout),
		TEST(test_syn_timeout),
		TEST(test_keepalive),
		TEST(test_keepalive_waits),
		TEST(test_delayed_ack),
		TEST(test_run_only_what_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
