/*
 * engine_out.c: the judge of every packet that the stack gives out.
 *
 * Whatever has come in, what goes out must be a packet that any other stack would accept: lengths
 * that agree, within the MTU, checksums right (RFC9293-MUST-2) or left to the link as announced,
 * options well-formed, flags that make sense together. Of data, the bytes must be the ones that the
 * application has sent at that place, and nothing may lie beyond the peer's window but a probe.
 * What is acknowledged must have come (engine_model.c), and the window's right edge never moves
 * left.
 */
#include "engine_world.h"

#include "base/be.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

struct packet {
	const struct weir_packet *raw;
	uint8_t *bytes;
	size_t len;
	enum version version;
	size_t ip_len;
	uint8_t proto;
	uint8_t src[16], dst[16];
};

static uint8_t *flatten(const struct weir_packet *p)
{
	uint8_t *bytes = fuzz_alloc(p->total_len);
	size_t at = p->head_len;

	memcpy(bytes, p->head, p->head_len);
	for (unsigned i = 0; i < p->span_count; i++) {
		fuzz_assert(p->span[i].len > 0 && p->span[i].len <= p->total_len - at);
		memcpy(bytes + at, p->span[i].bytes, p->span[i].len);
		at += p->span[i].len;
	}
	fuzz_assert(at == p->total_len);
	return bytes;
}

/* RFC 8200 5: a link that carries IPv6 at all carries 1,280 bytes. */
static uint64_t link_mtu(const struct world *w, const struct weir_packet *p)
{
	return p->head[0] >> 4 == 6 && w->cfg.link_mtu < 1280 ? 1280 : w->cfg.link_mtu;
}

static void check_sizes(const struct world *w, const struct weir_packet *p)
{
	uint64_t most = p->gso_size ? w->cfg.link_gso_max : link_mtu(w, p);

	fuzz_assert(p->head_len <= WEIR_HEAD_MAX && p->head_len <= p->total_len);
	fuzz_assert(p->span_count <= WEIR_SPANS_MAX);
	fuzz_assert(p->total_len <= most);
	fuzz_assert(p->gso_size + (uint64_t)p->head_len <= link_mtu(w, p));
}

static void read_ip(struct packet *k)
{
	struct ip4_hdr h4;
	struct ip6_hdr h6;

	if (ip4_parse(&h4, k->bytes, k->len) == 0) {
		fuzz_assert(h4.total_len == k->len && h4.ttl > 0);
		fuzz_assert(!h4.more_frags && h4.frag_off == 0 && ip4_source_ok(h4.src));
		k->version = V4;
		k->ip_len = h4.hdr_len;
		k->proto = h4.proto;
		memcpy(k->src, h4.src, 4);
		memcpy(k->dst, h4.dst, 4);
		return;
	}
	fuzz_assert(ip6_parse(&h6, k->bytes, k->len) == IP6_OK);
	fuzz_assert(IP6_HDR_LEN + (size_t)h6.payload_len == k->len && h6.hop_limit > 0);
	fuzz_assert(!h6.fragment && ip6_source_ok(h6.src));
	k->version = V6;
	k->ip_len = h6.upper_off;
	k->proto = h6.proto;
	memcpy(k->src, h6.src, 16);
	memcpy(k->dst, h6.dst, 16);
}

static void check_tcp_checksum(const struct packet *k)
{
	size_t len = k->len - k->ip_len;
	uint64_t pseudo = csum_add_pseudo(0, k->src, k->dst, k->version == V4 ? 4 : 16,
					  (uint32_t)len, IP_PROTO_TCP);
	uint16_t field;

	if (k->raw->flags & WEIR_PACKET_CSUM_PARTIAL) {
		memcpy(&field, k->bytes + k->ip_len + TCP_CSUM_OFFSET, 2);
		fuzz_assert(field == csum_fold(pseudo));
		return;
	}
	fuzz_assert(csum_good(csum_add(pseudo, k->bytes + k->ip_len, len)));
}

static void check_flags(const struct tcp_seg *seg)
{
	uint8_t flags = seg->flags;

	fuzz_assert(!(flags & TCP_SYN && flags & (TCP_FIN | TCP_RST)));
	fuzz_assert(!(flags & TCP_RST && flags & TCP_FIN));
	fuzz_assert(flags & (TCP_ACK | TCP_SYN | TCP_RST));
	fuzz_assert(!(flags & TCP_RST) || seg->len == 0);
	fuzz_assert(!(flags & TCP_SYN) || seg->len == 0);
	if (!(flags & TCP_SYN)) /* SYN-only options */
		fuzz_assert(!seg->opts.has_mss && !seg->opts.has_wscale &&
			    !seg->opts.sack_permitted);
	for (unsigned i = 0; i < seg->opts.sack_count; i++)
		fuzz_assert(seq_lt(seg->opts.sack[i].lo, seg->opts.sack[i].hi));
}

