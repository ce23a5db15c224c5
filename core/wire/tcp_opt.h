/*
 * tcp_opt.h: TCP options (RFC 9293 3.1, RFC 7323, RFC 2018, RFC 9768).
 */
#ifndef WEIR_WIRE_TCP_OPT_H
#define WEIR_WIRE_TCP_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seq.h"

#define TCP_OPT_MAX    40u /* bytes */
#define TCP_SACK_MAX   4u  /* blocks */
#define TCP_WSCALE_MAX 14u /* RFC 7323 2.3 */

struct tcp_sack {
	seq_t lo, hi; /* hi is one past the last byte */
};

/* The counters of an Accurate ECN option, in the order of order 0; order 1 is the reverse. */
enum tcp_accecn_field { TCP_ACCECN_E0B, TCP_ACCECN_CEB, TCP_ACCECN_E1B, TCP_ACCECN_FIELDS };

enum tcp_accecn { TCP_ACCECN_NONE, TCP_ACCECN_ORDER_0, TCP_ACCECN_ORDER_1 };

struct tcp_opts {
	bool has_mss, has_wscale, sack_permitted, has_ts;
	uint16_t mss;
	uint8_t wscale; /* as received; above 14 it is given as 14 (RFC7323-04) */
	uint8_t sack_count;
	uint8_t accecn;       /* enum tcp_accecn */
	uint8_t accecn_count; /* counters that are there, from the first of the order on */
	uint32_t ts_val, ts_ecr;
	struct tcp_sack sack[TCP_SACK_MAX];
	uint32_t accecn_field[TCP_ACCECN_FIELDS]; /* as they come in the order; 24 bits */
};

/* Does the first SACK block report what came twice (D-SACK, RFC 2883 4)? `ack` is the ACK field of
 * the same segment: only with that and with the second block may it be compared (RFC2883-04). */
bool tcp_sack_again(const struct tcp_opts *o, seq_t ack);

enum tcp_opt_order {
	TCP_OPT_ORDER_LINUX, /* MSS, SACK-permitted, timestamps, NOP, window scale */
	TCP_OPT_ORDER_BSD,   /* MSS, NOP, window scale, SACK-permitted, timestamps */
};

/* Reads `len` bytes of options; all fields of *out are set. Options that are not known are stepped
 * over (MUST-6). A known kind with a wrong length is malformed. 0; -1: malformed (MUST-7). SYN-only
 * options are read on any segment; who may heed them is not decided here. */
int tcp_opt_parse(struct tcp_opts *out, const uint8_t *bytes, size_t len);

/* Writes the options, padded with NOP in front where Linux does so (NOP,NOP,TS on segments without
 * SYN options; NOP,NOP,SACK) to a multiple of 4; returns the length, at most TCP_OPT_MAX. SACK
 * blocks that do not fit are left out. */
size_t tcp_opt_emit(uint8_t *bytes, const struct tcp_opts *o, enum tcp_opt_order order);

/* The length that tcp_opt_emit would return. */
size_t tcp_opt_len(const struct tcp_opts *o);

#endif
