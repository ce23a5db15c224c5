/*
 * Theory of operation
 *
 * weir_output() first runs what is due, then gives one packet: an answer that waits, or the next
 * segment of the next ready connection. Connections take turns, one packet each, so none starves.
 * A connection that has nothing to send leaves the ready list; whatever happens to it later puts it
 * back (conn_settle).
 *
 * SYN-ACKs of half-open records and of cookies wait as whole packets (synack.c) and are only
 * copied; while they are next and no timer was set since the last call, that is all that is done.
 *
 * Headers are written into the packet; payload is named as spans of the send queue, which stay
 * valid until the next call that changes the stack. The TCP checksum is computed here, over header
 * and spans, unless the link completes it.
 */
#include <string.h>

#include "net/ip_out.h"
#include "stack/conns.h"
#include "stack/halfs.h"
#include "stack/paths.h"
#include "stack/reply.h"
#include "stack/synack.h"
#include "stack/timewaits.h"
#include "stack/trace.h"
#include "tcp/emit.h"
#include "tcp/mtup.h"
#include "tcp/sndq.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

_Static_assert(IP6_HDR_LEN + ICMP_HDR_LEN + REPLY_BYTES_MAX <= WEIR_HEAD_MAX, "an ICMP error fits");
_Static_assert(IP6_HDR_LEN + TCP_HDR_MAX <= WEIR_HEAD_MAX, "and so do TCP's headers");

static void put_checksum(const struct weir_stack *s, struct weir_packet *p,
			 const struct weir_tuple *t, uint32_t tcp_len)
{
	uint64_t sum = csum_add_pseudo(0, t->local.addr.bytes, t->remote.addr.bytes,
				       netif_addr_len(t->local.addr.family), tcp_len, IP_PROTO_TCP);
	uint16_t field;
	uint32_t at = 0;

	p->csum_offset = TCP_CSUM_OFFSET;
	if (s->cfg.link_csum_offload) {
		p->flags |= WEIR_PACKET_CSUM_PARTIAL;
		field = csum_fold(sum);
	} else {
		sum = csum_add(sum, p->head + p->l4_start, (size_t)p->head_len - p->l4_start);
		for (unsigned i = 0; i < p->span_count; i++) {
			sum = at & 1 ? csum_add_odd(sum, p->span[i].bytes, p->span[i].len)
				     : csum_add(sum, p->span[i].bytes, p->span[i].len);
			at += (uint32_t)p->span[i].len;
		}
		field = csum_finish(sum);
	}
	memcpy(p->head + p->l4_start + TCP_CSUM_OFFSET, &field, 2);
}

#define ECN_ECT0 2u /* RFC 3168 5 */

struct out_ip {
	uint8_t dscp, ttl, ecn;
};

/* Writes both headers; the spans are in place already, seg->len bytes of them. */
static void put_headers(struct weir_stack *s, struct weir_packet *p, const struct weir_tuple *t,
			struct tcp_seg *seg, struct out_ip ip)
{
	size_t ip_len = ip_out_len(t->local.addr.family);
	struct ip_out o = {
		.src = &t->local.addr,
		.dst = &t->remote.addr,
		.proto = IP_PROTO_TCP,
		.ttl = ip.ttl,
		.tos = (uint8_t)(ip.dscp << 2 | ip.ecn),
	};

	seg->src_port = t->local.port;
	seg->dst_port = t->remote.port;
	p->l4_start = (uint16_t)ip_len;
	seg->hdr_len = (uint8_t)tcp_emit(p->head + ip_len, seg, stack_opt_order(s));
	o.len = seg->hdr_len + seg->len;
	ip_out_write(p->head, &o);
	p->head_len = (uint16_t)(ip_len + seg->hdr_len);
	p->total_len = p->head_len + seg->len;
	p->gso_size = seg->gso_size;
	put_checksum(s, p, t, o.len);
}

static void out_begin(struct weir_packet *p)
{
	p->head_len = 0;
	p->span_count = 0;
	p->flags = 0;
	p->gso_size = 0;
}

/* The message of `len` bytes is at `body`, in the head or elsewhere. */
static void out_icmp(struct weir_stack *s, struct weir_packet *p, const struct weir_tuple *t,
		     const uint8_t *body, size_t len, uint32_t flow)
{
	struct ip_out o = {
		.src = &t->local.addr,
		.dst = &t->remote.addr,
		.len = (uint32_t)len,
		.proto = t->local.addr.family == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6,
		.ttl = (uint8_t)s->cfg.ttl,
	};
	struct trace_note note = {.verdict = WEIR_CTR_SENT_ICMP, .flow = flow};

	p->l4_start = (uint16_t)ip_out_write(p->head, &o);
	p->head_len = p->l4_start;
	p->csum_offset = 2;
	if (body == p->head + p->l4_start) {
		p->head_len += (uint16_t)len;
	} else {
		p->span[0] = (struct weir_span){.bytes = body, .len = len};
		p->span_count = 1;
	}
	p->total_len = p->l4_start + (uint32_t)len;
	++*stack_counter(s, WEIR_CTR_SENT_ICMP);
	if (s->cfg.trace)
		trace_out(s, p, t, NULL, &note);
}

