/*
 * Page queues: cases for each call, and random runs of two queues on one small pool against flat
 * arrays of bytes: what was written reads back, what a call returns and how many pages are held is
 * exactly what a plain model says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/pageq.h"
#include "dies.h"
#include "prng.h"

#define PAGE      ((uint64_t)PAGEQ_PAGE)
#define PAGES_MAX 1100u

static uint8_t *block;

static int block_make(void **state)
{
	(void)state;
	block = aligned_alloc(64, PAGES_MAX * PAGE);
	return block == NULL ? -1 : 0;
}

static int block_free(void **state)
{
	(void)state;
	free(block);
	return 0;
}

/* A pool whose pages are full of what looks like page numbers: nothing may rely on zeros. */
static void pages_init(struct pool *pages, uint32_t count)
{
	struct arena a;

	arena_init(&a, block, PAGES_MAX * PAGE);
	pool_init(pages, &a, count, PAGEQ_PAGE, 64);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(pool_take(pages), i);
	for (uint32_t i = 0; i < count; i++) {
		memset(pool_at(pages, i), 0x01, PAGE);
		pool_give(pages, i);
	}
}

/* Reads [from, from + len) into `out` by pieces of at most two at a time. */
static void read_back(const struct pageq *q, const struct pool *pages, uint64_t from, uint8_t *out,
		      size_t len)
{
	struct pageq_piece piece[2];
	size_t covered;

	while (len > 0) {
		size_t sum = 0, count = pageq_pieces(q, pages, from, len, piece, 2, &covered);

		assert_in_range(count, 1, 2);
		for (size_t i = 0; i < count; i++) {
			assert_in_range(piece[i].len, 1, PAGE);
			memcpy(out + sum, piece[i].bytes, piece[i].len);
			sum += piece[i].len;
		}
		assert_true(sum == covered && covered <= len);
		from += covered;
		out += covered;
		len -= covered;
	}
}

static void test_write_and_release(void **state)
{
	static uint8_t bytes[5 * PAGEQ_PAGE], got[sizeof(bytes)];
	struct prng r = {1};
	struct pool pages;
	struct pageq q;

	(void)state;
	prng_fill(&r, bytes, sizeof(bytes));
	pages_init(&pages, 8);
	pageq_init(&q);
	assert_int_equal(pageq_write(&q, &pages, 0, bytes, 0), 0);
	assert_int_equal(q.held, 0);
	assert_int_equal(pageq_write(&q, &pages, 0, bytes, 100), 100);
	assert_int_equal(q.held, 2);
	assert_int_equal(pageq_write(&q, &pages, 100, bytes + 100, sizeof(bytes) - 100),
			 sizeof(bytes) - 100);
	assert_int_equal(q.held, 6);
	assert_int_equal(pages.used, 6);
	read_back(&q, &pages, 0, got, sizeof(bytes));
	assert_memory_equal(got, bytes, sizeof(bytes));

	pageq_release(&q, &pages, PAGE - 1, sizeof(bytes));
	assert_int_equal(q.held, 6);
	pageq_release(&q, &pages, PAGE, sizeof(bytes));
	assert_int_equal(q.held, 5);
	pageq_release(&q, &pages, 3 * PAGE + 7, sizeof(bytes));
	assert_int_equal(q.held, 3);
	read_back(&q, &pages, 3 * PAGE + 7, got, 2 * PAGE - 7);
	assert_memory_equal(got, bytes + 3 * PAGE + 7, 2 * PAGE - 7);
	pageq_release(&q, &pages, sizeof(bytes), sizeof(bytes));
	assert_int_equal(q.held, 0);
	assert_int_equal(q.dir, POOL_NONE);
	assert_int_equal(pages.used, 0);
	assert_true(q.head == sizeof(bytes));
}

/* Where a call begins and ends in pages decides what it takes. */
static const struct {
	uint64_t from;
	size_t len;
	uint32_t pages; /* data pages */
} reserves[] = {
	{0, 0, 0},
	{0, 1, 1},
	{0, PAGEQ_PAGE, 1},
	{0, PAGEQ_PAGE + 1, 2},
	{PAGEQ_PAGE - 1, 1, 1},
	{PAGEQ_PAGE - 1, 2, 2},
	{PAGEQ_PAGE, 1, 1},
	{5 * PAGEQ_PAGE, 2 * PAGEQ_PAGE, 2},
	{5 * PAGEQ_PAGE + 1, 2 * PAGEQ_PAGE, 3},
	{PAGEQ_SPAN - 1, 1, 1},
	{PAGEQ_SPAN - 1, 2, 1},
	{PAGEQ_SPAN, 1, 0},
	{PAGEQ_SPAN + 1, 1, 0},
	{PAGEQ_SPAN + 5000, 9000, 0},
	{PAGEQ_SPAN - 5000, 9000, 2},
	{(uint64_t)1 << 40, 1, 0},
};

