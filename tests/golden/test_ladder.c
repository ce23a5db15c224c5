/*
 * Records in, ladder out: each tests/golden/NAME.trace gives NAME.txt (UTF-8) and NAME.ascii.txt at
 * 100 columns. WEIR_GOLDEN_UPDATE=1 writes the files anew; the change is then seen in review.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/script.h"
#include "weir/sink.h"

static const char *const cases[] = {
	"handshake", "active_close", "retransmit",  "refused",  "reset",
	"bulk",      "simultaneous", "zero_window", "disorder", "recovery",
};

static const char *name_of(void *user, const struct weir_endpoint *e)
{
	(void)user;
	return e->addr.bytes[3] == 1 && e->addr.family == 4 && e->port == 80 ? "weir.test" : NULL;
}

static void feed(void *user, const struct weir_trace_record *r)
{
	weir_ladder_feed(user, r);
}

static struct weir_ladder_args args_of(enum weir_charset charset, unsigned width)
{
	return (struct weir_ladder_args){
		.local_name = "weir",
		.remote_name = "curl",
		.name_of = name_of,
		.charset = charset,
		.width = width,
	};
}

/* The ladder of a script as text, which the caller frees. */
static char *ladder_of(const char *script, const struct weir_ladder_args *args)
{
	struct weir_ladder *l = weir_ladder_new(args);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	weir_time last;

	assert_non_null(l);
	assert_non_null(out);
	last = script_run(script, feed, l);
	weir_ladder_print(l, out, NULL, last);
	weir_ladder_free(l);
	fclose(out);
	return text;
}

static char *ladder_of_file(const char *name, const struct weir_ladder_args *args)
{
	char file[64], *script, *text;

	snprintf(file, sizeof(file), "%s.trace", name);
	script = script_read_file(file);
	assert_non_null(script);
	text = ladder_of(script, args);
	free(script);
	return text;
}

/* --- Golden files ----------------------------------------------------------------------------- */

static void show_line(const char *mark, const char *s)
{
	print_error("%s%.*s\n", mark, (int)strcspn(s, "\n"), s);
}

static const char *next_line(const char *s)
{
	s += strcspn(s, "\n");
	return *s ? s + 1 : s;
}

static void show_difference(const char *want, const char *got)
{
	for (int line = 1, shown = 0; (*want || *got) && shown < 20; line++) {
		size_t n = strcspn(want, "\n"), m = strcspn(got, "\n");

		if (n != m || strncmp(want, got, n) != 0) {
			print_error("line %d\n", line);
			show_line("  -", want);
			show_line("  +", got);
			shown++;
		}
		want = next_line(want);
		got = next_line(got);
	}
}

static void write_golden(const char *file, const char *text)
{
	FILE *f = fopen(script_path(file), "we");

	assert_non_null(f);
	assert_int_equal(0, fputs(text, f) < 0);
	assert_int_equal(0, fclose(f));
}

static void compare(const char *name, const char *suffix, const struct weir_ladder_args *args)
{
	char file[64], *want, *got = ladder_of_file(name, args);
	bool same;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	if (getenv("WEIR_GOLDEN_UPDATE"))
		write_golden(file, got);
	want = script_read_file(file);
	if (!want)
		fail_msg("%s is missing: WEIR_GOLDEN_UPDATE=1 writes it", file);
	same = strcmp(want, got) == 0;
	if (!same)
		show_difference(want, got);
	free(want);
	free(got);
	if (!same)
		fail_msg("the ladder differs from %s", file);
}

static void golden_utf8(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_UTF8, 100);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		compare(cases[i], ".txt", &args);
}

static void golden_ascii(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_ASCII, 100);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		compare(cases[i], ".ascii.txt", &args);
}

/* --- What holds for all of them --------------------------------------------------------------- */

/* Columns of the line at `s`, colour sequences not counted. */
static unsigned line_columns(const char *s)
{
	unsigned cols = 0;

	for (; *s && *s != '\n'; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else if (((unsigned char)*s & 0xc0) != 0x80)
			cols++;
	}
	return cols;
}