static void out_icmp_error(struct weir_stack *s, struct weir_packet *p, const struct reply *r)
{
	uint8_t *at = p->head + ip_out_len(r->tuple.local.addr.family);
	struct icmp_msg m = {
		.type = r->icmp_type,
		.code = r->icmp_code,
		.rest = r->icmp_rest,
		.body = r->bytes,
		.body_len = r->quote_len,
	};
	size_t n = r->tuple.local.addr.family == 4 ? icmp4_emit(at, &m)
						   : icmp6_emit(at, &m, r->tuple.local.addr.bytes,
								r->tuple.remote.addr.bytes);

	out_icmp(s, p, &r->tuple, at, n, r->flow);
}

static void out_segment(struct weir_stack *s, struct weir_packet *p, struct reply *r)
{
	struct trace_note note;

	put_headers(s, p, &r->tuple, &r->seg,
		    (struct out_ip){.dscp = (uint8_t)s->cfg.dscp, .ttl = (uint8_t)s->cfg.ttl});
	++*stack_counter(s, r->why);
	if (s->cfg.trace) {
		note = (struct trace_note){.verdict = r->why,
					   .before = r->state,
					   .after = r->state,
					   .flow = r->flow,
					   .iss = r->iss,
					   .irs = r->irs,
					   .wscale = r->wscale};
		trace_out(s, p, &r->tuple, &r->seg, &note);
	}
}

/* What else a SYN-ACK's trace tells can be read from the packet. Not inlined: without a trace no
 * stack frame is needed. */
static __attribute__((noinline)) void trace_written(struct weir_stack *s,
						    const struct weir_packet *p,
						    const struct reply *r)
{
	struct trace_note note = {
		.verdict = r->why,
		.before = r->state,
		.after = r->state,
		.flow = r->flow,
	};
	struct weir_tuple tuple;
	struct tcp_seg seg;

	synack_read(p, &tuple, &seg);
	note.iss = seg.seq.v;
	note.irs = seg.ack.v - 1;
	trace_out(s, p, &tuple, &seg, &note);
}

/* Copies all that a SYN-ACK may be, since that costs less than to ask how long it is. */
static inline void out_written(struct weir_stack *s, struct weir_packet *p, const struct reply *r)
{
	const struct synack_form *f = r->form;

	memcpy(p->head, r->bytes, SYNACK_LEN_MAX);
	p->head_len = f->len;
	p->span_count = 0;
	p->total_len = f->len;
	p->flags = f->flags;
	p->gso_size = 0;
	p->l4_start = f->l4_start;
	p->csum_offset = TCP_CSUM_OFFSET;
	++*stack_counter(s, r->why);
	if (s->cfg.trace)
		trace_written(s, p, r);
}

static bool out_reply(struct weir_stack *s, struct weir_packet *p)
{
	struct reply *r;

	if (s->echo_len) {
		out_icmp(s, p, &s->echo_tuple, s->echo, s->echo_len, 0);
		s->echo_len = 0;
		return true;
	}
	r = ring_pop(&s->replies);
	if (!r)
		return false;
	switch (r->kind) {
	case REPLY_SEGMENT:
		out_segment(s, p, r);
		break;
	case REPLY_WRITTEN:
		out_written(s, p, r);
		break;
	case REPLY_ICMP:
		out_icmp_error(s, p, r);
		break;
	}
	return true;
}

_Static_assert(sizeof(struct pageq_piece) == sizeof(struct weir_span), "shapes are the same");

static void put_payload(const struct weir_stack *s, const struct conn *c,
			const struct tcp_plan *plan, struct weir_packet *p)
{
	p->span_count = (uint16_t)sndq_pieces(&c->tcb, &s->env, plan->seq, plan->len,
					      (struct pageq_piece *)(void *)p->span,
					      WEIR_SPANS_MAX);
}

/* Most payload of a super-segment: what an IP packet can be less the largest headers. */
static uint32_t gso_payload(const struct weir_stack *s, const struct conn *c)
{
	uint32_t hdrs = (uint32_t)ip_out_len(c->tuple.local.addr.family) + TCP_HDR_MAX;
	uint32_t max = (uint32_t)s->cfg.link_gso_max;

	return max > hdrs ? max - hdrs : 0;
}

/* Not inlined: most looks find nothing to send, and then no stack frame is needed. */
static __attribute__((noinline)) void out_plan(struct weir_stack *s, struct conn *c,
					       struct tcp_plan *plan, struct weir_packet *p)
{
	struct tcb *t = &c->tcb;
	struct trace_note note;
	struct tcp_seg seg;

