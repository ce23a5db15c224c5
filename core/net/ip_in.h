/*
 * ip_in.h: a packet of either family becomes one struct; what is wrong with it, a verdict.
 */
#ifndef WEIR_NET_IP_IN_H
#define WEIR_NET_IP_IN_H

#include <stdbool.h>
#include <string.h>

#include "weir/weir.h"
#include "wire/ip4.h"

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
static inline enum weir_counter ip_in(struct ip_packet *out, const uint8_t *bytes, size_t len);

/* A header quoted in an ICMP error: fills addresses, proto and payload. 0; -1: not usable. */
int ip_in_quoted(struct ip_packet *out, uint8_t family, const uint8_t *bytes, size_t len);

/* --- Inlines: every packet comes through here ------------------------------------------------- */

/* An IPv4 address at `bytes`. */
static inline void ip_in_addr4(struct weir_addr *a, const uint8_t *bytes)
{
	*a = (struct weir_addr){.family = 4};
	memcpy(a->bytes, bytes, 4);
}

/* Field by field: to clear all of them first costs more. */
static inline enum weir_counter ip_in4_take(struct ip_packet *p, const struct ip4_hdr *h,
					    const uint8_t *bytes)
{
	ip_in_addr4(&p->src, h->src);
	ip_in_addr4(&p->dst, h->dst);
	p->head = bytes;
	p->payload = bytes + h->hdr_len;
	p->head_len = h->total_len;
	p->len = (size_t)h->total_len - h->hdr_len;
	p->proto = h->proto;
	p->tos = h->tos;
	p->problem_code = 0;
	p->problem_off = 0;
	p->frag_id = h->id;
	p->frag_off = h->frag_off;
	p->more_frags = h->more_frags;
	if (!ip4_source_ok(h->src))
		return WEIR_CTR_IP_BAD_SOURCE;
	return h->more_frags || h->frag_off ? WEIR_CTR_IP_FRAGMENT : WEIR_CTR_ACCEPTED;
}

/* Any packet, also IPv6, IPv4 with options, and what is malformed. */
enum weir_counter ip_in_any(struct ip_packet *out, const uint8_t *bytes, size_t len);

static inline enum weir_counter ip_in(struct ip_packet *out, const uint8_t *bytes, size_t len)
{
	struct ip4_hdr h;

	if (ip4_is_plain(bytes, len) && !ip4_parse_plain(&h, bytes, len))
		return ip_in4_take(out, &h, bytes);
	return ip_in_any(out, bytes, len);
}

#endif
