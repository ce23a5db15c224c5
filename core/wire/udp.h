/*
 * udp.h: the UDP header (RFC 768).
 */
#ifndef WEIR_WIRE_UDP_H
#define WEIR_WIRE_UDP_H

#include <stddef.h>
#include <stdint.h>

#define UDP_HDR_LEN 8u

struct udp_hdr {
	uint16_t src_port, dst_port;
	uint16_t len; /* bytes, header included */
};

/* Reads a header; `len` bytes are there. 0; -1: malformed (length below 8 or beyond `len`). */
int udp_parse(struct udp_hdr *out, const uint8_t *bytes, size_t len);

#endif
