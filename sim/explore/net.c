/*
 * net.c: the segments in flight, and those that a former incarnation of the connection left behind.
 */
#include <string.h>

#include "base/assert.h"
#include "sim/explore/world.h"
#include "stack/stack.h"
#include "wire/checksum.h"
#include "wire/ip4.h"

struct ex_frame *ex_frame_new(struct ex_world *w)
{
	struct ex_frame *f;

	if (w->frames == EX_FRAMES_MAX) {
		w->overflow = true;
		return NULL;
	}
	f = &w->frame[w->frames++];
	*f = (struct ex_frame){.born_ms = w->now / NS_PER_MS};
	return f;
}

void ex_frame_remove(struct ex_world *w, unsigned i)
{
	memmove(&w->frame[i], &w->frame[i + 1], (w->frames - i - 1u) * sizeof(w->frame[0]));
	w->frames--;
}

void ex_frame_read(const struct ex_frame *f, struct tcp_seg *out)
{
	int bad = tcp_parse(out, f->bytes + IP4_HDR_LEN, f->len - IP4_HDR_LEN);

	weir_assert(bad == 0);
}

/* --- A former incarnation ----------------------------------------------------------------- */

static void put_segment(struct ex_frame *f, unsigned from, const struct tcp_seg *seg)
{
	uint8_t *l4 = f->bytes + IP4_HDR_LEN;
	uint32_t len = (uint32_t)tcp_emit(l4, seg, TCP_OPT_ORDER_LINUX);
	struct ip4_hdr ip = {.total_len = (uint16_t)(IP4_HDR_LEN + len),
			     .ttl = 64,
			     .proto = IP_PROTO_TCP,
			     .hdr_len = IP4_HDR_LEN,
			     .dont_frag = true};
	struct weir_tuple t;
	uint16_t sum;

	ex_tuple(from, &t);
	memcpy(ip.src, t.local.addr.bytes, 4);
	memcpy(ip.dst, t.remote.addr.bytes, 4);
	ip4_emit(f->bytes, &ip);
	sum = csum_finish(
		csum_add(csum_add_pseudo(0, ip.src, ip.dst, 4, len, IP_PROTO_TCP), l4, len));
	memcpy(l4 + TCP_CSUM_OFFSET, &sum, sizeof(sum));
	f->len = (uint8_t)(IP4_HDR_LEN + len);
}

struct old {
	enum ex_old bit;
	uint8_t from, flags;
	uint8_t seq, ack; /* relative to that incarnation's initial numbers */
};

static const struct old olds[] = {
	{EX_OLD_SYN, EX_A, TCP_SYN, 0, 0},           {EX_OLD_ACK, EX_A, TCP_ACK, 1, 1},
	{EX_OLD_RST, EX_A, TCP_RST, 1, 0},           {EX_OLD_SYNACK, EX_B, TCP_SYN | TCP_ACK, 0, 1},
	{EX_OLD_FIN, EX_B, TCP_FIN | TCP_ACK, 1, 1},
};

static void put_old(struct ex_world *w, const struct old *o)
{
	struct ex_offsets off = ex_variant(w->variant);
	uint32_t isn[EX_HOSTS];
	struct weir_tuple t;
	struct tcp_seg seg = {.flags = o->flags, .wnd = 4096};
	struct ex_frame *f = ex_frame_new(w);

	for (unsigned h = 0; h < EX_HOSTS; h++)
		isn[h] = ex_isn_next(w, h) + (uint32_t)off.of[h];
	if (w->tamper == EX_TAMPER_GUESS && o->bit == EX_OLD_ACK)
		isn[EX_B] = ex_isn_next(w, EX_B);
	ex_tuple(o->from, &t);
	seg.src_port = t.local.port;
	seg.dst_port = t.remote.port;
	seg.seq = seq_make(isn[o->from] + o->seq);
	seg.ack = seq_make(o->flags & TCP_ACK ? isn[!o->from] + o->ack : 0);
	if (o->flags & TCP_SYN) {
		seg.opts.has_mss = true;
		seg.opts.mss = 256;
	}
	f->to = !o->from;
	f->spare = true;
	put_segment(f, o->from, &seg);
}

void ex_old_init(struct ex_world *w)
{
	for (unsigned i = 0; i < sizeof(olds) / sizeof(olds[0]); i++)
		if (w->scenario->olds & olds[i].bit)
			put_old(w, &olds[i]);
}
