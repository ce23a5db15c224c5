/*
 * Fragments put together: random cuts in random order, random garbage, and the ECN field.
 */
#include "net_test.h"

#include <stdlib.h>

#include "net/reasm.h"
#include "unit/base/prng.h"

#define DATA_MAX   5000u
#define PIECES_MAX 24u
#define SLOTS      3u

struct world {
	struct reasm r;
	uint8_t *mem;
	uint8_t head[60], data[DATA_MAX];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct arena a;
	size_t need;

	arena_init(&a, NULL, 0);
	reasm_init(&w->r, &a, SLOTS);
	need = a.used;
	w->mem = malloc(need);
	arena_init(&a, w->mem, need);
	reasm_init(&w->r, &a, SLOTS);
	for (unsigned i = 0; i < DATA_MAX; i++)
		w->data[i] = (uint8_t)(i * 31 + i / 256);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	free(w->mem);
	free(w);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* The piece at `off` of `total` bytes of w->data. */
static struct ip_packet piece(const struct world *w, uint8_t family, uint32_t id, uint32_t off,
			      uint32_t end, uint32_t total)
{
	return (struct ip_packet){
		.src = family == 4 ? A4(10, 0, 0, 9) : A6(0, 9),
		.dst = family == 4 ? A4(10, 0, 0, 1) : A6(0, 1),
		.head = w->head,
		.head_len = sizeof(w->head),
		.payload = w->data + off,
		.len = end - off,
		.proto = 6,
		.frag_id = id,
		.frag_off = (uint16_t)off,
		.more_frags = end < total,
	};
}

/* Cuts `total` bytes at multiples of 8; returns the number of pieces, cut[n] their ends. */
static unsigned cut_up(struct prng *r, uint32_t total, uint32_t cut[PIECES_MAX + 1])
{
	uint32_t units = (total + 7) / 8;
	unsigned n = 0;

	cut[0] = 0;
	while (cut[n] < total) {
		uint32_t left = units - cut[n] / 8;
		uint32_t take = n + 1 == PIECES_MAX ? left : 1 + prng_below(r, left);

		n++;
		cut[n] = cut[n - 1] + take * 8;
		cut[n] = cut[n] > total ? total : cut[n];
	}
	return n;
}

static void check_whole(const struct weir_frame *f, const struct world *w, uint8_t family,
			uint32_t total)
{
	struct ip_packet p;

	assert_int_equal(ip_in(&p, f->bytes, f->len), WEIR_CTR_ACCEPTED);
	assert_int_equal(p.src.family, family);
	assert_int_equal(p.proto, 6);
	assert_int_equal(p.len, total);
	assert_memory_equal(p.payload, w->data, total);
}

/* Whatever the cuts and the order, and some pieces twice: whole with the last one, not before. */
static void test_random_cuts(void **state)
{
	struct world *w = *state;
	struct prng r = {7};

	for (uint32_t round = 0; round < 3000; round++) {
		uint8_t family = round & 1 ? 6 : 4;
		uint32_t total = 9 + prng_below(&r, DATA_MAX - 9);
		uint32_t cut[PIECES_MAX + 1];
		unsigned n = cut_up(&r, total, cut), order[PIECES_MAX];
		struct weir_frame whole;

		for (unsigned i = 0; i < n; i++) {
			unsigned k = prng_below(&r, i + 1);

			order[i] = order[k];
			order[k] = i;
		}
		for (unsigned i = 0; n > 1 && i < n; i++) {
			struct ip_packet p =
				piece(w, family, round, cut[order[i]], cut[order[i] + 1], total);
			enum weir_counter v = reasm_put(&w->r, &p, round, &whole);

			assert_int_equal(v, i + 1 < n ? WEIR_CTR_IP_FRAGMENT : WEIR_CTR_ACCEPTED);
			if (i + 1 < n && prng_below(&r, 4) == 0)
				assert_int_equal(reasm_put(&w->r, &p, round, &whole),
						 WEIR_CTR_IP_FRAGMENT);
		}
		if (n > 1)
			check_whole(&whole, w, family, total);
		assert_int_equal(w->r.used, 0);
	}
}

/* Pieces of four packets with any place and length: what comes out whole is what was put in. */
static void test_garbage(void **state)
{
	struct world *w = *state;
	struct prng r = {11};
	unsigned accepted = 0;

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t off = 8 * prng_below(&r, 6), len = prng_below(&r, 26);
		struct ip_packet p = piece(w, 6, prng_below(&r, 4), off, off + len, 0);
		struct weir_frame whole;
		enum weir_counter v;

		p.more_frags = prng_below(&r, 3) != 0;
		v = reasm_put(&w->r, &p, i * 100000000ull, &whole);
		if (v == WEIR_CTR_ACCEPTED) {
			accepted++;
			check_whole(&whole, w, 6, (uint32_t)whole.len - 40);
		}
		while (reasm_expire(&w->r, i * 100000000ull))
			;
		assert_true(w->r.used <= SLOTS);
	}
	assert_true(accepted > 1000);
}

/* RFC 3168 5.3: one mark marks all; marked and not capable together are an error. */
static void test_ecn(void **state)
{
	static const struct {
		uint8_t first, second, whole; /* ECN fields */
		enum weir_counter verdict;
	} rows[] = {
		{0, 0, 0, WEIR_CTR_ACCEPTED},         {2, 2, 2, WEIR_CTR_ACCEPTED},
		{2, 3, 3, WEIR_CTR_ACCEPTED},         {3, 2, 3, WEIR_CTR_ACCEPTED},
		{3, 1, 3, WEIR_CTR_ACCEPTED},         {3, 3, 3, WEIR_CTR_ACCEPTED},
		{3, 0, 0, WEIR_CTR_FRAGMENT_DROPPED}, {0, 3, 0, WEIR_CTR_FRAGMENT_DROPPED},
	};
	struct world *w = *state;

	for (unsigned i = 0; i < 2 * LENGTH(rows); i++) {
		uint8_t family = i & 1 ? 6 : 4;
		struct ip_packet a = piece(w, family, i, 0, 16, 32), p;
		struct ip_packet b = piece(w, family, i, 16, 32, 32);
		struct weir_frame whole;

		a.tos = (uint8_t)(0x28 | rows[i / 2].first);
		b.tos = (uint8_t)(0x28 | rows[i / 2].second);
		assert_int_equal(reasm_put(&w->r, &b, 0, &whole), WEIR_CTR_IP_FRAGMENT);
		assert_int_equal(reasm_put(&w->r, &a, 0, &whole), rows[i / 2].verdict);
		if (rows[i / 2].verdict != WEIR_CTR_ACCEPTED)
			continue;
		assert_int_equal(ip_in(&p, whole.bytes, whole.len), WEIR_CTR_ACCEPTED);
		assert_int_equal(p.tos, 0x28 | rows[i / 2].whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random_cuts),
		TEST(test_garbage),
		TEST(test_ecn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
