/*
 * pace.h: when the next data may go out, so that a window leaves spread over its round trip.
 */
#ifndef WEIR_TCP_PACE_H
#define WEIR_TCP_PACE_H

#include "tcp/tcb.h"

/* May data go out now? If not, timers_next() tells when it may. */
bool pace_ready(const struct tcp_env *env, struct tcb *t, weir_time now);

/* The most that may go out as one packet (a super-segment), no less than a segment. */
uint32_t pace_burst(const struct tcp_env *env, const struct tcb *t, uint32_t gso_max);

/* Nothing goes out for `delay_ns`, whatever the rate. */
void pace_hold(struct tcb *t, uint64_t delay_ns, weir_time now);

/* `bytes` of data went out. */
void pace_sent(const struct tcp_env *env, struct tcb *t, uint32_t bytes, weir_time now);

/* Bytes a second at present; 0: not paced. */
uint64_t pace_rate(const struct tcp_env *env, const struct tcb *t);

#endif
