/*
 * Theory of operation
 *
 * RFC 9293 3.10.7.3, step by step: ACK, RST, SYN, and the rest. An RST counts only when it
 * acknowledges our SYN (RFC5961-04): what is blindly injected does not. A SYN with an acceptable
 * ACK completes the handshake; a bare SYN is the other half of a simultaneous open (MUST-10), and
 * the answer repeats our own ISN. Data on a SYN-ACK is in order and is taken; data on a bare SYN is
 * not kept and comes again (docs/conformance/policy.md).
 */
#include "tcp/accecn.h"
#include "tcp/ackgen.h"
#include "tcp/cc_ops.h"
#include "tcp/fsm.h"
#include "tcp/input.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sndq.h"
#include "tcp/timers.h"

/* What the peer's SYN says, and what it makes of our offers. */
static void agree(struct tcp_in *in)
{
	const struct weir_config *cfg = in->env->cfg;
	const struct tcp_opts *o = &in->seg.opts;
	struct tcp_agreed a = {
		.mss = o->has_mss ? o->mss : in->t->peer_mss,
		.ts_ok = o->has_ts && cfg->timestamps,
		.sack_ok = o->sack_permitted && cfg->sack,
	};

	accecn_answered(in, &a);
	if (o->has_wscale && cfg->window_scaling) { /* RFC7323-02: both or none */
		a.wscale_ok = true;
		a.snd_wscale = o->wscale;
		a.rcv_wscale = in->t->rcv_wscale;
	}
	tcb_agree(in->t, in->env, &a);
	if (a.ts_ok) {
		in->t->ts.recent = o->ts_val;
		in->t->ts.recent_s = (uint32_t)(in->now / NS_PER_S);
	}
}

static void note_syn(struct tcp_in *in)
{
	struct tcb *t = in->t;
	uint32_t offered = t->rcv.adv.v; /* of our SYN, which had no RCV.NXT yet */

	t->rcv.irs = in->seg.seq;
	t->rcv.nxt = seq_add(in->seg.seq, 1);
	t->rcv.adv = seq_add(t->rcv.nxt, offered);
	t->rcv.last_ack = t->rcv.nxt;
	t->snd.wnd = in->seg.wnd; /* RFC7323-03: never scaled here */
	t->snd.wl1 = in->seg.seq;
	t->snd.wl2 = in->seg.ack;
	t->snd.wnd_max = t->snd.wnd;
	agree(in);
}

static void complete(struct tcp_in *in)
{
	struct tcb *t = in->t;
	uint64_t echo;

	note_syn(in);
	echo = input_echo_age(in);
	t->snd.una = in->seg.ack;
	rtt_acked(&t->rtt, in->env->cfg, in->seg.ack, echo, in->now);
	rtt_syn_acked(&t->rtt, t->retries);
	tcb_cc_start(t, in->env, in->now);
	recovery_init(&t->rec, t->snd.iss); /* a SYN's timeouts are over: none is taken back */
	t->retries = 0;
	t->user.stuck_at = t->sndq.len ? in->now : WEIR_NEVER;
	fsm_step(t, FSM_SYNACK);
	if (t->sndq.fin)
		fsm_step(t, FSM_CLOSE); /* a half-close that was remembered */
	tcb_event(t, WEIR_EV_CONNECTED);
	ackgen_now(t, WEIR_CTR_SENT_ACK);
	accecn_synack_came(in);
	timers_rearm(in->env, t, in->now);
	timers_user(in->env, t);
	timers_keepalive(t);
	in->env->counters[WEIR_CTR_OPENED_ACTIVE]++;
}

/* First and second: ACK and RST. */
static enum tcp_step check_ack(struct tcp_in *in)
{
	struct tcb *t = in->t;
	const struct tcp_seg *s = &in->seg;
	bool good = (s->flags & TCP_ACK) && seq_gt(s->ack, t->snd.iss) &&
		    seq_leq(s->ack, t->snd.nxt);

	if ((s->flags & TCP_ACK) && !good) {
		if (!(s->flags & TCP_RST)) {
			in->answer = true;
			in->answer_seq = s->ack;
		}
		return input_done(in, WEIR_CTR_SYNSENT_BAD_ACK);
	}
	if (!(s->flags & TCP_RST))
		return TCP_STEP_ON;
	if (!good)
		return input_done(in, WEIR_CTR_SYNSENT_RST);
	t->reason = WEIR_REFUSED;
	return input_done(in, WEIR_CTR_REFUSED);
}

enum tcp_step input_synsent(struct tcp_in *in)
{
	struct tcb *t = in->t;

	if (check_ack(in) == TCP_STEP_DONE)
		return TCP_STEP_DONE;
	if (!(in->seg.flags & TCP_SYN))
		return input_done(in, WEIR_CTR_SYNSENT_STRAY);
	if (!(in->seg.flags & TCP_ACK)) {
		note_syn(in);
		/* A close may take it to FIN-WAIT-1 before its SYN is acknowledged. */
		tcb_cc_start(t, in->env, in->now);
		fsm_step(t, FSM_SYN);
		t->want_syn = TCB_SYN_FIRST;
		in->seg.len = 0;
		return TCP_STEP_DONE;
	}
	complete(in);
	in->seg.seq = seq_add(in->seg.seq, 1);
	in->seg.flags &= (uint8_t)~TCP_SYN;
	if (seq_gt(seq_add(in->seg.seq, in->seg.len), t->rcv.adv)) {
		in->seg.len = tcb_rcv_wnd(t);
		in->seg.flags &= (uint8_t)~TCP_FIN;
	}
	return TCP_STEP_ON;
}
