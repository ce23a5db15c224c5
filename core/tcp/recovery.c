/*
 * Theory of operation
 *
 * Four phases. OPEN: nothing is known to be lost. CWR: a congestion mark came, the window shrinks.
 * FAST: something is known to be lost and goes again. RTO: the timer fired. Each lasts until what
 * was out when it began (`recover`) is acknowledged.
 *
 * With SACK, RACK marks what is lost, and the first mark begins FAST; PRR then leads cwnd from ACK
 * to ACK to the target that congestion control set, and lost records go as cwnd - pipe allows,
 * before new data. What SACK reports leaves the pipe, so each report lets new data out (limited
 * transmit). Lost again is marked again; that costs no second reduction, but a timeout does.
 *
 * Without SACK: the third duplicate ACK begins FAST, if it acknowledges more than `recover`
 * (RFC6582-01); SND.UNA's segment goes at once, and the next hole with each partial ACK
 * (RFC6582-02); the window inflates by one segment for each duplicate and deflates by what a
 * partial ACK takes. The inflation is kept apart from cwnd, so congestion control never sees it. A
 * full ACK ends it with cwnd = min(target, flight + one segment), so that no burst follows. The
 * first two duplicates let one new segment out each.
 *
 * RTO: SND.UNA's segment is lost, and what RACK holds for lost, or without RACK everything; cwnd is
 * one segment and slow start begins. SACK marks stay, but if SND.UNA itself is SACKed the peer has
 * dropped what it reported (reneging), and all marks go. F-RTO (RFC 5682): if the first ACK after
 * the timeout makes progress, up to two new segments go before anything else is sent again; when
 * then, or at any time with SACK, something arrives that was never sent again, the timeout was
 * spurious.
 *
 * Taking back: an episode was for nothing when all that was sent again in it is reported as having
 * come twice (D-SACK), when an ACK echoes a timestamp older than the first retransmission (Eifel,
 * RFC 3522, 4015), or when F-RTO says so. Then nothing is lost any more, and congestion control
 * gets back what it had.
 */
#include "tcp/recovery.h"

#include "tcp/cc_ops.h"
#include "tcp/emit.h"
#include "tcp/mtup.h"
#include "tcp/pace.h"
#include "tcp/prr.h"
#include "tcp/rack.h"
#include "tcp/rtt.h"
#include "weir/info.h"

_Static_assert((int)RECOVERY_CWR == (int)WEIR_RECOVERY_CWR &&
		       (int)RECOVERY_FAST == (int)WEIR_RECOVERY_FAST &&
		       (int)RECOVERY_RTO == (int)WEIR_RECOVERY_RTO,
	       "what weir_info tells");

#define INFLATE_MAX (1u << 29)
#define LIMITED_MAX 2u /* RFC 3042 2 */

void recovery_init(struct recovery *r, seq_t iss)
{
	*r = (struct recovery){.recover = iss};
}

/* --- Beginnings and ends ---------------------------------------------------------------------- */

static void open(struct tcb *t)
{
	struct recovery *r = &t->rec;

	r->phase = RECOVERY_OPEN;
	r->inflate = 0;
	r->force = false;
	r->undoable = false;
	r->frto = false;
	r->frto_new = false;
}

static void begin(struct tcb *t, enum recovery_phase phase)
{
	struct recovery *r = &t->rec;

	r->phase = (uint8_t)phase;
	r->recover = t->snd.nxt;
	r->undo_from = t->snd.una;
	r->undo_bytes = 0;
	r->undoable = true;
	r->resent = false;
	t->rack.tlp_out = false;
	t->rack.tlp_want = false;
	if (t->ecn & ECN_ON)
		t->ecn |= ECN_CWR_DUE; /* RFC3168-08 */
}

/* Congestion control rules over its window itself, or PRR leads it to the target. */
static void shrink_at_once(struct tcb *t)
{
	if (!cc_of(t->cc.kind)->rules_recovery)
		t->cc.cwnd = t->cc.target;
}

