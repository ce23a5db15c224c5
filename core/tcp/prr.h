/*
 * prr.h: proportional rate reduction (RFC 9937): how fast a recovery sends, from the window before
 * to the one that congestion control wants after it.
 */
#ifndef WEIR_TCP_PRR_H
#define WEIR_TCP_PRR_H

#include "tcp/loss_types.h"

/* A reduction begins. `flight`: RecoverFS, what was in flight less what had been SACKed. */
void prr_begin(struct prr *p, uint32_t flight);

enum prr_ack { PRR_SAFE, PRR_NOT_SAFE };

/* An ACK delivered `delivered` bytes and left `pipe` in the network; safe: it moved SND.UNA and
 * told of no further loss. Returns cwnd on the way to `target`. */
uint32_t prr_acked(struct prr *p, uint32_t delivered, enum prr_ack safe, uint32_t pipe,
		   uint32_t target, uint32_t mss);

/* `bytes` of data went out. */
static inline void prr_sent(struct prr *p, uint32_t bytes)
{
	p->out += bytes;
}

#endif
