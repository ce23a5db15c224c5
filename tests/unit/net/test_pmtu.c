/*
 * What is remembered of paths: by destination, for a time, in a table that does not grow.
 */
#include "net_test.h"

#include <stdlib.h>

#include "net/pmtu.h"

static const uint8_t key[16] = {7};

struct table {
	struct pmtu p;
	void *mem;
};

static void table_make(struct table *t, uint32_t count)
{
	struct arena a;

	arena_init(&a, NULL, 0);
	pmtu_init(&t->p, &a, count);
	t->mem = aligned_alloc(64, (a.used + 63) / 64 * 64);
	arena_init(&a, t->mem, (a.used + 63) / 64 * 64);
	pmtu_init(&t->p, &a, count);
}

static void test_by_destination(void **state)
{
	struct table t;

	(void)state;
	table_make(&t, 16);
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 0, 0, 1), 5), 0);
	pmtu_note(&t.p, key, &A4(10, 0, 0, 1), 1400, 100);
	pmtu_note(&t.p, key, &A6(1, 1), 1300, 100);
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 0, 0, 1), 5), 1400);
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 0, 0, 2), 5), 0);
	assert_int_equal(pmtu_get(&t.p, key, &A6(1, 1), 5), 1300);
	pmtu_note(&t.p, key, &A4(10, 0, 0, 1), 1200, 100); /* the last word counts */
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 0, 0, 1), 5), 1200);
	free(t.mem);
}

static void test_age(void **state)
{
	struct table t;

	(void)state;
	table_make(&t, 16);
	pmtu_note(&t.p, key, &A4(10, 0, 0, 1), 1400, 100);
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 0, 0, 1), 99), 1400);
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 0, 0, 1), 100), 0);
	pmtu_note(&t.p, key, &A4(10, 0, 0, 1), 1300, 200);
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 0, 0, 1), 100), 1300);
	free(t.mem);
}

/* A thousand destinations in 16 slots: the newest of each set are there, each as it was noted, and
 * whoever is asked for does not make it grow. */
static void test_bounded(void **state)
{
	struct table t;
	unsigned found = 0;

	(void)state;
	table_make(&t, 16);
	assert_int_equal((t.p.set_mask + 1) * PMTU_WAYS, 16);
	for (unsigned i = 0; i < 1000; i++)
		pmtu_note(&t.p, key, &A4(10, 1, (uint8_t)(i >> 8), (uint8_t)i),
			  (uint16_t)(1000 + i), 1000 + i);
	for (unsigned i = 0; i < 1000; i++) {
		uint16_t mtu = pmtu_get(&t.p, key, &A4(10, 1, (uint8_t)(i >> 8), (uint8_t)i), 1);

		if (mtu == 0)
			continue;
		found++;
		assert_int_equal(mtu, 1000 + i);
		assert_true(i >= 900); /* the oldest went first */
	}
	assert_int_equal(found, 16);
	assert_int_equal(pmtu_get(&t.p, key, &A4(10, 1, 3, 231), 1), 1999);
	free(t.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_destination),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
