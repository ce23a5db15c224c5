/*
 * packet.h: an IP packet as fields, and back to bytes.
 *
 * The harness has a codec of its own, so that a mistake in the engine's codec cannot hide behind
 * itself: headers are laid out here from the RFCs (791, 8200, 9293, 792, 4443), and the checksum is
 * the plain loop of RFC 1071.
 */
#ifndef PKT_PACKET_H
#define PKT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65600u

#define PACKET_TCP   6u
#define PACKET_ICMP  1u
#define PACKET_ICMP6 58u
#define PACKET_UDP   17u

#define FLAG_FIN 0x01u
#define FLAG_SYN 0x02u
#define FLAG_RST 0x04u
#define FLAG_PSH 0x08u
#define FLAG_ACK 0x10u
#define FLAG_URG 0x20u
#define FLAG_ECE 0x40u
#define FLAG_CWR 0x80u
#define FLAG_AE  0x100u /* the reserved bit next to them (RFC 9768) */

/* Deliberate damage, for packets that go in. */
#define HURT_CHECKSUM    1u /* the TCP checksum is wrong */
#define HURT_IP_CHECKSUM 2u /* the IPv4 header checksum is wrong */

struct packet {
	int family; /* 4 or 6 */
	uint8_t src[16], dst[16];
	uint8_t proto, ttl, tos;
	bool df;
	/* TCP; seq and ack are absolute */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint16_t flags;
	uint8_t reserved; /* without AE */
	uint8_t doff;     /* words; 0 when writing: as needed */
	uint16_t wnd, urgent;
	uint8_t opt[64];
	size_t opt_len; /* bytes; padded with 0 when writing */
	const uint8_t *payload;
	size_t payload_len;
	/* ICMP */
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_rest;
	/* the quoted packet is the payload */
	uint8_t ip_opt[40]; /* IPv4 options when writing, a multiple of 4 */
	size_t ip_opt_len;
	unsigned hurt; /* HURT_* */
};

/* Writes the packet; the number of bytes. `size` must be PACKET_MAX at least. */
size_t packet_write(const struct packet *p, uint8_t *bytes);

/* Reads a packet whole and checks it: lengths and checksums. NULL, or what is wrong with it. The
 * payload points into `bytes`. */
const char *packet_read(struct packet *p, const uint8_t *bytes, size_t len);

/* The complement of the sum of `len` bytes, host order. */
uint16_t packet_checksum(const uint8_t *bytes, size_t len);

#endif
