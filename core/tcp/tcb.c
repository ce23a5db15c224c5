#include "tcp/tcb.h"

#include "base/assert.h"
#include "tcp/accecn.h"
#include "tcp/board.h"
#include "tcp/cc_ops.h"
#include "tcp/drs.h"
#include "tcp/fsm.h"
#include "tcp/mtup.h"
#include "tcp/rack.h"
#include "tcp/rcvq.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sndq.h"
#include "tcp/timers.h"
#include "tcp/window.h"

#define TS_OPT_LEN 12u /* NOP, NOP, timestamps */
#define MSS_MIN    1u

void tcb_init(struct tcb *t, const struct tcp_env *env, uint16_t mss_local, uint16_t mss_default,
	      weir_time now)
{
	const struct weir_config *cfg = env->cfg;

	*t = (struct tcb){.state = WEIR_STATE_CLOSED};
	mtup_init(t, mss_local, now);
	t->peer_mss = mss_default;
	t->user = (struct user){
		.sndbuf = (uint32_t)cfg->sndbuf,
		.rcvbuf = (uint32_t)cfg->rcvbuf,
		.keep_idle_ms = (uint32_t)cfg->keep_idle_ms,
		.keep_interval_ms = (uint32_t)cfg->keep_interval_ms,
		.user_timeout_ms = (uint32_t)cfg->r2_ms,
		.keep_count = (uint8_t)cfg->keep_count,
		.dscp = (uint8_t)cfg->dscp,
		.ttl = (uint8_t)cfg->ttl,
		.nodelay = !cfg->nagle,
		.keepalive = cfg->keepalive,
		.heard_at = now,
		.stuck_at = WEIR_NEVER,
	};
	t->rcv_wscale = window_shift_offer(cfg, t->user.rcvbuf);
	t->ackgen.quick = (uint8_t)cfg->quickacks;
	timers_init(t);
	rtt_init(&t->rtt, cfg);
	board_init(&t->board);
	rack_init(&t->rack);
	rcvq_init(&t->rcvq);
	sndq_init(&t->sndq, seq_make(0));
	tcb_set_mss(t);
}

void tcb_set_mss(struct tcb *t)
{
	uint32_t room = t->path_mss < t->peer_mss ? t->path_mss : t->peer_mss;
	uint32_t opts = t->ts.ok ? TS_OPT_LEN : 0;

	t->snd.mss = room > opts + MSS_MIN ? room - opts : MSS_MIN;
}

void tcb_agree(struct tcb *t, const struct tcp_env *env, const struct tcp_agreed *a)
{
	uint32_t seg;

	t->peer_mss = a->mss > env->cfg->mss_peer_min ? a->mss : (uint16_t)env->cfg->mss_peer_min;
	t->ts.ok = a->ts_ok;
	t->sack_ok = a->sack_ok;
	t->wscale_ok = a->wscale_ok;
	if (a->ecn_ok)
		t->ecn = ECN_ON;
	if (a->accurate)
		accecn_begin(t, a);
	t->snd_wscale = a->snd_wscale;
	t->rcv_wscale = a->rcv_wscale;
	mtup_agreed(t, env);
	tcb_set_mss(t);
	seg = t->mtup.link > TS_OPT_LEN ? t->mtup.link - TS_OPT_LEN : MSS_MIN;
	drs_init(t, env, seg);
	/* RMSS is not known before segments come; half a kilobyte is what every link carries */
	t->rcv.seg_max = seg < 536u ? seg : 536u;
}

static void set_iss(struct tcb *t, seq_t iss)
{
	t->snd.iss = iss;
	t->snd.una = iss;
	t->snd.nxt = iss;
	t->board.fack = seq_add(iss, 1);
	sndq_init(&t->sndq, seq_add(iss, 1));
	recovery_init(&t->rec, iss);
}

void tcb_open_active(struct tcb *t, const struct tcp_env *env, seq_t iss, uint32_t ts_offset,
		     weir_time now)
{
	t->origin = TCP_ORIGIN_ACTIVE;
	set_iss(t, iss);
	t->ts.offset = ts_offset;
	t->want_syn = TCB_SYN_FIRST;
	/* The window on our SYN is a length; it becomes an edge when RCV.NXT is known. */
	t->rcv.adv = seq_make(window_syn(t->user.rcvbuf));
	fsm_step(t, FSM_OPEN);
	t->user.stuck_at = now;
	timers_user(env, t);
}

void tcb_open_passive(struct tcb *t, struct tcp_env *env, const struct tcb_passive *p,
		      weir_time now)
{
	t->origin = TCP_ORIGIN_PASSIVE;
	set_iss(t, p->iss);
	t->snd.nxt = seq_add(p->iss, 1);
	t->ts.offset = p->ts_offset;
	t->ts.recent = p->ts_recent;
	t->ts.recent_s = (uint32_t)(now / NS_PER_S);
	t->rcv.irs = p->irs;
	t->rcv.nxt = seq_add(p->irs, 1);
	t->rcv.adv = seq_add(t->rcv.nxt, p->rcv_wnd);
	t->rcv.last_ack = t->rcv.nxt;
	t->snd.wnd = p->snd_wnd;
	t->snd.wnd_max = p->snd_wnd;
	t->snd.wl1 = p->irs;
	t->retries = p->retries;
	if (p->synack_at) {
		rtt_sent(&t->rtt, t->snd.nxt, p->synack_at);
		t->rtt.coarse = true; /* a half-open record counts milliseconds */
	}
	tcb_agree(t, env, &p->agreed);
	fsm_step(t, FSM_SYN);
	env->counters[WEIR_CTR_OPENED_PASSIVE]++;
}

