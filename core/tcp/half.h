/*
 * half.h: a half-open record: SYN-RECEIVED of a passive open, in twenty bytes (RFC 4987 3.4).
 *
 * No connection exists before the third segment: a flood of SYNs costs records, never connections.
 * The record knows only TCP; where it is stored, found and timed is the stack's (stack/halfs.h).
 */
#ifndef WEIR_TCP_HALF_H
#define WEIR_TCP_HALF_H

#include "tcp/tcb.h"

enum half_flag {
	HALF_TS = 1,         /* both ends use timestamps */
	HALF_SACK = 2,       /* both permit SACK */
	HALF_WSCALE = 4,     /* both scale windows */
	HALF_HELD = 8,       /* the application has not decided: no SYN-ACK was sent */
	HALF_V6 = 16,        /* the stack's: the key is an IPv6 pair */
	HALF_AGAIN = 64,     /* the SYN came again, and so went the SYN-ACK */
	HALF_TOLD = 32,      /* the stack's: the SYN event of a held record was read */
	HALF_COMPLETE = 128, /* the stack's: the third segment came, and there was no room */
};

struct half {
	seq_t iss, irs;
	uint32_t ts_recent;
	uint16_t mss; /* the peer's */
	uint16_t wnd; /* the SYN's window field */
	uint8_t snd_wscale : 7;
	uint8_t ecn : 1;    /* the SYN asked for ECN, and may have it */
	uint8_t flags;      /* enum half_flag */
	uint8_t retries;    /* SYN-ACKs sent again */
	uint8_t challenges; /* ACKs sent in answer to what was not acceptable */
};

_Static_assert(sizeof(struct half) == 20, "a half-open record stays small");

/* Takes over what a SYN says. `mss_default`: for a SYN without the option (MUST-15). */
void half_init(struct half *h, const struct weir_config *cfg, const struct tcp_seg *syn, seq_t iss,
	       uint16_t mss_default);

enum half_action {
	HALF_DO_NOTHING,
	HALF_DO_SYNACK,   /* send the SYN-ACK again */
	HALF_DO_ACK,      /* send <SEQ=ISS+1><ACK=IRS+1> */
	HALF_DO_RST,      /* send an RST with SEG.ACK */
	HALF_DO_END,      /* the record ends; the listener is not touched */
	HALF_DO_COMPLETE, /* make the connection and give it the segment */
};

/* RFC 9293 3.10.7.4 for SYN-RECEIVED of a passive origin. `rcv_wnd` is what the SYN-ACK offered. */
enum half_action half_input(struct half *h, const struct weir_config *cfg,
			    const struct tcp_seg *seg, uint32_t rcv_wnd,
			    enum weir_counter *verdict);

/* What both sides agreed on. `rcv_wscale` is our shift. */
void half_agreed(const struct half *h, uint8_t rcv_wscale, struct tcp_agreed *out);

#endif
