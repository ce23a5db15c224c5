/*
 * Ranges: cases of merging as a table, and random runs against a bitmap that also remembers when
 * each offset's range changed last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/ranges.h"
#include "dies.h"
#include "prng.h"

#define NODES 16u

struct fixture {
	_Alignas(64) uint8_t block[NODES * sizeof(struct range)];
	struct pool nodes;
	struct ranges set;
};

static void fixture_init(struct fixture *f, uint32_t nodes)
{
	struct arena a;

	arena_init(&a, f->block, sizeof(f->block));
	pool_init(&f->nodes, &a, nodes, sizeof(struct range), 8);
	ranges_init(&f->set);
}

struct pair {
	uint64_t lo, hi;
};

/* The set as pairs, ended by {0, 0}. */
static void assert_set(const struct fixture *f, const struct pair *expected)
{
	uint32_t i = f->set.first, count = 0;

	for (; i != POOL_NONE; count++) {
		const struct range *node = pool_at(&f->nodes, i);

		assert_true(node->lo == expected[count].lo);
		assert_true(node->hi == expected[count].hi);
		i = node->next;
	}
	assert_true(expected[count].hi == 0);
	assert_int_equal(f->set.count, count);
	assert_int_equal(f->nodes.used, count);
}

/* Each row adds to {10-20, 30-40, 50-60}, of at most three nodes. */
static const struct {
	struct pair add;
	enum ranges_result result;
	struct pair after[5];
} adds[] = {
	{{10, 20}, RANGES_HAD, {{10, 20}, {30, 40}, {50, 60}}},
	{{12, 15}, RANGES_HAD, {{10, 20}, {30, 40}, {50, 60}}},
	{{10, 11}, RANGES_HAD, {{10, 20}, {30, 40}, {50, 60}}},
	{{59, 60}, RANGES_HAD, {{10, 20}, {30, 40}, {50, 60}}},
	{{5, 12}, RANGES_ADDED, {{5, 20}, {30, 40}, {50, 60}}},
	{{5, 10}, RANGES_ADDED, {{5, 20}, {30, 40}, {50, 60}}},
	{{20, 21}, RANGES_ADDED, {{10, 21}, {30, 40}, {50, 60}}},
	{{15, 25}, RANGES_ADDED, {{10, 25}, {30, 40}, {50, 60}}},
	{{5, 25}, RANGES_ADDED, {{5, 25}, {30, 40}, {50, 60}}},
	{{20, 30}, RANGES_ADDED, {{10, 40}, {50, 60}}},
	{{15, 35}, RANGES_ADDED, {{10, 40}, {50, 60}}},
	{{15, 30}, RANGES_ADDED, {{10, 40}, {50, 60}}},
	{{25, 70}, RANGES_ADDED, {{10, 20}, {25, 70}}},
	{{20, 50}, RANGES_ADDED, {{10, 60}}},
	{{1, 99}, RANGES_ADDED, {{1, 99}}},
	{{60, 70}, RANGES_ADDED, {{10, 20}, {30, 40}, {50, 70}}},
	{{0, 9}, RANGES_FULL, {{10, 20}, {30, 40}, {50, 60}}},
	{{22, 25}, RANGES_FULL, {{10, 20}, {30, 40}, {50, 60}}},
	{{61, 70}, RANGES_FULL, {{10, 20}, {30, 40}, {50, 60}}},
};

static void fill_three(struct fixture *f)
{
	for (uint64_t lo = 10; lo < 60; lo += 20)
		assert_int_equal(ranges_add(&f->set, &f->nodes, 3, lo, lo + 10), RANGES_ADDED);
}

static void test_add(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
		struct fixture f;
		struct range newest;

		fixture_init(&f, NODES);
		fill_three(&f);
		assert_int_equal(ranges_add(&f.set, &f.nodes, 3, adds[i].add.lo, adds[i].add.hi),
				 adds[i].result);
		assert_set(&f, adds[i].after);
		assert_int_equal(ranges_recent(&f.set, &f.nodes, &newest, 1), 1);
		if (adds[i].result != RANGES_FULL)
			assert_true(newest.lo <= adds[i].add.lo && adds[i].add.hi <= newest.hi);
		else
			assert_true(newest.lo == 50);
		ranges_clear(&f.set, &f.nodes);
		assert_int_equal(f.nodes.used, 0);
		assert_int_equal(f.set.count, 0);
	}
}

static void test_pool_empty(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 2);
	assert_int_equal(ranges_add(&f.set, &f.nodes, 9, 10, 20), RANGES_ADDED);
	assert_int_equal(ranges_add(&f.set, &f.nodes, 9, 30, 40), RANGES_ADDED);
	assert_int_equal(ranges_add(&f.set, &f.nodes, 9, 50, 60), RANGES_FULL);
	/* Merging needs no node. */
	assert_int_equal(ranges_add(&f.set, &f.nodes, 9, 20, 30), RANGES_ADDED);
	assert_set(&f, (struct pair[]){{10, 40}, {0, 0}});
	assert_int_equal(ranges_add(&f.set, &f.nodes, 9, 50, 60), RANGES_ADDED);
	assert_int_equal(ranges_add(&f.set, &f.nodes, 0, 80, 90), RANGES_FULL);
}

