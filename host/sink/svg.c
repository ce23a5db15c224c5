/*
 * svg.c: SVG 1.1 elements (W3C Recommendation, 2011), with presentation attributes only, so that
 * every viewer shows the same.
 */
#include "sink/svg.h"

#include <string.h>

#define TEXT_COLOUR "#222222"

static const double pixels[] = {[SVG_SMALL] = 10.5, [SVG_NORMAL] = 12, [SVG_TITLE] = 15};

/* The bytes of a character of UTF-8, of which XML takes all but controls; 0: it is none, or is cut
 * short. */
static size_t character_len(const char *at)
{
	unsigned char c = (unsigned char)*at;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (c < ' ' || c == 0x7f || (c >= 0x80 && c < 0xc2) || c > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)at[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void write_escaped(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t n = character_len(text);

		if (n == 0)
			fputc('?', out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			fwrite(text, 1, n, out);
		text += n == 0 ? 1 : n;
	}
}

/* One digit after the point, none where it would be 0. */
static void write_number(FILE *out, double v)
{
	char text[32];
	size_t len = (size_t)snprintf(text, sizeof(text), "%.1f", v);

	if (len > 2 && text[len - 1] == '0')
		text[len - 2] = '\0';
	fputs(strcmp(text, "-0") == 0 ? "0" : text, out);
}

static void write_attribute(FILE *out, const char *name, double v)
{
	fprintf(out, " %s=\"", name);
	write_number(out, v);
	fputc('"', out);
}

static void write_pen(FILE *out, const struct svg_pen *pen)
{
	fprintf(out, " fill=\"none\" stroke=\"%s\"", pen->colour);
	write_attribute(out, "stroke-width", pen->width);
	if (pen->dash != NULL)
		fprintf(out, " stroke-dasharray=\"%s\"", pen->dash);
}

void svg_begin(FILE *out, double width, double height, const char *title)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<svg xmlns=\"http://www.w3.org/2000/svg\"",
	      out);
	write_attribute(out, "width", width);
	write_attribute(out, "height", height);
	fputs(" viewBox=\"0 0 ", out);
	write_number(out, width);
	fputc(' ', out);
	write_number(out, height);
	fputs("\" font-family=\"DejaVu Sans, Verdana, Helvetica, Arial, sans-serif\">\n<title>",
	      out);
	write_escaped(out, title);
	fputs("</title>\n", out);
	svg_rect(out, &(struct svg_box){0, 0, width, height}, "#ffffff", "none");
}

void svg_end(FILE *out)
{
	fputs("</svg>\n", out);
}

static void begin_text(FILE *out, double x, double y, enum svg_anchor anchor, enum svg_size size,
		       const char *colour)
{
	static const char *const name[] = {"start", "middle", "end"};

	fputs("<text", out);
	write_attribute(out, "x", x);
	write_attribute(out, "y", y);
	write_attribute(out, "font-size", pixels[size]);
	fprintf(out, " fill=\"%s\"", colour != NULL ? colour : TEXT_COLOUR);
	if (anchor != SVG_START)
		fprintf(out, " text-anchor=\"%s\"", name[anchor]);
	if (size == SVG_TITLE)
		fputs(" font-weight=\"bold\"", out);
}

void svg_text(FILE *out, double x, double y, enum svg_anchor anchor, enum svg_size size,
	      const char *colour, const char *text)
{
	begin_text(out, x, y, anchor, size, colour);
	fputc('>', out);
	write_escaped(out, text);
	fputs("</text>\n", out);
}

void svg_text_over(FILE *out, double x, double y, const char *text)
{
	/* Twice, as not every viewer can paint an edge below its text. */
	begin_text(out, x, y, SVG_START, SVG_SMALL, NULL);
	fputs(" stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\">", out);
	write_escaped(out, text);
	fputs("</text>\n", out);
	svg_text(out, x, y, SVG_START, SVG_SMALL, NULL, text);
}

void svg_text_up(FILE *out, double x, double y, const char *text)
{
	begin_text(out, x, y, SVG_MIDDLE, SVG_NORMAL, NULL);
	fputs(" transform=\"rotate(-90 ", out);
	write_number(out, x);
	fputc(' ', out);
	write_number(out, y);
	fputs(")\">", out);
	write_escaped(out, text);
	fputs("</text>\n", out);
}

static void write_box(FILE *out, const struct svg_box *b)
{
	fputs("<rect", out);
	write_attribute(out, "x", b->x);
	write_attribute(out, "y", b->y);
	write_attribute(out, "width", b->w);
	write_attribute(out, "height", b->h);
}

void svg_rect(FILE *out, const struct svg_box *b, const char *fill, const char *stroke)
{
	write_box(out, b);
	fprintf(out, " fill=\"%s\" stroke=\"%s\"/>\n", fill, stroke);
}

void svg_line(FILE *out, double x1, double y1, double x2, double y2, const struct svg_pen *pen)
{
	fputs("<line", out);
	write_attribute(out, "x1", x1);
	write_attribute(out, "y1", y1);
	write_attribute(out, "x2", x2);
	write_attribute(out, "y2", y2);
	write_pen(out, pen);
	fputs("/>\n", out);
}

void svg_circle(FILE *out, double x, double y, double r, const char *fill)
{
	fputs("<circle", out);
	write_attribute(out, "cx", x);
	write_attribute(out, "cy", y);
	write_attribute(out, "r", r);
	fprintf(out, " fill=\"%s\"/>\n", fill);
}

void svg_clip_begin(FILE *out, const struct svg_box *b, unsigned id)
{
	fprintf(out, "<clipPath id=\"clip%u\">", id);
	write_box(out, b);
	fprintf(out, "/></clipPath>\n<g clip-path=\"url(#clip%u)\">\n", id);
}

void svg_clip_end(FILE *out)
{
	fputs("</g>\n", out);
}

void svg_path_begin(FILE *out, const struct svg_pen *pen)
{
	fputs("<path", out);
	write_pen(out, pen);
	fputs(" stroke-linejoin=\"round\" d=\"", out);
}

void svg_path_to(FILE *out, enum svg_to how, double x, double y)
{
	fputc(how == SVG_MOVE ? 'M' : 'L', out);
	write_number(out, x);
	fputc(' ', out);
	write_number(out, y);
}

void svg_path_end(FILE *out)
{
	fputs("\"/>\n", out);
}

double svg_text_width(const char *text, enum svg_size size)
{
	size_t chars = 0;

	for (; *text != '\0'; text++)
		chars += ((unsigned char)*text & 0xc0) != 0x80; /* not a byte within a character */
	return (double)chars * pixels[size] * 0.57;
}
