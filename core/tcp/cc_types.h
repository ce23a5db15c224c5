/*
 * cc_types.h: what congestion control sees and keeps, and the row of functions that each kind is.
 *
 * It says how much may be in flight, and how fast it goes out. Which segment is sent again is
 * recovery.h's business, when a segment counts as lost rack.h's, how the window shrinks within a
 * recovery prr.h's.
 *
 * A congestion control is a row of functions over struct cc. It sees what an ACK told as one struct
 * cc_ack, and what went wrong as one enum cc_signal; it knows nothing of sequence numbers. The rest
 * of the engine calls the functions of cc_ops.h, which do what is the same for all kinds and then
 * call the row's.
 */
#ifndef WEIR_TCP_CC_TYPES_H
#define WEIR_TCP_CC_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/seq.h"
#include "tcp/cc_state.h"
#include "weir/weir.h"

/* Values of config.cc and connopt CC: enum weir_cc. */
enum cc_kind {
#define X(name, id, text) CC_##name,
#include "weir/def/cc.def"
#undef X
	CC_COUNT
};

/* What one ACK told. Times in ns, all else in bytes. */
struct cc_ack {
	weir_time now;
	uint32_t mss;
	uint32_t acked;        /* SND.UNA moved by so much; 0: a duplicate */
	uint32_t delivered;    /* newly acknowledged or SACKed by this ACK */
	uint32_t lost;         /* newly found lost by this ACK (or timer) */
	uint32_t prior_flight; /* pipe before this ACK */
	uint32_t flight;   /* pipe after it: out, not SACKed, not lost, retransmissions counted */
	uint64_t rtt_ns;   /* sample that this ACK gave (Karn held); WEIR_NEVER: none */
	uint64_t srtt_ns;  /* after it; 0: none yet */
	bool ece;          /* it carries a new congestion mark (once a round, RFC 3168 6.1.2) */
	uint32_t ce_bytes; /* bytes newly reported as marked (Accurate ECN); 0 without */
	bool recovering;   /* fast recovery, or the reduction for a mark, is going on, or this ACK
			    * ended it: PRR leads cwnd */
	bool resending; /* after an RTO, until all that was out then is acknowledged: slow start */
	bool round_start;  /* the first ACK for what was sent after the last round began */
	bool cwnd_limited; /* filled in by cc_on_ack(): the window held sending back lately */
	/* Delivery-rate sample (draft-ietf-ccwg-bbr 4.1). */
	uint64_t rate_interval_ns; /* 0: no sample */
	uint64_t rate_delivered;   /* bytes delivered in that time */
	uint64_t prior_delivered;  /* tcb delivered count when the newest packet ACKed was sent */
	uint64_t total_delivered;  /* ... and now */
	uint32_t tx_flight;        /* pipe when it was sent (itself counted) */
	uint32_t rate_lost;        /* bytes lost between its sending and now */
	uint32_t lost_tx_flight; /* tx_flight and rate_lost of the packet sent last of those that */
	uint32_t lost_rate_lost; /* this ACK found lost; 0: not known, the two above stand in */
	bool one_loss_a_round;   /* without SACK no more is found */
	bool rate_app_limited;   /* it was sent while the application had nothing more to send */
};

enum cc_signal {
	CC_LOSS,      /* fast recovery begins */
	CC_ECE,       /* the first mark of a round */
	CC_RTO,       /* the retransmission timer fired for the first time for this data */
	CC_RTO_AGAIN, /* ... again */
};

/* The state of one connection's congestion control. All is the same for all kinds and may be read
 * by the rest of the engine, but for what `priv` names: that belongs to the kind, and lies in a
 * pool of the stack, since who has nothing to send has no need of it. */
struct cc {
	uint64_t pacing_rate;    /* bytes a second; 0: no pacing */
	uint32_t cwnd, ssthresh; /* bytes; cwnd bounds the pipe */
	uint32_t target;         /* where PRR leads cwnd, and what it is after recovery: ssthresh,
				  * or less after a mark (RFC 9438 4.6) */
	uint32_t prior_cwnd;     /* both before the last reduction, for undo; 0: nothing to undo */
	uint32_t prior_ssthresh;
	uint32_t first;      /* bytes of the initial or the last restart window */
	uint32_t since;      /* bytes acknowledged since it began */
	uint32_t used;       /* the most that was in flight ... */
	seq_t used_end;      /* ... since what ended here was sent */
	uint32_t seed;       /* what is random for this connection (its ISS) */
	uint16_t burst;      /* what the link sends as one packet and cuts up; 0: nothing */
	uint8_t kind;        /* enum cc_kind */
	uint8_t chosen;      /* 0, or 1 + the kind that cc_switch() asked for */
	bool limited : 1;    /* cwnd was used up in that time */
	bool careful : 1;    /* a first window saw a loss: the next is RFC 3390's (RFC6928-03) */
	bool abe : 1;        /* the settings */
	uint8_t hystart : 2; /* enum hystart_mode */
	bool paced : 1;      /* every kind is (config.pacing 2) */
	union cc_priv priv;
};

struct cc_ops {
	const char *name; /* weir_cc_name() of it */
	/* true: it sets cwnd within recoveries itself (BBR); otherwise PRR does, towards target */
	bool rules_recovery;
	/* cwnd, ssthresh and the settings stand (the handshake is complete, or another kind had
	 * them until now): sets up priv, of which the memory is there. */
	void (*init)(struct cc *c, uint32_t mss, weir_time now);
	/* An ACK that delivered something, or found something lost. */
	void (*on_ack)(struct cc *c, const struct cc_ack *a);
	/* Sets ssthresh and target, and cwnd after an RTO; prior_* are kept already. a->flight is
	 * FlightSize before anything was found lost, and at most cwnd. */
	void (*on_signal)(struct cc *c, enum cc_signal what, const struct cc_ack *a);
	/* The last CC_LOSS or CC_RTO was for nothing. cwnd and ssthresh are still the reduced ones;
	 * the caller gives them back afterwards. May be NULL. */
	void (*undo)(struct cc *c, const struct cc_ack *a);
	/* New data goes out after nothing was in flight for `idle_ns`; may be NULL. cwnd is already
	 * what it may be then. */
	void (*on_restart)(struct cc *c, uint64_t idle_ns, uint32_t mss, weir_time now);
};

#endif
