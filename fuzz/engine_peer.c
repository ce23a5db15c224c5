/*
 * engine_peer.c: the peers of the stack that is fuzzed.
 *
 * Theory of operation
 *
 * A random segment is thrown away by the first check it meets. So peers know what a real one would
 * know: each flow remembers the numbers that both sides are at, and a segment is made from these
 * and what the input adds to them. peer_ack(), peer_data() and peer_fin() are what a well-behaved
 * peer sends, in two or three bytes of input; peer_segment() can bend everything. Checksums are
 * always put right, unless the input wants them wrong.
 *
 * `nxt` moves on when a peer sends something new in order, whether the stack took it or not;
 * peer_rewind() takes it back to what the stack has acknowledged, as a retransmission does.
 */
#include "engine_world.h"

#include "base/be.h"
#include "wire/checksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* What a segment may have besides its header and payload. */
struct bend {
	bool bad_checksum;
	bool vouched;           /* the device says that the checksum is right */
	bool ip_options;        /* IPv4 options, or an IPv6 extension header */
	const uint8_t *raw_opt; /* instead of seg->opts */
	size_t raw_opt_len;     /* a multiple of 4 */
};

struct weir_addr world_ours_addr(enum version version, enum ours ours)
{
	static const uint8_t four[2][4] = {{10, 0, 0, 1}, {192, 0, 2, 7}};
	static const uint8_t six[2][16] = {{0xfd, [15] = 1}, {0x20, 0x01, 0x0d, 0xb8, [15] = 7}};
	struct weir_addr a = {.family = version == V4 ? 4 : 6};

	memcpy(a.bytes, version == V4 ? four[ours] : six[ours], version == V4 ? 4 : 16);
	return a;
}

struct weir_addr world_peer_addr(enum version version, uint8_t peer)
{
	struct weir_addr a = world_ours_addr(version, OURS);

	a.bytes[version == V4 ? 3 : 15] = (uint8_t)(2 + peer);
	return a;
}

/* Remembers the right edge that a segment announces, if the stack may believe it. */
static void note_edge(struct flow *f, const struct tcp_seg *seg)
{
	uint32_t edge = seg->ack.v + ((uint32_t)seg->wnd << (seg->flags & TCP_SYN ? 0 : f->shift));

	if (!f->synced)
		return;
	if (!(seg->flags & TCP_ACK)) { /* of a simultaneous open */
		edge = f->una + (seg->flags & TCP_SYN ? seg->wnd : 0u);
	} else {
		if (seg->ack.v - f->stk_iss > f->stk_nxt - f->stk_iss)
			return;
		if ((int32_t)(seg->ack.v - f->una) > 0)
			f->una = seg->ack.v;
	}
	if ((int32_t)(edge - f->edge_max) > 0)
		f->edge_max = edge;
}

static struct flow *find_flow(struct world *w, const struct flow *like)
{
	for (unsigned i = 0; i < FLOWS_MAX; i++) {
		struct flow *f = &w->flows[i];

		if (f->used && f->version == like->version && f->ours == like->ours &&
		    f->peer == like->peer && f->port == like->port &&
		    f->peer_port == like->peer_port)
			return f;
	}
	return NULL;
}

static struct flow *find_by_addr(struct world *w, enum version version, const uint8_t *ours,
				 const uint8_t *peer, uint16_t port, uint16_t peer_port)
{
	struct weir_addr own = world_ours_addr(version, OURS);
	size_t len = version == V4 ? 4 : 16;
	struct flow like = {
		.version = version,
		.ours = memcmp(ours, own.bytes, len) ? FOREIGN : OURS,
		.peer = (uint8_t)(peer[len - 1] - 2),
		.port = port,
		.peer_port = peer_port,
	};

	return find_flow(w, &like);
}

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
	f = find_by_addr(w, at.version, at.dst, at.src, seg.dst_port, seg.src_port);
	if (!f)
		return;
	note_edge(f, &seg);
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

static void send_segment(struct world *w, struct flow *f, struct tcp_seg *seg, struct bend b)
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

struct flow *peer_pick(struct world *w)
{
	struct flow *f = &w->flows[(w->flow_last - fuzz_u8(&w->in)) % FLOWS_MAX];

	if (!f->used)
		f = &w->flows[w->flow_last];
	return f->used ? f : NULL;
}

