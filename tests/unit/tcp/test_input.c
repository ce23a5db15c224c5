/*
 * Segments through all steps of RFC 9293 3.10.7.4: URG, text, FIN, and what is wished for after.
 */
#include "fixture.h"

#include "tcp/rcvq.h"

/* RFC5961-06: challenged wherever it stands, and never a reset. */
static void test_syn(void **state)
{
	static const uint32_t seqs[] = {RCV, RCV - 1, RCV + 100, RCV + 70000, 0};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(seqs); i++) {
		for (unsigned ack = 0; ack < 2; ack++) {
			fix_open(f, NULL);
			assert_verdict(fix_in(f, (struct tcp_seg){.seq = {seqs[i]},
								  .ack = {SND},
								  .flags = ack ? TCP_SYN | TCP_ACK
									       : TCP_SYN}),
				       SYN_CHALLENGED);
			assert_int_equal(f->t.state, WEIR_STATE_ESTABLISHED);
			assert_plan(f, SENT_CHALLENGE, SND, 0, TCP_ACK);
			assert_int_equal(f->t.rcv.nxt.v, RCV);
		}
	}
}

static void test_no_ack(void **state)
{
	struct fix *f = *state;
	uint8_t byte = 0;

	fix_open(f, NULL);
	assert_verdict(fix_in(f,
			      (struct tcp_seg){
				      .seq = {RCV}, .len = 1, .payload = &byte, .flags = TCP_PSH}),
		       NO_ACK);
	assert_int_equal(rcvq_readable(&f->t), 0);
}

static void test_text(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	assert_verdict(fix_data(f, RCV, 100, 0), ACCEPTED);
	assert_true(f->t.events & 1u << WEIR_EV_READABLE);
	assert_int_equal(f->t.rcvq.nxt, 100);
	assert_int_equal(f->env.counters[WEIR_CTR_BYTES_IN], 100);
	f->t.events = 0;
	assert_verdict(fix_data(f, RCV + 200, 100, 0), OUT_OF_ORDER);
	assert_int_equal(f->t.events, 0); /* nothing new to read */
	assert_verdict(fix_data(f, RCV + 50, 250, 0), ACCEPTED);
	assert_int_equal(rcvq_readable(&f->t), 300);
	assert_int_equal(f->t.rcvq.nxt, 300);
	assert_verdict(fix_data(f, RCV + 200, 100, 0), DUPLICATE);
}

/* RFC9293-MUST-58, -59: six segments, one ACK. */
static void test_acks_merge(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	for (unsigned i = 5; i-- > 0;)
		fix_data(f, RCV + i * 100, 100, 0);
	assert_plan(f, SENT_DUPACK, SND, 0, TCP_ACK);
	assert_no_plan(f);
	assert_int_equal(f->t.rcv.last_ack.v, RCV + 500);
}

/* The size of what a device merged counts as its pieces (gso_size). */
static void test_super_segment(void **state)
{
	struct fix *f = *state;
	static uint8_t bytes[10000];

	f->cfg.quickacks = 0;
	fix_open(f, NULL);
	f->t.rcv.seg_max = 500;
	fix_in(f, (struct tcp_seg){.seq = {RCV},
				   .ack = {SND},
				   .wnd = 65535,
				   .len = 2000,
				   .payload = bytes,
				   .gso_size = 1000,
				   .flags = TCP_ACK});
	assert_int_equal(f->t.rcv.seg_max, 1000);
	assert_true(f->t.ackgen.now); /* two full segments: SHLD-19 */
}

/* MUST-30, -32, -62: told once, and again when the pointer moves forward. */
static void test_urgent(void **state)
{
	static const struct {
		uint32_t seq;
		uint16_t urgent;
		bool told;
		uint32_t up;
	} rows[] = {
		{0, 10, true, 10}, {0, 10, false, 10},  {0, 5, false, 10},
		{20, 0, true, 20}, {0, 300, true, 300},
	};
	struct fix *f = *state;

	fix_open(f, NULL);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		f->t.events = 0;
		fix_in(f, (struct tcp_seg){.seq = {RCV + rows[i].seq},
					   .ack = {SND},
					   .wnd = 65535,
					   .urgent = rows[i].urgent,
					   .flags = TCP_ACK | TCP_URG});
		assert_int_equal(!!(f->t.events & 1u << WEIR_EV_URGENT), rows[i].told);
		assert_true(f->t.rcv.up_set);
		assert_int_equal(f->t.rcv.up.v, RCV + rows[i].up);
	}
}

