/*
 * Theory of operation
 *
 * The fifth step of RFC 9293 3.10.7.4. First the ACK field is checked (RFC 5961 5.2); then what it
 * says is put into one struct ack_ctx, and the modules that live on ACKs read it in a fixed order:
 * window, scoreboard, rtt, delivery rate, RACK, recovery, congestion control, timers. None of them
 * calls back. At the end the state moves if our FIN, or our SYN, was covered.
 *
 * SACK blocks are heeded if they lie in what is out; a first block that reports what came twice
 * (RFC 2883) is told apart by the segment alone. What names other bytes is counted and ignored: an
 * old ACK, or a peer that makes things up.
 */
#include "tcp/accecn.h"
#include "tcp/ackgen.h"
#include "tcp/board.h"
#include "tcp/cc_ops.h"
#include "tcp/fsm.h"
#include "tcp/input.h"
#include "tcp/mtup.h"
#include "tcp/rack.h"
#include "tcp/rate.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sndq.h"
#include "tcp/timers.h"

struct ack_ctx {
	uint32_t acked;      /* sequence space newly acknowledged */
	uint32_t wnd;        /* the peer's window, scaled */
	uint64_t echo_ns;    /* age of the echoed timestamp, WEIR_NEVER: none */
	bool duplicate;      /* RFC5681-02 */
	bool opened;         /* the window was zero and is not any more */
	uint32_t prior_pipe; /* before it */
	struct board_news news;
	struct cc_ack cc;
	struct recovery_ack rec;
};

uint64_t input_echo_age(const struct tcp_in *in)
{
	const struct tcb *t = in->t;
	const struct tcp_opts *o = &in->seg.opts;
	uint32_t age;

	if (!t->ts.ok || !o->has_ts || o->ts_ecr == 0 || in->no_echo)
		return WEIR_NEVER;
	/* The SYN-ACK may have gone several times, too: then its echo is as old as the first. */
	if (seq_eq(t->snd.una, t->snd.iss) && t->retries)
		return WEIR_NEVER;
	age = (uint32_t)(in->now / NS_PER_MS) + t->ts.offset - o->ts_ecr;
	return age < (1u << 31) ? (uint64_t)age * NS_PER_MS : WEIR_NEVER;
}

static bool is_duplicate(const struct tcp_in *in, uint32_t wnd)
{
	const struct tcb *t = in->t;
	const struct tcp_seg *s = &in->seg;

	/* While the window is closed ACKs answer probes: they tell nothing about a loss. What lies
	 * outside our window is a probe of the peer's or a FIN again, stripped of what it had. */
	if (tcb_flight(t) == 0 || t->snd.wnd == 0 || !in->in_window || s->len ||
	    (s->flags & (TCP_SYN | TCP_FIN)) || !seq_eq(s->ack, t->snd.una) ||
	    seq_eq(t->snd.una, t->snd.iss)) /* a SYN that is out */
		return false;
	return wnd == t->snd.wnd || (t->sack_ok && s->opts.sack_count);
}

/* RFC9293-X-05, which keeps old segments from setting the window. A segment that acknowledges
 * something new is the peer's latest word though its own number may be old (it is sent again): its
 * window counts, or SND.UNA would carry the old window beyond the edge that was offered. */
static void update_window(struct tcp_in *in, struct ack_ctx *a)
{
	struct tcb *t = in->t;
	const struct tcp_seg *s = &in->seg;

	if (seq_lt(s->ack, t->snd.una))
		return;
	if (seq_eq(s->ack, t->snd.una) && !seq_lt(t->snd.wl1, s->seq) &&
	    !(seq_eq(t->snd.wl1, s->seq) && seq_leq(t->snd.wl2, s->ack)))
		return;
	a->opened = t->snd.wnd == 0 && a->wnd > 0;
	t->snd.wnd = a->wnd;
	t->snd.wl1 = seq_max(t->snd.wl1, s->seq);
	t->snd.wl2 = s->ack;
	if (a->wnd > t->snd.wnd_max)
		t->snd.wnd_max = a->wnd;
}

/* RFC5961-08. A SYN not yet acknowledged counts as sent. */
static enum tcp_step check_range(struct tcp_in *in)
{
	struct tcb *t = in->t;
	seq_t ack = in->seg.ack;
	enum weir_counter verdict;

