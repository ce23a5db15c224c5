/*
 * Theory of operation
 *
 * tcp_plan_next() asks, in this order, and the first that has something is sent:
 *
 *   SYN -> fast retransmit -> retransmission after an RTO -> new data and FIN -> zero-window probe
 *   -> keep-alive probe -> ACK alone
 *
 * New data goes by RFC9293-X-11: a full segment; or all there is, when Nagle permits; or half of
 * the largest window ever offered; or whatever fits, once the override timer fired. What the link
 * can cut up is planned as one super-segment, a multiple of the segment size, or with the tail when
 * the tail may go too. A FIN rides on the last data (RFC 9293 3.10.4).
 *
 * snd.rtx < snd.nxt after an RTO: from there everything is sent again inside cwnd; duplicates at
 * the receiver are the price of having no scoreboard yet.
 *
 * A probe carries the first byte that waits (3.8.6.1), so it needs no memory of its own: the byte
 * counts as sent and is acknowledged when the peer takes it.
 */
#include "tcp/output.h"

#include "tcp/ackgen.h"
#include "tcp/cc.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sndq.h"
#include "tcp/timers.h"

static bool syn_out(const struct tcb *t)
{
	return seq_eq(t->snd.una, t->snd.iss);
}

static bool fin_sent(const struct tcb *t)
{
	return t->sndq.fin && seq_gt(t->snd.nxt, sndq_end(&t->sndq));
}

static bool plan_syn(const struct tcb *t, enum weir_counter why, struct tcp_plan *p)
{
	p->seq = t->snd.iss;
	p->flags = TCP_SYN;
	p->why = why;
	if (t->state != WEIR_STATE_SYN_SENT) {
		p->flags |= TCP_ACK;
		p->why = why == WEIR_CTR_SENT_SYN ? WEIR_CTR_SENT_SYNACK : WEIR_CTR_RETX_SYNACK;
	}
	return true;
}

/* MUST-61: on what leaves nothing queued behind it, also when it goes again. */
static void add_push(const struct tcb *t, struct tcp_plan *p)
{
	if (p->len && !t->sndq.more && seq_eq(seq_add(p->seq, p->len), sndq_end(&t->sndq)))
		p->flags |= TCP_PSH;
}

/* One segment from `seq` on again, no more than `max` bytes. */
static bool plan_again(const struct tcb *t, seq_t seq, uint32_t max, enum weir_counter why,
		       struct tcp_plan *p)
{
	seq_t end = sndq_end(&t->sndq);
	uint32_t sent;

	if (seq_eq(seq, t->snd.iss))
		return plan_syn(t, WEIR_CTR_RETX_SYN, p);
	sent = seq_min(t->snd.nxt, end).v - seq.v;
	if (seq_gt(seq, end))
		sent = 0;
	p->seq = seq;
	p->len = sent < max ? sent : max;
	p->flags = TCP_ACK;
	p->why = why;
	if (fin_sent(t) && seq_eq(seq_add(seq, p->len), end))
		p->flags |= TCP_FIN;
	add_push(t, p);
	return p->len || (p->flags & TCP_FIN);
}

/* The window opened after probes: what is queued behind the byte of the last one goes along with
 * it, or else it would wait for that byte's ACK (Nagle). */
static void add_queued(const struct tcb *t, uint32_t max, struct tcp_plan *p)
{
	uint32_t queued = sndq_end(&t->sndq).v - t->snd.nxt.v;
	uint32_t room = max - p->len;

	if ((p->flags & (TCP_SYN | TCP_FIN)) || fin_sent(t) ||
	    !seq_eq(seq_add(p->seq, p->len), t->snd.nxt))
		return;
	p->len += queued < room ? queued : room;
	add_push(t, p);
}

/* After an RTO. SND.UNA's segment always goes (RFC6298-10); the rest as cwnd and window allow. */
static bool plan_resend(struct tcb *t, struct tcp_plan *p)
{
	uint32_t ahead = t->snd.rtx.v - t->snd.una.v;
	uint32_t cwnd = recovery_window(t);
	uint32_t max = t->snd.mss;

	if (!seq_lt(t->snd.rtx, t->snd.nxt))
		return false;
	if (!syn_out(t)) {
		uint32_t wnd = t->snd.wnd;

		if (wnd <= ahead)
			return false; /* SHLD-16: only inside the window as it is now */
		if (wnd - ahead < max)
			max = wnd - ahead;
		if (ahead && t->rec.lone)
			return false;
		if (ahead && ahead + max > cwnd) {
			t->cc.limited = true; /* slow start goes on with the next ACK */
			return false;
		}
	}
	if (!plan_again(t, t->snd.rtx, max, t->rec.again, p))
		return false;
	if (p->why == WEIR_CTR_RETX_WINDOW)
		add_queued(t, max, p);
	return true;
}

