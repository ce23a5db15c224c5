/*
 * The model of a path: exact times and queues, chances within the bounds of the binomial
 * distribution for fixed seeds (five standard deviations: a wrong model is far outside, and a fixed
 * seed cannot come out differently twice), CoDel on a path; CoDel itself is test_codel's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "weir/impair.h"

#define MS    UINT64_C(1000000)
#define LEN   1500u
#define MANY  400000u
#define SIGMA 5.0

static struct weir_impair *make(const struct weir_impair_conf *conf)
{
	size_t size = weir_impair_size(conf);
	struct weir_impair *im = weir_impair_init(malloc(size), size, conf);

	assert_non_null(im);
	return im;
}

/* The next one, whenever it is. */
static struct weir_impair_out wait_next(struct weir_impair *im)
{
	struct weir_impair_out out;
	weir_time at;

	while ((at = weir_impair_deadline(im)) != WEIR_NEVER) {
		if (weir_impair_next(im, at, &out)) {
			assert_int_equal(out.at, at);
			return out;
		}
		assert_true(weir_impair_deadline(im) > at);
	}
	fail_msg("nothing is inside");
	return out;
}

/* --- Times and queues ---------------------------------------------------------------------------
 */

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
		struct weir_impair *im = make(&conf);
		struct weir_impair_out out = {0};

		for (uint32_t n = 0; n < trains[i].nth; n++)
			assert_int_equal(weir_impair_offer(im, trains[i].len, 0, 0, n),
					 WEIR_IMPAIR_ACCEPTED);
		for (uint32_t n = 0; n < trains[i].nth; n++) {
			out = wait_next(im);
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
	struct weir_impair *im = make(&conf);

	(void)state;
	for (uint64_t n = 0; n < 10; n++) {
		assert_int_equal(weir_impair_offer(im, LEN, 0, n * 10 * MS, n), 0);
		assert_int_equal(wait_next(im).at, n * 10 * MS + 1714285);
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
		struct weir_impair *im = make(&conf);
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
	struct weir_impair *im = make(&conf);

	(void)state;
	assert_int_equal(weir_impair_offer(im, WEIR_IMPAIR_LEN_MAX + 1, 0, 0, 0),
			 WEIR_IMPAIR_NO_ROOM);
	for (uint64_t n = 0; n < 3; n++)
		assert_int_equal(weir_impair_offer(im, LEN, 0, 0, n), WEIR_IMPAIR_ACCEPTED);
	assert_int_equal(weir_impair_offer(im, LEN, 0, 0, 3), WEIR_IMPAIR_NO_ROOM);
	(void)wait_next(im);
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
		struct weir_impair *im = make(&conf);
		uint64_t least = WEIR_NEVER, most = 0, sum = 0;

		for (uint64_t n = 0; n < 1000; n++)
			(void)weir_impair_offer(im, LEN, 0, n * MS, n);
		for (uint64_t n = 0; n < 1000; n++) {
			struct weir_impair_out out = wait_next(im);
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

/* --- Chances ------------------------------------------------------------------------------------
 */

static void assert_binomial(uint64_t seen, double n, double p)
{
	double off = fabs((double)seen - n * p), sigma = sqrt(n * p * (1 - p));

	if (off > SIGMA * sigma)
		fail_msg("%llu of %.0f: not of chance %g", (unsigned long long)seen, n, p);
}

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
		struct weir_impair *im = make(&conf);
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
		struct weir_impair *im = make(&conf);
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
	struct weir_impair *im = make(&conf);
	const struct weir_impair_stats *s = weir_impair_stats(im);
	uint64_t passed = 0, newest = 0;

	(void)state;
	for (uint64_t n = 0; n < 10000; n++)
		assert_int_equal(weir_impair_offer(im, LEN, 0, n * MS, n), WEIR_IMPAIR_ACCEPTED);
	for (uint64_t n = 0; n < 10000; n++) {
		struct weir_impair_out out = wait_next(im);

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
	struct weir_impair *im = make(&conf);

	(void)state;
	for (uint64_t n = 0; n < 1000; n++)
		(void)weir_impair_offer(im, LEN, 0, n * MS, n);
	for (uint64_t n = 0; n < 1000; n++) {
		struct weir_impair_out out = wait_next(im);

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
		struct weir_impair *im = make(&conf);
		struct weir_impair_out out;

		/* All are held back, but only one that is not lets another go: so by time. */
		(void)weir_impair_offer(im, LEN, 0, 0, 1);
		(void)weir_impair_offer(im, LEN, 0, MS, 2);
		out = wait_next(im);
		assert_int_equal(out.id, 1);
		assert_int_equal(out.at, 15 * MS);
		assert_int_equal(wait_next(im).at, 16 * MS);
		free(im);
	}
}

/* The deadline is that of what waits for the rate, while what was sent before it is held back. */
static void test_hold_deadline(void **state)
{
	unsigned overtaken = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct weir_impair_conf conf = {.packets_max = 2,
						.seed = seed,
						.rate_bps = 1000000,
						.delay_ns = 10 * MS,
						.reorder_ppm = WEIR_IMPAIR_PPM / 2,
						.hold_packets = 1,
						.hold_ns = 1000 * MS};
		struct weir_impair *im = make(&conf);
		struct weir_impair_out out;

		(void)weir_impair_offer(im, LEN, 0, 0, 1);
		(void)weir_impair_offer(im, LEN, 0, 0, 2);
		out = wait_next(im);
		if (out.id == 2) {
			overtaken++;
			assert_int_equal(out.at, 34 * MS);
			assert_int_equal(wait_next(im).at, 34 * MS);
		} else {
			assert_true(out.at == 22 * MS || out.at == 1022 * MS);
		}
		free(im);
	}
	assert_in_range(overtaken, 1, 15);
}

/* --- CoDel --------------------------------------------------------------------------------------
 */

/* A queue in which one packet is left behind each that goes is none, however long they wait. */
static void test_codel_short_queue(void **state)
{
	struct weir_impair_conf conf = {.packets_max = 16,
					.rate_bps = 1200000, /* 10 ms a packet */
					.aqm = WEIR_IMPAIR_AQM_CODEL};
	struct weir_impair *im = make(&conf);
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
	struct weir_impair *im = make(&conf);
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
		outs += wait_next(im).id < 1250;
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
		struct weir_impair *im = make(&conf);
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
	struct weir_impair *im = make(&conf);

	(void)state;
	/* 0 is sent, 1 to 3 wait behind at most two; odd ones of the rest can be marked. */
	for (uint64_t n = 0; n < 10; n++)
		(void)weir_impair_offer(im, LEN, n % 2 ? WEIR_IMPAIR_ECT0 : WEIR_IMPAIR_NOT_ECT, 0,
					n);
	for (uint64_t n = 0; n < 10; n++)
		assert_true(wait_next(im).ce == (n > 3 && n % 2));
	assert_int_equal(weir_impair_stats(im)->marks_queue, 3);
	/* What comes with CE leaves with it, and is not counted. */
	(void)weir_impair_offer(im, LEN, WEIR_IMPAIR_CE, 1000 * MS, 10);
	assert_true(wait_next(im).ce);
	assert_int_equal(weir_impair_stats(im)->marks_queue, 3);
	free(im);
}

/* --- Determinism --------------------------------------------------------------------------------
 */

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
	struct weir_impair *im = make(conf);
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
	struct weir_impair_conf conf = everything;
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

/* --- Bytes --------------------------------------------------------------------------------------
 */

static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static void fill(uint8_t *packet, size_t len, uint8_t version)
{
	for (size_t i = 0; i < len; i++)
		packet[i] = (uint8_t)(i * 37 + 11);
	packet[0] = (uint8_t)(version << 4 | 5);
	packet[1] = version == 4 ? 0x02 : 0x20;
}

static void test_set_ce(void **state)
{
	uint8_t packet[60];

	(void)state;
	fill(packet, sizeof(packet), 4);
	for (unsigned id = 0; id < 65536; id++) {
		uint32_t sum;

		packet[1] = (uint8_t)(id >> 8 & 0xfc) | WEIR_IMPAIR_ECT0;
		packet[4] = (uint8_t)(id >> 8);
		packet[5] = (uint8_t)id;
		packet[10] = packet[11] = 0;
		sum = sum_of(packet, 20);
		sum = (sum & 0xffff) + (sum >> 16);
		packet[10] = (uint8_t)(~sum >> 8);
		packet[11] = (uint8_t)~sum;
		weir_impair_set_ce(packet, sizeof(packet));
		assert_int_equal(weir_impair_ecn_of(packet, sizeof(packet)), WEIR_IMPAIR_CE);
		assert_int_equal(sum_of(packet, 20), 0xffff);
		weir_impair_set_ce(packet, sizeof(packet));
		assert_int_equal(sum_of(packet, 20), 0xffff);
	}
	fill(packet, sizeof(packet), 6);
	assert_int_equal(weir_impair_ecn_of(packet, sizeof(packet)), WEIR_IMPAIR_ECT0);
	weir_impair_set_ce(packet, sizeof(packet));
	assert_int_equal(weir_impair_ecn_of(packet, sizeof(packet)), WEIR_IMPAIR_CE);
	assert_int_equal(packet[0], 0x65);
	assert_int_equal(packet[1], 0x30);
	assert_int_equal(weir_impair_ecn_of(packet, 39), WEIR_IMPAIR_NOT_ECT);
}

static void test_damage(void **state)
{
	static const size_t lengths[] = {20, 41, 60};
	uint8_t was[60], packet[60];

	(void)state;
	for (uint64_t n = 0; n < 60000; n++) {
		size_t len = lengths[n % 3];
		uint8_t version = n % 2 && len > 40 ? 6 : 4;
		uint64_t noise = n * UINT64_C(0x9e3779b97f4a7c15);

		fill(was, len, version);
		memcpy(packet, was, len);
		weir_impair_damage(packet, len, noise);
		assert_int_not_equal(sum_of(packet, len) % 0xffff, sum_of(was, len) % 0xffff);
		if (version == 6)
			assert_memory_equal(packet + 4, was + 4, 3);
	}
	fill(was, sizeof(was), 9);
	memcpy(packet, was, sizeof(was));
	weir_impair_damage(packet, sizeof(packet), 1);
	weir_impair_set_ce(packet, sizeof(packet));
	assert_memory_equal(packet, was, sizeof(was));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serialisation),
		cmocka_unit_test(test_idle_link),
		cmocka_unit_test(test_drop_tail),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_chances),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_hold_packets),
		cmocka_unit_test(test_hold_time),
		cmocka_unit_test(test_hold_deadline),
		cmocka_unit_test(test_hold_count_in_vain),
		cmocka_unit_test(test_codel_short_queue),
		cmocka_unit_test(test_codel_path),
		cmocka_unit_test(test_codel_marks),
		cmocka_unit_test(test_queue_marks),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_dice_apart),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_set_ce),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