	if (seq_gt(ack, t->snd.nxt))
		verdict = WEIR_CTR_ACK_TOO_NEW;
	else if (seq_lt(ack, seq_sub(t->snd.una, t->snd.wnd_max)))
		verdict = WEIR_CTR_ACK_TOO_OLD;
	else
		return TCP_STEP_ON;
	ackgen_challenge(t, in->env, in->now);
	return input_done(in, verdict);
}

/* Our SYN is acknowledged: the congestion window counts from here on. */
static void syn_acked(struct tcp_in *in)
{
	struct tcb *t = in->t;

	tcb_cc_start(t, in->env, in->now);
	recovery_init(&t->rec, t->snd.iss); /* a SYN's timeouts are over: none is taken back */
	rtt_syn_acked(&t->rtt, t->retries);
	accecn_third_came(in);
	if (t->origin == TCP_ORIGIN_ACTIVE)
		tcb_event(t, WEIR_EV_CONNECTED);
	if (t->state != WEIR_STATE_SYN_RECEIVED)
		return;
	fsm_step(t, FSM_ESTABLISH);
	if (t->sndq.fin)
		fsm_step(t, FSM_CLOSE); /* a close that was remembered */
	timers_keepalive(t);
}

static void fin_acked(struct tcp_in *in)
{
	struct tcb *t = in->t;

	if (!t->sndq.fin || !seq_eq(t->snd.una, seq_add(sndq_end(&t->sndq), 1)))
		return;
	if (fsm_next(t->state, FSM_FINACKED) == WEIR_STATE_COUNT)
		return;
	fsm_step(t, FSM_FINACKED);
	if (t->state == WEIR_STATE_FIN_WAIT_2 && t->user.closed)
		timer_set(t, TIMER_FINWAIT2, in->now + in->env->cfg->finwait2_ms * NS_PER_MS);
	if (t->state == WEIR_STATE_CLOSED)
		tcb_end(t, in->env, WEIR_OK);
}

static void note_room(struct tcb *t)
{
	if (t->sndq.full && sndq_room(t) >= sndq_limit(t) / 4) {
		t->sndq.full = false;
		tcb_event(t, WEIR_EV_WRITABLE);
	}
}

/* --- SACK and loss ---------------------------------------------------------------------------- */

/* RFC 2018 4: what the peer has above its gaps. */
static void take_block(struct tcp_in *in, struct ack_ctx *a, struct tcp_sack block)
{
	struct tcb *t = in->t;
	seq_t lo = seq_max(block.lo, in->seg.ack);

	if (!seq_lt(block.lo, block.hi) || seq_gt(block.hi, t->snd.nxt) ||
	    seq_lt(block.lo, seq_sub(t->snd.una, t->snd.wnd_max))) {
		in->env->counters[WEIR_CTR_SACK_IGNORED]++;
		return;
	}
	lo = seq_max(lo, t->snd.una);
	if (seq_lt(lo, block.hi))
		board_sack(in->env, &t->board, lo, block.hi, &a->news);
}

/* RFC2883-04 */
static void take_dsack(struct tcp_in *in, struct ack_ctx *a, struct tcp_sack block)
{
	const struct tcb *t = in->t;

	if (!seq_lt(block.lo, block.hi) || seq_gt(block.hi, t->snd.nxt) ||
	    seq_lt(block.lo, seq_sub(t->snd.una, t->snd.wnd_max)))
		return;
	a->rec.dsack = true;
	a->rec.dsack_hi = block.hi;
	a->rec.dsack_bytes = block.hi.v - block.lo.v;
}

static void take_sack(struct tcp_in *in, struct ack_ctx *a)
{
	const struct tcp_opts *o = &in->seg.opts;
	unsigned first = 0;

	if (!rack_on(in->env, in->t) || o->sack_count == 0)
		return;
	if (tcp_sack_again(o, in->seg.ack)) {
		take_dsack(in, a, o->sack[0]);
		first = 1;
	}
	/* The newest comes first, and the next ACK's lies beside it: it is where the board's search
	 * is to stand in the end. */
	for (unsigned i = o->sack_count; i > first; i--)
		take_block(in, a, o->sack[i - 1]);
}

