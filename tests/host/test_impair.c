/*
 * The model of a path: exact times, queues, room; what a configuration may be.
 */
#include "host/impair_path.h"

static const struct {
	uint64_t rate_bps, delay_ns;
	uint32_t len, nth;
	uint64_t leaves_ns;
} trains[] = {
	{0, 0, 1500, 5, 0},
	{0, 20 * MS, 1500, 5, 20 * MS},
	{1000000, 0, 1500, 1, 12 * MS},
	{1000000, 0, 1500, 10, 120 * MS},
	{1000000, 7, 1, 3, 24007},
	/* 1500 * 8 / 7e6 s is 1,714,285.7 ns; seven of them are 12 ms, and not 5 ns less. */
	{7000000, 0, 1500, 1, 1714285},
	{7000000, 0, 1500, 7, 12 * MS},
	{7000000, 0, 1500, 700, 1200 * MS},
	{1000000007, 0, 1500, 1000, 11999999},
	{100000000000, 50 * MS, 1500, 25, 50 * MS + 3000},
};

static void test_serialisation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(trains) / sizeof(trains[0]); i++) {
		struct weir_impair_conf conf = {.packets_max = 1000,
						.rate_bps = trains[i].rate_bps,
						.delay_ns = trains[i].delay_ns};
		struct weir_impair *im = impair_make(&conf);
		struct weir_impair_out out = {0};

		for (uint32_t n = 0; n < trains[i].nth; n++)
			assert_int_equal(weir_impair_offer(im, trains[i].len, 0, 0, n),
					 WEIR_IMPAIR_ACCEPTED);
		for (uint32_t n = 0; n < trains[i].nth; n++) {
			out = impair_wait(im);
			assert_int_equal(out.id, n);
			assert_true(out.last && !out.copy && !out.ce && !out.corrupt && !out.late);
		}
		assert_int_equal(out.at, trains[i].leaves_ns);
		assert_int_equal(weir_impair_inside(im), 0);
		assert_int_equal(weir_impair_deadline(im), WEIR_NEVER);
		free(im);
	}
}

/* A link that was idle carries no remainder over. */
static void test_idle_link(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 10, .rate_bps = 7000000};
	struct weir_impair *im = impair_make(&conf);

	(void)state;
	for (uint64_t n = 0; n < 10; n++) {
		assert_int_equal(weir_impair_offer(im, LEN, 0, n * 10 * MS, n), 0);
		assert_int_equal(impair_wait(im).at, n * 10 * MS + 1714285);
	}
	assert_int_equal(weir_impair_stats(im)->sojourn_max_ns, 0);
	free(im);
}

static const struct {
	uint64_t rate_bps, queue_bytes;
	uint32_t queue_packets, offered;
	uint64_t gap_ns;
	uint64_t accepted, high_bytes, high_packets;
} tails[] = {
	/* At once: one is sent, the rest waits. */
	{1000000, 0, 5, 100, 0, 6, 7500, 5},
	{1000000, 7500, 0, 100, 0, 6, 7500, 5},
	{1000000, 7499, 0, 100, 0, 5, 6000, 4},
	{1000000, 1499, 0, 100, 0, 1, 0, 0},
	{1000000, 9000, 3, 100, 0, 4, 4500, 3},
	/* No limit, and no rate for which to wait. */
	{1000000, 0, 0, 100, 0, 100, 148500, 99},
	{0, 1500, 1, 100, 0, 100, 0, 0},
	/* As fast as the link: nothing waits. Twice as fast: a place is free every second time. */
	{1000000, 1500, 0, 100, 12 * MS, 100, 0, 0},
	{1000000, 1500, 0, 100, 6 * MS, 51, 1500, 1},
};

static void test_drop_tail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct weir_impair_conf conf = {.packets_max = 1000,
						.rate_bps = tails[i].rate_bps,
						.queue_bytes = tails[i].queue_bytes,
						.queue_packets = tails[i].queue_packets};
		struct weir_impair *im = impair_make(&conf);
		const struct weir_impair_stats *s = weir_impair_stats(im);

		for (uint32_t n = 0; n < tails[i].offered; n++)
			(void)weir_impair_offer(im, LEN, 0, n * tails[i].gap_ns, n);
		assert_int_equal(s->packets, tails[i].offered);
		assert_int_equal(s->bytes, tails[i].offered * LEN);
		assert_int_equal(s->verdicts[WEIR_IMPAIR_ACCEPTED], tails[i].accepted);
		assert_int_equal(s->verdicts[WEIR_IMPAIR_QUEUE_FULL],
				 tails[i].offered - tails[i].accepted);
		assert_int_equal(s->queue_bytes_high, tails[i].high_bytes);
		assert_int_equal(s->queue_packets_high, tails[i].high_packets);
		free(im);
	}
}

