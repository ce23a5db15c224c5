/*
 * Why something was sent again and whether that was for nothing, as ladders tell it of real
 * engines on bad paths: as often as the engine has counted it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/dumbbell/dumbbell.h"
#include "weir/sink.h"

#define MS     1000000ull
#define SECOND (1000 * MS)
#define MBIT   1000000ull

static struct dumbbell_plan plan;
static struct weir_ladder *ladder;
static struct dumbbell *path;
static uint64_t compared; /* records that were held against weir_conn_info() */
static uint64_t paced;    /* of these with a pacing rate */
static unsigned phases;   /* a bit for each phase seen */

/* The record tells what weir_info does at that moment. */
static void compare(const struct weir_stack *s, const struct weir_trace_record *r)
{
	struct weir_info i;
	uint32_t cursor = 0;

	while (weir_walk(s, WEIR_WALK_CONNS, &cursor, r->at, &i)) {
		if (i.flow != r->flow)
			continue;
		assert_int_equal(r->cwnd_bytes, i.cwnd_bytes);
		assert_int_equal(r->ssthresh_bytes, i.ssthresh_bytes);
		assert_int_equal(r->pipe_bytes, i.pipe_bytes);
		assert_int_equal(r->srtt_ns, i.srtt_ns);
		assert_int_equal(r->pacing_rate, i.pacing_rate);
		assert_int_equal(r->delivery_rate, i.delivery_rate);
		assert_int_equal(r->recovery, i.recovery);
		assert_int_equal(r->spurious, i.spurious);
		compared += r->delivery_rate > 0;
		paced += r->pacing_rate > 0;
		phases |= 1u << r->recovery;
	}
}

static void on_trace(void *user, unsigned flow, enum dumbbell_end end,
		     const struct weir_trace_record *r)
{
	(void)user;
	if (end != DUMBBELL_SENDER)
		return;
	weir_ladder_feed(ladder, r);
	if (path && r->cwnd_bytes > 0)
		compare(path->flow[flow].node[end].stack, r);
}

static int begin(void **state)
{
	struct weir_ladder_args args = {
		.charset = WEIR_CHARSET_ASCII, .width = 400, .rows_max = 100000};

	(void)state;
	dumbbell_plan_init(&plan, 1, 10 * MBIT, 40 * MS, 0);
	plan.hooks = (struct dumbbell_hooks){.trace = on_trace, .watched = 1};
	plan.run_ns = 20 * SECOND;
	compared = paced = 0;
	phases = 0;
	ladder = weir_ladder_new(&args);
	return ladder ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	weir_ladder_free(ladder);
	dumbbell_free(path);
	path = NULL;
	return 0;
}

