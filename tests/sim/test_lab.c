/*
 * What each experiment of `weir lab` claims, over RUNS seeds: with the rule nothing of what it
 * prevents happens, without it it does. And the frame: the same seed gives the same figures,
 * another one others, a run that is looked at is the run that was counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/lab/lab.h"
#include "sim/lab/world.h"

#define RUNS      50u
#define RUNS_LONG 10u /* where a run is thousands of segments, or is compared with itself */
#define SEED      2026u

static struct lab_result results;

static const struct lab_experiment *measure_runs(const char *name, uint64_t seed, uint64_t runs)
{
	const struct lab_experiment *e = lab_find(name);

	assert_non_null(e);
	lab_measure(e, seed, runs, &results);
	assert_int_equal(results.runs, runs);
	return e;
}

static const struct lab_experiment *measure(const char *name, uint64_t seed)
{
	return measure_runs(name, seed, RUNS);
}

static const struct lab_figure *find_figure(const struct lab_experiment *e, const char *variant,
					    const char *key)
{
	for (unsigned v = 0; v < e->variants; v++)
		for (unsigned c = 0; c < e->counts; c++)
			if (strcmp(e->variant[v].name, variant) == 0 &&
			    strcmp(e->count[c].key, key) == 0)
				return &results.figure[v][c];
	fail_msg("no figure %s of %s", key, variant);
	return NULL;
}

static uint64_t figure(const struct lab_experiment *e, const char *variant, const char *key)
{
	return find_figure(e, variant, key)->value;
}

/* Of a time: its mean in milliseconds. */
static uint64_t mean_ms(const struct lab_experiment *e, const char *variant, const char *key)
{
	const struct lab_figure *f = find_figure(e, variant, key);

	assert_true(f->samples > 0);
	return f->value / f->samples / 1000;
}

/* --- The claims --------------------------------------------------------------------------- */

static void test_three_segments_connect(void **state)
{
	static const struct {
		const char *variant;
		unsigned segments; /* 0: not always the same */
		unsigned ms_least, ms_most;
	} rows[] = {
		{"clean", 3, 2, 150},           {"syn-lost", 4, 1000, 1150},
		{"synack-lost", 0, 1000, 1150}, {"ack-lost", 0, 2, 700},
		{"third-data", 0, 2, 150},      {"at-once", 4, 1, 150},
	};
	const struct lab_experiment *e = measure("handshake", SEED);

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *v = rows[i].variant;

		assert_int_equal(figure(e, v, "established"), RUNS);
		assert_int_equal(figure(e, v, "numbers_agree"), RUNS);
		assert_int_equal(figure(e, v, "options_agree"), RUNS);
		if (rows[i].segments != 0)
			assert_int_equal(figure(e, v, "segments"), RUNS * rows[i].segments);
		assert_in_range(mean_ms(e, v, "established_ms"), rows[i].ms_least, rows[i].ms_most);
	}
	assert_int_equal(figure(e, "third-data", "third_with_data"), RUNS);
	assert_int_equal(figure(e, "clean", "third_with_data"), 0);
}

static void test_two_handshakes_make_ghosts(void **state)
{
	const struct lab_experiment *e = measure("two-way", SEED);

	(void)state;
	assert_int_equal(figure(e, "two-handshakes", "ghost_connections"), RUNS);
	assert_int_equal(figure(e, "two-handshakes", "ghost_bytes"), 0);
	assert_true(mean_ms(e, "two-handshakes", "ghost_held_ms") > 1000);
	assert_int_equal(figure(e, "three-handshakes", "ghost_connections"), 0);
	/* The old SYN did arrive there, and was answered. */
	assert_true(figure(e, "three-handshakes", "synacks_to_old_syn") >= RUNS);
}

