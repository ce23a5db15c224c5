/*
 * Corners of loss recovery: what a timeout marks, when no probe is due, what halves the window, and
 * that pacing saves nothing up.
 */
#include "fixture.h"

#include "tcp/rack.h"
#include "tcp/recovery.h"
#include "tcp/timers.h"

#define WND 65535u
#define RTT (40 * NS_PER_MS)

static const struct tcp_agreed sack = {.mss = MSS, .sack_ok = true};

static void open_busy(struct fix *f, const struct tcp_agreed *agreed, uint32_t cwnd)
{
	fix_open(f, agreed);
	f->t.rtt.srtt_ns = f->t.rtt.min_ns = RTT;
	f->t.rtt.min_next_us = (uint32_t)(RTT / 1000);
	f->t.rtt.rto_ns = 5 * RTT;
	f->t.cc.cwnd = cwnd;
	fix_send(f, 20 * MSS);
	assert_int_equal(fix_drain(f), cwnd / MSS);
}

/* An ACK of everything below `una` that tells of the second segment. */
static void report(struct fix *f, uint32_t una)
{
	fix_in(f, (struct tcp_seg){
			  .seq = f->t.rcv.nxt,
			  .ack = {una},
			  .wnd = WND,
			  .flags = TCP_ACK,
			  .opts = {.sack_count = 1, .sack = {{{SND + MSS}, {SND + 2 * MSS}}}}});
}

/* A window that is no multiple of the segment: limited transmit's two are beyond what is halved.
 * RFC5681-14 */
static void test_limited_transmit_is_not_halved(void **state)
{
	struct fix *f = *state;

	open_busy(f, NULL, 10 * MSS + MSS / 2);
	for (unsigned i = 0; i < 2; i++) {
		fix_ack(f, SND, WND);
		assert_int_equal(fix_drain(f), 1);
	}
	fix_ack(f, SND, WND);
	assert_int_equal(f->t.rec.phase, RECOVERY_FAST);
	assert_int_equal(f->t.cc.ssthresh, 5 * MSS);
}

/* RACK holds nothing for lost yet, as its last sample was a long one: SND.UNA's segment goes all
 * the same, and no other. RFC8985-12 */
static void test_timeout_marks_the_first(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	f->cfg.tlp = 0;
	open_busy(f, &sack, 10 * MSS);
	t->rack.rtt_ns = 1000 * RTT;
	f->now = t->timers.at[TIMER_RTX];
	timers_run(&f->env, t, f->now);
	assert_int_equal(t->rec.phase, RECOVERY_RTO);
	assert_int_equal(t->board.lost, MSS);
	assert_plan(f, RETX_TIMEOUT, SND, MSS, TCP_ACK);
	assert_no_plan(f);
}

/* RFC8985-13: RACK will tell, and the timeout after it. */
static void test_no_probe_with_sack(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_busy(f, &sack, 10 * MSS);
	assert_int_equal(rack_probe_after(&f->env, t), 2 * RTT);
	f->now += RTT;
	fix_in(f, (struct tcp_seg){
			  .seq = t->rcv.nxt,
			  .ack = {SND},
			  .wnd = WND,
			  .flags = TCP_ACK,
			  .opts = {.sack_count = 1, .sack = {{{SND + MSS}, {SND + 2 * MSS}}}}});
	assert_int_equal(t->board.sacked, MSS);
	assert_int_equal(t->rec.phase, RECOVERY_OPEN);
	assert_int_equal(t->board.lost, 0);
	assert_true(t->rack.tlp_ready);
	assert_true(rack_probe_after(&f->env, t) == WEIR_NEVER);
}

/* A block of one segment is that segment, though an ACK cut the one before it in two. */
static void test_ack_inside_a_segment(void **state)
{
	struct fix *f = *state;

	open_busy(f, &sack, 10 * MSS);
	f->now += RTT;
	fix_ack(f, SND + MSS / 2, WND);
	fix_drain(f);
	report(f, SND + MSS / 2);
	assert_int_equal(f->t.board.sacked, MSS);
	assert_int_equal(f->t.board.sacked_segments, 1);
}

/* RFC5681-10: what is out is halved, not what might be. */
static void test_timeout_halves_what_is_out(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	t->cc.cwnd = 20 * MSS;
	fix_send(f, 8 * MSS);
	assert_int_equal(fix_drain(f), 8);
	f->now = t->timers.at[TIMER_RTX];
	timers_run(&f->env, t, f->now);
	assert_int_equal(t->rec.phase, RECOVERY_RTO);
	assert_int_equal(t->cc.ssthresh, 4 * MSS);
}

/* Thirty milliseconds in which data could have gone and did not: no burst makes up for them. */
static void test_pacing_saves_nothing_up(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	t->cc.pacing_rate = 1000000; /* a segment takes a millisecond */
	t->cc.cwnd = 100 * MSS;
	fix_send(f, 50 * MSS);
	assert_in_range(fix_drain(f), 1, 2);
	f->now += 30 * NS_PER_MS;
	timers_run(&f->env, t, f->now);
	assert_int_equal(t->rec.phase, RECOVERY_OPEN);
	assert_in_range(fix_drain(f), 1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_limited_transmit_is_not_halved),
		TEST(test_timeout_marks_the_first),
		TEST(test_no_probe_with_sack),
		TEST(test_ack_inside_a_segment),
		TEST(test_timeout_halves_what_is_out),
		TEST(test_pacing_saves_nothing_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
