/*
 * BBR version 3 on a path: the cases are those of draft-ietf-ccwg-bbr, appendix "BBR Example Test
 * Cases". The path delivers 1.25 MB/s and is 50 ms long, so it holds 62,500 bytes.
 */
#include "cc_path.h"

#include "tcp/bbr_model.h"

#define RATE 1250000u
#define BDP  62500u

static struct path p;

/* How often each state was entered, and when last. */
static struct {
	unsigned entered[BBR_PROBE_RTT + 1];
	weir_time at[BBR_PROBE_RTT + 1], stayed[BBR_PROBE_RTT + 1];
	unsigned state;
	uint32_t flight_min[BBR_PROBE_RTT + 1];
	uint64_t pacing_last;
} seen;

static void watch(const struct path *path, const struct path_flow *f, const struct cc_ack *a)
{
	unsigned state = f->cc.priv.bbr->state;

	if (f != &path->flows[0])
		return;
	if (state != seen.state) {
		seen.stayed[seen.state] = path->now - seen.at[seen.state];
		seen.entered[state]++;
		seen.at[state] = path->now;
		seen.flight_min[state] = UINT32_MAX;
		seen.state = state;
	}
	if (a->flight < seen.flight_min[state])
		seen.flight_min[state] = a->flight;
	seen.pacing_last = f->cc.pacing_rate;
	assert_true(f->cc.pacing_rate > 0);
	assert_true(f->cc.cwnd >= BBR_MIN_PIPE * MSS);
}

static void begin(unsigned flows, uint64_t buffer)
{
	path_init(&p, CC_BBR, flows, RATE, 50 * MS, buffer);
	p.watch = watch;
	memset(&seen, 0, sizeof(seen));
}

static struct cc *cc(void)
{
	return &p.flows[0].cc;
}

static struct cc_bbr *bbr(void)
{
	return cc()->priv.bbr;
}

static void run_until_state(enum bbr_state state)
{
	unsigned entered = seen.entered[state];

	for (unsigned i = 0; i < 40000 && seen.entered[state] == entered; i++)
		path_run(&p, p.now + MS);
	assert_int_equal(bbr()->state, state);
}

/* Startup ends on the plateau with the path's rate, Drain with its volume in flight. */
static void test_startup_plateau(void **state)
{
	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_DRAIN);
	assert_true(p.now < 700 * MS);
	assert_true(bbr()->full_bw_reached && bbr()->full_bw_now);
	assert_int_equal(bbr()->full_bw_count, 3);
	assert_in_range(bbr_max_bw(bbr()), RATE * 98ull / 100, RATE * 102ull / 100);
	assert_in_range(cc()->pacing_rate, RATE * 48 / 100, RATE * 51 / 100);
	assert_int_equal(p.flows[0].lost, 0);
	while (bbr()->state == BBR_DRAIN)
		path_run(&p, p.now + MS);
	assert_in_range(p.flows[0].flight, BDP * 9 / 10, BDP * 11 / 10);
	assert_int_equal(seen.entered[BBR_STARTUP], 0); /* it began there */
	assert_in_range(bbr()->min_rtt_ns, 50 * MS, 51 * MS);
}

/* Startup doubles the rate each round trip. */
static void test_startup_doubles(void **state)
{
	uint64_t before = 0;

	(void)state;
	begin(1, 8 * BDP);
	p.rate = 125000000;
	path_run(&p, 205 * MS);
	for (unsigned i = 0; i < 4; i++) {
		before = bbr_max_bw(bbr());
		path_run(&p, p.now + 51 * MS);
		assert_in_range(bbr_max_bw(bbr()), before * 18 / 10, before * 29 / 10);
	}
}

/* A small buffer: Startup ends on losses, with a bound on what may be in flight. */
static void test_startup_loss(void **state)
{
	(void)state;
	begin(1, BDP / 4);
	p.flows[0].app_rate = RATE * 2; /* the application limits it: no plateau counts */
	run_until_state(BBR_DRAIN);
	assert_true(bbr()->full_bw_reached);
	assert_int_equal(bbr()->full_bw_count, 0);
	assert_int_equal(bbr()->undo_state, BBR_STARTUP);
	assert_in_range(bbr()->inflight_longterm, BDP * 7 / 10, BDP * 18 / 10);
	assert_true(p.flows[0].losses > 0);
}

