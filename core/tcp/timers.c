/*
 * Theory of operation
 *
 * A connection has one time for each row of timers.def and one node on the stack's wheel, armed for
 * the nearest. RTX and PERSIST exclude each other: RTX runs while data is out and the window is
 * open, PERSIST while the window is closed, or while something small waits that no ACK will set
 * free. RTX stands for one of three: the retransmission timeout, the tail loss probe
 * before it, or the time when RACK looks again; while it is one of the last two rto_at says when
 * the timeout is due. The user timeout (R2 of MUST-20) is the age of the oldest byte that waits, so
 * it is the same for data that was sent and for data that the window holds back; a peer that
 * answers probes keeps it young (MUST-37).
 */
#include "tcp/timers.h"

#include "tcp/accecn.h"
#include "tcp/ackgen.h"
#include "tcp/cc_ops.h"
#include "tcp/mtup.h"
#include "tcp/rack.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sndq.h"

void timers_init(struct tcb *t)
{
	for (unsigned i = 0; i < TIMER_COUNT; i++)
		t->timers.at[i] = WEIR_NEVER;
	t->pace_waits = false;
	t->timers_moved = true;
	t->rtx_kind = RTX_RTO;
}

weir_time timers_next(const struct tcb *t)
{
	weir_time next = t->pace_waits ? t->timers.pace_at : WEIR_NEVER;

	for (unsigned i = 0; i < TIMER_COUNT; i++)
		if (t->timers.at[i] < next)
			next = t->timers.at[i];
	return next;
}

/* Bytes, or a FIN, that were never sent. */
static bool unsent(const struct tcb *t)
{
	seq_t end = seq_add(sndq_end(&t->sndq), t->sndq.fin);

	return seq_lt(t->snd.nxt, end);
}

static bool window_closed(const struct tcb *t)
{
	return t->snd.wnd == 0 && !seq_eq(t->snd.una, t->snd.iss);
}

/* SHLD-29, SHLD-30: after one RTO, then in growing gaps. */
static uint64_t probe_gap(const struct tcp_env *env, const struct tcb *t)
{
	uint64_t gap = rtt_rto(&t->rtt, env->cfg);
	uint64_t max = env->cfg->persist_max_ms * NS_PER_MS;

	for (unsigned i = 0; i < t->retries && gap < max; i++)
		gap *= 2;
	return gap < max ? gap : max;
}

void timers_rearm(const struct tcp_env *env, struct tcb *t, weir_time now)
{
	weir_time reo = t->rtx_kind == RTX_REO ? t->timers.at[TIMER_RTX] : WEIR_NEVER;

	timer_stop(t, TIMER_RTX);
	timer_stop(t, TIMER_PERSIST);
	t->rtx_kind = RTX_RTO;
	if (window_closed(t)) {
		if (tcb_flight(t) || unsent(t))
			timer_set(t, TIMER_PERSIST, now + probe_gap(env, t));
	} else if (tcb_flight(t)) {
		timer_set(t, TIMER_RTX, now + rtt_rto(&t->rtt, env->cfg));
		if (reo != WEIR_NEVER)
			timers_look_again(t, reo);
		timers_probe(env, t, now);
	}
}

/* RTX becomes the retransmission timeout again. */
static void back_to_rto(struct tcb *t)
{
	if (t->rtx_kind == RTX_RTO)
		return;
	t->rtx_kind = RTX_RTO;
	if (timer_on(t, TIMER_RTX))
		timer_set(t, TIMER_RTX, t->timers.rto_at);
}

/* RTX becomes something else that is due at `at`, no later than the timeout. */
static void instead_of_rto(struct tcb *t, enum rtx_kind kind, weir_time at)
{
	if (t->rtx_kind == RTX_RTO)
		t->timers.rto_at = t->timers.at[TIMER_RTX];
	t->rtx_kind = (uint8_t)kind;
	timer_set(t, TIMER_RTX, at < t->timers.rto_at ? at : t->timers.rto_at);
}

void timers_look_again(struct tcb *t, weir_time at)
{
	if (!timer_on(t, TIMER_RTX))
		return;
	if (at == WEIR_NEVER) {
		if (t->rtx_kind == RTX_REO || t->board.sacked || t->board.lost)
			back_to_rto(t);
		return;
	}
	back_to_rto(t);
	if (at < t->timers.at[TIMER_RTX])
		instead_of_rto(t, RTX_REO, at);
}

