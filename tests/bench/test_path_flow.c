/*
 * What the bench's path sees of flows: which segments were sent before, and which of these nobody
 * needed. Spans of bytes against a plain array of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/path_flow.h"
#include "bench/spans.h"

#define UNIVERSE 300u
#define FIN      1u
#define SYN      2u
#define ACK      16u

/* --- Spans --------------------------------------------------------------------------------------
 */

static void assert_same(const struct spans *s, const uint8_t *bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < UNIVERSE; i++) {
		assert_int_equal(spans_covered(s, i, i + 1), bytes[i]);
		sum += bytes[i];
	}
	assert_int_equal(spans_covered(s, 0, UNIVERSE), sum);
	for (size_t i = 0; i < s->len; i++) {
		assert_true(s->list[i].lo < s->list[i].hi);
		assert_true(i == 0 || s->list[i - 1].hi < s->list[i].lo);
	}
}

static void test_spans(void **state)
{
	uint64_t dice = 1;

	(void)state;
	for (int run = 0; run < 40; run++) {
		struct spans s = {0};
		uint8_t bytes[UNIVERSE] = {0};

		for (int step = 0; step < 120; step++) {
			uint64_t lo, hi;

			dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
			lo = (dice >> 33) % (UNIVERSE - 1);
			hi = lo + 1 + (dice >> 50) % (step % 7 == 0 ? 60 : 9);
			hi = hi > UNIVERSE ? UNIVERSE : hi;
			if (dice >> 62 == 0)
				spans_remove(&s, lo, hi);
			else
				spans_add(&s, lo, hi);
			memset(bytes + lo, dice >> 62 != 0, (size_t)(hi - lo));
			assert_same(&s, bytes);
		}
		assert_int_equal(s.left_out, 0);
		spans_free(&s);
	}
}

/* --- Flows --------------------------------------------------------------------------------------
 */

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A packet from 10.0.0.1 (fd00::1) port 1000 to .2 port 80. */
static size_t build(uint8_t *packet, unsigned family, uint32_t seq, size_t len, uint8_t flags)
{
	size_t head = family == 4 ? 20 : 40;
	uint8_t *tcp = packet + head;

	memset(packet, 0, head + 20);
	if (family == 4) {
		packet[0] = 0x45;
		put16(packet + 2, head + 20 + len);
		packet[9] = 6;
		packet[12] = packet[16] = 10;
		packet[15] = 1;
		packet[19] = 2;
	} else {
		packet[0] = 0x60;
		put16(packet + 4, 20 + len);
		packet[6] = 6;
		packet[8] = packet[24] = 0xfd;
		packet[23] = 1;
		packet[39] = 2;
	}
	put16(tcp, 1000);
	put16(tcp + 2, 80);
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq & 0xffff);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	return head + 20 + len;
}

static struct flow_piece enter(struct flows *f, unsigned family, uint32_t seq, size_t len,
			       uint8_t flags)
{
	uint8_t packet[2000];
	size_t total = build(packet, family, seq, len, flags);

	return flows_enter(f, packet, total, 0, 0);
}

static long figure(const struct flows *f, size_t row, const char *key)
{
	json_t *list = flows_json(f);
	json_t *value = json_object_get(json_array_get(list, row), key);
	long out = value != NULL ? (long)json_integer_value(value) : -1;

	json_decref(list);
	return out;
}

enum fate { REJECTED, ON_ITS_WAY, LOST_LATER, DELIVERED };

static const struct {
	const char *name;
	enum fate fate; /* of segment 1 of 3, before it is sent again */
	long retransmitted, needless, spurious;
} rows[] = {
	{"lost at the entrance", REJECTED, 1, 0, 0},
	{"still on its way", ON_ITS_WAY, 1, 1, 0},
	{"lost in the queue", LOST_LATER, 1, 0, 0},
	{"delivered", DELIVERED, 1, 1, 1},
};

static void meet(struct flows *f, const struct flow_piece *p, enum fate fate)
{
	if (fate == REJECTED) {
		flows_reject(f, p);
		return;
	}
	flows_accept(f, p);
	if (fate == LOST_LATER)
		flows_lose(f, p);
	if (fate == DELIVERED)
		flows_deliver(f, p, 1);
}

