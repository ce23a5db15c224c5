/*
 * The dumbbell: that the path is what the plan says, that what it counts is what happened, and that
 * nothing depends on anything but the plan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/dumbbell/dumbbell.h"

#define MS     1000000ull
#define SECOND (1000 * MS)
#define MBIT   1000000ull

static struct dumbbell_plan plan;

static int begin(void **state)
{
	(void)state;
	dumbbell_plan_init(&plan, 1, 10 * MBIT, 20 * MS, 0);
	plan.run_ns = 5 * SECOND;
	return 0;
}

static struct dumbbell *run_plan(void)
{
	struct dumbbell *d = dumbbell_new(&plan);

	dumbbell_run(d);
	return d;
}

/* --- Arrivals ------------------------------------------------------------------------------ */

static void test_arrivals_tell_again_from_new(void **state)
{
	struct arrivals a = {.begun = false};

	(void)state;
	arrivals_begin(&a, UINT32_MAX - 150); /* numbers wrap in the second segment */
	for (uint32_t i = 0; i < 4; i++)
		assert_false(arrivals_sent(&a, a.base + 100 * i, 100));
	assert_true(arrivals_sent(&a, a.base + 100, 100));
	assert_true(arrivals_sent(&a, a.base + 350, 100)); /* half of it is new */
	assert_int_equal(a.sent, 450);
	assert_false(arrivals_came(&a, a.base, 100));
	assert_false(arrivals_came(&a, a.base + 300, 100));
	assert_true(arrivals_came(&a, a.base, 100));
	assert_true(arrivals_came(&a, a.base + 310, 20)); /* within what came beyond the gap */
	assert_false(arrivals_came(&a, a.base + 350, 100));
	assert_false(arrivals_came(&a, a.base + 100, 100));
	assert_int_equal(a.edge, 200);
	assert_int_equal(a.count, 1);
	assert_false(arrivals_came(&a, a.base + 200, 100));
	assert_int_equal(a.edge, 450);
	assert_int_equal(a.count, 0);
	arrivals_free(&a);
}

/* In any order, every second segment first, each piece is new once. */
static void test_arrivals_join_pieces(void **state)
{
	struct arrivals a = {.begun = false};

	(void)state;
	arrivals_begin(&a, 5);
	arrivals_sent(&a, 5, 2000);
	for (uint32_t i = 1; i < 200; i += 2)
		assert_false(arrivals_came(&a, 5 + 10 * i, 10));
	assert_int_equal(a.count, 100);
	for (uint32_t i = 198; i > 0; i -= 2)
		assert_false(arrivals_came(&a, 5 + 10 * i, 10));
	assert_int_equal(a.count, 1);
	assert_int_equal(a.edge, 0);
	assert_false(arrivals_came(&a, 5, 10));
	assert_int_equal(a.edge, 2000);
	assert_true(arrivals_came(&a, 5, 2000));
	arrivals_free(&a);
}

/* --- The path ------------------------------------------------------------------------------ */

/* A flow that nothing disturbs takes what the rate leaves to payload: 1,448 of 1,500 bytes. */
static void test_a_flow_fills_the_path(void **state)
{
	struct dumbbell *d;

	(void)state;
	plan.forth.queue_bytes = 400000; /* no loss */
	plan.run_ns = 20 * SECOND;
	plan.warmup_ns = 10 * SECOND;
	dumbbell_plan_bulk(&plan);
	d = run_plan();
	assert_in_range(dumbbell_goodput(d, 0) * 8, 9400000, 9654000);
	assert_int_equal(d->flow[0].failures, 0);
	assert_int_equal(d->stepped_ns, 20 * SECOND);
	dumbbell_free(d);
}

/* While a queue is empty the round trip is the path's, and the flow's own. */
static void test_each_flow_has_its_round_trip(void **state)
{
	struct dumbbell *d;

	(void)state;
	plan.forth.rate_bps = 1000 * MBIT;
	plan.sample_ns = 10 * MS;
	plan.run_ns = SECOND;
	for (unsigned i = 0; i < 3; i++) {
		struct dumbbell_flow_plan *f = dumbbell_plan_bulk(&plan);

		f->app = DUMBBELL_ONOFF;
		f->bytes = 1000;
		f->gap_ns = 10 * MS;
		f->delay_ns = i * 15 * MS;
		dumbbell_flow_set(f, "delack_ms", 0);
	}
	d = run_plan();
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(dumbbell_srtt_mean(&d->flow[i]), (20 + 30 * i) * MS,
				(20 + 30 * i) * MS + MS / 10);
	dumbbell_free(d);
}

/* --- What is counted ----------------------------------------------------------------------- */

struct seen {
	uint64_t lost, sent, records;
};

