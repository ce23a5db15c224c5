/*
 * Limits by address: the buckets, the counts of records, the table that holds them and what is
 * forgotten when it is full.
 */
#include "fixture.h"

#include "stack/limits.h"

#define SECOND (1000 * NS_PER_MS)

static struct weir_endpoint source(uint32_t n)
{
	struct weir_endpoint e = {.addr = {4, {10, 1}}};

	e.addr.bytes[1] = (uint8_t)(n >> 16);
	e.addr.bytes[2] = (uint8_t)(n >> 8);
	e.addr.bytes[3] = (uint8_t)n;
	return e;
}

static struct weir_endpoint source6(uint8_t subnet, uint8_t host)
{
	return (struct weir_endpoint){.addr = {6, {0xfd, [7] = subnet, [15] = host}}};
}

static bool take(struct stk *f, struct weir_endpoint e)
{
	return limits_take(f->s, WEIR_LIMIT_SOURCE, &e);
}

static void give(struct stk *f, struct weir_endpoint e, enum limits_end how)
{
	limits_give(f->s, WEIR_LIMIT_SOURCE, &e, how);
}

/* Takes until refused. */
static unsigned take_all(struct stk *f, struct weir_endpoint e)
{
	unsigned n = 0;

	while (take(f, e))
		assert_true(++n < 100000);
	return n;
}

static void at(struct stk *f, weir_time now)
{
	f->now = now;
	if (f->s)
		f->s->now = now;
}

/* The table's counts belong to no records here: leaves none, for the check of the stack. */
static void start(struct stk *f, uint64_t rate, uint64_t burst)
{
	f->cfg.source_rate = rate;
	f->cfg.source_burst = burst;
	f->cfg.half_source_max = 1000000;
	stk_start(f);
}

static void forget_all(struct stk *f)
{
	memset(f->s->limits.slots, 0,
	       (f->s->limits.set_mask + 1) * LIMITS_WAYS * sizeof(*f->s->limits.slots));
}

/* `burst` at once, then `rate` a second, and never more than `burst` after a long pause. */
static void test_bucket(void **state)
{
	struct stk *f = *state;

	start(f, 10, 4);
	assert_int_equal(take_all(f, source(1)), 4);
	at(f, START + SECOND / 10 - 1);
	assert_int_equal(take_all(f, source(1)), 0);
	at(f, START + SECOND / 10);
	assert_int_equal(take_all(f, source(1)), 1);
	at(f, START + SECOND / 10 + SECOND / 5);
	assert_int_equal(take_all(f, source(1)), 2);
	at(f, START + 1000 * SECOND);
	assert_int_equal(take_all(f, source(1)), 4);
	forget_all(f);
}

/* The largest and the least rate: no bucket overflows, nor fills at once. */
static void test_rates(void **state)
{
	static const uint64_t rates[] = {1, 3, 999, 1000000};
	struct stk *f = *state;

	for (unsigned i = 0; i < LENGTH(rates); i++) {
		at(f, START);
		start(f, rates[i], 5);
		assert_int_equal(take_all(f, source(1)), 5);
		at(f, START + SECOND / rates[i] - 1);
		assert_int_equal(take_all(f, source(1)), 0);
		at(f, START + 5 * (SECOND / rates[i]));
		assert_int_equal(take_all(f, source(1)), 5);
		forget_all(f);
	}
}

/* Who answers gets the token back: a busy honest source is never slowed down. */
static void test_answered(void **state)
{
	struct stk *f = *state;

	start(f, 1, 4);
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(take(f, source(1)));
		give(f, source(1), LIMITS_ANSWERED);
	}
	assert_int_equal(take_all(f, source(1)), 4);
	give(f, source(1), LIMITS_UNANSWERED);
	assert_false(take(f, source(1)));
	give(f, source(1), LIMITS_ANSWERED);
	assert_true(take(f, source(1)));
	assert_false(take(f, source(1)));
	for (unsigned i = 0; i < 100; i++)
		give(f, source(1), LIMITS_ANSWERED); /* no more than it can hold */
	assert_int_equal(take_all(f, source(1)), 4);
	forget_all(f);
}

