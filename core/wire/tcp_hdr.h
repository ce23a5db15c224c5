/*
 * tcp_hdr.h: the TCP header (RFC 9293 3.1) and the segment that all of core/tcp works on.
 */
#ifndef WEIR_WIRE_TCP_HDR_H
#define WEIR_WIRE_TCP_HDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/be.h"
#include "base/seq.h"
#include "wire/checksum.h"
#include "wire/tcp_opt.h"

#define TCP_HDR_LEN 20u
#define TCP_HDR_MAX 60u

#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u
#define TCP_ECE 0x40u
#define TCP_CWR 0x80u
#define TCP_AE  0x01u /* of the byte before the flags (RFC 9768 3.1.1) */

/* A segment as meaning, in host order. Made once from bytes; nobody reads raw bytes after that. */
struct tcp_seg {
	seq_t seq, ack;
	uint32_t len;    /* payload bytes */
	uint16_t wnd;    /* the header's field, not scaled */
	uint16_t urgent; /* the header's field */
	uint16_t src_port, dst_port;
	uint16_t gso_size; /* payload of each segment that was merged into this one; 0: one segment
			    */
	uint8_t flags;     /* TCP_*, without AE */
	uint8_t hdr_len;   /* bytes, 20 to 60 */
	bool ae;           /* TCP_AE */
	uint8_t ip_ecn;    /* the ECN field of its packet, set by who read that; 0 otherwise */
	struct tcp_opts opts;
	const uint8_t *payload; /* `len` bytes */
};

/* SEG.LEN of RFC 9293: payload, and one for each of SYN and FIN. */
static inline uint32_t tcp_seg_len(const struct tcp_seg *s)
{
	return s->len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
}

/* Sets the three flags of ECN in a header that has none of them; returns what the sum grows by.
 */
static inline uint64_t tcp_hdr_put_ace(uint8_t *tcp, unsigned ace)
{
	const uint8_t more[4] = {(uint8_t)(ace >> 2), (uint8_t)((ace & 3) << 6)};

	tcp[12] |= more[0];
	tcp[13] |= more[1];
	return csum_load32(more);
}

/* The three flags of ECN as one number, AE its highest bit (RFC 9768 3.2.2). */
static inline uint8_t tcp_ace(const struct tcp_seg *s)
{
	return (uint8_t)(s->ae << 2 | s->flags >> 6);
}

static inline void tcp_set_ace(struct tcp_seg *s, unsigned ace)
{
	s->flags = (uint8_t)((s->flags & ~(TCP_ECE | TCP_CWR)) | (ace & 3) << 6);
	s->ae = ace >> 2 & 1;
}

/* Reads a segment of `len` bytes. The checksum is the caller's business. 0; -1: data offset or an
 * option length is wrong (RFC9293-MUST-7, X-16). Reserved bits are ignored. */
static inline int tcp_parse(struct tcp_seg *out, const uint8_t *bytes, size_t len);

/* Reads ports and sequence number from the first 8 bytes, all that an ICMP error must quote.
 * 0; -1: fewer than 8 bytes. */
int tcp_parse_quoted(struct tcp_seg *out, const uint8_t *bytes, size_t len);

/* Writes the header with options in the order `order`, checksum field 0; returns its length, a
 * multiple of 4, at most TCP_HDR_MAX. `payload` and `len` are not looked at. */
size_t tcp_emit(uint8_t *bytes, const struct tcp_seg *s, enum tcp_opt_order order);

/* Where the checksum field is. */
#define TCP_CSUM_OFFSET 16u

/* --- Inlines: every segment is read by these -------------------------------------------------- */

/* The part of a segment that every reader gives. */
static inline void tcp_read_quoted(struct tcp_seg *out, const uint8_t *bytes)
{
	out->src_port = be16_get(bytes);
	out->dst_port = be16_get(bytes + 2);
	out->seq = seq_make(be32_get(bytes + 4));
}

static inline int tcp_parse(struct tcp_seg *out, const uint8_t *bytes, size_t len)
{
	size_t hdr_len;

	if (len < TCP_HDR_LEN)
		return -1;
	hdr_len = (bytes[12] >> 4) * 4u;
	if (hdr_len < TCP_HDR_LEN || hdr_len > len)
		return -1;
	tcp_read_quoted(out, bytes);
	out->ack = seq_make(be32_get(bytes + 8));
	out->hdr_len = (uint8_t)hdr_len;
	out->flags = bytes[13];
	out->ae = bytes[12] & TCP_AE;
	out->ip_ecn = 0;
	out->wnd = be16_get(bytes + 14);
	out->urgent = be16_get(bytes + 18);
	out->gso_size = 0;
	out->payload = bytes + hdr_len;
	out->len = (uint32_t)(len - hdr_len);
	return tcp_opt_parse(&out->opts, bytes + TCP_HDR_LEN, hdr_len - TCP_HDR_LEN);
}

#endif