	tcp_emit_segment(&s->env, t, plan, s->now, &seg);
	put_payload(s, c, plan, p);
	put_headers(s, p, &c->tuple, &seg,
		    (struct out_ip){.dscp = t->user.dscp,
				    .ttl = t->user.ttl,
				    .ecn = plan->ect ? ECN_ECT0 : 0});
	tcp_plan_sent(&s->env, t, plan, s->now);
	++*stack_counter(s, plan->why);
	if (s->cfg.trace) {
		note = (struct trace_note){.verdict = plan->why,
					   .before = t->state,
					   .after = t->state,
					   .flow = c->flow,
					   .iss = t->snd.iss.v,
					   .irs = t->rcv.irs.v,
					   .wscale = t->rcv_wscale,
					   .t = t};
		trace_out(s, p, &c->tuple, &seg, &note);
	}
}

static bool out_conn(struct weir_stack *s, struct conn *c, struct weir_packet *p)
{
	struct tcp_plan plan;

	if (s->pmtu.used || mtup_below_link(&c->tcb))
		paths_follow(s, c);
	if (!tcp_plan_next(&s->env, &c->tcb, gso_payload(s, c), s->now, &plan))
		return false;
	out_plan(s, c, &plan, p);
	return true;
}

static bool out_ready(struct weir_stack *s, struct weir_packet *p)
{
	while (!list_empty(&s->ready)) {
		struct conn *c = list_entry(list_first(&s->ready), struct conn, ready);
		bool sent = out_conn(s, c, p);

		if (sent && !list_single(&s->ready))
			list_remove(&c->ready); /* the others are next */
		conn_settle(s, c);              /* its timers have moved; it is ready again ... */
		if (sent)
			return true;
		list_remove(&c->ready); /* ... but it had nothing more to say */
	}
	return false;
}

/* Records know their time in 32 bits of milliseconds, so who slept for weeks runs them in steps
 * that those can tell apart. */
static void run_records(struct weir_stack *s)
{
	const weir_time step = (1ull << 30) * NS_PER_MS;

	while (s->now - s->records_ran > step) {
		s->records_ran += step;
		halfs_run(s, s->records_ran);
		timewaits_run(s, s->records_ran);
	}
	s->records_ran = s->now;
	halfs_run(s, s->now);
	timewaits_run(s, s->now);
}

/* Packets whose fragments did not all come (RFC1122-05, RFC8200-05). */
static void run_fragments(struct weir_stack *s)
{
	const struct reasm_slot *r;

	while ((r = reasm_expire(&s->reasm, s->now)) != NULL) {
		struct weir_tuple t = {.local.addr = r->dst, .remote.addr = r->src};
		uint8_t type = r->src.family == 4 ? ICMP_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED;

		++*stack_counter(s, WEIR_CTR_FRAGMENTS_EXPIRED);
		if (r->quote_len)
			reply_icmp(s, &t, type, ICMP_TIME_REASSEMBLY, 0, r->quote, r->quote_len, 0);
	}
}

/* What was run at this very time need not be run again for each packet, unless a timer was set
 * since that may be due by now. */
static void run_timers(struct weir_stack *s)
{
	if (s->timers_ran == s->now)
		return;
	s->timers_ran = s->now;
	conns_run(s, s->now);
	run_records(s);
	run_fragments(s);
}

/* The answer that is next, if it is a SYN-ACK and the timers need not be run before it. */
static inline const struct reply *pop_written(struct weir_stack *s)
{
	const struct reply *r = ring_peek(&s->replies);

	if (!r || r->kind != REPLY_WRITTEN || s->echo_len || s->timers_ran != s->now)
		return NULL;
	return ring_pop(&s->replies);
}

/* Not inlined: weir_output() needs no stack frame for most of the packets of a flood. */
static __attribute__((noinline)) bool out_any(struct weir_stack *s, struct weir_packet *p)
{
	run_timers(s);
	out_begin(p);
	if (!out_reply(s, p) && !out_ready(s, p))
		return false;
	++*stack_counter(s, WEIR_CTR_FRAMES_OUT);
	return true;
}

bool weir_output(struct weir_stack *s, struct weir_packet *p, weir_time now)
{
	const struct reply *r;

	stack_clock(s, now);
	r = pop_written(s);
	if (!r)
		return out_any(s, p);
	++*stack_counter(s, WEIR_CTR_FRAMES_OUT);
	out_written(s, p, r);
	return true;
}

weir_time weir_deadline(const struct weir_stack *s, weir_time now)
{
	weir_time at = wheel_next(&s->wheel);
	weir_time half = halfs_next(s, now);
	weir_time tw = timewaits_next(s, now);
	weir_time frag = reasm_next(&s->reasm);

	if (s->replies.count || s->echo_len || !list_empty(&s->ready))
		return now;
	at = half < at ? half : at;
	at = frag < at ? frag : at;
	return tw < at ? tw : at;
}
