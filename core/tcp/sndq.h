/*
 * sndq.h: the bytes to send, from SND.UNA on, sent or not, and the FIN behind them.
 */
#ifndef WEIR_TCP_SNDQ_H
#define WEIR_TCP_SNDQ_H

#include "tcp/tcb.h"

void sndq_init(struct sndq *q, seq_t first);

/* One past the last byte queued: the FIN's sequence number when there is one. */
static inline seq_t sndq_end(const struct sndq *q)
{
	return seq_add(q->head, q->len);
}

/* Bytes that may be queued, those that are out included: grows with cwnd up to user.sndbuf, unless
 * the user has set that. */
uint32_t sndq_limit(const struct tcb *t);

/* Bytes that may still be queued. */
uint32_t sndq_room(const struct tcb *t);

/* Copies up to `len` bytes; returns how many found room. */
size_t sndq_append(struct tcb *t, struct tcp_env *env, const uint8_t *bytes, size_t len);

/* Up to `want` writable bytes at the end, as up to `max` pieces; returns how many pieces. */
size_t sndq_reserve(struct tcb *t, struct tcp_env *env, size_t want, struct pageq_piece *out,
		    size_t max);
/* Queues `len` of the bytes reserved; 0 gives the reservation back. false: they are not there. */
bool sndq_commit(struct tcb *t, struct tcp_env *env, size_t len);

/* Everything below `una` is acknowledged: gives it back. */
void sndq_acked(struct tcb *t, struct tcp_env *env, seq_t una);

/* The payload [seq, seq + len) as pieces. */
size_t sndq_pieces(const struct tcb *t, const struct tcp_env *env, seq_t seq, uint32_t len,
		   struct pageq_piece *out, size_t max);

#endif
