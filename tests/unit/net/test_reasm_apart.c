/*
 * Pieces of packets that differ in one field of their identity only (RFC 791 3.2, RFC 8200 4.5) are
 * never put together: each packet comes out whole, with its own bytes.
 */
#include "net_test.h"

#include <stdlib.h>

#include "net/reasm.h"

#define HALF 64u /* bytes of a piece */

struct world {
	struct reasm r;
	uint8_t *mem;
	uint8_t head[60];
	uint8_t data[2][2 * HALF]; /* of the two packets */
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct arena a;
	size_t need;

	arena_init(&a, NULL, 0);
	reasm_init(&w->r, &a, 2);
	need = a.used;
	w->mem = malloc(need);
	arena_init(&a, w->mem, need);
	reasm_init(&w->r, &a, 2);
	memset(w->data[0], 0x11, sizeof(w->data[0]));
	memset(w->data[1], 0x22, sizeof(w->data[1]));
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

enum field { SOURCE, DESTINATION, ID, PROTOCOL, FIELDS };

/* Piece `n` of packet `which`; the second packet differs from the first in `field`. */
static struct ip_packet piece(const struct world *w, uint8_t family, enum field field,
			      unsigned which, unsigned n)
{
	struct ip_packet p = {
		.src = family == 4 ? A4(10, 0, 0, 9) : A6(0, 9),
		.dst = family == 4 ? A4(10, 0, 0, 1) : A6(0, 1),
		.head = w->head,
		.head_len = sizeof(w->head),
		.payload = w->data[which] + n * HALF,
		.len = HALF,
		.proto = 6,
		.frag_id = 77,
		.frag_off = (uint16_t)(n * HALF),
		.more_frags = n == 0,
	};
	unsigned last = family == 4 ? 3 : 15;

	switch (field) {
	case SOURCE:
		p.src.bytes[last] = (uint8_t)(p.src.bytes[last] + which);
		break;
	case DESTINATION:
		p.dst.bytes[last] = (uint8_t)(p.dst.bytes[last] + which);
		break;
	case ID:
		p.frag_id += which;
		break;
	case PROTOCOL:
		p.proto = (uint8_t)(p.proto + which);
		break;
	case FIELDS:
		break;
	}
	return p;
}

static enum weir_counter put(struct world *w, uint8_t family, enum field field, unsigned which,
			     unsigned n, struct weir_frame *whole)
{
	struct ip_packet p = piece(w, family, field, which, n);

	return reasm_put(&w->r, &p, 0, whole);
}

/* The first pieces of both, then the second ones: two packets. */
static void check_field(struct world *w, uint8_t family, enum field field)
{
	struct weir_frame whole;
	struct ip_packet p, expected;

	assert_int_equal(put(w, family, field, 0, 0, &whole), WEIR_CTR_IP_FRAGMENT);
	assert_int_equal(put(w, family, field, 1, 0, &whole), WEIR_CTR_IP_FRAGMENT);
	for (unsigned which = 0; which < 2; which++) {
		assert_int_equal(put(w, family, field, which, 1, &whole), WEIR_CTR_ACCEPTED);
		assert_int_equal(ip_in(&p, whole.bytes, whole.len), WEIR_CTR_ACCEPTED);
		expected = piece(w, family, field, which, 0);
		assert_int_equal(p.len, 2 * HALF);
		assert_memory_equal(p.payload, w->data[which], 2 * HALF);
		assert_memory_equal(&p.src, &expected.src, sizeof(p.src));
		assert_memory_equal(&p.dst, &expected.dst, sizeof(p.dst));
		assert_int_equal(p.proto, expected.proto);
	}
}

static void test_ip4(void **state)
{
	for (enum field field = SOURCE; field < FIELDS; field++)
		check_field(*state, 4, field);
}

/* In IPv6 the protocol is no part of it: the first piece alone says it (RFC 8200 4.5). */
static void test_ip6(void **state)
{
	for (enum field field = SOURCE; field < PROTOCOL; field++)
		check_field(*state, 6, field);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ip4),
		TEST(test_ip6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
