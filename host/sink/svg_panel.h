/*
 * svg_panel.h: what a panel of a picture is made of: a kind with two functions, and a legend.
 */
#ifndef WEIR_SINK_SVG_PANEL_H
#define WEIR_SINK_SVG_PANEL_H

#include "sink/svg_axis.h"
#include "weir/sink.h"

#define SVG_LEGEND_MAX 16u
#define SVG_TITLE_MAX  160u
#define SVG_NAME_MAX   80u

/* How an entry of the legend looks. */
enum svg_swatch { SVG_SWATCH_LINE, SVG_SWATCH_BAR, SVG_SWATCH_CROSS };

struct svg_entry {
	enum svg_swatch swatch;
	struct svg_pen pen;
	char name[SVG_NAME_MAX];
};

struct svg_legend {
	struct svg_entry entry[SVG_LEGEND_MAX];
	unsigned count;
};

void svg_legend_add(struct svg_legend *l, enum svg_swatch swatch, const struct svg_pen *pen,
		    const char *name);

struct svg_panel_ops {
	double height; /* of the plot, in pixels */
	/* What its axes must hold; the legend. */
	void (*prepare)(struct weir_panel *p, struct svg_axis *x, struct svg_axis *y,
			struct svg_legend *l);
	/* Draws what is between the axes. */
	void (*draw)(const struct weir_panel *p, FILE *out, const struct svg_axis *x,
		     const struct svg_axis *y);
	void (*free)(struct weir_panel *p);
};

/* The first member of each kind of panel. */
struct weir_panel {
	const struct svg_panel_ops *ops;
	struct weir_panel *next;
	char title[SVG_TITLE_MAX];
	weir_time until; /* the time axis ends here; 0: with the last thing drawn */
};

/* Puts a panel of `size` bytes, zeroed but for this first member, at the picture's end. NULL: out
 * of memory; the picture then writes nothing but an error. */
struct weir_panel *svg_panel_add(struct weir_picture *pic, const struct svg_panel_ops *ops,
				 size_t size, const char *title);

/* Six colours that people with any kind of colour vision tell apart (Okabe and Ito, 2008). */
#define SVG_COLOURS 6u
extern const char *const svg_colour[SVG_COLOURS];

/* Room for one more element in a growing array; false: out of memory, or `max` are there. */
bool svg_grow(void *list, size_t *room, size_t count, size_t max, size_t size);

#endif