static void test_retransmissions(void **state)
{
	static const unsigned families[] = {4, 6};
	static const uint32_t isns[] = {0, 1, 0x7fffff00u, 0xfffffe00u, 0xffffffffu};

	(void)state;
	for (size_t i = 0; i < 4 * 2 * 5; i++) {
		unsigned family = families[i / 4 % 2];
		uint32_t isn = isns[i / 8];
		struct flows *f = flows_new();
		struct flow_piece p;

		(void)enter(f, family, isn, 0, SYN);
		for (uint32_t n = 0; n < 3; n++) {
			p = enter(f, family, isn + 1 + n * 1000, 1000, ACK);
			assert_int_equal(p.lo, n * 1000);
			meet(f, &p, n == 1 ? rows[i % 4].fate : DELIVERED);
		}
		p = enter(f, family, isn + 1001, 1000, ACK);
		assert_int_equal(p.lo, 1000);
		assert_int_equal(figure(f, 0, "segments"), 4);
		assert_int_equal(figure(f, 0, "retransmitted"), rows[i % 4].retransmitted);
		assert_int_equal(figure(f, 0, "needless"), rows[i % 4].needless);
		assert_int_equal(figure(f, 0, "spurious"), rows[i % 4].spurious);
		meet(f, &p, DELIVERED);
		assert_int_equal(figure(f, 0, "delivered_bytes"), 3000);
		assert_int_equal(figure(f, 0, "stream_bytes"), 3000);
		flows_free(f);
	}
}

/* One that was dropped does not take away what another copy brought, or is about to bring. */
static void test_copies(void **state)
{
	struct flows *f = flows_new();
	struct flow_piece first, again;

	(void)state;
	(void)enter(f, 4, 7, 0, SYN);
	first = enter(f, 4, 8, 1000, ACK);
	meet(f, &first, DELIVERED);
	again = enter(f, 4, 8, 1000, ACK);
	meet(f, &again, LOST_LATER);
	(void)enter(f, 4, 8, 1000, ACK);
	assert_int_equal(figure(f, 0, "needless"), 2);
	assert_int_equal(figure(f, 0, "spurious"), 2);
	first = enter(f, 4, 1008, 1000, ACK);
	meet(f, &first, ON_ITS_WAY);
	again = enter(f, 4, 1008, 1000, ACK);
	meet(f, &again, REJECTED);
	(void)enter(f, 4, 1008, 1000, ACK);
	assert_int_equal(figure(f, 0, "needless"), 4);
	assert_int_equal(figure(f, 0, "lost"), 2);
	flows_free(f);
}

/* A segment with old and new bytes is one, and is needed. */
static void test_partly_new(void **state)
{
	struct flows *f = flows_new();
	struct flow_piece p;

	(void)state;
	(void)enter(f, 4, 0, 0, SYN);
	p = enter(f, 4, 1, 1000, ACK);
	meet(f, &p, DELIVERED);
	(void)enter(f, 4, 501, 1000, ACK);
	assert_int_equal(figure(f, 0, "retransmitted"), 1);
	assert_int_equal(figure(f, 0, "needless"), 0);
	assert_int_equal(figure(f, 0, "stream_bytes"), 1500);
	flows_free(f);
}

/* The same SYN again belongs to its flow; another one begins a new one on the same ports. */
static void test_syns(void **state)
{
	struct flows *f = flows_new();

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		(void)enter(f, 4, i * 50000, 0, SYN);
		(void)enter(f, 4, i * 50000, 0, SYN);
		(void)enter(f, 4, i * 50000 + 1, 1000, ACK);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(figure(f, i, "syns"), 2);
		assert_int_equal(figure(f, i, "segments"), 1);
		assert_int_equal(figure(f, i, "retransmitted"), 0);
	}
	assert_int_equal(figure(f, 3, "syns"), -1);
	flows_free(f);
}

/* What carries no data is nobody's; what is damaged or no TCP neither. */
static void test_no_data(void **state)
{
	struct flows *f = flows_new();
	uint8_t packet[2000];
	size_t len = build(packet, 4, 1, 100, ACK);

	(void)state;
	assert_int_equal(enter(f, 4, 1, 0, ACK).flow, FLOW_NONE);
	assert_int_equal(enter(f, 4, 1, 0, FIN | ACK).flow, FLOW_NONE);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(flows_enter(f, packet, cut, 0, 0).flow, FLOW_NONE);
	packet[9] = 17;
	assert_int_equal(flows_enter(f, packet, len, 0, 0).flow, FLOW_NONE);
	(void)build(packet, 4, 1, 100, ACK);
	packet[7] = 1; /* a later fragment */
	assert_int_equal(flows_enter(f, packet, len, 0, 0).flow, FLOW_NONE);
	(void)build(packet, 4, 1, 100, ACK);
	packet[32] = 0xf0; /* a header longer than the packet... */
	put16(packet + 2, 60);
	assert_int_equal(flows_enter(f, packet, len, 0, 0).flow, FLOW_NONE);
	assert_int_equal(figure(f, 0, "segments"), -1);
	flows_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans),  cmocka_unit_test(test_retransmissions),
		cmocka_unit_test(test_copies), cmocka_unit_test(test_partly_new),
		cmocka_unit_test(test_syns),   cmocka_unit_test(test_no_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