static void begin_news(struct tcp_in *in, struct ack_ctx *a)
{
	const struct tcb *t = in->t;
	const struct tcp_opts *o = &in->seg.opts;

	a->acked = 0;
	a->opened = false;
	a->prior_pipe = tcb_pipe(t);
	a->news = (struct board_news){
		.now = in->now,
		.min_rtt_ns = t->rtt.min_ns == UINT64_MAX ? 0 : t->rtt.min_ns,
		.has_echo = t->ts.ok && o->has_ts && o->ts_ecr && !in->no_echo,
		.echo = o->ts_ecr,
		.ts_offset = t->ts.offset,
		.fack = t->board.fack,
		.recover = t->rec.recover,
	};
	a->cc = (struct cc_ack){0};
	a->rec = (struct recovery_ack){
		.news = &a->news,
		.cc = &a->cc,
		.prior_flight = tcb_flight(t),
		.prior_sacked = t->board.sacked,
	};
}

/* What RACK makes of it, and of the time that has passed. */
static weir_time find_losses(struct tcp_in *in, struct ack_ctx *a)
{
	struct tcb *t = in->t;
	weir_time again;

	if (!rack_on(in->env, t))
		return WEIR_NEVER;
	rack_update(t, &a->news);
	if (a->rec.dsack)
		rack_dsack(t);
	a->cc.lost = rack_detect(in->env, t, in->now, &again);
	t->rate.lost += a->cc.lost;
	return again;
}

static void judge_probe(struct tcp_in *in, struct ack_ctx *a)
{
	const struct rack_ack probe = {
		.ack = in->seg.ack,
		.dsack = a->rec.dsack,
		.dsack_hi = a->rec.dsack_hi,
		.pure_duplicate = !a->acked && a->duplicate && !in->seg.opts.sack_count,
	};

	if (in->t->rack.tlp_out && rack_probe_judged(in->t, &probe))
		recovery_probe_repaired(in->t, &a->cc);
}

/* Scoreboard and clocks know all of it: the rest draws its conclusions. Returns when RACK wants to
 * look again. */
static weir_time conclude(struct tcp_in *in, struct ack_ctx *a)
{
	struct tcb *t = in->t;
	weir_time again;

	a->cc.now = in->now;
	a->cc.mss = t->snd.mss;
	a->cc.acked = a->acked;
	a->cc.delivered = a->news.sacked + a->news.acked;
	a->cc.prior_flight = a->prior_pipe;
	a->cc.rtt_ns = a->news.newest ? in->now - a->news.at : WEIR_NEVER;
	a->cc.srtt_ns = t->rtt.srtt_ns;
	if (a->news.newest)
		rtt_least(&t->rtt, a->cc.rtt_ns, in->now);
	rate_ack(&t->rate, &a->news, &a->cc);
	again = find_losses(in, a);
	a->rec.acked = a->acked;
	a->rec.duplicate = a->duplicate;
	a->rec.delayed = t->rec.undoable && recovery_echo_delayed(t, &in->seg.opts);
	judge_probe(in, a);
	recovery_acked(t, in->env, &a->rec);
	a->cc.flight = tcb_pipe(t);
	if (a->cc.delivered || a->cc.lost)
		cc_on_ack(&t->cc, &a->cc);
	return again;
}

static void new_ack(struct tcp_in *in, struct ack_ctx *a)
{
	struct tcb *t = in->t;
	const struct weir_config *cfg = in->env->cfg;
	bool syn = seq_eq(t->snd.una, t->snd.iss);
	weir_time again;

	t->snd.una = in->seg.ack;
	sndq_acked(t, in->env, t->snd.una);
	board_acked(in->env, &t->board, t->snd.una, &a->news);
	if (t->board.sacked && (board_at(in->env, t->board.first)->flags & SEND_SACKED))
		recovery_reneged(t, in->env);
	rtt_acked(&t->rtt, cfg, t->snd.una, a->echo_ns, in->now);
	mtup_acked(t, in->env, in->now);
	if (syn)
		syn_acked(in);
	t->retries = 0;
	t->user.stuck_at = tcb_flight(t) || t->sndq.len ? in->now : WEIR_NEVER;
	again = conclude(in, a);
	timers_rearm(in->env, t, in->now); /* RFC6298-09, RFC6582-03, RFC6928-04 */
	timers_look_again(t, again);
	timers_user(in->env, t);
	note_room(t);
}

