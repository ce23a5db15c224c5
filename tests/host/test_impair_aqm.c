/*
 * The model of a path: CoDel and marks in its queue; CoDel itself is test_codel's.
 */
#include <math.h>

#include "host/impair_path.h"

/* A queue in which one packet is left behind each that goes is none, however long they wait. */
static void test_codel_short_queue(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 16,
					.rate_bps = 1200000, /* 10 ms a packet */
					.aqm = WEIR_IMPAIR_AQM_CODEL};
	struct weir_impair *im = impair_make(&conf);
	struct weir_impair_out out;

	(void)state;
	for (uint64_t n = 0; n < 100; n++) {
		uint64_t now = n < 3 ? 0 : (n - 2) * 10 * MS;

		assert_int_equal(weir_impair_offer(im, LEN, 0, now, n), WEIR_IMPAIR_ACCEPTED);
		while (weir_impair_next(im, now, &out))
			assert_int_equal(out.fate, WEIR_IMPAIR_LEAVES);
	}
	assert_int_equal(weir_impair_stats(im)->sojourn_max_ns, 20 * MS);
	free(im);
}

/* A load of 125 % on a link with CoDel: drops come at the times of the law. */
static void test_codel_path(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 4096,
					.rate_bps = 12000000, /* 1 ms a packet */
					.aqm = WEIR_IMPAIR_AQM_CODEL,
					.dup_ppm = WEIR_IMPAIR_PPM};
	struct weir_impair *im = impair_make(&conf);
	const struct weir_impair_stats *s = weir_impair_stats(im);
	struct weir_impair_out out;
	uint64_t first = 0, drops = 0, outs = 0;
	double due = 0;

	(void)state;
	for (uint64_t n = 0; n < 1250; n++) {
		assert_int_equal(weir_impair_offer(im, LEN, 2, n * 800000, n), 0);
		while (weir_impair_next(im, n * 800000, &out)) {
			outs++;
			if (out.fate != WEIR_IMPAIR_DROPPED)
				continue;
			first = drops == 0 ? out.at : first;
			assert_true(fabs((double)(out.at - first) - due) <= 1.0001e6);
			due += 100e6 / sqrt((double)++drops);
		}
	}
	/* 5 ms have been waited for when 25 packets were sent; then an interval. */
	assert_in_range(first, 124 * MS, 128 * MS);
	assert_in_range(drops, 26, 27); /* the sum of 1 / sqrt(k) to 25 is 8.64 */
	assert_int_equal(s->codel_drops, drops);
	assert_int_equal(s->marks_codel, 0);
	/* Every packet leaves twice, but one that is dropped is told of once. */
	while (weir_impair_inside(im) != 0)
		outs += impair_wait(im).id < 1250;
	assert_int_equal(outs + s->codel_drops, 2 * 1250);
	free(im);
}

static void test_codel_marks(void **state)
{
	static const struct {
		enum weir_impair_ecn ecn;
		bool marked, dropped;
	} rows[] = {{WEIR_IMPAIR_NOT_ECT, false, true},
		    {WEIR_IMPAIR_ECT0, true, false},
		    {WEIR_IMPAIR_ECT1, true, false}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct weir_impair_conf conf = {.packets_max = 4096,
						.rate_bps = 12000000,
						.aqm = WEIR_IMPAIR_AQM_CODEL,
						.codel_answer = WEIR_IMPAIR_ANSWER_MARK};
		struct weir_impair *im = impair_make(&conf);
		const struct weir_impair_stats *s = weir_impair_stats(im);
		struct weir_impair_out out;
		uint64_t ce = 0;

		for (uint64_t n = 0; n < 1250; n++) {
			(void)weir_impair_offer(im, LEN, rows[i].ecn, n * 800000, n);
			while (weir_impair_next(im, n * 800000, &out))
				ce += out.ce;
		}
		assert_int_equal(s->marks_codel, ce);
		assert_in_range(s->marks_codel + s->codel_drops, 26, 27);
		assert_true((s->marks_codel != 0) == rows[i].marked);
		assert_true((s->codel_drops != 0) == rows[i].dropped);
		free(im);
	}
}

static void test_queue_marks(void **state)
{
	struct weir_impair_conf conf = {
		.packets_max = 100, .rate_bps = 12000000, .mark_bytes = 2 * LEN};
	struct weir_impair *im = impair_make(&conf);

	(void)state;
	/* 0 is sent, 1 to 3 wait behind at most two; odd ones of the rest can be marked. */
	for (uint64_t n = 0; n < 10; n++)
		(void)weir_impair_offer(im, LEN, n % 2 ? WEIR_IMPAIR_ECT0 : WEIR_IMPAIR_NOT_ECT, 0,
					n);
	for (uint64_t n = 0; n < 10; n++)
		assert_true(impair_wait(im).ce == (n > 3 && n % 2));
	assert_int_equal(weir_impair_stats(im)->marks_queue, 3);
	/* What comes with CE leaves with it, and is not counted. */
	(void)weir_impair_offer(im, LEN, WEIR_IMPAIR_CE, 1000 * MS, 10);
	assert_true(impair_wait(im).ce);
	assert_int_equal(weir_impair_stats(im)->marks_queue, 3);
	free(im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codel_short_queue),
		cmocka_unit_test(test_codel_path),
		cmocka_unit_test(test_codel_marks),
		cmocka_unit_test(test_queue_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
