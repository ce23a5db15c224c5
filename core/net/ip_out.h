/*
 * ip_out.h: writes the IP header in front of what goes out.
 */
#ifndef WEIR_NET_IP_OUT_H
#define WEIR_NET_IP_OUT_H

#include "weir/weir.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* Bytes of header of a family. */
static inline size_t ip_out_len(uint8_t family)
{
	return family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN;
}

struct ip_out {
	const struct weir_addr *src, *dst;
	uint32_t len; /* bytes after the header */
	uint16_t id;  /* IPv4 identification */
	uint8_t proto, ttl;
	uint8_t tos; /* DSCP << 2 | ECN */
};

/* Writes the header; don't-fragment is always set (RFC7323-25). Returns its length. */
size_t ip_out_write(uint8_t *bytes, const struct ip_out *o);

#endif
