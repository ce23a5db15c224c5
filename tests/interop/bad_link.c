/*
 * bad_link.c: a link that loses, swaps, doubles and marks frames.
 */
#include "bad_link.h"

#include <stdlib.h>

#include "weir/impair.h"

struct bad_link {
	struct weir_link link;
	struct weir_link *below;
	unsigned permille, mark_permille;
	uint32_t random; /* xorshift (Marsaglia, 2003), never 0 */
	uint64_t lost, marked[2];
};

static struct bad_link *bad_of(struct weir_link *l)
{
	return (struct bad_link *)(void *)l; /* link is the first member */
}

/* True for permille of 1,000 calls. */
static bool strikes_with(struct bad_link *b, unsigned permille)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 17;
	b->random ^= b->random << 5;
	return b->random % 1000 < permille;
}

static bool strikes(struct bad_link *b)
{
	return strikes_with(b, b->permille);
}

/* Segments that an IPv4 frame was merged of. */
static uint64_t segments_of(const uint8_t *packet, size_t len, uint16_t gso_size)
{
	size_t ip = (packet[0] & 15u) * 4u, headers;

	if (gso_size == 0 || packet[0] >> 4 != 4 || len < ip + 20)
		return 1;
	headers = ip + (packet[ip + 12] >> 4) * 4u;
	return len > headers ? (len - headers + gso_size - 1) / gso_size : 1;
}

static void mark(struct bad_link *b, uint8_t *packet, size_t len, uint16_t gso_size, unsigned way)
{
	enum weir_impair_ecn ecn = weir_impair_ecn_of(packet, len);

	if ((ecn != WEIR_IMPAIR_ECT0 && ecn != WEIR_IMPAIR_ECT1) ||
	    !strikes_with(b, b->mark_permille))
		return;
	weir_impair_set_ce(packet, len);
	b->marked[way] += segments_of(packet, len, gso_size);
}

static int bad_recv(struct weir_link *l, struct weir_frame *frames, int max)
{
	struct bad_link *b = bad_of(l);
	int n = b->below->ops->recv(b->below, frames, max);
	int i, kept = 0;

	for (i = 0; i < n; i++) {
		if (strikes(b)) {
			b->lost++;
			continue;
		}
		if (b->mark_permille > 0) /* the buffer is the link's own */
			mark(b, (uint8_t *)(uintptr_t)frames[i].bytes, frames[i].len,
			     frames[i].gso_size, 0);
		frames[kept] = frames[i];
		if (kept > 0 && strikes(b)) {
			struct weir_frame swapped = frames[kept];

			frames[kept] = frames[kept - 1];
			frames[kept - 1] = swapped;
		}
		kept++;
	}
	return n < 0 ? n : kept;
}

static int bad_send(struct weir_link *l, const struct weir_packet *p)
{
	struct bad_link *b = bad_of(l);
	struct weir_packet copy;

	if (strikes(b)) {
		b->lost++;
		return 0;
	}
	if (b->mark_permille > 0) {
		copy = *p;
		mark(b, copy.head, copy.head_len, 0, 1);
		p = &copy;
	}
	if (strikes(b))
		(void)b->below->ops->send(b->below, p);
	return b->below->ops->send(b->below, p);
}

static void bad_close(struct weir_link *l)
{
	struct bad_link *b = bad_of(l);

	weir_link_close(b->below);
	free(b);
}

static const struct weir_link_ops bad_ops = {
	.recv = bad_recv,
	.send = bad_send,
	.close = bad_close,
};

struct weir_link *bad_link_new(struct weir_link *below, unsigned permille, uint32_t seed)
{
	struct bad_link *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->link = *below;
	b->link.ops = &bad_ops;
	b->link.gso_max = 0;
	b->below = below;
	b->permille = permille;
	b->random = seed * 2654435761u | 1u;
	return &b->link;
}

void bad_link_mark(struct weir_link *l, unsigned permille)
{
	bad_of(l)->mark_permille = permille;
}

void bad_link_marked(const struct weir_link *l, uint64_t marked[2])
{
	const struct bad_link *b = (const struct bad_link *)(const void *)l;

	marked[0] = b->marked[0];
	marked[1] = b->marked[1];
}

uint64_t bad_link_lost(const struct weir_link *l)
{
	return ((const struct bad_link *)(const void *)l)->lost;
}
