/*
 * Theory of operation
 *
 * tcp_plan_next() asks, in this order, and the first that has something is sent:
 *
 *   SYN -> what is lost -> tail loss probe -> new data and FIN -> zero-window probe
 *   -> keep-alive probe -> ACK alone
 *
 * What is lost is what the scoreboard says; it goes while cwnd has room for it, the first segment
 * of an episode in any case, and before new data, but for the two new segments with which F-RTO
 * asks whether a timeout was spurious. Lost neighbours go together, as one super-segment where the
 * link cuts it up.
 *
 * New data goes by RFC9293-X-11: a full segment; or all there is, when Nagle permits; or half of
 * the largest window ever offered; or whatever fits, once the override timer fired. What the link
 * can cut up is planned as one super-segment, a multiple of the segment size, or with the tail when
 * the tail may go too. A FIN rides on the last data (RFC 9293 3.10.4).
 *
 * A zero-window probe carries the first byte that waits (3.8.6.1), so it needs no memory of its
 * own: the byte counts as sent and is acknowledged when the peer takes it.
 */
#include "tcp/output.h"

#include "tcp/accecn.h"
#include "tcp/ackgen.h"
#include "tcp/board.h"
#include "tcp/cc_ops.h"
#include "tcp/mtup.h"
#include "tcp/pace.h"
#include "tcp/rack.h"
#include "tcp/rate.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sndq.h"
#include "tcp/timers.h"

#define JOIN_MAX 64u /* lost records that one packet takes together */

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
	uint32_t sent = seq_min(t->snd.nxt, end).v - seq.v;

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

/* The urgent pointer counts from each segment: no device cuts that, nor CWR (accecn_may_cut()). */
static uint32_t gso_for(const struct tcb *t, seq_t seq, uint32_t gso_max)
{
	if (!accecn_may_cut(t))
		return 0;
	return t->snd.up_set && seq_gt(t->snd.up, seq) ? 0 : gso_max;
}

/* How much lies behind the lost record that is lost, too, without a gap: at most `most` bytes. */
static uint32_t lost_together(const struct tcp_env *env, const struct send *r, uint32_t most)
{
	uint32_t len = r->hi.v - r->lo.v;

	for (unsigned n = 0; len < most && r->next != POOL_NONE && n < JOIN_MAX; n++) {
		r = board_at(env, r->next);
		if (!(r->flags & SEND_LOST))
			break;
		len += r->hi.v - r->lo.v;
	}
	return len < most ? len : most;
}

/* How much of `len` lost bytes may go now; 0: nothing. */
static uint32_t lost_room(struct tcb *t, uint32_t len, bool whole)
{
	uint32_t unit = len < t->snd.mss ? len : t->snd.mss;
	uint32_t room = recovery_room(t);

	if (room < unit && !t->rec.force) {
		cc_on_held(&t->cc, t->snd.nxt); /* slow start goes on with the next ACK */
		return 0;
	}
	if (room < unit)
		room = unit;
	if (len <= room && whole)
		return len;
	room = len < room ? len : room;
	return room > t->snd.mss ? room - room % t->snd.mss : room;
}

/* The first part of what is lost, as cwnd and window allow. */
static bool plan_lost(const struct tcp_env *env, struct tcb *t, uint32_t gso_max,
		      struct tcp_plan *p)
{
	const struct send *r = board_first_lost(env, &t->board);
	uint32_t ahead, most, len;

