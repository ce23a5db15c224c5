/*
 * The oracle catches what it should: each rule of the tap with one segment that breaks it, each
 * rule of the streams with one call that breaks it, and whole runs in which the network cheats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/be.h"
#include "paper.h"
#include "plain.h"
#include "sim/scenario.h"

#define MS 1000000ull

/* --- The wire --------------------------------------------------------------------------------- */

static void test_good_talk_passes(void **state)
{
	static const struct written good[] = {
		{0, TCP_ACK, 1, 1, 60, 500, PLAIN},
		{1, TCP_ACK, 1, 61, 0, 20, PLAIN},
		{0, TCP_ACK, 61, 1, 20, 500, PLAIN}, /* up to the edge */
		{1, TCP_ACK, 1, 81, 0, 0, PLAIN},
		{0, TCP_ACK, 81, 1, 1, 500, PLAIN}, /* a window probe */
		{1, TCP_ACK, 1, 82, 60, 300, PLAIN},
		{0, TCP_ACK, 1, 61, 60, 440, PLAIN}, /* sent again */
		{0, TCP_ACK | TCP_FIN | TCP_PSH, 82, 61, 19, 440, PLAIN},
		{1, TCP_ACK | TCP_FIN, 61, 102, 40, 0, PLAIN}, /* no window: all is here */
		{0, TCP_ACK, 102, 102, 0, 0, PLAIN},
		{0, TCP_RST, 7777, 0, 0, 0, PLAIN},
	};
	struct paper p;

	(void)state;
	paper_init(&p);
	paper_handshake(&p);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		paper_pass(&p, &good[i]);
	if (p.oracle.failed)
		fail_msg("%s", p.oracle.text);
	sim_talks_free(&p.talks);
}

/* Each breaks one rule after a good handshake. */
static const struct {
	struct written segment;
	const char *text;
} wrong[] = {
	{{0, TCP_ACK, 1, 1, 60, 500, WRONG_SUM}, "TCP checksum wrong"},
	{{0, TCP_ACK, 1, 1, 60, 500, WRONG_BYTE}, "not the application's bytes"},
	{{0, TCP_ACK, 1, 1, 60, 500, WRONG_PORT}, "a segment of no connection"},
	{{0, TCP_ACK, 1, 1, 0, 500, RESERVED}, "reserved bits set"},
	{{0, TCP_ACK, 1, 1, 0, 500, OPT_MSS}, "an option of SYNs on another segment"},
	{{0, TCP_ACK, 1, 1, 0, 500, OPT_TS}, "timestamp though not negotiated"},
	{{0, TCP_ACK, 1, 1, 0, 500, OPT_SACK}, "SACK blocks though not negotiated"},
	{{0, TCP_ACK, 1, 1, 61, 500, PLAIN}, "larger than the peer's MSS"},
	{{0, TCP_SYN | TCP_FIN, 0, 0, 0, 500, PLAIN}, "SYN with FIN or RST"},
	{{0, TCP_SYN | TCP_ECE, 0, 0, 0, 500, PLAIN}, "flags of ECN that are reserved"},
	{{0, TCP_RST | TCP_CWR, 1, 0, 0, 500, PLAIN}, "an RST with flags of ECN"},
	{{0, TCP_FIN, 1, 0, 0, 500, PLAIN}, "neither ACK, SYN nor RST"},
	{{0, TCP_ACK, 2, 1, 1, 500, PLAIN}, "a hole before"},
	{{0, TCP_ACK, 1, 2, 0, 500, PLAIN}, "acknowledges what was never sent"},
	{{0, TCP_ACK, 1, 0, 0, 500, PLAIN}, "acknowledgement goes back"},
	{{0, TCP_ACK, 1, 1, 0, 499, PLAIN}, "the window's right edge moves left"},
	{{0, TCP_ACK, 1, 1, 0, 1001, PLAIN}, "the window is larger than the buffer"},
	{{0, TCP_ACK | TCP_FIN, 1, 1, 60, 500, PLAIN}, "FIN not behind the last byte"},
};

static void test_each_rule_of_the_tap(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct paper p;

		paper_init(&p);
		paper_handshake(&p);
		assert_false(p.oracle.failed);
		paper_pass(&p, &wrong[i].segment);
		if (!p.oracle.failed || strstr(p.oracle.text, wrong[i].text) == NULL)
			fail_msg("wanted \"%s\", got \"%s\"", wrong[i].text, p.oracle.text);
		sim_talks_free(&p.talks);
	}
}

