/*
 * TIME-WAIT records in the stack: 2MSL, restart, eviction, reuse, and the handle that outlives
 * them.
 */
#include "fixture.h"

#define TWO_MSL (60000 * NS_PER_MS)

/* Opens passively, closes on our side first; the record is there afterwards. */
static weir_conn enter(struct stk *f, const struct weir_tuple *t, uint32_t *iss)
{
	weir_conn c;

	*iss = stk_handshake(f, t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	assert_int_equal(weir_close(f->s, c, f->now), WEIR_OK);
	assert_out(f, TCP_ACK | TCP_FIN);
	stk_in(f, t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {*iss + 2},
				.wnd = 60000,
				.flags = TCP_ACK | TCP_FIN});
	assert_out(f, TCP_ACK);
	assert_int_equal(f->seg.seq.v, *iss + 2);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 2);
	return c;
}

static unsigned records(struct stk *f)
{
	struct weir_usage u;

	weir_stack_usage(f->s, &u);
	return u.timewaits;
}

static enum weir_counter fin_again(struct stk *f, const struct weir_tuple *t, uint32_t iss)
{
	return stk_in(f, t,
		      (struct tcp_seg){.seq = {PEER_ISN + 1},
				       .ack = {iss + 2},
				       .wnd = 60000,
				       .flags = TCP_ACK | TCP_FIN});
}

/* RFC9293-MUST-13: two maximum segment lifetimes, to the millisecond. */
static void test_2msl(void **state)
{
	struct stk *f = *state;

	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(family, 9, 1000);
		weir_time entered;
		uint32_t iss;

		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_EARLY, 0);
		enter(f, &t, &iss);
		entered = f->now;
		assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, WEIR_OK);
		assert_int_equal(records(f), 1);
		assert_int_equal(weir_deadline(f->s, f->now), entered + TWO_MSL);
		f->now = entered + TWO_MSL - NS_PER_MS;
		assert_false(stk_out(f));
		assert_int_equal(records(f), 1);
		f->now = entered + TWO_MSL;
		assert_false(stk_out(f));
		assert_int_equal(records(f), 0);
		assert_int_equal(f->s->addr6.used, 0);
		assert_int_equal(counter(f, TIMEWAIT_EXPIRED), 1);
		assert_int_equal(counter(f, CLOSED_NORMALLY), 1);
		assert_verdict(fin_again(f, &t, iss), LISTEN_ACK);
		assert_out(f, TCP_RST);
	}
}

/* The FIN again: acknowledged, and 2MSL begins anew. */
static void test_restart(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	enter(f, &t, &iss);
	f->now += TWO_MSL - NS_PER_MS;
	assert_verdict(fin_again(f, &t, iss), TIMEWAIT_FIN);
	assert_out(f, TCP_ACK);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 2);
	f->now += TWO_MSL - NS_PER_MS;
	assert_false(stk_out(f));
	assert_int_equal(records(f), 1);
	f->now += NS_PER_MS;
	assert_false(stk_out(f));
	assert_int_equal(records(f), 0);
}

/* The table is full: the one nearest to its end goes, which a restart has moved. */
static void test_eviction(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t[5];
	uint32_t iss[5];

	f->cfg.timewaits_max = 3;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	for (uint16_t i = 0; i < 5; i++)
		t[i] = stk_peer(i & 1 ? 4 : 6, 9, (uint16_t)(1000 + i));
	for (unsigned i = 0; i < 3; i++) {
		enter(f, &t[i], &iss[i]);
		stk_event(f, WEIR_EV_CLOSED);
		f->now += NS_PER_MS;
	}
	assert_verdict(fin_again(f, &t[0], iss[0]), TIMEWAIT_FIN);
	stk_drain(f);
	enter(f, &t[3], &iss[3]);
	assert_int_equal(counter(f, TIMEWAIT_EVICTED), 1);
	assert_int_equal(records(f), 3);
	assert_verdict(fin_again(f, &t[1], iss[1]), LISTEN_ACK); /* the oldest: gone */
	assert_verdict(fin_again(f, &t[0], iss[0]), TIMEWAIT_FIN);
	assert_verdict(fin_again(f, &t[2], iss[2]), TIMEWAIT_FIN);
	assert_verdict(fin_again(f, &t[3], iss[3]), TIMEWAIT_FIN);
}

