/*
 * tcp_hdr.h: the TCP header (RFC 9293 3.1) and the segment that all of core/tcp works on.
 */
#ifndef WEIR_WIRE_TCP_HDR_H
#define WEIR_WIRE_TCP_HDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seq.h"
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

/* A segment as meaning, in host order. Made once from bytes; nobody reads raw bytes after that. */
struct tcp_seg {
	seq_t seq, ack;
	uint32_t len;    /* payload bytes */
	uint16_t wnd;    /* the header's field, not scaled */
	uint16_t urgent; /* the header's field */
	uint16_t src_port, dst_port;
	uint16_t gso_size; /* payload of each segment that was merged into this one; 0: one segment
			    */
	uint8_t flags;     /* TCP_* */
	uint8_t hdr_len;   /* bytes, 20 to 60 */
	struct tcp_opts opts;
	const uint8_t *payload; /* `len` bytes */
};

/* SEG.LEN of RFC 9293: payload, and one for each of SYN and FIN. */
static inline uint32_t tcp_seg_len(const struct tcp_seg *s)
{
	return s->len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
}

/* Do the flags of a SYN ask for ECN (RFC3168-01)? */
static inline bool tcp_asks_ecn(uint8_t flags)
{
	return (flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
}

/* Reads a segment of `len` bytes. The checksum is the caller's business. 0; -1: data offset or an
 * option length is wrong (RFC9293-MUST-7, X-16). Reserved bits are ignored. */
int tcp_parse(struct tcp_seg *out, const uint8_t *bytes, size_t len);

/* Reads ports and sequence number from the first 8 bytes, all that an ICMP error must quote.
 * 0; -1: fewer than 8 bytes. */
int tcp_parse_quoted(struct tcp_seg *out, const uint8_t *bytes, size_t len);

/* Writes the header with options in the order `order`, checksum field 0; returns its length, a
 * multiple of 4, at most TCP_HDR_MAX. `payload` and `len` are not looked at. */
size_t tcp_emit(uint8_t *bytes, const struct tcp_seg *s, enum tcp_opt_order order);

/* Where the checksum field is. */
#define TCP_CSUM_OFFSET 16u

#endif
