/* RACK and the tail loss probe by themselves (RFC 8985). */
#include "fixture.h"

#include "tcp/rack.h"
#include "tcp/timers.h"

#define WND 65535u
#define RTT (40 * NS_PER_MS)

static const struct tcp_agreed sack = {.mss = MSS, .sack_ok = true};

/* Ten segments are out, a round trip is known. */
static void open_busy(struct fix *f)
{
	fix_open(f, &sack);
	f->t.rtt.srtt_ns = f->t.rtt.min_ns = RTT;
	f->t.rtt.min_next_us = (uint32_t)(RTT / 1000);
	f->t.rtt.rto_ns = 5 * RTT;
	f->t.cc.cwnd = 10 * MSS;
	fix_send(f, 20 * MSS);
	assert_int_equal(fix_drain(f), 10);
}

/* An ACK of everything below `una` segments with a block [lo, hi) of segments. */
static void report(struct fix *f, uint32_t una, uint32_t lo, uint32_t hi)
{
	fix_in(f, (struct tcp_seg){.seq = f->t.rcv.nxt,
				   .ack = {SND + una * MSS},
				   .wnd = WND,
				   .flags = TCP_ACK,
				   .opts = {.sack_count = 1,
					    .sack = {{{SND + lo * MSS}, {SND + hi * MSS}}}}});
}

/* How long RACK waits after one report, in quarters of the least round trip. */
static uint64_t patience(struct fix *f)
{
	weir_time again;

	assert_int_equal(rack_detect(&f->env, &f->t, f->now, &again), 0);
	assert_true(again != WEIR_NEVER);
	return (again - f->now) * 4 / RTT;
}

/*
 * Each round trip with a D-SACK widens the window by a quarter, up to the smoothed round trip; 16
 * recoveries without one make it a quarter again.
 * neg: RFC8985-07 RFC8985-08
 */
static void test_dsack_widens(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_busy(f);
	f->now += RTT;
	report(f, 0, 1, 2);
	assert_int_equal(patience(f), 1);
	rack_dsack(t);
	assert_int_equal(patience(f), 2);
	rack_dsack(t); /* the same round trip */
	assert_int_equal(patience(f), 2);
	for (unsigned i = 3; i <= 8; i++) {
		t->rack.dsack_round = t->snd.una;
		rack_dsack(t);
		assert_int_equal(patience(f), i < 4 ? i : 4);
	}
	for (unsigned i = 0; i < 300; i++) {
		t->rack.dsack_round = t->snd.una;
		rack_dsack(t);
	}
	assert_int_equal(t->rack.mult, UINT8_MAX);
	for (unsigned i = 0; i < 15; i++)
		rack_recovered(t);
	assert_int_equal(patience(f), 4);
	rack_recovered(t);
	assert_int_equal(patience(f), 1);
}

/* RFC8985-06: no patience once three are reported, unless reordering was seen. */
static void test_three_reports(void **state)
{
	struct fix *f = *state;

	open_busy(f);
	f->now += RTT;
	report(f, 0, 1, 3);
	assert_int_equal(f->t.board.lost, 0);
	report(f, 0, 1, 4);
	assert_int_equal(f->t.board.lost, MSS);
	tcb_flush(&f->t, &f->env);

	open_busy(f);
	f->t.rack.reordering = true;
	f->now += RTT;
	report(f, 0, 1, 9);
	assert_int_equal(f->t.board.lost, 0);
	assert_int_equal(patience(f), 1);
}

/*
 * What was sent again and may have arrived the first time tells nothing.
 * neg: RFC8985-03
 */
static void test_ambiguous_sample(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	struct board_news n = {.now = f->now};
	uint64_t rtt;

	open_busy(f);
	f->now += RTT;
	report(f, 0, 1, 4);
	assert_plan(f, RETX_RACK, SND, MSS, TCP_ACK);
	rtt = t->rack.rtt_ns;
	assert_int_equal(rtt, RTT);
	f->now += NS_PER_MS; /* sooner than any round trip */
	fix_ack(f, SND + 4 * MSS, WND);
	assert_int_equal(t->rack.rtt_ns, rtt);
	rack_update(t, &n); /* nothing new arrived */
	assert_int_equal(t->rack.rtt_ns, rtt);
}

/*
 * One of the three at a time: what is armed names itself.
 * neg: RFC8985-17
 */
