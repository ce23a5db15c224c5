/*
 * svg_windows.c: the windows of one connection over time: what congestion control allows (cwnd),
 * where it ends slow start (ssthresh), what is out, and what the peer allows, from the trace
 * records of the sender.
 *
 * What is out is what was sent and not acknowledged, as an eye beside the sender sees it: more than
 * the window while SACK tells that some of it has left the network.
 */
#include "sink/svg_panel.h"

#include <stdlib.h>

#include "sink/seqrel.h"

enum { LINE_CWND, LINE_FLIGHT, LINE_SSTHRESH, LINE_RWND };

struct weir_windows {
	struct weir_panel *panel;
	bool begun;
	uint32_t flow, una, high;
	weir_time start;
};

struct weir_windows *weir_windows_new(struct weir_picture *pic, const char *title)
{
	struct weir_windows *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->panel = weir_picture_lines(pic, title, "window", "bytes");
	weir_lines_name(w->panel, LINE_CWND, "congestion window", WEIR_LINE_STEPS);
	weir_lines_name(w->panel, LINE_FLIGHT, "sent, not acknowledged", WEIR_LINE_STEPS);
	weir_lines_name(w->panel, LINE_SSTHRESH, "ssthresh", WEIR_LINE_LIMIT);
	weir_lines_name(w->panel, LINE_RWND, "the peer's window", WEIR_LINE_LIMIT);
	return w;
}

void weir_windows_free(struct weir_windows *w)
{
	free(w);
}

struct weir_panel *weir_windows_panel(struct weir_windows *w)
{
	return w != NULL ? w->panel : NULL;
}

static void note(struct weir_windows *w, const struct weir_trace_record *r)
{
	uint32_t end = r->seq + r->payload_len;

	if (r->kind == WEIR_TRACE_OUT && seqrel_after(end, w->high))
		w->high = end;
	if (r->kind == WEIR_TRACE_IN && r->seg_flags & WEIR_TCP_ACK &&
	    seqrel_after(r->ack, w->una) && !seqrel_after(r->ack, w->high + 1))
		w->una = r->ack;
}

void weir_windows_feed(struct weir_windows *w, const struct weir_trace_record *r)
{
	weir_time at;

	if (w == NULL || !r->is_tcp || r->flow == 0)
		return;
	if (!w->begun && r->kind == WEIR_TRACE_OUT && r->iss != 0) {
		w->begun = true;
		w->flow = r->flow;
		w->start = r->at;
		w->una = w->high = r->iss + 1;
	}
	if (!w->begun || r->flow != w->flow)
		return;
	at = r->at - w->start;
	note(w, r);
	if (r->cwnd_bytes != 0) {
		weir_lines_point(w->panel, LINE_CWND, at, r->cwnd_bytes);
		weir_lines_point(w->panel, LINE_SSTHRESH, at, r->ssthresh_bytes);
	}
	weir_lines_point(w->panel, LINE_FLIGHT, at,
			 seqrel_after(w->high, w->una) ? w->high - w->una : 0);
	if (r->kind == WEIR_TRACE_IN && !(r->seg_flags & WEIR_TCP_SYN))
		weir_lines_point(w->panel, LINE_RWND, at, r->wnd_bytes);
}
