/*
 * Who accepts: the most specific listener, foreign addresses, handles, what a listener refuses.
 */
#include "fixture.h"

#include "stack/listeners.h"

static weir_listener add(struct stk *f, const struct weir_addr *a, uint16_t port)
{
	struct weir_listen_args args = {.local.port = port, .user = port};
	weir_listener l;

	if (a)
		args.local.addr = *a;
	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	return l;
}

static weir_listener find(struct stk *f, const struct weir_addr *a, uint16_t port)
{
	struct weir_endpoint e = {.addr = *a, .port = port};
	const struct listener *l = listeners_find(f->s, &e);

	return l ? listener_handle(f->s, l) : (weir_listener){0};
}

/* RFC9293-MUST-43: address and port, port, address, catch-all. */
static void test_most_specific(void **state)
{
	struct weir_addr other = stk_peer(4, 77, 1).remote.addr;
	struct stk *f = *state;

	for (unsigned order = 0; order < 2; order++) {
		weir_listener l[4];

		stk_start(f);
		for (unsigned i = 0; i < 4; i++) {
			unsigned k = order ? 3 - i : i;

			l[k] = add(f, k & 1 ? &our4 : NULL, k & 2 ? 80 : 0);
		}
		assert_int_equal(find(f, &our4, 80).v, l[3].v);
		assert_int_equal(find(f, &other, 80).v, l[2].v);
		assert_int_equal(find(f, &our4, 81).v, l[1].v);
		assert_int_equal(find(f, &other, 81).v, l[0].v);
		assert_int_equal(find(f, &our6, 80).v, l[2].v); /* any family */
		weir_listener_close(f->s, l[3]);
		assert_int_equal(find(f, &our4, 80).v, l[2].v);
		weir_listener_close(f->s, l[2]);
		assert_int_equal(find(f, &our4, 80).v, l[1].v);
		weir_listener_close(f->s, l[1]);
		weir_listener_close(f->s, l[0]);
		assert_int_equal(find(f, &our4, 80).v, 0);
	}
}

/* RFC9293-MUST-41 */
static void test_errors(void **state)
{
	struct stk *f = *state;
	struct weir_listen_args args = {.local = {.addr = our4, .port = 80}};
	weir_listener l, m;

	stk_start(f);
	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	assert_int_equal(weir_listen(f->s, &args, &m), WEIR_EXISTS);
	args.local.addr.bytes[3] = 77;
	assert_int_equal(weir_listen(f->s, &args, &m), WEIR_NO_LOCAL);
	for (uint16_t i = 1; i < 8; i++)
		add(f, &our4, (uint16_t)(80 + i));
	args.local = (struct weir_endpoint){.port = 99};
	assert_int_equal(weir_listen(f->s, &args, &m), WEIR_NO_RESOURCES);
	assert_int_equal(weir_listener_close(f->s, l), WEIR_OK);
	assert_int_equal(weir_listener_close(f->s, l), WEIR_NO_CONN);
	assert_int_equal(weir_listen(f->s, &args, &m), WEIR_OK);
	assert_int_not_equal(m.v, l.v); /* the slot again, the handle not */
	assert_int_equal(weir_listener_close(f->s, l), WEIR_NO_CONN);
	assert_int_equal(weir_listener_close(f->s, (weir_listener){0}), WEIR_NO_CONN);
	assert_int_equal(weir_listener_close(f->s, (weir_listener){~0ull}), WEIR_NO_CONN);
}

/* Addresses that are not ours are taken only by a listener on any address. */
static void test_foreign(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_listener any;

	t.local.addr = (struct weir_addr){4, {192, 0, 2, 5}};
	stk_start(f);
	add(f, &our4, PORT);
	assert_verdict(stk_syn(f, &t), IP_NOT_OURS);
	assert_false(stk_out(f));
	any = add(f, NULL, 0);
	assert_verdict(stk_syn(f, &t), ACCEPTED);
	assert_out(f, TCP_SYN | TCP_ACK);
	assert_memory_equal(f->ip.src.bytes, t.local.addr.bytes, 4); /* MUST-45 */
	weir_listener_close(f->s, any);
	assert_verdict(stk_syn(f, &t), IP_NOT_OURS);
}

/* 3.10.7.2, and SYN with FIN by policy */
static void test_segments_for_a_listener(void **state)
{
	static const struct {
		uint8_t flags;
		enum weir_counter verdict;
		bool rst;
	} rows[] = {
		{TCP_RST, WEIR_CTR_LISTEN_RST, false},
		{TCP_RST | TCP_ACK, WEIR_CTR_LISTEN_RST, false},
		{TCP_RST | TCP_SYN, WEIR_CTR_LISTEN_RST, false},
		{TCP_ACK, WEIR_CTR_LISTEN_ACK, true},
		{TCP_ACK | TCP_SYN, WEIR_CTR_LISTEN_ACK, true},
		{TCP_SYN | TCP_FIN, WEIR_CTR_LISTEN_SYN_FIN, false},
		{TCP_FIN, WEIR_CTR_LISTEN_STRAY, false},
		{0, WEIR_CTR_LISTEN_STRAY, false},
	};
	struct stk *f = *state;
	struct weir_usage u;

	stk_start(f);
	add(f, NULL, PORT);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct weir_tuple t = stk_peer(4, 9, 1000);

		assert_int_equal(stk_in(f, &t,
					(struct tcp_seg){.seq = {PEER_ISN},
							 .ack = {321},
							 .flags = rows[i].flags}),
				 rows[i].verdict);
		assert_int_equal(stk_out(f), rows[i].rst);
		if (rows[i].rst)
			assert_int_equal(f->seg.seq.v, 321);
	}
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.halfs, 0);
}

/* Connections stay when their listener ends; those not yet accepted are announced without it. */
static void test_close_keeps_connections(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000), u = stk_peer(4, 9, 1001);
	weir_listener l;
	struct weir_event ev;
	weir_conn c;

	stk_start(f);
	l = add(f, NULL, PORT);
	c = stk_accept(f, &t);
	stk_handshake(f, &u);
	weir_listener_close(f->s, l);
	assert_null(weir_stack_check(f->s));
	assert_int_equal(stk_info(f, c).state, WEIR_STATE_ESTABLISHED);
	ev = stk_event(f, WEIR_EV_ACCEPTED);
	assert_int_equal(ev.listener.v, 0);
	assert_int_equal(stk_info(f, ev.conn).state, WEIR_STATE_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_most_specific),
		TEST(test_errors),
		TEST(test_foreign),
		TEST(test_segments_for_a_listener),
		TEST(test_close_keeps_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
