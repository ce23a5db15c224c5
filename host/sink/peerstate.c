/*
 * Theory of operation
 *
 * Each segment becomes one event. The event says who sent it, what it carries (SYN, FIN, RST) and
 * what its acknowledgement covers; table `after` then gives the peer's next state.
 *
 * Segments of the peer (P_) are evidence: the peer was in that state when it sent them. Segments of
 * ours (W_) are taken to arrive, so the state is the one that the peer has then; RFC 9293 draws its
 * figures in the same way. If ours was lost, the peer's next segment says so (it repeats its SYN or
 * FIN, or acknowledges less than our FIN), and the rows marked "taken back" return to the earlier
 * state. A peer that has not spoken yet stays unknown whatever we send to it: there may be nobody.
 *
 * Some events need memory beyond the state. The order of both FINs decides between LAST-ACK,
 * CLOSING and TIME-WAIT: whether our FIN was sent when we acknowledge the peer's (W_ACK_BOTH), and
 * whether we had acknowledged the peer's FIN when it acknowledges ours (P_ACK_FIN_DONE). When both
 * FINs cross, our ACK brings the peer to CLOSING and its own ACK shows it in TIME-WAIT (RFC 9293
 * figure 13). And when both SYNs cross, ours brought the peer to SYN-RECEIVED, so that the SYN-ACK
 * which follows finds it there (W_SYNACK_BOTH; figure 7).
 *
 * A pair without a row leaves the state as it is.
 */
#include "sink/peerstate.h"

#include "sink/seqrel.h"
#include "sink/verdict.h"

enum peer_event {
	P_SYN,
	P_SYNACK,
	P_ACK,          /* an ACK, with or without data, that does not cover our FIN */
	P_ACK_FIN,      /* covers our FIN; we have not acknowledged the peer's */
	P_ACK_FIN_DONE, /* covers our FIN, after we acknowledged the peer's */
	P_FIN,          /* FIN that does not cover our FIN */
	P_FIN_ACK,      /* FIN that does */
	P_RST,
	W_SYN,
	W_SYNACK,
	W_SYNACK_BOTH, /* after a SYN of ours: both opened at once */
	W_ACK,         /* does not cover the peer's FIN */
	W_ACK_FIN,     /* covers the peer's FIN, our own FIN was not sent */
	W_ACK_BOTH,    /* covers the peer's FIN, after our own FIN */
	W_FIN,         /* FIN that does not cover the peer's */
	W_FIN_ACK,     /* FIN that does */
	W_RST,
	EVENT_COUNT,
	EVENT_NONE = EVENT_COUNT
};

#define S(name) (WEIR_STATE_##name + 1)
#define UNKNOWN 0

static const uint8_t after[WEIR_STATE_COUNT + 1][EVENT_COUNT] = {
	[UNKNOWN] =
		{
			[P_SYN] = S(SYN_SENT),
			[P_SYNACK] = S(SYN_RECEIVED),
			[P_ACK] = S(ESTABLISHED),
			[P_ACK_FIN] = S(CLOSE_WAIT),
			[P_FIN] = S(FIN_WAIT_1),
			[P_FIN_ACK] = S(LAST_ACK),
			[P_RST] = S(CLOSED),
		},
	[S(CLOSED)] =
		{
			[P_SYN] = S(SYN_SENT),
			[P_SYNACK] = S(SYN_RECEIVED),
			[P_FIN_ACK] = S(LAST_ACK), /* taken back: our last ACK was lost */
		},
	[S(SYN_SENT)] =
		{
			[P_SYNACK] = S(SYN_RECEIVED), /* both opened at once */
			[P_ACK] = S(ESTABLISHED),
			[P_ACK_FIN] = S(CLOSE_WAIT),
			[P_FIN] = S(FIN_WAIT_1),
			[P_FIN_ACK] = S(LAST_ACK),
			[P_RST] = S(CLOSED),
			[W_SYN] = S(SYN_RECEIVED), /* both opened at once */
			[W_SYNACK] = S(ESTABLISHED),
			[W_SYNACK_BOTH] = S(SYN_RECEIVED), /* our SYN came first */
			[W_RST] = S(CLOSED),
		},
	[S(SYN_RECEIVED)] =
		{
			[P_SYN] = S(SYN_SENT), /* taken back: our SYN was lost */
			[P_ACK] = S(ESTABLISHED),
			[P_ACK_FIN] = S(CLOSE_WAIT),
			[P_FIN] = S(FIN_WAIT_1),
			[P_FIN_ACK] = S(LAST_ACK),
			[P_RST] = S(CLOSED),
			[W_SYNACK_BOTH] = S(ESTABLISHED),
			[W_ACK] = S(ESTABLISHED),
			[W_FIN] = S(CLOSE_WAIT),
			[W_RST] = S(CLOSED),
		},
	[S(ESTABLISHED)] =
		{
			[P_SYN] =
				S(SYN_SENT), /* taken back: our SYN-ACK was lost; or it restarted */
			[P_SYNACK] = S(SYN_RECEIVED), /* taken back: our ACK was lost */
			[P_ACK_FIN] = S(CLOSE_WAIT),
			[P_FIN] = S(FIN_WAIT_1),
			[P_FIN_ACK] = S(LAST_ACK),
			[P_RST] = S(CLOSED),
			[W_FIN] = S(CLOSE_WAIT),
			[W_RST] = S(CLOSED),
		},
	[S(FIN_WAIT_1)] =
		{
			[P_SYN] = S(SYN_SENT),
			[P_ACK_FIN] = S(CLOSING),
			[P_ACK_FIN_DONE] = S(TIME_WAIT),
			[P_FIN_ACK] = S(CLOSING),
			[P_RST] = S(CLOSED),
			[W_ACK_FIN] = S(FIN_WAIT_2),
			[W_ACK_BOTH] =
				S(CLOSING), /* our FIN was sent before this ACK: they crossed */
			[W_FIN] = S(CLOSING),
			[W_FIN_ACK] = S(TIME_WAIT),
			[W_RST] = S(CLOSED),
		},
	[S(FIN_WAIT_2)] =
		{
			[P_SYN] = S(SYN_SENT),
			[P_ACK_FIN_DONE] = S(TIME_WAIT),
			[P_FIN] = S(FIN_WAIT_1), /* taken back: our ACK was lost */
			[P_FIN_ACK] = S(CLOSING),
			[P_RST] = S(CLOSED),
			[W_FIN_ACK] = S(TIME_WAIT),
			[W_RST] = S(CLOSED),
		},
	[S(CLOSE_WAIT)] =
		{
			[P_SYN] = S(SYN_SENT),
			[P_ACK] =
				S(ESTABLISHED),  /* taken back: our FIN was lost, or both crossed */
			[P_FIN] = S(FIN_WAIT_1), /* taken back: both closed at once */
			[P_FIN_ACK] = S(LAST_ACK),
			[P_RST] = S(CLOSED),
			[W_RST] = S(CLOSED),
		},
	[S(CLOSING)] =
		{
			[P_SYN] = S(SYN_SENT),
			[P_ACK_FIN_DONE] = S(TIME_WAIT),
			[P_FIN] = S(FIN_WAIT_1), /* taken back: our FIN was lost */
			[P_RST] = S(CLOSED),
			[W_ACK_BOTH] = S(TIME_WAIT),
			[W_FIN_ACK] = S(TIME_WAIT),
			[W_RST] = S(CLOSED),
		},
	[S(LAST_ACK)] =
		{
			[P_SYN] = S(SYN_SENT),
			[P_RST] = S(CLOSED),
			[W_ACK_BOTH] = S(CLOSED),
			[W_RST] = S(CLOSED),
		},
	[S(TIME_WAIT)] =
		{
			[P_SYN] = S(SYN_SENT),   /* the pair is used again */
			[P_ACK] = S(FIN_WAIT_2), /* taken back: our FIN was lost, or both crossed */
			[P_FIN] =
				S(FIN_WAIT_1), /* taken back: neither our ACK nor our FIN arrived */
			[P_FIN_ACK] = S(CLOSING), /* taken back: our ACK was lost */
			[P_RST] = S(CLOSED),
			[W_RST] = S(CLOSED),
		},
};