	if (!r || syn_out(t) || t->rec.frto_new)
		return false;
	ahead = r->lo.v - t->snd.una.v;
	if (t->snd.wnd <= ahead || (ahead && t->rec.lone))
		return false; /* SHLD-16: only inside the window as it is now */
	gso_max = t->rec.lone ? 0 : gso_for(t, r->lo, gso_max);
	most = gso_max > t->snd.mss ? gso_max - gso_max % t->snd.mss : t->snd.mss;
	if (t->snd.wnd - ahead < most)
		most = t->snd.wnd - ahead;
	len = lost_together(env, r, most + 1); /* a FIN takes no room in the packet */
	len = lost_room(t, len, true);
	if (!len || !plan_again(t, r->lo, len < most ? len : most, (enum weir_counter)r->why, p))
		return false;
	if (p->len > t->snd.mss)
		p->gso_size = (uint16_t)t->snd.mss;
	if (p->why == WEIR_CTR_RETX_WINDOW && p->len < t->snd.mss)
		add_queued(t, t->snd.mss < most ? t->snd.mss : most, p);
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

/* Room for new data in the peer's window. */
static uint32_t peer_room(const struct tcb *t)
{
	uint32_t flight = tcb_flight(t);

	return t->snd.wnd > flight ? t->snd.wnd - flight : 0;
}

/* New data, as far as `room` and the peer's window take it. */
static bool plan_data(struct tcb *t, uint32_t gso_max, uint32_t room, struct tcp_plan *p)
{
	uint32_t flight = tcb_flight(t);
	uint32_t queued, wnd, len;

	if (fin_sent(t))
		return false;
	if (syn_out(t) && t->state != WEIR_STATE_FIN_WAIT_1)
		return false; /* only a FIN may follow a SYN that is not acknowledged (3.10.4) */
	queued = sndq_end(&t->sndq).v - t->snd.nxt.v;
	wnd = peer_room(t);
	len = queued < wnd ? queued : wnd;
	if (len > room) {
		cc_on_held(&t->cc, t->snd.nxt);
		len = room;
	}
	if (len && len < t->snd.mss && !small_may_go(t, len, queued, flight))
		len = 0;
	p->seq = t->snd.nxt;
	p->flags = TCP_ACK;
	p->why = WEIR_CTR_SENT_DATA;
	gso_max = t->ecn & ECN_CWR_DUE ? 0 : gso_for(t, t->snd.nxt, gso_max); /* CWR goes once */
	p->len = len ? packet_len(t, len, queued, flight, gso_max) : 0;
	if (p->len > t->snd.mss)
		p->gso_size = (uint16_t)t->snd.mss;
	add_push(t, p);
	if (p->len == queued)
		add_fin(t, wnd, p);
	return p->len || (p->flags & TCP_FIN);
}

static bool plan_new(struct tcb *t, uint32_t gso_max, struct tcp_plan *p)
{
	if (t->board.lost && !t->rec.frto_new)
		return false;
	return plan_data(t, gso_max, recovery_room(t), p);
}

/* New data in one segment that is larger than the path is known to take (RFC 4821). */
static bool plan_size_probe(const struct tcp_env *env, struct tcb *t, weir_time now,
			    struct tcp_plan *p)
{
	uint32_t room, queued;

