/*
 * SYN cookies in the stack: keys that change and are shared, ACKs that were forged or come again.
 * What a handshake with them looks like is in tests/pkt/features/cookies.pkt.
 */
#include "fixture.h"

#define SYNACK (TCP_SYN | TCP_ACK)

static const uint8_t key_a[16] = {'a'}, key_b[16] = {'b'}, key_c[16] = {'c'};

static void begin(struct stk *f)
{
	f->cfg.cookies = 2;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
}

/* A SYN, and its cookie. */
static seq_t cookie(struct stk *f, const struct weir_tuple *t)
{
	assert_verdict(stk_syn(f, t), SYN_COOKIE);
	assert_out(f, SYNACK);
	return f->seg.seq;
}

static enum weir_counter ack(struct stk *f, const struct weir_tuple *t, seq_t cookie)
{
	enum weir_counter v = stk_in(f, t,
				     (struct tcp_seg){.seq = {PEER_ISN + 1},
						      .ack = seq_add(cookie, 1),
						      .wnd = 60000,
						      .flags = TCP_ACK});

	stk_drain(f);
	return v;
}

/* Both families; the connection is a connection. */
static void test_families(void **state)
{
	struct stk *f = *state;

	begin(f);
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(family, 9, 1000);
		struct weir_event ev;

		assert_verdict(ack(f, &t, cookie(f, &t)), ACCEPTED);
		ev = stk_event(f, WEIR_EV_ACCEPTED);
		assert_memory_equal(&ev.tuple, &t, sizeof(t));
		assert_int_equal(stk_info(f, ev.conn).state, WEIR_STATE_ESTABLISHED);
	}
}

/* A key that is changed goes on being good while it is named as the one before. */
static void test_keys_rotate(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t[4];
	seq_t c[4];

	begin(f);
	for (uint16_t i = 0; i < 4; i++)
		t[i] = stk_peer(4, 9, (uint16_t)(1000 + i));
	weir_cookie_keys_set(f->s, key_a, NULL);
	c[0] = cookie(f, &t[0]);
	c[1] = cookie(f, &t[1]);
	weir_cookie_keys_set(f->s, key_b, key_a);
	c[2] = cookie(f, &t[2]);
	assert_verdict(ack(f, &t[0], c[0]), ACCEPTED);
	weir_cookie_keys_set(f->s, key_c, key_b);
	assert_verdict(ack(f, &t[1], c[1]), COOKIE_BAD);
	assert_verdict(ack(f, &t[2], c[2]), ACCEPTED);
	weir_cookie_keys_set(f->s, key_c, NULL);
	c[3] = cookie(f, &t[3]);
	assert_verdict(ack(f, &t[3], c[3]), ACCEPTED);
}

/* The key of the configuration, and isn_key, by which the pair is hashed; without the former it
 * comes from isn_key, too, and is not a fixed one. */
static void test_key_of_config(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	seq_t of_zeros, of_isn_key, of_key;

	begin(f);
	of_zeros = cookie(f, &t);
	f->cfg.isn_key[5] = 1;
	begin(f);
	of_isn_key = cookie(f, &t);
	f->cfg.cookie_key[5] = 1;
	begin(f);
	of_key = cookie(f, &t);
	begin(f); /* as another stack that shares both keys */
	assert_int_equal(cookie(f, &t).v, of_key.v);
	f->cfg.isn_key[5] = 2;
	begin(f);
	assert_int_not_equal(cookie(f, &t).v, of_key.v);
	assert_int_not_equal(of_zeros.v, of_isn_key.v);
	assert_int_not_equal(of_isn_key.v, of_key.v);
}

/* Two stacks with one key and one tick: the other's cookie, if it is told that there are others. */
static void test_shared(void **state)
{
	struct stk *f = *state, *g;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	void *second;
	seq_t c;

	stk_setup(&second);
	g = second;
	f->cfg.cookie_key[0] = g->cfg.cookie_key[0] = 7;
	begin(f);
	c = cookie(f, &t);
	g->now += 3600ull * 1000 * NS_PER_MS; /* its clock began an hour earlier */
	begin(g);
	assert_verdict(ack(g, &t, c), LISTEN_ACK);
	g->cfg.cookie_shared = 1;
	begin(g);
	assert_verdict(ack(g, &t, c), COOKIE_BAD);
	f->cfg.cookie_epoch_ms = 3600000;
	begin(f);
	c = cookie(f, &t);
	assert_verdict(ack(g, &t, c), ACCEPTED);
	assert_int_equal(stk_teardown(&second), 0);
}

/*
 * Held listeners never send one, and take none.
 * neg: RFC4987-07
 */
static void test_held(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);

	f->cfg.cookies = 2;
	f->cfg.cookie_shared = 1;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	assert_verdict(stk_syn(f, &t), HALF_HELD);
	stk_event(f, WEIR_EV_SYN);
	t.remote.port++;
	assert_verdict(ack(f, &t, seq_make(12345)), LISTEN_ACK);
}

