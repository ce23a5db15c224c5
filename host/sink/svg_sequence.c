/*
 * svg_sequence.c: the time-sequence picture of one connection's one direction, as tcptrace made it.
 *
 * Theory of operation
 *
 * Each segment with data is a vertical bar from its first to its last sequence number at the time
 * when the end that is looked at sent it. What is sent again has a colour of its own for each
 * reason, which is the verdict of its trace record (RETX_*, PROBE_*). Two lines go in steps from
 * the acknowledgements that came: the number acknowledged, and that plus the window, above which
 * nothing may be sent. What an acknowledgement says was received beyond a gap (SACK, RFC 2018) is a
 * bar at its time. A cross is a segment that the path has lost, which only a simulator knows.
 *
 * It is fed the trace records of the sender. Numbers are told from the first byte of the stream on;
 * they are compared modulo 2^32 and drawn as offsets from the first, so a picture may hold up to
 * 2 GB. The first connection that sends data is drawn, and no other.
 *
 * State: MARKS_MAX bars and crosses and as many acknowledgements; what comes later is counted, and
 * the title says so.
 */
#include "sink/svg_panel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink/seqrel.h"
#include "sink/tcpopts.h"

#define MARKS_MAX   200000u
#define KINDS_MAX   8u /* of retransmissions */
#define HEIGHT      360.0
#define CROSS       3.5
#define BAR_LEAST   2.0 /* pixels: a bar that is shorter is not seen */
#define AGAIN_LEAST 7.0 /* of what is sent again, which the eye looks for */
#define SERIF_LEAST 7.0 /* a bar of this height has ends */

enum mark_kind { MARK_DATA, MARK_AGAIN, MARK_SACK, MARK_LOST, MARK_FLAGS };

struct mark {
	weir_time at;
	uint32_t from, to; /* from the stream's first byte on */
	uint8_t kind;      /* enum mark_kind */
	uint8_t what;      /* of AGAIN: which reason; of FLAGS: WEIR_TCP_* */
};

struct acked {
	weir_time at;
	uint32_t ack, edge;
};

struct sequence {
	struct weir_panel base;
	bool begun;
	uint32_t flow, iss;
	weir_time start;
	uint32_t high, ack; /* offsets: one past all sent; acknowledged */
	struct mark *mark;
	size_t marks, mark_room;
	struct acked *acked;
	size_t ackeds, acked_room;
	uint64_t omitted;
	enum weir_counter reason[KINDS_MAX];
	unsigned reasons;
	double extent; /* offsets that are drawn, for prepare */
};

static const struct svg_pen data_pen = {"#333333", 1.3, NULL};
static const struct svg_pen sack_pen = {"#cc79a7", 1.6, NULL};
static const struct svg_pen ack_pen = {"#009e73", 1.3, NULL};
static const struct svg_pen edge_pen = {"#999999", 1.2, "4 2"};
static const struct svg_pen lost_pen = {"#c00000", 1.4, NULL};

/* A reason has the same colour in every picture. */
static struct svg_pen again_pen(enum weir_counter why)
{
	static const struct {
		enum weir_counter why;
		const char *colour;
	} table[] = {
		{WEIR_CTR_RETX_TIMEOUT, "#d55e00"}, {WEIR_CTR_RETX_RACK, "#0072b2"},
		{WEIR_CTR_RETX_TLP, "#e69f00"},     {WEIR_CTR_RETX_FAST, "#7b3fa0"},
		{WEIR_CTR_RETX_PARTIAL, "#b58fd0"},
	};
	struct svg_pen pen = {"#8c6d1f", 3, NULL};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].why == why)
			pen.colour = table[i].colour;
	return pen;
}

/* --- Taking in ---------------------------------------------------------------------------- */

static void add_mark(struct sequence *s, const struct mark *m)
{
	if (svg_grow(&s->mark, &s->mark_room, s->marks, MARKS_MAX, sizeof(*s->mark)))
		s->mark[s->marks++] = *m;
	else
		s->omitted++;
}

static bool is_again(enum weir_counter why)
{
	const char *name = weir_counter_name(why);

	return strncmp(name, "retx-", 5) == 0 || strncmp(name, "probe-", 6) == 0;
}

static uint8_t reason_of(struct sequence *s, enum weir_counter why)
{
	unsigned i = 0;

	while (i < s->reasons && s->reason[i] != why)
		i++;
	if (i == s->reasons && s->reasons < KINDS_MAX)
		s->reason[s->reasons++] = why;
	return (uint8_t)(i < KINDS_MAX ? i : KINDS_MAX - 1);
}

static void feed_out(struct sequence *s, const struct weir_trace_record *r, weir_time at)
{
	uint32_t from = r->seq - (s->iss + 1);
	struct mark m = {.at = at, .from = from, .to = from + r->payload_len};
	uint8_t flags = r->seg_flags & (WEIR_TCP_SYN | WEIR_TCP_FIN | WEIR_TCP_RST);

	if (r->seg_flags & WEIR_TCP_SYN)
		m.from = m.to = 0;
	if (r->payload_len > 0) {
		if (is_again(r->verdict)) {
			m.kind = MARK_AGAIN;
			m.what = reason_of(s, r->verdict);
		}
		add_mark(s, &m);
		if (seqrel_after(m.to, s->high))
			s->high = m.to;
	}
	if (flags != 0) {
		m.kind = MARK_FLAGS;
		m.what = flags;
		add_mark(s, &m);
	}
}

