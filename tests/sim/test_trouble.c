/*
 * What befalls hosts and links at a time: crashes, cuts, MTUs that fall, errors of routers, marks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define MS      1000000ull
#define PACKETS 10000u

/* --- Links ------------------------------------------------------------------------------------ */

static struct sim_fate fate_of(struct sim_link *l, weir_time now, size_t len)
{
	struct sim_fate f;

	memset(&f, 0, sizeof(f));
	sim_link_decide(l, now, len, len, &f);
	return f;
}

static void test_losses_in_a_row(void **state)
{
	const struct sim_link_config cfg = {
		.burst_ppm = 10000, .burst_max = 20, .dead_from = WEIR_NEVER};
	unsigned row = 0, longest = 0, lost = 0;
	struct sim_link l;

	(void)state;
	sim_link_init(&l, &cfg, 3);
	for (unsigned i = 0; i < PACKETS; i++) {
		row = fate_of(&l, i * MS, 100).kind == SIM_FATE_LOST ? row + 1 : 0;
		lost += row > 0;
		longest = row > longest ? row : longest;
	}
	assert_in_range(longest, 15, 60); /* one run may follow another */
	assert_in_range(lost, PACKETS / 20, PACKETS / 5);
	/* A run ends with its time, however few packets come. */
	sim_link_init(&l, &cfg, 3);
	l.burst_left = 20;
	l.burst_until = 300 * MS;
	assert_int_equal(fate_of(&l, 0, 100).kind, SIM_FATE_LOST);
	assert_int_equal(fate_of(&l, 299 * MS, 100).kind, SIM_FATE_LOST);
	assert_int_equal(fate_of(&l, 300 * MS, 100).kind, SIM_FATE_ARRIVES);
}

static void test_a_small_mtu(void **state)
{
	struct sim_link_config cfg = {.mtu = 1000, .dead_from = WEIR_NEVER};
	struct sim_link l;
	struct sim_fate f;

	(void)state;
	for (unsigned silent = 0; silent < 2; silent++) {
		cfg.silent = silent;
		sim_link_init(&l, &cfg, 1);
		assert_int_equal(fate_of(&l, 0, 1000).kind, SIM_FATE_ARRIVES);
		f = fate_of(&l, 0, 1001);
		assert_int_equal(f.kind, SIM_FATE_TOO_BIG);
		assert_int_equal(f.tells, !silent);
		assert_int_equal(f.error, SIM_ICMP_TOO_BIG);
	}
	sim_link_decide(&l, 0, 5000, 1000, &f); /* pieces that fit */
	assert_int_equal(f.kind, SIM_FATE_ARRIVES);
}

static void test_errors_of_routers(void **state)
{
	const struct sim_link_config cfg = {.error_ppm = SIM_PPM,
					    .error_last = SIM_ICMP_SOFT_COUNT - 1,
					    .dead_from = WEIR_NEVER};
	unsigned seen = 0;
	struct sim_link l;

	(void)state;
	sim_link_init(&l, &cfg, 1);
	for (unsigned i = 0; i < 100; i++) {
		struct sim_fate f = fate_of(&l, 0, 100);

		assert_int_equal(f.kind, SIM_FATE_REFUSED);
		assert_true(f.tells && f.copies == 0);
		seen |= 1u << f.error;
	}
	assert_int_equal(seen, (1u << SIM_ICMP_SOFT_COUNT) - 1);
}

static void mark_many(struct sim_link *l, uint8_t family)
{
	unsigned seen = 0, ce = 0;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct sim_frame *f = sim_frame_new(60);
		uint8_t ecn;

		if (family == 4) {
			struct ip4_hdr h = {.total_len = 60, .tos = 0x2a, .ttl = 9, .proto = 17};

			ip4_emit(f->bytes, &h);
			sim_link_mark(l, f);
			assert_int_equal(ip4_parse(&h, f->bytes, f->len), 0);
			assert_int_equal(h.tos >> 2, 0x2a >> 2);
			ecn = h.tos & 3;
		} else {
			struct ip6_hdr h = {
				.payload_len = 20, .tclass = 0x2a, .hop_limit = 9, .next = 17};

			ip6_emit(f->bytes, &h);
			sim_link_mark(l, f);
			assert_int_equal(ip6_parse(&h, f->bytes, f->len), IP6_OK);
			assert_int_equal(h.tclass >> 2, 0x2a >> 2);
			ecn = h.tclass & 3;
		}
		seen |= 1u << ecn;
		ce += ecn == 3;
		sim_frame_free(f);
	}
	assert_int_equal(seen, 15);
	assert_in_range(ce, PACKETS / 2, PACKETS);
}

/* Only the ECN field changes, to anything, and most of what was capable is marked. */
static void test_marks(void **state)
{
	const struct sim_link_config cfg = {.dead_from = WEIR_NEVER};
	struct sim_link l;

	(void)state;
	sim_link_init(&l, &cfg, 1);
	mark_many(&l, 4);
	mark_many(&l, 6);
}

/* --- Cuts and MTUs in a run ------------------------------------------------------------------- */

static void begin(struct sim_world *w)
{
	struct plain plain = {.timestamps = {1, 1}};

	plain_world(w, &plain);
}

static void expect_whole(struct sim_world *w)
{
	if (!sim_world_run(w))
		fail_msg("%s", w->oracle.text);
}

