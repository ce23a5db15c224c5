/*
 * The calls on connections: every error they promise, and what they do to the wire.
 */
#include "fixture.h"

/* RFC 9293 3.10.1, MUST-43, -44, -46 */
static void test_connect_errors(void **state)
{
	static const struct {
		struct weir_endpoint remote, local;
		enum weir_err err;
	} rows[] = {
		{{{4, {10, 0, 0, 9}}, 80}, {{0}, 0}, WEIR_OK},
		{{{4, {10, 0, 0, 9}}, 80}, {{4, {10, 0, 0, 1}}, 5000}, WEIR_OK},
		{{{4, {10, 0, 0, 9}}, 80}, {{4, {10, 0, 0, 1}}, 5000}, WEIR_EXISTS},
		{{{4, {10, 0, 0, 9}}, 80}, {{0}, 5001}, WEIR_OK},
		{{{6, {0xfd, [15] = 9}}, 80}, {{0}, 5000}, WEIR_OK},
		{{{0}, 80}, {{0}, 0}, WEIR_NO_REMOTE},
		{{{4, {10, 0, 0, 9}}, 0}, {{0}, 0}, WEIR_NO_REMOTE},
		{{{5, {10, 0, 0, 9}}, 80}, {{0}, 0}, WEIR_BAD_ARG},
		{{{4, {255, 255, 255, 255}}, 80}, {{0}, 0}, WEIR_BAD_REMOTE},
		{{{4, {10, 0, 0, 255}}, 80}, {{0}, 0}, WEIR_BAD_REMOTE},
		{{{4, {224, 0, 0, 1}}, 80}, {{0}, 0}, WEIR_BAD_REMOTE},
		{{{4, {0}}, 80}, {{0}, 0}, WEIR_BAD_REMOTE},
		{{{6, {0xff, 2, [15] = 1}}, 80}, {{0}, 0}, WEIR_BAD_REMOTE},
		{{{6, {0}}, 80}, {{0}, 0}, WEIR_BAD_REMOTE},
		{{{4, {10, 0, 0, 9}}, 80}, {{4, {10, 0, 0, 2}}, 0}, WEIR_NO_LOCAL},
		{{{4, {10, 0, 0, 9}}, 80}, {{6, {0xfd, [15] = 1}}, 0}, WEIR_NO_LOCAL},
	};
	struct stk *f = *state;
	unsigned syns = 0;

	stk_start(f);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct weir_connect_args args = {.remote = rows[i].remote, .local = rows[i].local};
		weir_conn c;
		enum weir_err e = weir_connect(f->s, &args, f->now, &c);

		if (e != rows[i].err)
			fail_msg("row %u: %s", i, weir_err_text(e));
		syns += e == WEIR_OK;
	}
	assert_int_equal(stk_drain(f), syns); /* nothing of those that were refused */
}

/* A whole life: open, send both ways, half-close, the other end closes. */
static void test_life(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 80);
	struct weir_span span[2];
	size_t n, bytes;
	weir_conn c;
	uint32_t iss;

	stk_start(f);
	c = stk_connect(f, &t);
	iss = f->seg.seq.v;
	assert_int_equal(weir_send(f->s, c, "early", 5, 0, &n, f->now), WEIR_OK);
	assert_false(stk_out(f)); /* queued until the handshake is over */
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN},
				.ack = {iss + 1},
				.wnd = 60000,
				.flags = TCP_SYN | TCP_ACK});
	stk_event(f, WEIR_EV_CONNECTED);
	assert_out(f, TCP_ACK | TCP_PSH);
	assert_memory_equal(f->seg.payload, "early", 5);
	assert_int_equal(weir_recv_peek(f->s, c, span, 2, &n, &bytes), WEIR_AGAIN);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 6},
				.wnd = 60000,
				.len = 5,
				.payload = (const uint8_t *)"hello",
				.flags = TCP_ACK});
	stk_event(f, WEIR_EV_READABLE);
	assert_int_equal(weir_recv_peek(f->s, c, span, 2, &n, &bytes), WEIR_OK);
	assert_int_equal(bytes, 5);
	assert_memory_equal(span[0].bytes, "hello", 5);
	assert_int_equal(weir_recv_consume(f->s, c, 6, f->now), WEIR_BAD_ARG);
	assert_int_equal(weir_recv_consume(f->s, c, 5, f->now), WEIR_OK);
	assert_int_equal(weir_shutdown(f->s, c, f->now), WEIR_OK);
	assert_int_equal(weir_shutdown(f->s, c, f->now), WEIR_CLOSING);
	assert_int_equal(weir_send(f->s, c, "x", 1, 0, &n, f->now), WEIR_CLOSING);
	assert_int_equal(n, 0);
	assert_out(f, TCP_ACK | TCP_FIN);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 6},
				.ack = {iss + 7},
				.wnd = 60000,
				.flags = TCP_ACK | TCP_FIN});
	assert_out(f, TCP_ACK);
	assert_int_equal(weir_recv_peek(f->s, c, span, 2, &n, &bytes), WEIR_EOF);
	stk_event(f, WEIR_EV_READABLE);
	assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, WEIR_OK);
	assert_int_equal(weir_close(f->s, c, f->now), WEIR_NO_CONN);
}

/* After weir_close() nobody reads any more, and unread bytes make it a reset (SHLD-3). */
static void test_close(void **state)
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
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 1},
				.wnd = 60000,
				.len = 5,
				.flags = TCP_ACK});
	assert_int_equal(weir_close(f->s, c, f->now), WEIR_OK);
	assert_out(f, TCP_RST | TCP_ACK);
	assert_int_equal(f->seg.seq.v, iss + 1);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 6);
	assert_false(stk_out(f));
	assert_int_equal(weir_recv_peek(f->s, c, &span, 1, &n, &bytes), WEIR_NO_CONN);
	assert_int_equal(weir_recv_consume(f->s, c, 0, f->now), WEIR_NO_CONN);
	assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, WEIR_ABORTED);
	assert_int_equal(counter(f, CLOSED_ABORT), 1);
}