void peerstate_init(struct peerstate *p)
{
	*p = (struct peerstate){.state = UNKNOWN};
}

static enum peer_event event_of_peer(struct peerstate *p, const struct weir_trace_record *r)
{
	bool covers = p->our_fin_sent && seqrel_reaches(r->ack, p->our_fin_end);

	if (r->seg_flags & WEIR_TCP_RST)
		return P_RST;
	if (r->seg_flags & WEIR_TCP_SYN)
		return r->seg_flags & WEIR_TCP_ACK ? P_SYNACK : P_SYN;
	if (!(r->seg_flags & WEIR_TCP_ACK))
		return EVENT_NONE;
	if (r->seg_flags & WEIR_TCP_FIN) {
		p->peer_fin_seen = true;
		p->peer_fin_end = r->seq + r->payload_len + 1;
		return covers ? P_FIN_ACK : P_FIN;
	}
	if (!covers)
		return P_ACK;
	return p->peer_fin_acked ? P_ACK_FIN_DONE : P_ACK_FIN;
}

static enum peer_event event_of_weir(struct peerstate *p, const struct weir_trace_record *r)
{
	bool covers;

	if (r->seg_flags & WEIR_TCP_RST)
		return W_RST;
	if (r->seg_flags & WEIR_TCP_SYN && r->seg_flags & WEIR_TCP_ACK)
		return p->our_syn_sent ? W_SYNACK_BOTH : W_SYNACK;
	if (r->seg_flags & WEIR_TCP_SYN) {
		p->our_syn_sent = true;
		return W_SYN;
	}
	if (!(r->seg_flags & WEIR_TCP_ACK))
		return EVENT_NONE;
	covers = p->peer_fin_seen && seqrel_reaches(r->ack, p->peer_fin_end);
	p->peer_fin_acked = p->peer_fin_acked || covers;
	if (r->seg_flags & WEIR_TCP_FIN) {
		p->our_fin_sent = true;
		p->our_fin_end = r->seq + r->payload_len + 1;
		return covers ? W_FIN_ACK : W_FIN;
	}
	if (!covers)
		return W_ACK;
	return p->our_fin_sent ? W_ACK_BOTH : W_ACK_FIN;
}

void peerstate_step(struct peerstate *p, const struct weir_trace_record *r)
{
	enum peer_event ev = EVENT_NONE;

	if (!r->is_tcp)
		return;
	if (r->kind == WEIR_TRACE_IN && verdict_is_evidence(r->verdict))
		ev = event_of_peer(p, r);
	else if (r->kind == WEIR_TRACE_OUT)
		ev = event_of_weir(p, r);
	if (ev != EVENT_NONE && after[p->state][ev] != 0)
		p->state = after[p->state][ev];
}

const char *peerstate_name(uint8_t state)
{
	return state == UNKNOWN ? "?" : weir_state_name((enum weir_state)(state - 1));
}