static void feed_in(struct sequence *s, const struct weir_trace_record *r, weir_time at)
{
	struct acked a = {.at = at, .ack = r->ack - (s->iss + 1)};
	struct tcpopts o;

	if (!(r->seg_flags & WEIR_TCP_ACK) || seqrel_after(a.ack, s->high + 1))
		return;
	if (seqrel_after(s->ack, a.ack))
		a.ack = s->ack; /* an old one moves nothing back */
	s->ack = a.ack;
	a.edge = a.ack + r->wnd_bytes;
	if (svg_grow(&s->acked, &s->acked_room, s->ackeds, MARKS_MAX, sizeof(*s->acked)))
		s->acked[s->ackeds++] = a;
	tcpopts_read(&o, r->opt, r->opt_len);
	for (unsigned i = 0; i < o.sack_count; i++) {
		struct mark m = {.at = at,
				 .from = o.sack[i][0] - (s->iss + 1),
				 .to = o.sack[i][1] - (s->iss + 1),
				 .kind = MARK_SACK};

		add_mark(s, &m);
	}
}

static const struct svg_panel_ops ops;

void weir_sequence_feed(struct weir_panel *p, const struct weir_trace_record *r)
{
	struct sequence *s = (struct sequence *)p;

	if (s == NULL || s->base.ops != &ops || !r->is_tcp || r->flow == 0)
		return;
	if (!s->begun && r->kind == WEIR_TRACE_OUT && r->iss != 0) {
		s->begun = true;
		s->flow = r->flow;
		s->iss = r->iss;
		s->start = r->at;
	}
	if (!s->begun || r->flow != s->flow)
		return;
	if (r->kind == WEIR_TRACE_OUT)
		feed_out(s, r, r->at - s->start);
	else if (r->kind == WEIR_TRACE_IN)
		feed_in(s, r, r->at - s->start);
}

void weir_sequence_lost(struct weir_panel *p, weir_time at, uint32_t seq, uint32_t len)
{
	struct sequence *s = (struct sequence *)p;
	struct mark m = {.kind = MARK_LOST};

	if (s == NULL || s->base.ops != &ops || !s->begun || at < s->start)
		return;
	m.at = at - s->start;
	m.from = seq - (s->iss + 1);
	m.to = m.from + len;
	add_mark(s, &m);
}

/* --- Drawing ------------------------------------------------------------------------------ */

static bool any_of(const struct sequence *s, enum mark_kind kind)
{
	for (size_t i = 0; i < s->marks; i++)
		if (s->mark[i].kind == kind)
			return true;
	return false;
}

static void make_legend(const struct sequence *s, struct svg_legend *l)
{
	bool edge = false;
	char text[64];

	svg_legend_add(l, SVG_SWATCH_BAR, &data_pen, "segment");
	for (unsigned i = 0; i < s->reasons; i++) {
		struct svg_pen pen = again_pen(s->reason[i]);

		svg_legend_add(l, SVG_SWATCH_BAR, &pen, weir_counter_text(s->reason[i]));
	}
	if (any_of(s, MARK_LOST))
		svg_legend_add(l, SVG_SWATCH_CROSS, &lost_pen, "lost or damaged");
	svg_legend_add(l, SVG_SWATCH_LINE, &ack_pen, "acknowledged");
	if (any_of(s, MARK_SACK))
		svg_legend_add(l, SVG_SWATCH_BAR, &sack_pen, "SACK block");
	for (size_t i = 0; i < s->ackeds; i++)
		edge = edge || s->acked[i].edge <= s->extent;
	if (edge)
		svg_legend_add(l, SVG_SWATCH_LINE, &edge_pen, "end of the window");
	if (s->omitted > 0) {
		snprintf(text, sizeof(text), "%" PRIu64 " more, not drawn", s->omitted);
		svg_legend_add(l, SVG_SWATCH_BAR, &data_pen, text);
	}
}

static void prepare(struct weir_panel *p, struct svg_axis *x, struct svg_axis *y,
		    struct svg_legend *l)
{
	struct sequence *s = (struct sequence *)p;
	struct svg_range time = {0}, seq = {0};

	svg_range_take(&time, 0);
	svg_range_take(&seq, 0);
	for (size_t i = 0; i < s->marks; i++) {
		if (p->until != 0 && s->mark[i].at > p->until)
			continue;
		svg_range_take(&time, (double)s->mark[i].at);
		svg_range_take(&seq, (double)s->mark[i].to);
	}
	for (size_t i = 0; i < s->ackeds; i++)
		if (p->until == 0 || s->acked[i].at <= p->until)
			svg_range_take(&time, (double)s->acked[i].at);
	if (p->until != 0)
		time.max = (double)p->until;
	svg_axis_init(x, SVG_AXIS_TIME, "time", NULL, &time, 8);
	svg_axis_init(y, SVG_AXIS_BYTES, "sequence number", NULL, &seq, 7);
	s->extent = y->max;
	make_legend(s, l);
}

