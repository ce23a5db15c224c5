#include "tcp/half.h"

void half_init(struct half *h, const struct weir_config *cfg, const struct tcp_seg *syn, seq_t iss,
	       uint16_t mss_default)
{
	const struct tcp_opts *o = &syn->opts;

	*h = (struct half){
		.iss = iss,
		.irs = syn->seq,
		.mss = o->has_mss ? o->mss : mss_default,
		.wnd = syn->wnd,
	};
	if (o->has_ts && cfg->timestamps) {
		h->flags |= HALF_TS;
		h->ts_recent = o->ts_val;
	}
	if (o->sack_permitted && cfg->sack)
		h->flags |= HALF_SACK;
	if (o->has_wscale && cfg->window_scaling) {
		h->flags |= HALF_WSCALE;
		h->snd_wscale = o->wscale & 0xf;
	}
	h->ecn = tcp_asks_ecn(syn->flags) && cfg->ecn;
}

void half_agreed(const struct half *h, uint8_t rcv_wscale, struct tcp_agreed *out)
{
	*out = (struct tcp_agreed){
		.mss = h->mss,
		.snd_wscale = h->snd_wscale,
		.rcv_wscale = h->flags & HALF_WSCALE ? rcv_wscale : 0,
		.wscale_ok = h->flags & HALF_WSCALE,
		.ts_ok = h->flags & HALF_TS,
		.sack_ok = h->flags & HALF_SACK,
		.ecn_ok = h->ecn,
	};
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