/* A place in world.forgotten for a flow's tuple. */
static unsigned tuple_bit(const struct flow *f)
{
	uint32_t mix = (uint32_t)f->port << 16 ^ f->peer_port ^ (uint32_t)f->peer << 8 ^
		       (uint32_t)f->version << 4 ^ (uint32_t)f->ours;

	return mix * 0x9e3779b1u >> 24;
}

/* A flow for the tuple of `like`, in the place of the oldest. */
static struct flow *new_flow(struct world *w, const struct flow *like)
{
	struct flow *f = &w->flows[w->flow_last = (w->flow_last + 1) % FLOWS_MAX];
	unsigned bit = tuple_bit(f);

	if (f->used)
		w->forgotten[bit / 8] |= (uint8_t)(1u << bit % 8);
	memset(f, 0, sizeof(*f));
	f->used = true;
	f->version = like->version;
	f->ours = like->ours;
	f->peer = like->peer;
	f->port = like->port;
	f->peer_port = like->peer_port;
	bit = tuple_bit(f);
	f->model.blind = w->forgotten[bit / 8] >> bit % 8 & 1;
	return f;
}

/* A segment that says: I have all you sent, and this is where I am. */
static struct tcp_seg plain_segment(const struct world *w, const struct flow *f, uint8_t flags)
{
	struct tcp_seg seg = {
		.seq = {f->nxt},
		.ack = {f->stk_nxt},
		.wnd = 0xffff,
		.flags = flags,
	};

	if (f->offered_ts) {
		seg.opts.has_ts = true;
		seg.opts.ts_val = (uint32_t)(w->now / 1000000) + 1;
		seg.opts.ts_ecr = f->stk_ts;
	}
	return seg;
}

/* The options of a peer's SYN, from one byte. */
static void syn_options(struct world *w, struct flow *f, struct tcp_seg *seg)
{
	static const uint16_t sizes[4] = {1460, 536, 1, 65495};
	uint8_t bits = fuzz_u8(&w->in);

	seg->opts = (struct tcp_opts){
		.has_mss = !(bits & 1),
		.mss = sizes[bits >> 1 & 3],
		.has_wscale = bits & 8,
		.wscale = bits >> 4 & 7,
		.sack_permitted = !(bits & 0x40),
		.has_ts = bits & 0x80,
		.ts_val = (uint32_t)(w->now / 1000000) + 1, /* as plain_segment() */
		.ts_ecr = f->stk_ts,
	};
	f->offered_ts = seg->opts.has_ts;
	/* The largest of a tuple's SYNs, since the stack may heed any of them. */
	if (seg->opts.has_wscale && seg->opts.wscale > f->shift)
		f->shift = seg->opts.wscale;
}

/* A SYN from a new or a known tuple; then its flags may be bent. */
void peer_syn(struct world *w)
{
	uint8_t where = fuzz_u8(&w->in), flags;
	struct flow like = {
		.used = true,
		.version = where & 1 ? V6 : V4,
		.port = (uint16_t)(80 + (where >> 1 & 3)),
		.peer = where >> 3 & 3,
		.peer_port = (uint16_t)(1024 + (where >> 5 & 1)),
		.ours = where & 0x40 ? FOREIGN : OURS,
	};
	struct flow *f = find_flow(w, &like);
	struct tcp_seg seg = {.wnd = 0xffff};

	if (!f)
		f = new_flow(w, &like);
	syn_options(w, f, &seg);
	flags = fuzz_u8(&w->in);
	seg.seq.v = (uint32_t)fuzz_u8(&w->in) * 0x01010101u - 3;
	seg.flags = TCP_SYN ^ (flags & 0x3f);
	seg.len = flags & 0x40 ? 9 : 0;
	if (flags & 0x80)
		seg.seq.v = f->nxt + 1; /* a newer one for TIME-WAIT, or one in the window */
	seg.ack.v = f->stk_nxt;
	f->nxt = seg.seq.v + 1;
	send_segment(w, f, &seg, (struct bend){0});
}

/* The answer to an active open; with bits it becomes a SYN alone (simultaneous open). */
void peer_synack(struct world *w)
{
	struct flow *f = peer_pick(w);
	struct tcp_seg seg = {.wnd = 0x4000};
	uint8_t bits;

	if (!f)
		return;
	syn_options(w, f, &seg);
	bits = fuzz_u8(&w->in);
	seg.flags = bits & 1 ? TCP_SYN : TCP_SYN | TCP_ACK;
	seg.ack.v = f->stk_nxt + (uint32_t)(bits >> 1 & 1);
	seg.len = bits & 4 ? 5 : 0;
	seg.seq.v = (uint32_t)(bits >> 3) * 0x08080808u - 2;
	f->nxt = seg.seq.v + 1;
	send_segment(w, f, &seg, (struct bend){0});
}

