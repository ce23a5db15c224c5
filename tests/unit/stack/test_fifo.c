/*
 * Queues of slots in order of time: the 32-bit milliseconds wrap, and order is kept by removal.
 */
#include "fixture.h"

#include "stack/fifo.h"

struct slot {
	uint32_t free;
	struct fifo_node node;
};

#define NODE offsetof(struct slot, node)

static struct slot memory[8];

static struct pool slots(void)
{
	struct pool p;
	struct arena a;

	arena_init(&a, memory, sizeof(memory));
	pool_init(&p, &a, 8, sizeof(struct slot), 4);
	return p;
}

static void test_order(void **state)
{
	struct pool p = slots();
	struct fifo f;
	uint32_t expected[] = {0, 2, 4};

	(void)state;
	fifo_init(&f);
	for (uint32_t i = 0; i < 6; i++)
		fifo_push(&f, &p, NODE, i);
	fifo_remove(&f, &p, NODE, 1); /* in the middle, at the end */
	fifo_remove(&f, &p, NODE, 5);
	fifo_remove(&f, &p, NODE, 3);
	assert_int_equal(f.count, 3);
	for (unsigned i = 0; i < LENGTH(expected); i++) {
		assert_int_equal(f.head, expected[i]);
		fifo_remove(&f, &p, NODE, f.head); /* at the front */
	}
	assert_int_equal(f.head, POOL_NONE);
	assert_int_equal(f.tail, POOL_NONE);
	assert_int_equal(f.count, 0);
	fifo_push(&f, &p, NODE, 7);
	assert_int_equal(f.head, 7);
}

static void test_due(void **state)
{
	static const uint64_t starts_ms[] = {0, 5, 0xfffffff0u, 0x100000000ull, 0x7ffffff0u};
	struct pool p = slots();

	(void)state;
	for (unsigned i = 0; i < LENGTH(starts_ms); i++) {
		uint64_t now = starts_ms[i] * NS_PER_MS + 1; /* rounded up: never early */
		uint64_t due = (starts_ms[i] + 1 + 50) * NS_PER_MS;
		struct fifo f;

		fifo_init(&f);
		assert_false(fifo_is_due(&f, &p, NODE, now));
		assert_true(fifo_next(&f, &p, NODE, now) == UINT64_MAX);
		fifo_node(&p, NODE, 3)->due_ms = fifo_due(now, 50);
		fifo_push(&f, &p, NODE, 3);
		assert_true(fifo_next(&f, &p, NODE, now) == due);
		assert_false(fifo_is_due(&f, &p, NODE, now));
		assert_false(fifo_is_due(&f, &p, NODE, due - 1));
		assert_true(fifo_is_due(&f, &p, NODE, due));
		assert_true(fifo_next(&f, &p, NODE, due + 5) == due + 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
