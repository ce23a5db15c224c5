/*
 * timers.h: the timers of a connection (timers.def) and what happens when one fires.
 */
#ifndef WEIR_TCP_TIMERS_H
#define WEIR_TCP_TIMERS_H

#include "tcp/tcb.h"

void timers_init(struct tcb *t);

static inline void timer_set(struct tcb *t, enum tcp_timer k, weir_time at)
{
	t->timers.at[k] = at;
	t->timers_moved = true;
}

static inline void timer_stop(struct tcb *t, enum tcp_timer k)
{
	if (t->timers.at[k] == WEIR_NEVER)
		return;
	t->timers.at[k] = WEIR_NEVER;
	t->timers_moved = true;
}

static inline bool timer_on(const struct tcb *t, enum tcp_timer k)
{
	return t->timers.at[k] != WEIR_NEVER;
}

/* The nearest, WEIR_NEVER if all are off. */
weir_time timers_next(const struct tcb *t);

/* Runs each timer that is due. The connection may be CLOSED afterwards. */
void timers_run(struct tcp_env *env, struct tcb *t, weir_time now);

/* (Re)starts the retransmission timer with the present RTO, or the persist timer if the window is
 * zero, or stops both if nothing is out (RFC6298-09). */
void timers_rearm(const struct tcp_env *env, struct tcb *t, weir_time now);

/* When RACK wants to look at the scoreboard again, WEIR_NEVER if there is nothing to wait for:
 * takes the place of the retransmission timer until then (RFC8985-10, -17). */
void timers_look_again(struct tcb *t, weir_time at);

/* New data went out: the tail loss probe is due later, or is due at all (RFC8985-13). */
void timers_probe(const struct tcp_env *env, struct tcb *t, weir_time now);

/* The window changed and nothing was acknowledged: probes begin or end. */
void timers_window(const struct tcp_env *env, struct tcb *t, weir_time now);

/* Sets the keep-alive timer from the time that the peer was last heard. */
void timers_keepalive(struct tcb *t);

/* Sets the user timeout from the age of the oldest byte that waits. */
void timers_user(const struct tcp_env *env, struct tcb *t);

/* Output left something to send behind although nothing is in flight that an ACK would come for:
 * the override timer sees to it (RFC9293-X-11). */
void timers_override(const struct tcp_env *env, struct tcb *t, weir_time now);

#endif
