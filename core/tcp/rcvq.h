/*
 * rcvq.h: the bytes received: those in order that the user has not taken, and those above a gap.
 */
#ifndef WEIR_TCP_RCVQ_H
#define WEIR_TCP_RCVQ_H

#include "tcp/tcb.h"

void rcvq_init(struct rcvq *q);

/* Bytes in order, ready to be read. */
static inline uint32_t rcvq_readable(const struct tcb *t)
{
	return (uint32_t)(t->rcvq.nxt - t->rcvq.q.head);
}

/* Sequence number of the next byte to read. The peer's FIN counts in RCV.NXT but is no byte. */
static inline seq_t rcvq_next(const struct tcb *t)
{
	return seq_sub(t->rcv.nxt, rcvq_readable(t) + t->rcv.fin_done);
}

/* Puts a segment's payload, trimmed to the window, where it belongs and moves RCV.NXT over all that
 * is in order now. Returns the verdict: ACCEPTED, OUT_OF_ORDER, DUPLICATE, NO_PAGES, REASM_FULL;
 * *in_order gets the bytes that became readable. */
enum weir_counter rcvq_put(struct tcb *t, struct tcp_env *env, seq_t seq, const uint8_t *bytes,
			   uint32_t len, uint32_t *in_order);

/* The first part of the payload [seq, seq + len), not left of RCV.NXT, that is held already:
 * [*lo, *hi). False: none of it. */
bool rcvq_has(const struct tcb *t, const struct tcp_env *env, seq_t seq, uint32_t len, seq_t *lo,
	      seq_t *hi);

/* What can be read as pieces; returns how many, *bytes their sum. */
size_t rcvq_peek(const struct tcb *t, const struct tcp_env *env, struct pageq_piece *out,
		 size_t max, size_t *bytes);

/* The user has taken `len` bytes. */
void rcvq_consume(struct tcb *t, struct tcp_env *env, uint32_t len);

void rcvq_clear(struct tcb *t, struct tcp_env *env);

/* Sequence number of a stream offset, for SACK blocks. */
static inline seq_t rcvq_seq(const struct tcb *t, uint64_t offset)
{
	return seq_add(t->rcv.nxt, (uint32_t)(offset - t->rcvq.nxt));
}

#endif
