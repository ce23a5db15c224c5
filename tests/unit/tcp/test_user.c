/*
 * The calls of RFC 9293 3.10.2 to 3.10.5, state by state.
 */
#include "fixture.h"

#include "tcp/fsm.h"
#include "tcp/rcvq.h"
#include "tcp/timers.h"

#define STATE(name) WEIR_STATE_##name

/* Brings a connection into a synchronized state by what leads there. */
static void reach(struct fix *f, enum weir_state to)
{
	bool fin_in = to == STATE(CLOSE_WAIT) || to == STATE(LAST_ACK) || to == STATE(CLOSING);
	bool fin_out = to != STATE(ESTABLISHED) && to != STATE(CLOSE_WAIT);

	fix_open(f, NULL);
	if (fin_in && to != STATE(CLOSING))
		fix_data(f, RCV, 0, TCP_FIN);
	if (fin_out) {
		user_shutdown(&f->t, &f->env, f->now);
		fix_drain(f);
	}
	if (to == STATE(CLOSING))
		fix_data(f, RCV, 0, TCP_FIN);
	if (to == STATE(FIN_WAIT_2) || to == STATE(TIME_WAIT))
		fix_ack(f, SND + 1, 65535);
	if (to == STATE(TIME_WAIT))
		fix_data(f, RCV, 0, TCP_FIN);
	assert_int_equal(f->t.state, to);
}

struct call_row {
	enum weir_state state;
	enum weir_err send, read, shutdown, close;
	enum weir_state after_close;
};

/* 3.10.2, 3.10.3, 3.10.4; RFC9293-MUST-12 */
static void test_calls_by_state(void **state)
{
	static const struct call_row rows[] = {
		{STATE(ESTABLISHED), WEIR_OK, WEIR_AGAIN, WEIR_OK, WEIR_OK, STATE(FIN_WAIT_1)},
		{STATE(CLOSE_WAIT), WEIR_OK, WEIR_EOF, WEIR_OK, WEIR_OK, STATE(LAST_ACK)},
		{STATE(FIN_WAIT_1), WEIR_CLOSING, WEIR_AGAIN, WEIR_CLOSING, WEIR_CLOSING,
		 STATE(FIN_WAIT_1)},
		{STATE(FIN_WAIT_2), WEIR_CLOSING, WEIR_AGAIN, WEIR_CLOSING, WEIR_CLOSING,
		 STATE(FIN_WAIT_2)},
		{STATE(CLOSING), WEIR_CLOSING, WEIR_EOF, WEIR_CLOSING, WEIR_CLOSING,
		 STATE(CLOSING)},
		{STATE(LAST_ACK), WEIR_CLOSING, WEIR_EOF, WEIR_CLOSING, WEIR_CLOSING,
		 STATE(LAST_ACK)},
		{STATE(TIME_WAIT), WEIR_CLOSING, WEIR_EOF, WEIR_CLOSING, WEIR_CLOSING,
		 STATE(TIME_WAIT)},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		const struct call_row *r = &rows[i];

		reach(f, r->state);
		assert_int_equal(user_may_send(&f->t), r->send);
		assert_int_equal(user_nothing_to_read(&f->t), r->read);
		assert_int_equal(user_shutdown(&f->t, &f->env, f->now), r->shutdown);
		reach(f, r->state);
		assert_int_equal(user_close(&f->t, &f->env, f->now), r->close);
		assert_int_equal(f->t.state, r->after_close);
		assert_false(f->t.want_rst);
	}
}

/* After the end every call tells why it ended. */
static void test_calls_after_the_end(void **state)
{
	static const struct {
		enum weir_err reason, send, read;
	} rows[] = {
		{WEIR_RESET, WEIR_RESET, WEIR_RESET},
		{WEIR_TIMEOUT, WEIR_TIMEOUT, WEIR_TIMEOUT},
		{WEIR_OK, WEIR_NO_CONN, WEIR_NO_CONN},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		fix_open(f, NULL);
		tcb_end(&f->t, &f->env, rows[i].reason);
		assert_int_equal(user_may_send(&f->t), rows[i].send);
		assert_int_equal(user_nothing_to_read(&f->t), rows[i].read);
		assert_int_equal(user_shutdown(&f->t, &f->env, f->now), rows[i].send);
		assert_int_equal(user_close(&f->t, &f->env, f->now), rows[i].send);
	}
	/* MUST-12: a reset after the FIN is no clean end; an orderly end after it is one */
	fix_open(f, NULL);
	fix_data(f, RCV, 0, TCP_FIN);
	tcb_end(&f->t, &f->env, WEIR_RESET);
	assert_int_equal(user_nothing_to_read(&f->t), WEIR_RESET);
	f->t.reason = WEIR_OK;
	assert_int_equal(user_nothing_to_read(&f->t), WEIR_EOF);
}

