/*
 * Theory of operation
 *
 * A form is a whole packet, IP and TCP header with options, written by the same functions that
 * write every other packet, with zeros where SYN-ACKs differ: addresses, ports, both sequence
 * numbers, both timestamps and both checksums. There is one for each family and each choice of
 * options that the peer may leave us (timestamps, SACK, window scaling, ECN, Accurate ECN's
 * option): sixty-four. The flags of Accurate ECN, which tell how the SYN came, are filled in, too.
 *
 * With the form are kept the sums of what is in it already: that of the IPv4 header, and that of
 * TCP header and pseudo-header. What is filled in is added to these as it is written, so no byte of
 * the packet is read again (RFC 1071: a sum of parts, in any order).
 *
 *	IPv4  45 tos len | 0 DF | ttl 6 [sum] | [local] | [remote]
 *	TCP   [ports] | [iss] | [irs + 1] | off flags wnd | [sum] 0
 *	      MSS .. | .. timestamps [TSval] [TSecr] .. window scale
 *
 * Where the timestamps are depends on the order of options (synopt_bsd); it is found by writing the
 * form twice. A link that completes checksums gets the pseudo-header's sum instead of TCP's.
 *
 * State: the forms, in the stack; they follow from the configuration and never change.
 * RFC 9293 3.1, RFC 1071, RFC 7323.
 */
#include "stack/synack.h"

#include "base/assert.h"
#include "net/ip_out.h"
#include "stack/halfs.h"
#include "tcp/emit.h"
#include "wire/checksum.h"

_Static_assert((HALF_TS | HALF_SACK | HALF_WSCALE | SYNACK_ECN | SYNACK_ACCECN) == SYNACK_FORMS - 1,
	       "they choose the form");
_Static_assert(SYNACK_LEN_MAX <= REPLY_BYTES_MAX, "a reply holds a SYN-ACK");

/* --- Forms ------------------------------------------------------------------------------------ */

/* Writes the TCP header of a form; returns its length. */
static size_t form_tcp(const struct weir_stack *s, uint8_t *bytes, uint8_t family, unsigned agreed,
		       uint32_t ts_val)
{
	struct half h = {.flags = (uint8_t)(agreed & ~(SYNACK_ECN | SYNACK_ACCECN))};
	struct tcp_seg seg = {.flags = TCP_SYN | TCP_ACK, .wnd = halfs_window(s)};
	struct tcp_agreed a;

	if (agreed & SYNACK_ECN)
		seg.flags |= TCP_ECE;
	half_agreed(&h, halfs_shift(s), &a);
	tcp_synack_options(&seg.opts, &a, halfs_mss(s, family), ts_val, 0);
	if (agreed & SYNACK_ACCECN)
		accecn_first_option(&seg.opts);
	return tcp_emit(bytes, &seg, stack_opt_order(s));
}

/* Where in the TCP header TSval is. */
static uint8_t find_ts(const struct weir_stack *s, const uint8_t *tcp, uint8_t family,
		       unsigned agreed)
{
	uint8_t other[TCP_HDR_MAX], at = 0;
	size_t len = form_tcp(s, other, family, agreed, UINT32_MAX);

	while (at < len && tcp[at] == other[at])
		at++;
	weir_assert(at < len);
	return at;
}

static void form_init(const struct weir_stack *s, struct synack_form *f, uint8_t family,
		      unsigned agreed)
{
	static const uint8_t none[16];
	const struct weir_addr any = {.family = family};
	struct ip_out o = {
		.src = &any,
		.dst = &any,
		.proto = IP_PROTO_TCP,
		.ttl = (uint8_t)s->cfg.ttl,
		.tos = (uint8_t)(s->cfg.dscp << 2),
	};
	size_t ip_len = ip_out_len(family);

	*f = (struct synack_form){.l4_start = (uint8_t)ip_len};
	o.len = (uint32_t)form_tcp(s, f->bytes + ip_len, family, agreed, 0);
	ip_out_write(f->bytes, &o);
	f->len = (uint8_t)(ip_len + o.len);
	weir_assert(f->len <= SYNACK_LEN_MAX);
	if (s->cfg.link_csum_offload)
		f->flags = WEIR_PACKET_CSUM_PARTIAL;
	if (agreed & HALF_TS)
		f->ts_at = (uint8_t)(ip_len + find_ts(s, f->bytes + ip_len, family, agreed));
	f->pseudo_sum = csum_fold(
		csum_add_pseudo(0, none, none, netif_addr_len(family), o.len, IP_PROTO_TCP));
	f->tcp_sum = csum_fold(csum_add(f->pseudo_sum, f->bytes + ip_len, o.len));
	if (family == 4) {
		memcpy(f->bytes + SYNACK_IP4_CSUM_OFFSET, none, 2);
		f->ip4_sum = csum_fold(csum_add20(0, f->bytes));
	}
}

void synack_init(struct weir_stack *s)
{
	for (unsigned agreed = 0; agreed < SYNACK_FORMS; agreed++) {
		form_init(s, &s->synack4[agreed], 4, agreed);
		form_init(s, &s->synack6[agreed], 6, agreed);
	}
}

void synack_read(const struct weir_packet *p, struct weir_tuple *tuple, struct tcp_seg *seg)
{
	uint8_t family = p->l4_start == IP4_HDR_LEN ? 4 : 6;
	size_t addr_len = netif_addr_len(family);
	const uint8_t *addrs = p->head + (family == 4 ? SYNACK_IP4_ADDRS : SYNACK_IP6_ADDRS);
	int malformed = tcp_parse(seg, p->head + p->l4_start, (size_t)p->head_len - p->l4_start);

	weir_assert(!malformed);
	*tuple = (struct weir_tuple){
		.local = {.addr.family = family, .port = seg->src_port},
		.remote = {.addr.family = family, .port = seg->dst_port},
	};
	memcpy(tuple->local.addr.bytes, addrs, addr_len);
	memcpy(tuple->remote.addr.bytes, addrs + addr_len, addr_len);
}
