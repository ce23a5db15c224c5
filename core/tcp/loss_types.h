/*
 * loss_types.h: what a connection keeps to find out what was lost and to send it again: the
 * scoreboard's links, RACK-TLP, PRR, recovery, delivery rate, pacing. All by value, in struct tcb;
 * what grows with the flight lies in records of a pool (struct send, board.h).
 */
#ifndef WEIR_TCP_LOSS_TYPES_H
#define WEIR_TCP_LOSS_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/seq.h"
#include "weir/weir.h"

/* The sender's scoreboard: indices of records, POOL_NONE: none. */
struct board {
	uint32_t first, last;     /* by sequence: all that is out */
	uint32_t oldest, newest;  /* by time of sending: what is neither SACKed nor lost */
	uint32_t cursor;          /* where the last SACK block led */
	uint32_t front;           /* what holds the highest byte SACKed, or lies beside it */
	uint32_t next_lost;       /* no lost record lies before this one */
	uint32_t count;           /* records */
	uint32_t sacked, lost;    /* bytes */
	uint32_t sacked_segments; /* of `sacked` */
	seq_t fack;               /* one past the highest byte ever SACKed or acknowledged */
};

/* RACK-TLP (RFC 8985). */
struct rack {
	weir_time at;    /* RACK.xmit_ts: when the newest segment that arrived was sent; 0: none */
	uint64_t rtt_ns; /* RACK.rtt */
	seq_t end;       /* RACK.end_seq */
	seq_t dsack_round;     /* SND.NXT when D-SACK last widened the window */
	seq_t tlp_end;         /* SND.NXT when the probe went out */
	uint8_t mult;          /* RACK.reo_wnd_mult */
	uint8_t persist;       /* recoveries until it is 1 again */
	bool reordering : 1;   /* RACK.reordering_seen */
	bool dsack_rounds : 1; /* dsack_round is set */
	bool tlp_out : 1;      /* a probe is out, not yet judged ... */
	bool tlp_again : 1;    /* ... which was sent for the second time */
	bool tlp_want : 1;     /* a probe is to be sent */
	bool tlp_ready : 1;    /* an RTT sample was taken since the last one */
};

/* PRR (RFC 9937), in bytes. */
struct prr {
	uint32_t delivered, out;
	uint32_t flight; /* RecoverFS */
};

enum recovery_phase {
	RECOVERY_OPEN,
	RECOVERY_CWR,  /* a congestion mark: the window shrinks, nothing is lost */
	RECOVERY_FAST, /* something is known to be lost */
	RECOVERY_RTO,  /* the retransmission timer fired */
};

struct recovery {
	seq_t recover;       /* RFC 6582, RFC 6675 RecoveryPoint */
	uint32_t inflate;    /* without SACK: bytes that duplicate ACKs add to the window */
	seq_t undo_from;     /* where what was first sent again in the episode begins */
	uint32_t undo_bytes; /* sent again in it and not reported as duplicates */
	uint32_t resent_ts;  /* our timestamp when it first sent again */
	uint8_t phase;       /* enum recovery_phase */
	uint8_t dupacks;
	uint8_t allowed;   /* segments that limited transmit (RFC 3042) lets out beyond cwnd */
	uint8_t limited;   /* ... and has let out in this run */
	uint8_t spurious;  /* episodes that were for nothing */
	uint8_t slowed;    /* marks in a row that a window of one segment could not answer */
	bool lone : 1;     /* one segment is sent again, until an ACK comes (RFC1191-06) */
	bool force : 1;    /* the first lost segment goes whatever the window says */
	bool undoable : 1; /* the episode may turn out to have been for nothing */
	bool resent : 1;   /* something was sent again in it: resent_ts is set */
	bool frto : 1;     /* F-RTO is looking at what comes after a timeout (RFC 5682) ... */
	bool frto_new : 1; /* ... and new data goes before what is lost */
	bool held : 1;     /* data waits for timers.pace_at because of such a mark */
};

/* Delivery rate (draft-ietf-ccwg-bbr 4.1). */
struct rate {
	uint64_t delivered;     /* bytes acknowledged or SACKed, ever */
	weir_time delivered_at; /* when it last grew */
	weir_time first_at;     /* when what began the present sample was sent */
	uint32_t lost;          /* bytes found lost, ever, modulo 2^32 */
	uint32_t round;         /* low bits of `delivered` that end the present round */
	uint32_t app_limited;   /* low bits of `delivered` until which the user held back ... */
	uint32_t kbytes_s : 31; /* the last sample in 1,000 bytes a second; 0: none */
	bool held_back : 1;     /* ... if that is so */
};

#endif
