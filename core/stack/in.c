/*
 * Theory of operation
 *
 * weir_input(): bytes become an ip_packet, a tcp_seg and a tuple; the tuple has exactly one owner
 * or none; the owner's step gives the verdict. Every path ends here with one verdict, which is
 * counted and traced here and nowhere else. Nothing is sent: answers wait in the replies' ring and
 * in the connections until weir_output().
 *
 * The tuple is hashed once (demux_hash()); the look-up, the offset of its timestamps and a SYN
 * cookie for it all come from that hash.
 *
 * Fragments are kept in net/reasm; with the last one the frame is replaced by the whole packet,
 * which the trace shows instead of the last piece.
 */
#include "stack/in.h"

#include <string.h>

#include "stack/admit.h"
#include "stack/conns.h"
#include "stack/cookies.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/listeners.h"
#include "stack/reply.h"
#include "stack/timewaits.h"
#include "tcp/input.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/udp.h"

static enum weir_state after_syn(const struct stack_in *in)
{
	uint32_t ref;

	if (in->s->cfg.handshake_ways == 3)
		return WEIR_STATE_SYN_RECEIVED;
	ref = demux_find(in->s, &in->tuple);
	return ref_kind(ref) == REF_CONN ? WEIR_STATE_ESTABLISHED : WEIR_STATE_SYN_RECEIVED;
}

static enum weir_counter to_conn(struct stack_in *in, struct conn *c)
{
	struct tcp_in t = {
		.env = &in->s->env,
		.t = &c->tcb,
		.seg = in->seg,
		.now = in->s->now,
		.no_echo = in->by_cookie,
		.ce = in->seg.ip_ecn == 3,
	};

	in->note.flow = c->flow;
	in->note.wscale = c->tcb.snd_wscale;
	tcp_input(&t);
	in->note.after = c->tcb.state;
	in->note.iss = c->tcb.snd.iss.v;
	in->note.irs = c->tcb.rcv.irs.v;
	in->note.t = &c->tcb;
	if (t.answer)
		reply_reset_ack(in->s, &in->tuple, t.answer_seq, &in->seg, c->flow, c->tcb.state);
	conn_settle(in->s, c);
	return t.verdict;
}

/* `used`: what the ACK of a cookie that was used acknowledged; NULL: none. */
static enum weir_counter ack_to_listener(struct stack_in *in, struct listener *l, const seq_t *used)
{
	struct conn *c = NULL;
	struct newcomer n = {.tuple = &in->tuple, .hash = in->hash, .seg = &in->seg};
	enum weir_counter verdict = cookies_take(in->s, l, &n, used, &c);

	if (c) {
		in->by_cookie = true;
		return to_conn(in, c);
	}
	if (verdict != WEIR_CTR_ACCEPT_FULL && verdict != WEIR_CTR_HALF_NO_CONN)
		reply_reset_seg(in->s, &in->tuple, &in->seg, 0);
	return verdict;
}

static inline enum weir_counter syn_to_listener(struct stack_in *in, struct listener *l,
						const seq_t *isn)
{
	struct newcomer n = {.tuple = &in->tuple, .hash = in->hash, .seg = &in->seg};
	enum weir_counter verdict = admit_syn(in->s, l, &n, isn, &in->note.flow);

	if (in->note.flow)
		in->note.after = after_syn(in);
	in->note.irs = in->seg.seq.v;
	return verdict;
}

static inline enum weir_counter to_listener(struct stack_in *in, struct listener *l,
					    const seq_t *used)
{
	in->note.before = in->note.after = WEIR_STATE_LISTEN;
	if (in->seg.flags & TCP_RST)
		return WEIR_CTR_LISTEN_RST;
	if (in->seg.flags & TCP_ACK)
		return ack_to_listener(in, l, used);
	if (in->seg.flags & TCP_SYN)
		return syn_to_listener(in, l, NULL);
	return WEIR_CTR_LISTEN_STRAY;
}