static void test_no_room(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 3, .delay_ns = MS};
	struct weir_impair *im = impair_make(&conf);

	(void)state;
	assert_int_equal(weir_impair_offer(im, WEIR_IMPAIR_LEN_MAX + 1, 0, 0, 0),
			 WEIR_IMPAIR_NO_ROOM);
	for (uint64_t n = 0; n < 3; n++)
		assert_int_equal(weir_impair_offer(im, LEN, 0, 0, n), WEIR_IMPAIR_ACCEPTED);
	assert_int_equal(weir_impair_offer(im, LEN, 0, 0, 3), WEIR_IMPAIR_NO_ROOM);
	(void)impair_wait(im);
	assert_int_equal(weir_impair_offer(im, LEN, 0, MS, 4), WEIR_IMPAIR_ACCEPTED);
	free(im);
}

static void test_jitter(void **state)
{
	static const enum weir_impair_order orders[] = {WEIR_IMPAIR_ORDER_KEPT,
							WEIR_IMPAIR_ORDER_FREE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct weir_impair_conf conf = {.packets_max = 1000,
						.delay_ns = 10 * MS,
						.jitter_ns = 4 * MS,
						.jitter_order = orders[i]};
		struct weir_impair *im = impair_make(&conf);
		uint64_t least = WEIR_NEVER, most = 0, sum = 0;

		for (uint64_t n = 0; n < 1000; n++)
			(void)weir_impair_offer(im, LEN, 0, n * MS, n);
		for (uint64_t n = 0; n < 1000; n++) {
			struct weir_impair_out out = impair_wait(im);
			uint64_t took = out.at - out.id * MS;

			least = took < least ? took : least;
			most = took > most ? took : most;
			sum += took;
		}
		/* In order, even the least may have waited for the one before. */
		assert_in_range(least, 10 * MS, i == 0 ? 11 * MS : 10 * MS + 40000);
		assert_in_range(most, 14 * MS - 40000, 14 * MS);
		assert_true((weir_impair_stats(im)->late == 0) == (i == 0));
		/* Free: 12 ms in the mean, 4 ms / sqrt(12 * 1000) its deviation. */
		if (i == 1)
			assert_in_range(sum / 1000, 11817000, 12183000);
		free(im);
	}
}

/* From none to all of it: of a nanosecond, one in two. */
static void test_jitter_range(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 1, .seed = 1, .jitter_ns = 1};
	struct weir_impair *im = impair_make(&conf);
	uint64_t late = 0;

	(void)state;
	for (uint64_t n = 0; n < 10000; n++) {
		assert_int_equal(weir_impair_offer(im, LEN, 0, n * MS, n), WEIR_IMPAIR_ACCEPTED);
		late += impair_wait(im).at - n * MS;
	}
	assert_binomial(late, 10000, 0.5);
	free(im);
}

static void test_check(void **state)
{
	static const struct weir_impair_conf wrong[] = {
		{.packets_max = 0},
		{.packets_max = WEIR_IMPAIR_PACKETS_MAX + 1},
		{.packets_max = 1, .loss_ppm = WEIR_IMPAIR_PPM + 1},
		{.packets_max = 1, .dup_ppm = WEIR_IMPAIR_PPM + 1},
		{.packets_max = 1, .burst_enter_ppm = 1},
		{.packets_max = 1, .reorder_ppm = 1},
		{.packets_max = 1, .delay_ns = WEIR_IMPAIR_NS_MAX + 1},
		{.packets_max = 1, .codel_interval_ns = WEIR_IMPAIR_CODEL_NS_MAX + 1},
	};
	struct weir_impair_conf conf = {
		.packets_max = 400,
		.jitter_ns = WEIR_IMPAIR_NS_MAX,
		.burst_enter_ppm = WEIR_IMPAIR_PPM,
		.burst_leave_ppm = 1,
		.reorder_ppm = WEIR_IMPAIR_PPM,
		.hold_ns = 1,
		.codel_target_ns = WEIR_IMPAIR_CODEL_NS_MAX,
	};
	void *mem = malloc(weir_impair_size(&conf));

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_non_null(weir_impair_check(&wrong[i]));
		assert_null(weir_impair_init(mem, SIZE_MAX, &wrong[i]));
	}
	assert_null(weir_impair_check(&conf));
	assert_null(weir_impair_init(mem, weir_impair_size(&conf) - 1, &conf));
	assert_non_null(weir_impair_init(mem, weir_impair_size(&conf), &conf));
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serialisation), cmocka_unit_test(test_idle_link),
		cmocka_unit_test(test_drop_tail),     cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_jitter),        cmocka_unit_test(test_jitter_range),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
