/*
 * peerstate.h: the state of the peer as the segments of both directions imply it.
 *
 * weir sees its own state; of the other end it sees only segments. This module follows them with a
 * small state machine and names the state which the peer is in if what we sent arrives. It is an
 * inference: a segment of the peer that contradicts it corrects it, and nothing but text is ever
 * made from it.
 */
#ifndef WEIR_SINK_PEERSTATE_H
#define WEIR_SINK_PEERSTATE_H

#include "weir/trace.h"

struct peerstate {
	uint8_t state;     /* 0: the peer has not spoken; else enum weir_state + 1 */
	bool our_syn_sent; /* one without ACK: we opened, or both did */
	bool our_fin_sent;
	bool peer_fin_seen;
	bool peer_fin_acked;  /* we sent an ACK that covers the peer's FIN */
	uint32_t our_fin_end; /* the number after our FIN */
	uint32_t peer_fin_end;
};

void peerstate_init(struct peerstate *p);

/* Follows one record. Records that are no TCP segment, and segments from which nothing about the
 * peer follows (a wrong checksum, an old duplicate, a reset that was not believed), change
 * nothing. */
void peerstate_step(struct peerstate *p, const struct weir_trace_record *r);

/* "SYN-SENT", or "?" while nothing is known. */
const char *peerstate_name(uint8_t state);

#endif
