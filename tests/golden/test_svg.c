/*
 * Pictures: tests/golden/picture.svg, which a person has looked at, from picture.trace; and what a
 * picture does with texts, empty panels, limits and too much. WEIR_GOLDEN_UPDATE=1 writes it anew.
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

#define US 1000ull
#define MS (1000 * US)

/* What is fed: the sender's records, and one loss that only the path knows. */
struct fed {
	struct weir_panel *sequence;
	struct weir_windows *windows;
};

static void feed(void *user, const struct weir_trace_record *r)
{
	struct fed *f = user;

	weir_sequence_feed(f->sequence, r);
	weir_windows_feed(f->windows, r);
}

/* The picture as text, which the caller frees; the picture is freed. */
static char *text_of(struct weir_picture *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(p);
	assert_non_null(out);
	assert_int_equal(weir_picture_write(p, out), 0);
	weir_picture_free(p);
	fclose(out);
	return text;
}

static char *picture_of_trace(void)
{
	struct weir_picture *p = weir_picture_new("a segment lost", "one column\ntwo lines", 1);
	struct fed f = {.sequence = weir_picture_sequence(p, "sequence numbers"),
			.windows = weir_windows_new(p, "windows")};
	char *script = script_read_file("picture.trace");

	assert_non_null(script);
	script_run(script, feed, &f);
	weir_sequence_lost(f.sequence, 111100 * US, 5000 + 1 + 2 * 1460, 1460);
	weir_sequence_lost(f.sequence, 122200 * US, 5000 + 1 + 2 * 1460, 1460);
	free(script);
	weir_windows_free(f.windows);
	return text_of(p);
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		n++;
	return n;
}