/* May a piece of `len` of `queued` bytes go, though it is not a full segment? */
static bool small_may_go(const struct tcb *t, uint32_t len, uint32_t queued, uint32_t flight)
{
	if (t->snd.force)
		return true;
	if (len == queued) {
		if (t->sndq.fin)
			return true;
		if (!t->sndq.more && (t->user.nodelay || flight == 0))
			return true; /* SHLD-7: Nagle */
	}
	return t->snd.wnd_max && len >= (t->snd.wnd_max + 1) / 2;
}

/* How much of `len` bytes one packet carries, in segments of mss. */
static uint32_t packet_len(const struct tcb *t, uint32_t len, uint32_t queued, uint32_t flight,
			   uint32_t gso_max)
{
	uint32_t mss = t->snd.mss;
	uint32_t most = gso_max > mss ? gso_max - gso_max % mss : mss;

	if (len > most)
		return most;
	if (len % mss == 0 || len < mss)
		return len;
	/* full segments and a tail: the tail goes along when it could go alone behind them */
	if (most > mss && small_may_go(t, len, queued, flight + len))
		return len;
	return len - len % mss;
}

static void add_fin(const struct tcb *t, uint32_t room, struct tcp_plan *p)
{
	if (!t->sndq.fin || fin_sent(t) || room <= p->len)
		return;
	if (seq_eq(seq_add(p->seq, p->len), sndq_end(&t->sndq))) {
		p->flags |= TCP_FIN;
		if (p->len == 0)
			p->why = WEIR_CTR_SENT_FIN;
	}
}

static bool plan_new(struct tcb *t, uint32_t gso_max, struct tcp_plan *p)
{
	uint32_t flight = tcb_flight(t);
	uint32_t cwnd = recovery_window(t);
	uint32_t queued, room, len;

	if (fin_sent(t) || seq_lt(t->snd.rtx, t->snd.nxt))
		return false;
	if (syn_out(t) && t->state != WEIR_STATE_FIN_WAIT_1)
		return false; /* only a FIN may follow a SYN that is not acknowledged (3.10.4) */
	queued = sndq_end(&t->sndq).v - t->snd.nxt.v;
	room = t->snd.wnd > flight ? t->snd.wnd - flight : 0;
	len = queued < room ? queued : room;
	if (len && flight + len > cwnd) {
		t->cc.limited = true;
		len = cwnd > flight ? cwnd - flight : 0;
	}
	if (len && len < t->snd.mss && !small_may_go(t, len, queued, flight))
		len = 0;
	p->seq = t->snd.nxt;
	p->flags = TCP_ACK;
	p->why = WEIR_CTR_SENT_DATA;
	if (t->snd.up_set && seq_gt(t->snd.up, t->snd.nxt))
		gso_max = 0; /* the urgent pointer counts from each segment: no device cuts that */
	p->len = len ? packet_len(t, len, queued, flight, gso_max) : 0;
	if (p->len > t->snd.mss)
		p->gso_size = (uint16_t)t->snd.mss;
	add_push(t, p);
	if (p->len == queued)
		add_fin(t, room, p);
	return p->len || (p->flags & TCP_FIN);
}

static bool plan_probe(const struct tcb *t, struct tcp_plan *p)
{
	if (!t->want_probe || t->snd.wnd || syn_out(t))
		return false;
	p->seq = t->snd.una;
	p->flags = TCP_ACK;
	p->why = WEIR_CTR_PROBE_WINDOW;
	p->len = t->sndq.len ? 1 : 0;
	if (!p->len && t->sndq.fin)
		p->flags |= TCP_FIN;
	return p->len || (p->flags & TCP_FIN);
}

/* The sequence number of a segment without data: SND.NXT, but not beyond the window. A probe lies
 * beyond a closed window; an ACK behind it would not be acceptable to the peer (RFC 9293 3.10.7.4),
 * which could then learn nothing from it, not even that we live. */
static seq_t ack_seq(const struct tcb *t)
{
	return seq_min(t->snd.nxt, seq_add(t->snd.una, t->snd.wnd));
}

