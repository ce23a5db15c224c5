/*
 * Fast retransmit and NewReno recovery: RFC 5681 3.2, RFC 6582, RFC 3042.
 */
#include "fixture.h"

#include "tcp/recovery.h"
#include "tcp/timers.h"

#define WND 65535u

/* Ten segments are out, ten more wait; cwnd is ten segments. */
static void open_busy(struct fix *f)
{
	fix_open(f, NULL);
	f->t.cc.cwnd = 10 * MSS;
	fix_send(f, 20 * MSS);
	assert_int_equal(fix_drain(f), 10);
}

/* What may be in flight, as far as congestion allows. */
static uint32_t window(const struct tcb *t)
{
	return t->cc.cwnd + t->rec.inflate;
}

/* One more duplicate ACK, without SACK. */
static void duplicate(struct fix *f)
{
	fix_ack(f, f->t.snd.una.v, WND);
}

/* The retransmission timer fires. */
static void expire(struct fix *f)
{
	f->now = f->t.timers.at[TIMER_RTX];
	timers_run(&f->env, &f->t, f->now);
}

/* RFC5681-13, -14, RFC3042-01, -02 */
static void test_three_duplicates(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_busy(f);
	for (unsigned i = 0; i < 2; i++) { /* limited transmit */
		fix_ack(f, SND, WND);
		assert_plan(f, SENT_DATA, SND + (10 + i) * MSS, MSS, TCP_ACK);
		assert_no_plan(f);
		assert_int_equal(t->cc.cwnd, 10 * MSS);
	}
	assert_int_not_equal(t->rec.phase, RECOVERY_FAST);
	fix_ack(f, SND, WND);
	assert_int_equal(t->rec.phase, RECOVERY_FAST);
	assert_int_equal(t->cc.ssthresh, 5 * MSS); /* of ten: the two extra do not count */
	assert_int_equal(t->cc.cwnd, 5 * MSS);
	assert_int_equal(window(t), 8 * MSS);
	assert_int_equal(t->rec.recover.v, SND + 12 * MSS);
	assert_int_equal(f->env.counters[WEIR_CTR_RECOVERY_ENTERED], 1);
	assert_plan(f, RETX_FAST, SND, MSS, TCP_ACK);
	assert_no_plan(f);
}

/* RFC5681-02: what looks like a duplicate but is none. */
static void test_no_duplicate(void **state)
{
	static const struct {
		uint32_t ack;
		uint16_t wnd;
		uint32_t len;
		uint8_t flags;
	} rows[] = {
		{SND, WND - 1, 0, TCP_ACK},
		{SND, WND, 1, TCP_ACK},
		{SND, WND, 0, TCP_ACK | TCP_FIN},
		{SND - 1, WND, 0, TCP_ACK},
	};
	struct fix *f = *state;
	uint8_t byte = 0;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		open_busy(f);
		fix_in(f, (struct tcp_seg){.seq = f->t.rcv.nxt,
					   .ack = {rows[i].ack},
					   .wnd = rows[i].wnd,
					   .len = rows[i].len,
					   .payload = &byte,
					   .flags = rows[i].flags});
		assert_int_equal(f->t.rec.dupacks, 0);
		tcb_flush(&f->t, &f->env);
	}
	fix_open(f, NULL);
	fix_ack(f, SND, WND); /* nothing is out */
	assert_int_equal(f->t.rec.dupacks, 0);
}

static void test_dupthresh(void **state)
{
	struct fix *f = *state;

	f->cfg.dupthresh = 5;
	open_busy(f);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_not_equal(f->t.rec.phase, RECOVERY_FAST);
		fix_ack(f, SND, WND);
	}
	assert_int_equal(f->t.rec.phase, RECOVERY_FAST);
	assert_int_equal(window(&f->t), 10 * MSS); /* 5 + 5 */
}

