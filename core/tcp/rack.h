/*
 * rack.h: what counts as lost, by time (RFC 8985): RACK, and the tail loss probe.
 *
 * Only with SACK (RFC8985-01). RACK marks records of the scoreboard; when they are sent again is
 * recovery.h's business.
 */
#ifndef WEIR_TCP_RACK_H
#define WEIR_TCP_RACK_H

#include "tcp/board.h"
#include "tcp/tcb.h"

void rack_init(struct rack *r);

/* Is RACK in charge of this connection? */
static inline bool rack_on(const struct tcp_env *env, const struct tcb *t)
{
	return t->sack_ok && env->cfg->rack;
}

/* Takes in what an ACK delivered. */
void rack_update(struct tcb *t, const struct board_news *n);

/* The ACK reported something that came twice: the reordering window widens, once a round trip. */
void rack_dsack(struct tcb *t);

/* A recovery ended. */
void rack_recovered(struct tcb *t);

/* Marks what is lost by now; returns how many bytes. *again: when to look again, WEIR_NEVER if
 * there is nothing to wait for. */
uint32_t rack_detect(struct tcp_env *env, struct tcb *t, weir_time now, weir_time *again);

/* The retransmission timer fired: marks what RACK holds for lost, and SND.UNA's segment. */
void rack_timeout(struct tcp_env *env, struct tcb *t, weir_time now);

/* The time until a tail loss probe (PTO); WEIR_NEVER: none is due in this state. */
uint64_t rack_probe_after(const struct tcp_env *env, const struct tcb *t);

/* The probe timer fired: a probe is to be sent, unless one is out or no sample came since. */
void rack_probe(struct tcb *t);

/* The probe [seq, end) leaves; `again`: it was out before. */
enum rack_probe_kind { RACK_PROBE_NEW, RACK_PROBE_AGAIN };
void rack_probe_sent(struct tcb *t, enum rack_probe_kind kind);

/* An ACK that may tell what became of the probe. true: it repaired a loss, which is a congestion
 * signal (RFC8985-16). */
struct rack_ack {
	seq_t ack;
	bool dsack; /* with a D-SACK that ends at `dsack_hi` */
	seq_t dsack_hi;
	bool pure_duplicate; /* nothing moved, and no SACK */
};
bool rack_probe_judged(struct tcb *t, const struct rack_ack *a);

#endif
