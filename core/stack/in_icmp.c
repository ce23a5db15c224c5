/*
 * Theory of operation
 *
 * Echo requests to our addresses are answered. An error is handed to the owner of the tuple that it
 * quotes (MUST-54, RFC4443-01), and counts only if the quoted sequence number is in flight
 * (RFC5927-01). What it says is put into one of three kinds:
 *
 *   soft  never ends anything (MUST-56)        unreachable net, host; time exceeded; parameter
 *   hard  ends an attempt (SHLD-26)            unreachable protocol, port; prohibited
 *   path  lowers the path MTU (RFC1191-01)     fragmentation needed; packet too big
 *
 * Source quench is ignored (MUST-55). A path MTU is taken no lower than 68 for IPv4 and 1280 for
 * IPv6 (RFC1191-02, RFC8201-01).
 */
#include <string.h>

#include "stack/conns.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/in.h"
#include "tcp/softerr.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define PMTU4_MIN 68u
#define PMTU6_MIN 1280u

enum icmp_kind { KIND_IGNORED, KIND_SOFT, KIND_HARD, KIND_PATH };

struct icmp_error {
	enum icmp_kind kind;
	enum weir_err what;
	uint32_t mtu;        /* of KIND_PATH, bytes of IP packet; 0: the router does not say */
	uint32_t quoted_len; /* then: what the quoted packet's header says of it, */
	uint8_t quoted_hdr;  /* and how long that header is */
};

/* RFC1191-03: what an old router that names no MTU must have meant, when `pmtu` is what we go by.
 * Some, of 4.2BSD's family, count the header twice in the length that they quote. */
