/*
 * test_accecn.c: Accurate ECN on a path that marks: what it carries beside RFC 3168, that every
 * mark is told of, and that lost ACKs hide none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/dumbbell/dumbbell.h"

#define MS      1000000ull
#define SECOND  (1000 * MS)
#define MBIT    1000000ull
#define CLASSIC 2
#define ASK     3

enum queue { QUEUE_CODEL, QUEUE_STEP, QUEUES };

struct figures {
	uint64_t goodput, marks, told, heard, reduced, retransmitted;
};

static void run(uint64_t cc, enum queue q, uint64_t ecn, uint32_t acks_lost_ppm,
		struct figures *out)
{
	struct dumbbell_plan plan;
	struct dumbbell_flow_plan *f;
	const struct dumbbell_flow *flow;
	const struct weir_impair_stats *path;
	struct dumbbell *d;

	dumbbell_plan_init(&plan, 5, 20 * MBIT, 40 * MS, 1000000);
	plan.run_ns = 20 * SECOND;
	plan.warmup_ns = 5 * SECOND;
	plan.back.loss_ppm = acks_lost_ppm;
	if (q == QUEUE_CODEL) {
		plan.forth.aqm = WEIR_IMPAIR_AQM_CODEL;
		plan.forth.codel_answer = WEIR_IMPAIR_ANSWER_MARK;
	} else {
		plan.forth.mark_bytes = 50000;
	}
	f = dumbbell_plan_bulk(&plan);
	dumbbell_flow_set(f, "cc", cc);
	dumbbell_flow_set(f, "ecn", ecn);
	d = dumbbell_new(&plan);
	dumbbell_run(d);
	flow = &d->flow[0];
	path = weir_impair_stats(d->way[DUMBBELL_SENDER]);
	*out = (struct figures){
		.goodput = dumbbell_goodput(d, 0),
		.marks = path->marks_codel + path->marks_queue,
		.told = weir_counter_get(flow->node[DUMBBELL_SENDER].stack, WEIR_CTR_ECN_TOLD),
		.heard = weir_counter_get(flow->node[DUMBBELL_RECEIVER].stack, WEIR_CTR_ECN_MARKED),
		.reduced =
			weir_counter_get(flow->node[DUMBBELL_SENDER].stack, WEIR_CTR_ECN_REDUCED),
		.retransmitted = flow->n.retransmitted,
	};
	dumbbell_free(d);
	print_message("cc %u queue %u ecn %u: %u kB/s, %u marks, %u told, %u reductions\n",
		      (unsigned)cc, (unsigned)q, (unsigned)ecn, (unsigned)(out->goodput / 1000),
		      (unsigned)out->marks, (unsigned)out->told, (unsigned)out->reduced);
}

/* Every kind of congestion control, two kinds of marking: no less than with RFC 3168, nothing is
 * lost, and the sender knows of every mark but those that are on their way. */
static void test_no_worse_than_classic(void **state)
{
	(void)state;
	for (uint64_t cc = 0; cc < 3; cc++)
		for (unsigned q = 0; q < QUEUES; q++) {
			struct figures classic, accurate;

			run(cc, (enum queue)q, CLASSIC, 0, &classic);
			run(cc, (enum queue)q, ASK, 0, &accurate);
			assert_true(accurate.marks > 0 && classic.marks > 0);
			assert_true(accurate.goodput * 100 >= classic.goodput * 95);
			assert_int_equal(accurate.retransmitted, 0);
			assert_true(accurate.reduced > 0);
			assert_int_equal(classic.told, 0);
			assert_in_range(accurate.told, accurate.marks - 8, accurate.marks);
			assert_in_range(accurate.heard, accurate.told, accurate.marks);
		}
}

/*
 * Half of the ACKs are lost: the count in three bits wraps between two that arrive, and the option
 * says how often.
 * neg: RFC9768-09
 */
static void test_lost_acks_hide_no_marks(void **state)
{
	struct figures f;

	(void)state;
	run(0, QUEUE_STEP, ASK, 500000, &f);
	assert_true(f.marks > 100);
	assert_in_range(f.told, f.marks - 8, f.marks + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_worse_than_classic),
		cmocka_unit_test(test_lost_acks_hide_no_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