/* Two segments are needed for these. */
static void test_window_and_stream_end(void **state)
{
	static const struct written fill[] = {
		{0, TCP_ACK, 1, 1, 60, 500, PLAIN},
		{0, TCP_ACK, 61, 1, 21, 500, PLAIN}, /* the edge is at 81 */
	};
	static const struct written more[] = {
		{1, TCP_ACK, 1, 1, 0, 500, PLAIN},
		{0, TCP_ACK, 1, 1, 60, 500, PLAIN},
		{0, TCP_ACK, 61, 1, 41, 500, PLAIN}, /* byte 101 was never given */
	};
	struct paper p;

	(void)state;
	paper_init(&p);
	paper_handshake(&p);
	paper_pass(&p, &fill[0]);
	assert_false(p.oracle.failed);
	paper_pass(&p, &fill[1]);
	assert_non_null(strstr(p.oracle.text, "beyond the peer's window"));
	sim_talks_free(&p.talks);

	paper_init(&p);
	paper_handshake(&p);
	paper_pass(&p, &more[0]);
	paper_pass(&p, &more[1]);
	assert_false(p.oracle.failed);
	paper_pass(&p, &more[2]);
	assert_non_null(strstr(p.oracle.text, "more than the application gave"));
	sim_talks_free(&p.talks);
}

/* What is known of an end is what has reached it, in this boot of its host. */
static void test_only_what_has_come_in(void **state)
{
	static const struct written data = {0, TCP_ACK, 1, 1, 20, 500, PLAIN};
	static const struct written next = {0, TCP_ACK, 21, 1, 20, 500, PLAIN};
	static const struct written ack = {1, TCP_ACK, 1, 41, 0, 80, PLAIN};
	static const struct written syn = {0, TCP_SYN, 0, 0, 0, 500, OPT_MSS};
	static const struct written answer = {1, TCP_SYN | TCP_ACK, 0, 1, 0, 80, OPT_MSS};
	struct paper p;

	(void)state;
	paper_init(&p);
	paper_handshake(&p);
	paper_send(&p, &data); /* lost */
	paper_pass(&p, &next);
	assert_false(p.oracle.failed);
	paper_pass(&p, &ack);
	assert_non_null(strstr(p.oracle.text, "acknowledges what has not come in (1)"));
	sim_talks_free(&p.talks);

	paper_init(&p);
	paper_send(&p, &syn); /* lost */
	paper_pass(&p, &answer);
	assert_non_null(strstr(p.oracle.text, "acknowledges what has not come in (0)"));
	sim_talks_free(&p.talks);

	paper_init(&p);
	paper_pass(&p, &answer);
	assert_non_null(strstr(p.oracle.text, "acknowledges what was never sent"));
	sim_talks_free(&p.talks);

	paper_init(&p);
	paper_handshake(&p);
	p.talks.boot[1]++; /* it crashed: it cannot know of the connection */
	paper_pass(&p, &ack);
	assert_non_null(strstr(p.oracle.text, "a segment of no life since the host's boot"));
	sim_talks_free(&p.talks);
}

/* The receiver's half of silly windows, and the time an ACK may take. */
static void test_small_steps_and_late_acks(void **state)
{
	static const struct written data = {0, TCP_ACK, 1, 1, 20, 500, PLAIN};
	static const struct written next = {0, TCP_ACK, 21, 1, 20, 500, PLAIN};
	static const struct written step = {1, TCP_ACK, 1, 21, 0, 70, PLAIN};
	struct paper p;

	(void)state;
	paper_init(&p);
	paper_handshake(&p);
	paper_pass(&p, &data);
	assert_false(p.oracle.failed);
	paper_pass(&p, &step); /* the edge goes from 81 to 91 */
	assert_non_null(strstr(p.oracle.text, "a silly window"));
	sim_talks_free(&p.talks);

	paper_init(&p);
	paper_handshake(&p);
	paper_pass(&p, &data);
	p.oracle.now += 500 * MS;
	paper_pass(&p, &next);
	assert_false(p.oracle.failed);
	p.oracle.now += 1;
	paper_pass(&p, &next);
	assert_non_null(strstr(p.oracle.text, "is not acknowledged"));
	sim_talks_free(&p.talks);
}

/* --- Streams ---------------------------------------------------------------------------------- */

static void read_pattern(struct paper *p, uint64_t offset, size_t len, uint8_t flip)
{
	uint8_t bytes[2 * GIVEN];

	sim_pattern_fill(p->talk->end[1].key, offset, bytes, len);
	bytes[len - 1] ^= flip;
	sim_oracle_read(&p->oracle, p->talk, 0, bytes, len);
}

static void expect_text(struct paper *p, const char *text)
{
	if (!p->oracle.failed || strstr(p->oracle.text, text) == NULL)
		fail_msg("wanted \"%s\", got \"%s\"", text, p->oracle.text);
	sim_talks_free(&p->talks);
	paper_init(p);
}