static void test_half_open_queue_fills_and_drains(void **state)
{
	const struct lab_experiment *e = measure("half-open", SEED);
	uint64_t syns = figure(e, "silent", "syns");

	(void)state;
	assert_int_equal(figure(e, "silent", "runs_full"), RUNS);
	assert_true(figure(e, "silent", "syns_dropped") >= 5 * RUNS);
	assert_in_range(mean_ms(e, "silent", "drained_ms"), 63000, 64000);
	assert_in_range(mean_ms(e, "one-retry", "drained_ms"), 3000, 4000);
	assert_true(mean_ms(e, "silent", "honest_waited_ms") > 60000);
	assert_true(mean_ms(e, "one-retry", "honest_waited_ms") < 8000);
	/* Each record was begun by a SYN-ACK, sent again five times or once, and timed out. */
	assert_int_equal(figure(e, "silent", "synacks"), 6 * figure(e, "silent", "expired") + RUNS);
	assert_int_equal(figure(e, "one-retry", "synacks"),
			 2 * figure(e, "one-retry", "expired") + RUNS);
	assert_int_equal(figure(e, "answering", "accepted"), syns + RUNS);
	assert_int_equal(figure(e, "resetting", "ended_by_rst"), syns);
	assert_int_equal(figure(e, "resetting", "accepted"), RUNS);
	/* A busy application: who found no room has patience, or is reset. */
	assert_true(figure(e, "busy", "acks_overflow") >= RUNS);
	assert_true(figure(e, "busy-rst", "acks_overflow") >= RUNS);
	assert_int_equal(figure(e, "busy", "accepted") - figure(e, "busy-rst", "accepted"),
			 figure(e, "busy-rst", "acks_overflow"));
	assert_true(mean_ms(e, "busy", "drained_ms") > 10000);
	assert_true(mean_ms(e, "busy-rst", "drained_ms") < 2000);
	for (unsigned v = 0; v < e->variants; v++)
		assert_int_equal(figure(e, e->variant[v].name, "honest_served"), RUNS);
}

/* Of 16 honest clients in each run, and a queue of 128 records of 96 bytes at most. */
static void test_syn_flood_needs_cookies(void **state)
{
	const struct lab_experiment *e = measure_runs("syn-flood", SEED, RUNS_LONG);
	uint64_t tried = figure(e, "none", "honest_tried");
	uint64_t few = figure(e, "none", "tried_few");

	(void)state;
	assert_int_equal(tried, 16 * RUNS_LONG);
	assert_in_range(few, 16, tried - 16); /* both kinds of flood came */
	assert_true(figure(e, "none", "honest_served") * 10 < tried);
	assert_int_equal(figure(e, "cookies", "honest_served"), tried);
	assert_int_equal(figure(e, "all", "honest_served"), tried);
	/* A short timeout helps against both kinds, and not enough against either. */
	assert_in_range(figure(e, "short-timeout", "honest_served"), tried / 4, tried * 3 / 4);
	/* A limit for each source ends floods from few, and does nothing against the others. */
	assert_int_equal(figure(e, "source-limit", "served_few"), few);
	assert_true(figure(e, "source-limit", "served_spoofed") * 10 < tried - few);
	for (unsigned v = 0; v < e->variants; v++) {
		const char *name = e->variant[v].name;

		assert_int_equal(figure(e, name, "syns"), figure(e, "none", "syns"));
		assert_in_range(figure(e, name, "records_peak"), 1, 128);
		assert_in_range(figure(e, name, "memory_peak_bytes"), 64, 128 * 96);
	}
	assert_int_equal(figure(e, "none", "records_peak"), 128);
	assert_int_equal(figure(e, "cookies", "records_peak"), 96); /* cookie_on_pct 75 */
	assert_true(figure(e, "cookies", "syns_dropped") == 0);
	assert_int_equal(figure(e, "none", "cookies_sent"), 0);
}

static void test_four_segments_close(void **state)
{
	static const struct {
		const char *variant;
		unsigned segments, client_waits, server_waits;
	} rows[] = {
		{"by-client", 4, RUNS, 0},
		{"by-server", 4, 0, RUNS},
		{"at-once", 4, RUNS, RUNS},
		{"fin-with-ack", 3, RUNS, 0},
	};
	const struct lab_experiment *e = measure("close", SEED);

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *v = rows[i].variant;

		assert_int_equal(figure(e, v, "closed_orderly"), RUNS);
		assert_int_equal(figure(e, v, "segments"), RUNS * rows[i].segments);
		assert_int_equal(figure(e, v, "time_wait_client"), rows[i].client_waits);
		assert_int_equal(figure(e, v, "time_wait_server"), rows[i].server_waits);
		assert_int_equal(figure(e, v, "left_after_2msl"), 0);
	}
}

