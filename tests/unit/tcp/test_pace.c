/* Pacing: data leaves at the rate, in bursts of a millisecond. */
#include "fixture.h"

#include "tcp/pace.h"
#include "tcp/timers.h"

#define RATE 1000000u /* bytes a second: a segment takes a millisecond */

static void open_paced(struct fix *f)
{
	fix_open(f, NULL);
	f->t.cc.pacing_rate = RATE;
	f->t.cc.cwnd = 100 * MSS;
	fix_send(f, 50 * MSS);
}

static void test_at_the_rate(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	weir_time begun;
	unsigned sent;

	open_paced(f);
	begun = f->now;
	sent = fix_drain(f);
	assert_in_range(sent, 1, 2);
	while (sent < 50) {
		unsigned n;

		assert_true(t->pace_waits);
		assert_true(timers_next(t) > f->now);
		f->now = timers_next(t);
		timers_run(&f->env, t, f->now);
		n = fix_drain(f);
		assert_in_range(n, 1, 2);
		sent += n;
	}
	assert_in_range(f->now - begun, 47 * NS_PER_MS, 50 * NS_PER_MS);
}

/* A rate of many segments a millisecond: as many go at once. */
static void test_bursts_of_a_millisecond(void **state)
{
	struct fix *f = *state;

	open_paced(f);
	f->t.cc.pacing_rate = 10 * RATE;
	assert_in_range(fix_drain(f), 10, 11);
	f->gso_max = 64000;
	assert_int_equal(pace_burst(&f->env, &f->t, f->gso_max), 10 * MSS);
	f->t.cc.pacing_rate = RATE / 10;
	assert_int_equal(pace_burst(&f->env, &f->t, f->gso_max), 2 * MSS);
	f->t.cc.pacing_rate = 1000ull * RATE;
	assert_int_equal(pace_burst(&f->env, &f->t, f->gso_max), f->gso_max);
}

/* Time in which nothing was sent is not saved up. */
static void test_no_credit(void **state)
{
	struct fix *f = *state;

	open_paced(f);
	fix_drain(f);
	f->now += 30 * NS_PER_MS; /* short of a timeout, which would lower cwnd */
	timers_run(&f->env, &f->t, f->now);
	assert_in_range(fix_drain(f), 1, 3);
}

/* A rate of a byte a second, as after 7 bytes that went six times: no silence of minutes. */
static void test_longest_wait(void **state)
{
	struct fix *f = *state;

	open_paced(f);
	f->t.cc.pacing_rate = 1;
	assert_in_range(fix_drain(f), 1, 2);
	assert_true(f->t.pace_waits);
	assert_int_equal(f->t.timers.pace_at, f->now + NS_PER_S);
}

static void test_modes(void **state)
{
	struct fix *f = *state;

	open_paced(f);
	f->cfg.pacing = 0;
	assert_int_equal(pace_rate(&f->env, &f->t), 0);
	f->cfg.pacing = 1;
	assert_int_equal(pace_rate(&f->env, &f->t), RATE);
	f->t.cc.pacing_rate = 0;
	assert_int_equal(pace_rate(&f->env, &f->t), 0);
	f->cfg.pacing = 2;
	assert_int_equal(pace_rate(&f->env, &f->t), 0); /* no round trip is known */
	f->t.rtt.srtt_ns = 100 * NS_PER_MS;
	f->t.cc.ssthresh = f->t.cc.cwnd; /* 100 segments in 100 ms, and a fifth more */
	assert_int_equal(pace_rate(&f->env, &f->t), 1200000);
	f->cfg.pacing = 0;
	assert_int_equal(fix_drain(f), 50);
}

/* An ACK alone never waits. */
static void test_acks_go(void **state)
{
	struct fix *f = *state;
	struct tcp_plan p;

	open_paced(f);
	fix_drain(f);
	assert_false(fix_plan(f, &p));
	fix_data(f, RCV, 100, 0);
	assert_true(fix_plan(f, &p));
	assert_int_equal(p.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_at_the_rate), TEST(test_bursts_of_a_millisecond),
		TEST(test_no_credit),   TEST(test_longest_wait),
		TEST(test_modes),       TEST(test_acks_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