void tcb_trust_syn(struct tcb *t, struct tcp_env *env, weir_time now)
{
	t->snd.nxt = t->snd.iss;
	t->want_syn = TCB_SYN_FIRST;
	tcb_cc_start(t, env, now);
	fsm_step(t, FSM_ESTABLISH);
	t->user.stuck_at = now;
	timers_user(env, t);
	timers_keepalive(t);
}

static struct pool *cc_pool(struct tcp_env *env, uint8_t kind)
{
	return kind == CC_BBR ? &env->cc_bbr : &env->cc_loss;
}

void tcb_cc_start(struct tcb *t, struct tcp_env *env, weir_time now)
{
	cc_start(&t->cc, env->cfg, t->snd.mss, t->retries, t->snd.iss.v);
	if (t->cc.priv.any) /* again, after a crossing SYN */
		cc_equip(&t->cc, t->cc.priv.any, t->snd.mss, now);
	else if (t->sndq.len || t->sndq.fin)
		tcb_cc_equip(t, env, now);
}

void tcb_cc_equip(struct tcb *t, struct tcp_env *env, weir_time now)
{
	struct pool *p = cc_pool(env, t->cc.kind);
	uint32_t slot;

	if (t->cc.priv.any || t->cc.first == 0)
		return; /* it has it, or the window has not begun */
	slot = pool_take(p);
	weir_assert(slot != POOL_NONE);
	cc_equip(&t->cc, pool_at(p, slot), t->snd.mss, now);
}

static void cc_drop(struct tcb *t, struct tcp_env *env)
{
	struct pool *p = cc_pool(env, t->cc.kind);

	if (t->cc.priv.any)
		pool_give(p, pool_index(p, t->cc.priv.any));
	t->cc.priv.any = NULL;
}

void tcb_cc_switch(struct tcb *t, struct tcp_env *env, uint8_t kind, weir_time now)
{
	bool equipped = t->cc.priv.any;

	if (kind != t->cc.kind)
		cc_drop(t, env);
	cc_switch(&t->cc, (enum cc_kind)kind);
	if (equipped)
		tcb_cc_equip(t, env, now);
}

void tcb_flush(struct tcb *t, struct tcp_env *env)
{
	cc_drop(t, env);
	rcvq_clear(t, env);
	board_clear(env, &t->board);
	pageq_clear(&t->sndq.q, &env->pages);
	t->sndq.len = 0;
	t->sndq.head = t->snd.una;
}

void tcb_end(struct tcb *t, struct tcp_env *env, enum weir_err reason)
{
	if (t->state != WEIR_STATE_CLOSED)
		fsm_step(t, FSM_END);
	t->reason = reason;
	timers_init(t);
	if (reason != WEIR_OK) {
		tcb_flush(t, env);
		tcb_event(t, WEIR_EV_READABLE);
	} else {
		/* orderly: what the user has not read yet stays readable */
		cc_drop(t, env);
		board_clear(env, &t->board);
		pageq_clear(&t->sndq.q, &env->pages);
		t->sndq.len = 0;
	}
}

static const char *check_send(const struct tcp_env *env, const struct tcb *t)
{
	seq_t first = seq_eq(t->snd.una, t->snd.iss) && !seq_eq(t->snd.nxt, t->snd.iss)
			      ? seq_add(t->snd.iss, 1)
			      : t->snd.una;

	if (seq_gt(t->snd.una, t->snd.nxt))
		return "SND.UNA > SND.NXT";
	if (seq_gt(t->snd.nxt, seq_add(sndq_end(&t->sndq), t->sndq.fin ? 1 : 0)))
		return "SND.NXT beyond what was queued";
	if (t->sndq.len && t->sndq.q.dir == POOL_NONE)
		return "bytes queued without pages";
	if (!t->sndq.len && t->sndq.q.dir != POOL_NONE && t->sndq.q.held > 2)
		return "an empty send queue holds pages";
	if (t->snd.mss == 0)
		return "a segment size of zero";
	return board_check(env, &t->board, first, t->snd.nxt);
}

static const char *check_timers(const struct tcb *t)
{
	bool rtx = timer_on(t, TIMER_RTX), persist = timer_on(t, TIMER_PERSIST);

	if (rtx && persist)
		return "RTX and PERSIST run together";
	if (tcb_flight(t) && !rtx && !persist)
		return "data is out and no timer runs";
	return NULL;
}

const char *tcb_check(const struct tcp_env *env, const struct tcb *t)
{
	const char *bad;

	if (t->state == WEIR_STATE_CLOSED || t->state == WEIR_STATE_TIME_WAIT) {
		if (t->board.count)
			return "records of what is out after the end";
		return timers_next(t) == WEIR_NEVER ? NULL : "a timer runs after the end";
	}
	bad = check_send(env, t);
	if (!bad)
		bad = check_timers(t);
	if (bad)
		return bad;
	if (t->state == WEIR_STATE_SYN_SENT)
		return NULL;
	if (seq_gt(t->rcv.nxt, t->rcv.adv))
		return "RCV.NXT beyond the right edge";
	if (t->rcvq.q.head > t->rcvq.nxt)
		return "read beyond what was received";
	if (tcb_synchronized(t) && t->cc.cwnd < t->snd.mss && t->cc.cwnd < 1)
		return "cwnd is zero";
	return NULL;
}