void timers_probe(const struct tcp_env *env, struct tcb *t, weir_time now)
{
	uint64_t after;

	if (!timer_on(t, TIMER_RTX) || t->rtx_kind == RTX_REO)
		return;
	after = rack_probe_after(env, t);
	if (after == WEIR_NEVER)
		back_to_rto(t);
	else
		instead_of_rto(t, RTX_PROBE, now + after);
}

static void due_since_sent(const struct tcp_env *env, struct tcb *t, weir_time now)
{
	weir_time due = t->rtt.sent_at + rtt_rto(&t->rtt, env->cfg);

	if (due < now)
		due = now;
	if (t->rtx_kind != RTX_RTO)
		t->timers.rto_at = due;
	if (t->rtx_kind == RTX_RTO || due < t->timers.at[TIMER_RTX])
		timer_set(t, TIMER_RTX, due);
}

void timers_window(const struct tcp_env *env, struct tcb *t, weir_time now)
{
	bool probing = timer_on(t, TIMER_PERSIST);

	/* An override timer (open window, nothing out) is left to fire. */
	if (window_closed(t) ? probing : !probing || !tcb_flight(t))
		return;
	timers_rearm(env, t, now);
	/* What is out waits since it was sent, however often the window shuts and opens; unless it
	 * goes again by now. */
	if (timer_on(t, TIMER_RTX) && t->board.lost == 0)
		due_since_sent(env, t, now);
}

void timers_override(const struct tcp_env *env, struct tcb *t, weir_time now)
{
	if (tcb_flight(t) || !unsent(t) || timer_on(t, TIMER_PERSIST) || !tcb_synchronized(t))
		return;
	if (window_closed(t))
		timer_set(t, TIMER_PERSIST, now + probe_gap(env, t));
	else
		timer_set(t, TIMER_PERSIST, now + env->cfg->sws_override_ms * NS_PER_MS);
}

void timers_keepalive(struct tcb *t)
{
	if (t->user.keepalive && tcb_synchronized(t))
		timer_set(t, TIMER_KEEP, t->user.heard_at + t->user.keep_idle_ms * NS_PER_MS);
	else
		timer_stop(t, TIMER_KEEP);
}

void timers_user(const struct tcp_env *env, struct tcb *t)
{
	bool syn = t->state == WEIR_STATE_SYN_SENT || t->state == WEIR_STATE_SYN_RECEIVED;
	uint64_t limit_ms = t->user.user_timeout_ms;

	/* MUST-23: 180 s for a SYN, unless the user gave a shorter time itself (MUST-21) */
	if (syn && (limit_ms == 0 || limit_ms == env->cfg->r2_ms || limit_ms > env->cfg->syn_r2_ms))
		limit_ms = env->cfg->syn_r2_ms;
	if (t->user.stuck_at == WEIR_NEVER || limit_ms == 0)
		timer_stop(t, TIMER_USER);
	else
		timer_set(t, TIMER_USER, t->user.stuck_at + limit_ms * NS_PER_MS);
}

/* Nobody waits any more for what is to be delivered: it is not tried for as long. */
static bool given_up(const struct tcp_env *env, const struct tcb *t)
{
	return t->user.closed && env->cfg->orphan_retries && t->retries >= env->cfg->orphan_retries;
}

static void cc_ack_now(const struct tcb *t, weir_time now, struct cc_ack *a)
{
	*a = (struct cc_ack){
		.now = now,
		.mss = t->snd.mss,
		.prior_flight = tcb_pipe(t),
		.rtt_ns = WEIR_NEVER,
		.srtt_ns = t->rtt.srtt_ns,
		.total_delivered = t->rate.delivered,
	};
}

static void on_rto(struct tcp_env *env, struct tcb *t, weir_time now)
{
	struct cc_ack a;

	if (tcb_flight(t) == 0)
		return;
	if (given_up(env, t)) {
		tcb_end(t, env, WEIR_TIMEOUT);
		return;
	}
	env->counters[WEIR_CTR_RTO_FIRED]++;
	mtup_timeout(t, env, now);
	accecn_timeout(t);
	cc_ack_now(t, now, &a);
	recovery_timeout(t, env, &a);
	rtt_backoff(&t->rtt, env->cfg);
	if (seq_eq(t->snd.una, t->snd.iss))
		t->want_syn = TCB_SYN_AGAIN;
	if (t->retries < UINT8_MAX)
		t->retries++;
	if (t->retries == env->cfg->r1_retries) /* SHLD-9, MUST-47 */
		tcb_soft_error(t, WEIR_TIMEOUT);
	timer_set(t, TIMER_RTX, now + rtt_rto(&t->rtt, env->cfg));
}

