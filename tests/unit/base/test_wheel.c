/*
 * The wheel: cases around its borders, and random runs against an array that is searched for the
 * earliest deadline (of equals, the one armed first).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/wheel.h"
#include "prng.h"

#define TICK ((uint64_t)1 << WHEEL_TICK_BITS)

static const struct {
	uint64_t now, deadline;
} singles[] = {
	{0, 0},
	{0, 1},
	{5, 4},
	{5, 5},
	{TICK - 1, TICK},
	{TICK, 1},
	{1, 63 * TICK},
	{1, 64 * TICK},
	{63 * TICK, 64 * TICK},
	{64 * TICK - 1, 64 * TICK},
	{0, 64 * 64 * TICK - 1},
	{0, 64 * 64 * TICK},
	{12345, 7200ull * 1000000000},
	{0, (uint64_t)1 << 62},
	{((uint64_t)1 << 62) - 1, (uint64_t)1 << 62},
	{0, WHEEL_NEVER - 1},
	{(uint64_t)1 << 63, WHEEL_NEVER - 1},
	{WHEEL_NEVER - 1, WHEEL_NEVER - 1},
};

/* One node fires at its deadline, not a nanosecond before, whatever steps time takes. */
static void test_single(void **state)
{
	struct wheel w;
	struct wheel_node n;

	(void)state;
	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		uint64_t now = singles[i].now, deadline = singles[i].deadline;

		for (uint64_t part = 1; part <= 3; part++) {
			wheel_init(&w, now);
			wheel_node_init(&n);
			assert_true(wheel_next(&w) == WHEEL_NEVER);
			assert_null(wheel_pop(&w, now));
			wheel_arm(&w, &n, deadline);
			assert_true(n.deadline == deadline);
			assert_true(wheel_next(&w) == deadline);
			if (deadline > now) {
				assert_null(wheel_pop(&w, now + (deadline - now) / 3 * (part - 1)));
				assert_null(wheel_pop(&w, deadline - 1));
				assert_true(wheel_next(&w) == deadline);
			}
			assert_ptr_equal(wheel_pop(&w, deadline > now ? deadline : now), &n);
			assert_true(n.deadline == WHEEL_NEVER);
			assert_true(wheel_next(&w) == WHEEL_NEVER);
			assert_null(wheel_pop(&w, WHEEL_NEVER - 1));
		}
	}
}

static void test_disarm_and_move(void **state)
{
	struct wheel w;
	struct wheel_node a, b;

	(void)state;
	wheel_init(&w, 0);
	wheel_node_init(&a);
	wheel_node_init(&b);
	wheel_arm(&w, &a, WHEEL_NEVER);
	wheel_arm(&w, &a, 100 * TICK);
	wheel_arm(&w, &b, 101 * TICK);
	assert_true(wheel_next(&w) == 100 * TICK);
	wheel_arm(&w, &a, 5000 * TICK);
	assert_true(wheel_next(&w) == 101 * TICK);
	wheel_arm(&w, &b, WHEEL_NEVER);
	assert_true(wheel_next(&w) == 5000 * TICK);
	wheel_arm(&w, &b, WHEEL_NEVER);
	wheel_arm(&w, &b, 1);
	assert_true(wheel_next(&w) == 1);
	wheel_arm(&w, &a, WHEEL_NEVER);
	assert_ptr_equal(wheel_pop(&w, 1), &b);
	assert_null(wheel_pop(&w, WHEEL_NEVER - 1));
}

/* The earliest of a far slot goes away, and its successor becomes known before and after a pop. */
static void test_next_within_slot(void **state)
{
	struct wheel w;
	struct wheel_node n[50];
	const uint64_t far = 3 * 64 * 64 * TICK;

	(void)state;
	wheel_init(&w, 0);
	for (unsigned i = 0; i < 50; i++) {
		wheel_node_init(&n[i]);
		wheel_arm(&w, &n[i], far + i * 7 % 50);
	}
	for (unsigned d = 0; d < 50; d++) {
		assert_true(wheel_next(&w) == far + d);
		wheel_arm(&w, &n[d * 43 % 50], WHEEL_NEVER);
		if (d % 2 == 0)
			assert_null(wheel_pop(&w, d));
	}
	assert_true(wheel_next(&w) == WHEEL_NEVER);
}

/* Time does not go back: an older now is taken as the newest seen. */
static void test_older_now(void **state)
{
	struct wheel w;
	struct wheel_node n;

	(void)state;
	wheel_init(&w, 1000 * TICK);
	wheel_node_init(&n);
	wheel_arm(&w, &n, 999 * TICK);
	assert_ptr_equal(wheel_pop(&w, 0), &n);
	assert_true(w.now == 1000 * TICK);
	assert_null(wheel_pop(&w, 2000 * TICK));
	wheel_arm(&w, &n, 1500 * TICK);
	assert_ptr_equal(wheel_pop(&w, 1200 * TICK), &n);
}

#define CROWD 3000u

