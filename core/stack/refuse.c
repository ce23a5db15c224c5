/*
 * refuse.c: a held SYN is refused as its destination would have refused it outside.
 */
#include <string.h>

#include "base/be.h"
#include "net/ip_out.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/reply.h"
#include "stack/trace.h"
#include "wire/icmp.h"
#include "wire/ip4.h"

/* ICMP type and code by family and refusal (RFC 792, RFC 4443 3.1). */
static const struct {
	uint8_t code4, code6;
} codes[] = {
	[WEIR_REFUSE_UNREACH_HOST] = {ICMP_UNREACH_HOST, ICMP6_UNREACH_ADDR},
	[WEIR_REFUSE_UNREACH_NET] = {ICMP_UNREACH_NET, ICMP6_UNREACH_NOROUTE},
	[WEIR_REFUSE_UNREACH_ADMIN] = {ICMP_UNREACH_ADMIN, ICMP6_UNREACH_ADMIN},
	[WEIR_REFUSE_DROP] = {0, 0},
};

/* The SYN was not kept; what an ICMP error must quote of it can be written again from the record:
 * the IP header and the first 20 bytes of TCP. */
static void refuse_icmp(struct weir_stack *s, const struct weir_tuple *t, const struct half *h,
			uint32_t flow, enum weir_refusal how)
{
	uint8_t quote[REPLY_BYTES_MAX];
	struct ip_out o = {
		.src = &t->remote.addr,
		.dst = &t->local.addr,
		.len = TCP_HDR_LEN,
		.proto = IP_PROTO_TCP,
		.ttl = (uint8_t)s->cfg.ttl,
	};
	struct tcp_seg syn = {
		.src_port = t->remote.port,
		.dst_port = t->local.port,
		.seq = h->irs,
		.flags = TCP_SYN,
		.wnd = h->wnd,
	};
	size_t n = ip_out_write(quote, &o);
	bool v4 = t->local.addr.family == 4;

	n += tcp_emit(quote + n, &syn, TCP_OPT_ORDER_LINUX);
	reply_icmp(s, t, v4 ? ICMP_UNREACH : ICMP6_UNREACH,
		   v4 ? codes[how].code4 : codes[how].code6, 0, quote, n, flow);
}

void refuse_half(struct weir_stack *s, const struct weir_tuple *tuple, const struct half *h,
		 uint32_t flow, enum weir_refusal how)
{
	struct tcp_seg syn = {.seq = h->irs,
			      .flags = TCP_SYN,
			      .opts.has_ts = h->flags & HALF_TS,
			      .opts.ts_val = h->ts_recent};

	switch (how) {
	case WEIR_REFUSE_RST:
		reply_reset_seg(s, tuple, &syn, flow);
		break;
	case WEIR_REFUSE_UNREACH_HOST:
	case WEIR_REFUSE_UNREACH_NET:
	case WEIR_REFUSE_UNREACH_ADMIN:
		refuse_icmp(s, tuple, h, flow, how);
		break;
	case WEIR_REFUSE_DROP:
		break;
	}
}
