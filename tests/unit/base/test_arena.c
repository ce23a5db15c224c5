/*
 * The arena: offsets, alignment, counting, and what happens at the end of the block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "dies.h"

#define BLOCK 256u

struct take {
	size_t bytes, align;
	size_t at;   /* offset expected; SIZE_MAX: NULL */
	size_t used; /* afterwards */
};

static const struct take takes[] = {
	{1, 1, 0, 1},
	{4, 4, 4, 8},
	{0, 1, 8, 8},
	{3, 1, 8, 11},
	{16, 16, 16, 32},
	{8, 64, 64, 72},
	{184, 8, 72, 256},
	{0, 1, 256, 256},
	{1, 1, SIZE_MAX, 257},
	{8, 8, SIZE_MAX, 272},
	{SIZE_MAX - 272, 1, SIZE_MAX, SIZE_MAX},
	{1, 1, SIZE_MAX, SIZE_MAX},
	{0, 64, SIZE_MAX, SIZE_MAX},
};

#define TAKES (sizeof(takes) / sizeof(takes[0]))

static void test_take(void **state)
{
	_Alignas(64) uint8_t block[BLOCK];
	struct arena a;

	(void)state;
	memset(block, 0xaa, sizeof(block));
	arena_init(&a, block, sizeof(block));
	for (size_t i = 0; i < TAKES; i++) {
		const struct take *t = &takes[i];
		uint8_t *got = arena_take(&a, t->bytes, t->align);

		assert_ptr_equal(got, t->at == SIZE_MAX ? NULL : block + t->at);
		assert_true(a.used == t->used);
		for (size_t k = 0; got != NULL && k < t->bytes; k++)
			assert_int_equal(got[k], 0);
	}
	/* What alignment skipped was not touched. */
	assert_int_equal(block[1], 0xaa);
	assert_int_equal(block[12], 0xaa);
}

static void test_count(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, NULL, 0);
	for (size_t i = 0; i < TAKES; i++) {
		assert_null(arena_take(&a, takes[i].bytes, takes[i].align));
		assert_true(a.used == takes[i].used);
	}
}

static void test_carve_leaves_bytes(void **state)
{
	_Alignas(64) uint8_t block[BLOCK];
	struct arena a;

	(void)state;
	memset(block, 0xaa, sizeof(block));
	arena_init(&a, block, sizeof(block));
	assert_ptr_equal(arena_carve(&a, 16, 1), block);
	assert_ptr_equal(arena_carve(&a, 16, 32), block + 32);
	for (size_t i = 0; i < sizeof(block); i++)
		assert_int_equal(block[i], 0xaa);
	assert_null(arena_carve(&a, BLOCK, 1));
}

static void take_misaligned(void)
{
	struct arena a;

	arena_init(&a, NULL, 0);
	arena_take(&a, 8, 24);
}

static void take_align_zero(void)
{
	struct arena a;

	arena_init(&a, NULL, 0);
	arena_take(&a, 8, 0);
}

static void test_alignment_is_a_power_of_two(void **state)
{
	(void)state;
	assert_true(dies(take_misaligned));
	assert_true(dies(take_align_zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_carve_leaves_bytes),
		cmocka_unit_test(test_alignment_is_a_power_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