/* Without loss an application that gives little keeps it in Startup. */
static void test_startup_app_limited(void **state)
{
	(void)state;
	begin(1, 8 * BDP);
	p.flows[0].app_rate = RATE / 4;
	path_run(&p, 4 * SECOND);
	assert_int_equal(bbr()->state, BBR_STARTUP);
	assert_false(bbr()->full_bw_reached);
}

/* The cycle of ProbeBW: two to three seconds, a round trip of Refill, Up until the plateau. */
static void test_probe_cycle(void **state)
{
	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_PROBE_UP);
	assert_in_range(seen.at[BBR_PROBE_UP] - seen.at[BBR_PROBE_REFILL], 45 * MS, 60 * MS);
	assert_in_range(seen.at[BBR_PROBE_REFILL], 2 * SECOND, 4 * SECOND);
	path_run(&p, p.now + 20 * MS);
	assert_in_range(cc()->pacing_rate, RATE * 122ull / 100, RATE * 126ull / 100);
	run_until_state(BBR_PROBE_DOWN);
	assert_true(bbr()->full_bw_now);
	assert_in_range(cc()->pacing_rate, RATE * 88ull / 100, RATE * 91ull / 100);
	run_until_state(BBR_PROBE_CRUISE);
	assert_in_range(p.flows[0].flight, BDP * 9 / 10, BDP * 11 / 10);
	assert_in_range(cc()->pacing_rate, RATE * 98ull / 100, RATE * 101ull / 100);
	assert_int_equal(p.flows[0].lost, 0);
}

/* Five seconds without a low RTT: 200 ms with half of the volume, then on with the cycle. */
static void test_probe_rtt(void **state)
{
	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_PROBE_RTT);
	assert_in_range(p.now, 5 * SECOND, 6 * SECOND);
	bbr()->max_bw_filter[0] = 7;
	while (bbr()->state == BBR_PROBE_RTT)
		path_run(&p, p.now + MS);
	assert_int_equal(bbr()->state, BBR_PROBE_CRUISE);
	assert_in_range(seen.stayed[BBR_PROBE_RTT], 200 * MS, 350 * MS);
	assert_in_range(seen.flight_min[BBR_PROBE_RTT], BDP * 4 / 10, BDP * 6 / 10);
	path_run(&p, p.now + 100 * MS);
	assert_true(cc()->cwnd > BDP);
	/* What was sent in it is no measure of a cycle: the filter has not moved on. */
	assert_int_equal(bbr()->max_bw_filter[0], 7);
	assert_in_range(bbr_max_bw(bbr()), RATE * 98ull / 100, RATE * 102ull / 100);
}

/* ProbeRTT before the path was ever full returns to Startup. */
static void test_probe_rtt_in_startup(void **state)
{
	(void)state;
	begin(1, 8 * BDP);
	p.flows[0].app_rate = RATE / 4;
	run_until_state(BBR_PROBE_RTT);
	run_until_state(BBR_STARTUP);
	assert_false(bbr()->full_bw_reached);
}

/* Idleness drains the queue as well: no ProbeRTT after it, and the flow starts at the rate. */
static void test_idle(void **state)
{
	struct weir_config cfg;

	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_PROBE_CRUISE);
	p.flows[0].app_rate = 1; /* pause */
	p.flows[0].given = 1u << 30;
	path_run(&p, p.now + 7 * SECOND);
	assert_int_equal(p.flows[0].flight, 0);
	p.flows[0].app_rate = 0;
	cc()->pacing_rate = 1;
	weir_config_default(&cfg);
	cc_on_restart(cc(), &cfg, 7 * SECOND, SECOND, MSS, p.now);
	assert_true(bbr()->idle_restart);
	assert_true(cc()->cwnd > BDP); /* as it was */
	assert_in_range(cc()->pacing_rate, RATE * 98ull / 100, RATE);
	path_run(&p, p.now + SECOND);
	assert_int_equal(seen.entered[BBR_PROBE_RTT], 0);
	assert_false(bbr()->idle_restart);
}