	if (!mtup_below_link(t) || fin_sent(t) || syn_out(t))
		return false;
	queued = sndq_end(&t->sndq).v - t->snd.nxt.v;
	room = recovery_room(t) < peer_room(t) ? recovery_room(t) : peer_room(t);
	p->len = mtup_probe_len(t, env, queued, room, now);
	p->seq = t->snd.nxt;
	p->flags = TCP_ACK;
	p->why = WEIR_CTR_PROBE_MTU;
	return p->len != 0;
}

/* The tail loss probe: a new segment if there is one, beyond cwnd if need be, or the last one again
 * (RFC8985-15). */
static bool plan_tail(const struct tcp_env *env, struct tcb *t, struct tcp_plan *p)
{
	uint32_t room;

	if (!t->rack.tlp_want)
		return false;
	room = recovery_room(t);
	t->rack.tlp_want = false;
	if (t->board.first == POOL_NONE || t->board.lost || t->snd.wnd == 0)
		return false;
	if (plan_data(t, 0, room > t->snd.mss ? room : t->snd.mss, p)) {
		p->why = WEIR_CTR_SENT_TLP;
		return true;
	}
	*p = (struct tcp_plan){0};
	return plan_again(t, board_last_segment(env, &t->board), t->snd.mss, WEIR_CTR_RETX_TLP, p);
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

/* F-RTO wanted new data and there is none, or no room for it: what is lost goes (RFC5682-01). */
static bool no_news(struct tcb *t)
{
	if (!t->rec.frto_new || seq_gt(t->snd.nxt, t->rec.recover))
		return false;
	t->rec.frto = false;
	t->rec.frto_new = false;
	return true;
}

/* Data of any kind. */
static bool plan_any_data(const struct tcp_env *env, struct tcb *t, uint32_t gso_max, weir_time now,
			  struct tcp_plan *p)
{
	if (t->sndq.len && tcb_flight(t) == 0 && t->rtt.sent_at)
		cc_on_restart(&t->cc, env->cfg, now - t->rtt.sent_at, rtt_rto(&t->rtt, env->cfg),
			      t->snd.mss, now);
	if (plan_lost(env, t, gso_max, p))
		return true;
	*p = (struct tcp_plan){0};
	if (plan_tail(env, t, p))
		return true;
	*p = (struct tcp_plan){0};
	if (plan_size_probe(env, t, now, p) || plan_new(t, gso_max, p))
		return true;
	return no_news(t) && plan_lost(env, t, gso_max, p);
}

/* Bytes, or a FIN, that were never sent. */
static uint32_t unsent(const struct tcb *t)
{
	seq_t end = seq_add(sndq_end(&t->sndq), t->sndq.fin);

	return end.v - t->snd.nxt.v;
}

/* The window has room, and the user has nothing for it: samples of the rate tell of him. */
static void note_idle(struct tcb *t)
{
	if (unsent(t) < t->snd.mss && t->board.first != POOL_NONE && t->board.lost == 0 &&
	    recovery_room(t) >= t->snd.mss)
		rate_app_limited(t);
}

/* Is there data of any kind that could go? */
static bool has_data(const struct tcb *t)
{
	return t->board.lost || t->rack.tlp_want || unsent(t);
}

/* Not inlined: a look that finds nothing needs no stack frame. */
static __attribute__((noinline)) bool plan_some(const struct tcp_env *env, struct tcb *t,
						uint32_t gso_max, weir_time now, struct tcp_plan *p)
{
	*p = (struct tcp_plan){0};
	if (t->state == WEIR_STATE_CLOSED || t->state == WEIR_STATE_TIME_WAIT)
		return false;
	if (t->want_syn)
		return plan_syn(
			t, t->want_syn == TCB_SYN_FIRST ? WEIR_CTR_SENT_SYN : WEIR_CTR_RETX_SYN, p);
	if (t->state == WEIR_STATE_SYN_SENT)
		return false;
	if (accecn_third_due(t))
		return plan_ack(t, p);
	if (sends_data(t)) {
		if (has_data(t) && (t->rack.tlp_want || pace_ready(env, t, now)) &&
		    plan_any_data(env, t, pace_burst(env, t, gso_max), now, p))
			return true;
		*p = (struct tcp_plan){0};
		if (plan_probe(t, p))
			return true;
		note_idle(t);
	}
	*p = (struct tcp_plan){0};
	if (plan_ack(t, p))
		return true;
	timers_override(env, t, now);
	return false;
}

/* What every second look finds, the one after the last packet: plan_some() would say so, too. */
static bool is_done(const struct tcb *t)
{
	return !t->want_syn && !t->want_probe && !t->want_keep && !t->ackgen.now && !has_data(t);
}

bool tcp_plan_next(const struct tcp_env *env, struct tcb *t, uint32_t gso_max, weir_time now,
		   struct tcp_plan *p)
{
	if (!is_done(t))
		return plan_some(env, t, gso_max, now, p);
	if (sends_data(t))
		note_idle(t);
	return false;
}

/* The segment is in the scoreboard from now on; `old` of its sequence space was there before. */
static void put_on_board(struct tcp_env *env, struct tcb *t, const struct tcp_plan *p, seq_t end,
			 weir_time now)
{
	uint32_t seg = p->gso_size ? p->gso_size : end.v - p->seq.v;
	seq_t nxt = t->snd.nxt;
	struct send_stamp s;

	rate_stamp(t, tcb_pipe(t), end.v - p->seq.v, now, &s);
	if (seq_lt(p->seq, nxt)) {
		board_resent(env, &t->board, p->seq, seq_min(end, nxt), seg, &s);
		recovery_sent(t, p->seq, seq_min(end, nxt), RECOVERY_SENT_AGAIN, now);
	}
	if (seq_gt(end, nxt)) {
		board_sent(env, &t->board, seq_max(p->seq, nxt), end, seg, &s);
		recovery_sent(t, seq_max(p->seq, nxt), end, RECOVERY_SENT_NEW, now);
	}
}

static void sent_sequence(struct tcp_env *env, struct tcb *t, const struct tcp_plan *p, seq_t end,
			  weir_time now)
{
	/* RFC6298-08: the timer tells when SND.UNA's segment went last, and no earlier time. */
	bool first = seq_eq(p->seq, t->snd.una);
	bool fresh = seq_gt(end, t->snd.nxt);
	/* The third and later ones of a burst: the probe's time stands. */
	bool burst = t->rtt.sent_at == now && tcb_flight(t) > t->snd.mss;

	if (p->why == WEIR_CTR_PROBE_WINDOW && !fresh)
		board_ambiguous(env, &t->board);
	else if (!(p->flags & TCP_SYN))
		put_on_board(env, t, p, end, now);
	if (fresh) {
		env->counters[WEIR_CTR_BYTES_OUT] += p->len;
		t->snd.nxt = end;
		cc_on_sent(&t->cc, tcb_pipe(t), t->snd.mss, t->snd.una, t->snd.nxt);
		if (p->why != WEIR_CTR_PROBE_WINDOW)
			rtt_sent(&t->rtt, end, now);
	} else {
		t->retransmits++;
		rtt_resent(&t->rtt);
	}
	pace_sent(env, t, p->len, now);
	t->rtt.sent_at = now;
	if (t->user.stuck_at == WEIR_NEVER) {
		t->user.stuck_at = now;
		timers_user(env, t);
	}
	if (first || !(timer_on(t, TIMER_RTX) || timer_on(t, TIMER_PERSIST)))
		timers_rearm(env, t, now);
	else if (fresh && !burst && p->why != WEIR_CTR_SENT_TLP)
		timers_probe(env, t, now);
}

void tcp_plan_sent(struct tcp_env *env, struct tcb *t, const struct tcp_plan *p, weir_time now)
{
	uint32_t space = p->len + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);

	t->segs_out++;
	if (p->ect)
		t->ecn &= (uint8_t)~ECN_CWR_DUE;
	if (t->ecn & ECN_ACCURATE)
		accecn_sent(t, p);
	if (p->flags & TCP_SYN)
		t->want_syn = TCB_SYN_NONE;
	mtup_sent(t, p);
	if (space) {
		sent_sequence(env, t, p, seq_add(p->seq, space), now);
		t->snd.force = false;
	}
	if (p->why == WEIR_CTR_SENT_TLP || p->why == WEIR_CTR_RETX_TLP)
		rack_probe_sent(t, p->why == WEIR_CTR_SENT_TLP ? RACK_PROBE_NEW : RACK_PROBE_AGAIN);
	t->want_probe = false;
	if (p->why == WEIR_CTR_PROBE_KEEPALIVE)
		t->want_keep = false;
	if (p->flags & TCP_ACK) {
		t->rcv.last_ack = t->rcv.nxt;
		ackgen_sent(t);
	}
}