/* The payload is the application's, and within the peer's window or one byte beyond. */
static void check_data(struct world *w, const struct packet *k, const struct tcp_seg *seg)
{
	struct flow *f = peer_flow(w, k->version, k->src, k->dst, seg);
	uint32_t off;

	if (!f || !f->synced || !seg->len)
		return;
	/* A keep-alive probe may carry a byte of rubbish before what was acknowledged. */
	if (seg->len == 1 && (int32_t)(seg->seq.v - f->una) < 0)
		return;
	off = seg->seq.v - f->stk_iss - 1;
	for (uint32_t i = 0; i < seg->len; i++)
		fuzz_assert(seg->payload[i] == fuzz_pattern(off + i));
	/* With two handshakes a connection sends into the window of a SYN that nobody confirmed. */
	if (w->cfg.handshake_ways == 3)
		fuzz_assert((int32_t)(seg->seq.v + seg->len - f->edge_max) <= 1);
}

/* Nothing is acknowledged that has not come. An RST answers for whoever got the segment. */
static void check_ack(struct world *w, const struct packet *k, const struct tcp_seg *seg)
{
	struct flow *f = peer_flow(w, k->version, k->src, k->dst, seg);

	if (f && seg->flags & TCP_ACK && !(seg->flags & TCP_RST))
		fuzz_assert(model_may_ack(&f->model, seg->ack.v));
}

static void check_tcp(struct world *w, const struct packet *k)
{
	struct tcp_seg seg;

	fuzz_assert(tcp_parse(&seg, k->bytes + k->ip_len, k->len - k->ip_len) == 0);
	fuzz_assert(k->raw->l4_start == k->ip_len && k->raw->csum_offset == TCP_CSUM_OFFSET);
	fuzz_assert(k->ip_len + seg.hdr_len == k->raw->head_len);
	check_tcp_checksum(k);
	check_flags(&seg);
	check_data(w, k, &seg);
	check_ack(w, k, &seg);
	peer_learn(w, k->version, k->src, k->dst, &seg);
}

static void check_icmp(const struct packet *k)
{
	const uint8_t *at = k->bytes + k->ip_len;
	size_t len = k->len - k->ip_len;
	struct icmp_msg m;

	fuzz_assert(!(k->raw->flags & WEIR_PACKET_CSUM_PARTIAL) && !k->raw->gso_size);
	if (k->version == V4)
		fuzz_assert(icmp4_parse(&m, at, len) == 0);
	else
		fuzz_assert(icmp6_parse(&m, at, len, k->src, k->dst) == 0);
	/* RFC 1122 3.2.2, RFC 4443 2.4: no answer to a group or to nobody. */
	fuzz_assert(k->version == V4 ? ip4_source_ok(k->dst) : ip6_source_ok(k->dst));
}

void out_record(struct world *w, const struct weir_trace_record *r)
{
	const struct flow *f = peer_flow_of(w, &r->tuple);
	struct tcp_seg seg;

	if (r->kind != WEIR_TRACE_OUT || !r->is_tcp || r->seg_flags & (TCP_SYN | TCP_RST))
		return;
	fuzz_assert(tcp_parse(&seg, r->head + r->l4_start, r->head_len - r->l4_start) == 0);
	fuzz_assert(seg.seq.v == r->seq && seg.ack.v == r->ack);
	fuzz_assert((seg.flags | (seg.ae ? WEIR_TCP_AE : 0)) == r->seg_flags);
	if (f && peer_knows_scale(f))
		fuzz_assert(r->wnd_bytes == peer_scaled(f, &seg));
}

void out_check(struct world *w, const struct weir_packet *p)
{
	struct packet k = {.raw = p};

	check_sizes(w, p);
	k.bytes = flatten(p);
	k.len = p->total_len;
	read_ip(&k);
	if (k.proto == IP_PROTO_TCP)
		check_tcp(w, &k);
	else if (k.proto == IP_PROTO_ICMP || k.proto == IP_PROTO_ICMP6)
		check_icmp(&k);
	else
		fuzz_assert(k.proto == IP_PROTO_TCP);
	free(k.bytes);
}