static void write_file(const char *text)
{
	FILE *out = fopen(script_path("picture.svg"), "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void test_golden(void **state)
{
	char *got = picture_of_trace(), *want;

	(void)state;
	if (getenv("WEIR_GOLDEN_UPDATE") != NULL)
		write_file(got);
	want = script_read_file("picture.svg");
	assert_non_null(want);
	assert_string_equal(got, want);
	free(got);
	free(want);
}

/* What the picture must say, whatever it looks like. */
static void test_the_picture_tells(void **state)
{
	static const char *const words[] = {
		">segment<",
		"retransmitted: third duplicate ACK",
		">lost or damaged<",
		">acknowledged<",
		">SACK block<",
		">end of the window<",
		">time, ms<",
		">sequence number, KB<",
		">window, KB<",
		">congestion window<",
		">sent, not acknowledged<",
		">ssthresh (above)<",
		">two lines<",
		">SYN<",
	};
	char *text = picture_of_trace();

	(void)state;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]) == NULL)
			fail_msg("the picture does not say %s", words[i]);
	assert_null(strstr(text, "script"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	free(text);
}

static void test_texts_are_escaped(void **state)
{
	struct weir_picture *p = weir_picture_new("a < b & c > d", NULL, 2);
	struct weir_panel *l = weir_picture_lines(p, "<title>", "value", "things");
	char *text;

	(void)state;
	weir_lines_name(l, 0, "x & y", WEIR_LINE_STRAIGHT);
	weir_lines_point(l, 0, 1, 1);
	text = text_of(p);
	assert_non_null(strstr(text, "a &lt; b &amp; c &gt; d"));
	assert_non_null(strstr(text, "&lt;title&gt;"));
	assert_non_null(strstr(text, ">x &amp; y"));
	free(text);
}

/* What XML does not take is a question mark: controls, bytes that are no character, half ones. */
static void test_texts_are_characters(void **state)
{
	struct weir_picture *p = weir_picture_new("a\033[2J\xff\xc3(", "\xc3\xa4\n\xe2\x82", 1);
	char *text;

	(void)state;
	text = text_of(p);
	assert_non_null(strstr(text, ">a?[2J?\?(<"));
	assert_non_null(strstr(text, ">\xc3\xa4<"));
	assert_non_null(strstr(text, ">?\?<"));
	free(text);
}

/* Nothing fed: axes, and no line. */
static void test_empty_panels(void **state)
{
	struct weir_picture *p = weir_picture_new("empty", NULL, 3);
	struct weir_panel *l = weir_picture_lines(p, "lines", "value", "things");
	char *text;

	(void)state;
	weir_picture_sequence(p, "sequence");
	weir_lines_name(l, 0, "a line", WEIR_LINE_STEPS);
	text = text_of(p);
	assert_int_equal(count_of(text, "<clipPath"), 2);
	assert_null(strstr(text, "<path"));
	assert_null(strstr(text, "nan"));
	free(text);
}

/* A limit does not stretch the axis; where none of it is seen the legend says so. */
static void test_limits_do_not_stretch(void **state)
{
	struct weir_picture *p = weir_picture_new("limits", NULL, 1);
	struct weir_panel *l = weir_picture_lines(p, "lines", "value", "things");
	char *text;

	(void)state;
	weir_lines_name(l, 0, "what is limited", WEIR_LINE_STEPS);
	weir_lines_name(l, 1, "near", WEIR_LINE_LIMIT);
	weir_lines_name(l, 2, "far", WEIR_LINE_LIMIT);
	for (unsigned i = 0; i < 10; i++) {
		weir_lines_point(l, 0, i * MS, i);
		weir_lines_point(l, 1, i * MS, 9);
		weir_lines_point(l, 2, i * MS, 1e9);
	}
	text = text_of(p);
	assert_non_null(strstr(text, ">10<"));
	assert_null(strstr(text, ">20<"));
	assert_non_null(strstr(text, ">far (above)<"));
	assert_non_null(strstr(text, ">near<"));
	free(text);
}

/* The `n`th frame of a plot: a rectangle without a filling. */
static void frame_of(const char *text, unsigned n, double *top)
{
	static const char mark[] = "fill=\"none\" stroke=\"#666666\"/>";
	const char *at = text, *rect;

	for (unsigned i = 0; i <= n; i++) {
		at = strstr(at + 1, mark);
		assert_non_null(at);
	}
	for (rect = at; strncmp(rect, "<rect", 5) != 0;)
		rect--;
	assert_int_equal(sscanf(rect, "<rect x=\"%*f\" y=\"%lf\"", top), 1);
}

/* What is highest is below the frame; plots beside each other begin at one height, whatever their
 * legends need. */
static void test_plots_have_room_and_stand_in_line(void **state)
{
	struct weir_picture *p = weir_picture_new("two", NULL, 2);
	struct weir_panel *few = weir_picture_lines(p, "few", "value", "things");
	struct weir_panel *many = weir_picture_lines(p, "many", "value", "things");
	double left, right, highest;
	char *text, *path;

	(void)state;
	weir_lines_name(few, 0, "one", WEIR_LINE_STRAIGHT);
	weir_lines_point(few, 0, 0, 10);
	weir_lines_point(few, 0, 1 * MS, 10);
	for (unsigned i = 0; i < 8; i++)
		weir_lines_name(many, i, "a name that takes a good deal of a line",
				WEIR_LINE_STRAIGHT);
	text = text_of(p);
	frame_of(text, 0, &left);
	frame_of(text, 1, &right);
	assert_true(left == right);
	path = strstr(text, "d=\"M");
	assert_non_null(path);
	assert_int_equal(sscanf(path, "d=\"M%*f %lf", &highest), 1);
	assert_true(highest > left + 2);
	free(text);
}

/* The axis ends where it is told to, and has as many steps as can be read. */
static void test_the_axis_ends_where_it_must(void **state)
{
	struct weir_picture *p = weir_picture_new("until", NULL, 1);
	struct weir_panel *l = weir_picture_lines(p, "lines", "value", "things");
	char *text;

	(void)state;
	weir_panel_until(l, 800 * MS);
	weir_lines_name(l, 0, "long", WEIR_LINE_STRAIGHT);
	weir_lines_point(l, 0, 0, 5);
	weir_lines_point(l, 0, 60000 * MS, 7000);
	text = text_of(p);
	assert_non_null(strstr(text, ">time, ms<"));
	assert_non_null(strstr(text, ">800<"));
	assert_null(strstr(text, ">900<"));
	assert_null(strstr(text, ">7000<"));
	assert_true(count_of(text, "<text") < 30);
	free(text);
}

/* Only the first connection is drawn, and a wrong panel takes nothing. */
static void test_one_connection_and_right_panels(void **state)
{
	static const char two[] =
		"flow 1 10.0.0.1:80 10.0.0.2:4000 irs=1000 iss=5000\n"
		"1.000 out A seq=1 ack=1 win=100 len=1000 ESTABLISHED>ESTABLISHED sent-data\n"
		"flow 2 10.0.0.1:80 10.0.0.2:4001 irs=1000 iss=900000\n"
		"2.000 out A seq=1 ack=1 win=100 len=9000 ESTABLISHED>ESTABLISHED sent-data\n";
	struct weir_picture *p = weir_picture_new("two", NULL, 1);
	struct fed f = {.sequence = weir_picture_sequence(p, "sequence")};
	struct weir_panel *l = weir_picture_lines(p, "lines", "value", "things");
	char *text;

	(void)state;
	script_run(two, feed, &f);
	weir_lines_point(f.sequence, 0, 1, 1);
	weir_sequence_lost(l, 1, 1, 1);
	weir_lines_point(l, 0, 1, 1); /* a line that has no name */
	weir_sequence_feed(NULL, NULL);
	weir_lines_point(NULL, 0, 1, 1);
	text = text_of(p);
	assert_non_null(strstr(text, ">1000<"));
	assert_null(strstr(text, ">9<"));
	assert_null(strstr(text, "lost or damaged"));
	free(text);
	assert_int_equal(weir_picture_write(NULL, stdout), -1);
	weir_picture_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_the_picture_tells),
		cmocka_unit_test(test_texts_are_escaped),
		cmocka_unit_test(test_texts_are_characters),
		cmocka_unit_test(test_empty_panels),
		cmocka_unit_test(test_limits_do_not_stretch),
		cmocka_unit_test(test_plots_have_room_and_stand_in_line),
		cmocka_unit_test(test_the_axis_ends_where_it_must),
		cmocka_unit_test(test_one_connection_and_right_panels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
