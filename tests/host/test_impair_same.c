/*
 * The model of a path: the same seed, the same fates, however often one looks.
 */
#include "host/impair_path.h"

#define RUN 3000u

static const struct weir_impair_conf everything = {
	.seed = 11,
	.packets_max = 400,
	.rate_bps = 20000000,
	.delay_ns = 10 * MS,
	.jitter_ns = 2 * MS,
	.jitter_order = WEIR_IMPAIR_ORDER_FREE,
	.queue_bytes = 90000,
	.aqm = WEIR_IMPAIR_AQM_CODEL,
	.codel_answer = WEIR_IMPAIR_ANSWER_MARK,
	.loss_ppm = 10000,
	.burst_enter_ppm = 1000,
	.burst_leave_ppm = 200000,
	.reorder_ppm = 50000,
	.hold_packets = 3,
	.hold_ns = 5 * MS,
	.dup_ppm = 10000,
	.corrupt_ppm = 10000,
};

struct run {
	enum weir_impair_verdict verdicts[RUN];
	struct weir_impair_out outs[RUN * 2];
	size_t outs_len;
};

/* Deadlines are never late: each packet is named at its very time. */
static void collect(struct run *r, struct weir_impair *im, weir_time now)
{
	while (weir_impair_next(im, now, &r->outs[r->outs_len]))
		assert_int_equal(r->outs[r->outs_len++].at, now);
}

/* Looks at each deadline, and every `look_ns` besides; 0: never. */
static struct run *run_path(const struct weir_impair_conf *conf, uint64_t look_ns)
{
	struct run *r = calloc(1, sizeof(*r));
	struct weir_impair *im = impair_make(conf);
	weir_time now = 0, next = 0, wake;
	uint64_t n = 0;

	assert_non_null(r);
	while (n < RUN || weir_impair_inside(im) != 0) {
		if (n < RUN && now == next) {
			r->verdicts[n] = weir_impair_offer(
				im, 100 + (uint32_t)(n * 7919 % 1400),
				n % 3 ? WEIR_IMPAIR_ECT0 : WEIR_IMPAIR_NOT_ECT, now, n);
			next += 300000 + n++ * 7919 % 10000;
		}
		collect(r, im, now);
		wake = weir_impair_deadline(im);
		if (n < RUN && next < wake)
			wake = next;
		if (look_ns != 0 && now + look_ns < wake)
			wake = now + look_ns;
		now = wake > now ? wake : now;
	}
	assert_int_equal(weir_impair_stats(im)->verdicts[WEIR_IMPAIR_ACCEPTED] +
				 weir_impair_stats(im)->copies,
			 r->outs_len);
	free(im);
	return r;
}

static void assert_same(const struct run *a, const struct run *b)
{
	assert_memory_equal(a->verdicts, b->verdicts, sizeof(a->verdicts));
	assert_int_equal(a->outs_len, b->outs_len);
	for (size_t i = 0; i < a->outs_len; i++) {
		assert_int_equal(a->outs[i].id, b->outs[i].id);
		assert_int_equal(a->outs[i].at, b->outs[i].at);
		assert_int_equal(a->outs[i].fate, b->outs[i].fate);
		assert_int_equal(a->outs[i].noise, b->outs[i].noise);
		assert_true(a->outs[i].ce == b->outs[i].ce && a->outs[i].late == b->outs[i].late &&
			    a->outs[i].corrupt == b->outs[i].corrupt &&
			    a->outs[i].last == b->outs[i].last &&
			    a->outs[i].copy == b->outs[i].copy);
		assert_true(i == 0 || a->outs[i].at >= a->outs[i - 1].at);
	}
}

static void test_deterministic(void **state)
{
	struct weir_impair_conf conf = everything;
	struct run *a = run_path(&conf, 0), *b = run_path(&conf, 0), *often = run_path(&conf, 9973);
	struct run *other;

	(void)state;
	assert_same(a, b);
	assert_same(a, often);
	conf.seed++;
	other = run_path(&conf, 0);
	assert_memory_not_equal(a->verdicts, other->verdicts, sizeof(a->verdicts));
	free(a);
	free(b);
	free(often);
	free(other);
}

/* The same packets are lost whatever else happens. */
static void test_dice_apart(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 400, .loss_ppm = 30000};
	struct run *a = run_path(&conf, 0), *b;

	(void)state;
	conf.reorder_ppm = conf.dup_ppm = conf.corrupt_ppm = 50000;
	conf.hold_ns = conf.jitter_ns = MS;
	b = run_path(&conf, 0);
	assert_memory_equal(a->verdicts, b->verdicts, sizeof(a->verdicts));
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_dice_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