static void test_each_rule_of_streams(void **state)
{
	struct weir_usage leak = {.pages = 1};
	struct paper p;

	(void)state;
	paper_init(&p);
	read_pattern(&p, 0, 60, 0);
	read_pattern(&p, 60, 40, 0);
	sim_oracle_eof(&p.oracle, p.talk, 0);
	assert_false(p.oracle.failed);
	read_pattern(&p, 100, 1, 0);
	expect_text(&p, "bytes after the end of stream");

	read_pattern(&p, 0, 60, 4);
	expect_text(&p, "wrong byte at offset 59");
	read_pattern(&p, 0, 60, 0);
	read_pattern(&p, 30, 40, 0); /* 30 bytes twice */
	expect_text(&p, "wrong byte at offset 60");
	read_pattern(&p, 1, 60, 0); /* one byte lost */
	expect_text(&p, "wrong byte at offset 0");
	read_pattern(&p, 0, 101, 0);
	expect_text(&p, "reads to offset 101, the peer gave 100");
	read_pattern(&p, 0, 99, 0);
	sim_oracle_eof(&p.oracle, p.talk, 0);
	expect_text(&p, "end of stream at 99");
	sim_oracle_finish(&p.oracle, p.talk);
	expect_text(&p, "waits for ever");
	sim_oracle_end(&p.oracle, p.talk, 0, WEIR_RESET);
	sim_oracle_finish(&p.oracle, p.talk);
	expect_text(&p, "never established");
	sim_oracle_usage(&p.oracle, 0, &leak);
	expect_text(&p, "leak");
	sim_talks_free(&p.talks);
}

/* A reset at the end of an orderly talk is right only if the peer's TIME-WAIT cannot have been
 * there any more when the FIN came again. */
static void test_reset_after_time_wait(void **state)
{
	struct paper p;

	(void)state;
	for (unsigned soon = 0; soon < 2; soon++) {
		paper_init(&p);
		p.oracle.timewait_ns = 60000 * MS;
		for (unsigned side = 0; side < 2; side++) {
			struct sim_end *e = &p.talk->end[side];

			e->phase = SIM_PHASE_ENDED;
			e->ever_open = e->eof = true;
			e->got = GIVEN;
		}
		p.talk->end[0].reason = WEIR_RESET;
		p.talk->wire[1].fin_gap_ns = 60000 * MS - soon;
		sim_oracle_finish(&p.oracle, p.talk);
		assert_int_equal(p.oracle.failed, soon);
		sim_talks_free(&p.talks);
	}
}

/* --- Whole runs in which the network cheats --------------------------------------------------- */

struct cheat {
	unsigned data_seen; /* data segments of host 0 so far */
	uint64_t hash;      /* of all that was on the wire */
};

static void make_run(struct sim_world *w, struct cheat *cheat,
		     void (*tamper)(void *, struct sim_world *, unsigned, struct sim_frame *))
{
	struct plain plain = {.hooks = {.user = cheat, .tamper = tamper}, .timestamps = {1, 1}};

	memset(cheat, 0, sizeof(*cheat));
	plain_world(w, &plain);
}

/* Counts data segments of host 0; true for the third. */
static bool third_data(struct cheat *c, unsigned from, const struct sim_frame *f,
		       struct sim_packet *pk)
{
	if (from != 0 || sim_packet_read(pk, f) != SIM_PACKET_TCP || pk->tcp.len == 0)
		return false;
	return ++c->data_seen == 3;
}

static void expect_run(struct sim_world *w, const char *text)
{
	bool good = sim_world_run(w);

	if (text == NULL && !good)
		fail_msg("%s", w->oracle.text);
	if (text != NULL && (good || strstr(w->oracle.text, text) == NULL))
		fail_msg("wanted \"%s\", got \"%s\"", text, w->oracle.text);
	sim_world_free(w);
}

static void test_honest_network(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, NULL);
	expect_run(&w, NULL);
}

/* A payload bit is flipped and the checksum put right: nobody but the oracle can notice. */
static void flip_and_fix(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct sim_packet pk;

	(void)w;
	if (!third_data(user, from, f, &pk))
		return;
	f->bytes[pk.l4_start + pk.tcp.hdr_len + 5] ^= 0x20;
	sim_frame_sum(f, pk.l4_start);
}

static void test_flipped_payload(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, flip_and_fix);
	expect_run(&w, "side 1: wrong byte at offset");
}

/* The same flip without the fix: TCP repairs it. */
static void flip_only(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct sim_packet pk;

	(void)w;
	if (third_data(user, from, f, &pk))
		f->bytes[pk.l4_start + pk.tcp.hdr_len + 5] ^= 0x20;
}

