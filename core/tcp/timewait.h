/*
 * timewait.h: TIME-WAIT as a record: what is left of a connection for 2MSL (RFC 9293 3.6.1).
 */
#ifndef WEIR_TCP_TIMEWAIT_H
#define WEIR_TCP_TIMEWAIT_H

#include "tcp/tcb.h"

enum timewait_flag {
	TIMEWAIT_TS = 1, /* timestamps were in use */
	TIMEWAIT_V6 = 2, /* the stack's: the key is an IPv6 pair */
	/* The stack's: of a connection that a SYN cookie made. The record stays until that cookie
	 * is good no more. */
	TIMEWAIT_COOKIE = 4,
	/* The stack's: not in TIME-WAIT but closed; all it knows is that the cookie was used, in
	 * snd_nxt what its ACK acknowledged. */
	TIMEWAIT_USED = 8,
	/* Accurate ECN's count, which goes with every ACK: three bits. */
	TIMEWAIT_ACE = 16 | 32 | 64,
};

#define TIMEWAIT_ACE_1 16u /* a count of one */

struct timewait {
	seq_t snd_nxt, rcv_nxt;
	uint32_t rcv_wnd;     /* bytes */
	uint32_t snd_wnd_max; /* for the range check of RFC 5961 5.2 */
	uint32_t ts_recent;
	uint32_t answered_ms; /* when a stray segment was last answered; 0: never */
	uint16_t wnd_field;   /* what our ACKs carry */
	uint8_t flags;        /* enum timewait_flag */
	uint8_t rcv_wscale;   /* of wnd_field */
};

void timewait_init(struct timewait *w, const struct tcb *t);

enum timewait_action {
	TIMEWAIT_DO_NOTHING,
	TIMEWAIT_DO_ACK,     /* answer with the present ACK */
	TIMEWAIT_DO_RESTART, /* the same, and the 2MSL timer starts anew */
	TIMEWAIT_DO_REUSE,   /* a newer SYN: the listener, if there is one, may take it */
	TIMEWAIT_DO_END,
};

enum timewait_action timewait_input(struct timewait *w, const struct weir_config *cfg,
				    const struct tcp_seg *seg, weir_time now,
				    enum weir_counter *verdict);

/* Is an ISN for the reuse of this pair beyond what was used (MAY-2)? Gives one that is. */
seq_t timewait_next_isn(const struct timewait *w, seq_t isn);

#endif
