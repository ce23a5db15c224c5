/*
 * cc.h: how much may be in flight. Which segment is sent again is recovery.h's business.
 *
 * A congestion control is a row of functions over struct cc; NewReno (RFC 5681) is the only one
 * yet.
 */
#ifndef WEIR_TCP_CC_H
#define WEIR_TCP_CC_H

#include "tcp/tcb.h"

struct cc_ops {
	const char *name;
	/* `acked` bytes were newly acknowledged outside recovery; `flight` were out before. */
	void (*on_ack)(struct cc *c, uint32_t acked, uint32_t mss);
	/* A loss was found by duplicate ACKs, with `flight` bytes out. */
	void (*on_loss)(struct cc *c, uint32_t flight, uint32_t mss);
	/* The retransmission timer expired; first for this segment or again (RFC5681-10). */
	void (*on_timeout)(struct cc *c, uint32_t flight, uint32_t mss, uint8_t retries);
};

extern const struct cc_ops cc_newreno;

/* Sets the initial window (RFC 6928), with one segment if more than one SYN was lost. */
void cc_init(struct cc *c, const struct weir_config *cfg, uint32_t mss, uint8_t syn_retries);

/* `acked` more bytes were acknowledged. In slow start a window that was half used may grow. */
void cc_acked(struct cc *c, uint32_t acked);

/* SND.UNA's segment was lost while `flight` bytes were out. In an initial or restart window of more
 * than 4 KB that makes the restart windows from here on smaller (RFC6928-03). */
void cc_lost(struct cc *c, uint32_t flight);

/* New data went out: `flight` bytes are in flight now, from `una` to `nxt`. */
void cc_sent(struct cc *c, uint32_t flight, uint32_t mss, seq_t una, seq_t nxt);

/* Nothing was sent for longer than an RTO: back to the restart window (RFC5681-17), unless
 * config.idle_restart is 0. */
void cc_idle(struct cc *c, const struct weir_config *cfg, uint32_t mss);

#endif
