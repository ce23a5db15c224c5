/*
 * svg_picture.c: a page of panels: titles, axes, legends, and where each of them stands.
 *
 * A panel is a plot with its title and legend above and its axes' labels around it. Panels fill the
 * columns from left to right and then the next row; a row is as high as its highest panel.
 */
#include "sink/svg_panel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN         16.0
#define PLOT_LEFT      70.0 /* numbers and title of the y axis */
#define PLOT_RIGHT     18.0
#define PLOT_ABOVE     30.0 /* the panel's title */
#define PLOT_BELOW     46.0 /* numbers and title of the x axis */
#define LEGEND_LINE    17.0
#define SWATCH         22.0
#define ENTRY_GAP      16.0
#define WIDE           960.0 /* of the only column */
#define NARROW         600.0 /* of each of several */
#define PAGE_TITLE     26.0
#define NOTE_LINE      17.0
#define COLUMNS_MAX    4u
#define TICK_DISTANCE  80.0 /* about this far apart */
#define TICK_DISTANCEY 45.0

struct weir_picture {
	char title[SVG_TITLE_MAX];
	char note[SVG_TITLE_MAX * 4];
	unsigned columns;
	struct weir_panel *first, **last;
	bool failed;
};

const char *const svg_colour[SVG_COLOURS] = {"#0072b2", "#d55e00", "#009e73",
					     "#cc79a7", "#e69f00", "#56b4e9"};

static void copy(char *dst, size_t size, const char *src)
{
	snprintf(dst, size, "%s", src != NULL ? src : "");
}

struct weir_picture *weir_picture_new(const char *title, const char *note, unsigned columns)
{
	struct weir_picture *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	copy(p->title, sizeof(p->title), title);
	copy(p->note, sizeof(p->note), note);
	p->columns = columns < 1 ? 1 : columns > COLUMNS_MAX ? COLUMNS_MAX : columns;
	p->last = &p->first;
	return p;
}

void weir_picture_free(struct weir_picture *p)
{
	while (p != NULL && p->first != NULL) {
		struct weir_panel *panel = p->first;

		p->first = panel->next;
		panel->ops->free(panel);
		free(panel);
	}
	free(p);
}

struct weir_panel *svg_panel_add(struct weir_picture *pic, const struct svg_panel_ops *ops,
				 size_t size, const char *title)
{
	struct weir_panel *panel = pic != NULL ? calloc(1, size) : NULL;

	if (panel == NULL) {
		if (pic != NULL)
			pic->failed = true;
		return NULL;
	}
	panel->ops = ops;
	copy(panel->title, sizeof(panel->title), title);
	*pic->last = panel;
	pic->last = &panel->next;
	return panel;
}

void weir_panel_until(struct weir_panel *p, weir_time until)
{
	if (p != NULL)
		p->until = until;
}

bool svg_grow(void *list, size_t *room, size_t count, size_t max, size_t size)
{
	size_t more = count < 64 ? 64 : 2 * count;
	void **at = list, *grown;

	if (count < *room)
		return true;
	if (count >= max)
		return false;
	grown = realloc(*at, more * size);
	if (grown == NULL)
		return false;
	*at = grown;
	*room = more;
	return true;
}

/* --- Legends ------------------------------------------------------------------------------ */

void svg_legend_add(struct svg_legend *l, enum svg_swatch swatch, const struct svg_pen *pen,
		    const char *name)
{
	if (l->count < SVG_LEGEND_MAX) {
		struct svg_entry *e = &l->entry[l->count++];

		e->swatch = swatch;
		e->pen = *pen;
		copy(e->name, sizeof(e->name), name);
	}
}

static double entry_width(const struct svg_entry *e)
{
	return SWATCH + 4 + svg_text_width(e->name, SVG_SMALL) + ENTRY_GAP;
}

static unsigned legend_lines(const struct svg_legend *l, double width)
{
	unsigned lines = l->count > 0;
	double x = 0;

	for (unsigned i = 0; i < l->count; i++) {
		double w = entry_width(&l->entry[i]);

		if (x > 0 && x + w > width) {
			lines++;
			x = 0;
		}
		x += w;
	}
	return lines;
}

static void draw_swatch(FILE *out, double x, double y, const struct svg_entry *e)
{
	double mid = x + SWATCH / 2;

	if (e->swatch == SVG_SWATCH_LINE) {
		svg_line(out, x, y, x + SWATCH - 2, y, &e->pen);
	} else if (e->swatch == SVG_SWATCH_BAR) {
		svg_line(out, mid, y - 6, mid, y + 6, &e->pen);
	} else {
		svg_line(out, mid - 4, y - 4, mid + 4, y + 4, &e->pen);
		svg_line(out, mid - 4, y + 4, mid + 4, y - 4, &e->pen);
	}
}