/* Loss while cruising lowers the short-term bounds, by 30 % a round trip at most; Refill forgets
 * them. */
static void test_loss_in_cruise(void **state)
{
	uint64_t bw;

	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_PROBE_CRUISE);
	assert_true(bbr()->bw_shortterm == BBR_NO_RATE);
	bw = bbr_max_bw(bbr());
	p.chance = 200000;
	path_run(&p, p.now + 160 * MS);
	assert_int_equal(bbr()->state, BBR_PROBE_CRUISE);
	assert_true(bbr()->bw_shortterm < bw);
	assert_true(bbr()->bw_shortterm >= bw * 7 / 10 * 7 / 10 * 7 / 10);
	assert_true(bbr()->inflight_shortterm != BBR_NO_BOUND);
	assert_true(cc()->cwnd <= bbr()->inflight_shortterm);
	p.chance = 0;
	run_until_state(BBR_PROBE_REFILL);
	assert_true(bbr()->bw_shortterm == BBR_NO_RATE);
	assert_int_equal(bbr()->inflight_shortterm, BBR_NO_BOUND);
	path_run(&p, p.now + 40 * MS);
	assert_in_range(bbr_bw(bbr()), RATE * 98ull / 100, RATE * 102ull / 100);
}

/* Too much loss ends a probe: what was in flight is the bound, and the next probe is a short one
 * that goes on at once if all is well. */
static void test_loss_in_up(void **state)
{
	weir_time at;

	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_PROBE_UP);
	path_run(&p, p.now + 30 * MS);
	p.buffer = 2 * MSS;
	run_until_state(BBR_PROBE_DOWN);
	assert_true(bbr()->prev_probe_too_high);
	assert_int_equal(bbr()->undo_state, BBR_PROBE_UP);
	assert_in_range(bbr()->inflight_longterm, BDP * 7 / 10, BDP * 14 / 10);
	p.buffer = 8 * BDP;
	run_until_state(BBR_PROBE_UP);
	at = p.now;
	run_until_state(BBR_PROBE_DOWN);
	assert_true(bbr()->prev_probe_precautionary);
	assert_true(p.now - at < 120 * MS);
	run_until_state(BBR_PROBE_REFILL);
	assert_true(p.now - seen.at[BBR_PROBE_DOWN] < 200 * MS);
	assert_false(bbr()->prev_probe_too_high);
}

/* A loss in Up that was none: back to the probe, without a bound. */
static void test_undo(void **state)
{
	struct cc_ack a;

	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_PROBE_UP);
	path_run(&p, p.now + 30 * MS);
	p.chance = 100000;
	run_until_state(BBR_PROBE_DOWN);
	p.chance = 0;
	assert_true(bbr()->inflight_longterm != BBR_NO_BOUND);
	a = cc_ack_of(p.now, 0, WEIR_NEVER);
	cc_on_undo(cc(), &a);
	assert_int_equal(bbr()->state, BBR_PROBE_REFILL);
	assert_int_equal(bbr()->inflight_longterm, BBR_NO_BOUND);
	assert_true(bbr()->bw_shortterm == BBR_NO_RATE);
	assert_int_equal(bbr()->undo_state, BBR_DRAIN);
}