/* Records at one time, whatever the rate. */
static void test_records(void **state)
{
	struct stk *f = *state;

	f->cfg.half_source_max = 3;
	stk_start(f);
	assert_int_equal(take_all(f, source(1)), 3);
	assert_int_equal(take_all(f, source(2)), 3);
	give(f, source(1), LIMITS_UNANSWERED);
	assert_int_equal(take_all(f, source(1)), 1);
	assert_int_equal(limits_records(f->s, WEIR_LIMIT_SOURCE), 6);
	forget_all(f);
}

/* Without a limit nothing is looked at. */
static void test_no_limit(void **state)
{
	struct stk *f = *state;

	start(f, 0, 1);
	assert_false(limits_in_force(f->s, WEIR_LIMIT_SOURCE));
	for (unsigned i = 0; i < 1000; i++)
		assert_true(take(f, source(1)));
	assert_int_equal(limits_records(f->s, WEIR_LIMIT_SOURCE), 0);
}

/* What is one source: by the bits of its address that count. */
static void test_prefixes(void **state)
{
	struct stk *f = *state;

	start(f, 1, 2);
	assert_int_equal(take_all(f, source6(1, 1)), 2);
	assert_int_equal(take_all(f, source6(1, 2)), 0); /* the same /64 */
	assert_int_equal(take_all(f, source6(2, 1)), 2);
	assert_int_equal(take_all(f, source(0)), 2);
	assert_int_equal(take_all(f, source(1)), 2);
	forget_all(f);
	f->cfg.source_prefix4 = 31;
	f->cfg.source_prefix6 = 128;
	start(f, 1, 2);
	assert_int_equal(take_all(f, source6(1, 1)), 2);
	assert_int_equal(take_all(f, source6(1, 2)), 2);
	assert_int_equal(take_all(f, source(2)), 2);
	assert_int_equal(take_all(f, source(3)), 0);
	assert_int_equal(take_all(f, source(4)), 2);
	forget_all(f);
}

/* Destinations: the whole address, and the port. */
static void test_destinations(void **state)
{
	struct stk *f = *state;
	struct weir_endpoint a = {our4, 80}, b = {our4, 81}, c = {our6, 80};

	f->cfg.dest_rate = 1;
	f->cfg.dest_burst = 1;
	f->cfg.source_prefix4 = 1;
	stk_start(f);
	assert_true(limits_take(f->s, WEIR_LIMIT_DEST, &a));
	assert_false(limits_take(f->s, WEIR_LIMIT_DEST, &a));
	assert_true(limits_take(f->s, WEIR_LIMIT_DEST, &b));
	assert_true(limits_take(f->s, WEIR_LIMIT_DEST, &c));
	c.addr.bytes[15]++;
	assert_true(limits_take(f->s, WEIR_LIMIT_DEST, &c));
	forget_all(f);
}

/*
 * A flood of 100,000 sources, each seen once, in a table of 64: the heavy source stays remembered,
 * and no source that was not seen is refused.
 */
static void test_spoofed_flood(void **state)
{
	struct stk *f = *state;

	f->cfg.sources_max = 64;
	start(f, 1, 4);
	assert_int_equal(take_all(f, source(1)), 4);
	for (uint32_t i = 0; i < 100000; i++)
		assert_true(take(f, source(1000 + i)));
	assert_false(take(f, source(1)));
	assert_int_equal(take_all(f, source(2)), 4); /* an honest one that comes now */
	assert_true(f->s->limits.forgotten >= 100000 - 64);
	assert_true(limits_records(f->s, WEIR_LIMIT_SOURCE) <= 64 * 4);
	forget_all(f);
}

