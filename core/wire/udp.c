/*
 * udp.c: the UDP header.
 *
 * Theory of operation
 *
 * weir carries no UDP yet: a datagram is looked at only so far as to answer it with port
 * unreachable (RFC 1122 4.1.3.1) and to show it in a trace. So the header is read, its length held
 * against the bytes that are there, and nothing is written. The checksum is not checked, since no
 * byte of the datagram is delivered to anyone.
 *
 * A length of zero, which RFC 2675 allows for jumbograms, is malformed: jumbograms do not occur on
 * links of at most 65,535 bytes.
 *
 * State: none. RFC 768.
 */
#include "wire/udp.h"

#include "base/be.h"

int udp_parse(struct udp_hdr *out, const uint8_t *bytes, size_t len)
{
	if (len < UDP_HDR_LEN)
		return -1;
	out->src_port = be16_get(bytes);
	out->dst_port = be16_get(bytes + 2);
	out->len = be16_get(bytes + 4);
	return out->len < UDP_HDR_LEN || out->len > len ? -1 : 0;
}
