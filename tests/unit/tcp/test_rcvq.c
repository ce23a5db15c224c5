/*
 * The receive queue: any pattern of arrival ends in the same bytes (RFC9293-SHLD-31).
 */
#include "fixture.h"

#include "tcp/rcvq.h"

#define STREAM 12000u

static uint8_t stream[STREAM];

static enum weir_counter put(struct fix *f, uint32_t from, uint32_t to, uint32_t *got)
{
	uint32_t cut = RCV + from;

	/* what accept_sequence() does before: no byte below RCV.NXT comes here */
	if (seq_lt(seq_make(cut), f->t.rcv.nxt))
		from = f->t.rcv.nxt.v - RCV;
	return rcvq_put(&f->t, &f->env, seq_make(RCV + from), stream + from, to - from, got);
}

static void assert_stream(struct fix *f, uint32_t from, uint32_t len)
{
	struct pageq_piece piece[16];
	size_t bytes, n = rcvq_peek(&f->t, &f->env, piece, LENGTH(piece), &bytes);

	assert_int_equal(bytes, len);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(piece[i].bytes, stream + from, piece[i].len);
		from += (uint32_t)piece[i].len;
	}
}

static void fill_stream(void)
{
	for (uint32_t i = 0; i < STREAM; i++)
		stream[i] = (uint8_t)(i * 31 ^ i >> 8);
}

/* All 120 orders of five segments of unlike sizes. */
static void test_every_order(void **state)
{
	static const uint32_t edge[6] = {0, 1, 4095, 4097, 9000, STREAM};
	struct fix *f = *state;

	for (unsigned code = 0; code < 120; code++) {
		unsigned left[5] = {0, 1, 2, 3, 4};
		uint32_t total = 0, got;

		fix_open(f, NULL);
		for (unsigned i = 0, rest = code; i < 5; i++) {
			unsigned pick = rest % (5 - i), k = left[pick];

			rest /= 5 - i;
			left[pick] = left[4 - i];
			put(f, edge[k], edge[k + 1], &got);
			total += got;
			assert_int_equal(f->t.rcv.nxt.v, RCV + total);
			assert_int_equal(rcvq_readable(&f->t), total);
		}
		assert_int_equal(total, STREAM);
		assert_stream(f, 0, STREAM);
		assert_int_equal(f->t.rcvq.ooo.count, 0);
		rcvq_consume(&f->t, &f->env, STREAM);
		assert_int_equal(f->env.pages.used, 0);
	}
}

static void test_verdicts(void **state)
{
	static const struct {
		uint32_t from, to;
		enum weir_counter verdict;
		uint32_t got;
		unsigned ranges;
	} rows[] = {
		{100, 200, WEIR_CTR_OUT_OF_ORDER, 0, 1},
		{100, 200, WEIR_CTR_DUPLICATE, 0, 1},
		{120, 180, WEIR_CTR_DUPLICATE, 0, 1},
		{150, 250, WEIR_CTR_OUT_OF_ORDER, 0, 1}, /* overlaps at its end */
		{50, 120, WEIR_CTR_OUT_OF_ORDER, 0, 1},  /* ... and at its start */
		{400, 500, WEIR_CTR_OUT_OF_ORDER, 0, 2},
		{300, 301, WEIR_CTR_OUT_OF_ORDER, 0, 3},
		{250, 400, WEIR_CTR_OUT_OF_ORDER, 0, 1}, /* joins them all */
		{0, 10, WEIR_CTR_ACCEPTED, 10, 1},       /* in order, the gap stays */
		{10, 60, WEIR_CTR_ACCEPTED, 490, 0},     /* fills it and reaches over its edge */
		{500, 600, WEIR_CTR_ACCEPTED, 100, 0},
	};
	struct fix *f = *state;

	fix_open(f, NULL);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		uint32_t got;

		assert_int_equal(put(f, rows[i].from, rows[i].to, &got), rows[i].verdict);
		assert_int_equal(got, rows[i].got);
		assert_int_equal(f->t.rcvq.ooo.count, rows[i].ranges);
	}
	assert_stream(f, 0, 600);
}

