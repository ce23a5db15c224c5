/*
 * Theory of operation
 *
 * A queue is a window [head, head + PAGEQ_SPAN) over a byte stream. Byte `o` is in page number
 * o / PAGEQ_PAGE of the stream at o % PAGEQ_PAGE; which pool page that is, says slot
 * number % PAGEQ_SLOTS of the directory page. The window touches at most PAGEQ_SLOTS page numbers
 * (that is why the span is one page short), so that no two of them share a slot.
 *
 * A directory just taken holds whatever its page held before. Instead of clearing 4 KB for each
 * queue that comes alive, `lazy` tells from which page number on slots are unset: those read as
 * absent. Setting slot `n` fills the slots from `lazy` up to it with POOL_NONE, so that each slot
 * is written once on the window's way over it. Below `head` slots are never read, hence never
 * cleaned.
 *
 *	page number   head/4096 ......... lazy ......... head/4096 + 1023
 *	slot          page or POOL_NONE | not written yet: absent
 *
 * All work is by page: a write is one look-up and one memcpy for each page it touches. Releasing
 * looks only at the pages that the head passes. Clearing looks at head..lazy and stops as soon as
 * every page is found. A queue whose last page went back gives the directory back too.
 *
 * Nobody but the owner knows which bytes of a present page were written: the send queue knows its
 * end, the receive queue has its ranges.
 */
#include "base/pageq.h"

#include <string.h>

#include "base/assert.h"

#define PAGEQ_SLOTS (PAGEQ_PAGE / 4u)

void pageq_init(struct pageq *q)
{
	q->head = 0;
	q->lazy = 0;
	q->dir = POOL_NONE;
	q->held = 0;
}

static inline uint32_t *pageq_slot(const struct pageq *q, const struct pool *pages, uint64_t number)
{
	uint32_t *slots = pool_at(pages, q->dir);

	return &slots[number % PAGEQ_SLOTS];
}

/* The pool page for page `number` of the stream, POOL_NONE if it is absent. */
static inline uint32_t pageq_find(const struct pageq *q, const struct pool *pages, uint64_t number)
{
	if (q->dir == POOL_NONE || number >= q->lazy)
		return POOL_NONE;
	return *pageq_slot(q, pages, number);
}

static void pageq_dir_give_if_bare(struct pageq *q, struct pool *pages)
{
	if (q->held != 1)
		return;
	pool_give(pages, q->dir);
	q->dir = POOL_NONE;
	q->held = 0;
}

/* Takes a pool page for the absent page `number`. POOL_NONE: the pool is empty. */
static uint32_t pageq_take(struct pageq *q, struct pool *pages, uint64_t number)
{
	if (q->dir == POOL_NONE) {
		weir_assert(pages->stride >= PAGEQ_PAGE);
		q->dir = pool_take(pages);
		if (q->dir == POOL_NONE)
			return POOL_NONE;
		q->held = 1;
		q->lazy = q->head / PAGEQ_PAGE;
	}
	uint32_t page = pool_take(pages);

	if (page == POOL_NONE) {
		pageq_dir_give_if_bare(q, pages);
		return POOL_NONE;
	}
	for (; q->lazy < number; q->lazy++)
		*pageq_slot(q, pages, q->lazy) = POOL_NONE;
	if (q->lazy == number)
		q->lazy++;
	*pageq_slot(q, pages, number) = page;
	q->held++;
	return page;
}

/* How much of [from, from + len) the window covers. */
static size_t pageq_clip(const struct pageq *q, uint64_t from, size_t len)
{
	weir_assert(from >= q->head);
	uint64_t below = from - q->head;

	if (below >= PAGEQ_SPAN)
		return 0;
	return len < PAGEQ_SPAN - below ? len : (size_t)(PAGEQ_SPAN - below);
}

/* Bytes from `from` to the end of its page, but no more than `len`. */
static inline size_t pageq_step(uint64_t from, size_t len)
{
	size_t left = PAGEQ_PAGE - (size_t)(from % PAGEQ_PAGE);

	return len < left ? len : left;
}

size_t pageq_reserve(struct pageq *q, struct pool *pages, uint64_t from, size_t len)
{
	size_t done = 0;

	len = pageq_clip(q, from, len);
	while (done < len) {
		uint64_t number = (from + done) / PAGEQ_PAGE;

		if (pageq_find(q, pages, number) == POOL_NONE &&
		    pageq_take(q, pages, number) == POOL_NONE)
			break;
		done += pageq_step(from + done, len - done);
	}
	return done;
}

/* `len` bytes, at most a page. Where gcc knows that bound it writes `rep movs` instead of a call,
 * which is slow for what most writes are: one segment, or less. */
static inline void copy(uint8_t *to, const uint8_t *from, size_t len)
{
	__asm__("" : "+r"(len));
	memcpy(to, from, len);
}

size_t pageq_write(struct pageq *q, struct pool *pages, uint64_t from, const uint8_t *bytes,
		   size_t len)
{
	size_t done = 0;

	len = pageq_clip(q, from, len);
	while (done < len) {
		uint64_t number = (from + done) / PAGEQ_PAGE;
		size_t step = pageq_step(from + done, len - done);
		uint32_t page = pageq_find(q, pages, number);

		if (page == POOL_NONE)
			page = pageq_take(q, pages, number);
		if (page == POOL_NONE)
			break;
		copy((uint8_t *)pool_at(pages, page) + (from + done) % PAGEQ_PAGE, bytes + done,
		     step);
		done += step;
	}
	return done;
}

size_t pageq_pieces(const struct pageq *q, const struct pool *pages, uint64_t from, size_t len,
		    struct pageq_piece *out, size_t max, size_t *covered)
{
	uint64_t at = from, end = from + len;
	size_t filled = 0;

	for (; at < end && filled < max; at += out[filled++].len) {
		uint32_t page = pageq_find(q, pages, at / PAGEQ_PAGE);

		weir_assert(page != POOL_NONE);
		out[filled].bytes = (uint8_t *)pool_at(pages, page) + at % PAGEQ_PAGE;
		out[filled].len = pageq_step(at, (size_t)(end - at));
	}
	*covered = (size_t)(at - from);
	return filled;
}

void pageq_release(struct pageq *q, struct pool *pages, uint64_t to, uint64_t end)
{
	weir_assert(to >= q->head);
	if (to >= end) {
		pageq_clear(q, pages);
		q->head = to;
		return;
	}
	uint64_t number = q->head / PAGEQ_PAGE, stop = to / PAGEQ_PAGE;

	q->head = to;
	if (q->dir == POOL_NONE)
		return;
	for (; number < stop && number < q->lazy; number++) {
		uint32_t page = *pageq_slot(q, pages, number);

		if (page == POOL_NONE)
			continue;
		pool_give(pages, page);
		q->held--;
	}
	/* If head passed `lazy`, it passed every page, and `lazy` starts anew with the next one. */
	pageq_dir_give_if_bare(q, pages);
}

void pageq_clear(struct pageq *q, struct pool *pages)
{
	if (q->dir == POOL_NONE)
		return;
	for (uint64_t number = q->head / PAGEQ_PAGE; q->held > 1; number++) {
		weir_assert(number < q->lazy);
		uint32_t page = *pageq_slot(q, pages, number);

		if (page == POOL_NONE)
			continue;
		pool_give(pages, page);
		q->held--;
	}
	pageq_dir_give_if_bare(q, pages);
}
