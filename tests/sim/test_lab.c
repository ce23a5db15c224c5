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

/* --- The frame ---------------------------------------------------------------------------- */

static void test_same_seed_same_figures(void **state)
{
	static struct lab_result first;

	(void)state;
	for (unsigned i = 0; lab_experiment(i) != NULL; i++) {
		const char *name = lab_experiment(i)->name;

		measure_runs(name, SEED, RUNS_LONG);
		first = results;
		measure_runs(name, SEED, RUNS_LONG);
		assert_memory_equal(&first, &results, sizeof(first));
		measure_runs(name, SEED + 1, RUNS_LONG);
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
		cmocka_unit_test(test_same_seed_same_figures),
		cmocka_unit_test(test_tables_are_whole),
		cmocka_unit_test(test_look_sees_what_was_counted),
		cmocka_unit_test(test_words_end_where_their_room_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