/* Records that remember cookies give way before those in TIME-WAIT, and leave when they are old. */
static void test_records(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t;
	struct weir_usage u;

	f->cfg.timewaits_max = 2;
	f->cfg.timewait_ms = 2000;
	f->cfg.cookie_tick_ms = 1000;
	begin(f);
	for (uint16_t i = 0; i < 3; i++) {
		t = stk_peer(i == 1 ? 6 : 4, 9, (uint16_t)(1000 + i));
		assert_verdict(ack(f, &t, cookie(f, &t)), ACCEPTED);
		assert_int_equal(weir_abort(f->s, stk_event(f, WEIR_EV_ACCEPTED).conn, f->now),
				 WEIR_OK);
		stk_drain(f);
	}
	assert_int_equal(counter(f, TIMEWAIT_EVICTED), 1);
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.timewaits, 2);
	f->now += 1999 * NS_PER_MS;
	stk_drain(f);
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.timewaits, 2);
	f->now += NS_PER_MS;
	stk_drain(f);
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.timewaits, 0);
	assert_int_equal(counter(f, TIMEWAIT_EXPIRED), 0); /* they never were in TIME-WAIT */
	assert_int_equal(weir_deadline(f->s, f->now), WEIR_NEVER);
}

/* A connection that outlives its cookie leaves no record. */
static void test_old_connection(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_usage u;
	weir_conn c;

	f->cfg.cookie_tick_ms = 1000;
	begin(f);
	assert_verdict(ack(f, &t, cookie(f, &t)), ACCEPTED);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	f->now += 2000 * NS_PER_MS;
	assert_int_equal(weir_abort(f->s, c, f->now), WEIR_OK);
	stk_drain(f);
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.timewaits, 0);
}

/* A used cookie stays used, though its record had to make room: for two ticks, and no longer. */
static void test_spent(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t[3];
	seq_t c[3];

	f->cfg.timewaits_max = 1;
	f->cfg.cookie_tick_ms = 1000;
	begin(f);
	for (uint16_t i = 0; i < 3; i++) {
		t[i] = stk_peer(i == 1 ? 6 : 4, 9, (uint16_t)(1000 + i));
		c[i] = cookie(f, &t[i]);
		assert_verdict(ack(f, &t[i], c[i]), ACCEPTED);
		assert_int_equal(weir_abort(f->s, stk_event(f, WEIR_EV_ACCEPTED).conn, f->now),
				 WEIR_OK);
		stk_drain(f);
	}
	assert_int_equal(counter(f, COOKIE_SPENT), 2);
	for (unsigned i = 0; i < 3; i++)
		assert_verdict(ack(f, &t[i], c[i]), COOKIE_REPLAYED);
	/* A SYN of such a pair gets a record, whose number is another. */
	assert_verdict(stk_syn(f, &t[0]), ACCEPTED);
	assert_out(f, SYNACK);
	assert_false(seq_eq(f->seg.seq, c[0]));
	f->now += 1000 * NS_PER_MS;
	assert_verdict(ack(f, &t[1], c[1]), COOKIE_REPLAYED);
	/* By now no cookie was sent lately. */
	f->now += 1000 * NS_PER_MS;
	assert_verdict(ack(f, &t[1], c[1]), LISTEN_ACK);
	assert_verdict(stk_syn(f, &t[1]), SYN_COOKIE);
}

/* ... nor when an RST ended its TIME-WAIT, as timewait_rst_ignored=0 lets it. */
static void test_spent_by_reset(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_conn conn;
	seq_t c;

	f->cfg.timewait_rst_ignored = 0;
	begin(f);
	c = cookie(f, &t);
	assert_verdict(ack(f, &t, c), ACCEPTED);
	conn = stk_event(f, WEIR_EV_ACCEPTED).conn;
	assert_int_equal(weir_close(f->s, conn, f->now), WEIR_OK);
	stk_drain(f);
	stk_in(f, &t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = seq_add(c, 2),
				.wnd = 60000,
				.flags = TCP_ACK | TCP_FIN});
	stk_drain(f);
	assert_verdict(stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN + 2}, .flags = TCP_RST}),
		       TIMEWAIT_RST_END);
	assert_verdict(ack(f, &t, c), COOKIE_REPLAYED);
}

/* A SYN that came twice may have drawn a cookie and a record: the peer chooses. */
static void test_cookie_beside_record(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	seq_t made, kept;

	begin(f);
	for (unsigned cookie_wins = 0; cookie_wins < 2; cookie_wins++) {
		t.remote.port++;
		f->s->cfg.cookies = 2;
		made = cookie(f, &t);
		f->s->cfg.cookies = 1; /* records are plenty */
		assert_verdict(stk_syn(f, &t), ACCEPTED);
		assert_out(f, SYNACK);
		kept = f->seg.seq;
		assert_false(seq_eq(kept, made));
		assert_verdict(ack(f, &t, seq_add(made, 7)), HALF_BAD_ACK);
		assert_verdict(ack(f, &t, cookie_wins ? made : kept), ACCEPTED);
		assert_int_equal(counter(f, OPENED_COOKIE), cookie_wins);
		assert_int_equal(counter(f, HALF_COOKIE), cookie_wins);
		stk_event(f, WEIR_EV_ACCEPTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_families),       TEST(test_keys_rotate),
		TEST(test_key_of_config),  TEST(test_shared),
		TEST(test_held),           TEST(test_records),
		TEST(test_old_connection), TEST(test_spent),
		TEST(test_spent_by_reset), TEST(test_cookie_beside_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
