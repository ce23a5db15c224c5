/*
 * Theory of operation
 *
 * RFC 9293 3.10.7.4 as a fixed order of small steps; each may end the way with a verdict. Nothing
 * here sends: answers are wishes (ackgen, want_*, in->answer) that output turns into segments when
 * all input has been taken in, so that ACKs merge (MUST-58, MUST-59).
 *
 *   PAWS -> sequence and RST -> SYN -> ACK -> URG -> text -> FIN
 *
 * SYN-SENT has an order of its own (input_synsent.c) and joins at the sixth step.
 */
#include "tcp/input.h"

#include "tcp/accecn.h"
#include "tcp/ackgen.h"
#include "tcp/drs.h"
#include "tcp/fsm.h"
#include "tcp/rcvq.h"
#include "tcp/timers.h"

/* RFC5961-06. In SYN-RECEIVED of an active origin the same (3.10.7.4, fourth). */
enum tcp_step input_syn(struct tcp_in *in)
{
	if (!(in->seg.flags & TCP_SYN))
		return TCP_STEP_ON;
	ackgen_challenge(in->t, in->env, in->now);
	accecn_synack_again(in);
	return input_done(in, WEIR_CTR_SYN_CHALLENGED);
}

/* The pointer names the byte after the last urgent one (MUST-62). */
void input_urgent(struct tcp_in *in)
{
	struct tcb *t = in->t;
	seq_t up = seq_add(in->seg.seq, in->seg.urgent);

	if (!(in->seg.flags & TCP_URG) || !tcb_receives(t))
		return;
	if (seq_leq(up, seq_sub(t->rcv.nxt, rcvq_readable(t))))
		return; /* all of it was read */
	if (t->rcv.up_set && seq_leq(up, t->rcv.up))
		return;
	t->rcv.up = up;
	t->rcv.up_set = true;
	tcb_event(t, WEIR_EV_URGENT);
}

static void take_fin(struct tcp_in *in)
{
	struct tcb *t = in->t;

	t->rcv.fin_done = true;
	t->rcv.nxt = seq_add(t->rcv.nxt, 1);
	if (seq_lt(t->rcv.adv, t->rcv.nxt))
		t->rcv.adv = t->rcv.nxt;
	fsm_step(t, FSM_FIN);
	ackgen_now(t, WEIR_CTR_SENT_ACK);
	tcb_event(t, WEIR_EV_READABLE);
	timer_stop(t, TIMER_FINWAIT2);
}

/* A peer has one FIN. Should there be two, one is of a former incarnation: the first in sequence
 * counts, or one that waits above a gap which never fills would keep out the real one (RFC 9293
 * 3.10.7.4). */
static void note_fin(struct tcp_in *in)
{
	struct tcb *t = in->t;
	seq_t fin = seq_add(in->seg.seq, in->seg.len);

	if ((in->seg.flags & TCP_FIN) && (!t->rcv.fin_seen || seq_lt(fin, t->rcv.fin))) {
		t->rcv.fin_seen = true;
		t->rcv.fin = fin;
		if (seq_gt(t->rcv.fin, t->rcv.nxt)) {
			in->verdict = WEIR_CTR_OUT_OF_ORDER;
			if (!in->seg.len) /* its text has asked for one (RFC5681-18) */
				ackgen_duplicate(t);
		}
	}
	if (t->rcv.fin_seen && !t->rcv.fin_done && seq_eq(t->rcv.fin, t->rcv.nxt)) {
		if (in->verdict == WEIR_CTR_OUT_OF_ORDER)
			in->verdict = WEIR_CTR_ACCEPTED;
		take_fin(in);
	}
}

/* RFC2883-03: what was cut off on the left is the first part that came twice, and reported. */
static void note_again(struct tcp_in *in)
{
	const struct tcp_seg *s = &in->seg;
	seq_t lo, hi;

	if (in->t->rcvq.ooo.count && !seq_lt(in->first, s->seq) &&
	    rcvq_has(in->t, in->env, s->seq, s->len, &lo, &hi))
		ackgen_again(in->t, lo, hi);
}