static void assert_lines_fit(const char *text, unsigned width)
{
	for (; *text; text = next_line(text)) {
		if (line_columns(text) <= width)
			continue;
		show_line("too long: ", text);
		fail_msg("%u columns, %u are allowed", line_columns(text), width);
	}
}

static void no_line_is_too_long(void **state)
{
	static const unsigned widths[] = {72, 80, 100, 132, 200};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
			struct weir_ladder_args args = args_of(WEIR_CHARSET_UTF8, widths[w]);
			char *text;

			args.remote_name = "a-program-with-a-name-that-does-not-end";
			args.colour = w % 2 ? WEIR_COLOUR_ALWAYS : WEIR_COLOUR_NEVER;
			text = ladder_of_file(cases[i], &args);
			assert_true(strlen(text) > 500);
			assert_lines_fit(text, widths[w]);
			free(text);
		}
	}
}

static void ascii_is_ascii_without_escapes(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_ASCII, 100);

	(void)state;
	args.remote_name = "c\033url\xff";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = ladder_of_file(cases[i], &args);

		for (const char *s = text; *s; s++)
			assert_true(*s == '\n' || (*s >= 0x20 && *s < 0x7f));
		assert_non_null(strstr(text, "c?url?"));
		free(text);
	}
}

static void colour_changes_nothing_but_colour(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_UTF8, 100);
	char *plain, *coloured, *to;

	(void)state;
	plain = ladder_of_file("retransmit", &args);
	args.colour = WEIR_COLOUR_ALWAYS;
	coloured = ladder_of_file("retransmit", &args);
	assert_non_null(strstr(coloured, "\033[33m"));
	to = coloured;
	for (const char *s = coloured; *s; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else
			*to++ = *s;
	}
	*to = '\0';
	assert_string_equal(plain, coloured);
	free(plain);
	free(coloured);
}

/* --- Bounds ----------------------------------------------------------------------------------- */

#define FLOW_LINE "flow %u 10.0.0.2:%u 10.0.0.1:80 irs=1000 iss=770000\n"

static void rows_beyond_the_limit_are_counted(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_ASCII, 100);
	char *script = calloc(1, 100000), *at = script, *text;

	(void)state;
	assert_non_null(script);
	at += sprintf(at, FLOW_LINE, 1, 40000);
	/* Each is odd, so none is folded. */
	for (unsigned i = 0; i < 100; i++)
		at += sprintf(at, "%u in A seq=%u len=1 ESTABLISHED>ESTABLISHED out-of-order\n", i,
			      1000 + i);
	args.rows_max = 40;
	text = ladder_of(script, &args);
	assert_non_null(strstr(text, "60 rows were not kept"));
	assert_non_null(strstr(text, "seq=1000 ")); /* the first 30 */
	assert_non_null(strstr(text, "seq=1029 "));
	assert_null(strstr(text, "seq=1030 "));
	assert_null(strstr(text, "seq=1089 "));
	assert_non_null(strstr(text, "seq=1090 ")); /* the last 10 */
	assert_non_null(strstr(text, "seq=1099 "));
	free(text);
	free(script);
}

static void flows_beyond_the_limit_are_counted(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_ASCII, 100);
	char *script = calloc(1, 100000), *at = script, *text;

	(void)state;
	assert_non_null(script);
	for (unsigned i = 1; i <= 200; i++) {
		at += sprintf(at, FLOW_LINE, i, 40000 + i);
		at += sprintf(at, "%u in S seq=0 LISTEN>SYN-RECEIVED accepted\n", i);
		at += sprintf(at, "%u out RA seq=0 ack=1 SYN-RECEIVED>CLOSED sent-rst\n", i);
	}
	args.flows_max = 70;
	text = ladder_of(script, &args);
	assert_non_null(strstr(text, "130 more connections are not shown"));
	assert_non_null(strstr(text, "10.0.0.2:40070"));
	assert_null(strstr(text, "10.0.0.2:40071"));
	free(text);
	free(script);
}

