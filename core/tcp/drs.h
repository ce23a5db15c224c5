/*
 * drs.h: how much receive buffer a connection needs, by the bandwidth-delay product that the
 * receiver itself measures (Dynamic Right-Sizing; Fisk and Feng, 2001).
 *
 * It decides rcv.space and nothing else: what of it is offered, and when, is window.h's business.
 */
#ifndef WEIR_TCP_DRS_H
#define WEIR_TCP_DRS_H

#include "tcp/input.h"
#include "tcp/tcb.h"

/* The handshake is over: rcv.space begins small, with segments of `seg` bytes, or is what the user
 * has set. */
void drs_init(struct tcb *t, const struct tcp_env *env, uint32_t seg);

/* Bytes came, in order or above a gap: perhaps they tell the round trip as the receiver sees it. */
void drs_arrived(const struct tcp_in *in);

/* The right edge has moved: data that reaches it cannot come sooner than a round trip later. */
void drs_offered(struct tcb *t, weir_time now);

/* The user took bytes: once a round trip rcv.space is weighed anew. */
void drs_taken(struct tcb *t, const struct tcp_env *env, weir_time now);

/* The user has set user.rcvbuf: that it is, from now on. */
void drs_fixed(struct tcb *t);

/* Are pages so short that no window may grow? */
static inline bool drs_pages_short(const struct tcp_env *env)
{
	return env->pages.count - env->pages.used < env->pages.count / 8;
}

#endif
