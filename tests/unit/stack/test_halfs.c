/*
 * Half-open records: their queues, limits, retransmission and the decisions on held SYNs.
 */
#include "fixture.h"

#include "stack/halfs.h"

#define SYNACK (TCP_SYN | TCP_ACK)

static struct weir_usage usage(struct stk *f)
{
	struct weir_usage u;

	weir_stack_usage(f->s, &u);
	return u;
}

/* RFC4987-04: no connection exists before the third segment. */
static void test_early(void **state)
{
	struct stk *f = *state;

	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(family, 9, 1000);
		struct weir_event ev;
		uint32_t iss;

		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_EARLY, 0);
		assert_verdict(stk_syn(f, &t), ACCEPTED);
		assert_int_equal(usage(f).conns, 0);
		assert_int_equal(usage(f).halfs, 1);
		assert_out(f, SYNACK);
		iss = f->seg.seq.v;
		assert_int_equal(f->seg.opts.mss, family == 4 ? 1460 : 1440);
		assert_int_equal(f->s->addr6.used, family == 6);
		stk_in(f, &t,
		       (struct tcp_seg){.seq = {PEER_ISN + 1},
					.ack = {iss + 1},
					.wnd = 60000,
					.flags = TCP_ACK});
		assert_int_equal(usage(f).conns, 1);
		assert_int_equal(usage(f).halfs, 0);
		assert_int_equal(f->s->addr6.used, 0);
		ev = stk_event(f, WEIR_EV_ACCEPTED);
		assert_memory_equal(&ev.tuple, &t, sizeof(t));
		assert_int_equal(stk_info(f, ev.conn).state, WEIR_STATE_ESTABLISHED);
	}
}

/* The SYN-ACK again after 1, 2, 4 ... s; then the record ends (RFC4987-02). */
static void test_retransmission(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_time due = f->now;
	uint32_t iss;

	f->cfg.half_retries = 3;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	stk_syn(f, &t);
	assert_out(f, SYNACK);
	iss = f->seg.seq.v;
	for (unsigned i = 0; i < 3; i++) {
		due += (1000ull << i) * NS_PER_MS;
		assert_int_equal(weir_deadline(f->s, f->now), due);
		f->now = due - NS_PER_MS;
		assert_false(stk_out(f));
		f->now = due;
		assert_out(f, SYNACK);
		assert_int_equal(f->seg.seq.v, iss);
		assert_false(stk_out(f));
	}
	f->now = due + 8000 * NS_PER_MS;
	assert_false(stk_out(f));
	assert_int_equal(usage(f).halfs, 0);
	assert_int_equal(counter(f, HALF_EXPIRED), 1);
	assert_int_equal(counter(f, RETX_SYNACK), 3);
	stk_no_event(f); /* nobody asked to be told */
}

/*
 * Without cookies the newest is refused; what is there is not harmed, and room makes room.
 * req: RFC4987-01
 */
static void test_backlog(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t[5];

	f->cfg.cookies = 0;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 3);
	for (uint16_t i = 0; i < 5; i++)
		t[i] = stk_peer(4, 9, (uint16_t)(1000 + i));
	for (unsigned i = 0; i < 3; i++)
		assert_verdict(stk_syn(f, &t[i]), ACCEPTED);
	assert_verdict(stk_syn(f, &t[3]), LISTEN_FULL);
	assert_int_equal(counter(f, LISTEN_FULL), 1);
	assert_int_equal(stk_drain(f), 3); /* no answer to the one refused */
	assert_verdict(stk_syn(f, &t[1]), HALF_SYN_AGAIN);
	stk_in(f, &t[0], (struct tcp_seg){.seq = {PEER_ISN + 1}, .flags = TCP_RST});
	assert_verdict(stk_syn(f, &t[3]), ACCEPTED);
	assert_verdict(stk_syn(f, &t[4]), LISTEN_FULL);
}

static void test_halfs_max(void **state)
{
	struct stk *f = *state;

	f->cfg.cookies = 0;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 1000);
	for (uint16_t i = 0; i < 20; i++) {
		struct weir_tuple t = stk_peer(i & 1 ? 4 : 6, (uint8_t)(10 + i), 1000);

		assert_int_equal(stk_syn(f, &t), i < 16 ? WEIR_CTR_ACCEPTED : WEIR_CTR_LISTEN_FULL);
		stk_drain(f);
	}
}

static void test_source_limit(void **state)
{
	struct stk *f = *state;
	struct weir_tuple other = stk_peer(4, 8, 1000), again = stk_peer(4, 9, 1000);

	f->cfg.cookies = 0;
	f->cfg.half_source_max = 3;
	f->cfg.half_retries = 0;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	for (uint16_t i = 0; i < 5; i++) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1000 + i));

		assert_int_equal(stk_syn(f, &t),
				 i < 3 ? WEIR_CTR_ACCEPTED : WEIR_CTR_LISTEN_SOURCE);
	}
	assert_verdict(stk_syn(f, &other), ACCEPTED);
	stk_drain(f);
	f->now += 1000 * NS_PER_MS;
	stk_drain(f);
	assert_int_equal(usage(f).halfs, 0);
	assert_verdict(stk_syn(f, &again), ACCEPTED); /* they are counted down again */
}

