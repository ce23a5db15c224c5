/*
 * icmp.h: ICMP errors as routers inside the path send them, and forgers too.
 */
#ifndef WEIR_SIM_ICMP_H
#define WEIR_SIM_ICMP_H

#include "sim/frame.h"

/* What an error says. The kinds a TCP may only note come first (RFC 9293 MUST-56), then those that
 * may end an attempt (SHLD-26), then the path's MTU (RFC 1191, RFC 8201). */
enum sim_icmp_kind {
	SIM_ICMP_NET,
	SIM_ICMP_HOST,
	SIM_ICMP_TIME,
	SIM_ICMP_PARAM,
	SIM_ICMP_SOFT_COUNT,
	SIM_ICMP_PROTO = SIM_ICMP_SOFT_COUNT,
	SIM_ICMP_PORT,
	SIM_ICMP_ADMIN,
	SIM_ICMP_COUNT,
	SIM_ICMP_TOO_BIG = SIM_ICMP_COUNT,
};

/* Who sends it. */
enum sim_icmp_from { SIM_ICMP_FROM_ROUTER, SIM_ICMP_FROM_END };

/* An error that quotes a frame's headers, to its sender. `pk` is what sim_packet_read() made of the
 * frame, TCP; `mtu` is for SIM_ICMP_TOO_BIG, bytes. */
struct sim_frame *sim_icmp_make(const struct sim_frame *quoted, const struct sim_packet *pk,
				enum sim_icmp_kind kind, uint32_t mtu, enum sim_icmp_from from);

/* Is the packet an ICMP error that quotes a TCP segment? Its ends, as the quote has them. */
bool sim_icmp_quoted(const struct sim_packet *pk, struct weir_endpoint *src,
		     struct weir_endpoint *dst);

#endif
