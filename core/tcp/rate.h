/*
 * rate.h: at which rate what was sent arrives (draft-ietf-ccwg-bbr 4.1, delivery rate sampling).
 */
#ifndef WEIR_TCP_RATE_H
#define WEIR_TCP_RATE_H

#include "tcp/board.h"
#include "tcp/tcb.h"

/* What is known when `bytes` go out while `pipe` bytes are in the network. */
void rate_stamp(struct tcb *t, uint32_t pipe, uint32_t bytes, weir_time now, struct send_stamp *s);

/* An ACK delivered what `n` tells: fills in the rate fields and round_start of `a`. */
void rate_ack(struct rate *r, const struct board_news *n, struct cc_ack *a);

/* Nothing goes out although cwnd would take more: the user has nothing. */
void rate_app_limited(struct tcb *t);

#endif