static uint32_t plateau_below(const struct icmp_error *e, uint32_t pmtu)
{
	static const uint16_t plateaus[] = {65535, 32000, 17914, 8166, 4352, 2002,
					    1492,  1006,  508,   296,  68};
	uint32_t len = e->quoted_len;

	if (len >= pmtu)
		len -= e->quoted_hdr;
	for (unsigned i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return PMTU4_MIN;
}

static void needs_fragment(const struct icmp_msg *m, struct icmp_error *e)
{
	struct ip4_hdr h;

	e->kind = KIND_PATH;
	e->mtu = m->rest & 0xffff;
	if (e->mtu && e->mtu < PMTU4_MIN)
		e->mtu = PMTU4_MIN;
	if (e->mtu || ip4_parse_quoted(&h, m->body, m->body_len))
		return;
	e->quoted_len = h.total_len;
	e->quoted_hdr = h.hdr_len;
}

static void classify4(const struct icmp_msg *m, struct icmp_error *e)
{
	*e = (struct icmp_error){.kind = KIND_SOFT, .what = WEIR_UNREACHABLE};
	switch (m->type) {
	case ICMP_UNREACH:
		if (m->code == ICMP_UNREACH_NEEDFRAG)
			needs_fragment(m, e);
		else if (m->code == ICMP_UNREACH_PROTO || m->code == ICMP_UNREACH_PORT)
			*e = (struct icmp_error){.kind = KIND_HARD, .what = WEIR_REFUSED};
		else if (m->code == 9 || m->code == 10 || m->code == ICMP_UNREACH_ADMIN)
			e->kind = KIND_HARD;
		return;
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAM_PROBLEM:
		return;
	}
	e->kind = KIND_IGNORED;
}

static void classify6(const struct icmp_msg *m, struct icmp_error *e)
{
	*e = (struct icmp_error){.kind = KIND_SOFT, .what = WEIR_UNREACHABLE};
	switch (m->type) {
	case ICMP6_UNREACH:
		if (m->code == ICMP6_UNREACH_PORT) /* RFC4443-04 */
			*e = (struct icmp_error){.kind = KIND_HARD, .what = WEIR_REFUSED};
		else if (m->code == ICMP6_UNREACH_ADMIN)
			e->kind = KIND_HARD;
		return;
	case ICMP6_TOO_BIG:
		e->kind = m->rest >= PMTU6_MIN ? KIND_PATH : KIND_IGNORED;
		e->mtu = m->rest;
		return;
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAM_PROBLEM:
		return;
	}
	if (m->type >= ICMP6_ECHO_REQUEST) /* RFC4443-01: below are errors, known or not */
		e->kind = KIND_IGNORED;
}

static enum weir_counter to_conn(struct stack_in *in, struct conn *c, const struct icmp_error *e,
				 seq_t seq)
{
	struct tcb *t = &c->tcb;
	struct tcp_env *env = &in->s->env;
	uint32_t hdrs = (in->pkt.dst.family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN) + TCP_HDR_LEN;
	uint32_t mtu = e->mtu;
	enum weir_counter verdict;

	in->note.flow = c->flow;
	in->note.before = t->state;
	if (e->kind == KIND_PATH && mtu == 0)
		mtu = plateau_below(e, t->path_mss + hdrs);
	if (e->kind == KIND_PATH)
		verdict = softerr_path(t, env, mtu - hdrs, seq, in->s->now);
	else
		verdict = softerr_take(t, env, e->kind == KIND_HARD ? SOFTERR_HARD : SOFTERR_SOFT,
				       e->what, seq);
	in->note.after = t->state;
	conn_settle(in->s, c);
	return verdict;
}

static enum weir_counter to_half(struct stack_in *in, uint32_t slot, const struct icmp_error *e,
				 seq_t seq)
{
	const struct half_slot *h = half_at(in->s, slot);
	enum half_icmp what = e->kind == KIND_HARD   ? HALF_ICMP_HARD
			      : e->kind == KIND_SOFT ? HALF_ICMP_SOFT
						     : HALF_ICMP_PATH;
	enum weir_counter verdict;

	in->note.flow = h->flow;
	in->note.before = in->note.after = WEIR_STATE_SYN_RECEIVED;
	verdict = halfs_icmp(in->s, slot, seq, what, e->what);
	if (verdict == WEIR_CTR_ICMP_HARD)
		in->note.after = WEIR_STATE_LISTEN;
	return verdict;
}

static enum weir_counter error(struct stack_in *in, const struct icmp_msg *m)
{
	uint8_t family = in->pkt.dst.family;
	struct weir_tuple tuple = {0};
	struct icmp_error e;
	struct ip_packet quoted;
	struct tcp_seg seg;
	uint32_t ref;

	if (family == 4)
		classify4(m, &e);
	else
		classify6(m, &e);
	if (e.kind == KIND_IGNORED)
		return WEIR_CTR_ICMP_IGNORED;
	if (ip_in_quoted(&quoted, family, m->body, m->body_len) || quoted.proto != IP_PROTO_TCP ||
	    tcp_parse_quoted(&seg, quoted.payload, quoted.len))
		return WEIR_CTR_ICMP_STRAY;
	tuple.local = (struct weir_endpoint){.addr = quoted.src, .port = seg.src_port};
	tuple.remote = (struct weir_endpoint){.addr = quoted.dst, .port = seg.dst_port};
	ref = demux_find(in->s, &tuple);
	if (ref == REF_NONE)
		return WEIR_CTR_ICMP_STRAY;
	switch (ref_kind(ref)) {
	case REF_CONN:
		return to_conn(in, pool_at(&in->s->conns, ref_slot(ref)), &e, seg.seq);
	case REF_HALF:
		return to_half(in, ref_slot(ref), &e, seg.seq);
	case REF_TIMEWAIT:
		break;
	}
	return WEIR_CTR_ICMP_STRAY;
}

/* One answer waits at a time; a flood of requests is not worth more. */
static enum weir_counter echo(struct stack_in *in, const struct icmp_msg *m)
{
	struct weir_stack *s = in->s;
	bool v4 = in->pkt.dst.family == 4;
	size_t len = (v4 ? IP4_HDR_LEN : IP6_HDR_LEN) + ICMP_HDR_LEN + m->body_len;
	struct icmp_msg reply = {.type = v4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY,
				 .rest = m->rest,
				 .body = m->body,
				 .body_len = m->body_len};

	if (!netif_is_ours(&s->netif, &in->pkt.dst))
		return WEIR_CTR_IP_NOT_OURS;
	if (s->echo_len || len > s->cfg.link_mtu) { /* it came in fragments */
		++*stack_counter(s, WEIR_CTR_REPLY_DROPPED);
		return WEIR_CTR_ICMP_ECHO;
	}
	s->echo_tuple = in->tuple;
	s->echo_len = v4 ? icmp4_emit(s->echo, &reply)
			 : icmp6_emit(s->echo, &reply, in->pkt.dst.bytes, in->pkt.src.bytes);
	return WEIR_CTR_ICMP_ECHO;
}

enum weir_counter in_icmp(struct stack_in *in)
{
	const struct ip_packet *p = &in->pkt;
	bool v4 = p->dst.family == 4;
	struct icmp_msg m;

	if (v4 ? icmp4_parse(&m, p->payload, p->len)
	       : icmp6_parse(&m, p->payload, p->len, p->src.bytes, p->dst.bytes))
		return WEIR_CTR_ICMP_MALFORMED;
	if (m.type == (v4 ? ICMP_ECHO_REQUEST : ICMP6_ECHO_REQUEST))
		return echo(in, &m);
	return error(in, &m);
}