/* The peer answered a probe, or its window moved without new data being acknowledged. */
static void same_ack(struct tcp_in *in, struct ack_ctx *a)
{
	struct tcb *t = in->t;

	if (a->duplicate || a->news.sacked || a->rec.dsack || a->rec.ece)
		timers_look_again(t, conclude(in, a));
	if (t->snd.wnd == 0 && t->user.stuck_at != WEIR_NEVER) {
		t->user.stuck_at = in->now; /* MUST-37: it lives, so it may take its time */
		timers_user(in->env, t);
	}
	if (a->opened && t->retries) {
		t->retries = 0;
		/* What a probe carried may have been thrown away. If none was sent the timer will
		 * tell: two bare ACKs, one that shuts and one that opens, may not draw all that is
		 * out, as often as a peer likes. */
		recovery_again(t, in->env, WEIR_CTR_RETX_WINDOW);
	}
	timers_window(in->env, t, in->now);
}

/* Does it repeat what is known, as each segment of a stream that comes in does? A duplicate is
 * more than that, and so may be whatever carries ECN's flags. */
static bool is_quiet(const struct tcp_in *in)
{
	const struct tcb *t = in->t;
	const struct tcp_seg *s = &in->seg;

	return seq_eq(s->ack, t->snd.una) && (s->len || tcb_flight(t) == 0) &&
	       (uint32_t)s->wnd << t->snd_wscale == t->snd.wnd && t->snd.wnd &&
	       !s->opts.sack_count && !(t->ecn & (ECN_ON | ECN_ACCURATE));
}

/* All that is left of same_ack(). */
static void quiet_ack(struct tcp_in *in)
{
	struct tcb *t = in->t;

	if (seq_geq(in->seg.seq, t->snd.wl1)) {
		t->snd.wl1 = in->seg.seq;
		t->snd.wl2 = in->seg.ack;
	}
	if (timer_on(t, TIMER_PERSIST)) /* or else nothing has begun or ended */
		timers_window(in->env, t, in->now);
}

static void take_ack(struct tcp_in *in)
{
	struct tcb *t = in->t;
	const struct tcp_seg *s = &in->seg;
	struct ack_ctx a;

	a.wnd = (uint32_t)s->wnd << t->snd_wscale;
	a.duplicate = is_duplicate(in, a.wnd);
	a.echo_ns = input_echo_age(in);
	begin_news(in, &a);
	take_sack(in, &a);
	a.rec.ece = (t->ecn & ECN_ON) && (s->flags & TCP_ECE) && in->in_window && tcb_flight(t) &&
		    seq_geq(s->ack, t->snd.una);
	if (t->ecn & ECN_ACCURATE)
		a.rec.ece = accecn_told(in, a.news.sacked, &a.cc.ce_bytes);
	update_window(in, &a);
	if (seq_gt(s->ack, t->snd.una)) {
		a.acked = s->ack.v - t->snd.una.v;
		new_ack(in, &a);
		fin_acked(in);
	} else {
		same_ack(in, &a);
	}
}

enum tcp_step ack_process(struct tcp_in *in)
{
	struct tcb *t = in->t;
	const struct tcp_seg *s = &in->seg;

	if (!(s->flags & TCP_ACK))
		return input_done(in, WEIR_CTR_NO_ACK);
	if (t->state == WEIR_STATE_SYN_RECEIVED &&
	    (seq_leq(s->ack, t->snd.una) || seq_gt(s->ack, t->snd.nxt))) {
		in->answer = true; /* policy: RST (RFC 9293 3.5.2) */
		in->answer_seq = s->ack;
		return input_done(in, WEIR_CTR_HALF_BAD_ACK);
	}
	if (check_range(in) == TCP_STEP_DONE)
		return TCP_STEP_DONE;
	if (in->in_window)
		input_ts_recent(in, in->first);
	if (is_quiet(in))
		quiet_ack(in);
	else
		take_ack(in);
	return t->state == WEIR_STATE_CLOSED ? TCP_STEP_DONE : TCP_STEP_ON;
}
