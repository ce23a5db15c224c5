/*
 * Windows and send buffers follow the path: flows of the shipped engine through one bottleneck in
 * virtual time (sim/dumbbell). What a fast path of 100 ms needs is there; a slow one holds no more
 * than its product.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/dumbbell/dumbbell.h"

#define SECOND 1000000000ull
#define RTT    (SECOND / 10)
#define MBIT   1000000ull

/* One flow for `seconds`, the first third of it not counted. */
static struct dumbbell *run(uint64_t rate, uint64_t buffer, unsigned seconds, uint64_t stamps)
{
	struct dumbbell_plan plan;
	struct dumbbell_flow_plan *f;
	struct dumbbell *d;

	dumbbell_plan_init(&plan, 1, rate, RTT, buffer);
	f = dumbbell_plan_bulk(&plan);
	dumbbell_flow_set(f, "timestamps", stamps);
	plan.run_ns = seconds * SECOND;
	plan.warmup_ns = plan.run_ns / 3;
	plan.sample_ns = RTT;
	d = dumbbell_new(&plan);
	assert_non_null(d);
	dumbbell_run(d);
	return d;
}

static uint32_t most_offered(const struct dumbbell *d)
{
	const struct dumbbell_flow *f = &d->flow[0];
	uint32_t most = 0;

	for (uint32_t i = 0; i < f->sample_count; i++)
		if (f->sample[i].rwnd > most)
			most = f->sample[i].rwnd;
	return most;
}

/* 200 Mbit/s at 100 ms: 2.5 MB in flight. */
static void fast(uint64_t stamps)
{
	struct dumbbell *d = run(200 * MBIT, 0, 15, stamps);
	uint64_t goodput = 8 * dumbbell_goodput(d, 0);
	uint32_t most = most_offered(d);

	print_message("fast: %u Mbit/s, window %u bytes\n", (unsigned)(goodput / MBIT), most);
	assert_in_range(goodput, 180 * MBIT, 200 * MBIT);
	assert_in_range(most, 2500000, 4190208 + 65536);
	dumbbell_free(d);
}

/* 5 Mbit/s at 100 ms with a queue of 32 KB: 62,500 bytes are the product, 95,268 with the queue. */
static void slow(uint64_t stamps)
{
	struct dumbbell *d = run(5 * MBIT, 32768, 30, stamps);
	const struct dumbbell_node *sender = &d->flow[0].node[DUMBBELL_SENDER];
	uint64_t goodput = 8 * dumbbell_goodput(d, 0);
	uint32_t most = most_offered(d);
	struct weir_usage usage;

	weir_stack_usage(sender->stack, &usage);
	print_message("slow: %u kbit/s, window %u bytes, sender's pages %u\n",
		      (unsigned)(goodput / 1000), most, usage.pages);
	assert_in_range(goodput, 45 * MBIT / 10, 5 * MBIT);
	assert_in_range(most, 2 * 62500, 4 * (62500 + 32768) + 65536);
	assert_in_range(usage.pages, 1, (4 * (62500 + 32768) + 65536) / WEIR_PAGE_BYTES);
	dumbbell_free(d);
}

static void test_fast(void **state)
{
	(void)state;
	fast(1);
}

static void test_fast_without_timestamps(void **state)
{
	(void)state;
	fast(0);
}

static void test_slow(void **state)
{
	(void)state;
	slow(1);
}

static void test_slow_without_timestamps(void **state)
{
	(void)state;
	slow(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast),
		cmocka_unit_test(test_fast_without_timestamps),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_slow_without_timestamps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
