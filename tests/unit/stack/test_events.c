/*
 * Events: their order, that they do not pile up, and that CLOSED waits for what can be read.
 */
#include "fixture.h"

static enum weir_counter data(struct stk *f, const struct weir_tuple *t, uint32_t iss, uint32_t at,
			      uint8_t flags)
{
	return stk_in(f, t,
		      (struct tcp_seg){.seq = {PEER_ISN + 1 + at},
				       .ack = {iss},
				       .wnd = 60000,
				       .len = 10,
				       .urgent = 10,
				       .flags = (uint8_t)(TCP_ACK | flags)});
}

static void test_order(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	data(f, &t, iss + 1, 0, TCP_URG);
	data(f, &t, iss + 1, 10, TCP_URG);
	stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN + 21}, .flags = TCP_RST});
	stk_event(f, WEIR_EV_ACCEPTED);
	stk_event(f, WEIR_EV_URGENT);
	stk_event(f, WEIR_EV_READABLE); /* one for all that came */
	stk_event(f, WEIR_EV_CLOSED);
	stk_no_event(f);
}

/* An orderly end behind unread bytes: they can be read, then CLOSED comes. */
static void test_closed_waits(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_span span;
	size_t n, bytes;
	weir_conn c;
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	weir_shutdown(f->s, c, f->now);
	stk_drain(f);
	data(f, &t, iss + 2, 0, TCP_FIN);
	stk_event(f, WEIR_EV_READABLE);
	stk_no_event(f);
	assert_int_equal(weir_recv_peek(f->s, c, &span, 1, &n, &bytes), WEIR_OK);
	assert_int_equal(bytes, 10);
	weir_recv_consume(f->s, c, 9, f->now);
	stk_no_event(f);
	weir_recv_consume(f->s, c, 1, f->now);
	assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, WEIR_OK);
}

/* ... unless nobody will read them: weir_close() was called. */
static void test_closed_does_not_wait_for_nobody(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_event ev;
	weir_conn c;
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	weir_shutdown(f->s, c, f->now);
	stk_drain(f);
	data(f, &t, iss + 2, 0, TCP_FIN);
	weir_close(f->s, c, f->now);
	stk_drain(f);
	do
		assert_true(weir_event_next(f->s, &ev));
	while (ev.kind != WEIR_EV_CLOSED);
	stk_no_event(f);
}

/* What the event says: the user's value, the listener, the tuple. */
static void test_fields(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000), u = stk_peer(4, 9, 80);
	struct weir_connect_args args = {.remote = u.remote, .user = 31};
	struct weir_event ev;
	weir_listener l;
	weir_conn c;

	stk_start(f);
	l = stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	stk_handshake(f, &t);
	ev = stk_event(f, WEIR_EV_ACCEPTED);
	assert_int_equal(ev.listener.v, l.v);
	assert_memory_equal(&ev.tuple, &t, sizeof(t));
	assert_int_equal(weir_connect(f->s, &args, f->now, &c), WEIR_OK);
	assert_out(f, TCP_SYN);
	u.local.port = f->seg.src_port;
	stk_in(f, &u, (struct tcp_seg){.ack = seq_add(f->seg.seq, 1), .flags = TCP_RST | TCP_ACK});
	ev = stk_event(f, WEIR_EV_READABLE);
	assert_int_equal(ev.user, 31);
	assert_int_equal(ev.conn.v, c.v);
	ev = stk_event(f, WEIR_EV_CLOSED);
	assert_int_equal(ev.reason, WEIR_REFUSED);
	assert_int_equal(ev.user, 31);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_closed_waits),
		TEST(test_closed_does_not_wait_for_nobody),
		TEST(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
