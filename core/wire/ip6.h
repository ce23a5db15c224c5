/*
 * ip6.h: the IPv6 header and the walk over its extension headers (RFC 8200).
 */
#ifndef WEIR_WIRE_IP6_H
#define WEIR_WIRE_IP6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP6_HDR_LEN 40u

enum ip6_result {
	IP6_OK,
	IP6_MALFORMED,    /* version or lengths are wrong: dropped without an answer */
	IP6_UNKNOWN_NEXT, /* a next header that is not known: parameter problem, code 1 */
	IP6_UNKNOWN_OPT,  /* an option that asks for an answer: parameter problem, code 2 */
	IP6_UNKNOWN_DROP, /* an option that asks to be dropped in silence */
	IP6_ROUTED,       /* a routing header with segments left: parameter problem, code 0 */
};

struct ip6_hdr {
	uint8_t src[16], dst[16];
	uint32_t flow_label;  /* 20 bits */
	uint16_t payload_len; /* bytes after the fixed header */
	uint8_t tclass;       /* DSCP << 2 | ECN */
	uint8_t hop_limit;
	uint8_t next;       /* of the fixed header; what emit writes */
	uint8_t proto;      /* upper-layer protocol at the chain's end */
	uint16_t upper_off; /* bytes from the fixed header's start to the upper layer */
	uint16_t frag_off;  /* bytes; valid if fragment */
	bool fragment;      /* a fragment header is there and it is not atomic (RFC 6946) */
	bool more_frags;
	uint16_t problem_off; /* for UNKNOWN_* and ROUTED: offset of the field at fault */
};

/* Reads a header and walks hop-by-hop (only in the first place, RFC 8200 4: elsewhere it is a next
 * header that is not known), destination, routing and fragment headers, at most eight (MALFORMED
 * beyond). No next header (59) gives proto 59. A fragment that is not atomic ends the walk: proto
 * and upper_off are then those of the piece. */
enum ip6_result ip6_parse(struct ip6_hdr *out, const uint8_t *bytes, size_t len);

/* The same for a header quoted in an ICMPv6 error: payload_len is not compared with `len`. */
enum ip6_result ip6_parse_quoted(struct ip6_hdr *out, const uint8_t *bytes, size_t len);

/* Writes IP6_HDR_LEN bytes. */
void ip6_emit(uint8_t *bytes, const struct ip6_hdr *h);

static inline bool ip6_is_multicast(const uint8_t a[16])
{
	return a[0] == 0xff;
}

/* May it be the source of a packet? Not ::, not ::1, not multicast, not ::ffff:0:0/96. */
bool ip6_source_ok(const uint8_t a[16]);

#endif
