/*
 * mtup.h: the size of segments on a path: what ICMP claims and acknowledgements prove (RFC 1191,
 * 8201, 5927), and what is found by trying when ICMP is silent (RFC 4821, 8899).
 *
 * It owns struct mtup and writes path_mss. Sizes are of TCP payload and options in one packet.
 */
#ifndef WEIR_TCP_MTUP_H
#define WEIR_TCP_MTUP_H

#include "tcp/output.h"
#include "tcp/tcb.h"

enum mtup_mode {
	MTUP_NEVER,
	MTUP_BLACK_HOLE, /* when large segments vanish */
	MTUP_ALWAYS,     /* from a small size up */
};

/* A new connection on a link that takes `link` bytes. */
void mtup_init(struct tcb *t, uint16_t link, weir_time now);

/* The handshake is over: peer_mss is known. */
void mtup_agreed(struct tcb *t, const struct tcp_env *env);

/* An ICMP message about a segment in flight, which begins at `seq`, says that the path takes `mss`.
 * ICMP_PMTU: it does from now on, and what is out goes again; ICMP_HELD: not believed yet;
 * ICMP_IGNORED: no news. */
enum weir_counter mtup_claimed(struct tcb *t, const struct tcp_env *env, uint32_t mss, seq_t seq,
			       weir_time now);

/* Nothing is out: what other connections know of the path, or the link's size if nothing. */
void mtup_follow(struct tcb *t, const struct tcp_env *env, uint32_t mss, weir_time now);

/* What ICMP made small may be tried at the link's size again (RFC1191-04). */
bool mtup_aged(const struct tcb *t, const struct tcp_env *env, weir_time now);

/* Does the path take less than the link, as far as we know? Else nothing is to be found out. */
static inline bool mtup_below_link(const struct tcb *t)
{
	return t->path_mss < t->mtup.link;
}

/* Payload of a probe to be sent now, 0: none. `queued` bytes wait to be sent and windows take
 * `room`. */
uint32_t mtup_probe_len(struct tcb *t, const struct tcp_env *env, uint32_t queued, uint32_t room,
			weir_time now);

/* A segment with data leaves, before SND.NXT moves. */
void mtup_sent(struct tcb *t, const struct tcp_plan *p);

/* SND.UNA has moved. */
void mtup_acked(struct tcb *t, const struct tcp_env *env, weir_time now);

/* What ends at `end` is held for lost, alone or with others. true: it is the probe and alone, which
 * is no sign of congestion (RFC4821-04). */
enum mtup_loss { MTUP_LOST_ALONE, MTUP_LOST_AMONG };
bool mtup_lost(struct tcb *t, seq_t end, enum mtup_loss how);

/* The retransmission timer fired; t->retries is what it was before. */
void mtup_timeout(struct tcb *t, struct tcp_env *env, weir_time now);

#endif
