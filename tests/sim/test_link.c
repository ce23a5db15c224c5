/*
 * The simulated link: the same seed gives the same fates, rates are near what is asked for (exact
 * for these seeds, so the bounds can be narrow), a plain link is a FIFO with the right timing, and
 * damage never goes unnoticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/be.h"
#include "sim/link.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define PACKETS 100000u
#define MS      1000000ull

static const struct sim_link_config rough = {.rate_bits = 100000000,
					     .delay_ns = 5 * MS,
					     .loss_ppm = 20000,
					     .dup_ppm = 30000,
					     .reorder_ppm = 50000,
					     .corrupt_ppm = 10000,
					     .spread_ns = 10 * MS,
					     .dead_from = WEIR_NEVER};

static void test_same_seed_same_fates(void **state)
{
	struct sim_link a, b, c;
	struct sim_fate fa, fb, fc;
	unsigned differ = 0;

	(void)state;
	sim_link_init(&a, &rough, 7);
	sim_link_init(&b, &rough, 7);
	sim_link_init(&c, &rough, 8);
	for (unsigned i = 0; i < PACKETS; i++) {
		memset(&fa, 0, sizeof(fa));
		memset(&fb, 0, sizeof(fb));
		sim_link_decide(&a, i * MS, 1500, 1500, &fa);
		sim_link_decide(&b, i * MS, 1500, 1500, &fb);
		sim_link_decide(&c, i * MS, 1500, 1500, &fc);
		assert_memory_equal(&fa, &fb, sizeof(fa));
		differ += fa.kind != fc.kind;
	}
	assert_memory_equal(&a.stats, &b.stats, sizeof(a.stats));
	assert_true(differ > PACKETS / 100);
}

/* Five standard deviations of a binomial count are below `slack` here. */
static void near(uint64_t count, uint64_t of, uint32_t ppm, uint64_t slack)
{
	uint64_t want = of * ppm / SIM_PPM;

	assert_in_range(count, want - slack, want + slack);
}

static void test_rates(void **state)
{
	struct sim_link l;
	struct sim_fate f;
	uint64_t survivors;

	(void)state;
	sim_link_init(&l, &rough, 1);
	for (unsigned i = 0; i < PACKETS; i++)
		sim_link_decide(&l, i * MS, 1500, 1500, &f);
	survivors = PACKETS - l.stats.lost;
	near(l.stats.lost, PACKETS, rough.loss_ppm, 230);
	near(l.stats.reordered, survivors, rough.reorder_ppm, 350);
	near(l.stats.duplicated, survivors, rough.dup_ppm, 280);
	near(l.stats.damaged, l.stats.copies, rough.corrupt_ppm, 170);
	assert_int_equal(l.stats.copies, survivors + l.stats.duplicated);
	assert_int_equal(l.stats.packets, PACKETS);
	assert_int_equal(l.stats.bytes, PACKETS * 1500ull);
}

/* Five packets at once: they leave one after the other, the queue takes three, and all is in order.
 * 1,250 bytes at 10 Mbit/s last 1 ms. */
static void test_fifo_and_queue(void **state)
{
	struct sim_link_config cfg = {.rate_bits = 10000000,
				      .delay_ns = 7 * MS,
				      .queue_bytes = 3750,
				      .dead_from = WEIR_NEVER};
	struct sim_link l;
	struct sim_fate f;

	(void)state;
	sim_link_init(&l, &cfg, 1);
	for (unsigned i = 0; i < 5; i++) {
		sim_link_decide(&l, 100 * MS, 1250, 1250, &f);
		if (i >= 3) {
			assert_int_equal(f.kind, SIM_FATE_OVERFLOWED);
			assert_int_equal(f.copies, 0);
			continue;
		}
		assert_int_equal(f.kind, SIM_FATE_ARRIVES);
		assert_int_equal(f.copies, 1);
		assert_int_equal(f.copy[0].at, (100 + i + 1 + 7) * MS);
		assert_false(f.copy[0].damaged);
	}
	/* 1.5 ms later there is room for one more, behind the two that wait. */
	sim_link_decide(&l, 100 * MS + 1500000, 1250, 1250, &f);
	assert_int_equal(f.kind, SIM_FATE_ARRIVES);
	assert_int_equal(f.copy[0].at, (103 + 1 + 7) * MS);
	assert_int_equal(l.stats.overflowed, 2);
}

static void test_held_back_within_spread(void **state)
{
	struct sim_link_config cfg = {.delay_ns = 10 * MS,
				      .dup_ppm = SIM_PPM,
				      .reorder_ppm = SIM_PPM,
				      .spread_ns = 4 * MS,
				      .dead_from = WEIR_NEVER};
	unsigned overtaken = 0;
	weir_time last = 0;
	struct sim_link l;
	struct sim_fate f;

	(void)state;
	sim_link_init(&l, &cfg, 3);
	for (unsigned i = 0; i < 1000; i++) {
		weir_time now = i * MS;

		sim_link_decide(&l, now, 100, 100, &f);
		assert_int_equal(f.copies, 2);
		assert_in_range(f.copy[0].at, now + 10 * MS + 1, now + 14 * MS);
		assert_in_range(f.copy[1].at, f.copy[0].at, f.copy[0].at + 4 * MS);
		overtaken += f.copy[0].at < last;
		last = f.copy[0].at;
	}
	assert_in_range(overtaken, 200, 400);
}

