/*
 * engine_frame.c: frames to the stack that is fuzzed: how a peer's segment is put into one, and
 * what is noted of each that goes in, whoever made it. Checksums are right, unless they are to be
 * wrong.
 */
#include "engine_world.h"

#include "base/be.h"
#include "wire/checksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* A TCP segment as it lies in a frame. */
struct located {
	enum version version;
	uint8_t src[16], dst[16];
	const uint8_t *tcp;
	size_t len;
};

/* 0; -1: the frame carries no TCP that the stack would look at. */
static int locate_tcp(struct located *out, const uint8_t *bytes, size_t len)
{
	struct ip4_hdr h4;
	struct ip6_hdr h6;

	if (ip4_parse(&h4, bytes, len) == 0) {
		out->version = V4;
		memcpy(out->src, h4.src, 4);
		memcpy(out->dst, h4.dst, 4);
		out->tcp = bytes + h4.hdr_len;
		out->len = (size_t)(h4.total_len - h4.hdr_len);
		return h4.proto == IP_PROTO_TCP ? 0 : -1;
	}
	if (ip6_parse(&h6, bytes, len) != IP6_OK)
		return -1;
	out->version = V6;
	memcpy(out->src, h6.src, 16);
	memcpy(out->dst, h6.dst, 16);
	out->tcp = bytes + h6.upper_off;
	out->len = IP6_HDR_LEN + (size_t)h6.payload_len - h6.upper_off;
	return h6.proto == IP_PROTO_TCP ? 0 : -1;
}

bool world_tcp_passes(const uint8_t *bytes, size_t len)
{
	struct located at;
	uint64_t sum;

	if (locate_tcp(&at, bytes, len))
		return false;
	sum = csum_add_pseudo(0, at.src, at.dst, at.version == V4 ? 4 : 16, (uint32_t)at.len,
			      IP_PROTO_TCP);
	return csum_good(csum_add(sum, at.tcp, at.len));
}

/* Every frame that goes in is looked at here, also late duplicates: what they announce and carry
 * counts from now on. */
static void note_frame(struct world *w, const struct frame *frame)
{
	struct located at;
	struct tcp_seg seg;
	struct flow *f;

	if (locate_tcp(&at, frame->bytes, frame->len) || tcp_parse(&seg, at.tcp, at.len))
		return;
	f = flow_at(w, at.version, at.dst, at.src, seg.dst_port, seg.src_port);
	if (!f)
		return;
	flow_note_edge(f, &seg);
	if (!(frame->flags & WEIR_FRAME_CSUM_OK) && !world_tcp_passes(frame->bytes, frame->len))
		return;
	model_note(&f->model, &seg);
	if (seg.flags & TCP_SYN) {
		f->ws_offered |= seg.opts.has_wscale;
		f->ws_withheld |= !seg.opts.has_wscale;
	}
}

void world_input(struct world *w, struct frame f)
{
	struct frame *kept = &w->past[w->past_next++ % PAST_MAX];
	uint8_t *copy = fuzz_copy(f.bytes, f.len); /* freed at once: nobody may keep it */
	struct weir_frame wf = {copy, f.len, f.flags, f.gso_size};
	uint64_t frames = weir_counter_get(w->stack, WEIR_CTR_FRAMES_IN);
	enum weir_counter verdict;

	note_frame(w, &f);
	verdict = weir_input(w->stack, &wf, w->now);
	free(copy);
	fuzz_assert(verdict < WEIR_CTR_SENT);
	fuzz_assert(weir_counter_get(w->stack, verdict) > 0);
	fuzz_assert(weir_counter_get(w->stack, WEIR_CTR_FRAMES_IN) == frames + 1);
	if (kept->bytes != f.bytes)
		free(kept->bytes);
	*kept = f;
}