static void test_half_close_goes_on_receiving(void **state)
{
	const struct lab_experiment *e = measure("half-close", SEED);

	(void)state;
	assert_int_equal(figure(e, "half-close", "answers_complete"), RUNS);
	assert_int_equal(figure(e, "half-close", "bytes_after_own_fin"),
			 figure(e, "half-close", "bytes_answered"));
	assert_int_equal(figure(e, "half-close", "closed_orderly"), RUNS);
	assert_int_equal(figure(e, "half-close", "server_reset"), 0);
	assert_int_equal(figure(e, "full-close", "bytes_after_own_fin"), 0);
	assert_int_equal(figure(e, "full-close", "server_reset"), RUNS);
}

static void test_time_wait_is_needed(void **state)
{
	const struct lab_experiment *e = measure("time-wait", SEED);

	(void)state;
	assert_int_equal(figure(e, "with", "late_fin_reset"), 0);
	assert_int_equal(figure(e, "with", "late_fin_acked"), RUNS);
	assert_int_equal(figure(e, "with", "old_bytes_delivered"), 0);
	assert_int_equal(figure(e, "with", "streams_intact"), RUNS);
	assert_int_equal(figure(e, "without", "late_fin_reset"), RUNS);
	assert_true(figure(e, "without", "old_bytes_delivered") > 0);
	assert_true(figure(e, "without", "runs_with_old_bytes") > RUNS / 2);
	assert_in_range(mean_ms(e, "with", "reopened_after_ms"), 59000, 64000);
}

/* Each mechanism, and nothing but what it is for. */
static void test_reliability_needs_each_mechanism(void **state)
{
	static const char *const bytes[] = {"bytes_wrong", "bytes_lost", "bytes_twice",
					    "bytes_moved"};
	const struct lab_experiment *e = measure_runs("reliability", SEED, RUNS_LONG);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(figure(e, "all", bytes[i]), 0);
		assert_int_equal(figure(e, "no-window", bytes[i]), 0);
		assert_true((figure(e, "no-checksum", bytes[i]) > 0) == (i == 0));
	}
	assert_int_equal(figure(e, "all", "intact"), RUNS_LONG);
	assert_int_equal(figure(e, "all", "stalled"), 0);
	assert_int_equal(figure(e, "all", "deceived"), 0);
	/* Damage is of a few bytes, and nobody notices. */
	assert_true(figure(e, "no-checksum", "intact") < RUNS_LONG);
	assert_int_equal(figure(e, "no-checksum", "deceived"),
			 RUNS_LONG - figure(e, "no-checksum", "intact"));
	/* Order, copies and losses are all the sequence numbers' business. */
	assert_int_equal(figure(e, "no-sequence", "intact"), 0);
	for (unsigned i = 1; i < 4; i++)
		assert_true(figure(e, "no-sequence", bytes[i]) > 0);
	assert_int_equal(figure(e, "no-ack", "deceived"), RUNS_LONG);
	assert_int_equal(figure(e, "no-ack", "stalled"), RUNS_LONG);
	assert_int_equal(figure(e, "no-resend", "stalled"), RUNS_LONG);
	assert_int_equal(figure(e, "no-resend", "deceived"), 0);
	/* Bytes of the earlier connection, in the place of this one's. */
	assert_true(figure(e, "no-time-wait", "intact") < RUNS_LONG);
	assert_true(figure(e, "no-time-wait", "bytes_wrong") > 0);
	assert_int_equal(figure(e, "no-time-wait", "bytes_lost"), 0);
	assert_int_equal(figure(e, "all", "refused"), 0);
	assert_true(figure(e, "no-window", "refused") > 10 * RUNS_LONG);
	assert_true(mean_ms(e, "no-window", "took_ms") > mean_ms(e, "all", "took_ms"));
}

/* What must be true of any congestion control: fairness of each kind has a test of its own, over
 * more time (weir-paths fairness). */
