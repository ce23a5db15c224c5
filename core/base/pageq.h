/*
 * pageq.h: bytes addressed by a running offset, kept in pages of a shared pool.
 *
 * It serves the send queue (bytes are added at the end and released at the front) and the receive
 * queue (bytes may also be put above a gap: reassembly copies each byte once, to where it stays).
 * An empty queue holds no page. One page serves as directory: a ring of page numbers that covers
 * PAGEQ_SPAN bytes; it and the data pages are taken on first need and given back when released.
 *
 * Offsets are 64-bit stream offsets chosen by the owner, the first being 0 after pageq_init().
 */
#ifndef WEIR_BASE_PAGEQ_H
#define WEIR_BASE_PAGEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"

#define PAGEQ_PAGE 4096u
/* Bytes that one directory page covers, less one page since neither end need be aligned. */
#define PAGEQ_SPAN ((PAGEQ_PAGE / 4u - 1u) * PAGEQ_PAGE)

struct pageq {
	uint64_t head; /* offset of the first byte still wanted */
	uint64_t lazy; /* page number (offset / PAGEQ_PAGE) from which on slots are unset */
	uint32_t dir;  /* directory page in the pool, POOL_NONE while empty */
	uint32_t held; /* pages held, the directory included */
};

/* Shapes of pieces given back; the same as weir_span and weir_mspan, which base does not know. */
struct pageq_piece {
	uint8_t *bytes;
	size_t len;
};

void pageq_init(struct pageq *q);

/* Makes pages present for [from, from + len); from >= head and from + len <= head + PAGEQ_SPAN, or
 * the part beyond is not made. Returns how many bytes from `from` on are present (less than `len`
 * when the pool is empty). */
size_t pageq_reserve(struct pageq *q, struct pool *pages, uint64_t from, size_t len);

/* Copies `len` bytes to offset `from`, taking pages as needed. Returns bytes copied; less than
 * `len` only when the pool is empty or the span is exceeded. */
size_t pageq_write(struct pageq *q, struct pool *pages, uint64_t from, const uint8_t *bytes,
		   size_t len);

/* The pieces that hold [from, from + len), all of it present. Returns how many of at most `max`
 * pieces were filled; *covered gets their sum. */
size_t pageq_pieces(const struct pageq *q, const struct pool *pages, uint64_t from, size_t len,
		    struct pageq_piece *out, size_t max, size_t *covered);

/* Moves head up to `to` (>= head) and gives pages wholly below it back. `end` is the offset after
 * the last byte wanted: when `to` reaches it, every page goes back, the directory too. */
void pageq_release(struct pageq *q, struct pool *pages, uint64_t to, uint64_t end);

/* Gives everything back; head stays. */
void pageq_clear(struct pageq *q, struct pool *pages);

#endif
