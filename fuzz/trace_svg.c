/*
 * trace_svg.c: a reader of pictures that believes nothing, for fuzz_trace.c.
 *
 * It knows the XML that sink/svg.c writes and no more: a prologue, elements with attributes, and
 * text with three entities.
 */
#include "trace_world.h"

#include <stdlib.h>

#define DEPTH_MAX 8u
#define NAME_MAX  32u
/* Pixels: no page is larger, and what is drawn outside of it is cut not far from it. */
#define NUMBER_MAX 20000.0

struct svg_reader {
	const char *at, *end;
	char open[DEPTH_MAX][NAME_MAX];
	unsigned depth, roots;
};

static bool looking_at(const struct svg_reader *r, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(r->end - r->at) >= n && memcmp(r->at, what, n) == 0;
}

static void take(struct svg_reader *r, const char *what)
{
	fuzz_assert(looking_at(r, what));
	r->at += strlen(what);
}

static void take_name(struct svg_reader *r, char *name)
{
	size_t n = 0;

	while (r->at < r->end && n + 1 < NAME_MAX &&
	       ((*r->at >= 'a' && *r->at <= 'z') || (*r->at >= 'A' && *r->at <= 'Z') ||
		(*r->at >= '0' && *r->at <= '9') || *r->at == '-'))
		name[n++] = *r->at++;
	name[n] = '\0';
	fuzz_assert(n > 0);
}

/* One character of text or of a value. */
static void take_character(struct svg_reader *r)
{
	unsigned char c = (unsigned char)*r->at;
	size_t n;

	if (c == '&') {
		fuzz_assert(looking_at(r, "&amp;") || looking_at(r, "&lt;") ||
			    looking_at(r, "&gt;"));
		r->at = strchr(r->at, ';') + 1;
		return;
	}
	fuzz_assert((c >= ' ' && c != 0x7f) || c == '\n');
	n = trace_utf8_len((const unsigned char *)r->at, (size_t)(r->end - r->at));
	fuzz_assert(n > 0);
	r->at += n;
}

static const char *check_number(const char *at)
{
	char *end;
	double v;

	fuzz_assert((*at >= '0' && *at <= '9') || *at == '-');
	v = strtod(at, &end);
	fuzz_assert(end > at && v >= -NUMBER_MAX && v <= NUMBER_MAX);
	return end;
}

/* "M1 2L3.5 -4": pieces that begin with a move. */
static void check_path(const char *at, const char *end)
{
	fuzz_assert(at == end || *at == 'M');
	while (at < end) {
		fuzz_assert(*at == 'M' || *at == 'L');
		at = check_number(at + 1);
		fuzz_assert(*at == ' ');
		at = check_number(at + 1);
	}
}

static bool is_number_of(const char *name)
{
	static const char *const names[] = {"x",  "y",  "x1",    "y1",     "x2",          "y2",
					    "cx", "cy", "width", "height", "stroke-width"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return strcmp(name, "r") == 0 || strcmp(name, "font-size") == 0;
}

static void take_attribute(struct svg_reader *r)
{
	char name[NAME_MAX];
	const char *value;

	take(r, " ");
	take_name(r, name);
	fuzz_assert(strncmp(name, "on", 2) != 0 && strcmp(name, "href") != 0);
	take(r, "=\"");
	value = r->at;
	while (r->at < r->end && *r->at != '"') {
		fuzz_assert(*r->at != '<');
		take_character(r);
	}
	if (strcmp(name, "d") == 0)
		check_path(value, r->at);
	else if (is_number_of(name))
		fuzz_assert(check_number(value) == r->at);
	take(r, "\"");
}

static void take_tag(struct svg_reader *r)
{
	char name[NAME_MAX];

	take(r, "<");
	if (looking_at(r, "/")) {
		take(r, "/");
		take_name(r, name);
		fuzz_assert(r->depth > 0 && strcmp(r->open[--r->depth], name) == 0);
		take(r, ">");
		return;
	}
	take_name(r, name);
	fuzz_assert(strcmp(name, "script") != 0 && strcmp(name, "image") != 0);
	fuzz_assert(r->depth > 0 || (r->roots++ == 0 && strcmp(name, "svg") == 0));
	while (looking_at(r, " "))
		take_attribute(r);
	if (looking_at(r, "/>")) {
		take(r, "/>");
		return;
	}
	take(r, ">");
	fuzz_assert(r->depth < DEPTH_MAX);
	memcpy(r->open[r->depth++], name, sizeof(name));
}

void trace_check_svg(const char *text, size_t len)
{
	struct svg_reader r = {.at = text, .end = text + len};

	take(&r, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	while (r.at < r.end) {
		if (*r.at == '<') {
			take_tag(&r);
			continue;
		}
		fuzz_assert(*r.at != '>' && (r.depth > 0 || *r.at == '\n'));
		take_character(&r);
	}
	fuzz_assert(r.depth == 0 && r.roots == 1);
}