static void test_flows_share_a_bottleneck(void **state)
{
	const struct lab_experiment *e = measure_runs("congestion", SEED, 1);

	(void)state;
	for (unsigned v = 0; v < e->variants; v++) {
		const char *name = e->variant[v].name;
		uint64_t lost = figure(e, name, "lost"), again = figure(e, name, "retransmitted");

		assert_in_range(mean_ms(e, name, "utilisation_pct"), 80, 98);
		assert_in_range(figure(e, name, "jain_index"), 500, 1000);
		assert_true(figure(e, name, "segments") > 20000);
		/* What is lost is sent again, but for the end of the run. */
		assert_true(again + 300 > lost);
		assert_true(figure(e, name, "needless") <= again);
	}
	assert_true(mean_ms(e, "codel", "queued_ms") < mean_ms(e, "cubic", "queued_ms"));
	assert_true(mean_ms(e, "ecn", "queued_ms") < mean_ms(e, "cubic", "queued_ms"));
	assert_true(figure(e, "ecn", "marked") > 50);
	assert_int_equal(figure(e, "codel", "marked"), 0);
	assert_true(2 * figure(e, "ecn", "lost") < figure(e, "codel", "lost"));
	assert_int_equal(find_figure(e, "mixed", "bbr_mbit_s")->samples, 1);
	assert_int_equal(find_figure(e, "cubic", "bbr_mbit_s")->samples, 0);
}

/* --- The frame ---------------------------------------------------------------------------- */

static void test_same_seed_same_figures(void **state)
{
	static struct lab_result first;

	(void)state;
	for (unsigned i = 0; lab_experiment(i) != NULL; i++) {
		const char *name = lab_experiment(i)->name;
		/* One is enough where a run is 100,000 segments. */
		uint64_t runs = lab_experiment(i)->runs_default != 0 ? 1 : RUNS_LONG;

		measure_runs(name, SEED, runs);
		first = results;
		measure_runs(name, SEED, runs);
		assert_memory_equal(&first, &results, sizeof(first));
		measure_runs(name, SEED + 1, runs);
		assert_memory_not_equal(first.figure, results.figure, sizeof(first.figure));
	}
}

static void test_tables_are_whole(void **state)
{
	const struct lab_experiment *e;

	(void)state;
	for (unsigned i = 0; (e = lab_experiment(i)) != NULL; i++) {
		assert_ptr_equal(lab_find(e->name), e);
		assert_in_range(e->counts, 1, LAB_COUNTS_MAX);
		assert_in_range(e->variants, 2, LAB_VARIANTS_MAX);
		assert_true(e->drawn_variant < e->variants && e->drawn_count < e->counts);
		for (unsigned l = 0; l < LAB_LANG_COUNT; l++) {
			assert_true(strlen(e->title.in[l]) > 0 && strlen(e->rule.in[l]) > 0);
			for (unsigned c = 0; c < e->counts; c++)
				assert_true(strlen(e->count[c].text.in[l]) > 0);
			for (unsigned v = 0; v < e->variants; v++)
				assert_true(strlen(e->variant[v].text.in[l]) > 0);
		}
	}
	assert_null(lab_find("nothing"));
}

struct seen {
	unsigned records, story;
	bool ghost; /* a connection of a SYN that came long after the first */
	weir_time first;
};

static void on_trace(void *user, enum lab_host host, const struct weir_trace_record *r)
{
	struct seen *s = user;

	if (s->records++ == 0)
		s->first = r->at;
	s->ghost = s->ghost ||
		   (host == LAB_SERVER && r->before == WEIR_STATE_LISTEN &&
		    r->after == WEIR_STATE_ESTABLISHED && r->at - s->first > LAB_SECOND * 2);
}

/* The telling run of the figures is the one that is drawn. */
static void test_look_sees_what_was_counted(void **state)
{
	const struct lab_experiment *e = lab_find("two-way");
	struct seen s = {.records = 0};
	struct lab_watch watch = {.user = &s, .trace = on_trace};
	struct lab_sight sight;

	(void)state;
	lab_look(e, 0, SEED, 3, &watch, &sight);
	assert_true(s.records > 20);
	assert_true(s.ghost);
	assert_int_equal(sight.path[LAB_CLIENT].state[0], WEIR_STATE_CLOSED);
	assert_int_equal(sight.path[LAB_CLIENT].state[1], WEIR_STATE_SYN_SENT);
	assert_int_equal(sight.path[LAB_SERVER].state[0], WEIR_STATE_LISTEN);
	s = (struct seen){.records = 0};
	lab_look(e, 1, SEED, 3, &watch, &sight);
	assert_false(s.ghost);
	assert_int_equal(sight.path[LAB_SERVER].state[1], WEIR_STATE_SYN_RECEIVED);
}

