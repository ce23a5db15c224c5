#include "tcp/half.h"

/* A SYN that comes again. What it asks for was settled by the first; the SYN-ACK tells how the last
 * one came. One that asks for nothing leaves open what the client understood (RFC9768-04). False:
 * one of both asks for RFC 3168's kind and one for the other, which nobody does (3.1.5). */
static bool same_ecn(struct half *h, const struct weir_config *cfg, const struct tcp_seg *syn)
{
	enum accecn_kind now = accecn_asked(cfg, syn);

	if (h->ecn == ACCECN_KIND_NONE)
		return true;
	h->syn_ecn = syn->ip_ecn & 3;
	if (h->ecn == ACCECN_KIND_CLASSIC)
		return now != ACCECN_KIND_ACCURATE;
	if (now == ACCECN_KIND_NONE)
		h->ecn = ACCECN_KIND_MUTE;
	return now != ACCECN_KIND_CLASSIC;
}

/* An ACK in answer, as often as challenges are allowed (RFC5961-09). */
static enum half_action answer(struct half *h, const struct weir_config *cfg, enum weir_counter why,
			       enum weir_counter *verdict)
{
	*verdict = why;
	if (h->flags & HALF_HELD || h->challenges >= cfg->challenge_count ||
	    h->challenges == UINT8_MAX)
		return HALF_DO_NOTHING;
	h->challenges++;
	return HALF_DO_ACK;
}

static enum half_action input_rst(struct half *h, const struct weir_config *cfg,
				  const struct tcp_seg *seg, uint32_t rcv_wnd,
				  enum weir_counter *verdict)
{
	seq_t nxt = seq_add(h->irs, 1);

	if (seq_eq(seg->seq, nxt)) {
		*verdict = WEIR_CTR_HALF_RST;
		return HALF_DO_END;
	}
	if (seq_in(seg->seq, nxt, rcv_wnd))
		return answer(h, cfg, WEIR_CTR_RST_CHALLENGED, verdict);
	*verdict = WEIR_CTR_RST_OUTSIDE;
	return HALF_DO_NOTHING;
}

static bool acceptable(const struct half *h, const struct tcp_seg *seg, uint32_t rcv_wnd)
{
	seq_t nxt = seq_add(h->irs, 1);
	uint32_t len = tcp_seg_len(seg);

	if (rcv_wnd == 0)
		return len == 0 && seq_eq(seg->seq, nxt);
	return seq_in(seg->seq, nxt, rcv_wnd) ||
	       (len && seq_in(seq_add(seg->seq, len - 1), nxt, rcv_wnd));
}

static bool is_old(const struct half *h, const struct tcp_seg *seg)
{
	return (h->flags & HALF_TS) && seg->opts.has_ts &&
	       (int32_t)(seg->opts.ts_val - h->ts_recent) < 0;
}

static enum half_action input_ack(const struct half *h, const struct tcp_seg *seg,
				  enum weir_counter *verdict)
{
	*verdict = WEIR_CTR_HALF_STRAY;
	if (!(seg->flags & TCP_ACK))
		return HALF_DO_NOTHING;
	if ((h->flags & HALF_TS) && !seg->opts.has_ts) {
		*verdict = WEIR_CTR_TS_MISSING;
		return HALF_DO_NOTHING;
	}
	if (!seq_eq(seg->ack, seq_add(h->iss, 1))) {
		*verdict = WEIR_CTR_HALF_BAD_ACK;
		return HALF_DO_RST;
	}
	*verdict = WEIR_CTR_ACCEPTED;
	return HALF_DO_COMPLETE;
}

enum half_action half_input(struct half *h, const struct weir_config *cfg,
			    const struct tcp_seg *seg, uint32_t rcv_wnd, enum weir_counter *verdict)
{
	if (seg->flags & TCP_RST)
		return input_rst(h, cfg, seg, rcv_wnd, verdict);
	if ((seg->flags & TCP_SYN) && !(seg->flags & TCP_ACK) && seq_eq(seg->seq, h->irs)) {
		*verdict = h->flags & HALF_HELD ? WEIR_CTR_HALF_HELD : WEIR_CTR_HALF_SYN_AGAIN;
		if (!same_ecn(h, cfg, seg))
			return HALF_DO_REFUSE;
		if (h->flags & HALF_HELD)
			return HALF_DO_NOTHING;
		h->flags |= HALF_AGAIN;
		return HALF_DO_SYNACK;
	}
	if (is_old(h, seg) && !(seg->flags & TCP_SYN))
		return answer(h, cfg, WEIR_CTR_PAWS, verdict);
	if (!acceptable(h, seg, rcv_wnd))
		return answer(h, cfg, WEIR_CTR_OUT_OF_WINDOW, verdict);
	if (seg->flags & TCP_SYN) {
		*verdict = WEIR_CTR_HALF_SYN_NEW; /* 3.10.7.4, fourth: back to LISTEN */
		return HALF_DO_END;
	}
	if (h->flags & HALF_HELD) {
		*verdict = WEIR_CTR_HALF_STRAY; /* nothing was sent that it could acknowledge */
		return HALF_DO_NOTHING;
	}
	return input_ack(h, seg, verdict);
}
