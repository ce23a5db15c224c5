/*
 * Connections in the stack: handles, limits, ends, and sends that wait for a page.
 */
#include "fixture.h"

#include "stack/conns.h"

static struct weir_usage usage(struct stk *f)
{
	struct weir_usage u;

	weir_stack_usage(f->s, &u);
	return u;
}

/* A handle that has ended is answered with NO_CONN, never with another connection. */
static void test_stale_handle(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_conn old, new;
	struct weir_span span;
	struct weir_mspan mspan;
	struct weir_info info;
	size_t n, bytes;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	old = stk_accept(f, &t);
	assert_int_equal(weir_abort(f->s, old, f->now), WEIR_OK);
	stk_drain(f);
	new = stk_accept(f, &t);
	assert_int_equal((uint32_t) new.v, (uint32_t)old.v); /* the same slot */
	assert_int_not_equal(new.v, old.v);
	assert_int_equal(weir_send(f->s, old, "x", 1, 0, &n, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_send_reserve(f->s, old, 1, &mspan, 1, &n), WEIR_NO_CONN);
	assert_int_equal(weir_send_commit(f->s, old, 1, 0, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_recv_peek(f->s, old, &span, 1, &n, &bytes), WEIR_NO_CONN);
	assert_int_equal(weir_recv_consume(f->s, old, 0, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_shutdown(f->s, old, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_close(f->s, old, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_abort(f->s, old, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_conn_set(f->s, old, WEIR_OPT_NODELAY, 1), WEIR_NO_CONN);
	assert_int_equal(weir_conn_user_set(f->s, old, 1), WEIR_NO_CONN);
	assert_int_equal(weir_conn_info(f->s, old, &info), WEIR_NO_CONN);
	assert_int_equal(weir_send_room(f->s, old), 0);
	assert_int_equal(weir_recv_urgent(f->s, old), 0);
	assert_int_equal(stk_info(f, new).state, WEIR_STATE_ESTABLISHED);
}

static void test_handles_that_never_were(void **state)
{
	static const uint64_t values[] = {
		0, 1, ~0ull, 1ull << 32, 5ull << 32, 1ull << 32 | 15, 3ull << 32};
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < LENGTH(values); i++)
			assert_null(conn_get(f->s, (weir_conn){values[i]}));
		if (round == 0) /* a slot that was used and is free again */
			weir_abort(f->s, stk_accept(f, &t), f->now);
	}
}

/* The handle ends when CLOSED was read, not before. */
static void test_handle_ends_with_closed(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_event ev;
	weir_conn c;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = stk_accept(f, &t);
	stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN + 1}, .flags = TCP_RST});
	assert_int_equal(stk_info(f, c).state, WEIR_STATE_CLOSED);
	assert_verdict(stk_syn(f, &t), ACCEPTED); /* but the pair is free at once */
	stk_event(f, WEIR_EV_READABLE);
	ev = stk_event(f, WEIR_EV_CLOSED);
	assert_int_equal(ev.reason, WEIR_RESET);
	assert_int_equal(ev.conn.v, c.v);
	assert_null(conn_get(f->s, c));
	assert_int_equal(usage(f).conns, 0);
	assert_int_equal(counter(f, CLOSED_RESET), 1);
}

/* conns_max: the newest is refused and told, nothing established is harmed. */
static void test_conns_max(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t[4];
	struct weir_connect_args args = {.remote = stk_peer(4, 20, 80).remote};
	weir_conn c[4], more;
	size_t n;

	f->cfg.conns_max = 4;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	for (uint16_t i = 0; i < 4; i++) {
		t[i] = stk_peer(4, 9, (uint16_t)(1000 + i));
		c[i] = stk_accept(f, &t[i]);
	}
	assert_int_equal(weir_connect(f->s, &args, f->now, &more), WEIR_NO_RESOURCES);
	assert_false(stk_out(f));
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(weir_send(f->s, c[i], "abc", 3, 0, &n, f->now), WEIR_OK);
		assert_out(f, TCP_ACK | TCP_PSH);
		assert_memory_equal(f->seg.payload, "abc", 3);
	}
	weir_abort(f->s, c[2], f->now);
	assert_int_equal(weir_connect(f->s, &args, f->now, &more), WEIR_OK);
}

/* An idle connection holds no page: architecture, Memory. */
static void test_idle_holds_nothing(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	size_t n;
	weir_conn c;
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	assert_int_equal(usage(f).pages, 0);
	weir_send(f->s, c, "abc", 3, 0, &n, f->now);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 1},
				.wnd = 60000,
				.len = 100,
				.flags = TCP_ACK});
	assert_int_equal(usage(f).pages, 4);
	stk_drain(f);
	assert_int_equal(weir_recv_consume(f->s, c, 100, f->now), WEIR_OK);
	assert_int_equal(usage(f).pages, 2);
	stk_in(f, &t,
	       (struct tcp_seg){
		       .seq = {PEER_ISN + 101}, .ack = {iss + 4}, .wnd = 60000, .flags = TCP_ACK});
	assert_int_equal(usage(f).pages, 0);
}

/* A send refused for want of pages is told when another connection gives some back. */
static void test_starved_send(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000), u = stk_peer(4, 9, 1001);
	static uint8_t bytes[1 << 20];
	weir_conn rich, poor;
	size_t n;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	rich = stk_accept(f, &t);
	poor = stk_accept(f, &u);
	weir_conn_set(f->s, rich, WEIR_OPT_SNDBUF, sizeof(bytes));
	while (weir_send(f->s, rich, bytes, sizeof(bytes), 0, &n, f->now) == WEIR_OK)
		;
	assert_int_equal(weir_send(f->s, poor, bytes, 10, 0, &n, f->now), WEIR_AGAIN);
	assert_int_equal(n, 0);
	assert_true(weir_send_room(f->s, poor) > 0); /* it is the pages that are missing */
	stk_no_event(f);
	weir_abort(f->s, rich, f->now);
	assert_int_equal(stk_event(f, WEIR_EV_WRITABLE).conn.v, poor.v);
	stk_no_event(f);
	assert_int_equal(weir_send(f->s, poor, bytes, 10, 0, &n, f->now), WEIR_OK);
}

/* The wheel follows the nearest timer of each connection. */
static void test_deadline(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 80);
	weir_conn c;

	stk_start(f);
	c = stk_connect(f, &t);
	assert_int_equal(weir_deadline(f->s, f->now), f->now); /* it may have more to say */
	assert_false(stk_out(f));
	assert_int_equal(weir_deadline(f->s, f->now), START + 1000 * NS_PER_MS);
	weir_conn_set(f->s, c, WEIR_OPT_USER_TIMEOUT_MS, 500);
	stk_drain(f);
	assert_int_equal(weir_deadline(f->s, f->now), START + 500 * NS_PER_MS);
	f->now = START + 500 * NS_PER_MS;
	assert_false(stk_out(f));
	stk_event(f, WEIR_EV_READABLE);
	assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, WEIR_TIMEOUT);
	assert_int_equal(counter(f, CLOSED_TIMEOUT), 1);
	assert_true(weir_deadline(f->s, f->now) == WEIR_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stale_handle),
		TEST(test_handles_that_never_were),
		TEST(test_handle_ends_with_closed),
		TEST(test_conns_max),
		TEST(test_idle_holds_nothing),
		TEST(test_starved_send),
		TEST(test_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
