/*
 * svg_axis.h: two axes with their ticks, grid and units, and the way from values to pixels.
 */
#ifndef WEIR_SINK_SVG_AXIS_H
#define WEIR_SINK_SVG_AXIS_H

#include "sink/svg.h"

/* The values of one axis. Empty until something was taken in. */
struct svg_range {
	double min, max;
	bool any;
};

void svg_range_take(struct svg_range *r, double v);

enum svg_axis_kind {
	SVG_AXIS_TIME,  /* values are ns; told in s, ms or us */
	SVG_AXIS_BYTES, /* values are bytes; told in bytes, KB (1,000) or MB */
	SVG_AXIS_PLAIN, /* values are told as they are, in the unit given */
};

struct svg_axis {
	enum svg_axis_kind kind;
	const char *what; /* is on it: "time", "sequence number" */
	const char *unit; /* of PLAIN */
	double min, max;  /* whole steps; max may be half of one beyond */
	double step;      /* between two ticks */
	double from, to;  /* the pixels of min and max */
};

/* Chooses steps of 1, 2 or 5 times a power of ten, so that about `ticks` of them cover the range.
 * An axis of bytes or plain values begins at 0 unless the range is far from it. */
void svg_axis_init(struct svg_axis *a, enum svg_axis_kind kind, const char *what, const char *unit,
		   const struct svg_range *r, unsigned ticks);

/* The pixel of a value; of one far outside that of another one there: neither is seen, and not
 * every viewer can bear large numbers. */
double svg_axis_at(const struct svg_axis *a, double v);

/* Draws grid, ticks and labels of both axes around `b`, whose edges become their pixels. */
void svg_axes_draw(FILE *out, const struct svg_box *b, struct svg_axis *x, struct svg_axis *y);

#endif