static void test_flip_that_the_checksum_shows(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, flip_only);
	expect_run(&w, NULL);
}

static void inject_wrong_copy(struct sim_world *w, const struct sim_frame *f,
			      const struct sim_packet *pk, uint64_t delay_ns)
{
	struct sim_frame *copy = sim_frame_copy(f);

	for (uint32_t i = 0; i < pk->tcp.len; i++)
		copy->bytes[pk->l4_start + pk->tcp.hdr_len + i] ^= 0x55;
	sim_frame_sum(copy, pk->l4_start);
	sim_world_inject(w, 0, 1, copy, delay_ns);
}

/* A segment of another life of the connection arrives just before the true one. */
static void inject_before(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct sim_packet pk;

	if (third_data(user, from, f, &pk))
		inject_wrong_copy(w, f, &pk, MS / 2);
}

static void test_duplicate_with_wrong_bytes_before(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, inject_before);
	expect_run(&w, "side 1: wire: acknowledges what has not come in");
}

/* The same segment after the true one: the receiver has those bytes and takes no others. */
static void inject_after(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct sim_packet pk;

	if (third_data(user, from, f, &pk))
		inject_wrong_copy(w, f, &pk, 2 * MS);
}

static void test_duplicate_with_wrong_bytes_after(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, inject_after);
	expect_run(&w, NULL);
}

/* The path dies while data is under way: both ends end by their timeouts, and nothing leaks. */
static void die(struct sim_world *w)
{
	struct sim_link_config dead = {.delay_ns = MS, .dead_from = PLAIN_START + 5 * MS};

	sim_world_link_set(w, 0, 1, &dead);
	sim_world_link_set(w, 1, 0, &dead);
}

static void test_black_hole_ends_by_timeouts(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, NULL);
	die(&w);
	w.talks.list[0].spec.expect = SIM_EXPECT_TIMEOUT;
	assert_true(sim_world_run(&w));
	assert_true(w.talks.list[0].end[0].ever_open && w.talks.list[0].end[1].ever_open);
	assert_int_equal(w.talks.list[0].end[0].phase, SIM_PHASE_ENDED);
	assert_int_equal(w.talks.list[0].end[0].reason, WEIR_TIMEOUT);
	assert_int_equal(w.talks.list[0].end[1].reason, WEIR_TIMEOUT);
	sim_world_free(&w);
}

static void test_black_hole_is_not_intact(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, NULL);
	die(&w);
	expect_run(&w, "ended with \"connection timed out\"");
}

/* An application that never reads on keeps its connection for ever: the run's bound shows it. */
static void test_a_run_is_bounded(void **state)
{
	struct sim_world w;
	struct cheat c;

	(void)state;
	make_run(&w, &c, NULL);
	w.talks.list[0].spec.plan[1].stall_ns = 7200000 * MS;
	expect_run(&w, "not ended after");
}

static void hash_frame(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct cheat *c = user;

	c->hash = sim_mix(c->hash ^ w->oracle.now ^ from);
	for (uint32_t i = 0; i < f->len; i++)
		c->hash = sim_mix(c->hash + f->bytes[i]);
}

static uint64_t hash_of_seed(uint64_t seed)
{
	struct cheat c = {0, 0};
	struct sim_hooks hooks = {.user = &c, .tamper = hash_frame};
	struct sim_world w;

	sim_scenario_make(&w, SIM_SCENARIO_TRANSFER, seed, &hooks);
	sim_world_run(&w);
	sim_world_free(&w);
	return c.hash;
}

/* The same seed gives the same bytes at the same times. */
static void test_same_seed_same_run(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++)
		assert_true(hash_of_seed(seed) == hash_of_seed(seed));
	assert_true(hash_of_seed(1) != hash_of_seed(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_talk_passes),
		cmocka_unit_test(test_each_rule_of_the_tap),
		cmocka_unit_test(test_window_and_stream_end),
		cmocka_unit_test(test_only_what_has_come_in),
		cmocka_unit_test(test_small_steps_and_late_acks),
		cmocka_unit_test(test_each_rule_of_streams),
		cmocka_unit_test(test_reset_after_time_wait),
		cmocka_unit_test(test_honest_network),
		cmocka_unit_test(test_flipped_payload),
		cmocka_unit_test(test_flip_that_the_checksum_shows),
		cmocka_unit_test(test_duplicate_with_wrong_bytes_before),
		cmocka_unit_test(test_duplicate_with_wrong_bytes_after),
		cmocka_unit_test(test_black_hole_ends_by_timeouts),
		cmocka_unit_test(test_black_hole_is_not_intact),
		cmocka_unit_test(test_a_run_is_bounded),
		cmocka_unit_test(test_same_seed_same_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
