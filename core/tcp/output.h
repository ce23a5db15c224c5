/*
 * output.h: which segment a connection sends next. A pure decision over windows, congestion, Nagle
 * and recovery, made without looking at a byte; core/tcp/emit.h writes the headers.
 */
#ifndef WEIR_TCP_OUTPUT_H
#define WEIR_TCP_OUTPUT_H

#include "tcp/tcb.h"

struct tcp_plan {
	enum weir_counter why; /* a SENT_, RETX_ or PROBE_ row */
	seq_t seq;
	uint32_t len;      /* payload bytes */
	uint16_t gso_size; /* payload of each segment when it is several; 0: one */
	uint8_t flags;     /* TCP_* */
	bool ect;          /* its packet may be marked (RFC3168-05) */
	bool accecn;       /* an Accurate ECN option goes with it */
};

/* The next segment at `now`, if there is one to send. `gso_max`: most payload of a super-segment,
 * 0 if the link cuts none up. */
bool tcp_plan_next(const struct tcp_env *env, struct tcb *t, uint32_t gso_max, weir_time now,
		   struct tcp_plan *out);

/* The planned segment leaves: moves SND.NXT, timers, what is owed. */
void tcp_plan_sent(struct tcp_env *env, struct tcb *t, const struct tcp_plan *p, weir_time now);

#endif
