/*
 * tap.h: what the two halves of the wire's oracle share: tap.c judges what is sent, heard.c notes
 * what arrives.
 */
#ifndef WEIR_SIM_TAP_H
#define WEIR_SIM_TAP_H

#include "sim/frame.h"
#include "sim/oracle.h"

/* The window that a segment offers, scaled as the two lives have agreed. */
static inline uint32_t sim_wire_window(const struct sim_wire_end *sender,
				       const struct sim_wire_end *other, const struct tcp_seg *seg)
{
	if (seg->flags & TCP_SYN || !sender->has_wscale || !other->has_wscale)
		return seg->wnd;
	return (uint32_t)seg->wnd << sender->wscale;
}

/* One past what has come in of the peer's sequence space without a gap, from its ISN on; valid if
 * !heard_all. */
uint32_t sim_heard_edge(const struct sim_wire_end *me);

/* A life that begins with an answer has heard the peer's SYN before. */
void sim_heard_syn(struct sim_wire_end *me);

#endif