/* Runs the plan; the sender's ladder, which the caller frees. */
static char *run_plan(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	path = dumbbell_new(&plan);
	dumbbell_run(path);
	weir_ladder_print(ladder, out, NULL, path->now);
	fclose(out);
	assert_true(compared > 0);
	return text;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static uint64_t counted(enum weir_counter c)
{
	return weir_counter_get(path->flow[0].node[DUMBBELL_SENDER].stack, c);
}

/* A reason stands in the ladder as often as it was counted: `least` times or more. */
static void assert_told(const char *text, enum weir_counter c, uint64_t least)
{
	char what[160];

	snprintf(what, sizeof(what), "%s (%s)", weir_counter_text(c), weir_counter_clause(c));
	assert_int_equal(count(text, what), counted(c));
	assert_true(counted(c) >= least);
}

static void assert_undone(const char *text)
{
	assert_int_equal(count(text, "fast recovery was for nothing"),
			 counted(WEIR_CTR_SPURIOUS_RECOVERY));
	assert_int_equal(count(text, "the timeout was for nothing"),
			 counted(WEIR_CTR_SPURIOUS_RTO));
}

static void set(unsigned i, const char *name, uint64_t value)
{
	plan.flow[0].set[i] = (struct dumbbell_setting){.name = name, .value = value};
}

static void test_losses_found_by_what_came_later(void **state)
{
	char *text;

	(void)state;
	plan.lose_every = 50;
	dumbbell_plan_bulk(&plan)->bytes = 1000000;
	set(0, "pacing", 2);
	text = run_plan();
	assert_true(paced > 0);
	assert_told(text, WEIR_CTR_RETX_RACK, 5);
	assert_true(phases & 1u << WEIR_RECOVERY_FAST);
	free(text);
}

static void bursts_of(uint64_t bytes)
{
	struct dumbbell_flow_plan *f = dumbbell_plan_bulk(&plan);

	f->app = DUMBBELL_ONOFF;
	f->bytes = bytes;
	f->gap_ns = 50 * MS;
}

static void test_lost_tails_are_probed(void **state)
{
	char *text;

	(void)state;
	bursts_of(5000);
	plan.forth.loss_ppm = 50000;
	text = run_plan();
	assert_told(text, WEIR_CTR_RETX_TLP, 3);
	free(text);
}

static void test_timeouts(void **state)
{
	char *text;

	(void)state;
	bursts_of(2000);
	plan.forth.loss_ppm = 100000;
	set(0, "tlp", 0);
	text = run_plan();
	assert_told(text, WEIR_CTR_RETX_TIMEOUT, 3);
	assert_true(phases & 1u << WEIR_RECOVERY_RTO);
	free(text);
}

static void test_without_sack(void **state)
{
	char *text;

	(void)state;
	plan.forth.loss_ppm = 20000;
	dumbbell_plan_bulk(&plan)->bytes = 2000000;
	set(0, "sack", 0);
	text = run_plan();
	assert_told(text, WEIR_CTR_RETX_FAST, 5);
	assert_told(text, WEIR_CTR_RETX_PARTIAL, 1);
	assert_undone(text);
	free(text);
}

/* Nothing is lost. The path knows each that is sent again for nothing; the ladder no other, and
 * most of these: a report may be lost, or tell of two at once. */
static void test_needless_for_reordering(void **state)
{
	unsigned spurious, again;
	char *text, *title;

	(void)state;
	plan.forth.reorder_ppm = 20000;
	plan.forth.hold_ns = 30 * MS;
	plan.forth.queue_bytes = 10000000;
	dumbbell_plan_bulk(&plan)->bytes = 5000000;
	text = run_plan();
	assert_told(text, WEIR_CTR_RETX_RACK, 1);
	assert_undone(text);
	assert_true(counted(WEIR_CTR_SPURIOUS_RECOVERY) > 0);
	title = strstr(text, "retransmissions: ");
	assert_non_null(title);
	assert_int_equal(sscanf(title,
				"retransmissions: 0 by peer, %u by weir (%u of these spurious)",
				&again, &spurious),
			 2);
	assert_int_equal(again, path->flow[0].n.retransmitted);
	assert_in_range(spurious, path->flow[0].n.needless * 9 / 10, path->flow[0].n.needless);
	assert_int_equal(count(text, "; spurious: "), spurious);
	free(text);
}

/* Nothing is lost, and some ACKs come after the timeout, before that of what was sent again. */
static void test_needless_timeouts(void **state)
{
	char *text;

	(void)state;
	bursts_of(1000);
	plan.back.reorder_ppm = 50000;
	plan.back.hold_ns = 225 * MS;
	set(0, "tlp", 0);
	text = run_plan();
	assert_told(text, WEIR_CTR_RETX_TIMEOUT, 1);
	assert_undone(text);
	assert_true(counted(WEIR_CTR_SPURIOUS_RTO) > 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_losses_found_by_what_came_later, begin, end),
		cmocka_unit_test_setup_teardown(test_lost_tails_are_probed, begin, end),
		cmocka_unit_test_setup_teardown(test_timeouts, begin, end),
		cmocka_unit_test_setup_teardown(test_without_sack, begin, end),
		cmocka_unit_test_setup_teardown(test_needless_for_reordering, begin, end),
		cmocka_unit_test_setup_teardown(test_needless_timeouts, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