/* A held SYN: an event, no answer before the decision, and a time to decide in. */
static void test_held(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_event ev;
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	assert_verdict(stk_syn(f, &t), HALF_HELD);
	assert_verdict(stk_syn(f, &t), HALF_HELD);
	assert_false(stk_out(f));
	ev = stk_event(f, WEIR_EV_SYN);
	assert_memory_equal(&ev.tuple, &t, sizeof(t));
	stk_no_event(f); /* once */
	assert_int_equal(weir_half_accept(f->s, ev.half, 4711, f->now), WEIR_OK);
	assert_int_equal(weir_half_accept(f->s, ev.half, 4711, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_half_refuse(f->s, ev.half, WEIR_REFUSE_RST, f->now), WEIR_NO_CONN);
	assert_out(f, SYNACK);
	iss = f->seg.seq.v;
	stk_in(f, &t,
	       (struct tcp_seg){
		       .seq = {PEER_ISN + 1}, .ack = {iss + 1}, .wnd = 60000, .flags = TCP_ACK});
	ev = stk_event(f, WEIR_EV_ACCEPTED);
	assert_int_equal(ev.user, 4711);
}

/* It expires after half_held_ms, unread or read; who gave it a value is told. */
static void test_held_too_long(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000), u = stk_peer(4, 9, 1001);
	struct weir_event ev;

	f->cfg.half_held_ms = 5000;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	stk_syn(f, &t);
	ev = stk_event(f, WEIR_EV_SYN);
	assert_int_equal(weir_half_user_set(f->s, ev.half, 99), WEIR_OK);
	stk_syn(f, &u); /* never read */
	assert_int_equal(weir_deadline(f->s, f->now), f->now + 5000 * NS_PER_MS);
	f->now += 5000 * NS_PER_MS;
	assert_false(stk_out(f));
	assert_int_equal(counter(f, HALF_EXPIRED), 2);
	assert_int_equal(weir_half_accept(f->s, ev.half, 1, f->now), WEIR_NO_CONN);
	ev = stk_event(f, WEIR_EV_HALF_GONE);
	assert_int_equal(ev.user, 99);
	assert_int_equal(ev.reason, WEIR_TIMEOUT);
	stk_no_event(f);
	assert_int_equal(usage(f).halfs, 0);
}

/* The peer gives up: HALF_GONE with the value, and the pair is free at once. */
static void test_reset_by_peer(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000);
	struct weir_event ev;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	stk_syn(f, &t);
	ev = stk_event(f, WEIR_EV_SYN);
	weir_half_user_set(f->s, ev.half, 7);
	assert_verdict(stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN + 1}, .flags = TCP_RST}),
		       HALF_RST);
	/* it is gone, though its event was not read: nobody can decide on it any more */
	assert_int_equal(weir_half_accept(f->s, ev.half, 1, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_half_refuse(f->s, ev.half, WEIR_REFUSE_RST, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_half_user_set(f->s, ev.half, 8), WEIR_NO_CONN);
	assert_verdict(stk_syn(f, &t), HALF_HELD); /* a new one, beside the one that is gone */
	ev = stk_event(f, WEIR_EV_HALF_GONE);
	assert_int_equal(ev.user, 7);
	assert_int_equal(ev.reason, WEIR_RESET);
	assert_memory_equal(&ev.tuple, &t, sizeof(t));
	stk_event(f, WEIR_EV_SYN);
	assert_int_equal(f->s->addr6.used, 1);
}

/* Closing the listener ends its records and no one else's. */
static void test_listener_close(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000), u = stk_peer(4, 9, 1001);
	struct weir_listen_args args = {.local.port = 81};
	weir_listener l, m;

	stk_start(f);
	l = stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	assert_int_equal(weir_listen(f->s, &args, &m), WEIR_OK);
	u.local.port = 81;
	stk_syn(f, &t);
	stk_syn(f, &u);
	stk_drain(f);
	assert_int_equal(weir_listener_close(f->s, l), WEIR_OK);
	assert_int_equal(usage(f).halfs, 1);
	assert_int_equal(counter(f, HALF_ABANDONED), 1);
	assert_null(weir_stack_check(f->s));
	assert_verdict(stk_syn(f, &t), NO_OWNER);
	assert_verdict(stk_syn(f, &u), HALF_SYN_AGAIN);
}