static const struct {
	uint64_t to;
	struct pair after[4];
} drops[] = {
	{0, {{10, 20}, {30, 40}, {50, 60}}},
	{10, {{10, 20}, {30, 40}, {50, 60}}},
	{11, {{11, 20}, {30, 40}, {50, 60}}},
	{19, {{19, 20}, {30, 40}, {50, 60}}},
	{20, {{30, 40}, {50, 60}}},
	{30, {{30, 40}, {50, 60}}},
	{35, {{35, 40}, {50, 60}}},
	{59, {{59, 60}}},
	{60, {{0, 0}}},
	{UINT64_MAX, {{0, 0}}},
};

static void test_drop_below(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
		struct fixture f;

		fixture_init(&f, NODES);
		fill_three(&f);
		ranges_drop_below(&f.set, &f.nodes, drops[i].to);
		assert_set(&f, drops[i].after);
	}
}

static const struct {
	uint64_t at, end;
} ends[] = {
	{0, 0},   {9, 9},   {10, 20}, {15, 20}, {19, 20}, {20, 20},
	{29, 29}, {30, 40}, {59, 60}, {60, 60}, {99, 99},
};

static void test_end_of(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, NODES);
	assert_true(ranges_end_of(&f.set, &f.nodes, 7) == 7);
	assert_true(ranges_bytes(&f.set, &f.nodes) == 0);
	fill_three(&f);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		assert_true(ranges_end_of(&f.set, &f.nodes, ends[i].at) == ends[i].end);
	assert_true(ranges_bytes(&f.set, &f.nodes) == 30);
}

/* RFC 2018 4: the range of the segment just received first, then the others by their last change;
 * over the wrap of the stamp, too. */
static void test_recent(void **state)
{
	struct fixture f;
	struct range out[4];

	(void)state;
	fixture_init(&f, NODES);
	assert_int_equal(ranges_recent(&f.set, &f.nodes, out, 4), 0);
	assert_true(ranges_end(&f.set, &f.nodes, 7) == 7);
	fill_three(&f);
	assert_true(ranges_end(&f.set, &f.nodes, 7) == 60);
	ranges_add(&f.set, &f.nodes, 3, 12, 13);
	assert_int_equal(ranges_recent(&f.set, &f.nodes, out, 0), 0);
	assert_int_equal(ranges_recent(&f.set, &f.nodes, out, 2), 2);
	assert_true(out[0].lo == 10 && out[1].lo == 50);
	assert_int_equal(ranges_recent(&f.set, &f.nodes, out, 4), 3);
	assert_true(out[0].lo == 10 && out[0].hi == 20);
	assert_true(out[1].lo == 50 && out[1].hi == 60);
	assert_true(out[2].lo == 30 && out[2].hi == 40);
}

/* --- Against a bitmap --- */

#define SPACE 200u
#define FAR   ((uint64_t)1 << 40) /* offset of the model's first bit */

struct model {
	bool has[SPACE];
	uint32_t changed[SPACE]; /* when the range that holds it changed last */
	uint32_t clock;
	uint32_t count; /* ranges */
};

static void model_count(struct model *m)
{
	m->count = 0;
	for (unsigned i = 0; i < SPACE; i++)
		m->count += m->has[i] && (i == 0 || !m->has[i - 1]);
}

static enum ranges_result model_add(struct model *m, bool may_grow, unsigned lo, unsigned hi)
{
	bool all = true, touches = false;

	for (unsigned i = lo; i < hi; i++) {
		all = all && m->has[i];
		touches = touches || m->has[i];
	}
	touches = touches || (lo > 0 && m->has[lo - 1]) || (hi < SPACE && m->has[hi]);
	if (!touches && !may_grow)
		return RANGES_FULL;
	memset(m->has + lo, true, hi - lo);
	m->clock++;
	while (lo > 0 && m->has[lo - 1])
		lo--;
	for (; lo < SPACE && m->has[lo]; lo++)
		m->changed[lo] = m->clock;
	model_count(m);
	return all ? RANGES_HAD : RANGES_ADDED;
}

static void assert_recent(const struct fixture *f, const struct model *m)
{
	struct range out[4];
	unsigned max = m->clock % 5, count = ranges_recent(&f->set, &f->nodes, out, max);
	uint32_t last = UINT32_MAX;

	assert_int_equal(count, m->count < max ? m->count : max);
	for (unsigned k = 0; k < count; k++) {
		uint32_t best = 0;

		/* The latest change before the one that came last. */
		for (unsigned i = 0; i < SPACE; i++)
			if (m->has[i] && m->changed[i] < last && m->changed[i] > best)
				best = m->changed[i];
		assert_int_equal(m->changed[out[k].lo - FAR], best);
		last = best;
	}
}