/* The IP header of a packet from the flow's peer; returns its length. */
static size_t put_ip(uint8_t *at, const struct flow *f, const struct bend *b, size_t upper_len)
{
	struct weir_addr src = world_peer_addr(f->version, f->peer);
	struct weir_addr dst = world_ours_addr(f->version, f->ours);
	static const uint8_t padding[8] = {IP_PROTO_TCP, 0, 1, 4};
	uint16_t sum;

	if (f->version == V4) {
		struct ip4_hdr h = {.ttl = 64, .proto = IP_PROTO_TCP, .dont_frag = true};

		memcpy(h.src, src.bytes, 4);
		memcpy(h.dst, dst.bytes, 4);
		h.total_len = (uint16_t)(IP4_HDR_LEN + (b->ip_options ? 4 : 0) + upper_len);
		ip4_emit(at, &h);
		if (!b->ip_options)
			return IP4_HDR_LEN;
		at[0] = 0x46;
		memset(at + 20, 1, 4);
		memset(at + 10, 0, 2);
		sum = csum_finish(csum_add(0, at, 24));
		memcpy(at + 10, &sum, 2);
		return 24;
	}
	struct ip6_hdr h = {.hop_limit = 64, .next = b->ip_options ? 60 : IP_PROTO_TCP};

	memcpy(h.src, src.bytes, 16);
	memcpy(h.dst, dst.bytes, 16);
	h.payload_len = (uint16_t)((b->ip_options ? 8 : 0) + upper_len);
	ip6_emit(at, &h);
	if (!b->ip_options)
		return IP6_HDR_LEN;
	memcpy(at + IP6_HDR_LEN, padding, 8);
	return IP6_HDR_LEN + 8;
}

static size_t put_tcp(uint8_t *at, const struct tcp_seg *seg, const struct bend *b)
{
	size_t len = tcp_emit(at, seg, TCP_OPT_ORDER_LINUX);

	if (!b->raw_opt_len)
		return len;
	memcpy(at + TCP_HDR_LEN, b->raw_opt, b->raw_opt_len);
	len = TCP_HDR_LEN + b->raw_opt_len;
	at[12] = (uint8_t)(len / 4 << 4);
	return len;
}

static void put_checksum(uint8_t *tcp, size_t len, const struct flow *f, const struct bend *b)
{
	struct weir_addr src = world_peer_addr(f->version, f->peer);
	struct weir_addr dst = world_ours_addr(f->version, f->ours);
	uint64_t sum = csum_add_pseudo(0, src.bytes, dst.bytes, f->version == V4 ? 4 : 16,
				       (uint32_t)len, IP_PROTO_TCP);
	uint16_t field = csum_finish(csum_add(sum, tcp, len));

	if (b->bad_checksum)
		field ^= 0x0100;
	memcpy(tcp + TCP_CSUM_OFFSET, &field, 2);
}

void frame_send(struct world *w, struct flow *f, struct tcp_seg *seg, struct bend b)
{
	uint8_t mem[24 + 24 + TCP_HDR_MAX + 8192];
	uint8_t *tcp = mem + 48, *payload;
	uint8_t ip[48];
	size_t tcp_len, ip_len;
	struct frame out = {.gso_size = seg->gso_size};
	uint32_t first = seg->seq.v + !!(seg->flags & TCP_SYN);

	fuzz_assert(seg->len <= 8192);
	seg->src_port = f->peer_port;
	seg->dst_port = f->port;
	tcp_len = put_tcp(tcp, seg, &b);
	payload = tcp + tcp_len;
	for (uint32_t i = 0; i < seg->len; i++)
		payload[i] = fuzz_pattern(first + i);
	tcp_len += seg->len;
	put_checksum(tcp, tcp_len, f, &b);
	ip_len = put_ip(ip, f, &b, tcp_len);
	memcpy(tcp - ip_len, ip, ip_len);
	out.bytes = fuzz_copy(tcp - ip_len, ip_len + tcp_len);
	out.len = ip_len + tcp_len;
	out.flags = b.vouched ? WEIR_FRAME_CSUM_OK : 0;
	world_input(w, out);
}
