/*
 * tap.c: the wire's half of the oracle: every segment, as it leaves its device.
 *
 * Theory of operation
 *
 * Each frame is seen twice: when it leaves a host, before its link does anything to it, where
 * everything is judged (here); and when it arrives, where it is noted what the other end can know
 * from then on (heard.c). For each life of each end (talk.h) it is kept what that end has said and
 * heard so far (struct sim_wire_end), from which the next segment is judged:
 *
 * - form: checksums and lengths right; no combination of flags that means nothing, those of ECN on
 *   SYNs among them (RFC 9768 3.1.3); reserved bits zero; SYN's options on SYNs only; timestamps on
 *   all segments but RST or on none, SACK blocks only as negotiated (RFC 7323 3.2, RFC 2018 3);
 *   payload and options within the MSS that the peer announced (RFC 6691), or within 536 or 1220
 *   bytes if it announced none (RFC 9293 MUST-15);
 * - sequence: data and FIN continue what was sent before, without a hole; the bytes are those that
 *   the application gave, and the FIN stands right behind the last of them; nothing is acknowledged
 *   that the peer has not sent, or that has not come in, and no acknowledgement goes back;
 * - windows: the right edge (acknowledgement + window, scaled) never moves left (RFC 9293 3.8.6),
 *   and nothing is sent beyond the rightmost edge that has arrived from the peer, but one sequence
 * number that stands right at the edge: a window probe (RFC 9293 3.8.6.1).
 *
 *   It lies no further right than the buffer reaches beyond what the application has read.
 *   The edge moves right by at least half the buffer or a segment (RFC 9293 MUST-39), or by what
 *   rounding makes of it;
 * - acknowledgements: data that came in is answered by some segment within 0.5 s (MUST-40).
 *
 * After the peer's FIN is acknowledged its window means nothing and is not judged. An RST is judged
 * by its form alone: it answers for whoever got the segment.
 *
 * Whose segment it is. A host has one owner for a pair of endpoints at a time, so a segment is of
 * the life that was begun last at that host since its last boot. A SYN with another ISN begins a
 * life: with an ACK it answers the SYN whose number it acknowledges, without one it is of the talk
 * that is being opened. The peer of a life is the life whose ISN it has acknowledged. A segment
 * that belongs to no talk, or to no life since the host's boot, is a failure: nobody should have
 * sent it.
 */
#include "sim/rng.h"
#include "sim/tap.h"

#define MSS_DEFAULT_IP4   536u
#define MSS_DEFAULT_IP6   1220u
#define SEGMENT_LEAST     536u /* what a receiver may take for the size of segments */
#define TS_OPTION         12u
#define CRUMBS_MAX        32768u /* what rounding up may add: core/tcp/window.c */
#define TCP_RESERVED_BITS 0x0eu  /* of the byte that holds the data offset and AE */

struct tapped {
	struct sim_oracle *o;
	struct sim_talks *talks;
	struct sim_talk *newest; /* between these endpoints */
	struct sim_talk *talk;   /* whose segment it is */
	unsigned side;           /* the sender */
	const struct sim_packet *pk;
	const struct tcp_seg *seg;
	struct sim_wire_end *me;
	const struct sim_wire_end *peer; /* all zero: not known yet */
};

static void fail(const struct tapped *t, const char *what, uint32_t value)
{
	sim_oracle_fail_talk(t->o, t->talk, t->side, what,
			     "wire: %s (%u); seq %u ack %u len %u flags 0x%02x", what, value,
			     t->seg->seq.v - t->me->iss, t->seg->ack.v - t->peer->iss, t->seg->len,
			     t->seg->flags);
}

/* --- Form --------------------------------------------------------------------------------------
 */

/* RFC 9768 3.1.3: what no SYN or SYN-ACK may carry; and an RST carries none. */
static void judge_ecn(const struct tapped *t)
{
	static const uint8_t syn = 1 << 0 | 1 << 3 | 1 << 7;
	static const uint8_t synack = (uint8_t) ~(1 << 5 | 1 << 7);
	uint8_t flags = t->seg->flags;
	unsigned ace = tcp_ace(t->seg);

	if ((flags & TCP_RST) && ace != 0)
		fail(t, "an RST with flags of ECN", ace);
	if (flags & TCP_SYN && !((flags & TCP_ACK ? synack : syn) >> ace & 1))
		fail(t, "flags of ECN that are reserved", ace);
}

