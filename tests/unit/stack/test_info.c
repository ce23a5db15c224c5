/*
 * What the engine tells about its connections and records.
 */
#include "fixture.h"

static unsigned walk(struct stk *f, enum weir_walk_kind kind, struct weir_info *last)
{
	struct weir_info i;
	uint32_t cursor = 0;
	unsigned n = 0;

	while (weir_walk(f->s, kind, &cursor, f->now, &i)) {
		*last = i;
		n++;
	}
	return n;
}

static void test_connection(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_info i;
	weir_conn c;
	uint32_t iss;
	size_t n;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	weir_send(f->s, c, "abcdef", 6, 0, &n, f->now);
	stk_drain(f);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 1},
				.wnd = 60000,
				.len = 10,
				.flags = TCP_ACK});
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 21},
				.ack = {iss + 1},
				.wnd = 50000,
				.len = 7,
				.flags = TCP_ACK});
	i = stk_info(f, c);
	assert_memory_equal(&i.tuple, &t, sizeof(t));
	assert_int_equal(i.conn.v, c.v);
	assert_int_equal(i.state, WEIR_STATE_ESTABLISHED);
	assert_int_equal(i.snd_una, iss + 1);
	assert_int_equal(i.snd_nxt, iss + 7);
	assert_int_equal(i.rcv_nxt, PEER_ISN + 11);
	assert_int_equal(i.snd_wnd_bytes, 50000);
	assert_int_equal(i.sndq_bytes, 6);
	assert_int_equal(i.rcvq_bytes, 10);
	assert_int_equal(i.ooo_bytes, 7);
	assert_int_equal(i.pages, 4);
	assert_int_equal(i.bytes_received, 10);
	assert_int_equal(i.mss_bytes, 536);
	assert_int_equal(i.cwnd_bytes, 5360);
	assert_int_equal(i.rto_ns, f->cfg.rto_min_ms * NS_PER_MS); /* the handshake took no time */
	assert_int_equal(walk(f, WEIR_WALK_CONNS, &i), 1);
	assert_int_equal(i.conn.v, c.v);
	weir_abort(f->s, c, f->now);
	assert_int_equal(walk(f, WEIR_WALK_CONNS, &i), 0);
}

static void test_half_open(void **state)
{
	struct stk *f = *state;
	struct weir_info i = {0};
	struct weir_event ev;

	f->cfg.half_held_ms = 9000;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	for (uint16_t k = 0; k < 3; k++) {
		struct weir_tuple t = stk_peer(k & 1 ? 6 : 4, 9, (uint16_t)(1000 + k));

		stk_syn(f, &t);
	}
	assert_int_equal(walk(f, WEIR_WALK_HALFS, &i), 3);
	assert_int_equal(i.tuple.remote.port, 1002);
	assert_int_equal(i.state, WEIR_STATE_SYN_RECEIVED);
	assert_true(i.held);
	assert_int_equal(i.expires_ms, 9000);
	ev = stk_event(f, WEIR_EV_SYN);
	weir_half_accept(f->s, ev.half, 5, f->now);
	f->now += 1000 * NS_PER_MS;
	stk_drain(f);
	ev = stk_event(f, WEIR_EV_SYN);
	weir_half_refuse(f->s, ev.half, WEIR_REFUSE_DROP, f->now);
	ev = stk_event(f, WEIR_EV_SYN);
	weir_half_refuse(f->s, ev.half, WEIR_REFUSE_DROP, f->now);
	assert_int_equal(walk(f, WEIR_WALK_HALFS, &i), 1);
	assert_false(i.held);
	assert_int_equal(i.retries, 1);
	assert_int_equal(i.user, 5);
	assert_int_equal(i.expires_ms, 2000);
}

/* A record that only waits to be told about is not open any more. */
static void test_gone_is_not_shown(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_info i;
	weir_half h;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	stk_syn(f, &t);
	h = stk_event(f, WEIR_EV_SYN).half;
	weir_half_user_set(f->s, h, 1);
	stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN + 1}, .flags = TCP_RST});
	assert_int_equal(walk(f, WEIR_WALK_HALFS, &i), 0);
	stk_event(f, WEIR_EV_HALF_GONE);
	assert_int_equal(walk(f, WEIR_WALK_HALFS, &i), 0);
}

static void test_timewait(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_info i, conn;
	weir_conn c;
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	conn = stk_info(f, c);
	weir_shutdown(f->s, c, f->now);
	stk_drain(f);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 2},
				.wnd = 60000,
				.flags = TCP_ACK | TCP_FIN});
	f->now += 10000 * NS_PER_MS;
	assert_int_equal(walk(f, WEIR_WALK_TIMEWAITS, &i), 1);
	assert_int_equal(i.state, WEIR_STATE_TIME_WAIT);
	assert_int_equal(i.flow, conn.flow); /* one number for the whole life */
	assert_int_equal(i.expires_ms, 50000);
	assert_int_equal(i.age_ms, 10000);
	assert_int_equal(i.rcv_nxt, PEER_ISN + 2);
	assert_memory_equal(&i.tuple, &t, sizeof(t));
	assert_int_equal(walk(f, WEIR_WALK_CONNS, &i), 0); /* the record has the pair now */
	f->now += 50000 * NS_PER_MS;
	stk_drain(f);
	assert_int_equal(walk(f, WEIR_WALK_TIMEWAITS, &i), 0);
}

/* All is 0 when nothing is open. */
static void test_usage(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000), u = stk_peer(4, 9, 1001);
	struct weir_usage use;
	weir_listener l;
	weir_conn c;
	size_t n;

	stk_start(f);
	l = stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = stk_accept(f, &t);
	stk_syn(f, &u);
	weir_send(f->s, c, "x", 1, 0, &n, f->now);
	weir_stack_usage(f->s, &use);
	assert_int_equal(use.conns, 1);
	assert_int_equal(use.halfs, 1);
	assert_int_equal(use.listeners, 1);
	assert_int_equal(use.pages, 2);
	weir_abort(f->s, c, f->now);
	weir_listener_close(f->s, l);
	weir_stack_usage(f->s, &use);
	assert_int_equal(use.conns + use.halfs + use.listeners + use.pages + use.ranges, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connection), TEST(test_half_open), TEST(test_gone_is_not_shown),
		TEST(test_timewait),   TEST(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