void peer_ack_all(struct world *w, struct flow *f, uint8_t narrow)
{
	struct tcp_seg seg = plain_segment(w, f, TCP_ACK);

	seg.wnd = (uint16_t)(0xffff - 257u * narrow);
	send_segment(w, f, &seg, (struct bend){0});
}

void peer_ack(struct world *w)
{
	struct flow *f = peer_pick(w);
	uint8_t narrow = fuzz_u8(&w->in);

	if (f)
		peer_ack_all(w, f, narrow);
}

void peer_data(struct world *w)
{
	struct flow *f = peer_pick(w);
	uint8_t len = fuzz_u8(&w->in);
	struct tcp_seg seg;

	if (!f)
		return;
	seg = plain_segment(w, f, TCP_ACK | TCP_PSH);
	seg.len = len & 0x80 ? 1 + (len & 0x7fu) * 64u : len;
	if (seg.len > 1448)
		seg.gso_size = 1448;
	f->nxt += seg.len;
	send_segment(w, f, &seg, (struct bend){0});
}

void peer_fin(struct world *w)
{
	struct flow *f = peer_pick(w);
	uint8_t bits = fuzz_u8(&w->in);
	struct tcp_seg seg;

	if (!f)
		return;
	seg = plain_segment(w, f, TCP_FIN | TCP_ACK);
	seg.len = bits & 3;
	if (bits & 4)
		seg.ack.v = f->una; /* and it has not heard of anything lately */
	f->nxt += seg.len + 1;
	send_segment(w, f, &seg, (struct bend){0});
}

void peer_rst(struct world *w)
{
	struct flow *f = peer_pick(w);
	struct tcp_seg seg;

	if (!f)
		return;
	seg = plain_segment(w, f, TCP_RST | TCP_ACK);
	seg.seq.v = f->stk_ack;
	send_segment(w, f, &seg, (struct bend){0});
}

/* base + a step to either side, in one of four sizes. */
static uint32_t bent(struct world *w, uint32_t base, uint8_t scale)
{
	static const int32_t sizes[4] = {1, 7, 536, 1448};

	return base + (uint32_t)((int8_t)fuzz_u8(&w->in) * sizes[scale & 3]);
}

static void bend_numbers(struct world *w, const struct flow *f, struct tcp_seg *seg)
{
	uint8_t mode = fuzz_u8(&w->in);
	const uint32_t seqs[4] = {f->stk_ack, f->nxt, f->stk_ack + f->stk_wnd, f->nxt - 1};
	const uint32_t acks[4] = {f->stk_nxt, f->una, f->stk_iss, f->stk_nxt + 1};

	seg->seq.v = seqs[mode & 3];
	seg->ack.v = acks[mode >> 2 & 3];
	if (mode & 0x10)
		seg->seq.v = bent(w, seg->seq.v, mode >> 5);
	if (mode & 0x80)
		seg->ack.v = bent(w, seg->ack.v, mode >> 5);
}

/* SACK blocks around what the stack has in flight. */
static void bend_sack(struct world *w, const struct flow *f, struct tcp_opts *o)
{
	o->sack_count = 1 + (fuzz_u8(&w->in) & 3);
	for (unsigned i = 0; i < o->sack_count; i++) {
		uint32_t lo = bent(w, f->una, 2);

		o->sack[i].lo.v = lo;
		o->sack[i].hi.v = bent(w, lo, 2);
	}
}

static void bend_options(struct world *w, const struct flow *f, struct tcp_seg *seg, uint8_t how)
{
	switch (how & 3) {
	case 1:
		seg->opts.has_ts = false;
		break;
	case 2:
		seg->opts.has_ts = true;
		seg->opts.ts_val = bent(w, seg->opts.ts_val, 2);
		break;
	case 3:
		bend_sack(w, f, &seg->opts);
		break;
	}
}

/* Raw option bytes in place of good ones. */
static void bend_raw(struct world *w, struct bend *b, uint8_t *mem)
{
	b->raw_opt_len = 4u * (1u + fuzz_u8(&w->in) % 10u);
	b->raw_opt = mem;
	for (size_t i = 0; i < b->raw_opt_len; i++)
		mem[i] = fuzz_u8(&w->in);
}

