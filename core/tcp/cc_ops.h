/*
 * cc_ops.h: congestion control as the rest of the engine calls it, whatever its kind.
 *
 * One order of calls: cc_start() when the handshake is complete; then for each ACK cc_on_signal(),
 * if it began a recovery, and cc_on_ack(); cc_on_sent() and cc_on_held() from output. Here is what
 * is the same for all kinds: the initial and the restart window (RFC 6928, RFC 5681 4.1), whether
 * the window is in use (RFC 7661), what undo gives back.
 */
#ifndef WEIR_TCP_CC_OPS_H
#define WEIR_TCP_CC_OPS_H

#include "tcp/cc_types.h"

#define CC_CWND_MAX     (1u << 30)
#define CC_SSTHRESH_MAX (UINT32_MAX / 2) /* "infinite": no loss seen yet (RFC5681-06) */

/* The row of a kind (a value of config.cc). */
const struct cc_ops *cc_of(uint8_t kind);

/* Sets the initial window (RFC 6928), with one segment if more than one SYN was lost, and begins
 * with the kind that cc_switch() chose for this connection before (*c is zero otherwise), or that
 * the configuration says. `seed`: differs between connections. */
void cc_start(struct cc *c, const struct weir_config *cfg, uint32_t mss, uint8_t syn_retries,
	      uint32_t seed);

/* Gives the kind memory for its private state (cc_state.h): before anything is sent, and after
 * cc_start(). */
void cc_equip(struct cc *c, void *state, uint32_t mss, weir_time now);

/* The same connection goes on with another kind, which takes over cwnd and ssthresh and has no
 * private state until cc_equip(); or begins with it, before cc_start(). */
void cc_switch(struct cc *c, enum cc_kind kind);

/* An ACK delivered something or found something lost. Sets a->cwnd_limited. */
void cc_on_ack(struct cc *c, struct cc_ack *a);

/* See enum cc_signal. a->flight: FlightSize, without what limited transmit sent, before anything
 * was found lost; at least now, mss, flight and srtt_ns are filled in, and `recovering`: a repair
 * is under way, and this is a second signal for it (a timeout in fast recovery, a loss while a mark
 * is answered). */
void cc_on_signal(struct cc *c, enum cc_signal what, const struct cc_ack *a);

/* The last CC_LOSS or CC_RTO was for nothing (D-SACK, Eifel, F-RTO). Once; then nothing is kept. */
void cc_on_undo(struct cc *c, const struct cc_ack *a);

/* New data went out: the pipe is `flight` now, with sequence numbers from `una` to `nxt`. */
void cc_on_sent(struct cc *c, uint32_t flight, uint32_t mss, seq_t una, seq_t nxt);

/* The window held something back that could have gone out behind `nxt`. */
void cc_on_held(struct cc *c, seq_t nxt);

/* New data is about to go out while nothing is in flight, for `idle_ns`. After more than an RTO
 * that means back to the restart window (RFC5681-17), unless config.idle_restart is 0. */
void cc_on_restart(struct cc *c, const struct weir_config *cfg, uint64_t idle_ns, uint64_t rto_ns,
		   uint32_t mss, weir_time now);

/* What the window comes to as a rate, for pacing a kind that has none of its own: twice cwnd a
 * round trip in slow start, 1.2 times it afterwards, so that the window still grows; bytes a
 * second, 0 without an RTT. */
uint64_t cc_window_rate(const struct cc *c, uint64_t srtt_ns);

/* --- For the kinds --------------------------------------------------------------------------- */

extern const struct cc_ops cc_reno_ops, cc_cubic_ops, cc_bbr_ops;

/* Bytes by which an ACK lets the window grow: what it acknowledged, nothing while PRR leads, and
 * after an RTO only what was not already known to have arrived (RFC 3465 2.3: no burst when the
 * first hole is filled). */
uint32_t cc_growth(const struct cc_ack *a);

/* a * b / d, saturating: no product overflows. d is not 0. */
uint64_t cc_mul_div(uint64_t a, uint64_t b, uint64_t d);

#endif