/* The window before: what is out less what had been SACKed, and what this ACK covers. */
static uint32_t recover_fs(const struct tcb *t, const struct recovery_ack *a)
{
	uint32_t out = tcb_flight(t) + a->acked;

	return out > a->prior_sacked ? out - a->prior_sacked : 0;
}

/* RFC3168-07, RFC9438-07: a mark meets a window of one segment. Data waits for an RTO, and with
 * each further mark twice as long, like a timer that expires again and again. */
static void slow_down(struct tcb *t, const struct tcp_env *env, weir_time now)
{
	uint64_t delay = rtt_rto(&t->rtt, env->cfg), max = env->cfg->rto_max_ms * NS_PER_MS;

	for (unsigned i = 0; i < t->rec.slowed && delay < max; i++)
		delay *= 2;
	pace_hold(t, delay < max ? delay : max, now);
	if (t->rec.slowed < UINT8_MAX)
		t->rec.slowed++;
}

/* The peer told of a congestion mark: once a window (RFC3168-06). */
static void begin_cwr(struct tcb *t, struct tcp_env *env, const struct recovery_ack *a)
{
	a->cc->ece = true;
	a->cc->flight = a->prior_flight;
	a->cc->recovering = false;
	if (t->cc.cwnd <= t->snd.mss)
		slow_down(t, env, a->cc->now);
	cc_on_signal(&t->cc, CC_ECE, a->cc);
	begin(t, RECOVERY_CWR);
	prr_begin(&t->prr, recover_fs(t, a));
	env->counters[WEIR_CTR_ECN_REDUCED]++;
	a->cc->recovering = true;
}

/* Something is lost: fast recovery begins. `flight`: what was out before. */
static void begin_fast(struct tcb *t, struct tcp_env *env, struct cc_ack *cc, uint32_t flight)
{
	bool reduced = t->rec.phase == RECOVERY_CWR;

	cc->flight = flight;
	cc->recovering = reduced;
	cc_on_signal(&t->cc, CC_LOSS, cc);
	begin(t, RECOVERY_FAST);
	env->counters[WEIR_CTR_RECOVERY_ENTERED]++;
}

static void leave_reno(struct tcb *t)
{
	uint32_t flight = tcb_flight(t);
	uint32_t calm = (flight > t->snd.mss ? flight : t->snd.mss) + t->snd.mss;

	if (!cc_of(t->cc.kind)->rules_recovery)
		t->cc.cwnd = t->cc.target < calm ? t->cc.target : calm;
	open(t);
}

static void leave(struct tcb *t, const struct tcp_env *env)
{
	bool rto = t->rec.phase == RECOVERY_RTO;

	if (t->rec.phase == RECOVERY_FAST && !rack_on(env, t)) {
		leave_reno(t);
		return;
	}
	if (t->rec.phase != RECOVERY_CWR)
		rack_recovered(t);
	if (!rto)
		shrink_at_once(t); /* RFC9937-06 */
	open(t);
}

/* It was for nothing. */
static void undo(struct tcb *t, struct tcp_env *env, const struct recovery_ack *a)
{
	env->counters[t->rec.phase == RECOVERY_RTO ? WEIR_CTR_SPURIOUS_RTO
						   : WEIR_CTR_SPURIOUS_RECOVERY]++;
	if (t->rec.spurious < UINT8_MAX)
		t->rec.spurious++;
	if (t->rec.phase == RECOVERY_FAST)
		t->rack.reordering = true; /* what else made it look like a loss? */
	cc_on_undo(&t->cc, a->cc);
	board_lose_none(env, &t->board);
	open(t);
}

static bool may_undo(const struct tcb *t, const struct tcp_env *env, const struct recovery_ack *a)
{
	const struct recovery *r = &t->rec;

	if (!r->undoable || !env->cfg->undo)
		return false;
	return a->delayed || (r->resent && r->undo_bytes == 0);
}

