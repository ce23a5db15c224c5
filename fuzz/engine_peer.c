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
	struct flow *f = flow_find(w, &like);
	struct tcp_seg seg = {.wnd = 0xffff};

	if (!f)
		f = flow_new(w, &like);
	syn_options(w, f, &seg);
	flags = fuzz_u8(&w->in);
	seg.seq.v = (uint32_t)fuzz_u8(&w->in) * 0x01010101u - 3;
	seg.flags = TCP_SYN ^ (flags & 0x3f);
	seg.len = flags & 0x40 ? 9 : 0;
	if (flags & 0x80)
		seg.seq.v = f->nxt + 1; /* a newer one for TIME-WAIT, or one in the window */
	seg.ack.v = f->stk_nxt;
	f->nxt = seg.seq.v + 1;
	frame_send(w, f, &seg, (struct bend){0});
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
	frame_send(w, f, &seg, (struct bend){0});
}

void peer_ack_all(struct world *w, struct flow *f, uint8_t narrow)
{
	struct tcp_seg seg = plain_segment(w, f, TCP_ACK);

	seg.wnd = (uint16_t)(0xffff - 257u * narrow);
	frame_send(w, f, &seg, (struct bend){0});
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
	frame_send(w, f, &seg, (struct bend){0});
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
	frame_send(w, f, &seg, (struct bend){0});
}

void peer_rst(struct world *w)
{
	struct flow *f = peer_pick(w);
	struct tcp_seg seg;

	if (!f)
		return;
	seg = plain_segment(w, f, TCP_RST | TCP_ACK);
	seg.seq.v = f->stk_ack;
	frame_send(w, f, &seg, (struct bend){0});
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
	frame_send(w, f, &seg, b);
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
