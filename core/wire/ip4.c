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

/* 0 if version and header length are right and the header lies within `len` bytes. */
static int check_head(const uint8_t *bytes, size_t len)
{
	size_t hdr_len;

	if (len < IP4_HDR_LEN || bytes[0] >> 4 != 4)
		return -1;
	hdr_len = (bytes[0] & 15u) * 4u;
	return hdr_len < IP4_HDR_LEN || hdr_len > len ? -1 : 0;
}

int ip4_parse_any(struct ip4_hdr *out, const uint8_t *bytes, size_t len)
{
	if (check_head(bytes, len))
		return -1;
	ip4_read_fields(out, bytes);
	if (out->total_len < out->hdr_len || out->total_len > len)
		return -1;
	return csum_good(csum_add_long(0, bytes, out->hdr_len)) ? 0 : -1;
}

int ip4_parse_quoted(struct ip4_hdr *out, const uint8_t *bytes, size_t len)
{
	if (check_head(bytes, len))
		return -1;
	ip4_read_fields(out, bytes);
	return 0;
}