/* What was read is never shown again, and what comes behind it goes on at the right place. */
static void test_consume(void **state)
{
	struct fix *f = *state;
	uint32_t got;

	fix_open(f, NULL);
	put(f, 0, 5000, &got);
	put(f, 6000, 7000, &got);
	rcvq_consume(&f->t, &f->env, 4999);
	assert_stream(f, 4999, 1);
	assert_int_equal(rcvq_next(&f->t).v, RCV + 4999);
	rcvq_consume(&f->t, &f->env, 1);
	assert_int_equal(rcvq_readable(&f->t), 0);
	assert_true(f->env.pages.used > 0); /* the bytes above the gap are still held */
	put(f, 5000, 6000, &got);
	assert_int_equal(got, 2000);
	assert_stream(f, 5000, 2000);
	rcvq_consume(&f->t, &f->env, 2000);
	assert_int_equal(f->env.pages.used, 0);
}

/* The peer's FIN counts in RCV.NXT but is no byte. */
static void test_next_behind_fin(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_data(f, RCV, 100, TCP_FIN);
	assert_int_equal(f->t.rcv.nxt.v, RCV + 101);
	assert_int_equal(rcvq_next(&f->t).v, RCV);
	rcvq_consume(&f->t, &f->env, 100);
	assert_int_equal(rcvq_next(&f->t).v, RCV + 100);
}

static void test_range_limit(void **state)
{
	struct fix *f = *state;
	uint32_t got;

	f->cfg.ranges_conn_max = 3;
	fix_open(f, NULL);
	for (uint32_t i = 1; i <= 3; i++)
		assert_verdict(put(f, i * 100, i * 100 + 10, &got), OUT_OF_ORDER);
	assert_verdict(put(f, 900, 910, &got), REASM_FULL);
	assert_verdict(put(f, 310, 320, &got), OUT_OF_ORDER); /* touches one: no node needed */
	assert_int_equal(f->env.ranges.used, 3);
	assert_verdict(put(f, 0, 100, &got), ACCEPTED);
	assert_int_equal(got, 110);
	assert_verdict(put(f, 900, 910, &got), OUT_OF_ORDER);
}

static void test_no_pages(void **state)
{
	struct fix *f = *state;
	uint32_t got;

	fix_open(f, NULL);
	fix_hog(f, KEPT + 1); /* bytes above a gap stop before the last pages */
	assert_verdict(put(f, 5000, 6000, &got), REASM_FULL);
	assert_int_equal(f->t.rcvq.ooo.count, 0);
	fix_hog(f, 2);
	assert_verdict(put(f, 0, 5000, &got), NO_PAGES); /* in order: what fits is taken */
	assert_int_equal(got, 4096);
	assert_int_equal(f->t.rcv.nxt.v, RCV + 4096);
	assert_verdict(put(f, 4096, 5000, &got), NO_PAGES);
	assert_int_equal(got, 0);
	assert_stream(f, 0, 4096);
}

static void test_clear(void **state)
{
	struct fix *f = *state;
	uint32_t got;

	fix_open(f, NULL);
	put(f, 0, 100, &got);
	put(f, 200, 300, &got);
	rcvq_clear(&f->t, &f->env);
	assert_int_equal(rcvq_readable(&f->t), 0);
	assert_int_equal(f->env.pages.used, 0);
	assert_int_equal(f->env.ranges.used, 0);
}

/* SACK blocks name sequence numbers, also beyond the end of the sequence space. */
static void test_seq_of_offset(void **state)
{
	struct tcb t = {.rcv.nxt = {0xfffffff0u}, .rcvq.nxt = 5000};

	(void)state;
	assert_int_equal(rcvq_seq(&t, 5000).v, 0xfffffff0u);
	assert_int_equal(rcvq_seq(&t, 5032).v, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_order), TEST(test_verdicts),
		TEST(test_consume),     TEST(test_next_behind_fin),
		TEST(test_range_limit), TEST(test_no_pages),
		TEST(test_clear),       cmocka_unit_test(test_seq_of_offset),
	};

	fill_stream();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
