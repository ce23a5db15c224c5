/*
 * Theory of operation
 *
 * The record answers for the connection during 2MSL: it acknowledges the peer's FIN again if our
 * last ACK was lost (and starts the 2MSL anew), and it keeps old segments from reaching a new
 * incarnation. RST is ignored (RFC 1337), since an old duplicate could end the record otherwise. A
 * SYN may reuse the pair when RFC 6191 shows it to be newer: by timestamp, or by sequence number
 * against the peer's FIN (RFC6191-03). Anything else that is old draws at most an ACK (RFC1337-02),
 * and not often.
 */
#include "tcp/timewait.h"

#include "tcp/accecn.h"

void timewait_init(struct timewait *w, const struct tcb *t)
{
	uint32_t wnd = tcb_rcv_wnd(t);

	*w = (struct timewait){
		.snd_nxt = t->snd.nxt,
		.rcv_nxt = t->rcv.nxt,
		.rcv_wnd = wnd,
		.snd_wnd_max = t->snd.wnd_max,
		.ts_recent = t->ts.recent,
		.wnd_field = (uint16_t)(wnd >> t->rcv_wscale),
		.flags = (uint8_t)((t->ts.ok ? TIMEWAIT_TS : 0) | accecn_ace(t) * TIMEWAIT_ACE_1),
		.rcv_wscale = t->rcv_wscale,
	};
}

static enum timewait_action answer(struct timewait *w, const struct weir_config *cfg, weir_time now)
{
	uint32_t now_ms = (uint32_t)(now / NS_PER_MS) | 1;

	if (w->answered_ms && now_ms - w->answered_ms < cfg->ooo_ack_ms)
		return TIMEWAIT_DO_NOTHING;
	w->answered_ms = now_ms;
	return TIMEWAIT_DO_ACK;
}

static enum timewait_action input_rst(struct timewait *w, const struct weir_config *cfg,
				      const struct tcp_seg *seg, weir_time now,
				      enum weir_counter *verdict)
{
	if (seq_eq(seg->seq, w->rcv_nxt)) {
		*verdict = cfg->timewait_rst_ignored ? WEIR_CTR_TIMEWAIT_RST
						     : WEIR_CTR_TIMEWAIT_RST_END;
		return cfg->timewait_rst_ignored ? TIMEWAIT_DO_NOTHING : TIMEWAIT_DO_END;
	}
	if (!seq_in(seg->seq, w->rcv_nxt, w->rcv_wnd)) {
		*verdict = WEIR_CTR_RST_OUTSIDE;
		return TIMEWAIT_DO_NOTHING;
	}
	*verdict = WEIR_CTR_RST_CHALLENGED;
	return answer(w, cfg, now);
}

/* RFC6191-01, -02. Timestamps on a SYN show a new connection only if we would use them now. Where
 * we do not, the old connection had none for our sake, and its own SYN, come again, carries
 * them. */
static bool syn_is_newer(const struct timewait *w, const struct weir_config *cfg,
			 const struct tcp_seg *seg)
{
	bool has_ts = seg->opts.has_ts && cfg->timestamps;
	seq_t last = seq_sub(w->rcv_nxt, 1); /* the peer's FIN */
	int32_t later = (int32_t)(seg->opts.ts_val - w->ts_recent);

	if (!(w->flags & TIMEWAIT_TS) || !has_ts)
		return (!(w->flags & TIMEWAIT_TS) && has_ts) || seq_gt(seg->seq, last);
	return later > 0 || (later == 0 && seq_gt(seg->seq, last));
}

static bool acceptable(const struct timewait *w, const struct tcp_seg *seg)
{
	uint32_t len = tcp_seg_len(seg);

	if (w->rcv_wnd == 0)
		return len == 0 && seq_eq(seg->seq, w->rcv_nxt);
	return seq_in(seg->seq, w->rcv_nxt, w->rcv_wnd) ||
	       (len && seq_in(seq_add(seg->seq, len - 1), w->rcv_nxt, w->rcv_wnd));
}

static enum timewait_action input_rest(struct timewait *w, const struct weir_config *cfg,
				       const struct tcp_seg *seg, weir_time now,
				       enum weir_counter *verdict)
{
	seq_t end = seq_add(seg->seq, tcp_seg_len(seg));

	if (!acceptable(w, seg)) {
		if ((seg->flags & TCP_FIN) && seq_eq(end, w->rcv_nxt)) {
			*verdict = WEIR_CTR_TIMEWAIT_FIN;
			return TIMEWAIT_DO_RESTART;
		}
		return answer(w, cfg, now);
	}
	if (!(seg->flags & TCP_ACK))
		return TIMEWAIT_DO_NOTHING;
	if (seq_gt(seg->ack, w->snd_nxt) || seq_lt(seg->ack, seq_sub(w->snd_nxt, w->snd_wnd_max)))
		return answer(w, cfg, now);
	return TIMEWAIT_DO_NOTHING; /* answering bare ACKs could loop */
}

enum timewait_action timewait_input(struct timewait *w, const struct weir_config *cfg,
				    const struct tcp_seg *seg, weir_time now,
				    enum weir_counter *verdict)
{
	if (seg->flags & TCP_RST)
		return input_rst(w, cfg, seg, now, verdict);
	if (seg->flags & TCP_SYN) {
		if (!(seg->flags & TCP_ACK) && cfg->timewait_reuse && syn_is_newer(w, cfg, seg)) {
			*verdict = WEIR_CTR_TIMEWAIT_SYN;
			return TIMEWAIT_DO_REUSE;
		}
		*verdict = WEIR_CTR_TIMEWAIT_SYN_OLD;
		return answer(w, cfg, now);
	}
	*verdict = WEIR_CTR_TIMEWAIT_STRAY;
	return input_rest(w, cfg, seg, now, verdict);
}

seq_t timewait_next_isn(const struct timewait *w, seq_t isn)
{
	/* RFC 1122 4.2.2.13: larger than any number the old one used */
	return seq_gt(isn, w->snd_nxt) ? isn : seq_add(w->snd_nxt, 65537u);
}