/* 3.10.5: an RST where one is owed, no event, the handle ends. */
static void test_abort(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 80), u = stk_peer(4, 9, 80);
	weir_conn c;

	stk_start(f);
	c = stk_connect(f, &t);
	assert_int_equal(weir_abort(f->s, c, f->now), WEIR_OK);
	assert_false(stk_out(f)); /* SYN-SENT: nothing is owed */
	c = stk_connect(f, &u);
	stk_synack(f, &u);
	assert_int_equal(weir_abort(f->s, c, f->now), WEIR_OK);
	assert_int_equal(weir_abort(f->s, c, f->now), WEIR_NO_CONN);
	assert_out(f, TCP_RST | TCP_ACK);
	stk_no_event(f);
	assert_int_equal(counter(f, CLOSED_ABORT), 2);
}

static void test_reserve_and_commit(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_mspan span[4];
	size_t n, want = 0;
	weir_conn c;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = stk_accept(f, &t);
	assert_int_equal(weir_send_reserve(f->s, c, 0, span, 4, &n), WEIR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(weir_send_reserve(f->s, c, 5000, span, 4, &n), WEIR_OK);
	for (size_t i = 0; i < n; i++) {
		memset(span[i].bytes, 'r', span[i].len);
		want += span[i].len;
	}
	assert_int_equal(want, 5000);
	/* more would send what the pages held before, perhaps another connection's bytes */
	assert_int_equal(weir_send_commit(f->s, c, 5001, 0, f->now), WEIR_BAD_ARG);
	assert_int_equal(weir_send_commit(f->s, c, 100, 0, f->now), WEIR_OK);
	assert_int_equal(weir_send_commit(f->s, c, 1, 0, f->now), WEIR_BAD_ARG); /* used up */
	assert_out(f, TCP_ACK | TCP_PSH);
	assert_int_equal(f->seg.len, 100);
	assert_int_equal(f->seg.payload[99], 'r');
	/* spans that were not handed out are not reserved */
	assert_int_equal(weir_send_reserve(f->s, c, 9000, span, 1, &n), WEIR_OK);
	assert_int_equal(weir_send_commit(f->s, c, span[0].len + 1, 0, f->now), WEIR_BAD_ARG);
	assert_int_equal(weir_send_commit(f->s, c, span[0].len, 0, f->now), WEIR_OK);
}

/* A send that does not fit takes what it can; the rest is told with WRITABLE, once. */
static void test_partial_send(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint8_t bytes[3000] = {0};
	weir_conn c;
	uint32_t iss;
	size_t n;

	f->cfg.sndbuf = 2000;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	assert_int_equal(weir_send(f->s, c, bytes, 3000, WEIR_SEND_URGENT, &n, f->now), WEIR_OK);
	assert_int_equal(n, 2000);
	assert_true(stk_out(f));
	assert_false(f->seg.flags & TCP_URG); /* its urgent byte was not taken */
	stk_drain(f);
	assert_int_equal(weir_send(f->s, c, bytes, 1, 0, &n, f->now), WEIR_AGAIN);
	stk_no_event(f);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 1 + 536},
				.wnd = 60000,
				.flags = TCP_ACK});
	stk_event(f, WEIR_EV_WRITABLE);
	stk_no_event(f);
	assert_int_equal(weir_send(f->s, c, bytes, 0, 0, &n, f->now), WEIR_OK);
}

/* MUST-30 to -33 through the calls. */
static void test_urgent(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_conn c;
	uint32_t iss;
	size_t n;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	assert_int_equal(weir_recv_urgent(f->s, c), 0);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = {iss + 1},
				.wnd = 60000,
				.len = 10,
				.urgent = 30,
				.flags = TCP_ACK | TCP_URG});
	stk_event(f, WEIR_EV_URGENT);
	assert_int_equal(weir_recv_urgent(f->s, c), 30);
	weir_recv_consume(f->s, c, 10, f->now);
	assert_int_equal(weir_recv_urgent(f->s, c), 20);
	weir_send(f->s, c, "abc", 3, WEIR_SEND_URGENT, &n, f->now);
	assert_out(f, TCP_ACK | TCP_PSH | TCP_URG);
	assert_int_equal(f->seg.urgent, 3);
}

static void test_settings(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_conn c;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = stk_accept(f, &t);
#define X(name, id, lo, hi, text) \
	assert_int_equal(weir_conn_set(f->s, c, WEIR_OPT_##name, lo), WEIR_OK); \
	assert_int_equal(weir_conn_set(f->s, c, WEIR_OPT_##name, (uint64_t)(hi)), WEIR_OK); \
	assert_int_equal(weir_conn_set(f->s, c, WEIR_OPT_##name, (uint64_t)(hi) + 1), \
			 WEIR_BAD_ARG); \
	if ((lo) > 0) \
		assert_int_equal(weir_conn_set(f->s, c, WEIR_OPT_##name, 0), WEIR_BAD_ARG);
#include "weir/def/connopt.def"
#undef X
	assert_int_equal(weir_conn_set(f->s, c, WEIR_OPT_COUNT, 1), WEIR_BAD_ARG);
	assert_int_equal(weir_conn_user_set(f->s, c, 99), WEIR_OK);
	assert_int_equal(stk_info(f, c).user, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connect_errors),
		TEST(test_life),
		TEST(test_close),
		TEST(test_abort),
		TEST(test_reserve_and_commit),
		TEST(test_partial_send),
		TEST(test_urgent),
		TEST(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