/* Nothing gets through for a second; then everything goes on. */
static void test_a_cut_is_overcome(void **state)
{
	struct sim_world w;

	(void)state;
	begin(&w);
	sim_world_trouble_add(&w, &(struct sim_trouble){.kind = SIM_TROUBLE_CUT,
							.at = 4 * MS,
							.for_ns = 1000 * MS,
							.from = 0,
							.to = 1});
	expect_whole(&w);
	assert_true(sim_world_link(&w, 0, 1)->stats.swallowed > 0);
	assert_int_equal(sim_world_link(&w, 1, 0)->stats.swallowed, 0);
	sim_world_free(&w);
}

/* The path's MTU falls while 20,000 bytes are sent: the router tells, and smaller segments go. */
static void test_a_fall_of_the_mtu_is_overcome(void **state)
{
	struct sim_world w;

	(void)state;
	begin(&w);
	sim_world_trouble_add(&w, &(struct sim_trouble){.kind = SIM_TROUBLE_MTU,
							.at = 3 * MS,
							.for_ns = WEIR_NEVER,
							.from = 0,
							.to = 1,
							.mtu = 600});
	expect_whole(&w);
	assert_true(sim_world_link(&w, 0, 1)->stats.too_big > 0);
	assert_true(weir_counter_get(w.host[0].stack, WEIR_CTR_ICMP_PMTU) > 0);
	sim_world_free(&w);
}

/* --- Crashes ---------------------------------------------------------------------------------- */

static void crash(struct sim_world *w, unsigned host, uint64_t at_ms, uint64_t for_ms)
{
	w->talks.list[0].spec.expect = SIM_EXPECT_ANY;
	w->talks.list[0].spec.plan[!host].keepalive = 1;
	sim_world_trouble_add(w, &(struct sim_trouble){.kind = SIM_TROUBLE_CRASH,
						       .at = at_ms * MS,
						       .for_ns = for_ms * MS,
						       .host = host});
}

/* Host 1 forgets the connection: host 0 hears an RST, for its next segment or its probe. */
static void test_a_crash_resets_the_other_end(void **state)
{
	struct sim_world w;

	(void)state;
	for (unsigned host = 0; host < 2; host++) {
		begin(&w);
		crash(&w, host, 5, 20);
		expect_whole(&w);
		assert_int_equal(w.talks.boot[host], 1);
		assert_true(w.talks.list[0].end[host].lost);
		assert_int_equal(w.talks.list[0].end[!host].reason, WEIR_RESET);
		sim_world_free(&w);
	}
}

/* A host that does not come back: the other end ends by its timers. */
static void test_a_crash_for_good(void **state)
{
	struct sim_world w;

	(void)state;
	begin(&w);
	w.talks.list[0].spec.expect = SIM_EXPECT_ANY;
	sim_world_trouble_add(&w, &(struct sim_trouble){.kind = SIM_TROUBLE_CRASH,
							.at = 5 * MS,
							.for_ns = WEIR_NEVER,
							.host = 1});
	expect_whole(&w);
	assert_int_equal(w.talks.list[0].end[0].reason, WEIR_TIMEOUT);
	sim_world_free(&w);
}

/* The opener comes back and opens with the same port, while the other end still holds the former
 * connection, and while segments of that are under way; the new one's streams arrive whole. */
static void test_the_same_ports_after_a_crash(void **state)
{
	struct sim_link_config slow = {.delay_ns = 30 * MS, .dead_from = WEIR_NEVER};
	struct sim_talk_spec again;
	struct sim_world w;

	(void)state;
	begin(&w);
	sim_world_link_set(&w, 0, 1, &slow);
	w.talks.list[0].spec.port[0] = w.talks.list[0].at[0].port = 5000;
	crash(&w, 0, 50, 1);
	again = w.talks.list[0].spec;
	again.expect = SIM_EXPECT_INTACT;
	again.after = 0;
	again.hasty = true;
	again.open_at = 2 * MS;
	sim_world_talk_add(&w, &again);
	expect_whole(&w);
	assert_true(w.talks.list[0].end[0].lost);
	assert_int_equal(w.talks.list[0].end[1].reason, WEIR_RESET);
	assert_int_equal(w.talks.list[1].end[0].got, 5000);
	assert_int_equal(w.talks.list[1].end[1].got, 20000);
	sim_world_free(&w);
}

/* Listeners that are closed for a time: a SYN is refused then, and accepted afterwards. */
static void test_deaf_hosts_refuse(void **state)
{
	(void)state;
	for (unsigned late = 0; late < 2; late++) {
		struct sim_world w;

		begin(&w);
		w.talks.list[0].spec.expect = late ? SIM_EXPECT_REFUSED : SIM_EXPECT_INTACT;
		sim_world_trouble_add(&w, &(struct sim_trouble){.kind = SIM_TROUBLE_DEAF,
								.at = 0,
								.for_ns = late ? 5 * MS : MS,
								.host = 1});
		expect_whole(&w);
		sim_world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_losses_in_a_row),
		cmocka_unit_test(test_a_small_mtu),
		cmocka_unit_test(test_errors_of_routers),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_a_cut_is_overcome),
		cmocka_unit_test(test_a_fall_of_the_mtu_is_overcome),
		cmocka_unit_test(test_a_crash_resets_the_other_end),
		cmocka_unit_test(test_a_crash_for_good),
		cmocka_unit_test(test_the_same_ports_after_a_crash),
		cmocka_unit_test(test_deaf_hosts_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
