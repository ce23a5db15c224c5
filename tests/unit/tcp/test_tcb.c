/*
 * The connection as a whole: segment size, how it opens and ends, and that tcb_check() sees what is
 * broken.
 */
#include "fixture.h"

#include "tcp/timers.h"

/* The architecture's promise: a connection fits 1,024 bytes with the stack's part. */
_Static_assert(sizeof(struct tcb) <= 856, "a connection");
_Static_assert(sizeof(struct weir_addr) == 17, "an address");

/* RFC9293-MUST-14, -15, -16, RFC1191-07, RFC6691-02 */
static void test_mss(void **state)
{
	static const struct {
		uint16_t path, peer;
		bool ts;
		uint32_t mss;
	} rows[] = {
		{1460, 1460, false, 1460}, {1460, 1460, true, 1448}, {1460, 536, false, 536},
		{1460, 536, true, 524},    {500, 1460, true, 488},   {12, 1460, true, 1},
		{13, 1460, true, 1},       {14, 1460, true, 2},      {1, 1460, false, 1},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcb t = {
			.path_mss = rows[i].path, .peer_mss = rows[i].peer, .ts.ok = rows[i].ts};

		tcb_set_mss(&t);
		assert_int_equal(t.snd.mss, rows[i].mss);
	}
}

/* A peer cannot ask for tiny segments, nor for some that options leave no byte of. */
static void test_tiny_mss(void **state)
{
	struct tcp_agreed a = {.mss = 0, .ts_ok = true};
	struct fix *f = *state;

	fix_open(f, &a);
	assert_int_equal(f->t.snd.mss, 36);
	f->cfg.mss_peer_min = 1;
	fix_open(f, &a);
	assert_int_equal(f->t.snd.mss, 1);
}

static void test_defaults(void **state)
{
	struct fix *f = *state;

	f->cfg.nagle = 0;
	f->cfg.keepalive = 1;
	fix_init(f);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSED);
	assert_int_equal(f->t.peer_mss, 536); /* MUST-15: until the peer says otherwise */
	assert_true(f->t.user.nodelay && f->t.user.keepalive);
	assert_int_equal(f->t.user.user_timeout_ms, 300000);
	assert_int_equal(f->t.rcv_wscale, 5);
	assert_true(timers_next(&f->t) == WEIR_NEVER);
	f->cfg.window_scaling = 0;
	fix_init(f);
	assert_int_equal(f->t.rcv_wscale, 0);
}

static void test_agree(void **state)
{
	static const struct tcp_agreed a = {.mss = 700,
					    .snd_wscale = 4,
					    .rcv_wscale = 9,
					    .wscale_ok = true,
					    .ts_ok = true,
					    .sack_ok = true};
	struct fix *f = *state;

	fix_init(f);
	tcb_agree(&f->t, &f->env, &a);
	assert_int_equal(f->t.snd.mss, 688);
	assert_int_equal(f->t.snd_wscale, 4);
	assert_int_equal(f->t.rcv_wscale, 9);
	assert_true(f->t.ts.ok && f->t.sack_ok && f->t.wscale_ok);
	assert_int_equal(f->t.rcv.space, 65536);
	assert_int_equal(f->t.rcv.seg_max, 536);
}

static void test_open_active(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_init(f);
	tcb_open_active(t, &f->env, seq_make(ISS), 77, f->now);
	assert_int_equal(t->state, WEIR_STATE_SYN_SENT);
	assert_int_equal(t->origin, TCP_ORIGIN_ACTIVE);
	assert_int_equal(t->snd.una.v, ISS);
	assert_int_equal(t->sndq.head.v, SND); /* the first byte follows the SYN */
	assert_int_equal(t->ts.offset, 77);
	assert_int_equal(t->rec.recover.v, ISS); /* RFC6582-01 */
	assert_true(timer_on(t, TIMER_USER));
	assert_null(tcb_check(&f->env, t));
}

static void test_open_passive(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	struct tcb_passive p = {.agreed = {.mss = 900, .ts_ok = true},
				.iss = {ISS},
				.irs = {IRS},
				.snd_wnd = 4000,
				.rcv_wnd = 3000,
				.ts_recent = 5,
				.ts_offset = 6,
				.retries = 2};

	fix_init(f);
	tcb_open_passive(t, &f->env, &p, f->now);
	assert_int_equal(t->state, WEIR_STATE_SYN_RECEIVED);
	assert_int_equal(t->origin, TCP_ORIGIN_PASSIVE); /* MUST-11 */
	assert_int_equal(t->snd.una.v, ISS);
	assert_int_equal(t->snd.nxt.v, SND);
	assert_int_equal(t->rcv.nxt.v, RCV);
	assert_int_equal(t->rcv.last_ack.v, RCV);
	assert_int_equal(tcb_rcv_wnd(t), 3000);
	assert_int_equal(t->snd.wnd, 4000);
	assert_int_equal(t->snd.wnd_max, 4000);
	assert_int_equal(t->ts.recent, 5);
	assert_int_equal(t->ts.offset, 6);
	assert_int_equal(f->env.counters[WEIR_CTR_OPENED_PASSIVE], 1);
	/* RFC6928-02, RFC6298-11: more than one lost SYN-ACK: a window of one, and 3 s */
	fix_in(f, (struct tcp_seg){.seq = {RCV},
				   .ack = {SND},
				   .wnd = 4000,
				   .flags = TCP_ACK,
				   .opts = {.has_ts = true, .ts_val = 6}});
	assert_int_equal(t->cc.cwnd, t->snd.mss);
	assert_int_equal(t->rtt.rto_ns, 3000 * NS_PER_MS);
}