/* A bar that is too short grows both ways. */
static void draw_bar(FILE *out, double at, double from, double to, double least)
{
	if (from - to < least) {
		from = (from + to + least) / 2;
		to = from - least;
	}
	if (from - to >= SERIF_LEAST) {
		svg_path_to(out, SVG_MOVE, at - 1.5, from);
		svg_path_to(out, SVG_DRAW, at + 1.5, from);
		svg_path_to(out, SVG_MOVE, at - 1.5, to);
		svg_path_to(out, SVG_DRAW, at + 1.5, to);
	}
	svg_path_to(out, SVG_MOVE, at, from);
	svg_path_to(out, SVG_DRAW, at, to);
}

static void draw_cross(FILE *out, double at, double mid)
{
	svg_path_to(out, SVG_MOVE, at - CROSS, mid - CROSS);
	svg_path_to(out, SVG_DRAW, at + CROSS, mid + CROSS);
	svg_path_to(out, SVG_MOVE, at - CROSS, mid + CROSS);
	svg_path_to(out, SVG_DRAW, at + CROSS, mid - CROSS);
}

/* All marks of one kind (and reason) in one path. */
static void draw_marks(const struct sequence *s, FILE *out, const struct svg_axis *x,
		       const struct svg_axis *y, enum mark_kind kind, unsigned what,
		       const struct svg_pen *pen)
{
	bool any = false;

	for (size_t i = 0; i < s->marks; i++) {
		const struct mark *m = &s->mark[i];
		double at = svg_axis_at(x, (double)m->at), from = svg_axis_at(y, m->from);
		double to = svg_axis_at(y, m->to);

		if (m->kind != kind || m->what != what)
			continue;
		if (!any)
			svg_path_begin(out, pen);
		any = true;
		if (kind == MARK_LOST)
			draw_cross(out, at, (from + to) / 2);
		else
			draw_bar(out, at, from, to, kind == MARK_AGAIN ? AGAIN_LEAST : BAR_LEAST);
	}
	if (any)
		svg_path_end(out);
}

enum step { STEP_ACK, STEP_EDGE };

static void draw_steps(const struct sequence *s, FILE *out, const struct svg_axis *x,
		       const struct svg_axis *y, const struct svg_pen *pen, enum step which)
{
	double last = 0;

	if (s->ackeds == 0)
		return;
	svg_path_begin(out, pen);
	for (size_t i = 0; i < s->ackeds; i++) {
		double at = svg_axis_at(x, (double)s->acked[i].at);
		uint32_t n = which == STEP_EDGE ? s->acked[i].edge : s->acked[i].ack;
		double v = svg_axis_at(y, n);

		if (i > 0)
			svg_path_to(out, SVG_DRAW, at, last);
		if (i == 0 || v != last)
			svg_path_to(out, i == 0 ? SVG_MOVE : SVG_DRAW, at, v);
		last = v;
	}
	svg_path_end(out);
}

static void draw_flags(const struct sequence *s, FILE *out, const struct svg_axis *x,
		       const struct svg_axis *y)
{
	for (size_t i = 0; i < s->marks; i++) {
		const struct mark *m = &s->mark[i];
		const char *text = m->what & WEIR_TCP_SYN   ? "SYN"
				   : m->what & WEIR_TCP_RST ? "RST"
							    : "FIN";

		if (m->kind == MARK_FLAGS)
			svg_text_over(out, svg_axis_at(x, (double)m->at) + 4,
				      svg_axis_at(y, m->to) - 4, text);
	}
}

static void draw(const struct weir_panel *p, FILE *out, const struct svg_axis *x,
		 const struct svg_axis *y)
{
	const struct sequence *s = (const struct sequence *)p;

	draw_steps(s, out, x, y, &edge_pen, STEP_EDGE);
	draw_marks(s, out, x, y, MARK_SACK, 0, &sack_pen);
	draw_marks(s, out, x, y, MARK_DATA, 0, &data_pen);
	draw_steps(s, out, x, y, &ack_pen, STEP_ACK);
	for (unsigned i = 0; i < s->reasons; i++) {
		struct svg_pen pen = again_pen(s->reason[i]);

		draw_marks(s, out, x, y, MARK_AGAIN, i, &pen);
	}
	draw_marks(s, out, x, y, MARK_LOST, 0, &lost_pen);
	draw_flags(s, out, x, y);
}

static void end(struct weir_panel *p)
{
	struct sequence *s = (struct sequence *)p;

	free(s->mark);
	free(s->acked);
}

static const struct svg_panel_ops ops = {
	.height = HEIGHT, .prepare = prepare, .draw = draw, .free = end};

struct weir_panel *weir_picture_sequence(struct weir_picture *pic, const char *title)
{
	return svg_panel_add(pic, &ops, sizeof(struct sequence), title);
}