/* RFC4821-04: is all that is lost a probe of the path's size? */
static bool lost_probe(struct tcb *t, const struct tcp_env *env)
{
	const struct send *s = board_first_lost(env, &t->board);

	return s &&
	       mtup_lost(t, s->hi,
			 t->board.lost == s->hi.v - s->lo.v ? MTUP_LOST_ALONE : MTUP_LOST_AMONG);
}

/* --- Without SACK ----------------------------------------------------------------------------- */

static void reno_duplicate(struct tcb *t, struct tcp_env *env, struct recovery_ack *a)
{
	struct recovery *r = &t->rec;
	uint32_t flight = a->prior_flight;

	if (r->allowed < LIMITED_MAX)
		r->allowed++;
	if (r->dupacks < UINT8_MAX)
		r->dupacks++;
	if (r->phase == RECOVERY_FAST) {
		/* RFC5681-16: no more than is out, so forged duplicates gain nothing */
		if (r->inflate < flight && r->inflate < INFLATE_MAX)
			r->inflate += t->snd.mss;
		return;
	}
	if (r->dupacks != env->cfg->dupthresh || r->phase == RECOVERY_RTO || t->board.lost)
		return;
	if (seq_leq(seq_sub(t->snd.una, 1), r->recover) && !seq_eq(r->recover, t->snd.iss))
		return;
	if (t->board.first != POOL_NONE &&
	    mtup_lost(t, board_at(env, t->board.first)->hi, MTUP_LOST_ALONE)) {
		board_lose_first(env, &t->board, t->mtup.link, WEIR_CTR_RETX_MTU);
		r->force = true;
		return;
	}
	flight -= flight > r->limited * t->snd.mss ? r->limited * t->snd.mss : 0;
	begin_fast(t, env, a->cc, flight);
	shrink_at_once(t);
	r->inflate = (uint32_t)env->cfg->dupthresh * t->snd.mss;
	board_lose_first(env, &t->board, t->snd.mss, WEIR_CTR_RETX_FAST);
	r->force = true;
}

static void reno_partial(struct tcb *t, struct tcp_env *env, uint32_t acked)
{
	struct recovery *r = &t->rec;

	r->inflate = r->inflate > acked ? r->inflate - acked : 0;
	if (acked >= t->snd.mss)
		r->inflate += t->snd.mss;
	board_lose_first(env, &t->board, t->snd.mss, WEIR_CTR_RETX_PARTIAL);
	r->force = true;
}

/* --- The phases ------------------------------------------------------------------------------- */

static void in_fast(struct tcb *t, struct tcp_env *env, struct recovery_ack *a)
{
	bool done = seq_geq(t->snd.una, t->rec.recover);

	if ((a->acked || a->dsack) && may_undo(t, env, a)) {
		undo(t, env, a);
		return;
	}
	a->cc->recovering = true; /* this ACK, too, if it ends it */
	if (done)
		leave(t, env);
	else if (a->acked && !rack_on(env, t))
		reno_partial(t, env, a->acked);
}

/* RFC 5682 2.1 without SACK, 3.1 with it */
static void frto_step(struct tcb *t, const struct tcp_env *env, const struct recovery_ack *a)
{
	struct recovery *r = &t->rec;

	r->frto_new = false;
	if (seq_gt(t->snd.nxt, r->recover)) {
		if (a->duplicate || a->news->sacked)
			r->frto = false; /* step 3a: the loss was real */
	} else if (a->acked) {
		r->recover = t->snd.nxt;
		r->frto_new = true; /* step 2b */
	} else if (!rack_on(env, t)) {
		r->frto = false; /* step 2a: a duplicate comes first */
	}
}