static void on_lost(void *user, unsigned flow, enum dumbbell_end from, const struct sim_frame *f,
		    weir_time now)
{
	struct seen *s = user;

	(void)now;
	assert_int_equal(flow, 0);
	assert_true(f->len > 0);
	s->lost += from == DUMBBELL_SENDER;
}

static void on_trace(void *user, unsigned flow, enum dumbbell_end end,
		     const struct weir_trace_record *r)
{
	struct seen *s = user;

	assert_int_equal(flow, 0);
	s->records++;
	s->sent += end == DUMBBELL_SENDER && r->kind == WEIR_TRACE_OUT && r->payload_len > 0;
}

/* One in 50 is lost; each is sent again, and nothing else is. */
static void test_losses_at_distances(void **state)
{
	struct seen s = {.lost = 0};
	struct dumbbell *d;

	(void)state;
	plan.lose_every = 50;
	plan.forth.queue_bytes = 10000000;
	plan.hooks = (struct dumbbell_hooks){
		.user = &s, .trace = on_trace, .lost = on_lost, .watched = 1};
	dumbbell_plan_bulk(&plan)->bytes = 1448 * 1000;
	d = run_plan();
	assert_true(d->flow[0].ended);
	assert_int_equal(d->flow[0].done_count, 1);
	assert_int_equal(d->flow[0].n.got_bytes, 1448 * 1000);
	assert_int_equal(d->flow[0].n.lost, d->flow[0].n.segments / 50);
	assert_int_equal(s.lost, d->flow[0].n.lost);
	assert_int_equal(s.sent, d->flow[0].n.segments);
	assert_true(s.records > s.sent);
	assert_in_range(d->flow[0].n.retransmitted - d->flow[0].n.needless, d->flow[0].n.lost,
			d->flow[0].n.lost);
	dumbbell_free(d);
}

/* Copies that the path makes are not retransmissions, however many there are. */
static void test_copies_of_the_path_are_not_needless(void **state)
{
	struct dumbbell *d;

	(void)state;
	plan.forth.dup_ppm = 200000;
	plan.forth.queue_bytes = 10000000;
	dumbbell_plan_bulk(&plan)->bytes = 300000;
	d = run_plan();
	assert_true(d->flow[0].ended);
	assert_int_equal(d->flow[0].n.retransmitted, 0);
	assert_int_equal(d->flow[0].n.needless, 0);
	assert_true(weir_impair_stats(d->way[DUMBBELL_SENDER])->copies > 20);
	dumbbell_free(d);
}

/* A path that goes dead for longer than the RTO: what was on its way is sent again, and both
 * arrive. Here: acknowledgements take a second from the first packet on. */
static void test_needless_ones_are_known(void **state)
{
	struct dumbbell *d;

	(void)state;
	plan.back.delay_ns = 3 * SECOND; /* beyond the initial RTO: SYN and data go again */
	plan.run_ns = 60 * SECOND;
	dumbbell_plan_bulk(&plan)->bytes = 3000;
	dumbbell_flow_set(&plan.flow[0], "rto_initial_ms", 5000);
	dumbbell_flow_set(&plan.flow[0], "rto_max_ms", 60000);
	d = run_plan();
	assert_true(d->flow[0].ended);
	assert_int_equal(d->flow[0].n.lost, 0);
	assert_int_equal(d->flow[0].n.needless, d->flow[0].n.retransmitted);
	dumbbell_free(d);
}

/* --- Applications -------------------------------------------------------------------------- */

static void test_short_transfers(void **state)
{
	struct dumbbell_flow_plan *f;
	struct dumbbell *d;

	(void)state;
	f = dumbbell_plan_bulk(&plan);
	f->app = DUMBBELL_SHORT;
	f->bytes = 10000;
	f->count = 5;
	f->gap_ns = 100 * MS;
	f->start_ns = 50 * MS;
	d = run_plan();
	assert_true(d->flow[0].ended);
	assert_int_equal(d->flow[0].done_count, 5);
	assert_int_equal(d->flow[0].got_bytes, 50000);
	/* A round trip for the handshake, half of one and 8 ms at the rate for the data. */
	for (unsigned i = 0; i < 5; i++)
		assert_in_range(d->flow[0].done_ns[i], 38 * MS, 39 * MS);
	assert_int_equal(dumbbell_done_median(&d->flow[0]) / MS, 38);
	/* It ends with the last byte, not with the time. */
	assert_in_range(d->stepped_ns, (50 + 4 * 100 + 5 * 38) * MS, (50 + 4 * 100 + 5 * 39) * MS);
	dumbbell_free(d);
}

