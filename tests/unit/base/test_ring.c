/*
 * The ring: first in, first out, around the end of its memory; against a counter of items.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/ring.h"
#include "prng.h"

#define SIZE 5u

struct fixture {
	_Alignas(max_align_t) uint8_t block[SIZE * sizeof(uint64_t)];
	struct ring ring;
};

static void fixture_init(struct fixture *f, uint32_t size)
{
	struct arena a;

	arena_init(&a, f->block, sizeof(f->block));
	ring_init(&f->ring, &a, size, sizeof(uint64_t));
}

static void test_fill_and_drain(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, SIZE);
	assert_null(ring_pop(&f.ring));
	assert_null(ring_peek(&f.ring));
	for (uint64_t i = 0; i < SIZE; i++)
		*(uint64_t *)ring_push(&f.ring) = i;
	assert_null(ring_push(&f.ring));
	assert_int_equal(f.ring.count, SIZE);
	for (uint64_t i = 0; i < SIZE; i++) {
		assert_int_equal(*(uint64_t *)ring_peek(&f.ring), i);
		assert_int_equal(*(uint64_t *)ring_pop(&f.ring), i);
	}
	assert_null(ring_pop(&f.ring));
}

static void test_sizes(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 0);
	assert_null(ring_push(&f.ring));
	assert_null(ring_pop(&f.ring));
	fixture_init(&f, 1);
	for (uint64_t i = 0; i < 3; i++) {
		*(uint64_t *)ring_push(&f.ring) = i;
		assert_null(ring_push(&f.ring));
		assert_int_equal(*(uint64_t *)ring_pop(&f.ring), i);
	}
}

static void test_count_only(void **state)
{
	struct arena a;
	struct ring r;

	(void)state;
	arena_init(&a, NULL, 0);
	ring_init(&r, &a, 7, 24);
	assert_int_equal(a.used, 7 * 24);
	assert_null(r.items);
}

static void run_random(uint64_t seed)
{
	struct prng r = {seed};
	struct fixture f;
	uint64_t in = 0, out = 0;

	fixture_init(&f, SIZE);
	for (int step = 0; step < 400; step++) {
		if (prng_below(&r, 2) == 0) {
			uint64_t *item = ring_push(&f.ring);

			assert_int_equal(item != NULL, in - out < SIZE);
			if (item != NULL)
				*item = in++;
		} else {
			const uint64_t *peek = ring_peek(&f.ring);
			const uint64_t *item = ring_pop(&f.ring);

			assert_int_equal(item != NULL, in != out);
			assert_ptr_equal(peek, item);
			if (item != NULL)
				assert_int_equal(*item, out++);
		}
		assert_int_equal(f.ring.count, in - out);
	}
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++)
		run_random(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill_and_drain),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_count_only),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
