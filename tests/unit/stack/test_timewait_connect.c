/*
 * A connection of ours takes a pair in TIME-WAIT: RFC 6191 from the other side
 * (core/stack/ports.c).
 */
#include "fixture.h"

#define PEER_TS 5000u

/* One port only: the next connect needs the pair of the last one. */
static void start(struct stk *f)
{
	f->cfg.port_first = f->cfg.port_last = 40000;
	stk_start(f);
}

static enum weir_err connect_again(struct stk *f, weir_conn *c)
{
	struct weir_connect_args args = {.remote = stk_peer(4, 9, 1000).remote};

	return weir_connect(f->s, &args, f->now, c);
}

static struct tcp_seg from_peer(uint32_t seq, uint32_t ack, uint8_t flags, bool with_ts)
{
	return (struct tcp_seg){.seq = {seq},
				.ack = {ack},
				.wnd = 60000,
				.flags = flags,
				.opts = {.has_ts = with_ts, .ts_val = PEER_TS}};
}

/* Opens actively and closes first: our end is in TIME-WAIT. Its SND.NXT is returned. */
static uint32_t enter(struct stk *f, bool with_ts)
{
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_conn c = stk_connect(f, &t);
	uint32_t iss = f->seg.seq.v;

	stk_in(f, &t, from_peer(PEER_ISN, iss + 1, TCP_SYN | TCP_ACK, with_ts));
	stk_event(f, WEIR_EV_CONNECTED);
	assert_out(f, TCP_ACK);
	assert_int_equal(weir_close(f->s, c, f->now), WEIR_OK);
	assert_out(f, TCP_FIN | TCP_ACK);
	stk_in(f, &t, from_peer(PEER_ISN + 1, iss + 2, TCP_FIN | TCP_ACK, with_ts));
	assert_out(f, TCP_ACK);
	assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, WEIR_OK);
	return iss + 2;
}

static unsigned records(struct stk *f)
{
	struct weir_usage u;

	weir_stack_usage(f->s, &u);
	return u.timewaits;
}

/* After a second, not before; its numbers begin beyond those of the old connection. */
static void test_taken_after_a_second(void **state)
{
	struct stk *f = *state;
	uint32_t used;
	weir_conn c;

	f->cfg.timestamps = 1;
	start(f);
	used = enter(f, true);
	f->now += 999 * NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_NO_PORT);
	assert_int_equal(records(f), 1);
	f->now += NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_OK);
	assert_out(f, TCP_SYN);
	assert_int_equal(f->seg.src_port, 40000);
	assert_true(seq_gt(f->seg.seq, seq_make(used)));
	assert_int_equal(records(f), 0);
	assert_int_equal(counter(f, TIMEWAIT_TAKEN), 1);
	assert_int_equal(counter(f, TIMEWAIT_EVICTED), 0);
}

/* A long connection may have gone further than the clock of initial numbers. */
static void test_numbers_begin_beyond_the_old_ones(void **state)
{
	struct stk *f = *state;
	uint32_t far;
	weir_conn c;

	f->cfg.timestamps = 1;
	start(f);
	enter(f, true);
	far = ((struct timewait_slot *)pool_at(&f->s->timewaits, 0))->tw.snd_nxt.v + 900000000u;
	((struct timewait_slot *)pool_at(&f->s->timewaits, 0))->tw.snd_nxt = seq_make(far);
	f->now += 1000 * NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_OK);
	assert_out(f, TCP_SYN);
	assert_true(seq_gt(f->seg.seq, seq_make(far)));
}

/* Without timestamps nothing would tell an old segment of the peer from a new one. */
static void test_not_without_timestamps(void **state)
{
	struct stk *f = *state;
	weir_conn c;

	f->cfg.timestamps = 1;
	start(f);
	enter(f, false);
	f->now += 59000 * NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_NO_PORT);
	f->now += 1000 * NS_PER_MS;
	assert_false(stk_out(f));
	assert_int_equal(connect_again(f, &c), WEIR_OK);
	assert_int_equal(counter(f, TIMEWAIT_TAKEN), 0);
}

static void test_setting(void **state)
{
	struct stk *f = *state;
	weir_conn c;

	f->cfg.timestamps = 1;
	f->cfg.timewait_connect_ms = 0; /* never */
	start(f);
	enter(f, true);
	f->now += 59000 * NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_NO_PORT);
	f->cfg.timewait_connect_ms = 30000;
	start(f);
	enter(f, true);
	f->now += 29999 * NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_NO_PORT);
	f->now += NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_OK);
}

/* The peer missed our last ACK and waits in LAST-ACK: its challenge is reset, the SYN goes
 * again. */
static void test_peer_still_in_last_ack(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint32_t used, iss;
	weir_conn c;

	f->cfg.timestamps = 1;
	start(f);
	used = enter(f, true);
	f->now += 1000 * NS_PER_MS;
	assert_int_equal(connect_again(f, &c), WEIR_OK);
	assert_out(f, TCP_SYN);
	iss = f->seg.seq.v;
	t.local.port = 40000;
	assert_verdict(stk_in(f, &t, from_peer(PEER_ISN + 2, used, TCP_ACK, true)),
		       SYNSENT_BAD_ACK);
	assert_out(f, TCP_RST);
	assert_int_equal(f->seg.seq.v, used);
	f->now += 1000 * NS_PER_MS;
	assert_out(f, TCP_SYN);
	assert_int_equal(f->seg.seq.v, iss);
}

/* No place for the connection: the record stays. */
static void test_no_connection_is_free(void **state)
{
	struct stk *f = *state;
	weir_conn c;

	f->cfg.timestamps = 1;
	f->cfg.conns_max = 1;
	start(f);
	enter(f, true);
	f->now += 1000 * NS_PER_MS;
	assert_int_equal(
		weir_connect(f->s,
			     &(struct weir_connect_args){.remote = stk_peer(4, 8, 1000).remote},
			     f->now, &c),
		WEIR_OK);
	assert_out(f, TCP_SYN);
	assert_int_equal(connect_again(f, &c), WEIR_NO_RESOURCES);
	assert_int_equal(records(f), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_taken_after_a_second),   TEST(test_numbers_begin_beyond_the_old_ones),
		TEST(test_not_without_timestamps), TEST(test_setting),
		TEST(test_peer_still_in_last_ack), TEST(test_no_connection_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