static void in_rto(struct tcb *t, struct tcp_env *env, struct recovery_ack *a)
{
	struct recovery *r = &t->rec;
	bool original = a->news->original && (t->sack_ok || !a->news->again);

	if (((a->acked || a->dsack) && may_undo(t, env, a)) || (r->frto && original)) {
		undo(t, env, a);
		return;
	}
	a->cc->resending = true;
	if (seq_geq(t->snd.una, r->recover)) {
		leave(t, env);
		return;
	}
	if (r->frto)
		frto_step(t, env, a);
}

static void count_dsack(struct tcb *t, struct tcp_env *env, const struct recovery_ack *a)
{
	struct recovery *r = &t->rec;

	env->counters[WEIR_CTR_DSACK_IN]++;
	if (r->undoable && seq_gt(a->dsack_hi, r->undo_from))
		r->undo_bytes -= a->dsack_bytes < r->undo_bytes ? a->dsack_bytes : r->undo_bytes;
}

static void lead_by_prr(struct tcb *t, const struct recovery_ack *a)
{
	enum prr_ack safe = a->acked && !a->cc->lost ? PRR_SAFE : PRR_NOT_SAFE;

	if (cc_of(t->cc.kind)->rules_recovery || (a->cc->delivered == 0 && !t->rec.force))
		return;
	t->cc.cwnd =
		prr_acked(&t->prr, a->cc->delivered, safe, tcb_pipe(t), t->cc.target, t->snd.mss);
	t->rec.force = false;
}

static void begin_by_rack(struct tcb *t, struct tcp_env *env, struct recovery_ack *a)
{
	if (lost_probe(t, env)) {
		a->cc->lost = 0;
		return;
	}
	begin_fast(t, env, a->cc, a->prior_flight);
	prr_begin(&t->prr, recover_fs(t, a));
	t->rec.force = true;
	a->cc->recovering = true;
}

void recovery_acked(struct tcb *t, struct tcp_env *env, struct recovery_ack *a)
{
	struct recovery *r = &t->rec;

	r->lone = false;
	if (a->acked && !a->ece)
		r->slowed = 0;
	if (a->dsack)
		count_dsack(t, env, a);
	if (a->acked) {
		r->dupacks = 0;
		r->allowed = 0;
		r->limited = 0;
	}
	switch ((enum recovery_phase)r->phase) {
	case RECOVERY_OPEN:
		/* RFC6582-06: never let it fall 2^31 behind */
		if (a->acked && seq_lt(r->recover, seq_sub(t->snd.una, 1u << 30)))
			r->recover = seq_sub(t->snd.una, 1u << 30);
		break;
	case RECOVERY_CWR:
		a->cc->recovering = true;
		/* Beyond it: only then has CWR reached the peer, and a mark is a new one. */
		if (seq_gt(t->snd.una, r->recover))
			leave(t, env);
		break;
	case RECOVERY_FAST:
		in_fast(t, env, a);
		break;
	case RECOVERY_RTO:
		in_rto(t, env, a);
		break;
	}
	if (a->duplicate && !rack_on(env, t))
		reno_duplicate(t, env, a);
	if (rack_on(env, t) && a->cc->lost && r->phase <= RECOVERY_CWR)
		begin_by_rack(t, env, a);
	if (a->ece && r->phase == RECOVERY_OPEN)
		begin_cwr(t, env, a);
	if (r->phase == RECOVERY_CWR || (r->phase == RECOVERY_FAST && rack_on(env, t)))
		lead_by_prr(t, a);
}

void recovery_found(struct tcb *t, struct tcp_env *env, struct cc_ack *cc)
{
	if (t->rec.phase > RECOVERY_CWR)
		return;
	if (lost_probe(t, env)) {
		cc->lost = 0;
		return;
	}
	begin_fast(t, env, cc, tcb_flight(t));
	prr_begin(&t->prr, tcb_flight(t) - t->board.sacked);
	if (!cc_of(t->cc.kind)->rules_recovery)
		t->cc.cwnd =
			prr_acked(&t->prr, 0, PRR_NOT_SAFE, tcb_pipe(t), t->cc.target, t->snd.mss);
}

