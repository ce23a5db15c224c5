/*
 * ip4.h: the IPv4 header (RFC 791). Pure: bytes to meaning and back.
 */
#ifndef WEIR_WIRE_IP4_H
#define WEIR_WIRE_IP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/be.h"
#include "wire/checksum.h"

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
static inline int ip4_parse(struct ip4_hdr *out, const uint8_t *bytes, size_t len);

/* Reads a header quoted in an ICMP error: version and header length are checked, but neither the
 * checksum nor total_len, since the quote is cut short and may have been changed on its way. */
int ip4_parse_quoted(struct ip4_hdr *out, const uint8_t *bytes, size_t len);

/* Writes IP4_HDR_LEN bytes without options, with checksum; hdr_len is taken as 20. */
static inline void ip4_emit(uint8_t *bytes, const struct ip4_hdr *h);

/* What an address is. */
static inline bool ip4_is_multicast(const uint8_t a[4])
{
	return a[0] >= 224 && a[0] <= 239;
}

/* May it be the source of a packet? Not 0/8, not 127/8, not multicast, not class E or broadcast
 * (RFC 1122 3.2.1.3). */
static inline bool ip4_source_ok(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

/* --- Inlines: every packet of IPv4 is read and written by these ------------------------------- */

#define IP4_PLAIN    0x45u /* the first byte of a header without options */
#define IP4_FLAG_DF  0x4000u
#define IP4_FLAG_MF  0x2000u
#define IP4_FRAG_OFF 0x1fffu /* units of 8 bytes */

static inline void ip4_read_fields(struct ip4_hdr *out, const uint8_t *bytes)
{
	uint16_t frag = be16_get(bytes + 6);

	out->hdr_len = (uint8_t)((bytes[0] & 15u) * 4u);
	out->tos = bytes[1];
	out->total_len = be16_get(bytes + 2);
	out->id = be16_get(bytes + 4);
	out->frag_off = (uint16_t)((frag & IP4_FRAG_OFF) * 8u);
	out->dont_frag = frag & IP4_FLAG_DF;
	out->more_frags = frag & IP4_FLAG_MF;
	out->ttl = bytes[8];
	out->proto = bytes[9];
	memcpy(out->src, bytes + 12, 4);
	memcpy(out->dst, bytes + 16, 4);
}

/* ip4_parse() of any header, also one with options. */
int ip4_parse_any(struct ip4_hdr *out, const uint8_t *bytes, size_t len);

static inline bool ip4_is_plain(const uint8_t *bytes, size_t len)
{
	return len >= IP4_HDR_LEN && bytes[0] == IP4_PLAIN;
}

/* ip4_parse() of what ip4_is_plain(). */
static inline int ip4_parse_plain(struct ip4_hdr *out, const uint8_t *bytes, size_t len)
{
	ip4_read_fields(out, bytes);
	out->hdr_len = IP4_HDR_LEN;
	if (out->total_len < IP4_HDR_LEN || out->total_len > len)
		return -1;
	return csum_good(csum_add20(0, bytes)) ? 0 : -1;
}

static inline int ip4_parse(struct ip4_hdr *out, const uint8_t *bytes, size_t len)
{
	return ip4_is_plain(bytes, len) ? ip4_parse_plain(out, bytes, len)
					: ip4_parse_any(out, bytes, len);
}

static inline void ip4_emit(uint8_t *bytes, const struct ip4_hdr *h)
{
	uint16_t frag = h->frag_off / 8u;
	uint16_t sum;

	if (h->dont_frag)
		frag |= IP4_FLAG_DF;
	if (h->more_frags)
		frag |= IP4_FLAG_MF;
	bytes[0] = IP4_PLAIN;
	bytes[1] = h->tos;
	be16_put(bytes + 2, h->total_len);
	be16_put(bytes + 4, h->id);
	be16_put(bytes + 6, frag);
	bytes[8] = h->ttl;
	bytes[9] = h->proto;
	be16_put(bytes + 10, 0);
	memcpy(bytes + 12, h->src, 4);
	memcpy(bytes + 16, h->dst, 4);
	sum = csum_finish(csum_add20(0, bytes));
	memcpy(bytes + 10, &sum, 2);
}

#endif
