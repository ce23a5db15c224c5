/*
 * Theory of operation
 *
 * The first two steps of RFC 9293 3.10.7.4: is the segment's place in the sequence space
 * acceptable, and if it is an RST, does it count (RFC 5961 3.2). Before them stands PAWS
 * (RFC 7323 5.3), which RST segments are exempt from.
 *
 * The window is [RCV.NXT, rcv.adv): everything that any ACK of ours offered. A segment that lies
 * partly outside is trimmed (RFC9293-X-06), so what follows sees only new bytes. Four exceptions
 * keep the rule from throwing away what must be heard:
 *  - the SYN-ACK of a simultaneous open begins at IRS, one left of the window; its SYN is taken off
 *    and its ACK is processed (RFC 9293 3.5, figure 8);
 *  - an empty segment right at the edge is taken: with a full window out and lost, every ACK of the
 *    peer stands there, and two ends that each miss the other's data would hear nothing more (BSD
 *    and Linux do so too; RFC 9293 3.10.7.4 excludes that one number);
 *  - with a closed window a segment at RCV.NXT is not acceptable, but its ACK, URG and RST are used
 *    (MUST-66);
 *  - the ACK of a segment at RCV.NXT-1, a probe or a FIN sent again, is used (RFC9293-X-18).
 */
#include "tcp/ackgen.h"
#include "tcp/input.h"

#define PAWS_IDLE_MAX_S (24u * 86400u) /* RFC7323-24 */

/* RFC2883-01: what of the text lies left of RCV.NXT has come before, unless it lies left of the
 * stream's first byte too: that is of another connection, or forged. */
static void note_again(struct tcb *t, const struct tcp_seg *s)
{
	seq_t end = seq_min(seq_add(s->seq, s->len), t->rcv.nxt);
	uint32_t back = t->rcv.nxt.v - s->seq.v;

	if (seq_lt(s->seq, end) && back <= t->rcvq.nxt + t->rcv.fin_done)
		ackgen_again(t, s->seq, end);
}

static uint32_t ts_age_s(const struct tcp_in *in)
{
	return (uint32_t)(in->now / NS_PER_S) - in->t->ts.recent_s;
}

enum tcp_step accept_paws(struct tcp_in *in)
{
	struct tcb *t = in->t;
	const struct tcp_opts *o = &in->seg.opts;

	if (!t->ts.ok || (in->seg.flags & TCP_RST))
		return TCP_STEP_ON;
	if (!o->has_ts) {
		/* RFC7323-13; a SYN of a rebooted peer has none and must be challenged */
		return in->seg.flags & TCP_SYN ? TCP_STEP_ON : input_done(in, WEIR_CTR_TS_MISSING);
	}
	if ((int32_t)(o->ts_val - t->ts.recent) >= 0)
		return TCP_STEP_ON;
	if (ts_age_s(in) > PAWS_IDLE_MAX_S)
		return TCP_STEP_ON;
	if (in->seg.flags & TCP_SYN)
		return TCP_STEP_ON; /* challenged whatever it carries (RFC5961-06) */
	note_again(t, &in->seg);    /* RFC2883-05 */
	if (tcp_seg_len(&in->seg))
		ackgen_duplicate(t);
	else
		ackgen_unacceptable(t, in->env, in->now);
	return input_done(in, WEIR_CTR_PAWS);
}

void input_ts_recent(struct tcp_in *in, seq_t at)
{
	struct tcb *t = in->t;
	const struct tcp_opts *o = &in->seg.opts;

	if (!t->ts.ok || !o->has_ts || seq_gt(at, t->rcv.last_ack))
		return;
	if ((int32_t)(o->ts_val - t->ts.recent) < 0 && ts_age_s(in) <= PAWS_IDLE_MAX_S)
		return;
	t->ts.recent = o->ts_val;
	t->ts.recent_s = (uint32_t)(in->now / NS_PER_S);
}

/* RFC5961-01, -02, -03. A closed window still takes an RST at RCV.NXT (MUST-66). */
static enum tcp_step accept_rst(struct tcp_in *in)
{
	struct tcb *t = in->t;
	uint32_t wnd = tcb_rcv_wnd(t);

	if (seq_eq(in->seg.seq, t->rcv.nxt)) {
		t->reason = t->state == WEIR_STATE_SYN_RECEIVED ? WEIR_REFUSED : WEIR_RESET;
		return input_done(in, WEIR_CTR_RST_ACCEPTED);
	}
	if (!seq_in(in->seg.seq, t->rcv.nxt, wnd))
		return input_done(in, WEIR_CTR_RST_OUTSIDE);
	ackgen_challenge(t, in->env, in->now);
	return input_done(in, WEIR_CTR_RST_CHALLENGED);
}