static void test_black_hole(void **state)
{
	struct sim_link_config cfg = {.dead_from = 50};
	struct sim_link l;
	struct sim_fate f;

	(void)state;
	sim_link_init(&l, &cfg, 3);
	sim_link_decide(&l, 49, 100, 100, &f);
	assert_int_equal(f.kind, SIM_FATE_ARRIVES);
	sim_link_decide(&l, 50, 100, 100, &f);
	assert_int_equal(f.kind, SIM_FATE_SWALLOWED);
	assert_int_equal(l.stats.swallowed, 1);
}

/* A data segment with right checksums and `len` bytes of payload. */
static struct sim_frame *make_packet(uint8_t family, size_t len)
{
	size_t ip_len = family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN;
	struct sim_frame *f = sim_frame_new(ip_len + TCP_HDR_LEN + len);
	struct ip4_hdr h4 = {
		{10, 0, 0, 1}, {10, 0, 0, 2}, (uint16_t)f->len, 77, 0, 20, 0, 64, IP_PROTO_TCP,
		true,          false};
	struct ip6_hdr h6 = {{0xfd, [15] = 1},
			     {0xfd, [15] = 2},
			     0,
			     (uint16_t)(f->len - 40),
			     0,
			     64,
			     IP_PROTO_TCP,
			     IP_PROTO_TCP,
			     40,
			     0,
			     false,
			     false,
			     0};
	struct tcp_seg seg = {.seq = {12345},
			      .ack = {6789},
			      .wnd = 1000,
			      .src_port = 4000,
			      .dst_port = 80,
			      .flags = TCP_ACK | TCP_PSH};

	if (family == 4)
		ip4_emit(f->bytes, &h4);
	else
		ip6_emit(f->bytes, &h6);
	tcp_emit(f->bytes + ip_len, &seg, TCP_OPT_ORDER_LINUX);
	sim_pattern_fill(5, 0, f->bytes + ip_len + TCP_HDR_LEN, len);
	sim_frame_sum(f, ip_len);
	return f;
}

/* IPv6 bytes that carry no meaning for the receiver: traffic class, flow label and hop limit. */
static bool only_harmless(const struct sim_frame *a, const struct sim_frame *b)
{
	for (size_t i = 0; i < a->len; i++)
		if (a->bytes[i] != b->bytes[i] && !(i >= 1 && i <= 3) && i != 7 &&
		    !(i == 0 && (a->bytes[0] ^ b->bytes[0]) < 0x10))
			return false;
	return true;
}

static void damage_many(uint8_t family, unsigned *harmless)
{
	struct sim_frame *f = make_packet(family, 60);
	struct sim_packet pk;
	struct sim_link l;

	assert_int_equal(sim_packet_read(&pk, f), SIM_PACKET_TCP);
	sim_link_init(&l, &rough, 99);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct sim_frame *copy = sim_frame_copy(f);

		sim_link_damage(&l, copy);
		assert_memory_not_equal(copy->bytes, f->bytes, f->len);
		if (family == 6 && only_harmless(f, copy))
			++*harmless;
		else
			assert_int_not_equal(sim_packet_read(&pk, copy), SIM_PACKET_TCP);
		sim_frame_free(copy);
	}
	sim_frame_free(f);
}

static void test_damage_is_always_noticed(void **state)
{
	unsigned harmless = 0;

	(void)state;
	damage_many(4, &harmless);
	assert_int_equal(harmless, 0);
	damage_many(6, &harmless);
	assert_in_range(harmless, 1, PACKETS / 20);
}

static void test_pattern(void **state)
{
	uint8_t whole[1000], piece[100];

	(void)state;
	sim_pattern_fill(42, 0, whole, sizeof(whole));
	for (size_t at = 0; at + sizeof(piece) <= sizeof(whole); at += 13) {
		sim_pattern_fill(42, at, piece, sizeof(piece));
		assert_memory_equal(piece, whole + at, sizeof(piece));
		assert_int_equal(sim_pattern_compare(42, at, piece, sizeof(piece)), sizeof(piece));
		assert_true(sim_pattern_compare(42, at + 1, piece, sizeof(piece)) < 8);
		assert_true(sim_pattern_compare(43, at, piece, sizeof(piece)) < 8);
		piece[77] ^= 1;
		assert_int_equal(sim_pattern_compare(42, at, piece, sizeof(piece)), 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_fates),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_fifo_and_queue),
		cmocka_unit_test(test_held_back_within_spread),
		cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_damage_is_always_noticed),
		cmocka_unit_test(test_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