static void judge_flags(const struct tapped *t, const struct sim_frame *f)
{
	uint8_t flags = t->seg->flags;

	if (f->bytes[t->pk->l4_start + 12] & TCP_RESERVED_BITS)
		fail(t, "reserved bits set", f->bytes[t->pk->l4_start + 12]);
	judge_ecn(t);
	if ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST)))
		fail(t, "SYN with FIN or RST", flags);
	if (!(flags & (TCP_SYN | TCP_RST | TCP_ACK)))
		fail(t, "neither ACK, SYN nor RST", flags);
	if ((flags & (TCP_SYN | TCP_RST)) && t->seg->len != 0)
		fail(t, "payload on SYN or RST", t->seg->len);
	if (!(flags & TCP_URG) && t->seg->urgent != 0)
		fail(t, "urgent pointer without URG", t->seg->urgent);
	if (t->pk->hop_limit == 0 || t->seg->src_port == 0 || t->seg->dst_port == 0)
		fail(t, "TTL or a port is zero", t->pk->hop_limit);
}

static void judge_options(const struct tapped *t)
{
	const struct tcp_opts *o = &t->seg->opts;
	bool ts = t->me->has_ts && t->peer->has_ts;
	bool sack = t->me->has_sack && t->peer->has_sack;

	if (t->seg->flags & (TCP_SYN | TCP_RST))
		return;
	if (o->has_mss || o->has_wscale || o->sack_permitted)
		fail(t, "an option of SYNs on another segment", t->seg->hdr_len);
	if (o->has_ts != ts)
		fail(t, ts ? "timestamp missing" : "timestamp though not negotiated", o->ts_val);
	if (o->sack_count != 0 && !sack)
		fail(t, "SACK blocks though not negotiated", o->sack_count);
	for (unsigned i = 0; i < o->sack_count; i++)
		if (!seq_lt(o->sack[i].lo, o->sack[i].hi) ||
		    seq_gt(o->sack[i].hi, seq_make(t->peer->nxt)))
			fail(t, "SACK block of what was never sent",
			     o->sack[i].hi.v - t->peer->iss);
}

static void judge_size(const struct tapped *t, const struct sim_frame *f)
{
	uint32_t len = f->gso_size != 0 && f->gso_size < t->seg->len ? f->gso_size : t->seg->len;
	uint32_t sum = len + t->seg->hdr_len - TCP_HDR_LEN;

	if (len != 0 && t->peer->has_syn && sum > t->peer->mss)
		fail(t, "larger than the peer's MSS", sum);
}

/* --- SYNs --------------------------------------------------------------------------------------
 */

static void begin_life(struct tapped *t)
{
	const struct tcp_opts *o = &t->seg->opts;
	struct sim_wire_end *me =
		sim_life_begin(t->talks, t->talk, t->side, t->seg->seq.v, t->o->now);

	if (!(t->seg->flags & TCP_ACK))
		t->talk->end[t->side].life = me->life;
	me->has_wscale = o->has_wscale;
	me->wscale = o->wscale;
	me->has_ts = o->has_ts;
	me->has_sack = o->sack_permitted;
	me->mss = o->mss;
	if (!o->has_mss)
		me->mss = t->pk->src.addr.family == 4 ? MSS_DEFAULT_IP4 : MSS_DEFAULT_IP6;
}

/* The latest talk that its side is opening; the latest at all if none is. */
static struct sim_talk *being_opened(const struct tapped *t)
{
	for (struct sim_talk *k = t->newest; k != NULL; k = sim_talks_older(t->talks, k))
		if (k->end[t->side].phase == SIM_PHASE_OPENING)
			return k;
	return t->newest;
}

/* --- Whose segment it is -----------------------------------------------------------------------
 */

static void find_talk(struct tapped *t)
{
	struct sim_talk *owner;

	if (t->side == 1 && !(t->seg->flags & (TCP_SYN | TCP_RST)))
		sim_life_choose(t->talks, t->newest, t->side, t->seg->seq.v - 1);
	owner = sim_talks_owner(t->talks, t->newest, t->side);
	t->talk = owner != NULL ? owner : t->newest;
	if (!(t->seg->flags & TCP_SYN) || (t->seg->flags & TCP_RST))
		return;
	if (owner != NULL && owner->wire[t->side].iss == t->seg->seq.v)
		return;
	if (!(t->seg->flags & TCP_ACK))
		t->talk = being_opened(t);
	else if (sim_life_of_isn(t->talks, t->newest, !t->side, t->seg->ack.v - 1, &t->talk) ==
		 NULL)
		t->talk = t->newest; /* which judge_ack() will find out */
	begin_life(t);
}

