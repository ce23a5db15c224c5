/*
 * icmp.h: ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443) messages.
 */
#ifndef WEIR_WIRE_ICMP_H
#define WEIR_WIRE_ICMP_H

#include <stddef.h>
#include <stdint.h>

#define ICMP_HDR_LEN 8u

/* Types of ICMP, then of ICMPv6. */
#define ICMP_ECHO_REPLY       0u
#define ICMP_UNREACH          3u
#define ICMP_SOURCE_QUENCH    4u
#define ICMP_ECHO_REQUEST     8u
#define ICMP_TIME_EXCEEDED    11u
#define ICMP_PARAM_PROBLEM    12u
#define ICMP_UNREACH_NET      0u
#define ICMP_UNREACH_HOST     1u
#define ICMP_UNREACH_PROTO    2u
#define ICMP_UNREACH_PORT     3u
#define ICMP_UNREACH_NEEDFRAG 4u
#define ICMP_UNREACH_ADMIN    13u
#define ICMP_TIME_REASSEMBLY  1u /* for IPv6, too */
#define ICMP6_UNREACH         1u
#define ICMP6_TOO_BIG         2u
#define ICMP6_TIME_EXCEEDED   3u
#define ICMP6_PARAM_PROBLEM   4u
#define ICMP6_ECHO_REQUEST    128u
#define ICMP6_ECHO_REPLY      129u
#define ICMP6_UNREACH_NOROUTE 0u
#define ICMP6_UNREACH_ADMIN   1u
#define ICMP6_UNREACH_ADDR    3u
#define ICMP6_UNREACH_PORT    4u

struct icmp_msg {
	uint8_t type, code;
	uint32_t rest; /* the header's last four bytes, host order: MTU (all of it in v6, the low
			* 16 bits in v4), pointer, or identifier << 16 | sequence */
	const uint8_t *body; /* after the 8 bytes: the quoted packet, or echo data */
	size_t body_len;
};

/* Reads a message and checks its checksum; for v6 `src` and `dst` are the 16-byte addresses of the
 * pseudo-header. 0; -1: malformed. */
int icmp4_parse(struct icmp_msg *out, const uint8_t *bytes, size_t len);
int icmp6_parse(struct icmp_msg *out, const uint8_t *bytes, size_t len, const uint8_t *src,
		const uint8_t *dst);

/* Writes the 8-byte header and the body at m->body behind it; returns 8 + body_len. */
size_t icmp4_emit(uint8_t *bytes, const struct icmp_msg *m);
size_t icmp6_emit(uint8_t *bytes, const struct icmp_msg *m, const uint8_t *src, const uint8_t *dst);

#endif