/* Is somebody here for its destination? */
static bool is_for_us(const struct stack_in *in)
{
	return in->ours || listeners_take_foreign(in->s);
}

static inline enum weir_counter to_nobody(struct stack_in *in, const seq_t *used)
{
	struct listener *l = listeners_find(in->s, &in->tuple.local);

	if (!is_for_us(in))
		return WEIR_CTR_IP_NOT_OURS;
	if (l)
		return to_listener(in, l, used);
	if (in->seg.flags & TCP_RST)
		return WEIR_CTR_NO_OWNER_RST;
	reply_reset_seg(in->s, &in->tuple, &in->seg, 0);
	return WEIR_CTR_NO_OWNER;
}

/* Its SYN came twice and was answered with a cookie, too, and it is the cookie that is taken. */
static bool is_for_cookie(const struct stack_in *in, const struct half_slot *h)
{
	const struct tcp_seg *seg = &in->seg;
	struct newcomer n = {.tuple = &in->tuple, .hash = in->hash, .seg = seg};

	return (seg->flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK &&
	       seq_eq(seg->seq, seq_add(h->half.irs, 1)) &&
	       !seq_eq(seg->ack, seq_add(h->half.iss, 1)) &&
	       cookies_good(in->s, &in->s->listeners[h->listener], &n);
}

static enum weir_counter to_half(struct stack_in *in, uint32_t slot)
{
	const struct half_slot *h = half_at(in->s, slot);
	struct conn *c = NULL;
	enum weir_counter verdict;

	if (is_for_cookie(in, h)) {
		struct listener *l = &in->s->listeners[h->listener];

		halfs_end(in->s, slot, WEIR_ABORTED, WEIR_CTR_HALF_COOKIE);
		return ack_to_listener(in, l, NULL);
	}
	in->note.flow = h->flow;
	in->note.iss = h->half.iss.v;
	in->note.irs = h->half.irs.v;
	in->note.wscale = h->half.snd_wscale;
	in->note.before = in->note.after = WEIR_STATE_SYN_RECEIVED;
	verdict = halfs_input(in->s, slot, &in->tuple, &in->seg, &c);
	if (c)
		return to_conn(in, c);
	if (demux_find(in->s, &in->tuple) == REF_NONE)
		in->note.after = WEIR_STATE_LISTEN;
	return verdict;
}

/* A record that only remembers the use of a cookie: nobody owns the tuple, but that ACK. */
static enum weir_counter to_used(struct stack_in *in, uint32_t slot, seq_t used)
{
	enum weir_counter verdict = to_nobody(in, &used);

	if (demux_find(in->s, &in->tuple) != ref_make(REF_TIMEWAIT, slot))
		timewaits_end(in->s, slot, WEIR_CTR_TIMEWAIT_SYN);
	return verdict;
}

static enum weir_counter to_timewait(struct stack_in *in, uint32_t slot)
{
	const struct timewait_slot *w = pool_at(&in->s->timewaits, slot);
	enum weir_counter verdict;
	seq_t isn;

	if (w->tw.flags & TIMEWAIT_USED)
		return to_used(in, slot, w->tw.snd_nxt);
	in->note.before = in->note.after = WEIR_STATE_TIME_WAIT;
	in->note.flow = w->flow;
	switch (timewaits_input(in->s, slot, &in->tuple, &in->seg, &verdict, &isn)) {
	case TIMEWAIT_DO_NOTHING:
	case TIMEWAIT_DO_ACK:
	case TIMEWAIT_DO_RESTART:
		break;
	case TIMEWAIT_DO_END:
		in->note.after = WEIR_STATE_CLOSED;
		break;
	case TIMEWAIT_DO_REUSE:
		in->note.flow = 0;
		verdict = syn_to_listener(in, listeners_find(in->s, &in->tuple.local), &isn);
		if (!in->note.flow)
			in->note.after = WEIR_STATE_LISTEN;
		if (verdict == WEIR_CTR_ACCEPTED)
			verdict = WEIR_CTR_TIMEWAIT_SYN;
		break;
	}
	return verdict;
}

/* RFC9293-MUST-3: before any field of the segment is used. */
static bool checksum_good(const struct stack_in *in)
{
	const struct ip_packet *p = &in->pkt;
	uint64_t sum;

	if (in->frame->flags & WEIR_FRAME_CSUM_OK)
		return true;
	sum = csum_add_pseudo(0, p->src.bytes, p->dst.bytes, netif_addr_len(p->src.family),
			      (uint32_t)p->len, IP_PROTO_TCP);
	return csum_good(csum_add(sum, p->payload, p->len));
}

static enum weir_counter in_tcp(struct stack_in *in)
{
	struct weir_stack *s = in->s;
	uint32_t ref;

	if (!checksum_good(in))
		return WEIR_CTR_TCP_CHECKSUM;
	if (tcp_parse(&in->seg, in->pkt.payload, in->pkt.len))
		return WEIR_CTR_TCP_MALFORMED;
	in->seg.gso_size = in->frame->gso_size;
	in->seg.ip_ecn = in->pkt.tos & 3;
	in->is_tcp = true;
	in->tuple.local.port = in->seg.dst_port;
	in->tuple.remote.port = in->seg.src_port;
	in->hash = demux_hash(s, &in->tuple);
	ref = demux_find_hashed(s, in->hash, &in->tuple);
	if (ref == REF_NONE)
		return to_nobody(in, NULL);
	switch (ref_kind(ref)) {
	case REF_CONN:
		in->note.before = ((struct conn *)pool_at(&s->conns, ref_slot(ref)))->tcb.state;
		return to_conn(in, pool_at(&s->conns, ref_slot(ref)));
	case REF_HALF:
		return to_half(in, ref_slot(ref));
	case REF_TIMEWAIT:
		return to_timewait(in, ref_slot(ref));
	}
	return WEIR_CTR_NO_OWNER;
}

/* RFC 1122 4.1.3.1: nobody listens on any UDP port. */
static enum weir_counter in_udp(struct stack_in *in)
{
	bool v4 = in->pkt.dst.family == 4;
	struct udp_hdr h;

	if (udp_parse(&h, in->pkt.payload, in->pkt.len))
		return WEIR_CTR_IP_PROTOCOL;
	in->tuple.local.port = h.dst_port;
	in->tuple.remote.port = h.src_port;
	reply_icmp(in->s, &in->tuple, v4 ? ICMP_UNREACH : ICMP6_UNREACH,
		   v4 ? ICMP_UNREACH_PORT : ICMP6_UNREACH_PORT, 0, in->pkt.head, in->pkt.head_len,
		   0);
	return WEIR_CTR_UDP_REFUSED;
}

/* The answer to a packet has its destination as source: one of ours, or with a catch-all listener
 * any that can be a source at all, so not ::, 0/8 or 127/8 (RFC 1122 3.2.1.3). */
static bool may_answer_from(const struct stack_in *in)
{
	const struct weir_addr *dst = &in->pkt.dst;

	if (in->ours)
		return true;
	return dst->family == 4 ? ip4_source_ok(dst->bytes) : ip6_source_ok(dst->bytes);
}

/* Four bytes as four bytes: they were written just before, and a wider load would have to wait. */
static inline void endpoint_set(struct weir_endpoint *e, const struct weir_addr *a)
{
	*e = (struct weir_endpoint){.addr.family = a->family};
	if (a->family == 4)
		memcpy(e->addr.bytes, a->bytes, 4);
	else
		memcpy(e->addr.bytes, a->bytes, 16);
}

/* Reads the IP header of the frame; answers what asks for it. */
static inline __attribute__((always_inline)) enum weir_counter in_header(struct stack_in *in)
{
	struct weir_stack *s = in->s;
	struct ip_packet *p = &in->pkt;
	enum weir_counter verdict = ip_in(p, in->frame->bytes, in->frame->len);

	endpoint_set(&in->tuple.local, &p->dst);
	endpoint_set(&in->tuple.remote, &p->src);
	in->ours = netif_is_ours(&s->netif, &p->dst);
	if (verdict == WEIR_CTR_IP6_HEADER && p->problem_off && may_answer_from(in) &&
	    is_for_us(in))
		reply_icmp(s, &in->tuple, ICMP6_PARAM_PROBLEM, p->problem_code, p->problem_off,
			   p->head, p->head_len, 0);
	return verdict;
}

/* The header of a packet that was put together. */
static __attribute__((noinline)) enum weir_counter in_whole(struct stack_in *in)
{
	enum weir_counter verdict = in_header(in);

	return verdict == WEIR_CTR_IP_FRAGMENT ? WEIR_CTR_FRAGMENT_DROPPED : verdict;
}

/* A piece of a packet for us. With the last one the frame becomes the whole packet, which may not
 * be a fragment again. */
static enum weir_counter in_fragment(struct stack_in *in)
{
	struct weir_stack *s = in->s;
	enum weir_counter verdict;

	if (!is_for_us(in))
		return WEIR_CTR_IP_NOT_OURS;
	verdict = reasm_put(&s->reasm, &in->pkt, s->now, &in->whole);
	if (verdict != WEIR_CTR_ACCEPTED)
		return verdict;
	in->frame = &in->whole;
	return in_whole(in);
}

static enum weir_counter in_packet(struct stack_in *in)
{
	struct weir_stack *s = in->s;
	struct ip_packet *p = &in->pkt;
	enum weir_counter verdict = in_header(in);

	if (verdict != WEIR_CTR_ACCEPTED && verdict != WEIR_CTR_IP_FRAGMENT)
		return verdict;
	if (!in->ours && netif_is_group(&s->netif, &p->dst))
		return WEIR_CTR_IP_GROUP; /* MUST-57 */
	if (netif_is_group(&s->netif, &p->src))
		return WEIR_CTR_IP_BAD_SOURCE; /* MUST-63 */
	if (!may_answer_from(in))
		return WEIR_CTR_IP_NOT_OURS;
	if (verdict == WEIR_CTR_IP_FRAGMENT) {
		verdict = in_fragment(in);
		if (verdict != WEIR_CTR_ACCEPTED)
			return verdict;
	}
	if (p->proto == IP_PROTO_TCP)
		return in_tcp(in);
	if (!is_for_us(in))
		return WEIR_CTR_IP_NOT_OURS;
	if (p->proto == IP_PROTO_UDP)
		return in_udp(in);
	if (p->proto == (p->dst.family == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6))
		return in_icmp(in);
	return WEIR_CTR_IP_PROTOCOL;
}

/* By fields: packet, segment and tuple are as long as all the rest together and are filled as they
 * are read. */
static inline void in_begin(struct stack_in *in, struct weir_stack *s, const struct weir_frame *f)
{
	in->s = s;
	in->frame = f;
	in->is_tcp = false;
	in->by_cookie = false;
	in->note = (struct trace_note){0};
}

enum weir_counter weir_input(struct weir_stack *s, const struct weir_frame *f, weir_time now)
{
	struct stack_in in;
	enum weir_counter verdict;

	in_begin(&in, s, f);
	stack_clock(s, now);
	++*stack_counter(s, WEIR_CTR_FRAMES_IN);
	verdict = in_packet(&in);
	++*stack_counter(s, verdict);
	if (s->cfg.trace) {
		in.note.verdict = verdict;
		trace_in(s, in.frame, &in.tuple, in.is_tcp ? &in.seg : NULL,
			 in.pkt.payload ? (size_t)(in.pkt.payload - in.frame->bytes) : 0, &in.note);
	}
	return verdict;
}