static void find_life(struct tapped *t)
{
	static const struct sim_wire_end unknown;
	struct sim_talk *where;

	t->me = &t->talk->wire[t->side];
	t->peer = &unknown;
	if (t->seg->flags & TCP_RST)
		return;
	if (!t->me->has_irs && (t->seg->flags & TCP_ACK)) {
		t->me->irs = t->seg->ack.v - 1;
		t->me->has_irs = true;
	}
	if (t->me->has_irs)
		t->peer = sim_life_of_isn(t->talks, t->newest, !t->side, t->me->irs, &where);
	if (t->peer == NULL)
		t->peer = &unknown;
	if ((t->seg->flags & TCP_SYN) && t->peer->syn_heard &&
	    t->peer->syn_heard_boot == t->me->boot)
		sim_heard_syn(t->me);
}

/* --- Windows -----------------------------------------------------------------------------------
 */

/* The edge moves in steps that are worth a segment (RFC 9293 MUST-39), or not at all. */
static void judge_step(const struct tapped *t, uint32_t step, uint32_t crumb)
{
	uint32_t half = t->talk->end[t->side].rcvbuf_least / 2;
	uint32_t least = t->me->mss - TS_OPTION;

	if (least > SEGMENT_LEAST)
		least = SEGMENT_LEAST;
	if (half == 0 || !t->me->has_data || t->seg->wnd == 65535)
		return; /* the field holds no more: the edge goes with each byte */
	if (half < least)
		least = half;
	/* The field may be rounded down where it was seen last, and up here. */
	if (step > 2 * crumb && step + crumb < least)
		fail(t, "a silly window: the edge moves by little", step);
}

/* No more is offered than the buffer holds beyond what was read: back-pressure works. */
static void judge_offer(const struct tapped *t, uint32_t edge, uint32_t crumb)
{
	const struct sim_end *e = &t->talk->end[t->side];
	uint64_t most = e->got + e->rcvbuf + (crumb != 0 ? CRUMBS_MAX : 0);

	if (e->rcvbuf != 0 && !e->closed && edge - t->peer->iss - 1 > most)
		fail(t, "the window is larger than the buffer", (uint32_t)most);
}

static void judge_edge(const struct tapped *t)
{
	uint32_t edge = t->seg->ack.v + sim_wire_window(t->me, t->peer, t->seg);
	bool over = t->peer->has_fin && seq_gt(t->seg->ack, seq_make(t->peer->fin));
	bool scaled = t->me->has_wscale && t->peer->has_wscale;
	uint32_t crumb = scaled ? (1u << t->me->wscale) - 1 : 0;

	if (t->me->has_edge && !over && seq_lt(seq_make(edge + crumb), seq_make(t->me->edge)))
		fail(t, "the window's right edge moves left", t->me->edge - edge);
	if (!over)
		judge_offer(t, edge, crumb);
	if (t->me->has_edge && !over && seq_gt(seq_make(edge), seq_make(t->me->edge)))
		judge_step(t, edge - t->me->edge, crumb);
	if (!t->me->has_edge || seq_gt(seq_make(edge), seq_make(t->me->edge)))
		t->me->edge = edge;
	t->me->has_edge = true;
}

static void judge_limit(const struct tapped *t, uint32_t end)
{
	bool probe;

	if (!t->me->has_limit) {
		fail(t, "data before the peer's window can be known", t->seg->len);
		return;
	}
	probe = t->seg->seq.v == t->me->limit && end - t->seg->seq.v == 1;
	if (seq_gt(seq_make(end), seq_make(t->me->limit)) && !probe)
		fail(t, "beyond the peer's window", end - t->me->limit);
}

/* --- Sequence ----------------------------------------------------------------------------------
 */

static void judge_payload(const struct tapped *t)
{
	const struct sim_end *e = &t->talk->end[t->side];
	uint32_t offset = t->seg->seq.v - t->me->iss - 1;
	uint32_t end = offset + t->seg->len;

	if (end > e->given)
		fail(t, "more than the application gave", (uint32_t)e->given);
	else if (sim_pattern_compare(e->key, offset, t->seg->payload, t->seg->len) != t->seg->len)
		fail(t, "not the application's bytes; offset", offset);
	if ((t->seg->flags & TCP_FIN) && (!e->fin_given || end != e->given))
		fail(t, "FIN not behind the last byte", (uint32_t)e->given);
}

