#include "stack/trace.h"

#include "tcp/pace.h"

void trace_state(struct weir_stack *s, uint32_t flow, const struct weir_tuple *tuple,
		 enum weir_state before, enum weir_state after, enum weir_counter why)
{
	struct weir_trace_record r = {
		.at = s->now,
		.kind = WEIR_TRACE_STATE,
		.verdict = why,
		.flow = flow,
		.tuple = *tuple,
		.before = before,
		.after = after,
	};

	if (s->cfg.trace)
		s->cfg.trace(s->cfg.trace_user, &r);
}

static void note_fill(const struct weir_stack *s, struct weir_trace_record *r,
		      const struct trace_note *note)
{
	r->verdict = note->verdict;
	r->before = note->before;
	r->after = note->after;
	r->flow = note->flow;
	r->iss = note->iss;
	r->irs = note->irs;
	if (note->t) {
		r->cwnd_bytes = note->t->cc.cwnd;
		r->ssthresh_bytes = note->t->cc.ssthresh;
		r->pipe_bytes = tcb_pipe(note->t);
		r->recovery = (enum weir_recovery)note->t->rec.phase;
		r->spurious = note->t->rec.spurious;
		r->srtt_ns = note->t->rtt.srtt_ns;
		r->pacing_rate = pace_rate(&s->env, note->t);
		r->delivery_rate = note->t->rate.kbytes_s * 1000ull;
	}
}

static void seg_fill(struct weir_trace_record *r, const struct tcp_seg *seg, uint8_t wscale)
{
	r->is_tcp = true;
	r->seq = seg->seq.v;
	r->ack = seg->ack.v;
	r->payload_len = seg->len;
	r->wnd_bytes = (uint32_t)seg->wnd << (seg->flags & TCP_SYN ? 0 : wscale);
	r->urgent = seg->urgent;
	r->seg_flags = seg->flags | (seg->ae ? WEIR_TCP_AE : 0);
	r->opt_len = (uint8_t)(seg->hdr_len - TCP_HDR_LEN);
	r->opt = r->head + r->l4_start + TCP_HDR_LEN;
}

void trace_in(struct weir_stack *s, const struct weir_frame *f, const struct weir_tuple *tuple,
	      const struct tcp_seg *seg, size_t l4_start, const struct trace_note *note)
{
	struct weir_trace_record r = {
		.at = s->now,
		.kind = WEIR_TRACE_IN,
		.tuple = *tuple,
		.head = f->bytes,
		.head_len = f->len,
		.total_len = f->len,
		.csum_partial = f->flags & WEIR_FRAME_CSUM_OK,
		.l4_start = (uint16_t)l4_start,
	};

	note_fill(s, &r, note);
	if (seg)
		seg_fill(&r, seg, note->wscale);
	s->cfg.trace(s->cfg.trace_user, &r);
}

void trace_out(struct weir_stack *s, const struct weir_packet *p, const struct weir_tuple *tuple,
	       const struct tcp_seg *seg, const struct trace_note *note)
{
	struct weir_trace_record r = {
		.at = s->now,
		.kind = WEIR_TRACE_OUT,
		.tuple = *tuple,
		.head = p->head,
		.head_len = p->head_len,
		.span = p->span,
		.span_count = p->span_count,
		.total_len = p->total_len,
		.csum_partial = p->flags & WEIR_PACKET_CSUM_PARTIAL,
		.l4_start = p->l4_start,
	};

	note_fill(s, &r, note);
	if (seg)
		seg_fill(&r, seg, note->wscale);
	s->cfg.trace(s->cfg.trace_user, &r);
}
