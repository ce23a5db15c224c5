/*
 * svg.h: writing an SVG file, element by element. Numbers are written with at most one digit after
 * the point, text is escaped; nothing is loaded from elsewhere and nothing is run.
 */
#ifndef WEIR_SINK_SVG_H
#define WEIR_SINK_SVG_H

#include <stdbool.h>
#include <stdio.h>

/* Where text stands relative to its point. */
enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* A rectangle, in pixels. */
struct svg_box {
	double x, y, w, h;
};

/* How a line is drawn. */
struct svg_pen {
	const char *colour;
	double width;
	const char *dash; /* NULL: none */
};

/* Text that is small, of normal size, or a title. */
enum svg_size { SVG_SMALL, SVG_NORMAL, SVG_TITLE };

void svg_begin(FILE *out, double width, double height, const char *title);
void svg_end(FILE *out);

void svg_text(FILE *out, double x, double y, enum svg_anchor anchor, enum svg_size size,
	      const char *colour, const char *text);
/* The same small text in the middle of a drawing: on a white edge of its own. */
void svg_text_over(FILE *out, double x, double y, const char *text);
/* Turned, to be read from below; centred. */
void svg_text_up(FILE *out, double x, double y, const char *text);
void svg_rect(FILE *out, const struct svg_box *b, const char *fill, const char *stroke);
void svg_line(FILE *out, double x1, double y1, double x2, double y2, const struct svg_pen *pen);
void svg_circle(FILE *out, double x, double y, double r, const char *fill);

/* What follows until the end is cut at the edges of `b`; `id` numbers such places in one file. */
void svg_clip_begin(FILE *out, const struct svg_box *b, unsigned id);
void svg_clip_end(FILE *out);

/* One path of many pieces: begin, then to() with `move` for a new piece, then end. */
void svg_path_begin(FILE *out, const struct svg_pen *pen);
enum svg_to { SVG_MOVE, SVG_DRAW };
void svg_path_to(FILE *out, enum svg_to how, double x, double y);
void svg_path_end(FILE *out);

/* About how wide a text is, in pixels. */
double svg_text_width(const char *text, enum svg_size size);

#endif
