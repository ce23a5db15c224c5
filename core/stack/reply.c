#include "stack/reply.h"

#include <string.h>

#include "tcp/emit.h"
#include "wire/icmp.h"
#include "wire/ip4.h"

struct reply *reply_new(struct weir_stack *s, const struct weir_tuple *tuple, enum weir_counter why)
{
	struct reply *r = reply_take(s, why);

	if (!r)
		return NULL;
	r->kind = REPLY_SEGMENT;
	r->state = (enum weir_state)0;
	r->flow = 0;
	r->tuple = *tuple;
	r->seg = (struct tcp_seg){0};
	r->iss = r->irs = 0;
	r->wscale = 0;
	return r;
}

/* RFC7323-22: an RST in answer to a segment with timestamps echoes its value. */
static void echo_ts(struct reply *r, const struct tcp_seg *seg)
{
	if (!seg->opts.has_ts)
		return;
	r->seg.opts.has_ts = true;
	r->seg.opts.ts_ecr = seg->opts.ts_val;
}

void reply_reset_seg(struct weir_stack *s, const struct weir_tuple *tuple,
		     const struct tcp_seg *seg, uint32_t flow)
{
	struct reply *r;

	if (seg->flags & TCP_RST)
		return;
	r = reply_new(s, tuple, WEIR_CTR_SENT_RST);
	if (!r)
		return;
	r->flow = flow;
	if (seg->flags & TCP_ACK) {
		r->seg.seq = seg->ack;
		r->seg.flags = TCP_RST;
		r->iss = seg->ack.v - 1;
	} else {
		r->seg.ack = seq_add(seg->seq, tcp_seg_len(seg));
		r->seg.flags = TCP_RST | TCP_ACK;
	}
	r->irs = seg->seq.v;
	echo_ts(r, seg);
}

void reply_reset_ack(struct weir_stack *s, const struct weir_tuple *tuple, seq_t seq,
		     const struct tcp_seg *seg, uint32_t flow, enum weir_state state)
{
	struct reply *r = reply_new(s, tuple, WEIR_CTR_SENT_RST);

	if (!r)
		return;
	r->flow = flow;
	r->state = state;
	r->seg.seq = seq;
	r->seg.flags = TCP_RST;
	echo_ts(r, seg);
}

void reply_reset_conn(struct weir_stack *s, const struct conn *c)
{
	const struct tcb *t = &c->tcb;
	struct reply *r = reply_new(s, &c->tuple, WEIR_CTR_SENT_RST);

	if (!r)
		return;
	r->flow = c->flow;
	r->iss = t->snd.iss.v;
	r->irs = t->rcv.irs.v;
	r->seg.seq = t->snd.nxt;
	r->seg.ack = t->rcv.nxt;
	r->seg.flags = TCP_RST | TCP_ACK;
	if (t->ts.ok) {
		r->seg.opts.has_ts = true;
		r->seg.opts.ts_val = tcp_ts_clock(s->now, t->ts.offset);
		r->seg.opts.ts_ecr = t->ts.recent;
	}
}

void reply_icmp(struct weir_stack *s, const struct weir_tuple *tuple, uint8_t type, uint8_t code,
		uint32_t rest, const uint8_t *quote, size_t len, uint32_t flow)
{
	struct reply *r;

	if (!tokens_take(&s->icmp_tokens, s->now, (uint32_t)s->cfg.icmp_rate, 1000))
		return;
	r = reply_take(s, WEIR_CTR_SENT_ICMP);
	if (!r)
		return;
	r->kind = REPLY_ICMP;
	r->flow = flow;
	r->tuple = *tuple;
	r->icmp_type = type;
	r->icmp_code = code;
	r->icmp_rest = rest;
	if (len > s->cfg.link_mtu - IP4_HDR_LEN - ICMP_HDR_LEN)
		len = (size_t)s->cfg.link_mtu - IP4_HDR_LEN - ICMP_HDR_LEN; /* links of 68 bytes */
	r->quote_len = (uint8_t)(len < REPLY_BYTES_MAX ? len : REPLY_BYTES_MAX);
	memcpy(r->bytes, quote, r->quote_len);
}
