/*
 * engine_flow.c: what the peers of the stack that is fuzzed remember of each connection: the
 * numbers that both sides are at, and what the stack's segments say about it.
 */
#include "engine_world.h"

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

struct flow *flow_find(struct world *w, const struct flow *like)
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

struct flow *flow_at(struct world *w, enum version version, const uint8_t *ours,
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

	return flow_find(w, &like);
}

/* A place in world.forgotten for a flow's tuple. */
static unsigned tuple_bit(const struct flow *f)
{
	uint32_t mix = (uint32_t)f->port << 16 ^ f->peer_port ^ (uint32_t)f->peer << 8 ^
		       (uint32_t)f->version << 4 ^ (uint32_t)f->ours;

	return mix * 0x9e3779b1u >> 24;
}

/* A flow for the tuple of `like`, in the place of the oldest. */
struct flow *flow_new(struct world *w, const struct flow *like)
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

struct flow *peer_pick(struct world *w)
{
	struct flow *f = &w->flows[(w->flow_last - fuzz_u8(&w->in)) % FLOWS_MAX];

	if (!f->used)
		f = &w->flows[w->flow_last];
	return f->used ? f : NULL;
}

/* Remembers the right edge that a segment announces, if the stack may believe it. */
void flow_note_edge(struct flow *f, const struct tcp_seg *seg)
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

struct flow *peer_flow(struct world *w, enum version version, const uint8_t *src,
		       const uint8_t *dst, const struct tcp_seg *seg)
{
	struct flow *f = flow_at(w, version, src, dst, seg->src_port, seg->dst_port), like;
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
	return flow_new(w, &like);
}

struct flow *peer_flow_of(struct world *w, const struct weir_tuple *tuple)
{
	return flow_at(w, tuple->local.addr.family == 4 ? V4 : V6, tuple->local.addr.bytes,
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