static void judge_sequence(const struct tapped *t)
{
	uint32_t end = t->seg->seq.v + tcp_seg_len(t->seg);

	if (seq_gt(t->seg->seq, seq_make(t->me->nxt)))
		fail(t, "a hole before", t->seg->seq.v - t->me->nxt);
	if (t->seg->len != 0 || (t->seg->flags & TCP_FIN)) {
		judge_limit(t, end);
		judge_payload(t);
	}
	if (t->seg->len > t->me->len_max)
		t->me->len_max = t->seg->len;
	if (tcp_seg_len(t->seg) != 0)
		t->me->stirred_at = t->o->now;
	if (seq_gt(seq_make(end), seq_make(t->me->nxt))) {
		t->me->nxt = end;
		t->o->sent_talk = t->seg->len != 0 ? t->talk : t->o->sent_talk;
		t->o->sent_side = t->side;
	}
	if (t->seg->flags & TCP_FIN) {
		t->me->has_fin = true;
		t->me->fin = end - 1;
	}
}

static void judge_ack(const struct tapped *t)
{
	if (!t->peer->has_syn || seq_gt(t->seg->ack, seq_make(t->peer->nxt)))
		fail(t, "acknowledges what was never sent", t->seg->ack.v - t->peer->nxt);
	if (t->me->has_ack && seq_lt(t->seg->ack, seq_make(t->me->ack)))
		fail(t, "acknowledgement goes back", t->me->ack - t->seg->ack.v);
	if (!t->me->heard_all && t->seg->ack.v - t->peer->iss > sim_heard_edge(t->me))
		fail(t, "acknowledges what has not come in", sim_heard_edge(t->me));
	t->me->has_ack = true;
	t->me->ack = t->seg->ack.v;
}

/* --- The tap -----------------------------------------------------------------------------------
 */

/* A SYN cookie is the same for the same SYN: a late duplicate draws, when the connection is over,
 * the SYN-ACK of its life again. Nobody stands behind that. */
static bool is_cookie_again(const struct tapped *t)
{
	const struct sim_end *e = &t->talk->end[t->side];

	const struct sim_wire_end *me = t->me, *peer = t->peer;
	bool over = e->phase == SIM_PHASE_ENDED || e->state == WEIR_STATE_CLOSED || e->lost;

	if (me->has_fin && me->has_acked && peer->has_fin) /* ... or all was said */
		over |= seq_gt(seq_make(me->acked), seq_make(me->fin)) &&
			seq_gt(seq_make(me->ack), seq_make(peer->fin));
	return (t->seg->flags & TCP_SYN) && (t->seg->flags & TCP_ACK) && t->me->has_ack &&
	       t->seg->seq.v == t->me->iss && over;
}

static void judge(const struct tapped *t, const struct sim_frame *f)
{
	judge_flags(t, f);
	t->me->owes_ack = false;
	if (t->seg->flags & TCP_RST)
		return;
	if (t->me->life == 0 || t->me->boot != t->talks->boot[t->talk->spec.host[t->side]])
		fail(t, "a segment of no life since the host's boot", t->me->boot);
	judge_options(t);
	judge_size(t, f);
	if (is_cookie_again(t))
		return;
	if (t->seg->flags & TCP_ACK) {
		judge_ack(t);
		judge_edge(t);
	}
	judge_sequence(t);
}

void sim_tap_sent(struct sim_oracle *o, struct sim_talks *talks, struct sim_frame *f)
{
	struct sim_packet pk;
	struct tapped t = {.o = o, .talks = talks, .pk = &pk, .seg = &pk.tcp};

	switch (sim_packet_read(&pk, f)) {
	case SIM_PACKET_OTHER:
		return;
	case SIM_PACKET_BAD:
		sim_oracle_fail(o, "wire: %s", pk.fault);
		return;
	case SIM_PACKET_TCP:
		break;
	}
	t.newest = sim_talks_find(talks, &pk.src, &pk.dst, &t.side);
	if (t.newest == NULL) {
		sim_oracle_fail(o, "wire: a segment of no connection, port %u to %u, flags 0x%02x",
				pk.src.port, pk.dst.port, pk.tcp.flags);
		return;
	}
	find_talk(&t);
	find_life(&t);
	f->life = t.me->life;
	judge(&t, f);
}