static void draw_legend(FILE *out, const struct svg_legend *l, const struct svg_box *plot,
			double top)
{
	double x = 0, y = top;

	for (unsigned i = 0; i < l->count; i++) {
		const struct svg_entry *e = &l->entry[i];

		if (x > 0 && x + entry_width(e) > plot->w) {
			x = 0;
			y += LEGEND_LINE;
		}
		draw_swatch(out, plot->x + x, y - 4, e);
		svg_text(out, plot->x + x + SWATCH + 4, y, SVG_START, SVG_SMALL, NULL, e->name);
		x += entry_width(e);
	}
}

/* --- The page ----------------------------------------------------------------------------- */

/* A panel that is about to be drawn. */
struct placed {
	struct weir_panel *panel;
	struct svg_axis x, y;
	struct svg_legend legend;
};

static double column_width(const struct weir_picture *p)
{
	return p->columns == 1 ? WIDE : NARROW;
}

static double plot_width(const struct weir_picture *p)
{
	return column_width(p) - PLOT_LEFT - PLOT_RIGHT;
}

static void place(struct weir_panel *panel, struct placed *out)
{
	memset(out, 0, sizeof(*out));
	out->panel = panel;
	panel->ops->prepare(panel, &out->x, &out->y, &out->legend);
}

/* `plot_top`: all plots of a row begin there, below the highest legend. */
static void draw_panel(const struct weir_picture *p, FILE *out, struct placed *at, double left,
		       double top, double plot_top, unsigned id)
{
	const struct weir_panel *panel = at->panel;
	struct svg_box plot = {left + PLOT_LEFT, plot_top, plot_width(p), panel->ops->height};

	svg_text(out, plot.x, top + 18, SVG_START, SVG_NORMAL, NULL, panel->title);
	draw_legend(out, &at->legend, &plot, top + PLOT_ABOVE + LEGEND_LINE - 9);
	svg_axes_draw(out, &plot, &at->x, &at->y);
	svg_clip_begin(out, &plot, id);
	panel->ops->draw(panel, out, &at->x, &at->y);
	svg_clip_end(out);
}

static double note_height(const struct weir_picture *p)
{
	double h = p->note[0] != '\0' ? NOTE_LINE : 0;

	for (const char *c = p->note; *c != '\0'; c++)
		h += *c == '\n' ? NOTE_LINE : 0;
	return h;
}

static void draw_head(const struct weir_picture *p, FILE *out)
{
	char note[sizeof(p->note)], *line = note, *end;
	double y = MARGIN + PAGE_TITLE + NOTE_LINE - 6;

	svg_text(out, MARGIN, MARGIN + 14, SVG_START, SVG_TITLE, NULL, p->title);
	memcpy(note, p->note, sizeof(note));
	for (; line != NULL && *line != '\0'; y += NOTE_LINE) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		svg_text(out, MARGIN, y, SVG_START, SVG_NORMAL, NULL, line);
		line = end;
	}
}

/* From the top of a row to its plots. */
static double row_above(const struct weir_picture *p, const struct placed *row, unsigned count)
{
	unsigned most = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned lines = legend_lines(&row[i].legend, plot_width(p));

		most = lines > most ? lines : most;
	}
	return PLOT_ABOVE + most * LEGEND_LINE;
}

static double row_height(const struct weir_picture *p, const struct placed *row, unsigned count)
{
	double most = 0;

	for (unsigned i = 0; i < count; i++) {
		double height = row[i].panel->ops->height;

		most = height > most ? height : most;
	}
	return row_above(p, row, count) + most + PLOT_BELOW;
}

/* Places the next row of panels, from `*panel` on. How many. */
static unsigned place_row(const struct weir_picture *p, struct weir_panel **panel,
			  struct placed *row)
{
	unsigned n = 0;

	for (; *panel != NULL && n < p->columns; *panel = (*panel)->next)
		place(*panel, &row[n++]);
	return n;
}

int weir_picture_write(struct weir_picture *p, FILE *out)
{
	static struct placed row[COLUMNS_MAX];
	struct weir_panel *panel;
	double top, height;
	unsigned n, id = 0;

	if (p == NULL || p->failed) {
		errno = ENOMEM;
		return -1;
	}
	top = MARGIN + PAGE_TITLE + note_height(p);
	height = top + MARGIN;
	panel = p->first;
	while ((n = place_row(p, &panel, row)) > 0)
		height += row_height(p, row, n);
	svg_begin(out, 2 * MARGIN + p->columns * column_width(p), height, p->title);
	draw_head(p, out);
	panel = p->first;
	while ((n = place_row(p, &panel, row)) > 0) {
		for (unsigned i = 0; i < n; i++)
			draw_panel(p, out, &row[i], MARGIN + i * column_width(p), top,
				   top + row_above(p, row, n), id++);
		top += row_height(p, row, n);
	}
	svg_end(out);
	return ferror(out) || fflush(out) != 0 ? -1 : 0;
}