/* 3.10.4: before the handshake is over the close is remembered. */
static void test_close_before_established(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_init(f);
	tcb_open_active(t, &f->env, seq_make(ISS), 0, f->now);
	fix_drain(f);
	assert_int_equal(user_shutdown(t, &f->env, f->now), WEIR_OK);
	assert_int_equal(t->state, STATE(SYN_SENT));
	assert_int_equal(user_may_send(t), WEIR_CLOSING);
	fix_in(f, (struct tcp_seg){
			  .seq = {IRS}, .ack = {SND}, .wnd = 1000, .flags = TCP_SYN | TCP_ACK});
	assert_int_equal(t->state, STATE(FIN_WAIT_1));
	assert_plan(f, SENT_FIN, SND, 0, TCP_ACK | TCP_FIN);

	fix_init(f); /* close, not shutdown: nobody waits for the handshake */
	tcb_open_active(t, &f->env, seq_make(ISS), 0, f->now);
	assert_int_equal(user_close(t, &f->env, f->now), WEIR_OK);
	assert_int_equal(t->state, STATE(CLOSED));
	assert_int_equal(t->reason, WEIR_ABORTED);
	assert_false(t->want_rst);
}

/* SHLD-3: closing while unread bytes wait is a reset. */
static void test_close_with_unread_bytes(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_data(f, RCV, 100, 0);
	assert_int_equal(user_close(&f->t, &f->env, f->now), WEIR_OK);
	assert_true(f->t.want_rst);
	assert_int_equal(f->t.state, STATE(CLOSED));
	assert_int_equal(f->t.reason, WEIR_ABORTED);
	assert_int_equal(f->env.pages.used, 0);
	/* MAY-1: a half-close is none, and reading goes on */
	fix_open(f, NULL);
	fix_data(f, RCV, 100, 0);
	assert_int_equal(user_shutdown(&f->t, &f->env, f->now), WEIR_OK);
	assert_int_equal(f->t.state, STATE(FIN_WAIT_1));
	fix_data(f, RCV + 100, 100, 0);
	assert_int_equal(rcvq_readable(&f->t), 200);
}

/* What is queued goes before the FIN; then FIN-WAIT-2 ends by itself when nobody holds it. */
static void test_close_sends_what_is_queued(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 1500);
	assert_int_equal(user_close(&f->t, &f->env, f->now), WEIR_OK);
	assert_int_equal(user_close(&f->t, &f->env, f->now), WEIR_CLOSING);
	assert_plan(f, SENT_DATA, SND, MSS, TCP_ACK);
	assert_plan(f, SENT_DATA, SND + MSS, 500, TCP_ACK | TCP_PSH | TCP_FIN);
	assert_false(timer_on(&f->t, TIMER_FINWAIT2));
	fix_ack(f, SND + 1501, 65535);
	assert_int_equal(f->t.state, STATE(FIN_WAIT_2));
	assert_int_equal(f->t.timers.at[TIMER_FINWAIT2], f->now + 60000 * NS_PER_MS);
}

static void test_finwait2_of_a_holder_lasts(void **state)
{
	struct fix *f = *state;

	reach(f, STATE(FIN_WAIT_2));
	assert_false(timer_on(&f->t, TIMER_FINWAIT2)); /* he may read for ever (RFC1122-02) */
	user_close(&f->t, &f->env, f->now);
	assert_true(timer_on(&f->t, TIMER_FINWAIT2));
	fix_data(f, RCV, 0, TCP_FIN);
	assert_false(timer_on(&f->t, TIMER_FINWAIT2));
}

/* 3.10.5 */
static void test_abort_owes_rst(void **state)
{
	static const bool owes[WEIR_STATE_COUNT] = {
		[STATE(SYN_RECEIVED)] = true, [STATE(ESTABLISHED)] = true,
		[STATE(FIN_WAIT_1)] = true,   [STATE(FIN_WAIT_2)] = true,
		[STATE(CLOSE_WAIT)] = true,
	};

	(void)state;
	for (unsigned i = 0; i < WEIR_STATE_COUNT; i++) {
		struct tcb t = {.state = (enum weir_state)i};

		assert_int_equal(user_abort_owes_rst(&t), owes[i]);
	}
}

