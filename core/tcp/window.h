/*
 * window.h: the receive window: what is offered, and when its right edge moves (RFC 9293 3.8.6).
 */
#ifndef WEIR_TCP_WINDOW_H
#define WEIR_TCP_WINDOW_H

#include "tcp/tcb.h"

/* The shift to offer for a receive buffer of `rcvbuf` bytes (RFC 7323 2.3). */
uint8_t window_shift(uint32_t rcvbuf);

/* What a SYN offers: that, or config.wscale_min if it is larger; 0 without window scaling. */
uint8_t window_shift_offer(const struct weir_config *cfg, uint32_t rcvbuf);

/* The window to offer on a SYN, not scaled. */
uint16_t window_syn(uint32_t rcvbuf);

/* Bytes to offer at first on a connection with segments of `mss`. */
uint32_t window_first(const struct weir_config *cfg, uint32_t rcvbuf, uint32_t mss);

/* The field for a segment that leaves now; moves the right edge by the rule of MUST-39, never to
 * the left (SHLD-14). */
uint16_t window_field(struct tcb *t, const struct tcp_env *env, weir_time now);

/* The user took bytes: lets the buffer grow, and asks for a window update when the edge can
 * move far enough to be worth a segment of its own. */
void window_consumed(struct tcb *t, const struct tcp_env *env, weir_time now);

#endif
