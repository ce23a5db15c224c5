/*
 * accecn.h: Accurate ECN (RFC 9768): how many packets came marked, told with every ACK.
 *
 * Who agrees on it in the handshake, what is counted, when that is told, and what the peer's count
 * means. What a mark does to the window is recovery's and congestion control's.
 */
#ifndef WEIR_TCP_ACCECN_H
#define WEIR_TCP_ACCECN_H

#include "tcp/accecn_syn.h"
#include "tcp/input.h"
#include "tcp/output.h"
#include "tcp/tcb.h"

#define ACCECN_CEP_FIRST 5u /* r.cep and s.cep begin with it (RFC9768-06) */

/* What a SYN asks for that the configuration lets it have. */
static inline enum accecn_kind accecn_asked(const struct weir_config *cfg,
					    const struct tcp_seg *syn)
{
	unsigned ace = tcp_ace(syn);

	if (ace == 0) /* as of most, and in a flood */
		return ACCECN_KIND_NONE;
	return accecn_kind_of(
		cfg->handshake_ways == 3 || cfg->ecn < ACCECN_SETTING_ASK ? cfg->ecn : 1, ace);
}

/* The Accurate ECN option of a SYN-ACK: the counters as they begin. */
void accecn_first_option(struct tcp_opts *o);

/* The flags of our SYN; notes what it asks for. */
void accecn_syn(const struct tcp_env *env, struct tcb *t, struct tcp_seg *seg);

/* What the flags of the peer's SYN-ACK make of our SYNs (RFC9768-02, -03): sets a->ecn_ok,
 * a->accurate. */
void accecn_answered(const struct tcp_in *in, struct tcp_agreed *a);

/* It is agreed on. */
void accecn_begin(struct tcb *t, const struct tcp_agreed *a);

/* Our SYN is acknowledged, by a SYN-ACK or by what completes a passive open; congestion control has
 * begun. */
void accecn_synack_came(struct tcp_in *in);
void accecn_third_came(struct tcp_in *in);

/* A SYN-ACK that was acknowledged before came again and is acknowledged once more. */
void accecn_synack_again(struct tcp_in *in);

/* An acceptable segment, or one whose ACK is used, came in; after its ACK field was looked at. */
void accecn_arrived(struct tcp_in *in);

/* Does the ACK tell of marks on packets of ours? `sacked`: bytes that it newly SACKed. Before
 * SND.UNA moves. *ce_bytes: how many bytes were in these. */
bool accecn_told(const struct tcp_in *in, uint32_t sacked, uint32_t *ce_bytes);

/* The flags, and whether the packet may be marked, of what goes out without SYN. */
void accecn_emit(struct tcb *t, struct tcp_plan *p, struct tcp_seg *seg);

/* The option that goes with it, beside SACK blocks that may make room: sets p->accecn. */
void accecn_option(struct tcb *t, struct tcp_plan *p, struct tcp_opts *o);

/* The plan leaves. */
void accecn_sent(struct tcb *t, const struct tcp_plan *p);

/* The retransmission timer fired. */
void accecn_timeout(struct tcb *t);

/* The count that goes with ACKs of the connection; 0 without Accurate ECN. */
static inline unsigned accecn_ace(const struct tcb *t)
{
	return t->ecn & ECN_ACCURATE ? t->accecn.cep : 0;
}

/* Is the next thing to go out a bare ACK that tells how the SYN-ACK came (RFC 9768 3.2.2.1)? */
static inline bool accecn_third_due(const struct tcb *t)
{
	return (t->ecn & ECN_ACCURATE) && t->accecn.handshake && t->ackgen.now;
}

/* May a link cut up what goes out now? One that knows only RFC 3168 clears CWR, a bit of the count,
 * on all segments but the first (RFC 9768 3.3.4). */
static inline bool accecn_may_cut(const struct tcb *t)
{
	return !(accecn_ace(t) & 2);
}

#endif
