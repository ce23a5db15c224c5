/*
 * ip4.h: the IPv4 header (RFC 791). Pure: bytes to meaning and back.
 */
#ifndef WEIR_WIRE_IP4_H
#define WEIR_WIRE_IP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_PROTO_ICMP  1u
#define IP_PROTO_TCP   6u
#define IP_PROTO_UDP   17u
#define IP_PROTO_ICMP6 58u

#define IP4_HDR_LEN 20u

struct ip4_hdr {
	uint8_t src[4], dst[4];
	uint16_t total_len; /* bytes, header included */
	uint16_t id;
	uint16_t frag_off; /* bytes, a multiple of 8 */
	uint8_t hdr_len;   /* bytes, 20 to 60 */
	uint8_t tos;       /* DSCP << 2 | ECN */
	uint8_t ttl;
	uint8_t proto;
	bool dont_frag, more_frags;
};

/* Reads and checks a header: version, lengths against `len` (bytes there are; more than total_len
 * is padding), checksum. 0; -1: malformed, *out is not to be used. */
int ip4_parse(struct ip4_hdr *out, const uint8_t *bytes, size_t len);

/* Reads a header quoted in an ICMP error: version and header length are checked, but neither the
 * checksum nor total_len, since the quote is cut short and may have been changed on its way. */
int ip4_parse_quoted(struct ip4_hdr *out, const uint8_t *bytes, size_t len);

/* Writes IP4_HDR_LEN bytes without options, with checksum; hdr_len is taken as 20. */
void ip4_emit(uint8_t *bytes, const struct ip4_hdr *h);

/* What an address is. */
static inline bool ip4_is_multicast(const uint8_t a[4])
{
	return a[0] >= 224 && a[0] <= 239;
}

/* May it be the source of a packet? Not 0/8, not 127/8, not multicast, not class E or broadcast
 * (RFC 1122 3.2.1.3). */
bool ip4_source_ok(const uint8_t a[4]);

#endif
