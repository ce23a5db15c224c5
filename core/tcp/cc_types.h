/*
 * cc_types.h: what congestion control sees and keeps, and the row of functions that each kind is.
 *
 * It says how much may be in flight, and how fast it goes out. Which segment is sent again is
 * recovery.h's business, when a segment counts as lost rack.h's, how the window shrinks within a
 * recovery prr.h's.
 *
 * A congestion control is a row of functions over struct cc. It sees what an ACK told as one struct
 * cc_ack, and what went wrong as one enum cc_signal; it knows nothing of sequence numbers.
 */
#ifndef WEIR_TCP_CC_TYPES_H
#define WEIR_TCP_CC_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/weir.h"

enum cc_kind { CC_NEWRENO, CC_CUBIC, CC_BBR, CC_COUNT }; /* values of config.cc, connopt CC */

/* What one ACK told. Times in ns, all else in bytes. */
struct cc_ack {
	weir_time now;
	uint32_t mss;
	uint32_t delivered;    /* newly acknowledged or SACKed by this ACK */
	uint32_t lost;         /* newly found lost by this ACK (or timer) */
	uint32_t prior_flight; /* pipe before this ACK */
	uint32_t flight;   /* pipe after it: out, not SACKed, not lost, retransmissions counted */
	uint64_t rtt_ns;   /* sample that this ACK gave (Karn held); WEIR_NEVER: none */
	uint64_t srtt_ns;  /* after it; 0: none yet */
	bool ece;          /* it carries a new congestion mark (once a round, RFC 3168 6.1.2) */
	uint32_t ce_bytes; /* bytes newly reported as marked (Accurate ECN); 0 without */
	bool recovering;   /* in fast recovery or after an RTO, until recovery ends */
	bool round_start;  /* the first ACK for what was sent after the last round began */
	bool cwnd_limited; /* the window, and nothing else, held sending back in this round */
	/* Delivery-rate sample (draft-ietf-ccwg-bbr 4.1). */
	uint64_t rate_interval_ns; /* 0: no sample */
	uint64_t rate_delivered;   /* bytes delivered in that time */
	uint64_t prior_delivered;  /* tcb delivered count when the newest packet ACKed was sent */
	uint64_t total_delivered;  /* ... and now */
	uint32_t tx_flight;        /* pipe when it was sent (itself counted) */
	uint32_t rate_lost;        /* bytes lost between its sending and now */
	bool rate_app_limited;     /* it was sent while the application had nothing more to send */
};

enum cc_signal {
	CC_LOSS,      /* fast recovery begins */
	CC_ECE,       /* the first mark of a round */
	CC_RTO,       /* the retransmission timer fired for the first time for this data */
	CC_RTO_AGAIN, /* ... again */
};

/* The state of one connection's congestion control, by value. The first part is the same for all
 * and read by the rest of the engine; `priv` belongs to the kind. */
#define CC_PRIV_BYTES 192u

struct cc {
	uint32_t cwnd, ssthresh; /* bytes; cwnd bounds the pipe */
	uint64_t pacing_rate;    /* bytes a second; 0: no pacing */
	uint8_t kind;            /* enum cc_kind */
	uint64_t priv[CC_PRIV_BYTES / 8];
};

struct cc_ops {
	const char *name; /* as --cc takes it */
	/* true: it sets cwnd within recoveries itself (BBR); otherwise PRR does, towards ssthresh */
	bool rules_recovery;
	/* The handshake is complete: cwnd is the initial window, ssthresh infinite. */
	void (*init)(struct cc *c, const struct weir_config *cfg, uint32_t mss, weir_time now);
	/* An ACK that delivered something, or found something lost. */
	void (*on_ack)(struct cc *c, const struct cc_ack *a);
	/* Sets ssthresh, and cwnd unless PRR is to lead it there (CC_LOSS, CC_ECE): keeps what undo
	 * needs. `a` is what is known at this moment; a->flight is the pipe before. */
	void (*on_signal)(struct cc *c, enum cc_signal what, const struct cc_ack *a);
	/* The last CC_LOSS, CC_RTO was for nothing (D-SACK, Eifel, F-RTO). */
	void (*undo)(struct cc *c, const struct cc_ack *a);
	/* New data goes out after nothing was in flight for `idle_ns`; may be NULL. */
	void (*on_restart)(struct cc *c, uint64_t idle_ns, uint32_t mss, weir_time now);
};

#endif