static bool plan_ack(const struct tcb *t, struct tcp_plan *p)
{
	p->flags = TCP_ACK;
	p->seq = ack_seq(t);
	if (t->want_keep) {
		p->seq = seq_sub(t->snd.nxt, 1); /* SHLD-12 */
		p->why = WEIR_CTR_PROBE_KEEPALIVE;
		return true;
	}
	p->why = t->ackgen.why;
	return t->ackgen.now;
}

static bool sends_data(const struct tcb *t)
{
	return tcb_synchronized(t) && t->state != WEIR_STATE_FIN_WAIT_2 &&
	       t->state != WEIR_STATE_TIME_WAIT;
}

bool tcp_plan_next(const struct tcp_env *env, struct tcb *t, uint32_t gso_max, weir_time now,
		   struct tcp_plan *p)
{
	*p = (struct tcp_plan){0};
	if (t->state == WEIR_STATE_CLOSED || t->state == WEIR_STATE_TIME_WAIT)
		return false;
	if (t->want_syn)
		return plan_syn(
			t, t->want_syn == TCB_SYN_FIRST ? WEIR_CTR_SENT_SYN : WEIR_CTR_RETX_SYN, p);
	if (t->rec.want && tcb_flight(t) && t->snd.wnd &&
	    plan_again(t, t->snd.una, t->snd.mss, t->rec.why, p))
		return true;
	if (plan_resend(t, p))
		return true;
	if (t->state == WEIR_STATE_SYN_SENT)
		return false;
	if (sends_data(t)) {
		if (t->sndq.len && tcb_flight(t) == 0 && t->rtt.sent_at &&
		    now - t->rtt.sent_at > rtt_rto(&t->rtt, env->cfg))
			cc_idle(&t->cc, env->cfg, t->snd.mss);
		*p = (struct tcp_plan){0};
		if (plan_new(t, gso_max, p) || plan_probe(t, p))
			return true;
	}
	*p = (struct tcp_plan){0};
	if (plan_ack(t, p))
		return true;
	timers_override(env, t, now);
	return false;
}

static void sent_sequence(struct tcp_env *env, struct tcb *t, const struct tcp_plan *p, seq_t end,
			  weir_time now)
{
	/* RFC6298-08: the timer tells when SND.UNA's segment went last, and no earlier time. */
	bool first = seq_eq(p->seq, t->snd.una);

	if (seq_gt(end, t->snd.nxt)) {
		bool whole = seq_eq(t->snd.rtx, p->seq); /* nothing before it is to go again */

		env->counters[WEIR_CTR_BYTES_OUT] += p->len;
		t->snd.nxt = end;
		if (whole)
			t->snd.rtx = end;
		cc_sent(&t->cc, tcb_flight(t), t->snd.mss, t->snd.una, t->snd.nxt);
		if (p->why != WEIR_CTR_PROBE_WINDOW)
			rtt_sent(&t->rtt, end, now);
		if (!t->rec.active && t->rec.limited < t->rec.allowed)
			t->rec.limited++;
	} else {
		t->retransmits++;
		rtt_resent(&t->rtt);
		if (seq_lt(t->snd.rtx, end))
			t->snd.rtx = seq_min(end, t->snd.nxt);
	}
	t->rtt.sent_at = now;
	if (t->user.stuck_at == WEIR_NEVER) {
		t->user.stuck_at = now;
		timers_user(env, t);
	}
	if (first || !(timer_on(t, TIMER_RTX) || timer_on(t, TIMER_PERSIST)))
		timers_rearm(env, t, now);
}

void tcp_plan_sent(struct tcp_env *env, struct tcb *t, const struct tcp_plan *p, weir_time now)
{
	uint32_t space = p->len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);

	t->segs_out++;
	if (p->flags & TCP_SYN)
		t->want_syn = TCB_SYN_NONE;
	if (space) {
		sent_sequence(env, t, p, seq_add(p->seq, space), now);
		t->snd.force = false;
	}
	if (space && seq_eq(p->seq, t->snd.una))
		t->rec.want = false; /* whatever the reason: SND.UNA's segment went again */
	t->want_probe = false;
	if (p->why == WEIR_CTR_PROBE_KEEPALIVE)
		t->want_keep = false;
	if (p->flags & TCP_ACK) {
		t->rcv.last_ack = t->rcv.nxt;
		ackgen_sent(t);
	}
}
