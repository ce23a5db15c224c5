/*
 * rtt.h: round-trip time and retransmission timeout (RFC 6298), one sample a round trip.
 */
#ifndef WEIR_TCP_RTT_H
#define WEIR_TCP_RTT_H

#include "tcp/tcb.h"

void rtt_init(struct rtt *r, const struct weir_config *cfg);

/* A segment that ends at `end` leaves for the first time: time it unless one is timed already. */
void rtt_sent(struct rtt *r, seq_t end, weir_time now);

/* Something was sent again: what is timed is ambiguous now (Karn; RFC6298-06). */
void rtt_resent(struct rtt *r);

/* `ack` newly acknowledges. Takes the timed sample if there is one, else the timestamp's: `echo_ns`
 * is the age of the echoed timestamp, WEIR_NEVER if there is none (RFC7323-15). */
void rtt_acked(struct rtt *r, const struct weir_config *cfg, seq_t ack, uint64_t echo_ns,
	       weir_time now);

/* A round trip that surely was one took `ns`: for the least of the last minutes (RFC8985-04). */
void rtt_least(struct rtt *r, uint64_t ns, weir_time now);

/* Our SYN is acknowledged after `retries` retransmissions. If they made a sample impossible, data
 * begins with an RTO of 3 s (RFC6298-11). */
void rtt_syn_acked(struct rtt *r, uint8_t retries);

/* The timer expired: doubles the timeout (RFC 6298 5.5). */
void rtt_backoff(struct rtt *r, const struct weir_config *cfg);

/* RTO with doublings, in nanoseconds. */
uint64_t rtt_rto(const struct rtt *r, const struct weir_config *cfg);

#endif
