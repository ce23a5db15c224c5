#include "tcp/user.h"

#include "tcp/cc_ops.h"
#include "tcp/drs.h"
#include "tcp/fsm.h"
#include "tcp/rcvq.h"
#include "tcp/sndq.h"
#include "tcp/timers.h"
#include "tcp/window.h"

static enum weir_err ended(const struct tcb *t)
{
	return t->reason != WEIR_OK ? t->reason : WEIR_NO_CONN;
}

enum weir_err user_may_send(const struct tcb *t)
{
	if (t->state == WEIR_STATE_CLOSED)
		return ended(t);
	if (t->sndq.fin || t->user.closed || t->state == WEIR_STATE_TIME_WAIT)
		return WEIR_CLOSING;
	return WEIR_OK;
}

void user_queued(struct tcb *t, struct tcp_env *env, uint32_t flags, weir_time now)
{
	tcb_cc_equip(t, env, now);
	t->sndq.more = flags & WEIR_SEND_MORE;
	if (flags & WEIR_SEND_URGENT) {
		t->snd.up = sndq_end(&t->sndq);
		t->snd.up_set = true;
	}
	if (t->user.stuck_at == WEIR_NEVER) {
		t->user.stuck_at = now;
		timers_user(env, t);
	}
}

enum weir_err user_nothing_to_read(const struct tcb *t)
{
	if (t->state == WEIR_STATE_CLOSED && t->reason != WEIR_OK)
		return t->reason; /* MUST-12: bytes were flushed, so this is no clean end */
	if (t->rcv.fin_done)
		return WEIR_EOF;
	if (t->state == WEIR_STATE_CLOSED)
		return ended(t);
	return WEIR_AGAIN;
}

void user_consume(struct tcb *t, struct tcp_env *env, uint32_t len, weir_time now)
{
	rcvq_consume(t, env, len);
	if (t->rcv.up_set && seq_leq(t->rcv.up, rcvq_next(t)))
		t->rcv.up_set = false;
	window_consumed(t, env, now);
}

enum weir_err user_shutdown(struct tcb *t, struct tcp_env *env, weir_time now)
{
	if (t->state == WEIR_STATE_CLOSED)
		return ended(t);
	if (t->sndq.fin || t->state == WEIR_STATE_TIME_WAIT)
		return WEIR_CLOSING;
	t->sndq.fin = true;
	t->sndq.more = false;
	tcb_cc_equip(t, env, now);
	/* Before the handshake is over the close is remembered, but for a simultaneous open with
	 * nothing queued, whose FIN goes at once (3.10.4). */
	if (t->state != WEIR_STATE_SYN_SENT &&
	    !(t->state == WEIR_STATE_SYN_RECEIVED && t->sndq.len))
		fsm_step(t, FSM_CLOSE);
	timers_override(env, t, now);
	return WEIR_OK;
}

enum weir_err user_close(struct tcb *t, struct tcp_env *env, weir_time now)
{
	enum weir_err e = t->user.closed ? WEIR_CLOSING : WEIR_OK;

	if (t->state == WEIR_STATE_CLOSED) {
		if (t->reason == WEIR_OK)
			t->user.closed = true; /* what is unread holds CLOSED back no longer */
		return ended(t);
	}
	if (t->state == WEIR_STATE_SYN_SENT) {
		tcb_end(t, env, WEIR_ABORTED);
		return WEIR_OK;
	}
	t->user.closed = true;
	if (rcvq_readable(t) && t->state != WEIR_STATE_TIME_WAIT) {
		t->want_rst = user_abort_owes_rst(t); /* SHLD-3 */
		tcb_end(t, env, WEIR_ABORTED);
		return WEIR_OK;
	}
	if (e == WEIR_OK)
		e = user_shutdown(t, env, now);
	if (t->state == WEIR_STATE_FIN_WAIT_2 && !timer_on(t, TIMER_FINWAIT2))
		timer_set(t, TIMER_FINWAIT2, now + env->cfg->finwait2_ms * NS_PER_MS);
	return e;
}

bool user_abort_owes_rst(const struct tcb *t)
{
	switch (t->state) {
	case WEIR_STATE_SYN_RECEIVED:
	case WEIR_STATE_ESTABLISHED:
	case WEIR_STATE_FIN_WAIT_1:
	case WEIR_STATE_FIN_WAIT_2:
	case WEIR_STATE_CLOSE_WAIT:
		return true;
	case WEIR_STATE_CLOSED:
	case WEIR_STATE_LISTEN:
	case WEIR_STATE_SYN_SENT:
	case WEIR_STATE_CLOSING:
	case WEIR_STATE_LAST_ACK:
	case WEIR_STATE_TIME_WAIT:
	case WEIR_STATE_COUNT:
		return false;
	}
	return false;
}

void user_set(struct tcb *t, struct tcp_env *env, enum weir_connopt opt, uint64_t value)
{
	struct user *u = &t->user;

	switch (opt) {
	case WEIR_OPT_NODELAY:
		u->nodelay = value;
		break;
	case WEIR_OPT_KEEPALIVE:
		u->keepalive = value;
		break;
	case WEIR_OPT_KEEP_IDLE_MS:
		u->keep_idle_ms = (uint32_t)value;
		break;
	case WEIR_OPT_KEEP_INTERVAL_MS:
		u->keep_interval_ms = (uint32_t)value;
		break;
	case WEIR_OPT_KEEP_COUNT:
		u->keep_count = (uint8_t)value;
		break;
	case WEIR_OPT_USER_TIMEOUT_MS:
		u->user_timeout_ms = (uint32_t)value;
		break;
	case WEIR_OPT_SNDBUF:
		u->sndbuf = (uint32_t)value;
		u->sndbuf_set = true;
		break;
	case WEIR_OPT_RCVBUF:
		u->rcvbuf = (uint32_t)value;
		drs_fixed(t);
		break;
	case WEIR_OPT_DSCP:
		u->dscp = (uint8_t)value;
		break;
	case WEIR_OPT_TTL:
		u->ttl = (uint8_t)value;
		break;
	case WEIR_OPT_SOFT_ERRORS:
		u->soft_muted = !value;
		break;
	case WEIR_OPT_CC:
		/* What counts time counts it from the next ACK on. */
		tcb_cc_switch(t, env, (uint8_t)value, u->heard_at);
		break;
	case WEIR_OPT_COUNT:
		break;
	}
	if (t->state == WEIR_STATE_CLOSED || t->state == WEIR_STATE_TIME_WAIT)
		return;
	if (!u->keepalive)
		u->keep_sent = 0;
	if (u->keep_sent == 0) /* probes that are under way keep their interval */
		timers_keepalive(t);
	timers_user(env, t);
}