static void test_one_timer(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	weir_time rto;

	open_busy(f);
	assert_int_equal(t->rtx_kind, RTX_PROBE);
	assert_int_equal(t->timers.at[TIMER_RTX], f->now + 2 * RTT);
	rto = t->timers.rto_at;
	assert_int_equal(rto, f->now + 5 * RTT);
	f->now += RTT;
	report(f, 0, 1, 2);
	assert_int_equal(t->rtx_kind, RTX_REO);
	assert_int_equal(t->timers.at[TIMER_RTX], f->now + RTT / 4);
	assert_int_equal(t->timers.rto_at, rto);
	report(f, 2, 3, 4); /* the gap fills; another */
	assert_int_equal(t->rtx_kind, RTX_REO);
	fix_ack(f, SND + 10 * MSS, WND);
	fix_drain(f);
	assert_int_equal(t->rtx_kind, RTX_PROBE);
	f->now = t->timers.at[TIMER_RTX];
	timers_run(&f->env, t, f->now);
	assert_int_equal(t->rtx_kind, RTX_RTO);
	assert_true(t->rack.tlp_want);
	assert_int_equal(t->timers.at[TIMER_RTX], f->now + t->rtt.rto_ns);
}

/* RFC8985-16: what an ACK says of the probe. */
static void test_judgement(void **state)
{
	static const struct {
		const char *what;
		bool again, dsack, duplicate;
		int beyond; /* ack - tlp_end */
		bool repaired, judged;
	} rows[] = {
		{"below it", true, false, false, -1, false, false},
		{"at it: perhaps the original", true, false, false, 0, false, false},
		{"beyond it: it repaired a loss", true, false, false, 1, true, true},
		{"a D-SACK of it", true, true, false, 0, false, true},
		{"a D-SACK of it, later", true, true, false, 1, false, true},
		{"a bare duplicate", true, false, true, 0, false, true},
		{"new data as a probe", false, false, false, 0, false, true},
	};
	struct fix *f = *state;

	open_busy(f);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct rack_ack a = {.ack = seq_add(f->t.snd.nxt, (uint32_t)rows[i].beyond),
				     .dsack = rows[i].dsack,
				     .dsack_hi = f->t.snd.nxt,
				     .pure_duplicate = rows[i].duplicate};
		bool repaired;

		rack_probe_sent(&f->t, rows[i].again ? RACK_PROBE_AGAIN : RACK_PROBE_NEW);
		repaired = rack_probe_judged(&f->t, &a);
		if (repaired != rows[i].repaired || f->t.rack.tlp_out == rows[i].judged)
			fail_msg("%s", rows[i].what);
	}
}

/*
 * neg: RFC8985-14
 */
static void test_one_probe_for_a_sample(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	struct board_news n = {.now = f->now, .newest = true, .at = f->now, .end = {SND}};

	open_busy(f);
	rack_probe_sent(t, RACK_PROBE_NEW);
	assert_true(rack_probe_after(&f->env, t) == WEIR_NEVER);
	t->rack.tlp_out = false; /* judged, but by no new sample */
	assert_true(rack_probe_after(&f->env, t) == WEIR_NEVER);
	rack_probe(t);
	assert_false(t->rack.tlp_want);
	rack_update(t, &n);
	assert_true(rack_probe_after(&f->env, t) == 2 * RTT);
	rack_probe(t);
	assert_true(t->rack.tlp_want);
}

/* RFC8985-13 */
static void test_probe_time(void **state)
{
	static const struct {
		uint64_t srtt_ns;
		uint32_t segments;
		uint64_t after_ns;
	} rows[] = {
		{0, 5, 1000 * NS_PER_MS},
		{100 * NS_PER_MS, 5, 200 * NS_PER_MS},
		{100 * NS_PER_MS, 1, 400 * NS_PER_MS},
		{NS_PER_MS, 5, 3 * NS_PER_MS}, /* two milliseconds beyond the round trip at least */
		{1000, 5, 1000 + 2 * NS_PER_MS},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		fix_open(f, &sack);
		f->t.cc.cwnd = 10 * MSS;
		fix_send(f, rows[i].segments * MSS);
		fix_drain(f);
		f->t.rtt.srtt_ns = rows[i].srtt_ns;
		assert_int_equal(rack_probe_after(&f->env, &f->t), rows[i].after_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dsack_widens),     TEST(test_three_reports),
		TEST(test_ambiguous_sample), TEST(test_one_timer),
		TEST(test_judgement),        TEST(test_one_probe_for_a_sample),
		TEST(test_probe_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
