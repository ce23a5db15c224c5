/*
 * From a tuple to its one owner.
 */
#include "fixture.h"

#include "stack/conns.h"
#include "stack/demux.h"

static void test_tuple_id(void **state)
{
	static const uint8_t expected[12] = {10, 0, 0, 1, 10, 0, 0, 9, 0, 80, 0x12, 0x34};
	struct weir_tuple t = stk_peer(4, 9, 0x1234);
	uint8_t id[36];

	(void)state;
	assert_int_equal(stack_tuple_id(&t, id), 12);
	assert_memory_equal(id, expected, 12);
	t = stk_peer(6, 9, 0x1234);
	assert_int_equal(stack_tuple_id(&t, id), 36);
	assert_memory_equal(id, our6.bytes, 16);
	assert_int_equal(id[31], 9);
	assert_memory_equal(id + 32, expected + 8, 4);
}

/* Every field of the tuple counts. */
static void test_fields(void **state)
{
	struct stk *f = *state;

	stk_start(f);
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(family, 9, 1000), other;
		struct conn *c = conn_new(f->s, &t, 0);
		uint32_t ref = ref_make(REF_CONN, pool_index(&f->s->conns, c));

		assert_int_equal(demux_find(f->s, &t), ref);
		for (unsigned i = 0; i < 4; i++) {
			other = t;
			other.local.port ^= i == 0;
			other.remote.port ^= i == 1;
			other.local.addr.bytes[2] ^= i == 2;
			other.remote.addr.bytes[2] ^= i == 3;
			assert_int_equal(demux_find(f->s, &other), REF_NONE);
		}
		conn_free(f->s, c);
		assert_int_equal(demux_find(f->s, &t), REF_NONE);
	}
}

/* Chains: more owners than buckets, removed from the front, the middle and the end. */
static void test_chains(void **state)
{
	struct stk *f = *state;
	struct conn *c[100];

	f->cfg.conns_max = 100;
	stk_start(f);
	f->s->bucket_mask = 3; /* as if all of them collided */
	for (uint16_t i = 0; i < 100; i++) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1000 + i));

		c[i] = conn_new(f->s, &t, 0);
	}
	for (unsigned i = 0; i < 100; i += 3)
		conn_detach(f->s, c[i]);
	for (uint16_t i = 0; i < 100; i++) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1000 + i));

		assert_int_equal(demux_find(f->s, &t),
				 i % 3 ? ref_make(REF_CONN, pool_index(&f->s->conns, c[i]))
				       : REF_NONE);
	}
	for (unsigned i = 0; i < 100; i++)
		conn_free(f->s, c[i]);
}

/* A record of one family is not found by a tuple of the other whose first bytes are the same. */
static void test_families_are_apart(void **state)
{
	struct stk *f = *state;

	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(4, 9, 1000), other;

		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_EARLY, 0);
		f->s->bucket_mask = 0;
		other = t;
		t.local.addr.family = t.remote.addr.family = family;
		other.local.addr.family = other.remote.addr.family = (uint8_t)(10 - family);
		assert_verdict(stk_syn(f, &t), ACCEPTED);
		assert_int_equal(ref_kind(demux_find(f->s, &t)), REF_HALF);
		assert_int_equal(demux_find(f->s, &other), REF_NONE);
	}
}

/* Keys of records: in place for IPv4, a slot of the pool for IPv6, and both lead back. */
static void test_pair_keys(void **state)
{
	struct stk *f = *state;

	stk_start(f);
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(family, 9, 1000), back;
		struct pair_key key;
		uint8_t flags = 1;

		assert_true(pair_key_make(f->s, &t, &key, &flags, 16));
		assert_int_equal(flags, family == 6 ? 17 : 1);
		assert_int_equal(f->s->addr6.used, family == 6);
		pair_key_tuple(f->s, &key, family, &back);
		assert_memory_equal(&back, &t, sizeof(t));
		pair_key_drop(f->s, &key, family);
		assert_int_equal(f->s->addr6.used, 0);
	}
}

static void test_no_pair_left(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000);
	struct pair_key key;
	uint8_t flags = 0;

	stk_start(f);
	for (unsigned i = 0; i < 24; i++)
		assert_true(pair_key_make(f->s, &t, &key, &flags, 16));
	assert_false(pair_key_make(f->s, &t, &key, &flags, 16));
}

/* The bucket that an owner of `t` is put into. */
static uint32_t bucket_of(struct stk *f, const struct weir_tuple *t)
{
	uint32_t ref = ref_make(REF_HALF, 0), i = 0;

	demux_insert(f->s, t, ref);
	while (f->s->buckets[i] == REF_NONE)
		i++;
	demux_remove(f->s, t, ref);
	return i;
}

/*
 * The key decides where a tuple lies: nobody outside can choose collisions.
 * req: RFC4987-04
 */
static void test_key_matters(void **state)
{
	struct stk *f = *state;
	unsigned same = 0;

	stk_start(f);
	for (unsigned i = 0; i < 64; i++) {
		struct weir_tuple t = stk_peer(4, (uint8_t)(10 + i), 1);
		uint32_t first;

		f->s->cfg.isn_key[0] = 0;
		first = bucket_of(f, &t);
		f->s->cfg.isn_key[0] = 1;
		same += bucket_of(f, &t) == first;
	}
	assert_true(same < 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tuple_id), TEST(test_fields),    TEST(test_chains),
		TEST(test_families_are_apart),   TEST(test_pair_keys), TEST(test_no_pair_left),
		TEST(test_key_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