struct drawn {
	unsigned lines, points, lost, records;
	weir_time last;
	uint64_t highest;
};

static void on_line(void *user, unsigned panel, unsigned line, const char *name)
{
	struct drawn *d = user;

	assert_true(panel < 2 && line < 3 && strlen(name) > 0);
	d->lines++;
}

static void on_point(void *user, unsigned panel, unsigned line, weir_time at, uint64_t value)
{
	struct drawn *d = user;

	assert_true(panel < 2 && line < 3);
	d->points++;
	d->last = at > d->last ? at : d->last;
	d->highest = panel == 0 && value > d->highest ? value : d->highest;
}

static void on_lost(void *user, weir_time at, uint32_t seq, uint32_t len)
{
	struct drawn *d = user;

	(void)at;
	(void)seq;
	assert_in_range(len, 1, 1460);
	d->lost++;
}

static void on_any_trace(void *user, enum lab_host host, const struct weir_trace_record *r)
{
	struct drawn *d = user;

	(void)host;
	(void)r;
	d->records++;
}

static void test_pictures_get_lines_or_records(void **state)
{
	struct drawn d = {.lines = 0};
	struct lab_watch watch = {.user = &d, .line = on_line, .point = on_point};
	static struct lab_words story;
	struct lab_sight sight;

	(void)state;
	lab_look(lab_find("congestion"), 0, SEED, 0, &watch, &sight);
	assert_int_equal(d.lines, 6);
	assert_true(d.points > 2000);
	assert_in_range(d.last, 39 * LAB_SECOND, 40 * LAB_SECOND);
	assert_in_range(d.highest, 5000000, 21000000); /* bits a second */
	d = (struct drawn){.lines = 0};
	story = (struct lab_words){.lang = LAB_EN};
	watch = (struct lab_watch){
		.user = &d, .trace = on_any_trace, .lost = on_lost, .story = &story};
	lab_look(lab_find("reliability"), 0, SEED, 0, &watch, &sight);
	assert_true(d.records > 300);
	assert_true(d.lost > 0);
	assert_int_equal(story.len, 64);
	assert_int_equal(strspn(story.text, "="), 64);
}

static void test_words_end_where_their_room_does(void **state)
{
	static struct lab_words w;

	(void)state;
	w = (struct lab_words){.lang = LAB_EN};
	for (unsigned i = 0; i < 2 * LAB_WORDS_MAX / 4; i++)
		lab_say(&w, "%u...", i % 10);
	assert_int_equal(w.len, LAB_WORDS_MAX - 1);
	assert_int_equal(strlen(w.text), w.len);
	w = (struct lab_words){.lang = LAB_EN};
	lab_say_runs(&w, 0, 5);
	lab_say_runs(&w, 3, 5);
	lab_say_runs(&w, 5, 5);
	assert_string_equal(w.text, "in none of 5 runsin 3 of 5 runsin each of 5 runs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_segments_connect),
		cmocka_unit_test(test_two_handshakes_make_ghosts),
		cmocka_unit_test(test_half_open_queue_fills_and_drains),
		cmocka_unit_test(test_syn_flood_needs_cookies),
		cmocka_unit_test(test_four_segments_close),
		cmocka_unit_test(test_half_close_goes_on_receiving),
		cmocka_unit_test(test_time_wait_is_needed),
		cmocka_unit_test(test_reliability_needs_each_mechanism),
		cmocka_unit_test(test_flows_share_a_bottleneck),
		cmocka_unit_test(test_same_seed_same_figures),
		cmocka_unit_test(test_tables_are_whole),
		cmocka_unit_test(test_look_sees_what_was_counted),
		cmocka_unit_test(test_pictures_get_lines_or_records),
		cmocka_unit_test(test_words_end_where_their_room_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
