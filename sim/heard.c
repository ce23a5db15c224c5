/*
 * heard.c: what an end has heard: everything that it may know of its peer.
 *
 * Theory of operation
 *
 * When a frame reaches a host and is not damaged beyond use, the life that now has its endpoints at
 * that host (talk.h) has heard it. What may be concluded from that is kept, and what the end then
 * says and does is judged by it (tap.c, model.c):
 *
 *   heard    which of the peer's bytes, SYN and FIN have come in: no more can be acknowledged
 *   limit    the rightmost window edge that the peer has offered
 *   acked    the highest acknowledgement: no later state can have been reached without it
 *   credit   acknowledgements that may let a segment out beyond the congestion window
 *   owes_ack data came in that no segment has answered since
 *
 * A frame carries the number of the life that sent it, which no host can see. Bytes count only if
 * they come from the peer's present life, the one whose ISN this end has acknowledged: so whoever
 * acknowledges a segment of an earlier incarnation acknowledges what has never come in. Numbers
 * that a host must judge by themselves (acknowledgements, windows) count wherever they come from.
 */
#include "sim/icmp.h"
#include "sim/tap.h"

#include <string.h>

#define ACK_DELAY_MAX_NS 500000000u /* RFC 9293 MUST-40 */

struct hearing {
	struct sim_oracle *o;
	const struct sim_talks *talks;
	struct sim_talk *talk;     /* of the life that hears */
	unsigned side;             /* that hears */
	struct sim_wire_end *me;   /* it */
	struct sim_wire_end *peer; /* the life that sent it; NULL: forged */
	const struct tcp_seg *seg;
	bool ours; /* the two belong to one connection */
};

/* --- Bytes -------------------------------------------------------------------------------------
 */

uint32_t sim_heard_edge(const struct sim_wire_end *me)
{
	return me->heard_count > 0 && me->heard[0].from == 0 ? me->heard[0].to : 0;
}

/* Adds [from, to) to the pieces, joining what touches. */
static void add_span(struct sim_wire_end *me, uint32_t from, uint32_t to)
{
	uint32_t i = 0, n;

	while (i < me->heard_count && me->heard[i].to < from)
		i++;
	for (n = i; n < me->heard_count && me->heard[n].from <= to; n++) {
		from = me->heard[n].from < from ? me->heard[n].from : from;
		to = me->heard[n].to > to ? me->heard[n].to : to;
	}
	if (n == i && me->heard_count == SIM_SPANS_MAX) {
		me->heard_all = true;
		return;
	}
	memmove(&me->heard[i + 1], &me->heard[n], (me->heard_count - n) * sizeof(me->heard[0]));
	me->heard_count = me->heard_count - n + i + 1;
	me->heard[i] = (struct sim_span){from, to};
}

void sim_heard_syn(struct sim_wire_end *me)
{
	add_span(me, 0, 1);
}

static void hear_bytes(const struct hearing *h)
{
	uint32_t from = h->seg->seq.v - h->peer->iss;

	if (tcp_seg_len(h->seg) != 0)
		add_span(h->me, from, from + tcp_seg_len(h->seg));
}

/* --- Acknowledgements --------------------------------------------------------------------------
 */

static void hear_ack(const struct hearing *h)
{
	struct sim_wire_end *me = h->me;
	seq_t ack = h->seg->ack;
	bool more;

	if (!(h->seg->flags & TCP_ACK) || seq_leq(ack, seq_make(me->iss)) ||
	    seq_gt(ack, seq_make(me->nxt)))
		return;
	more = !me->has_acked || seq_gt(ack, seq_make(me->acked));
	me->credit++;
	if (more)
		me->acked = ack.v;
	else
		me->credit_until = me->nxt;
	me->has_acked = true;
}

/* Data has come in: an answer is due. */
static void owe_ack(const struct hearing *h)
{
	struct sim_wire_end *me = h->me;
	const struct sim_end *e = &h->talk->end[h->side];
	bool over = h->peer->has_fin && seq_gt(seq_make(me->ack), seq_make(h->peer->fin));

	/* What acknowledges less than the window allows is thrown away, and not always answered
	 * (RFC 5961 5.2 and 7). */
	if (me->has_acked && seq_lt(h->seg->ack, seq_make(me->acked)))
		return;
	/* After the end of the stream only old duplicates come, which TIME-WAIT answers seldom. */
	if (e->phase != SIM_PHASE_OPEN || e->closed || over) {
		me->owes_ack = false;
		return;
	}
	if (!me->owes_ack)
		me->owes_since = h->o->now;
	else if (h->o->now - me->owes_since > ACK_DELAY_MAX_NS)
		sim_oracle_fail_talk(h->o, h->talk, h->side, "data is not acknowledged",
				     "wire: data of %llu ms ago is not acknowledged",
				     (unsigned long long)((h->o->now - me->owes_since) / 1000000));
	me->owes_ack = me->has_data = true;
}