/* RFC3042-01: never more than two beyond cwnd, though more duplicates come. */
static void test_limited_transmit_is_two(void **state)
{
	struct fix *f = *state;
	unsigned sent = 0;

	f->cfg.dupthresh = 255;
	open_busy(f);
	for (unsigned i = 0; i < 8; i++) {
		fix_ack(f, SND, WND);
		sent += fix_drain(f);
	}
	assert_int_equal(sent, 2);
}

/* RFC5681-14, -16: each further duplicate inflates, but by no more than is out. */
static void test_inflation(void **state)
{
	struct fix *f = *state;
	uint32_t flight;

	open_busy(f);
	for (unsigned i = 0; i < 3; i++)
		fix_ack(f, SND, WND);
	assert_int_equal(window(&f->t), 8 * MSS);
	fix_ack(f, SND, WND);
	assert_int_equal(window(&f->t), 9 * MSS);
	flight = tcb_flight(&f->t);
	for (unsigned i = 0; i < 1000; i++)
		fix_ack(f, SND, WND);
	assert_int_equal(f->t.rec.inflate, flight);
	assert_int_equal(f->t.cc.cwnd, 5 * MSS);
}

/* RFC6582-02, -03 */
static void test_partial_ack(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	weir_time armed;

	open_busy(f);
	for (unsigned i = 0; i < 5; i++)
		fix_ack(f, SND, WND);
	fix_drain(f);
	assert_int_equal(t->rec.inflate, 5 * MSS);
	f->now += 10 * NS_PER_MS;
	fix_ack(f, SND + 3 * MSS, WND);
	assert_int_equal(t->rec.phase, RECOVERY_FAST);
	assert_int_equal(t->rec.inflate, 3 * MSS); /* 5 - 3, and one back */
	assert_int_equal(t->cc.cwnd, 5 * MSS);
	assert_plan(f, RETX_PARTIAL, SND + 3 * MSS, MSS, TCP_ACK);
	armed = t->timers.at[TIMER_RTX];
	assert_true(armed > f->now); /* the first one restarts the timer */
	f->now += 10 * NS_PER_MS;
	fix_ack(f, SND + 4 * MSS, WND);
	assert_int_equal(t->timers.at[TIMER_RTX], armed + 10 * NS_PER_MS); /* the second, too */
	assert_int_equal(t->rec.inflate, 3 * MSS);
	fix_drain(f);
	fix_ack(f, SND + 4 * MSS + 10, WND); /* less than a segment: nothing is given back */
	assert_int_equal(t->rec.inflate, 3 * MSS - 10);
}

/* RFC6582-04: min(ssthresh, max(flight, one segment) + one segment) */
static void test_full_ack(void **state)
{
	static const struct {
		uint32_t flight_after, cwnd;
	} rows[] = {{0, 2 * MSS}, {500, 2 * MSS}, {2 * MSS, 3 * MSS}, {9 * MSS, 5 * MSS}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcb *t = &f->t;

		fix_open(f, NULL);
		t->cc.cwnd = 10 * MSS;
		fix_send(f, 10 * MSS);
		assert_int_equal(fix_drain(f), 10);
		for (unsigned k = 0; k < 3; k++)
			duplicate(f);
		assert_int_equal(t->rec.recover.v, SND + 10 * MSS);
		t->user.nodelay = true;
		t->cc.cwnd = 30 * MSS; /* so that what is wanted behind it goes out */
		fix_send(f, rows[i].flight_after);
		fix_drain(f);
		fix_ack(f, SND + 10 * MSS, WND);
		assert_int_equal(t->rec.phase, RECOVERY_OPEN);
		assert_int_equal(t->rec.inflate, 0);
		assert_int_equal(t->cc.cwnd, rows[i].cwnd);
		tcb_flush(t, &f->env);
	}
}