static void test_reserve(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reserves) / sizeof(reserves[0]); i++) {
		uint64_t from = reserves[i].from, room = from < PAGEQ_SPAN ? PAGEQ_SPAN - from : 0;
		size_t len = reserves[i].len, some = len < room ? len : room, covered;
		struct pageq_piece piece[4];
		struct pool pages;
		struct pageq q;

		pages_init(&pages, 8);
		pageq_init(&q);
		assert_int_equal(pageq_reserve(&q, &pages, from, len), some);
		assert_int_equal(pages.used, reserves[i].pages + (reserves[i].pages > 0));
		assert_int_equal(q.held, pages.used);
		/* Again: nothing more is taken. */
		assert_int_equal(pageq_reserve(&q, &pages, from, len), some);
		assert_int_equal(q.held, pages.used);
		assert_int_equal(pageq_pieces(&q, &pages, from, some, piece, 4, &covered),
				 reserves[i].pages);
		assert_int_equal(covered, some);
		pageq_clear(&q, &pages);
		assert_int_equal(pages.used, 0);
		assert_true(q.head == 0);
	}
}

/* A queue that gets a directory but no data page gives the directory back. */
static void test_pool_empty(void **state)
{
	static const uint8_t bytes[4 * PAGEQ_PAGE] = {1};
	struct pool pages;
	struct pageq q;

	(void)state;
	pageq_init(&q);
	pages_init(&pages, 0);
	assert_int_equal(pageq_reserve(&q, &pages, 0, 1), 0);
	pages_init(&pages, 1);
	assert_int_equal(pageq_write(&q, &pages, 0, bytes, 1), 0);
	assert_int_equal(pages.used, 0);
	assert_int_equal(q.held, 0);
	assert_int_equal(q.dir, POOL_NONE);
	pages_init(&pages, 3);
	assert_int_equal(pageq_write(&q, &pages, 10, bytes, sizeof(bytes)), 2 * PAGE - 10);
	assert_int_equal(pages.used, 3);
	assert_int_equal(pageq_reserve(&q, &pages, 2 * PAGE - 1, 5), 1);
	assert_int_equal(pageq_reserve(&q, &pages, 2 * PAGE, 5), 0);
	pageq_release(&q, &pages, PAGE, 2 * PAGE);
	assert_int_equal(pageq_write(&q, &pages, 2 * PAGE, bytes, 5), 5);
	pageq_clear(&q, &pages);
	assert_int_equal(pages.used, 0);
}

/* Pages far above the head, the head passing over gaps, and slots used a second time around. */
static void test_sparse(void **state)
{
	static uint8_t got[3];
	struct pool pages;
	struct pageq q;

	(void)state;
	pages_init(&pages, 8);
	pageq_init(&q);
	assert_int_equal(pageq_write(&q, &pages, PAGEQ_SPAN - 3, (const uint8_t *)"end", 3), 3);
	assert_int_equal(pageq_write(&q, &pages, 500 * PAGE, (const uint8_t *)"mid", 3), 3);
	assert_int_equal(q.held, 3);
	pageq_release(&q, &pages, 400 * PAGE + 9, PAGEQ_SPAN);
	assert_int_equal(q.held, 3);
	/* These pages share their slots with pages 0..400, which were absent. */
	assert_int_equal(pageq_reserve(&q, &pages, 1024 * PAGE, 1), 1);
	assert_int_equal(pageq_write(&q, &pages, 1423 * PAGE + 8, (const uint8_t *)"xy", 2), 1);
	assert_int_equal(q.held, 5);
	read_back(&q, &pages, 500 * PAGE, got, 3);
	assert_memory_equal(got, "mid", 3);
	pageq_release(&q, &pages, 1000 * PAGE, 2000 * PAGE);
	assert_int_equal(q.held, 4);
	read_back(&q, &pages, PAGEQ_SPAN - 3, got, 3);
	assert_memory_equal(got, "end", 3);
	/* Beyond all that is present, though not to the end: nothing is left to hold. */
	pageq_release(&q, &pages, 1900 * PAGE, 2000 * PAGE);
	assert_int_equal(pages.used, 0);
	assert_int_equal(q.dir, POOL_NONE);
	assert_int_equal(pageq_write(&q, &pages, 1900 * PAGE, (const uint8_t *)"new", 3), 3);
	pageq_release(&q, &pages, 1900 * PAGE + 3, 1900 * PAGE + 3);
	assert_int_equal(pages.used, 0);
}