static void put_text(struct tcp_in *in)
{
	struct tcb *t = in->t;
	struct tcp_seg *s = &in->seg;
	bool gap = t->rcvq.ooo.count > 0;
	uint32_t seg = s->gso_size && s->gso_size < s->len ? s->gso_size : s->len;
	uint32_t got;
	enum weir_counter v;

	note_again(in);
	v = rcvq_put(t, in->env, s->seq, s->payload, s->len, &got);
	if (v == WEIR_CTR_ACCEPTED || v == WEIR_CTR_OUT_OF_ORDER)
		drs_arrived(in);
	if (v != WEIR_CTR_ACCEPTED) {
		in->verdict = v;
		s->flags &= (uint8_t)(v == WEIR_CTR_OUT_OF_ORDER || v == WEIR_CTR_DUPLICATE
					      ? 0xff
					      : ~TCP_FIN);
	}
	if (got) {
		in->env->counters[WEIR_CTR_BYTES_IN] += got;
		tcb_event(t, WEIR_EV_READABLE);
		ackgen_data(t, in->env, got, seg, gap ? ACKGEN_FILLS_GAP : ACKGEN_IN_ORDER,
			    in->now);
	} else {
		ackgen_duplicate(t);
	}
}

void input_text(struct tcp_in *in)
{
	struct tcb *t = in->t;
	struct tcp_seg *s = &in->seg;

	if (!tcb_receives(t)) {
		if (s->len)
			in->verdict = WEIR_CTR_AFTER_FIN;
		return;
	}
	if (t->rcv.fin_seen && seq_gt(seq_add(s->seq, s->len), t->rcv.fin)) {
		s->len = seq_lt(s->seq, t->rcv.fin) ? t->rcv.fin.v - s->seq.v : 0;
		s->flags &= (uint8_t)~TCP_FIN;
	}
	if (s->len && t->user.closed) {
		/* SHLD-3: nobody will ever read it */
		t->reason = WEIR_ABORTED;
		t->want_rst = true;
		in->verdict = WEIR_CTR_AFTER_CLOSE;
		return;
	}
	if (s->len)
		put_text(in);
	note_fin(in);
}

/* RFC3168-09, -11: a mark on data in the window is told by every ACK until CWR comes. */
static void note_mark(struct tcp_in *in)
{
	struct tcb *t = in->t;

	if (!in->in_window)
		return;
	if (t->ecn & ECN_ACCURATE)
		accecn_arrived(in);
	if (!(t->ecn & ECN_ON))
		return;
	if (in->seg.flags & TCP_CWR)
		t->ecn &= (uint8_t)~ECN_ECHO;
	if (!in->ce || in->seg.len == 0)
		return;
	if (!(t->ecn & ECN_ECHO))
		ackgen_now(t, WEIR_CTR_SENT_ACK); /* the sender should know at once */
	t->ecn |= ECN_ECHO;
	in->env->counters[WEIR_CTR_ECN_MARKED]++;
}

static void established(struct tcp_in *in)
{
	if (accept_paws(in) == TCP_STEP_DONE || accept_sequence(in) == TCP_STEP_DONE ||
	    input_syn(in) == TCP_STEP_DONE || ack_process(in) == TCP_STEP_DONE)
		return;
	note_mark(in);
	input_urgent(in);
	input_text(in);
}

void tcp_input(struct tcp_in *in)
{
	struct tcb *t = in->t;

	t->segs_in++;
	if (t->state == WEIR_STATE_SYN_SENT) {
		if (input_synsent(in) == TCP_STEP_ON) {
			input_urgent(in);
			input_text(in);
		}
	} else {
		established(in);
	}
	if (in->verdict == WEIR_CTR_ACCEPTED || in->verdict == WEIR_CTR_OUT_OF_ORDER ||
	    in->verdict == WEIR_CTR_DUPLICATE) {
		t->user.heard_at = in->now;
		if (t->user.keep_sent) {
			t->user.keep_sent = 0;
			timers_keepalive(t); /* MUST-27: the idle time runs anew */
		}
	}
	if (t->state != WEIR_STATE_CLOSED && t->reason != WEIR_OK)
		tcb_end(t, in->env, t->reason);
}
