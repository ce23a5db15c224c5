/*
 * softerr.h: ICMP errors that quote a segment of a connection (RFC 9293 3.9.2.2, RFC 5927).
 */
#ifndef WEIR_TCP_SOFTERR_H
#define WEIR_TCP_SOFTERR_H

#include "tcp/tcb.h"

enum softerr_kind {
	SOFTERR_SOFT, /* never ends a connection (MUST-56) */
	SOFTERR_HARD, /* ends a connection attempt, nothing else (RFC5927-02) */
};

/* An error came that quotes sequence number `seq`. Returns the verdict: ICMP_STRAY when nothing of
 * that number is in flight (RFC5927-01), ICMP_SOFT or ICMP_HARD. */
enum weir_counter softerr_take(struct tcb *t, struct tcp_env *env, enum softerr_kind kind,
			       enum weir_err what, seq_t seq);

/* The path takes no more than `mss` bytes of TCP payload and options in a packet. Returns
 * ICMP_STRAY, ICMP_IGNORED (no news), ICMP_HELD (RFC5927-03: it contradicts what is known) or
 * ICMP_PMTU: then what is out is sent again in smaller segments, the first by itself until an ACK
 * comes, as many in flight as before (RFC1191-05, -06). */
enum weir_counter softerr_path(struct tcb *t, struct tcp_env *env, uint32_t mss, seq_t seq,
			       weir_time now);

#endif