/* RACK's time has come for something that a later ACK need not tell of. */
static void on_reo(struct tcp_env *env, struct tcb *t, weir_time now)
{
	struct cc_ack a;
	weir_time again;

	timer_set(t, TIMER_RTX,
		  now < t->timers.rto_at ? t->timers.rto_at : now + rtt_rto(&t->rtt, env->cfg));
	cc_ack_now(t, now, &a);
	a.lost = rack_detect(env, t, now, &again);
	if (a.lost) {
		t->rate.lost += a.lost;
		recovery_found(t, env, &a);
		a.flight = tcb_pipe(t);
		a.recovering = t->rec.phase == RECOVERY_FAST;
		a.resending = t->rec.phase == RECOVERY_RTO;
		cc_on_ack(&t->cc, &a);
	}
	timers_look_again(t, again);
}

static void on_rtx(struct tcp_env *env, struct tcb *t, weir_time now)
{
	enum rtx_kind kind = (enum rtx_kind)t->rtx_kind;

	t->rtx_kind = RTX_RTO;
	switch (kind) {
	case RTX_RTO:
		on_rto(env, t, now);
		break;
	case RTX_PROBE:
		rack_probe(t);
		timer_set(t, TIMER_RTX, now + rtt_rto(&t->rtt, env->cfg)); /* RFC8985-15 */
		break;
	case RTX_REO:
		on_reo(env, t, now);
		break;
	}
}

static void on_persist(struct tcp_env *env, struct tcb *t, weir_time now)
{
	if (!window_closed(t)) {
		t->snd.force = true;
		return;
	}
	if (given_up(env, t)) {
		tcb_end(t, env, WEIR_TIMEOUT);
		return;
	}
	t->want_probe = true;
	if (t->retries < UINT8_MAX)
		t->retries++;
	timer_set(t, TIMER_PERSIST, now + probe_gap(env, t));
}

/* MUST-26: only when nothing is out and nothing was heard for the whole time. */
static void on_keep(struct tcp_env *env, struct tcb *t, weir_time now)
{
	weir_time due = t->user.heard_at + t->user.keep_idle_ms * NS_PER_MS;

	if (t->user.keep_sent == 0 && now < due) {
		timer_set(t, TIMER_KEEP, due);
		return;
	}
	if (tcb_flight(t) || t->sndq.len) {
		timer_set(t, TIMER_KEEP, now + t->user.keep_idle_ms * NS_PER_MS);
		return;
	}
	if (t->user.keep_sent >= t->user.keep_count) { /* MUST-29 */
		tcb_end(t, env, WEIR_TIMEOUT);
		return;
	}
	t->user.keep_sent++;
	t->want_keep = true;
	timer_set(t, TIMER_KEEP, now + t->user.keep_interval_ms * NS_PER_MS);
}

static void fire(struct tcp_env *env, struct tcb *t, enum tcp_timer k, weir_time now)
{
	switch (k) {
	case TIMER_RTX:
		on_rtx(env, t, now);
		break;
	case TIMER_PERSIST:
		on_persist(env, t, now);
		break;
	case TIMER_DELACK:
		ackgen_now(t, WEIR_CTR_SENT_ACK);
		break;
	case TIMER_KEEP:
		on_keep(env, t, now);
		break;
	case TIMER_USER:
	case TIMER_FINWAIT2:
		tcb_end(t, env, WEIR_TIMEOUT);
		break;
	case TIMER_COUNT:
		break;
	}
}

void timers_run(struct tcp_env *env, struct tcb *t, weir_time now)
{
	if (t->pace_waits && t->timers.pace_at <= now) {
		t->pace_waits = false; /* output knows what may go */
		t->timers_moved = true;
	}
	for (unsigned i = 0; i < TIMER_COUNT && t->state != WEIR_STATE_CLOSED; i++) {
		if (t->timers.at[i] > now)
			continue;
		timer_stop(t, (enum tcp_timer)i);
		fire(env, t, (enum tcp_timer)i, now);
	}
}
