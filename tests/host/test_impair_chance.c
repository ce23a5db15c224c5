/*
 * The model of a path: what chance does to packets, and how long they are held back.
 */
#include "host/impair_path.h"

static void test_chances(void **state)
{
	static const uint32_t rates[] = {0, 1000, 10000, 30000, 500000, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct weir_impair_conf conf = {.packets_max = 2,
						.seed = 7 + i,
						.loss_ppm = rates[i],
						.dup_ppm = rates[i],
						.corrupt_ppm = rates[i]};
		struct weir_impair *im = impair_make(&conf);
		const struct weir_impair_stats *s = weir_impair_stats(im);
		struct weir_impair_out out;
		double p = rates[i] / 1e6, through;

		for (uint64_t n = 0; n < MANY; n++) {
			(void)weir_impair_offer(im, LEN, 0, n, n);
			while (weir_impair_next(im, n, &out))
				assert_int_equal(out.id, n);
		}
		assert_binomial(s->verdicts[WEIR_IMPAIR_LOST], MANY, p);
		through = (double)s->verdicts[WEIR_IMPAIR_ACCEPTED];
		assert_binomial(s->copies, through, p);
		assert_binomial(s->corrupted, through + (double)s->copies, p);
		assert_int_equal(s->out_packets, s->verdicts[WEIR_IMPAIR_ACCEPTED] + s->copies);
		assert_int_equal(s->late, 0); /* a copy is none that was overtaken */
		free(im);
	}
}

/* Runs are 1 / leave long in the mean; enter / (enter + leave) of all packets are in one. */
static void test_bursts(void **state)
{
	static const struct {
		uint32_t enter, leave;
	} rows[] = {{1000, 250000}, {10000, 500000}, {100000, 100000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weir_impair_conf conf = {.packets_max = 1,
						.seed = 3,
						.burst_enter_ppm = rows[i].enter,
						.burst_leave_ppm = rows[i].leave};
		struct weir_impair *im = impair_make(&conf);
		double enter = rows[i].enter / 1e6, leave = rows[i].leave / 1e6;
		uint64_t lost, runs = 0;
		enum weir_impair_verdict v = WEIR_IMPAIR_ACCEPTED, was;
		struct weir_impair_out out;

		for (uint64_t n = 0; n < MANY; n++) {
			was = v;
			v = weir_impair_offer(im, LEN, 0, n, n);
			runs += v == WEIR_IMPAIR_LOST_BURST && v != was;
			(void)weir_impair_next(im, n, &out);
		}
		lost = weir_impair_stats(im)->verdicts[WEIR_IMPAIR_LOST_BURST];
		/* Each lost packet ends its run by one throw, each other begins one. */
		assert_binomial(runs, (double)(MANY - lost), enter);
		assert_binomial(runs, (double)lost, leave);
		free(im);
	}
}

/* Packets that are held back by a count leave right behind the last that it names. */
static void test_hold_packets(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 10000,
					.seed = 5,
					.reorder_ppm = 50000,
					.hold_packets = 3,
					.hold_ns = 100 * MS};
	struct weir_impair *im = impair_make(&conf);
	const struct weir_impair_stats *s = weir_impair_stats(im);
	uint64_t passed = 0, newest = 0;

	(void)state;
	for (uint64_t n = 0; n < 10000; n++)
		assert_int_equal(weir_impair_offer(im, LEN, 0, n * MS, n), WEIR_IMPAIR_ACCEPTED);
	for (uint64_t n = 0; n < 10000; n++) {
		struct weir_impair_out out = impair_wait(im);

		if (out.id > newest) {
			newest = out.id;
			passed++;
		}
		assert_true(out.late == (out.id < newest));
		if (out.late && out.at < 9990 * MS)
			assert_int_equal(out.at / MS, newest);
		/* Three others, of which some may be held back too. */
		if (out.late && out.at < 9990 * MS)
			assert_in_range(newest - out.id, 3, 9);
	}
	assert_binomial(s->held, 10000, 0.05);
	assert_in_range(s->late, s->held - 3, s->held);
	assert_int_equal(weir_impair_inside(im), 0);
	free(im);
}

