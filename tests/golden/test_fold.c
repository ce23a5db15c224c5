/*
 * Folding loses nothing: whatever plain rows go in, the rows that come out add up to the same
 * segments, bytes and ACKs, in the order of time, and a long transfer takes few of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sink/ladder_fold.h"

struct totals {
	uint64_t segments[LADDER_DIRS], bytes[LADDER_DIRS], acks;
};

static struct ladder_fold fold;
static struct ladder_rows rows;
static weir_time clock_ns;

static uint32_t next_random(uint32_t *seed)
{
	/* Numerical Recipes' generator; its high bits are good enough here. */
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static void start(void)
{
	ladder_fold_init(&fold);
	ladder_rows_init(&rows, 100000);
	clock_ns = 0;
}

static void feed(enum ladder_dir dir, uint32_t len, enum ladder_plain plain)
{
	struct ladder_row row = {.at = clock_ns + 1, .until = clock_ns + 1, .dir = dir};

	clock_ns++;
	row.u.seg.payload_len = len;
	ladder_fold_feed(&fold, &rows, &row, plain);
}

static struct totals totals_out(void)
{
	struct totals t = {.acks = 0};
	weir_time last = 0;

	ladder_fold_flush(&fold, &rows);
	for (size_t i = 0; i < ladder_rows_count(&rows); i++) {
		const struct ladder_row *r = ladder_rows_at(&rows, i);

		assert_true(r->at > last && r->until >= r->at);
		last = r->until;
		if (r->kind == LADDER_ROW_SEGMENT) {
			t.segments[r->dir] += r->u.seg.payload_len > 0;
			t.bytes[r->dir] += r->u.seg.payload_len;
			t.acks += r->u.seg.payload_len == 0;
			continue;
		}
		for (int d = 0; d < LADDER_DIRS; d++) {
			t.segments[d] += r->u.run.segments[d];
			t.bytes[d] += r->u.run.bytes[d];
		}
		t.acks += r->u.run.acks;
		if (r->kind == LADDER_ROW_RUN)
			assert_int_equal(0, r->u.run.segments[1 - r->dir]);
	}
	return t;
}

static void nothing_is_lost(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 300; seed++) {
		uint32_t rnd = seed, stay = 1 + seed % 40;
		struct totals in = {.acks = 0}, out;
		enum ladder_dir dir = LADDER_FROM_PEER;

		start();
		for (int i = 0; i < 500; i++) {
			uint32_t len = next_random(&rnd) % 3 ? 1 + next_random(&rnd) % 1000 : 0;
			bool odd = next_random(&rnd) % 60 == 0;

			if (next_random(&rnd) % stay == 0)
				dir = dir == LADDER_FROM_PEER ? LADDER_FROM_US : LADDER_FROM_PEER;
			in.segments[dir] += len > 0;
			in.bytes[dir] += len;
			in.acks += len == 0;
			feed(dir, len, odd ? LADDER_ODD : LADDER_PLAIN);
		}
		out = totals_out();
		assert_memory_equal(&in, &out, sizeof(in));
		ladder_rows_free(&rows);
	}
}

static void short_runs_stay(void **state)
{
	(void)state;
	start();
	feed(LADDER_FROM_PEER, 78, LADDER_PLAIN);
	feed(LADDER_FROM_US, 0, LADDER_PLAIN);
	feed(LADDER_FROM_US, 1000, LADDER_PLAIN);
	feed(LADDER_FROM_PEER, 0, LADDER_PLAIN);
	feed(LADDER_FROM_US, 1000, LADDER_PLAIN);
	feed(LADDER_FROM_PEER, 0, LADDER_PLAIN);
	ladder_fold_flush(&fold, &rows);
	assert_int_equal(6, ladder_rows_count(&rows));
	ladder_rows_free(&rows);
}

static void a_transfer_is_one_row(void **state)
{
	(void)state;
	start();
	feed(LADDER_FROM_PEER, 78, LADDER_PLAIN);
	for (int i = 0; i < 100000; i++)
		feed(i % 3 ? LADDER_FROM_US : LADDER_FROM_PEER, i % 3 ? 1000 : 0, LADDER_PLAIN);
	ladder_fold_flush(&fold, &rows);
	/* The request, the ACK before the first answer, the run. */
	assert_int_equal(3, ladder_rows_count(&rows));
	assert_int_equal(LADDER_ROW_RUN, ladder_rows_at(&rows, 2)->kind);
	ladder_rows_free(&rows);
}

static void turns_are_one_row_and_what_follows_another(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 1000; i++)
		feed(i % 2 ? LADDER_FROM_US : LADDER_FROM_PEER, 10, LADDER_PLAIN);
	for (int i = 0; i < 1000; i++)
		feed(LADDER_FROM_PEER, 1000, LADDER_PLAIN);
	ladder_fold_flush(&fold, &rows);
	assert_int_equal(2, ladder_rows_count(&rows));
	assert_int_equal(LADDER_ROW_EXCHANGE, ladder_rows_at(&rows, 0)->kind);
	assert_int_equal(500, ladder_rows_at(&rows, 0)->u.run.segments[LADDER_FROM_PEER]);
	assert_int_equal(LADDER_ROW_RUN, ladder_rows_at(&rows, 1)->kind);
	assert_int_equal(1000, ladder_rows_at(&rows, 1)->u.run.segments[LADDER_FROM_PEER]);
	ladder_rows_free(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(short_runs_stay),
		cmocka_unit_test(a_transfer_is_one_row),
		cmocka_unit_test(turns_are_one_row_and_what_follows_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
