#include "sink/svg_axis.h"

#include <stdint.h>
#include <string.h>

#define GRID_COLOUR  "#e3e3e3"
#define FRAME_COLOUR "#666666"
#define TICK         4.0  /* pixels */
#define LABEL_DOWN   16.0 /* from the frame to the numbers below */
#define TITLE_DOWN   34.0
#define TITLE_LEFT   52.0
#define HEADROOM     0.02
#define FAR_OUTSIDE  9.0 /* lengths of the axis */
#define FAR_FROM_0   3.0 /* times its extent: an axis need not begin at 0 then */

void svg_range_take(struct svg_range *r, double v)
{
	if (!r->any || v < r->min)
		r->min = v;
	if (!r->any || v > r->max)
		r->max = v;
	r->any = true;
}

/* Whole numbers, without a library of mathematics; values of axes are far below 2^63. */
static double round_down(double v)
{
	double whole = (double)(int64_t)v;

	return whole > v ? whole - 1 : whole;
}

static double round_up(double v)
{
	return -round_down(-v);
}

static bool is_whole(double v)
{
	double off = v - round_down(v + 0.5);

	return off < 1e-6 && off > -1e-6;
}

static double nice_step(double extent, unsigned ticks)
{
	double rough = extent / ticks, power = 1;

	while (power * 10 <= rough)
		power *= 10;
	while (power > rough)
		power /= 10;
	if (rough <= power * 1.0001)
		return power;
	if (rough <= 2 * power)
		return 2 * power;
	if (rough <= 5 * power)
		return 5 * power;
	return 10 * power;
}

void svg_axis_init(struct svg_axis *a, enum svg_axis_kind kind, const char *what, const char *unit,
		   const struct svg_range *r, unsigned ticks)
{
	double min = r->any ? r->min : 0, max = r->any ? r->max : 1;

	memset(a, 0, sizeof(*a));
	a->kind = kind;
	a->what = what;
	a->unit = unit;
	if (min > 0 && min < FAR_FROM_0 * (max - min))
		min = 0;
	if (max <= min)
		max = min + (min > 0 ? min : 1);
	a->step = nice_step(max - min, ticks);
	a->min = round_down(min / a->step + 1e-9) * a->step;
	if (kind == SVG_AXIS_TIME) {
		a->max = max;
		return;
	}
	/* To a whole or half step, with a little room: what is at the frame is not seen. */
	max += HEADROOM * (max - a->min);
	a->max = round_up(max / a->step * 2 - 1e-9) / 2 * a->step;
}

double svg_axis_at(const struct svg_axis *a, double v)
{
	double part = (v - a->min) / (a->max - a->min);

	if (part < -FAR_OUTSIDE)
		part = -FAR_OUTSIDE;
	if (part > 1 + FAR_OUTSIDE)
		part = 1 + FAR_OUTSIDE;
	return a->from + part * (a->to - a->from);
}

/* What a number on the axis is divided by, and the unit that it then has. */
static double divisor_of(const struct svg_axis *a, const char **unit)
{
	static const struct {
		double above, by;
		const char *name;
	} table[2][3] = {
		[SVG_AXIS_TIME] = {{2e9, 1e9, "s"}, {2e6, 1e6, "ms"}, {0, 1e3, "us"}},
		[SVG_AXIS_BYTES] = {{2e6, 1e6, "MB"}, {2e3, 1e3, "KB"}, {0, 1, "bytes"}},
	};
	unsigned i = 0;

	*unit = a->unit;
	if (a->kind == SVG_AXIS_PLAIN)
		return 1;
	while (i < 2 && a->max < table[a->kind][i].above)
		i++;
	*unit = table[a->kind][i].name;
	return table[a->kind][i].by;
}

static void write_title(const struct svg_axis *a, char *out, size_t len)
{
	const char *unit;

	divisor_of(a, &unit);
	snprintf(out, len, "%s, %s", a->what, unit);
}

/* As many digits after the point as the step has. */
static void write_tick(const struct svg_axis *a, double v, char *out, size_t len)
{
	const char *unit;
	double by = divisor_of(a, &unit), step = a->step / by;
	int digits = 0;

	while (digits < 6 && !is_whole(step)) {
		step *= 10;
		digits++;
	}
	snprintf(out, len, "%.*f", digits, v / by == 0 ? 0.0 : v / by);
}

static unsigned ticks_of(const struct svg_axis *a)
{
	return (unsigned)((a->max - a->min) / a->step + 1e-6) + 1;
}

static void draw_x(FILE *out, const struct svg_box *b, const struct svg_axis *x)
{
	const struct svg_pen grid = {GRID_COLOUR, 1, NULL}, tick = {FRAME_COLOUR, 1, NULL};
	double below = b->y + b->h;
	char text[64];

	for (unsigned i = 0; i < ticks_of(x); i++) {
		double v = x->min + i * x->step, at = svg_axis_at(x, v);

		svg_line(out, at, b->y, at, below, &grid);
		svg_line(out, at, below, at, below + TICK, &tick);
		write_tick(x, v, text, sizeof(text));
		svg_text(out, at, below + LABEL_DOWN, SVG_MIDDLE, SVG_SMALL, NULL, text);
	}
	write_title(x, text, sizeof(text));
	svg_text(out, b->x + b->w / 2, below + TITLE_DOWN, SVG_MIDDLE, SVG_NORMAL, NULL, text);
}

static void draw_y(FILE *out, const struct svg_box *b, const struct svg_axis *y)
{
	const struct svg_pen grid = {GRID_COLOUR, 1, NULL}, tick = {FRAME_COLOUR, 1, NULL};
	char text[64];

	for (unsigned i = 0; i < ticks_of(y); i++) {
		double v = y->min + i * y->step, at = svg_axis_at(y, v);

		svg_line(out, b->x, at, b->x + b->w, at, &grid);
		svg_line(out, b->x - TICK, at, b->x, at, &tick);
		write_tick(y, v, text, sizeof(text));
		svg_text(out, b->x - TICK - 3, at + 4, SVG_END, SVG_SMALL, NULL, text);
	}
	write_title(y, text, sizeof(text));
	svg_text_up(out, b->x - TITLE_LEFT, b->y + b->h / 2, text);
}

void svg_axes_draw(FILE *out, const struct svg_box *b, struct svg_axis *x, struct svg_axis *y)
{
	x->from = b->x;
	x->to = b->x + b->w;
	y->from = b->y + b->h;
	y->to = b->y;
	draw_x(out, b, x);
	draw_y(out, b, y);
	svg_rect(out, b, "none", FRAME_COLOUR);
}