/* RFC6582-01: the echoes of an earlier recovery or timeout start no other one. */
static void test_recover_guard(void **state)
{
	static const struct {
		int una_less_recover;
		bool enters;
	} rows[] = {{-5000, false}, {-1, false}, {0, false}, {1, false}, {2, true}, {5000, true}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcb *t = &f->t;

		open_busy(f);
		t->snd.iss = seq_make(ISS - 100000); /* `recover` is not at its start any more */
		t->rec.recover = seq_sub(t->snd.una, (uint32_t)rows[i].una_less_recover);
		for (unsigned k = 0; k < 3; k++)
			duplicate(f);
		assert_int_equal(t->rec.phase == RECOVERY_FAST, rows[i].enters);
		assert_int_equal(t->cc.cwnd, (rows[i].enters ? 5 : 10) * MSS);
		tcb_flush(t, &f->env);
	}
}

/*
 * `recover` is dragged along, so that it never seems to lie ahead.
 * neg: RFC6582-06
 */
static void test_recover_is_kept_near(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	struct board_news news = {0};
	struct cc_ack cc = {0};
	struct recovery_ack a = {.news = &news, .cc = &cc, .acked = 0x30000000u};

	fix_open(f, NULL);
	t->rec.recover = t->snd.una;
	for (unsigned i = 0; i < 10; i++) {
		t->snd.una = t->snd.nxt = seq_add(t->snd.una, 0x30000000u);
		recovery_acked(t, &f->env, &a);
		assert_true(seq_lt(t->rec.recover, t->snd.una));
	}
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* RFC6582-05: a timeout ends recovery, and duplicates of what was out start none. */
static void test_timeout(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_busy(f);
	for (unsigned i = 0; i < 4; i++)
		duplicate(f);
	expire(f);
	assert_int_equal(t->rec.phase, RECOVERY_RTO);
	assert_int_equal(t->rec.recover.v, SND + 10 * MSS);
	assert_int_equal(window(t), t->cc.cwnd);
	assert_int_equal(t->board.lost, 10 * MSS);
	for (unsigned i = 0; i < 5; i++)
		duplicate(f);
	assert_int_equal(t->rec.phase, RECOVERY_RTO);
	assert_int_equal(recovery_room(t), t->cc.cwnd); /* nor limited transmit */
	tcb_flush(t, &f->env);
	open_busy(f); /* the same when there was no recovery before */
	expire(f);
	assert_int_equal(t->rec.recover.v, SND + 10 * MSS);
}

/* New data acknowledged between them: three duplicates must be in a row. */
static void test_count_begins_again(void **state)
{
	struct fix *f = *state;

	open_busy(f);
	fix_ack(f, SND, WND);
	fix_ack(f, SND, WND);
	fix_ack(f, SND + MSS, WND);
	fix_ack(f, SND + MSS, WND);
	assert_int_equal(f->t.rec.dupacks, 1);
	assert_int_not_equal(f->t.rec.phase, RECOVERY_FAST);
}

/*
 * What recovery sent again is lost: the timeout halves once more what the first loss had halved.
 * neg: RFC5681-19
 */
static void test_second_loss(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_busy(f);
	for (unsigned i = 0; i < 3; i++)
		fix_ack(f, SND, WND);
	fix_drain(f);
	assert_int_equal(t->cc.ssthresh, 5 * MSS);
	f->now = t->timers.at[TIMER_RTX];
	timers_run(&f->env, t, f->now);
	assert_int_equal(t->cc.ssthresh, 5 * MSS / 2);
	assert_int_equal(t->cc.cwnd, MSS);
	f->now = t->timers.at[TIMER_RTX];
	timers_run(&f->env, t, f->now);
	assert_int_equal(t->cc.ssthresh, 5 * MSS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_three_duplicates), TEST(test_no_duplicate),
		TEST(test_dupthresh),        TEST(test_limited_transmit_is_two),
		TEST(test_inflation),        TEST(test_partial_ack),
		TEST(test_second_loss),      TEST(test_full_ack),
		TEST(test_recover_guard),    TEST(test_recover_is_kept_near),
		TEST(test_timeout),          TEST(test_count_begins_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