/* A slot that tells nothing is free, so nothing is forgotten while there is one. */
static void test_idle_slots(void **state)
{
	struct stk *f = *state;

	f->cfg.sources_max = 8;
	start(f, 10, 4);
	for (uint32_t round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < 8; i++)
			assert_true(take(f, source(8 * round + i)));
		for (uint32_t i = 0; i < 8; i++)
			give(f, source(8 * round + i), LIMITS_UNANSWERED);
		at(f, f->now + SECOND);
	}
	assert_int_equal(f->s->limits.forgotten, 0);
	forget_all(f);
}

/* The end of a forgotten record takes nobody's count below what there is. */
static void test_forgotten_ends(void **state)
{
	struct stk *f = *state;

	f->cfg.sources_max = 8;
	f->cfg.half_source_max = 5;
	stk_start(f);
	assert_true(take(f, source(1)));
	for (uint32_t i = 0; i < 8; i++) {
		assert_true(take(f, source(10 + i)));
		assert_true(take(f, source(10 + i)));
	}
	assert_int_equal(f->s->limits.forgotten, 1 + 0);
	give(f, source(1), LIMITS_UNANSWERED); /* nobody knows it */
	assert_int_equal(limits_records(f->s, WEIR_LIMIT_SOURCE), 16);
	give(f, source(10), LIMITS_UNANSWERED);
	give(f, source(10), LIMITS_UNANSWERED);
	give(f, source(10), LIMITS_UNANSWERED);
	assert_int_equal(limits_records(f->s, WEIR_LIMIT_SOURCE), 14);
	forget_all(f);
}

/* The list shows who is not idle, and what is left to it. */
static void test_walk(void **state)
{
	struct stk *f = *state;
	struct weir_limit_info i;
	uint32_t cursor = 0;

	start(f, 10, 4);
	assert_false(weir_walk_limits(f->s, &cursor, &i));
	assert_int_equal(take_all(f, source6(3, 9)), 4);
	assert_false(take(f, source6(3, 9)));
	give(f, source6(3, 9), LIMITS_UNANSWERED);
	at(f, f->now + SECOND / 10);
	cursor = 0;
	assert_true(weir_walk_limits(f->s, &cursor, &i));
	assert_int_equal(i.kind, WEIR_LIMIT_SOURCE);
	assert_int_equal(i.at.addr.family, 6);
	assert_int_equal(i.at.addr.bytes[7], 3);
	assert_int_equal(i.at.addr.bytes[15], 0);
	assert_int_equal(i.prefix, 64);
	assert_int_equal(i.records, 3);
	assert_int_equal(i.tokens, 1);
	assert_int_equal(i.refused, 2);
	assert_false(weir_walk_limits(f->s, &cursor, &i));
	for (unsigned k = 0; k < 3; k++)
		give(f, source6(3, 9), LIMITS_UNANSWERED);
	at(f, f->now + SECOND);
	cursor = 0;
	assert_false(weir_walk_limits(f->s, &cursor, &i));
}

static unsigned slot_of(struct stk *f, struct weir_endpoint e)
{
	unsigned i = 0;

	assert_true(take(f, e));
	while (!f->s->limits.slots[i].records)
		i++;
	forget_all(f);
	return i;
}

/* The key of the table decides which set is a source's: nobody outside can fill it on purpose. */
static void test_key_matters(void **state)
{
	struct stk *f = *state;
	unsigned same = 0;

	start(f, 1, 4);
	for (uint32_t i = 0; i < 64; i++) {
		unsigned first;

		f->s->cfg.hash_key[0] = 0;
		first = slot_of(f, source(i));
		f->s->cfg.hash_key[0] = 1;
		same += slot_of(f, source(i)) == first;
	}
	assert_true(same < 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bucket),       TEST(test_rates),          TEST(test_answered),
		TEST(test_records),      TEST(test_no_limit),       TEST(test_prefixes),
		TEST(test_destinations), TEST(test_spoofed_flood),  TEST(test_idle_slots),
		TEST(test_walk),         TEST(test_forgotten_ends), TEST(test_key_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