/* RFC 6191, RFC9293-MAY-2, SHLD-4: a newer SYN, an ISN beyond the old ones. */
static void test_reuse(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_conn c;
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = enter(f, &t, &iss);
	assert_int_equal(stk_info(f, c).state, WEIR_STATE_TIME_WAIT);
	assert_verdict(
		stk_in(f, &t,
		       (struct tcp_seg){.seq = {PEER_ISN + 5000}, .wnd = 60000, .flags = TCP_SYN}),
		TIMEWAIT_SYN);
	assert_int_equal(records(f), 0);
	assert_int_equal(stk_info(f, c).state, WEIR_STATE_CLOSED); /* its handle was not read */
	assert_out(f, TCP_SYN | TCP_ACK);
	assert_true(seq_gt(f->seg.seq, seq_make(iss + 1)));
	assert_int_equal(f->seg.ack.v, PEER_ISN + 5001);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 5001},
				.ack = seq_add(f->seg.seq, 1),
				.wnd = 60000,
				.flags = TCP_ACK});
	stk_event(f, WEIR_EV_CLOSED);
	assert_int_not_equal(stk_event(f, WEIR_EV_ACCEPTED).conn.v, c.v);
}

/* Nobody listens any more: the record stays and answers. */
static void test_reuse_without_listener(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_listener l;
	uint32_t iss;

	stk_start(f);
	l = stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	enter(f, &t, &iss);
	weir_listener_close(f->s, l);
	assert_verdict(
		stk_in(f, &t,
		       (struct tcp_seg){.seq = {PEER_ISN + 5000}, .wnd = 60000, .flags = TCP_SYN}),
		TIMEWAIT_SYN_OLD);
	assert_int_equal(records(f), 1);
	assert_out(f, TCP_ACK);
	assert_int_equal(f->seg.seq.v, iss + 2);
}

/* RFC1337-01: ignored by default; a setting ends the record. */
static void test_rst(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint32_t iss;

	for (unsigned ignored = 0; ignored < 2; ignored++) {
		f->cfg.timewait_rst_ignored = ignored;
		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_EARLY, 0);
		enter(f, &t, &iss);
		stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN + 2}, .flags = TCP_RST});
		assert_int_equal(records(f), ignored);
		assert_false(stk_out(f)); /* never an answer to an RST */
	}
}

/* RFC7323-11: the record's ACKs carry timestamps; its clock goes on. */
static void test_timestamps(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct tcp_seg s = {.seq = {PEER_ISN},
			    .wnd = 60000,
			    .flags = TCP_SYN,
			    .opts = {.has_ts = true, .ts_val = 500}};
	uint32_t val, iss;
	weir_conn c;

	f->cfg.timestamps = 1;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	stk_in(f, &t, s);
	assert_out(f, TCP_SYN | TCP_ACK);
	val = f->seg.opts.ts_val;
	iss = f->seg.seq.v;
	s = (struct tcp_seg){.seq = {PEER_ISN + 1},
			     .ack = {iss + 1},
			     .wnd = 60000,
			     .flags = TCP_ACK,
			     .opts = {.has_ts = true, .ts_val = 501}};
	stk_in(f, &t, s);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	weir_close(f->s, c, f->now);
	stk_drain(f);
	s.ack = seq_make(iss + 2);
	s.flags = TCP_ACK | TCP_FIN;
	stk_in(f, &t, s);
	stk_drain(f);
	f->now += 1000 * NS_PER_MS;
	stk_in(f, &t, s);
	assert_out(f, TCP_ACK);
	assert_true(f->seg.opts.has_ts);
	assert_int_equal(f->seg.opts.ts_val, val + 1000);
	assert_int_equal(f->seg.opts.ts_ecr, 501);
}

/* Aborting what waits in TIME-WAIT frees record and pair, without a segment. */
static void test_abort(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000);
	uint32_t iss;
	weir_conn c;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = enter(f, &t, &iss);
	assert_int_equal(weir_abort(f->s, c, f->now), WEIR_OK);
	assert_int_equal(records(f), 0);
	assert_int_equal(f->s->addr6.used, 0);
	assert_false(stk_out(f));
	assert_verdict(stk_syn(f, &t), ACCEPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_2msl),
		TEST(test_restart),
		TEST(test_eviction),
		TEST(test_reuse),
		TEST(test_reuse_without_listener),
		TEST(test_rst),
		TEST(test_timestamps),
		TEST(test_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