/* The whole span from an unaligned head needs every slot of the directory. */
static void test_full_span(void **state)
{
	struct pool pages;
	struct pageq q;

	(void)state;
	pages_init(&pages, PAGES_MAX);
	pageq_init(&q);
	pageq_release(&q, &pages, 1, 2);
	assert_int_equal(pageq_reserve(&q, &pages, 1, PAGEQ_SPAN + 1), PAGEQ_SPAN);
	assert_int_equal(q.held, 1 + PAGEQ_PAGE / 4);
	for (uint64_t n = 0; n < PAGEQ_PAGE / 4; n++) {
		struct pageq_piece piece;
		size_t covered;

		pageq_pieces(&q, &pages, n * PAGE + (n == 0), 1, &piece, 1, &covered);
		assert_ptr_equal(piece.bytes,
				 (uint8_t *)pool_at(&pages, pages.count - 2 - (uint32_t)n) +
					 (n == 0));
	}
	pageq_release(&q, &pages, 1000 * PAGE, 1024 * PAGE);
	assert_int_equal(q.held, 25);
	pageq_clear(&q, &pages);
	assert_int_equal(pages.used, 0);
}

/* --- Against flat bytes --- */

#define MODEL_PAGES 2048u /* of one queue, by page number modulo */

struct model {
	struct pageq q;
	uint64_t end;   /* one past the last byte written or reserved */
	uint8_t *bytes; /* MODEL_PAGES pages */
	uint8_t present[MODEL_PAGES];
	uint8_t written[MODEL_PAGES]; /* 1: its bytes are known to the model */
	uint32_t held;                /* data pages */
};

static struct model models[2];

static void model_init(struct model *m, uint8_t *bytes)
{
	memset(m, 0, sizeof(*m));
	m->bytes = bytes;
	pageq_init(&m->q);
}

/* How much of [from, from + len) can be made present with `spare` pages; makes it so. */
static size_t model_make(struct model *m, uint64_t from, size_t len, uint32_t spare)
{
	uint64_t limit = m->q.head + PAGEQ_SPAN, at = from;
	uint64_t stop = from + len < limit ? from + len : limit;

	while (at < stop) {
		uint8_t *present = &m->present[at / PAGE % MODEL_PAGES];

		if (!*present && spare < 1u + (m->held == 0))
			break;
		if (!*present) {
			spare -= 1u + (m->held == 0);
			m->held++;
			*present = 1;
			m->written[at / PAGE % MODEL_PAGES] = 0;
		}
		at = (at / PAGE + 1) * PAGE < stop ? (at / PAGE + 1) * PAGE : stop;
	}
	if (at > from && at > m->end)
		m->end = at;
	return at > from ? at - from : 0;
}

static void model_drop(struct model *m, uint64_t first, uint64_t stop)
{
	for (uint64_t n = first; n < stop; n++) {
		m->held -= m->present[n % MODEL_PAGES];
		m->present[n % MODEL_PAGES] = 0;
	}
}

/* Each page that is present and was written reads back whole, page by page. */
static void assert_bytes(const struct model *m, const struct pool *pages)
{
	for (uint64_t n = m->q.head / PAGE; n * PAGE < m->end; n++) {
		struct pageq_piece piece;
		size_t covered;

		if (!m->present[n % MODEL_PAGES] || !m->written[n % MODEL_PAGES])
			continue;
		assert_int_equal(pageq_pieces(&m->q, pages, n * PAGE, PAGE, &piece, 1, &covered),
				 1);
		assert_memory_equal(piece.bytes, m->bytes + n % MODEL_PAGES * PAGE, PAGE);
	}
}

static void step_write(struct prng *r, struct model *m, struct pool *pages, uint64_t from,
		       size_t len)
{
	static uint8_t bytes[12 * PAGEQ_PAGE];
	size_t done = model_make(m, from, len, pages->count - pages->used);

	memset(bytes, (int)prng_next(r), len);
	bytes[0] = (uint8_t)prng_next(r);
	assert_int_equal(pageq_write(&m->q, pages, from, bytes, len), done);
	for (uint64_t at = from, step; at < from + done; at += step) {
		uint64_t n = at / PAGE % MODEL_PAGES, skip = at % PAGE;
		struct pageq_piece piece;
		size_t covered;

		step = from + done - at < PAGE - skip ? from + done - at : PAGE - skip;
		/* What a page held before its first write is unknown, so it is copied here. */
		if (!m->written[n]) {
			pageq_pieces(&m->q, pages, at / PAGE * PAGE, PAGE, &piece, 1, &covered);
			memcpy(m->bytes + n * PAGE, piece.bytes, PAGE);
		}
		m->written[n] = 1;
		memcpy(m->bytes + n * PAGE + skip, bytes + (at - from), step);
	}
}

