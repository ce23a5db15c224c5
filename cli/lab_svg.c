/*
 * lab_svg.c: the picture of an experiment: each variant's telling run, side by side.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "weir/sink.h"

#define PANELS_MAX 4u /* of one variant */
#define TITLE_MAX  160u

struct drawing {
	const struct lab_experiment *experiment;
	struct weir_panel *panel[PANELS_MAX];
	struct weir_panel *sequence;
};

/* --- Lines over time ------------------------------------------------------------------------ */

/* lab_watch.line */
static void on_line(void *user, unsigned panel, unsigned line, const char *name)
{
	struct drawing *d = user;

	weir_lines_name(d->panel[panel], line, name, WEIR_LINE_STRAIGHT);
}

/* lab_watch.point */
static void on_point(void *user, unsigned panel, unsigned line, weir_time at, uint64_t value)
{
	struct drawing *d = user;

	weir_lines_point(d->panel[panel], line, at,
			 (double)value * d->experiment->panel[panel].scale);
}

static void add_lines(struct weir_picture *pic, struct drawing *d, const char *variant)
{
	const struct lab_panel *p = d->experiment->panel;
	char title[TITLE_MAX];

	for (unsigned i = 0; i < PANELS_MAX && p[i].title != NULL; i++) {
		snprintf(title, sizeof(title), "%s: %s", variant, p[i].title);
		d->panel[i] = weir_picture_lines(pic, title, p[i].title, p[i].unit);
		weir_panel_until(d->panel[i], d->experiment->picture_ns);
	}
}

/* --- Sequence numbers over time -------------------------------------------------------------- */

/* lab_watch.trace */
static void on_trace(void *user, enum lab_host host, const struct weir_trace_record *r)
{
	struct drawing *d = user;

	if (host == LAB_CLIENT)
		weir_sequence_feed(d->sequence, r);
}

/* lab_watch.lost */
static void on_lost(void *user, weir_time at, uint32_t seq, uint32_t len)
{
	struct drawing *d = user;

	weir_sequence_lost(d->sequence, at, seq, len);
}

/* lab_watch.trace */
static void on_window(void *user, enum lab_host host, const struct weir_trace_record *r)
{
	if (host == LAB_CLIENT)
		weir_windows_feed(user, r);
}

/* --- The picture ----------------------------------------------------------------------------- */

static void draw_variant(struct weir_picture *pic, const struct lab_experiment *e, unsigned variant,
			 const struct lab_result *res)
{
	struct drawing d = {.experiment = e};
	struct lab_watch watch = {.user = &d};
	struct lab_sight sight;
	char title[TITLE_MAX];

	if (e->picture == LAB_PICTURE_LINES) {
		add_lines(pic, &d, e->variant[variant].name);
		watch.line = on_line;
		watch.point = on_point;
	} else {
		snprintf(title, sizeof(title), "%s: %s", e->variant[variant].name,
			 e->variant[variant].text.in[LAB_EN]);
		d.sequence = weir_picture_sequence(pic, title);
		weir_panel_until(d.sequence, e->picture_ns);
		watch.trace = on_trace;
		watch.lost = on_lost;
	}
	lab_look(e, variant, res->seed, res->telling, &watch, &sight);
}

/* The windows of the run that is told, beside its sequence numbers. */
static void draw_windows(struct weir_picture *pic, const struct lab_experiment *e,
			 const struct lab_result *res)
{
	struct lab_watch watch = {.trace = on_window};
	struct lab_sight sight;
	char title[TITLE_MAX];

	snprintf(title, sizeof(title), "%s: windows", e->variant[e->drawn_variant].name);
	watch.user = weir_windows_new(pic, title);
	weir_panel_until(weir_windows_panel(watch.user), e->picture_ns);
	lab_look(e, e->drawn_variant, res->seed, res->telling, &watch, &sight);
	weir_windows_free(watch.user);
}

int lab_write_svg(const struct lab_experiment *e, const struct lab_result *res, const char *path)
{
	struct weir_picture *pic;
	char title[TITLE_MAX], note[TITLE_MAX];
	FILE *out = fopen(path, "w");
	int status, error;

	if (out == NULL)
		return -1;
	snprintf(title, sizeof(title), "weir lab %s: %s", e->name, e->title.in[LAB_EN]);
	snprintf(note, sizeof(note), "run %" PRIu64 ", seed %" PRIu64, res->telling + 1, res->seed);
	pic = weir_picture_new(title, note, 2);
	for (unsigned v = 0; v < e->variants; v++)
		draw_variant(pic, e, v, res);
	if (e->picture == LAB_PICTURE_SEQUENCE)
		draw_windows(pic, e, res);
	status = weir_picture_write(pic, out);
	error = errno;
	weir_picture_free(pic);
	if (fclose(out) != 0 && status == 0)
		return -1;
	errno = error;
	return status;
}