/* The third segment of the handshake is the first sample of the round trip, if it answers one
 * SYN-ACK for sure (RFC6298-02, -06). */
static void test_handshake_sample(void **state)
{
	struct fix *f = *state;
	struct tcb_passive p = {.agreed = {.mss = 900},
				.iss = {ISS},
				.irs = {IRS},
				.snd_wnd = 4000,
				.rcv_wnd = 3000,
				.synack_at = f->now - 100 * NS_PER_MS};

	fix_init(f);
	tcb_open_passive(&f->t, &f->env, &p, f->now);
	fix_ack(f, SND, 4000);
	assert_int_equal(f->t.state, WEIR_STATE_ESTABLISHED);
	assert_int_equal(f->t.rtt.srtt_ns, 100 * NS_PER_MS);
	assert_int_equal(f->t.rtt.rto_ns, 300 * NS_PER_MS);
	tcb_end(&f->t, &f->env, WEIR_ABORTED);
	p.synack_at = 0;
	fix_init(f);
	tcb_open_passive(&f->t, &f->env, &p, f->now);
	fix_ack(f, SND, 4000);
	assert_int_equal(f->t.rtt.srtt_ns, 0);
	assert_int_equal(f->t.rtt.rto_ns, 1000 * NS_PER_MS);
}

/* 3.10.5, 3.10.7.4: queues are flushed, timers off; an orderly end leaves what can be read. */
static void test_end(void **state)
{
	struct fix *f = *state;

	for (unsigned orderly = 0; orderly < 2; orderly++) {
		fix_open(f, NULL);
		fix_send(f, 5000);
		fix_drain(f);
		fix_data(f, RCV, 100, 0);
		fix_data(f, RCV + 200, 100, 0);
		f->t.events = 0;
		tcb_end(&f->t, &f->env, orderly ? WEIR_OK : WEIR_RESET);
		assert_int_equal(f->t.state, WEIR_STATE_CLOSED);
		assert_true(timers_next(&f->t) == WEIR_NEVER);
		assert_int_equal(f->t.sndq.len, 0);
		assert_int_equal(f->t.rcvq.nxt - f->t.rcvq.q.head, orderly ? 100 : 0);
		assert_int_equal(!!(f->t.events & 1u << WEIR_EV_READABLE), !orderly);
		assert_null(tcb_check(&f->env, &f->t));
		tcb_flush(&f->t, &f->env);
		assert_int_equal(f->env.pages.used, 0);
		assert_int_equal(f->env.ranges.used, 0);
	}
}

static void una_beyond(struct tcb *t)
{
	t->snd.una = seq_add(t->snd.nxt, 1);
}

static void lost_more(struct tcb *t)
{
	t->board.lost++;
}

static void sacked_more(struct tcb *t)
{
	t->board.sacked++;
}

static void nxt_beyond(struct tcb *t)
{
	t->snd.nxt = seq_add(sndq_end(&t->sndq), 1);
}

static void no_mss(struct tcb *t)
{
	t->snd.mss = 0;
}

static void both_timers(struct tcb *t)
{
	timer_set(t, TIMER_PERSIST, 5);
}

static void no_timer(struct tcb *t)
{
	timers_init(t);
}

static void nxt_beyond_edge(struct tcb *t)
{
	t->rcv.adv = seq_sub(t->rcv.nxt, 1);
}

static void read_too_much(struct tcb *t)
{
	t->rcvq.q.head = t->rcvq.nxt + 1;
}

static void timer_after_end(struct tcb *t)
{
	t->state = WEIR_STATE_CLOSED;
}

/* What every other test leans on must see what it is for. */
static void test_check_sees(void **state)
{
	static void (*const breaks[])(struct tcb *) = {
		una_beyond,  lost_more, sacked_more,     nxt_beyond,    no_mss,
		both_timers, no_timer,  nxt_beyond_edge, read_too_much, timer_after_end,
	};
	struct fix *f = *state;
	struct tcb copy;

	fix_open(f, NULL);
	fix_send(f, 2500);
	fix_drain(f);
	assert_null(tcb_check(&f->env, &f->t));
	for (unsigned i = 0; i < LENGTH(breaks); i++) {
		copy = f->t;
		breaks[i](&copy);
		if (!tcb_check(&f->env, &copy))
			fail_msg("break %u was not seen", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mss),  TEST(test_tiny_mss),
		TEST(test_defaults),         TEST(test_agree),
		TEST(test_open_active),      TEST(test_open_passive),
		TEST(test_handshake_sample), TEST(test_end),
		TEST(test_check_sees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