/* A timeout: one segment, four with the first ACK, and afterwards the window from before. */
static void test_timeout(void **state)
{
	struct cc_ack a;
	uint32_t cwnd;

	(void)state;
	begin(1, 8 * BDP);
	run_until_state(BBR_PROBE_CRUISE);
	cwnd = cc()->cwnd;
	a = cc_ack_of(p.now, 0, WEIR_NEVER);
	a.flight = p.flows[0].flight;
	cc_on_signal(cc(), CC_RTO, &a);
	assert_int_equal(cc()->cwnd, MSS);
	a = cc_ack_of(p.now, MSS, WEIR_NEVER);
	a.total_delivered = p.flows[0].delivered;
	a.resending = true;
	cc_on_ack(cc(), &a);
	assert_int_equal(cc()->cwnd, BBR_MIN_PIPE * MSS);
	a.resending = false;
	cc_on_ack(cc(), &a);
	assert_in_range(cc()->cwnd, cwnd / 2, cwnd + 2 * MSS);
	path_run(&p, p.now + 200 * MS);
	assert_true(cc()->cwnd >= BDP);
}

/* The path becomes ten times as fast: found by the doubling steps of Up; and slow again. */
static void test_path_changes(void **state)
{
	(void)state;
	begin(1, 8 * BDP);
	p.rate = RATE / 10;
	run_until_state(BBR_PROBE_CRUISE);
	p.rate = RATE;
	path_run(&p, p.now + 30 * SECOND);
	assert_in_range(bbr_max_bw(bbr()), RATE * 95ull / 100, RATE * 102ull / 100);
	p.rate = RATE / 10;
	p.buffer = BDP / 5;
	path_run(&p, p.now + 2 * SECOND);
	assert_true(bbr_bw(bbr()) < RATE / 2); /* the short-term bound at first */
	path_run(&p, p.now + 20 * SECOND);
	assert_in_range(bbr_max_bw(bbr()), RATE / 10 * 95ull / 100, RATE / 10 * 110ull / 100);
}

/* A path that holds less than a packet: four in flight, at the rate. */
static void test_tiny_path(void **state)
{
	(void)state;
	path_init(&p, CC_BBR, 1, 20000, 20 * MS, 100 * MSS);
	assert_true(path_used(&p, 5 * SECOND, 60 * SECOND) >= 900);
	assert_in_range(cc()->cwnd, BBR_MIN_PIPE * MSS, 12 * MSS);
	assert_in_range(cc()->pacing_rate, 18000, 25000);
}

/* Congestion marks end Startup, bound what is sent while cruising, and the queue stays short. */
static void test_marks(void **state)
{
	(void)state;
	begin(1, 64 * BDP);
	p.mark = BDP / 4;
	run_until_state(BBR_DRAIN);
	assert_true(bbr()->full_bw_count < 3);
	assert_true(path_used(&p, 10 * SECOND, 40 * SECOND) >= 850);
	assert_int_equal(p.flows[0].lost, 0);
	assert_true(p.flows[0].losses > 0);
}

/* Utilisation for buffers from a tenth to four times the path, and random loss; two flows share. */
static void test_bottleneck(void **state)
{
	static const struct {
		unsigned buffer_pct, flows;
		uint32_t chance;
		unsigned used, jain;
	} rows[] = {
		{10, 1, 0, 900, 0},    {50, 1, 0, 950, 0},     {100, 1, 0, 950, 0},
		{400, 1, 0, 950, 0},   {100, 1, 1000, 930, 0}, {100, 1, 10000, 750, 0},
		{100, 2, 0, 950, 950}, {400, 2, 0, 950, 950},  {50, 4, 0, 950, 900},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		begin(rows[i].flows, BDP * rows[i].buffer_pct / 100);
		p.chance = rows[i].chance;
		for (unsigned f = 0; f < rows[i].flows; f++)
			p.flows[f].start = f * 2 * SECOND;
		assert_true(path_used(&p, 20 * SECOND, 80 * SECOND) >= rows[i].used);
		assert_true(path_jain(&p) >= rows[i].jain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_startup_plateau),
		cmocka_unit_test(test_startup_doubles),
		cmocka_unit_test(test_startup_loss),
		cmocka_unit_test(test_startup_app_limited),
		cmocka_unit_test(test_probe_cycle),
		cmocka_unit_test(test_probe_rtt),
		cmocka_unit_test(test_probe_rtt_in_startup),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_loss_in_cruise),
		cmocka_unit_test(test_loss_in_up),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_path_changes),
		cmocka_unit_test(test_tiny_path),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_bottleneck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
