/*
 * The pool: which slot comes next, what a slot keeps, and a random run against an array of flags.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/pool.h"
#include "dies.h"
#include "prng.h"

#define SLOTS  8u
#define STRIDE 16u

struct fixture {
	_Alignas(64) uint8_t block[SLOTS * STRIDE];
	struct pool pool;
};

static void fixture_init(struct fixture *f)
{
	struct arena a;

	memset(f->block, 0xaa, sizeof(f->block));
	arena_init(&a, f->block, sizeof(f->block));
	pool_init(&f->pool, &a, SLOTS, STRIDE, 8);
}

static void test_order(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(pool_take(&f.pool), 0);
	assert_int_equal(pool_take(&f.pool), 1);
	assert_int_equal(pool_take(&f.pool), 2);
	pool_give(&f.pool, 0);
	pool_give(&f.pool, 2);
	assert_int_equal(f.pool.used, 1);
	assert_int_equal(f.pool.peak, 3);
	/* The one given last is the warmest; fresh ones only when none is left. */
	assert_int_equal(pool_take(&f.pool), 2);
	assert_int_equal(pool_take(&f.pool), 0);
	assert_int_equal(pool_take(&f.pool), 3);
	assert_int_equal(f.pool.peak, 4);
	assert_int_equal(f.pool.fresh, 4);
}

static void test_empty(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(pool_take(&f.pool), i);
	assert_int_equal(pool_take(&f.pool), POOL_NONE);
	assert_int_equal(f.pool.used, SLOTS);
	assert_int_equal(f.pool.peak, SLOTS);
	pool_give(&f.pool, 5);
	assert_int_equal(pool_take(&f.pool), 5);
	assert_int_equal(pool_take(&f.pool), POOL_NONE);
}

static void test_contents(void **state)
{
	struct fixture f;
	uint8_t expected[STRIDE] = {0};

	(void)state;
	fixture_init(&f);
	/* Memory is touched by need, and then reads as zeros. */
	assert_int_equal(f.block[0], 0xaa);
	pool_take(&f.pool);
	assert_memory_equal(pool_at(&f.pool, 0), expected, STRIDE);
	assert_int_equal(f.block[STRIDE], 0xaa);
	/* All but the first four bytes live on. */
	memset(pool_at(&f.pool, 0), 0x55, STRIDE);
	memset(expected, 0x55, STRIDE);
	pool_give(&f.pool, 0);
	assert_memory_equal((uint8_t *)pool_at(&f.pool, 0) + 4, expected + 4, STRIDE - 4);
	assert_int_equal(pool_take(&f.pool), 0);
	assert_memory_equal((uint8_t *)pool_at(&f.pool, 0) + 4, expected + 4, STRIDE - 4);
}

static void test_index(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_ptr_equal(pool_at(&f.pool, i), f.block + i * STRIDE);
		assert_int_equal(pool_index(&f.pool, pool_at(&f.pool, i)), i);
	}
}

static void test_count_only(void **state)
{
	static const struct {
		uint32_t count, stride, align;
		size_t used;
	} rows[] = {
		{0, 8, 8, 8},
		{1, 4, 4, 8},
		{3, 4096, 64, 64 + 3 * 4096},
		{16777216, 4096, 64, 64 + ((size_t)16777216 * 4096)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a;
		struct pool p;

		arena_init(&a, NULL, 0);
		arena_take(&a, 4, 1);
		pool_init(&p, &a, rows[i].count, rows[i].stride, rows[i].align);
		assert_true(a.used == rows[i].used);
		assert_null(p.slots);
	}
}

static void run_random(uint64_t seed)
{
	struct prng r = {seed};
	struct fixture f;
	uint8_t taken[SLOTS] = {0};
	uint32_t used = 0, peak = 0;

	fixture_init(&f);
	for (int step = 0; step < 500; step++) {
		uint32_t i = (uint32_t)prng_below(&r, SLOTS);

		if (taken[i]) {
			/* Nobody else wrote to it. */
			for (uint32_t k = 0; k < STRIDE; k++)
				assert_int_equal(((uint8_t *)pool_at(&f.pool, i))[k], i + 1);
			pool_give(&f.pool, i);
			taken[i] = 0;
			used--;
		} else {
			i = pool_take(&f.pool);
			assert_true(i < SLOTS);
			assert_int_equal(taken[i], 0);
			taken[i] = 1;
			memset(pool_at(&f.pool, i), (int)i + 1, STRIDE);
			used++;
		}
		peak = used > peak ? used : peak;
		assert_int_equal(f.pool.used, used);
		assert_int_equal(f.pool.peak, peak);
		if (used == SLOTS)
			assert_int_equal(pool_take(&f.pool), POOL_NONE);
	}
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++)
		run_random(seed);
}

static void give_fresh(void)
{
	struct fixture f;

	fixture_init(&f);
	pool_take(&f.pool);
	pool_give(&f.pool, 1);
}

static void give_too_often(void)
{
	struct fixture f;

	fixture_init(&f);
	pool_give(&f.pool, pool_take(&f.pool));
	pool_give(&f.pool, 0);
}

static void stride_too_small(void)
{
	struct arena a;
	struct pool p;

	arena_init(&a, NULL, 0);
	pool_init(&p, &a, 1, 2, 2);
}

static void test_misuse_dies(void **state)
{
	(void)state;
	assert_true(dies(give_fresh));
	assert_true(dies(give_too_often));
	assert_true(dies(stride_too_small));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_contents),    cmocka_unit_test(test_index),
		cmocka_unit_test(test_count_only),  cmocka_unit_test(test_random),
		cmocka_unit_test(test_misuse_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
