/*
 * When an ACK is sent: RFC 9293 3.8.6.3, RFC 5681 4.2, RFC 5961 7.
 */
#include "fixture.h"

#include "tcp/ackgen.h"
#include "tcp/timers.h"

#define DELACK (40 * NS_PER_MS)

static void open_delayed(struct fix *f)
{
	f->cfg.quickacks = 0;
	fix_open(f, NULL);
	f->t.rcv.seg_max = MSS;
}

static void data(struct fix *f, uint32_t len, uint32_t seg)
{
	ackgen_data(&f->t, &f->env, len, seg, ACKGEN_IN_ORDER, f->now);
}

/* SHLD-18, -19, MUST-40 */
static void test_every_second_segment(void **state)
{
	struct fix *f = *state;

	open_delayed(f);
	for (unsigned i = 0; i < 3; i++) {
		data(f, MSS, MSS);
		assert_false(f->t.ackgen.now);
		assert_true(timer_on(&f->t, TIMER_DELACK));
		assert_int_equal(f->t.timers.at[TIMER_DELACK], f->now + DELACK);
		data(f, MSS, MSS);
		assert_true(f->t.ackgen.now);
		ackgen_sent(&f->t);
		assert_false(f->t.ackgen.now);
		assert_false(timer_on(&f->t, TIMER_DELACK));
	}
}

/* SHLD-19: bytes count, not arrivals; the delay runs from the first byte on. */
static void test_small_segments(void **state)
{
	struct fix *f = *state;
	weir_time first = f->now;

	open_delayed(f);
	for (unsigned i = 0; i < 19; i++) {
		data(f, 100, 100);
		assert_false(f->t.ackgen.now);
		assert_int_equal(f->t.timers.at[TIMER_DELACK], first + DELACK);
		f->now += NS_PER_MS;
	}
	data(f, 100, 100);
	assert_true(f->t.ackgen.now);
	assert_verdict(f->t.ackgen.why, SENT_ACK);
}

static void test_super_segment(void **state)
{
	struct fix *f = *state;

	open_delayed(f);
	data(f, 5 * MSS, MSS);
	assert_true(f->t.ackgen.now);
}

/* The largest segment seen is what "full-sized" means. */
static void test_segment_size_is_learned(void **state)
{
	struct fix *f = *state;

	open_delayed(f);
	data(f, 8000, 8000);
	assert_int_equal(f->t.rcv.seg_max, 8000);
	assert_false(f->t.ackgen.now);
	data(f, 7999, 7999);
	assert_false(f->t.ackgen.now);
	data(f, 1, 1);
	assert_true(f->t.ackgen.now);
}

static void test_quick_at_first(void **state)
{
	struct fix *f = *state;

	f->cfg.quickacks = 3;
	fix_open(f, NULL);
	for (unsigned i = 0; i < 3; i++) {
		data(f, 1, 1);
		assert_true(f->t.ackgen.now);
		ackgen_sent(&f->t);
	}
	data(f, 1, 1);
	assert_false(f->t.ackgen.now);
}

/* RFC5681-12, RFC2018-06 */
static void test_filled_gap(void **state)
{
	struct fix *f = *state;

	open_delayed(f);
	ackgen_data(&f->t, &f->env, 1, 1, ACKGEN_FILLS_GAP, f->now);
	assert_true(f->t.ackgen.now);
}

/* RFC5681-12, -18: one duplicate ACK for each segment above a gap, no more, even in a burst. */
static void test_duplicates_are_counted(void **state)
{
	struct fix *f = *state;
	unsigned sent = 0;

	open_delayed(f);
	for (unsigned i = 0; i < 5; i++)
		ackgen_duplicate(&f->t);
	while (f->t.ackgen.now && sent < 100) {
		assert_verdict(f->t.ackgen.why, SENT_DUPACK);
		ackgen_sent(&f->t);
		sent++;
	}
	assert_int_equal(sent, 5);
}

/* A flood owes no more than the bound. */
static void test_duplicates_are_bounded(void **state)
{
	struct fix *f = *state;
	unsigned sent = 0;

	open_delayed(f);
	for (unsigned i = 0; i < 1000; i++)
		ackgen_duplicate(&f->t);
	for (; f->t.ackgen.now && sent < 1000; sent++)
		ackgen_sent(&f->t);
	assert_int_equal(sent, 64);
}

/* MUST-58, -59: the gap fills before the duplicates left: one ACK says it all. */
static void test_progress_replaces_duplicates(void **state)
{
	struct fix *f = *state;

	open_delayed(f);
	ackgen_duplicate(&f->t);
	ackgen_duplicate(&f->t);
	ackgen_data(&f->t, &f->env, 3 * MSS, MSS, ACKGEN_FILLS_GAP, f->now);
	ackgen_sent(&f->t);
	assert_false(f->t.ackgen.now);
}

/* The first reason stays: it is what made the ACK due. */
static void test_reason(void **state)
{
	struct fix *f = *state;

	open_delayed(f);
	ackgen_now(&f->t, WEIR_CTR_SENT_WINDOW);
	ackgen_now(&f->t, WEIR_CTR_SENT_CHALLENGE);
	assert_verdict(f->t.ackgen.why, SENT_WINDOW);
	ackgen_sent(&f->t);
	ackgen_now(&f->t, WEIR_CTR_SENT_CHALLENGE);
	assert_verdict(f->t.ackgen.why, SENT_CHALLENGE);
}

/* Answers to unacceptable segments: at most one in ooo_ack_ms, to 2 ms. */
static void test_unacceptable_is_throttled(void **state)
{
	static const struct {
		uint64_t ms;
		bool answered;
	} rows[] = {{0, true}, {1, false}, {497, false}, {500, true}, {997, false}, {1001, true}};
	struct fix *f = *state;

	open_delayed(f);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		ackgen_unacceptable(&f->t, &f->env, START + NS_PER_MS + rows[i].ms * NS_PER_MS);
		assert_int_equal(f->t.ackgen.now, rows[i].answered);
		ackgen_sent(&f->t);
	}
}

/* RFC5961-09, -10, -11: a count in an interval, for this connection alone. */
static void test_challenges_are_throttled(void **state)
{
	struct fix *f = *state;
	struct tcb other;

	f->cfg.challenge_count = 3;
	f->cfg.challenge_ms = 1000;
	open_delayed(f);
	other = f->t;
	for (unsigned i = 0; i < 5; i++) {
		ackgen_challenge(&f->t, &f->env, f->now);
		assert_int_equal(f->t.ackgen.now, i < 3);
		ackgen_sent(&f->t);
	}
	assert_int_equal(f->env.counters[WEIR_CTR_CHALLENGE_THROTTLED], 2);
	ackgen_challenge(&other, &f->env, f->now);
	assert_true(other.ackgen.now);
	assert_verdict(other.ackgen.why, SENT_CHALLENGE);
	ackgen_challenge(&f->t, &f->env, f->now + 999 * NS_PER_MS);
	assert_false(f->t.ackgen.now);
	ackgen_challenge(&f->t, &f->env, f->now + 1000 * NS_PER_MS);
	assert_true(f->t.ackgen.now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_second_segment),
		TEST(test_small_segments),
		TEST(test_super_segment),
		TEST(test_segment_size_is_learned),
		TEST(test_quick_at_first),
		TEST(test_filled_gap),
		TEST(test_duplicates_are_counted),
		TEST(test_duplicates_are_bounded),
		TEST(test_progress_replaces_duplicates),
		TEST(test_reason),
		TEST(test_unacceptable_is_throttled),
		TEST(test_challenges_are_throttled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