static void strays_beyond_the_limit_are_counted(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_ASCII, 100);
	char *script = calloc(1, 100000), *at = script, *text;

	(void)state;
	assert_non_null(script);
	for (unsigned i = 1; i <= 450; i++) {
		/* Two each, which count as one entry. */
		unsigned port = 40000 + (i + 1) / 2;

		at += sprintf(at, "flow 0 10.0.0.2:%u 10.0.0.1:80 irs=0\n", port);
		at += sprintf(at, "%u in S seq=5 CLOSED>CLOSED no-owner\n", i);
	}
	text = ladder_of(script, &args);
	assert_non_null(strstr(text, "50 more packets are not shown"));
	assert_non_null(strstr(text, "10.0.0.2:40200 -> 10.0.0.1:80 SYN seq=5 len=0 x2\n"));
	assert_null(strstr(text, "10.0.0.2:40201"));
	free(text);
	free(script);
}

/* Bytes are counted once, whatever is repeated, also beyond 4 GiB. */
static void bytes_are_counted_once(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_ASCII, 100);
	char *script = calloc(1, 100000), *at = script, *text;
	uint32_t seq = 1;

	(void)state;
	assert_non_null(script);
	at += sprintf(at, FLOW_LINE, 1, 40000);
	at += sprintf(at, "0 in S seq=0 LISTEN>SYN-RECEIVED accepted\n");
	at += sprintf(at, "0 out SA seq=0 ack=1 SYN-RECEIVED>SYN-RECEIVED sent-synack\n");
	at += sprintf(at, "0 in A seq=1 ack=1 SYN-RECEIVED>ESTABLISHED accepted\n");
	for (unsigned i = 0; i < 70; i++) {
		at += sprintf(at,
			      "bulk %u in seq=%u count=1000 len=65000 acks=1000 step=0.0001 "
			      "bare ESTABLISHED\n",
			      i + 1, seq);
		seq += 65000000u;
	}
	at += sprintf(at, "99 in A seq=%u len=65000 ESTABLISHED>ESTABLISHED duplicate\n",
		      seq - 65000u);
	text = ladder_of(script, &args);
	assert_non_null(strstr(text, "4,550,000,000 bytes by curl, 0 by weir"));
	assert_non_null(strstr(text, "70,000 segments, 4,550,000,000 bytes, 70 ACKs"));
	free(text);
	free(script);
}

/* A receiver that is always slower than its sender: three times are shown, the others counted. */
static void windows_that_close_again_and_again_are_folded(void **state)
{
	struct weir_ladder_args args = args_of(WEIR_CHARSET_ASCII, 100);
	char *script = calloc(1, 100000), *at = script, *text;
	unsigned shown = 0, seq = 1;

	(void)state;
	assert_non_null(script);
	at += sprintf(at, FLOW_LINE, 1, 40000);
	at += sprintf(at, "0 in S seq=0 LISTEN>SYN-RECEIVED accepted\n");
	at += sprintf(at, "0 out SA seq=0 ack=1 SYN-RECEIVED>SYN-RECEIVED sent-synack\n");
	at += sprintf(at, "0 in A seq=1 ack=1 SYN-RECEIVED>ESTABLISHED accepted\n");
	for (unsigned i = 1; i <= 50; i++) {
		at += sprintf(at, "%u in A seq=%u len=1000 ESTABLISHED>ESTABLISHED accepted\n", i,
			      seq);
		seq += 1000;
		at += sprintf(at, "%u out A seq=1 ack=%u win=0 ESTABLISHED>ESTABLISHED sent-ack\n",
			      i, seq);
		at += sprintf(at,
			      "%u out A seq=1 ack=%u win=1000 ESTABLISHED>ESTABLISHED "
			      "sent-window\n",
			      i, seq);
	}
	text = ladder_of(script, &args);
	for (const char *s = text; (s = strstr(s, "(zero window)")); s++)
		shown++;
	assert_int_equal(3, shown);
	assert_non_null(strstr(text, "47 segments, 47,000 bytes, 47 zero windows, 94 ACKs"));
	free(text);
	free(script);
}

