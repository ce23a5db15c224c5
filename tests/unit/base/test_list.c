/*
 * Lists: order, removing from each place, and a random run of nodes between two lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/list.h"
#include "prng.h"

#define NODES 6u

struct item {
	unsigned before;
	struct list link;
};

static void test_entry(void **state)
{
	struct item item;

	(void)state;
	assert_ptr_equal(list_entry(&item.link, struct item, link), &item);
}

static void test_unlinked(void **state)
{
	struct list n;

	(void)state;
	list_init(&n);
	assert_true(list_empty(&n));
	list_remove(&n);
	assert_true(list_empty(&n));
}

/* Pushes all, removes one, and looks at the rest in both directions. */
static void test_order(void **state)
{
	(void)state;
	for (unsigned gone = 0; gone < NODES; gone++) {
		struct list l, n[NODES], *forth, *back;

		list_init(&l);
		for (unsigned i = 0; i < NODES; i++) {
			list_init(&n[i]);
			list_push(&l, &n[i]);
			assert_false(list_empty(&l));
		}
		list_remove(&n[gone]);
		assert_true(list_empty(&n[gone]));
		forth = list_at(&l, l.next);
		back = list_at(&l, l.prev);
		for (unsigned i = 0; i < NODES; i++) {
			if (i != gone) {
				assert_ptr_equal(forth, &n[i]);
				forth = list_at(forth, forth->next);
			}
			if (NODES - 1 - i != gone) {
				assert_ptr_equal(back, &n[NODES - 1 - i]);
				back = list_at(back, back->prev);
			}
		}
		assert_ptr_equal(forth, &l);
		assert_ptr_equal(back, &l);
	}
}

/* Nodes wander between two lists; each list is the order in which its nodes came. */
static void test_random(void **state)
{
	struct prng r = {5};
	struct list lists[2], n[NODES];
	unsigned at[NODES], order[NODES], clock = 0;

	(void)state;
	list_init(&lists[0]);
	list_init(&lists[1]);
	for (unsigned i = 0; i < NODES; i++) {
		list_init(&n[i]);
		at[i] = 2;
	}
	for (int step = 0; step < 2000; step++) {
		unsigned i = (unsigned)prng_below(&r, NODES), to = (unsigned)prng_below(&r, 3);

		list_remove(&n[i]);
		if (to < 2)
			list_push(&lists[to], &n[i]);
		at[i] = to;
		order[i] = clock++;
		for (unsigned k = 0; k < 2; k++) {
			unsigned count = 0, expected = 0;
			const struct list *last = NULL;

			for (unsigned j = 0; j < NODES; j++)
				expected += at[j] == k;
			for (struct list *l = list_at(&lists[k], lists[k].next); l != &lists[k];
			     l = list_at(l, l->next)) {
				assert_int_equal(at[l - n], k);
				assert_true(last == NULL || order[last - n] < order[l - n]);
				last = l;
				count++;
			}
			assert_int_equal(count, expected);
			assert_int_equal(list_empty(&lists[k]), expected == 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_unlinked),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