/* Both lists, walked from their other ends. */
static void assert_links(const struct fixture *f)
{
	uint32_t after = POOL_NONE, newer = POOL_NONE, n = 0, aged = 0;

	for (uint32_t i = f->set.last; i != POOL_NONE; n++) {
		const struct range *node = pool_at(&f->nodes, i);

		assert_int_equal(node->next, after);
		after = i;
		i = node->prev;
	}
	assert_int_equal(after, f->set.first);
	assert_int_equal(n, f->set.count);
	for (uint32_t i = f->set.newest; i != POOL_NONE; aged++) {
		const struct range *node = pool_at(&f->nodes, i);

		assert_int_equal(node->newer, newer);
		newer = i;
		i = node->older;
	}
	assert_int_equal(aged, f->set.count);
}

static void assert_same(const struct fixture *f, const struct model *m)
{
	uint32_t i = f->set.first;
	uint64_t bytes = 0;

	for (unsigned at = 0; at < SPACE; at++) {
		unsigned end = at;

		while (end < SPACE && m->has[end])
			end++;
		assert_true(ranges_end_of(&f->set, &f->nodes, FAR + at) == FAR + end);
		bytes += m->has[at];
		if (!m->has[at] || (at > 0 && m->has[at - 1]))
			continue;
		assert_true(i != POOL_NONE);
		const struct range *node = pool_at(&f->nodes, i);

		assert_true(node->lo == FAR + at && node->hi == FAR + end);
		i = node->next;
	}
	assert_int_equal(i, POOL_NONE);
	assert_int_equal(f->set.count, m->count);
	assert_true(ranges_bytes(&f->set, &f->nodes) == bytes);
	if (bytes)
		assert_true(ranges_end(&f->set, &f->nodes, 0) ==
			    ((const struct range *)pool_at(&f->nodes, f->set.last))->hi);
	assert_links(f);
	assert_recent(f, m);
}

static void run_random(uint64_t seed)
{
	struct prng r = {seed};
	struct fixture f;
	struct model m = {.clock = 0};
	uint32_t max = 1 + (uint32_t)prng_below(&r, NODES),
		 nodes = 1 + (uint32_t)prng_below(&r, NODES);
	uint32_t longest = 1 + (uint32_t)prng_below(&r, 30);

	fixture_init(&f, nodes);
	for (int step = 0; step < 120; step++) {
		unsigned lo = (unsigned)prng_below(&r, SPACE), what = (unsigned)prng_below(&r, 40);
		unsigned hi = lo + 1 + (unsigned)prng_below(&r, longest);

		if (what == 0) {
			ranges_drop_below(&f.set, &f.nodes, FAR + lo);
			memset(m.has, false, lo);
		} else if (what == 1 && step % 3 == 0) {
			ranges_clear(&f.set, &f.nodes);
			memset(m.has, false, SPACE);
		} else {
			hi = hi < SPACE ? hi : SPACE;
			assert_int_equal(ranges_add(&f.set, &f.nodes, max, FAR + lo, FAR + hi),
					 model_add(&m, m.count < max && m.count < nodes, lo, hi));
		}
		model_count(&m);
		assert_same(&f, &m);
		assert_int_equal(f.nodes.used, m.count);
	}
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++)
		run_random(seed);
}

static void add_nothing(void)
{
	struct fixture f;

	fixture_init(&f, NODES);
	ranges_add(&f.set, &f.nodes, 3, 5, 5);
}

static void test_misuse_dies(void **state)
{
	(void)state;
	assert_true(dies(add_nothing));
}

/*
 * What of a piece is there already: the first part of it.
 * req: RFC2883-02 RFC2883-03
 */
static void test_common(void **state)
{
	static const struct {
		struct pair piece, common; /* hi of 0: none */
	} rows[] = {
		{{0, 10}, {0, 0}},    {{0, 11}, {10, 11}},  {{10, 20}, {10, 20}},
		{{12, 15}, {12, 15}}, {{15, 25}, {15, 20}}, {{20, 30}, {0, 0}},
		{{20, 31}, {30, 31}}, {{0, 100}, {10, 20}}, {{25, 100}, {30, 40}},
		{{39, 60}, {39, 40}}, {{40, 50}, {0, 0}},   {{40, 41}, {0, 0}},
	};
	struct fixture f;
	uint64_t from, to;

	(void)state;
	fixture_init(&f, NODES);
	assert_false(ranges_common(&f.set, &f.nodes, 0, 100, &from, &to));
	ranges_add(&f.set, &f.nodes, NODES, 10, 20);
	ranges_add(&f.set, &f.nodes, NODES, 30, 40);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool some = ranges_common(&f.set, &f.nodes, rows[i].piece.lo, rows[i].piece.hi,
					  &from, &to);

		assert_int_equal(some, rows[i].common.hi != 0);
		if (some) {
			assert_true(from == rows[i].common.lo);
			assert_true(to == rows[i].common.hi);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),         cmocka_unit_test(test_pool_empty),
		cmocka_unit_test(test_drop_below),  cmocka_unit_test(test_end_of),
		cmocka_unit_test(test_recent),      cmocka_unit_test(test_random),
		cmocka_unit_test(test_misuse_dies), cmocka_unit_test(test_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