/* MUST-66: with a closed window too. What was read before is not urgent any more. */
static void test_urgent_at_the_edges(void **state)
{
	struct fix *f = *state;
	struct tcp_seg s = {
		.seq = {RCV}, .ack = {SND}, .wnd = 65535, .urgent = 7, .flags = TCP_ACK | TCP_URG};

	fix_open(f, NULL);
	f->t.rcv.adv = f->t.rcv.nxt;
	fix_in(f, s);
	assert_true(f->t.events & 1u << WEIR_EV_URGENT);
	fix_open(f, NULL);
	fix_data(f, RCV, 100, 0);
	user_consume(&f->t, &f->env, 100, f->now);
	f->t.events = 0;
	fix_in(f, (struct tcp_seg){.seq = {RCV + 100},
				   .ack = {SND},
				   .wnd = 65535,
				   .urgent = 0,
				   .flags = TCP_ACK | TCP_URG});
	assert_int_equal(f->t.events, 0);
	fix_open(f, NULL); /* URG off: the field says nothing */
	f->t.events = 0;
	s.flags = TCP_ACK;
	fix_in(f, s);
	assert_int_equal(f->t.events, 0);
}

/* 3.10.7.4, eighth: the FIN counts when everything before it has come. */
static void test_fin(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	assert_verdict(fix_data(f, RCV + 100, 50, TCP_FIN), OUT_OF_ORDER);
	assert_int_equal(f->t.ackgen.dups, 1); /* RFC5681-18: one segment, one ACK */
	assert_int_equal(f->t.state, WEIR_STATE_ESTABLISHED);
	fix_drain(f);
	assert_verdict(fix_data(f, RCV, 100, 0), ACCEPTED);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSE_WAIT);
	assert_int_equal(f->t.rcv.nxt.v, RCV + 151);
	assert_int_equal(rcvq_readable(&f->t), 150);
	assert_plan(f, SENT_ACK, SND, 0, TCP_ACK);
	assert_int_equal(f->t.rcv.last_ack.v, RCV + 151);
	assert_verdict(fix_data(f, RCV + 100, 50, TCP_FIN), DUPLICATE); /* again: acknowledged */
	assert_true(f->t.ackgen.now);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSE_WAIT);
}

/* A FIN alone above a gap is one segment: one duplicate ACK (RFC5681-18). */
static void test_fin_above_a_gap(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	assert_verdict(fix_data(f, RCV + 100, 0, TCP_FIN), OUT_OF_ORDER);
	assert_int_equal(f->t.ackgen.dups, 1);
	fix_drain(f);
	assert_verdict(fix_data(f, RCV, 100, 0), ACCEPTED);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSE_WAIT);
}

/* Nothing lies beyond a FIN, whatever a later segment says. */
static void test_text_after_fin(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_data(f, RCV + 100, 0, TCP_FIN);
	fix_data(f, RCV, 200, 0);
	assert_int_equal(rcvq_readable(&f->t), 100);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSE_WAIT);
	assert_int_equal(f->t.rcv.nxt.v, RCV + 101);
	assert_verdict(fix_data(f, RCV + 101, 10, 0), AFTER_FIN);
	assert_int_equal(rcvq_readable(&f->t), 100);
}

/* RFC 9293 3.6: both close at once, and a FIN with the ACK of ours. */
static void test_fin_in_fin_wait(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	user_shutdown(&f->t, &f->env, f->now);
	fix_drain(f);
	fix_in(f, (struct tcp_seg){.seq = {RCV}, .ack = {SND + 1}, .flags = TCP_ACK | TCP_FIN});
	assert_int_equal(f->t.state, WEIR_STATE_TIME_WAIT);
	assert_true(f->t.ackgen.now); /* the record sends it */
}

/* SHLD-3: data for a user who has closed is a reset; an empty segment and a FIN are not. */
static void test_after_close(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	user_close(&f->t, &f->env, f->now);
	fix_drain(f);
	fix_ack(f, SND + 1, 65535);
	assert_int_equal(f->t.state, WEIR_STATE_FIN_WAIT_2);
	assert_false(f->t.want_rst);
	assert_verdict(fix_data(f, RCV, 1, 0), AFTER_CLOSE);
	assert_true(f->t.want_rst);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSED);
	assert_int_equal(f->t.reason, WEIR_ABORTED);
}

/* MUST-29: whatever proves that the peer lives resets the keep-alive count; strays do not. */
static void test_heard(void **state)
{
	static const struct {
		uint32_t seq, len;
		bool heard;
	} rows[] = {{0, 10, true}, {500, 10, true}, {70000, 10, false}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		fix_open(f, NULL);
		f->t.user.keep_sent = 4;
		f->t.user.heard_at = 1;
		fix_data(f, RCV + rows[i].seq, rows[i].len, 0);
		assert_int_equal(f->t.user.keep_sent, rows[i].heard ? 0 : 4);
		assert_int_equal(f->t.user.heard_at, rows[i].heard ? f->now : 1);
		tcb_flush(&f->t, &f->env);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_syn),
		TEST(test_no_ack),
		TEST(test_text),
		TEST(test_acks_merge),
		TEST(test_super_segment),
		TEST(test_urgent),
		TEST(test_urgent_at_the_edges),
		TEST(test_fin),
		TEST(test_fin_above_a_gap),
		TEST(test_text_after_fin),
		TEST(test_fin_in_fin_wait),
		TEST(test_after_close),
		TEST(test_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
