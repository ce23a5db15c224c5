/*
 * ackgen.h: when an ACK is sent (RFC 9293 3.8.6.3, RFC 5681 4.2, RFC 5961).
 */
#ifndef WEIR_TCP_ACKGEN_H
#define WEIR_TCP_ACKGEN_H

#include "tcp/tcb.h"

enum ackgen_place { ACKGEN_IN_ORDER, ACKGEN_FILLS_GAP };

/* An ACK is due at once, because of `why`. */
static inline void ackgen_now(struct tcb *t, enum weir_counter why)
{
	if (!t->ackgen.now)
		t->ackgen.why = why;
	t->ackgen.now = true;
}

/* `len` bytes arrived in order in segments of `seg` bytes. */
void ackgen_data(struct tcb *t, const struct tcp_env *env, uint32_t len, uint32_t seg,
		 enum ackgen_place place, weir_time now);

/* A segment that cannot be taken now asks for a duplicate ACK. */
void ackgen_duplicate(struct tcb *t);

/* [lo, hi) has come before. The next ACK says so in its first SACK block, and only that one
 * (RFC2883-01). */
void ackgen_again(struct tcb *t, seq_t lo, seq_t hi);

/* A segment outside the window that carries nothing: answered, but not too often. */
void ackgen_unacceptable(struct tcb *t, const struct tcp_env *env, weir_time now);

/* A challenge ACK, throttled for each connection (RFC5961-09, -11). */
void ackgen_challenge(struct tcb *t, struct tcp_env *env, weir_time now);

/* A segment with the present ACK leaves. */
void ackgen_sent(struct tcb *t);

#endif