/* Any segment at all, on the tuple of a flow. */
void peer_segment(struct world *w)
{
	struct flow *f = peer_pick(w);
	uint8_t flags = fuzz_u8(&w->in), how = fuzz_u8(&w->in), raw[TCP_OPT_MAX];
	struct bend b = {0};
	struct tcp_seg seg;

	if (!f)
		return;
	seg = plain_segment(w, f, flags ^ TCP_ACK);
	bend_numbers(w, f, &seg);
	bend_options(w, f, &seg, how);
	if (how & 4)
		seg.wnd = fuzz_u16(&w->in);
	if (how & 8)
		seg.urgent = fuzz_u16(&w->in);
	if (how & 0x10)
		seg.len = fuzz_u16(&w->in) & 8191u;
	if (seg.len > 1448)
		seg.gso_size = 1448;
	if (how & 0x20) {
		b.bad_checksum = true;
		b.vouched = fuzz_u8(&w->in) & 1;
	}
	b.ip_options = how & 0x40;
	if (how & 0x80)
		bend_raw(w, &b, raw);
	send_segment(w, f, &seg, b);
}

void peer_rewind(struct world *w)
{
	struct flow *f = peer_pick(w);

	if (f && f->synced)
		f->nxt = f->stk_ack;
}

/* One of the last frames once more: duplicated, or late. */
void peer_replay(struct world *w)
{
	struct frame f = w->past[fuzz_u8(&w->in) % PAST_MAX];

	if (!f.bytes)
		return;
	f.bytes = fuzz_copy(f.bytes, f.len);
	world_input(w, f);
}

struct flow *peer_flow(struct world *w, enum version version, const uint8_t *src,
		       const uint8_t *dst, const struct tcp_seg *seg)
{
	struct flow *f = find_by_addr(w, version, src, dst, seg->src_port, seg->dst_port), like;
	size_t len = version == V4 ? 4 : 16;

	if (f || (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return f;
	like = (struct flow){
		/* an active open */
		.version = version,
		.peer = (uint8_t)(dst[len - 1] - 2),
		.port = seg->src_port,
		.peer_port = seg->dst_port,
	};
	return new_flow(w, &like);
}

struct flow *peer_flow_of(struct world *w, const struct weir_tuple *tuple)
{
	return find_by_addr(w, tuple->local.addr.family == 4 ? V4 : V6, tuple->local.addr.bytes,
			    tuple->remote.addr.bytes, tuple->local.port, tuple->remote.port);
}

bool peer_knows_scale(const struct flow *f)
{
	return f->synced && !f->model.blind && !(f->ws_offered && f->ws_withheld);
}

uint32_t peer_scaled(const struct flow *f, const struct tcp_seg *seg)
{
	bool scaled = f->ws_offered && !(seg->flags & TCP_SYN);

	return (uint32_t)seg->wnd << (scaled ? f->stk_shift : 0);
}

/* RFC 9293 3.8.6: the right edge of the stack's window never moves left, but for what scaling cuts
 * off; after the peer's FIN the window means nothing. */
static void learn_edge(struct flow *f)
{
	uint32_t edge = f->stk_ack + f->stk_wnd, crumb = (1u << f->stk_shift) - 1;

	if (f->has_edge && !f->model.fin_count && peer_knows_scale(f))
		fuzz_assert((int32_t)(edge + crumb - f->stk_edge) >= 0);
	if (!f->has_edge || (int32_t)(edge - f->stk_edge) > 0)
		f->stk_edge = edge;
	f->has_edge = true;
}

void peer_learn(struct world *w, enum version version, const uint8_t *src, const uint8_t *dst,
		const struct tcp_seg *seg)
{
	struct flow *f = peer_flow(w, version, src, dst, seg);
	uint32_t end = seg->seq.v + tcp_seg_len(seg);

	if (!f || seg->flags & TCP_RST)
		return;
	if (seg->flags & TCP_SYN) {
		if (!f->synced || f->stk_iss != seg->seq.v)
			f->edge_max = f->una = f->stk_nxt = seg->seq.v + 1;
		f->has_edge = false; /* perhaps another life with the same ISN */
		f->synced = true;
		f->stk_iss = seg->seq.v;
		f->stk_shift = seg->opts.has_wscale ? seg->opts.wscale : 0;
	}
	if ((int32_t)(end - f->stk_nxt) > 0)
		f->stk_nxt = end;
	if (seg->flags & TCP_ACK) {
		f->stk_ack = seg->ack.v;
		f->stk_wnd = peer_scaled(f, seg);
		learn_edge(f);
	}
	if (seg->opts.has_ts)
		f->stk_ts = seg->opts.ts_val;
}
