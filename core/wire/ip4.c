/*
 * ip4.c: the IPv4 header.
 *
 * Theory of operation
 *
 * Bytes to meaning and back; no state, no decision on what becomes of a packet. core/net calls
 * ip4_parse() once for each packet that came in and works on the struct from then on; options of
 * the IP header (RFC 791 3.1) are stepped over by hdr_len and never written.
 *
 * What is checked is what later steps rely on: the header lies within the bytes that are there,
 * and so does the packet (total_len); more bytes than that are the link's padding. The checksum is
 * checked before any other field is believed (RFC 1122 3.2.1.2).
 *
 * A header quoted in an ICMP error gets fewer checks: the quote may end after 8 bytes of the upper
 * layer (RFC 792), and routers on the way have changed TTL, DSCP and even total_len.
 *
 * Limits: 60 bytes of header, 65,535 bytes of packet.
 *
 * RFC 791, RFC 1122 3.2.1 (checks, addresses), RFC 2474 and RFC 3168 (the TOS byte).
 */
#include "wire/ip4.h"

#include <string.h>

#include "base/be.h"
#include "wire/checksum.h"

#define FLAG_DF  0x4000u
#define FLAG_MF  0x2000u
#define FRAG_OFF 0x1fffu /* units of 8 bytes */

/* 0 if version and header length are right and the header lies within `len` bytes. */
static int check_head(const uint8_t *bytes, size_t len)
{
	size_t hdr_len;

	if (len < IP4_HDR_LEN || bytes[0] >> 4 != 4)
		return -1;
	hdr_len = (bytes[0] & 15u) * 4u;
	return hdr_len < IP4_HDR_LEN || hdr_len > len ? -1 : 0;
}

static void read_fields(struct ip4_hdr *out, const uint8_t *bytes)
{
	uint16_t frag = be16_get(bytes + 6);

	out->hdr_len = (uint8_t)((bytes[0] & 15u) * 4u);
	out->tos = bytes[1];
	out->total_len = be16_get(bytes + 2);
	out->id = be16_get(bytes + 4);
	out->frag_off = (uint16_t)((frag & FRAG_OFF) * 8u);
	out->dont_frag = frag & FLAG_DF;
	out->more_frags = frag & FLAG_MF;
	out->ttl = bytes[8];
	out->proto = bytes[9];
	memcpy(out->src, bytes + 12, 4);
	memcpy(out->dst, bytes + 16, 4);
}

int ip4_parse(struct ip4_hdr *out, const uint8_t *bytes, size_t len)
{
	if (check_head(bytes, len))
		return -1;
	read_fields(out, bytes);
	if (out->total_len < out->hdr_len || out->total_len > len)
		return -1;
	if (out->hdr_len == IP4_HDR_LEN)
		return csum_good(csum_add20(0, bytes)) ? 0 : -1;
	return csum_good(csum_add(0, bytes, out->hdr_len)) ? 0 : -1;
}

int ip4_parse_quoted(struct ip4_hdr *out, const uint8_t *bytes, size_t len)
{
	if (check_head(bytes, len))
		return -1;
	read_fields(out, bytes);
	return 0;
}

void ip4_emit(uint8_t *bytes, const struct ip4_hdr *h)
{
	uint16_t frag = h->frag_off / 8u;
	uint16_t sum;

	if (h->dont_frag)
		frag |= FLAG_DF;
	if (h->more_frags)
		frag |= FLAG_MF;
	bytes[0] = 0x45;
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

bool ip4_source_ok(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}