/* conns_max: the handshake cannot complete, is counted, and completes when there is room. */
static void test_no_connection_free(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000), u = stk_peer(4, 9, 1001);
	weir_conn c;
	uint32_t iss;

	f->cfg.conns_max = 1;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = stk_accept(f, &t);
	iss = stk_handshake(f, &u);
	assert_int_equal(counter(f, HALF_NO_CONN), 1);
	assert_int_equal(stk_info(f, c).state, WEIR_STATE_ESTABLISHED);
	assert_int_equal(usage(f).halfs, 1);
	weir_abort(f->s, c, f->now);
	stk_drain(f);
	assert_verdict(stk_in(f, &u,
			      (struct tcp_seg){.seq = {PEER_ISN + 1},
					       .ack = {iss + 1},
					       .wnd = 60000,
					       .flags = TCP_ACK}),
		       ACCEPTED);
	stk_event(f, WEIR_EV_ACCEPTED);
}

/* Answers of a record: the ACK to a stray one carries its numbers, an RST those of the segment. */
static void test_answers(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	stk_syn(f, &t);
	assert_out(f, SYNACK);
	iss = f->seg.seq.v;
	stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN - 9}, .ack = {iss + 1}, .flags = TCP_ACK});
	assert_out(f, TCP_ACK);
	assert_int_equal(f->seg.seq.v, iss + 1);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 1);
	stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN + 1}, .ack = {12345}, .flags = TCP_ACK});
	assert_out(f, TCP_RST); /* RFC9293-X-03 */
	assert_int_equal(f->seg.seq.v, 12345);
	assert_int_equal(usage(f).halfs, 1);
}

/* A handle of a record that is gone finds nobody, though the slot lives again. */
static void test_stale_handle(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_event ev;
	weir_half old;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	stk_syn(f, &t);
	old = stk_event(f, WEIR_EV_SYN).half;
	assert_int_equal(weir_half_refuse(f->s, old, WEIR_REFUSE_DROP, f->now), WEIR_OK);
	stk_syn(f, &t);
	ev = stk_event(f, WEIR_EV_SYN);
	assert_int_equal((uint32_t)ev.half.v, (uint32_t)old.v); /* the same slot */
	assert_int_equal(weir_half_accept(f->s, old, 1, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_half_user_set(f->s, old, 1), WEIR_NO_CONN);
	assert_int_equal(weir_half_accept(f->s, (weir_half){0}, 1, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_half_accept(f->s, (weir_half){~0ull}, 1, f->now), WEIR_NO_CONN);
	assert_int_equal(weir_half_accept(f->s, ev.half, 1, f->now), WEIR_OK);
}

/* The time to decide in runs from the SYN, not from when its event is read. */
static void test_held_time(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_time began = f->now;

	f->cfg.half_held_ms = 5000;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	stk_syn(f, &t);
	f->now = began + 3000 * NS_PER_MS;
	assert_false(stk_out(f));
	stk_event(f, WEIR_EV_SYN);
	assert_int_equal(weir_deadline(f->s, f->now), began + 5000 * NS_PER_MS);
	f->now = began + 5000 * NS_PER_MS;
	assert_false(stk_out(f));
	assert_int_equal(counter(f, HALF_EXPIRED), 1);
}

/* A held record has sent nothing that an error could be about, even if somebody guesses its ISS. */
static void test_held_and_icmp(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	seq_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	stk_syn(f, &t);
	iss = half_at(f->s, 0)->half.iss;
	assert_verdict(halfs_icmp(f->s, 0, iss, HALF_ICMP_HARD, WEIR_REFUSED), ICMP_STRAY);
	assert_int_equal(usage(f).halfs, 1);
}

/* With two segments in a handshake the accept queue has its bound, too: the third one decides. */
static void test_two_ways_and_no_room(void **state)
{
	struct stk *f = *state;
	struct weir_event ev;

	f->cfg.handshake_ways = 2;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 2);
	for (uint16_t i = 0; i < 3; i++) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1000 + i));

		assert_verdict(stk_syn(f, &t), HALF_HELD);
		if (i == 0) {
			ev = stk_event(f, WEIR_EV_SYN);
			weir_half_accept(f->s, ev.half, 1, f->now);
		}
	}
	/* the first connection is unread; the next two are decided on now */
	for (unsigned i = 0; i < 2; i++) {
		assert_true(halfs_event(f->s, &ev));
		assert_int_equal(weir_half_accept(f->s, ev.half, 1, f->now), WEIR_OK);
	}
	assert_int_equal(usage(f).conns, 2);
	assert_int_equal(usage(f).halfs, 1);
	assert_int_equal(stk_drain(f), 3); /* each has its SYN-ACK */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_early),
		TEST(test_retransmission),
		TEST(test_backlog),
		TEST(test_halfs_max),
		TEST(test_source_limit),
		TEST(test_held),
		TEST(test_held_too_long),
		TEST(test_reset_by_peer),
		TEST(test_listener_close),
		TEST(test_no_connection_free),
		TEST(test_answers),
		TEST(test_stale_handle),
		TEST(test_two_ways_and_no_room),
		TEST(test_held_time),
		TEST(test_held_and_icmp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
