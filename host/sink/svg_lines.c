/*
 * svg_lines.c: a panel of lines over time.
 *
 * A line that is a limit (ssthresh, a receive window) is dashed and does not stretch the axis: what
 * it limits would be squashed at the bottom. The legend says so where none of it can be seen.
 */
#include "sink/svg_panel.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX  8u
#define POINTS_MAX 200000u /* of one line; later ones are not drawn */
#define HEIGHT     220.0

struct point {
	weir_time at;
	double value;
};

struct one_line {
	char name[SVG_NAME_MAX];
	enum weir_line_style style;
	struct point *point;
	size_t count, room;
};

struct lines {
	struct weir_panel base;
	const char *what, *unit;
	struct one_line line[LINES_MAX];
	unsigned count;
};

static struct svg_pen pen_of(const struct lines *l, unsigned i)
{
	static const char *const dash[] = {
		[WEIR_LINE_STRAIGHT] = NULL, [WEIR_LINE_STEPS] = NULL, [WEIR_LINE_LIMIT] = "5 3"};

	return (struct svg_pen){svg_colour[i % SVG_COLOURS], 1.6, dash[l->line[i].style]};
}

static bool is_shown(const struct lines *l, const struct point *p)
{
	return l->base.until == 0 || p->at <= l->base.until;
}

static void take_line(const struct lines *l, const struct one_line *line, struct svg_range *time,
		      struct svg_range *value)
{
	for (size_t k = 0; k < line->count && is_shown(l, &line->point[k]); k++) {
		svg_range_take(time, (double)line->point[k].at);
		if (line->style != WEIR_LINE_LIMIT)
			svg_range_take(value, line->point[k].value);
	}
}

static bool is_within(const struct lines *l, const struct one_line *line, double max)
{
	for (size_t k = 0; k < line->count && is_shown(l, &line->point[k]); k++)
		if (line->point[k].value <= max)
			return true;
	return false;
}

static void make_legend(const struct lines *l, double max, struct svg_legend *legend)
{
	for (unsigned i = 0; i < l->count; i++) {
		struct svg_pen pen = pen_of(l, i);
		char name[SVG_NAME_MAX + 16];

		snprintf(name, sizeof(name), "%s%s", l->line[i].name,
			 is_within(l, &l->line[i], max) ? "" : " (above)");
		svg_legend_add(legend, SVG_SWATCH_LINE, &pen, name);
	}
}

static void prepare(struct weir_panel *p, struct svg_axis *x, struct svg_axis *y,
		    struct svg_legend *legend)
{
	struct lines *l = (struct lines *)p;
	struct svg_range time = {0}, value = {0};
	bool bytes = strcmp(l->unit, "bytes") == 0;

	svg_range_take(&time, 0);
	svg_range_take(&value, 0);
	for (unsigned i = 0; i < l->count; i++)
		take_line(l, &l->line[i], &time, &value);
	if (p->until != 0)
		time.max = (double)p->until;
	svg_axis_init(x, SVG_AXIS_TIME, "time", NULL, &time, 8);
	svg_axis_init(y, bytes ? SVG_AXIS_BYTES : SVG_AXIS_PLAIN, l->what, l->unit, &value, 5);
	make_legend(l, y->max, legend);
}

static void draw(const struct weir_panel *p, FILE *out, const struct svg_axis *x,
		 const struct svg_axis *y)
{
	const struct lines *l = (const struct lines *)p;

	for (unsigned i = 0; i < l->count; i++) {
		const struct one_line *line = &l->line[i];
		struct svg_pen pen = pen_of(l, i);
		double last = 0;

		if (line->count == 0)
			continue;
		svg_path_begin(out, &pen);
		for (size_t k = 0; k < line->count; k++) {
			double at = svg_axis_at(x, (double)line->point[k].at);
			double v = svg_axis_at(y, line->point[k].value);

			if (k > 0 && line->style != WEIR_LINE_STRAIGHT)
				svg_path_to(out, SVG_DRAW, at, last);
			svg_path_to(out, k == 0 ? SVG_MOVE : SVG_DRAW, at, v);
			last = v;
		}
		svg_path_end(out);
	}
}

static void end(struct weir_panel *p)
{
	struct lines *l = (struct lines *)p;

	for (unsigned i = 0; i < l->count; i++)
		free(l->line[i].point);
}

static const struct svg_panel_ops ops = {
	.height = HEIGHT, .prepare = prepare, .draw = draw, .free = end};

struct weir_panel *weir_picture_lines(struct weir_picture *pic, const char *title, const char *what,
				      const char *unit)
{
	struct lines *l = (struct lines *)svg_panel_add(pic, &ops, sizeof(*l), title);

	if (l == NULL)
		return NULL;
	l->what = what;
	l->unit = unit;
	return &l->base;
}

void weir_lines_name(struct weir_panel *p, unsigned line, const char *name,
		     enum weir_line_style style)
{
	struct lines *l = (struct lines *)p;

	if (l == NULL || l->base.ops != &ops || line >= LINES_MAX)
		return;
	if (line >= l->count)
		l->count = line + 1;
	l->line[line].style = style;
	snprintf(l->line[line].name, sizeof(l->line[line].name), "%s", name);
}

void weir_lines_point(struct weir_panel *p, unsigned line, weir_time at, double value)
{
	struct lines *l = (struct lines *)p;
	struct one_line *o;

	if (l == NULL || l->base.ops != &ops || line >= l->count)
		return;
	o = &l->line[line];
	/* Three equal values in a row: the one in the middle tells nothing. */
	if (o->count >= 2 && o->point[o->count - 1].value == value &&
	    o->point[o->count - 2].value == value) {
		o->point[o->count - 1].at = at;
		return;
	}
	if (svg_grow(&o->point, &o->room, o->count, POINTS_MAX, sizeof(*o->point)))
		o->point[o->count++] = (struct point){.at = at, .value = value};
}