/* What an earlier connection of the flow still sends again is not the present one's. */
static void test_transfers_do_not_mix(void **state)
{
	struct dumbbell_flow_plan *f;
	const struct dumbbell_counts *n;
	struct dumbbell *d;

	(void)state;
	plan.forth.reorder_ppm = 50000;
	plan.forth.hold_ns = 3 * MS;
	plan.forth.rate_bps = 50 * MBIT;
	f = dumbbell_plan_bulk(&plan);
	f->app = DUMBBELL_SHORT;
	f->bytes = 100000;
	f->count = 40;
	d = run_plan();
	n = &d->flow[0].n;
	assert_int_equal(d->flow[0].done_count, 40);
	assert_int_equal(n->lost, 0);
	/* Nothing is lost: all that is sent again arrives for nothing, but for the last. */
	assert_in_range(n->needless, 1, n->retransmitted);
	assert_in_range(n->retransmitted, n->needless, n->needless + 10);
	assert_int_equal(d->flow[0].got_bytes, 40 * 100000);
	dumbbell_free(d);
}

static void test_bursts_on_one_connection(void **state)
{
	struct dumbbell_flow_plan *f;
	struct dumbbell *d;

	(void)state;
	f = dumbbell_plan_bulk(&plan);
	f->app = DUMBBELL_ONOFF;
	f->bytes = 5000;
	f->count = 3;
	f->gap_ns = 300 * MS;
	d = run_plan();
	assert_true(d->flow[0].ended);
	assert_int_equal(d->flow[0].done_count, 3);
	assert_true(d->flow[0].done_ns[0] > d->flow[0].done_ns[1] + 19 * MS); /* the handshake */
	assert_int_equal(
		weir_counter_get(d->flow[0].node[DUMBBELL_SENDER].stack, WEIR_CTR_OPENED_ACTIVE),
		1);
	dumbbell_free(d);
}

/* --- The same plan ------------------------------------------------------------------------- */

static void draw_bad_path(uint64_t seed)
{
	begin(NULL);
	plan.seed = seed;
	plan.forth.loss_ppm = 10000;
	plan.forth.reorder_ppm = 20000;
	plan.forth.hold_ns = 5 * MS;
	plan.forth.jitter_ns = 2 * MS;
	plan.forth.corrupt_ppm = 5000;
	plan.sample_ns = 50 * MS;
	dumbbell_plan_bulk(&plan);
	dumbbell_plan_bulk(&plan)->start_ns = SECOND;
}

static void test_same_plan_same_figures(void **state)
{
	struct dumbbell *a, *b, *c;

	(void)state;
	draw_bad_path(1);
	a = run_plan();
	b = run_plan();
	draw_bad_path(2);
	c = run_plan();
	assert_int_equal(a->packets, b->packets);
	assert_int_not_equal(a->packets, c->packets);
	for (unsigned i = 0; i < 2; i++) {
		assert_memory_equal(&a->flow[i].n, &b->flow[i].n, sizeof(a->flow[i].n));
		assert_int_equal(a->flow[i].sample_count, 101);
		assert_memory_equal(a->flow[i].sample, b->flow[i].sample,
				    101 * sizeof(*a->flow[i].sample));
		assert_true(a->flow[i].n.lost > 0 && a->flow[i].n.retransmitted > 0);
	}
	assert_int_equal(b->flow[1].sample[10].cwnd, 0); /* it has not begun */
	assert_true(b->flow[1].sample[40].cwnd > 0);
	dumbbell_free(a);
	dumbbell_free(b);
	dumbbell_free(c);
}

static void test_jain(void **state)
{
	struct dumbbell *d;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		dumbbell_plan_bulk(&plan);
	d = dumbbell_new(&plan);
	d->stepped_ns = SECOND;
	for (unsigned i = 0; i < 4; i++)
		d->flow[i].n.got_bytes = 1000000;
	assert_int_equal(dumbbell_jain(d, 0, 4), 1000);
	for (unsigned i = 1; i < 4; i++)
		d->flow[i].n.got_bytes = 0;
	assert_int_equal(dumbbell_jain(d, 0, 4), 250);
	d->flow[1].n.got_bytes = 3000000;
	assert_int_equal(dumbbell_jain(d, 0, 2), 800);
	dumbbell_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrivals_tell_again_from_new),
		cmocka_unit_test(test_arrivals_join_pieces),
		cmocka_unit_test_setup(test_a_flow_fills_the_path, begin),
		cmocka_unit_test_setup(test_each_flow_has_its_round_trip, begin),
		cmocka_unit_test_setup(test_losses_at_distances, begin),
		cmocka_unit_test_setup(test_copies_of_the_path_are_not_needless, begin),
		cmocka_unit_test_setup(test_needless_ones_are_known, begin),
		cmocka_unit_test_setup(test_short_transfers, begin),
		cmocka_unit_test_setup(test_transfers_do_not_mix, begin),
		cmocka_unit_test_setup(test_bursts_on_one_connection, begin),
		cmocka_unit_test(test_same_plan_same_figures),
		cmocka_unit_test_setup(test_jain, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
