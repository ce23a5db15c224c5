/*
 * recovery.h: which segment is sent again, and when: fast retransmit and fast recovery of NewReno
 * (RFC 5681 3.2, RFC 6582), limited transmit (RFC 3042).
 */
#ifndef WEIR_TCP_RECOVERY_H
#define WEIR_TCP_RECOVERY_H

#include "tcp/tcb.h"

void recovery_init(struct recovery *r, seq_t iss);

/* A duplicate ACK came (RFC5681-02). */
void recovery_duplicate(struct tcb *t, struct tcp_env *env, const struct tcp_seg *seg);

/* An ACK moved SND.UNA by `acked` bytes; SND.UNA is the new one already. Returns whether recovery
 * goes on, in which case congestion control does not grow. */
enum recovery_state { RECOVERY_OFF, RECOVERY_ON };
enum recovery_state recovery_acked(struct tcb *t, uint32_t acked);

/* The retransmission timer expired: everything from SND.UNA on is sent again as the window opens.
 */
void recovery_timeout(struct tcb *t);

/* Everything from SND.UNA on is to be sent again, because of `why`. */
void recovery_again(struct tcb *t, enum weir_counter why);

/* Bytes that may be in flight, as far as congestion allows. */
uint32_t recovery_window(const struct tcb *t);

#endif
