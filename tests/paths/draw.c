/*
 * draw.c: the picture of the first flow of `weir-paths run`: its sequence numbers, its windows as
 * its segments show them and as they were sampled, and its round trip.
 */
#include <stdio.h>

#include "base/be.h"
#include "paths.h"

/* dumbbell_hooks.trace */
static void on_trace(void *user, unsigned flow, enum dumbbell_end end,
		     const struct weir_trace_record *r)
{
	struct paths_drawing *d = user;

	(void)flow;
	if (end != DUMBBELL_SENDER)
		return;
	weir_sequence_feed(d->sequence, r);
	weir_windows_feed(d->windows, r);
}

/* dumbbell_hooks.lost */
static void on_lost(void *user, unsigned flow, enum dumbbell_end from, const struct sim_frame *f,
		    weir_time now)
{
	struct paths_drawing *d = user;
	uint32_t l4 = (f->bytes[0] & 15u) * 4u, head = l4 + (f->bytes[l4 + 12] >> 4) * 4u;

	(void)flow;
	if (from == DUMBBELL_SENDER && f->len > head)
		weir_sequence_lost(d->sequence, now, be32_get(f->bytes + l4 + 4), f->len - head);
}

void paths_draw_begin(struct paths_drawing *d, struct dumbbell_plan *p)
{
	d->picture = weir_picture_new("weir-paths run", NULL, 1);
	d->sequence = weir_picture_sequence(d->picture, "what the first flow sends");
	d->windows = weir_windows_new(d->picture, "its windows, as its segments show them");
	p->hooks = (struct dumbbell_hooks){
		.user = d, .trace = on_trace, .lost = on_lost, .watched = 1};
}

static void add_samples(struct paths_drawing *d, const struct dumbbell_flow *f)
{
	struct weir_panel *w =
		weir_picture_lines(d->picture, "its windows, sampled", "window", "bytes");
	struct weir_panel *t = weir_picture_lines(d->picture, "its round trip", "srtt", "ms");

	weir_lines_name(w, 0, "congestion window", WEIR_LINE_STEPS);
	weir_lines_name(w, 1, "pipe", WEIR_LINE_STEPS);
	weir_lines_name(w, 2, "ssthresh", WEIR_LINE_LIMIT);
	weir_lines_name(w, 3, "the peer's window", WEIR_LINE_LIMIT);
	weir_lines_name(t, 0, "srtt", WEIR_LINE_STEPS);
	for (unsigned i = 0; i < f->sample_count; i++) {
		const struct dumbbell_sample *s = &f->sample[i];

		if (s->cwnd == 0)
			continue;
		weir_lines_point(w, 0, s->at, s->cwnd);
		weir_lines_point(w, 1, s->at, s->pipe);
		weir_lines_point(w, 2, s->at, s->ssthresh);
		weir_lines_point(w, 3, s->at, s->rwnd);
		weir_lines_point(t, 0, s->at, (double)s->srtt_ns / 1e6);
	}
}

int paths_draw_end(struct paths_drawing *d, const struct dumbbell_flow *f, const char *path)
{
	FILE *out = fopen(path, "w");
	int status = -1;

	add_samples(d, f);
	if (out != NULL) {
		status = weir_picture_write(d->picture, out);
		status = fclose(out) == 0 ? status : -1;
	}
	if (status != 0)
		perror(path);
	weir_windows_free(d->windows);
	weir_picture_free(d->picture);
	return status;
}