/* Where the time is up before the count, later packets that are under way already do not matter. */
static void test_hold_count_in_vain(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 1000,
					.seed = 5,
					.delay_ns = 50 * MS,
					.reorder_ppm = 50000,
					.hold_packets = 8,
					.hold_ns = 5 * MS + 1};
	struct weir_impair *im = impair_make(&conf);

	(void)state;
	for (uint64_t n = 0; n < 1000; n++)
		(void)weir_impair_offer(im, LEN, 0, n * MS, n);
	for (uint64_t n = 0; n < 1000; n++) {
		struct weir_impair_out out = impair_wait(im);

		if (out.at % MS != 0)
			assert_int_equal(out.at, out.id * MS + 55 * MS + 1);
		else
			assert_int_equal(out.at, out.id * MS + 50 * MS);
	}
	assert_true(weir_impair_stats(im)->late > 30);
	free(im);
}

static void test_hold_time(void **state)
{
	static const uint32_t packets[] = {0, 2, 100};

	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct weir_impair_conf conf = {.packets_max = 10,
						.delay_ns = 10 * MS,
						.reorder_ppm = WEIR_IMPAIR_PPM,
						.hold_packets = packets[i],
						.hold_ns = 5 * MS};
		struct weir_impair *im = impair_make(&conf);
		struct weir_impair_out out;

		/* All are held back, but only one that is not lets another go: so by time. */
		(void)weir_impair_offer(im, LEN, 0, 0, 1);
		(void)weir_impair_offer(im, LEN, 0, MS, 2);
		out = impair_wait(im);
		assert_int_equal(out.id, 1);
		assert_int_equal(out.at, 15 * MS);
		assert_int_equal(impair_wait(im).at, 16 * MS);
		free(im);
	}
}

/* The deadline is that of what waits for the rate, while what was sent before it is held back. */
static void test_hold_deadline(void **state)
{
	unsigned overtaken = 0;
	weir_time first;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct weir_impair_conf conf = {.packets_max = 2,
						.seed = seed,
						.rate_bps = 1000000,
						.delay_ns = 10 * MS,
						.reorder_ppm = WEIR_IMPAIR_PPM / 2,
						.hold_packets = 1,
						.hold_ns = 1000 * MS};
		struct weir_impair *im = impair_make(&conf);
		struct weir_impair_out out;

		(void)weir_impair_offer(im, LEN, 0, 0, 1);
		(void)weir_impair_offer(im, LEN, 0, 0, 2);
		first = weir_impair_deadline(im);
		out = impair_wait(im);
		if (out.id == 2) {
			overtaken++;
			assert_int_equal(first, 34 * MS);
			assert_int_equal(out.at, 34 * MS);
			assert_int_equal(impair_wait(im).at, 34 * MS);
		} else {
			assert_true(out.at == 22 * MS || out.at == 1022 * MS);
		}
		free(im);
	}
	assert_in_range(overtaken, 1, 15);
}

/* When each packet leaves, by its id; nothing waits for a rate. */
static void leave_times(const struct weir_impair_conf *conf, uint64_t packets, weir_time *at)
{
	struct weir_impair *im = impair_make(conf);

	for (uint64_t n = 0; n < packets; n++)
		assert_int_equal(weir_impair_offer(im, LEN, 0, n * MS, n), WEIR_IMPAIR_ACCEPTED);
	for (uint64_t n = 0; n < packets; n++) {
		struct weir_impair_out out = impair_wait(im);

		at[out.id] = out.at;
	}
	free(im);
}

/* What is held back leaves no sooner than it would have without, whoever passes it before. */
static void test_hold_never_hurries(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 1000,
					.seed = 5,
					.delay_ns = 10 * MS,
					.jitter_ns = 20 * MS,
					.jitter_order = WEIR_IMPAIR_ORDER_FREE,
					.hold_packets = 2,
					.hold_ns = 50 * MS};
	static weir_time with[1000], without[1000];
	unsigned later = 0;

	(void)state;
	leave_times(&conf, 1000, without);
	conf.reorder_ppm = 200000;
	leave_times(&conf, 1000, with);
	for (unsigned n = 0; n < 1000; n++) {
		assert_true(with[n] >= without[n]);
		later += with[n] > without[n];
	}
	assert_in_range(later, 100, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chances),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_hold_packets),
		cmocka_unit_test(test_hold_count_in_vain),
		cmocka_unit_test(test_hold_time),
		cmocka_unit_test(test_hold_deadline),
		cmocka_unit_test(test_hold_never_hurries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
