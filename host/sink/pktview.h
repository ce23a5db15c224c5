/*
 * pktview.h: what a sink needs to know of a packet's bytes: where its headers end, and who sent it.
 *
 * The packet may be cut short or malformed in any way; what cannot be read is left 0.
 */
#ifndef WEIR_SINK_PKTVIEW_H
#define WEIR_SINK_PKTVIEW_H

#include "weir/trace.h"

#define PKTVIEW_ICMP  1u
#define PKTVIEW_TCP   6u
#define PKTVIEW_UDP   17u
#define PKTVIEW_ICMP6 58u

struct pktview {
	struct weir_addr src, dst;   /* family 0: no IP header that can be read */
	uint16_t src_port, dst_port; /* TCP, UDP */
	uint8_t protocol;            /* of the upper layer; 0: cannot be told */
	uint8_t icmp_type, icmp_code;
	bool fragment;   /* a fragment that is not the first: there is no upper-layer header */
	size_t l4;       /* bytes before the upper-layer header */
	size_t head_len; /* bytes of all headers (an ICMP error: and of what it quotes) */
};

/* Reads the first `len` bytes of a packet. */
void pktview_read(struct pktview *v, const uint8_t *p, size_t len);

#endif
