/*
 * ip_in.h: a packet of either family becomes one struct; what is wrong with it, a verdict.
 */
#ifndef WEIR_NET_IP_IN_H
#define WEIR_NET_IP_IN_H

#include <stdbool.h>

#include "weir/weir.h"

struct ip_packet {
	struct weir_addr src, dst;
	const uint8_t *head;    /* the whole packet */
	const uint8_t *payload; /* of the upper layer */
	size_t head_len;        /* bytes of the whole packet, without padding */
	size_t len;             /* bytes at payload */
	uint8_t proto;
	uint8_t tos;
	uint8_t problem_code; /* of an ICMPv6 parameter problem, if problem_off != 0 */
	uint32_t problem_off; /* the pointer it carries */
	uint32_t frag_id;     /* of a fragment, which is the payload; its place in the packet: */
	uint16_t frag_off;    /* bytes */
	bool more_frags;
};

/* ACCEPTED, IP_MALFORMED, IP_BAD_SOURCE, IP_FRAGMENT or IP6_HEADER (then problem_off may ask for
 * an answer). Whether the packet is for us is the caller's question. */
enum weir_counter ip_in(struct ip_packet *out, const uint8_t *bytes, size_t len);

/* A header quoted in an ICMP error: fills addresses, proto and payload. 0; -1: not usable. */
int ip_in_quoted(struct ip_packet *out, uint8_t family, const uint8_t *bytes, size_t len);

#endif