/* --- Anything --------------------------------------------------------------------------------- */

static uint32_t rnd_state = 1;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * 1664525u + 1013904223u;
	return (rnd_state >> 8) % below;
}

/* A record whose every field is what a stranger may make of it. */
static void random_record(struct weir_trace_record *r, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)rnd(256);
	bytes[0] = (uint8_t)(rnd(2) ? 0x45 : 0x60);
	bytes[9] = rnd(2) ? 1 : 6;
	bytes[6] = rnd(2) ? 58 : 0;
	*r = (struct weir_trace_record){
		.at = rnd(2) ? rnd(1000000) : (weir_time)rnd(1u << 24) << rnd(40),
		.kind = (enum weir_trace_kind)rnd(3),
		.verdict = (enum weir_counter)rnd(WEIR_CTR_COUNT),
		.flow = rnd(4),
		.before = (enum weir_state)rnd(WEIR_STATE_COUNT),
		.after = (enum weir_state)rnd(WEIR_STATE_COUNT),
		.is_tcp = rnd(4) > 0,
		.seq = rnd(2) ? rnd(100) : rnd(1u << 24) << 8,
		.ack = rnd(2) ? rnd(100) : rnd(1u << 24) << 8,
		.payload_len = rnd(2) ? 0 : rnd(65536),
		.wnd_bytes = rnd(4) ? rnd(1u << 24) << 8 : 0,
		.iss = rnd(2),
		.irs = rnd(2),
		.urgent = (uint16_t)rnd(65536),
		.seg_flags = (uint8_t)(rnd(2) ? WEIR_TCP_ACK : rnd(256)),
		.opt = bytes,
		.opt_len = (uint8_t)rnd(41),
		.head = rnd(8) ? bytes : NULL,
		.head_len = rnd((uint32_t)len + 1),
		.total_len = rnd(65536),
		.cwnd_bytes = rnd(1u << 24) << 8,
	};
	r->tuple.local.addr.family = r->tuple.remote.addr.family = rnd(2) ? 6 : 4;
	r->tuple.local.port = (uint16_t)rnd(65536);
	memset(r->tuple.remote.addr.bytes, 0xfe, sizeof(r->tuple.remote.addr.bytes));
}

static void any_records_make_lines_that_fit(void **state)
{
	static const unsigned widths[] = {72, 100, 160};

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		unsigned width = widths[round % 3];
		struct weir_ladder_args args = args_of(WEIR_CHARSET_UTF8, width);
		struct weir_ladder *l = weir_ladder_new(&args);
		char *text = NULL;
		size_t text_len = 0;
		FILE *out = open_memstream(&text, &text_len);

		assert_non_null(l);
		assert_non_null(out);
		for (unsigned i = 0; i < 400; i++) {
			size_t len = 20 + rnd(100);
			uint8_t *bytes = malloc(len + 40); /* its end is watched */
			struct weir_trace_record r;

			assert_non_null(bytes);
			memset(bytes, 0, len + 40);
			random_record(&r, bytes, len);
			weir_ladder_feed(l, &r);
			free(bytes);
		}
		weir_ladder_print(l, out, NULL, 0);
		weir_ladder_free(l);
		fclose(out);
		assert_lines_fit(text, width);
		assert_non_null(strstr(text, "segments without a connection"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_utf8),
		cmocka_unit_test(golden_ascii),
		cmocka_unit_test(no_line_is_too_long),
		cmocka_unit_test(ascii_is_ascii_without_escapes),
		cmocka_unit_test(colour_changes_nothing_but_colour),
		cmocka_unit_test(rows_beyond_the_limit_are_counted),
		cmocka_unit_test(flows_beyond_the_limit_are_counted),
		cmocka_unit_test(strays_beyond_the_limit_are_counted),
		cmocka_unit_test(bytes_are_counted_once),
		cmocka_unit_test(windows_that_close_again_and_again_are_folded),
		cmocka_unit_test(any_records_make_lines_that_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