/* A crowd in one tick comes out in order; equal deadlines in the order of arming. */
static void test_crowd(void **state)
{
	static struct wheel w;
	static struct wheel_node n[CROWD];
	struct prng r = {7};

	(void)state;
	for (unsigned spread = 1; spread <= TICK; spread *= 32) {
		uint64_t last = 0;
		unsigned last_index = 0;

		wheel_init(&w, 0);
		for (unsigned i = 0; i < CROWD; i++) {
			wheel_node_init(&n[i]);
			wheel_arm(&w, &n[i], 70 * TICK + prng_below(&r, spread));
		}
		for (unsigned i = 0; i < CROWD; i++) {
			uint64_t next = wheel_next(&w);
			struct wheel_node *got = wheel_pop(&w, 71 * TICK);
			unsigned index;

			assert_non_null(got);
			index = (unsigned)(got - n);
			assert_true(next >= last);
			assert_true(i == 0 || next > last || index > last_index);
			last = next;
			last_index = index;
		}
		assert_null(wheel_pop(&w, 71 * TICK));
	}
}

/* --- Against an array --- */

#define NODES 60u

struct model {
	struct wheel w;
	struct wheel_node n[NODES];
	uint64_t deadline[NODES];
	uint64_t order[NODES]; /* of arming */
	uint64_t clock;
	uint64_t now;
};

static void model_init(struct model *m, uint64_t now)
{
	m->clock = 0;
	m->now = now;
	wheel_init(&m->w, now);
	for (unsigned i = 0; i < NODES; i++) {
		wheel_node_init(&m->n[i]);
		m->deadline[i] = WHEEL_NEVER;
		m->order[i] = 0;
	}
}

/* The node that must come next, NODES if none is armed. */
static unsigned model_first(const struct model *m)
{
	unsigned best = NODES;

	for (unsigned i = 0; i < NODES; i++) {
		if (m->deadline[i] == WHEEL_NEVER)
			continue;
		if (best == NODES || m->deadline[i] < m->deadline[best] ||
		    (m->deadline[i] == m->deadline[best] && m->order[i] < m->order[best]))
			best = i;
	}
	return best;
}

static void model_arm(struct model *m, unsigned i, uint64_t deadline)
{
	wheel_arm(&m->w, &m->n[i], deadline);
	assert_true(m->n[i].deadline == deadline);
	if (m->deadline[i] != deadline)
		m->order[i] = m->clock++;
	m->deadline[i] = deadline;
}

static void assert_next(const struct model *m)
{
	unsigned first = model_first(m);

	assert_true(wheel_next(&m->w) == (first == NODES ? WHEEL_NEVER : m->deadline[first]));
}

static void model_run(struct model *m, uint64_t now)
{
	m->now = now;
	for (;;) {
		unsigned first = model_first(m);
		struct wheel_node *got = wheel_pop(&m->w, now);

		if (first == NODES || m->deadline[first] > now) {
			assert_null(got);
			break;
		}
		assert_ptr_equal(got, &m->n[first]);
		assert_true(got->deadline == WHEEL_NEVER);
		m->deadline[first] = WHEEL_NEVER;
		assert_next(m);
	}
	assert_next(m);
}

/* Now plus something of a random magnitude, at times before now or in the tick of another. */
static uint64_t random_deadline(struct prng *r, const struct model *m)
{
	uint64_t away = prng_scaled(r), other;

	switch (prng_below(r, 10)) {
	case 0:
		return WHEEL_NEVER;
	case 1:
		return away < m->now ? m->now - away : 0;
	case 2:
		return m->now + prng_below(r, 4);
	case 3:
	case 4:
		other = m->deadline[prng_below(r, NODES)];
		return other / TICK * TICK + (prng_below(r, 2) ? prng_below(r, TICK) : 0);
	case 5:
		return m->deadline[prng_below(r, NODES)];
	}
	return away < WHEEL_NEVER - m->now ? m->now + away : WHEEL_NEVER - 1;
}

static void run_random(uint64_t seed)
{
	static const uint64_t starts[] = {0,
					  1,
					  12345678901234,
					  ((uint64_t)1 << 62) - 50 * TICK,
					  (uint64_t)1 << 63,
					  (uint64_t)3 << 62};
	static struct model m;
	struct prng r = {seed};
	unsigned step_bits = 10 + (unsigned)prng_below(&r, 45);

	model_init(&m, starts[seed % (sizeof(starts) / sizeof(starts[0]))]);
	if (seed % 2)
		m.w.stamp = UINT32_MAX - 700; /* wraps during the run */
	for (int step = 0; step < 1000; step++) {
		unsigned many = (unsigned)prng_below(&r, 4);

		for (unsigned k = 0; k < many; k++) {
			unsigned i = (unsigned)prng_below(&r, NODES);

			model_arm(&m, i, random_deadline(&r, &m));
			assert_next(&m);
		}
		uint64_t shift = 63 - prng_below(&r, step_bits), by = prng_next(&r) >> shift;
		unsigned first = model_first(&m);

		/* Also land exactly on, and just before, what is next. */
		if (first != NODES && m.deadline[first] > m.now && by % 3 == 0)
			by = m.deadline[first] - m.now - by % 2;
		if (by < WHEEL_NEVER - 1 - m.now)
			model_run(&m, m.now + by);
	}
	model_run(&m, WHEEL_NEVER - 1);
	assert_int_equal(model_first(&m), NODES);
}

static void test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 120; seed++)
		run_random(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_disarm_and_move),
		cmocka_unit_test(test_next_within_slot),
		cmocka_unit_test(test_older_now),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