void recovery_probe_repaired(struct tcb *t, struct cc_ack *cc)
{
	if (t->rec.phase != RECOVERY_OPEN)
		return;
	cc->flight = tcb_flight(t);
	cc_on_signal(&t->cc, CC_LOSS, cc);
	shrink_at_once(t);
}

/* --- Timeout ---------------------------------------------------------------------------------- */

static void mark_timeout(struct tcb *t, struct tcp_env *env, weir_time now)
{
	struct board *b = &t->board;

	if (b->first == POOL_NONE)
		return;
	if (board_at(env, b->first)->flags & SEND_SACKED) { /* RFC2018-08 */
		env->counters[WEIR_CTR_SACK_RENEGED]++;
		board_forget_sacked(env, b, WEIR_CTR_RETX_TIMEOUT);
	}
	if (rack_on(env, t))
		rack_timeout(env, t, now);
	else
		board_lose_all(env, b, WEIR_CTR_RETX_TIMEOUT);
}

void recovery_timeout(struct tcb *t, struct tcp_env *env, struct cc_ack *cc)
{
	struct recovery *r = &t->rec;
	bool again = t->retries > 0;
	bool frto = env->cfg->frto && (r->phase <= RECOVERY_CWR || again);

	cc->recovering = r->phase == RECOVERY_FAST || r->phase == RECOVERY_CWR;
	cc->flight = tcb_flight(t);
	mark_timeout(t, env, cc->now);
	cc_on_signal(&t->cc, again ? CC_RTO_AGAIN : CC_RTO, cc);
	if (again && r->phase == RECOVERY_RTO) {
		r->recover = t->snd.nxt;
	} else {
		begin(t, RECOVERY_RTO); /* RFC6582-05, RFC6675-08 */
	}
	r->inflate = 0;
	r->dupacks = 0;
	r->allowed = 0;
	r->limited = 0;
	r->lone = false;
	r->force = true;
	r->frto = frto;
	r->frto_new = false;
}

void recovery_again(struct tcb *t, struct tcp_env *env, enum weir_counter why)
{
	board_lose_all(env, &t->board, why);
}

void recovery_reneged(struct tcb *t, struct tcp_env *env)
{
	env->counters[WEIR_CTR_SACK_RENEGED]++;
	board_forget_sacked(env, &t->board, WEIR_CTR_RETX_RACK);
	if (t->rec.phase != RECOVERY_RTO)
		board_lose_none(env,
				&t->board); /* RACK, which knows when it was sent, judges anew */
}

/* --- Output ----------------------------------------------------------------------------------- */

void recovery_sent(struct tcb *t, seq_t lo, seq_t hi, enum recovery_sent what, weir_time now)
{
	struct recovery *r = &t->rec;
	uint32_t bytes = hi.v - lo.v;

	if (r->phase == RECOVERY_FAST || r->phase == RECOVERY_CWR)
		prr_sent(&t->prr, bytes);
	if (what == RECOVERY_SENT_NEW) {
		if (r->phase != RECOVERY_FAST && r->limited < r->allowed)
			r->limited++;
		return;
	}
	r->force = false;
	if (!r->undoable)
		return;
	r->undo_bytes += bytes;
	if (!r->resent) {
		r->resent = true;
		r->undo_from = lo;
		r->resent_ts = tcp_ts_clock(now, t->ts.offset);
	}
}

bool recovery_echo_delayed(const struct tcb *t, const struct tcp_opts *o)
{
	const struct recovery *r = &t->rec;

	if (!r->undoable)
		return false;
	if (!r->resent)
		return t->board.lost == 0; /* nothing went again, and yet it has arrived */
	/* What an earlier episode sent again may be acknowledged in this one. */
	if (seq_leq(t->snd.una, r->undo_from))
		return false;
	return t->ts.ok && o->has_ts && o->ts_ecr && (int32_t)(o->ts_ecr - r->resent_ts) < 0;
}