static void step_release(struct prng *r, struct model *m, struct pool *pages)
{
	uint64_t wanted = m->end - m->q.head;
	uint64_t to = m->q.head + (prng_below(r, 3) ? prng_below(r, wanted + 1) : wanted);
	uint64_t first = m->q.head / PAGE;

	pageq_release(&m->q, pages, to, m->end);
	assert_true(m->q.head == to);
	model_drop(m, first, to == m->end ? (m->end + PAGE - 1) / PAGE : to / PAGE);
}

static void step(struct prng *r, struct model *m, struct pool *pages)
{
	uint64_t shift = prng_below(r, 20), far = prng_next(r) % PAGEQ_SPAN >> shift;
	uint64_t gap = prng_below(r, 4) ? 0 : far;
	uint64_t from = prng_below(r, 3) ? m->end : m->q.head;
	size_t len = prng_next(r) % (12 * PAGE), made;

	len = 1 + len / (1 + prng_below(r, 64));
	switch (prng_below(r, 8)) {
	case 0:
	case 1:
		step_release(r, m, pages);
		break;
	case 2:
		made = model_make(m, from + gap, len, pages->count - pages->used);
		assert_int_equal(pageq_reserve(&m->q, pages, from + gap, len), made);
		break;
	case 3:
		if (prng_below(r, 20) == 0) {
			pageq_clear(&m->q, pages);
			model_drop(m, m->q.head / PAGE, (m->end + PAGE - 1) / PAGE);
			m->end = m->q.head;
		}
		break;
	default:
		step_write(r, m, pages, from + gap, len);
		break;
	}
}

static void run_random(uint64_t seed, uint8_t *bytes)
{
	struct prng r = {seed};
	struct pool pages;
	uint32_t count = 3 + (uint32_t)prng_below(&r, 60);

	pages_init(&pages, count);
	model_init(&models[0], bytes);
	model_init(&models[1], bytes + MODEL_PAGES * PAGE);
	for (int i = 0; i < 400; i++) {
		uint32_t used = 0;

		step(&r, &models[prng_below(&r, 2)], &pages);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(models[k].q.held, models[k].held + (models[k].held > 0));
			used += models[k].q.held;
			if (i % 16 == 0)
				assert_bytes(&models[k], &pages);
		}
		assert_int_equal(pages.used, used);
	}
	for (int k = 0; k < 2; k++)
		pageq_clear(&models[k].q, &pages);
	assert_int_equal(pages.used, 0);
}

static void test_random(void **state)
{
	uint8_t *bytes = malloc(2 * MODEL_PAGES * PAGE);

	(void)state;
	assert_non_null(bytes);
	for (uint64_t seed = 0; seed < 60; seed++)
		run_random(seed, bytes);
	free(bytes);
}

static void read_absent(void)
{
	struct pageq_piece piece;
	struct pool pages;
	struct pageq q;
	size_t covered;

	pages_init(&pages, 8);
	pageq_init(&q);
	pageq_reserve(&q, &pages, 0, 1);
	pageq_pieces(&q, &pages, PAGE, 1, &piece, 1, &covered);
}

static void release_backwards(void)
{
	struct pool pages;
	struct pageq q;

	pages_init(&pages, 8);
	pageq_init(&q);
	pageq_release(&q, &pages, 10, 20);
	pageq_release(&q, &pages, 9, 20);
}

static void write_below_head(void)
{
	struct pool pages;
	struct pageq q;

	pages_init(&pages, 8);
	pageq_init(&q);
	pageq_release(&q, &pages, 10, 20);
	pageq_write(&q, &pages, 9, (const uint8_t *)"x", 1);
}

static void test_misuse_dies(void **state)
{
	(void)state;
	assert_true(dies(read_absent));
	assert_true(dies(release_backwards));
	assert_true(dies(write_below_head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_and_release), cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_pool_empty),        cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_full_span),         cmocka_unit_test(test_random),
		cmocka_unit_test(test_misuse_dies),
	};

	return cmocka_run_group_tests(tests, block_make, block_free);
}