static void hear_fin(const struct hearing *h)
{
	struct sim_wire_end *me = h->me;

	if (!(h->seg->flags & TCP_FIN))
		return;
	if (me->fin_at != 0 && h->o->now - me->fin_at > me->fin_gap_ns)
		me->fin_gap_ns = h->o->now - me->fin_at;
	me->fin_at = h->o->now;
}

/* --- Windows -----------------------------------------------------------------------------------
 */

static void hear_window(const struct hearing *h)
{
	const struct tcp_seg *seg = h->seg;
	struct sim_wire_end *me = h->me;
	const struct sim_wire_end *sender = h->peer != NULL ? h->peer : &h->talk->wire[!h->side];
	uint32_t edge;

	/* What acknowledges nothing of ours comes from an older life. */
	if ((seg->flags & TCP_ACK) &&
	    (seq_leq(seg->ack, seq_make(me->iss)) || seq_gt(seg->ack, seq_make(me->nxt))))
		return;
	/* A SYN alone offers its window from our first byte on (simultaneous open). */
	edge = seg->flags & TCP_ACK ? seg->ack.v : me->iss + 1;
	edge += sim_wire_window(sender, me, seg);
	if (!me->has_limit || seq_gt(seq_make(edge), seq_make(me->limit)))
		me->limit = edge;
	me->has_limit = true;
}

/* --- The tap -----------------------------------------------------------------------------------
 */

/* Do the two lives belong to one connection, as far as the numbers that they have said tell? */
static bool joined(const struct sim_wire_end *me, const struct sim_wire_end *peer)
{
	if (me->has_irs && me->irs != peer->iss)
		return false;
	return !peer->has_irs || peer->irs == me->iss;
}

static void hear(struct hearing *h)
{
	if (h->seg->flags & TCP_RST) {
		h->me->rst_heard = true;
		return;
	}
	h->ours = h->peer != NULL && joined(h->me, h->peer);
	if (h->ours) {
		hear_bytes(h);
		hear_fin(h);
		if (h->seg->len != 0)
			owe_ack(h);
	}
	hear_ack(h);
	if (h->ours || h->peer == NULL)
		hear_window(h);
}

/* An ICMP error: for whoever sent what it quotes. */
static void hear_icmp(const struct sim_talks *talks, const struct sim_packet *pk)
{
	struct weir_endpoint from, to;
	struct sim_talk *talk;
	unsigned side;

	if (!sim_icmp_quoted(pk, &from, &to))
		return;
	talk = sim_talks_find(talks, &from, &to, &side);
	if (talk != NULL)
		talk = sim_talks_owner(talks, talk, side);
	if (talk != NULL)
		talk->wire[side].icmp_heard = true;
}

/* May it complete a handshake? */
static bool is_third(const struct hearing *h)
{
	enum sim_phase phase = h->talk->end[1].phase;

	return h->side == 1 && (phase == SIM_PHASE_NONE || phase == SIM_PHASE_ENDED) &&
	       (h->seg->flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK;
}

void sim_tap_arrived(struct sim_oracle *o, struct sim_talks *talks, const struct sim_frame *f,
		     enum sim_maker maker)
{
	struct sim_packet pk;
	struct hearing h = {.o = o, .talks = talks, .seg = &pk.tcp};
	struct sim_talk *talk;

	if (sim_packet_read(&pk, f) != SIM_PACKET_TCP) {
		if (pk.kind == SIM_PACKET_OTHER)
			hear_icmp(talks, &pk);
		return;
	}
	talk = sim_talks_find(talks, &pk.dst, &pk.src, &h.side);
	if (talk == NULL)
		return;
	if (f->life != 0 && maker == SIM_MAKER_HOST)
		h.peer = sim_life_of_number(talks, talk, !h.side, f->life);
	if (h.peer != NULL && (pk.tcp.flags & TCP_SYN)) {
		h.peer->syn_heard = true;
		h.peer->syn_heard_boot = talks->boot[talk->spec.host[h.side]];
	}
	h.talk = sim_talks_owner(talks, talk, h.side);
	if (h.talk == NULL)
		return;
	if (is_third(&h)) {
		sim_life_choose(talks, talk, h.side, pk.tcp.ack.v - 1);
		h.talk = sim_talks_owner(talks, talk, h.side);
	}
	h.me = &h.talk->wire[h.side];
	hear(&h);
}