/* RFC9293-X-04 */
static bool acceptable(const struct tcb *t, const struct tcp_seg *s)
{
	uint32_t len = tcp_seg_len(s);
	uint32_t wnd = tcb_rcv_wnd(t);

	if (len == 0)
		return seq_geq(s->seq, t->rcv.nxt) && seq_leq(s->seq, t->rcv.adv);
	/* Two stretches have a byte in common when either begins within the other. */
	return wnd && (seq_in(s->seq, t->rcv.nxt, wnd) || seq_in(t->rcv.nxt, s->seq, len));
}

/* The segment begins at RCV.NXT from now on; its urgent pointer stays where it points to. */
static void begin_at_next(const struct tcb *t, struct tcp_seg *s)
{
	uint32_t moved = t->rcv.nxt.v - s->seq.v;

	s->seq = t->rcv.nxt;
	if (s->urgent > moved) {
		s->urgent = (uint16_t)(s->urgent - moved);
		return;
	}
	s->urgent = 0;
	s->flags &= (uint8_t)~TCP_URG;
}

static void trim(struct tcb *t, struct tcp_seg *s)
{
	if (seq_lt(s->seq, t->rcv.nxt)) {
		uint32_t cut = t->rcv.nxt.v - s->seq.v;

		if (cut > s->len)
			cut = s->len; /* the rest was a FIN already taken */
		note_again(t, s);
		s->payload += cut;
		s->len -= cut;
		begin_at_next(t, s);
	}
	if (seq_gt(seq_add(s->seq, s->len), t->rcv.adv)) {
		s->len = seq_gt(t->rcv.adv, s->seq) ? t->rcv.adv.v - s->seq.v : 0;
		s->flags &= (uint8_t)~TCP_FIN;
	} else if ((s->flags & TCP_FIN) && tcb_rcv_wnd(t) &&
		   seq_eq(seq_add(s->seq, s->len), t->rcv.adv)) {
		/* The FIN is one past the edge. It takes no buffer: it may stay. */
		return;
	}
}

/* What is not acceptable is answered and dropped, but for the exceptions of the theory above. */
static enum tcp_step unacceptable(struct tcp_in *in)
{
	struct tcb *t = in->t;
	struct tcp_seg *s = &in->seg;
	seq_t end = seq_add(s->seq, tcp_seg_len(s));
	bool empty = tcp_seg_len(s) == 0;

	in->verdict = seq_leq(end, t->rcv.nxt) && !empty ? WEIR_CTR_DUPLICATE
							 : WEIR_CTR_OUT_OF_WINDOW;
	note_again(t, s);
	if (empty)
		ackgen_unacceptable(t, in->env, in->now);
	else
		ackgen_now(t, WEIR_CTR_SENT_DUPACK);
	if (!(s->flags & TCP_ACK) || (s->flags & TCP_SYN))
		return TCP_STEP_DONE;
	if (!seq_eq(s->seq, t->rcv.nxt) && !seq_eq(s->seq, seq_sub(t->rcv.nxt, 1)))
		return TCP_STEP_DONE;
	if (!seq_eq(s->seq, t->rcv.nxt))
		begin_at_next(t, s);
	s->len = 0;
	s->flags &= (uint8_t)~TCP_FIN;
	return TCP_STEP_ON;
}

enum tcp_step accept_sequence(struct tcp_in *in)
{
	struct tcb *t = in->t;
	struct tcp_seg *s = &in->seg;

	in->first = s->seq;
	in->whole = s->len;
	if (s->flags & TCP_RST)
		return accept_rst(in);
	if (t->state == WEIR_STATE_SYN_RECEIVED && (s->flags & TCP_SYN) &&
	    seq_eq(s->seq, t->rcv.irs)) {
		if (!(s->flags & TCP_ACK)) {
			t->want_syn = TCB_SYN_AGAIN; /* policy: the SYN-ACK again */
			return input_done(in, WEIR_CTR_HALF_SYN_AGAIN);
		}
		s->flags &= (uint8_t)~TCP_SYN;
		s->seq = seq_add(s->seq, 1);
	} else if ((s->flags & TCP_SYN) && tcb_synchronized(t)) {
		return TCP_STEP_ON; /* any place: input_syn() challenges it (RFC5961-06) */
	}
	if (!acceptable(t, s))
		return unacceptable(in);
	in->in_window = true;
	if (!(s->flags & TCP_SYN))
		trim(t, s);
	return TCP_STEP_ON;
}