/* MUST-30, -62: the mark is behind the last byte of the call. */
static void test_urgent_mark(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_send(f, 10);
	assert_false(f->t.snd.up_set);
	fix_send_flags(f, 5, WEIR_SEND_URGENT);
	assert_true(f->t.snd.up_set);
	assert_int_equal(f->t.snd.up.v, SND + 15);
	fix_send(f, 5); /* more does not move it */
	assert_int_equal(f->t.snd.up.v, SND + 15);
}

/* MUST-33: what was read up to the mark leaves nothing urgent. */
static void test_urgent_is_read(void **state)
{
	struct fix *f = *state;
	uint8_t bytes[20] = {0};

	fix_open(f, NULL);
	fix_in(f, (struct tcp_seg){.seq = {RCV},
				   .ack = {SND},
				   .wnd = 65535,
				   .len = 20,
				   .payload = bytes,
				   .urgent = 12,
				   .flags = TCP_ACK | TCP_URG});
	assert_true(f->t.rcv.up_set);
	user_consume(&f->t, &f->env, 11, f->now);
	assert_true(f->t.rcv.up_set);
	user_consume(&f->t, &f->env, 1, f->now);
	assert_false(f->t.rcv.up_set);
}

/* The age of what waits begins with the first byte, not with each. */
static void test_stuck_since(void **state)
{
	struct fix *f = *state;
	weir_time first = f->now;

	fix_open(f, NULL);
	assert_true(f->t.user.stuck_at == WEIR_NEVER);
	fix_send(f, 10);
	f->now += NS_PER_MS;
	fix_send(f, 10);
	assert_int_equal(f->t.user.stuck_at, first);
	fix_drain(f);
	f->now += NS_PER_MS;
	fix_ack(f, SND + 20, 65535);
	assert_true(f->t.user.stuck_at == WEIR_NEVER);
}

/*
 * MUST-17, -21, -24, -27, -48, -49: each setting reaches what it sets, congestion control too.
 * req: RFC9293-MAY-18
 */
static void test_settings(void **state)
{
	struct fix *f = *state;
	struct user *u = &f->t.user;

	fix_open(f, NULL);
	for (unsigned i = 0; i < WEIR_OPT_COUNT; i++)
		if (i != WEIR_OPT_CC)
			user_set(&f->t, &f->env, (enum weir_connopt)i, 20 + i);
	for (unsigned cc = 0; cc < WEIR_CC_COUNT; cc++) {
		user_set(&f->t, &f->env, WEIR_OPT_CC, cc);
		assert_int_equal(f->t.cc.kind, cc);
	}
	assert_true(u->nodelay && u->keepalive);
	assert_int_equal(u->keep_idle_ms, 20 + WEIR_OPT_KEEP_IDLE_MS);
	assert_int_equal(u->keep_interval_ms, 20 + WEIR_OPT_KEEP_INTERVAL_MS);
	assert_int_equal(u->keep_count, 20 + WEIR_OPT_KEEP_COUNT);
	assert_int_equal(u->user_timeout_ms, 20 + WEIR_OPT_USER_TIMEOUT_MS);
	assert_int_equal(u->sndbuf, 20 + WEIR_OPT_SNDBUF);
	assert_int_equal(u->rcvbuf, 20 + WEIR_OPT_RCVBUF);
	assert_int_equal(u->dscp, 20 + WEIR_OPT_DSCP);
	assert_int_equal(u->ttl, 20 + WEIR_OPT_TTL);
	assert_false(u->soft_muted);
	user_set(&f->t, &f->env, WEIR_OPT_SOFT_ERRORS, 0);
	assert_true(u->soft_muted);
	/* after the end a setting starts no timer */
	fix_send(f, 10);
	tcb_end(&f->t, &f->env, WEIR_RESET);
	user_set(&f->t, &f->env, WEIR_OPT_USER_TIMEOUT_MS, 1000);
	assert_true(timers_next(&f->t) == WEIR_NEVER);
	reach(f, STATE(TIME_WAIT));
	timers_init(&f->t); /* as the stack does when the record takes over */
	user_set(&f->t, &f->env, WEIR_OPT_KEEPALIVE, 1);
	assert_true(timers_next(&f->t) == WEIR_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_calls_by_state),
		TEST(test_calls_after_the_end),
		TEST(test_close_before_established),
		TEST(test_close_with_unread_bytes),
		TEST(test_close_sends_what_is_queued),
		TEST(test_finwait2_of_a_holder_lasts),
		cmocka_unit_test(test_abort_owes_rst),
		TEST(test_urgent_mark),
		TEST(test_urgent_is_read),
		TEST(test_stuck_since),
		TEST(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
