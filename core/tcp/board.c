/*
 * Theory of operation
 *
 * All that is out, [SND.UNA, SND.NXT) without a SYN, is covered by records in the order of sequence
 * numbers, without gaps. Those that are neither SACKed nor lost are also in a list by time of
 * sending, the earliest first, which is what RACK walks. What is in the network (RFC 6675 "pipe")
 * is what is out less b->sacked less b->lost; a lost record that is sent again is lost no more.
 *
 * Records join where nothing is lost by it: segments that go out one after the other at the same
 * time (a tie in time is broken by sequence, RFC 8985 6.2), SACKed neighbours, parts of a lost
 * record that are sent again together. So a stream without loss has a record for each burst, and
 * the ACK of a whole record is O(1).
 *
 * A connection may always have BOARD_FLOOR records, and more up to a quarter of the pool while the
 * pool lasts. When there is none, the board gets coarser and the counter SENDS_FULL rises: new data
 * joins the last record, whose time becomes the later one, so RACK waits longer and finds no loss
 * that is none; a block that would cut a record in three is not noted; a part of a lost record that
 * goes again joins the part before it, or else stands for all of it, and the rest waits for RACK or
 * the timer. Marks are given up, never invented: bytes count as in flight that may have arrived.
 *
 * The walk for a block starts at the nearest of first, last and the place of the last block, and
 * looks at no more than BOARD_VISITS records in vain. SACKed neighbours being one record, an honest
 * peer's blocks are a few steps apart.
 */
#include "tcp/board.h"

#include "base/assert.h"
#include "tcp/board_list.h"

#define BOARD_JOIN_MAX 65536u /* bytes of one record: what a super-segment has at most */

void board_init(struct board *b)
{
	*b = (struct board){
		.first = POOL_NONE,
		.last = POOL_NONE,
		.oldest = POOL_NONE,
		.newest = POOL_NONE,
		.cursor = POOL_NONE,
		.front = POOL_NONE,
		.next_lost = POOL_NONE,
	};
}

void board_clear(struct tcp_env *env, struct board *b)
{
	seq_t fack = b->fack;

	while (b->first != POOL_NONE)
		board_remove(env, b, b->first);
	board_init(b);
	b->fack = fack;
}

static void send_fill(struct send *r, uint32_t seg, const struct send_stamp *s)
{
	uint32_t len = r->hi.v - r->lo.v;

	r->at = s->at;
	r->delivered_at = s->delivered_at;
	r->delivered = s->delivered;
	r->lost = s->lost;
	r->span_us = s->span_us;
	r->pipe = s->pipe;
	r->seg = (uint16_t)seg;
	r->first = (uint16_t)(seg < len ? seg : len);
	if (len == seg || len % seg == 0)
		r->flags |= SEND_WHOLE;
	else
		r->flags &= (uint8_t)~SEND_WHOLE;
}

/* May [lo, hi), sent like `s` tells, join the record? Both went out at once, and where the segments
 * begin can still be told. */
static bool joins(const struct send *r, uint32_t len, uint32_t seg, const struct send_stamp *s)
{
	return r->at == s->at && r->seg == seg && r->delivered == s->delivered &&
	       (r->flags & (SEND_WHOLE | SEND_SACKED | SEND_LOST)) == SEND_WHOLE &&
	       (r->flags & SEND_APP_LIMITED) == s->flags &&
	       r->hi.v - r->lo.v + len <= BOARD_JOIN_MAX;
}

/* No record is free: the last one takes in what follows. */
static void coarsen(struct tcp_env *env, struct board *b, seq_t hi, const struct send_stamp *s)
{
	struct send *r = board_at(env, b->last);
	uint32_t len = r->hi.v - r->lo.v;

	if (r->flags & SEND_SACKED) {
		b->sacked -= len;
		b->sacked_segments -= r->pipe;
	} else if (r->flags & SEND_LOST) {
		b->lost -= len;
	} else {
		board_time_remove(env, b, b->last);
	}
	r->flags &= (uint8_t) ~(SEND_SACKED | SEND_LOST | SEND_WHOLE);
	r->at = s->at;
	r->hi = hi;
	board_time_append(env, b, b->last);
}

void board_sent(struct tcp_env *env, struct board *b, seq_t lo, seq_t hi, uint32_t seg,
		const struct send_stamp *s)
{
	struct send *r = b->last != POOL_NONE ? board_at(env, b->last) : NULL;
	uint32_t len = hi.v - lo.v;
	uint32_t i;

	if (r && !(r->flags & SEND_AGAIN) && joins(r, len, seg, s)) {
		r->hi = hi;
		r->pipe = s->pipe;
		if (len != seg && len % seg)
			r->flags &= (uint8_t)~SEND_WHOLE;
		return;
	}
	i = board_take(env, b);
	if (i == POOL_NONE) {
		coarsen(env, b, hi, s);
		return;
	}
	r = board_at(env, i);
	r->lo = lo;
	r->hi = hi;
	r->flags = s->flags;
	r->why = 0;
	send_fill(r, seg, s);
	board_link_last(env, b, i);
	board_time_append(env, b, i);
}

/* The record was sent again, whole. */
static void restamp(struct tcp_env *env, struct board *b, uint32_t i, uint32_t seg,
		    const struct send_stamp *s)
{
	struct send *r = board_at(env, i);

	if (r->flags & SEND_LOST)
		b->lost -= r->hi.v - r->lo.v;
	else
		board_time_remove(env, b, i);
	r->flags &= (uint8_t) ~(SEND_LOST | SEND_APP_LIMITED);
	r->flags |= SEND_AGAIN | s->flags;
	send_fill(r, seg, s);
	board_time_append(env, b, i);
}

/* What was sent again up to `hi` joins the record before it. */
static void join_before(struct tcp_env *env, struct board *b, uint32_t i, seq_t hi)
{
	struct send *r = board_at(env, i);
	struct send *prev = board_at(env, r->prev);

	if (r->flags & SEND_LOST)
		b->lost -= hi.v - r->lo.v;
	prev->hi = hi;
	if (seq_eq(hi, r->hi))
		board_remove_marked(env, b, i);
	else
		board_trim(r, hi);
}

/* The record before was sent again just before: the part up to `hi` may belong to it. */
static bool resent_joins(struct tcp_env *env, const struct board *b, uint32_t i, seq_t hi,
			 uint32_t seg, const struct send_stamp *s)
{
	const struct send *r = board_at(env, i);
	const struct send *prev;

	if (r->prev == POOL_NONE || !(r->flags & SEND_LOST))
		return false;
	prev = board_at(env, r->prev);
	return b->newest == r->prev && (prev->flags & SEND_AGAIN) &&
	       joins(prev, hi.v - r->lo.v, seg, s);
}

/* Part of record `i`, up to `hi`, was sent again. Returns the record behind it. */
static uint32_t resent_part(struct tcp_env *env, struct board *b, uint32_t i, seq_t hi,
			    uint32_t seg, const struct send_stamp *s)
{
	struct send *r = board_at(env, i);
	uint32_t next = r->next;
	uint32_t len = seq_min(hi, r->hi).v - r->lo.v;
	uint32_t prev = r->prev;

	if (resent_joins(env, b, i, seq_min(hi, r->hi), seg, s)) {
		join_before(env, b, i, seq_min(hi, r->hi));
		if (len != seg && len % seg)
			board_at(env, prev)->flags &= (uint8_t)~SEND_WHOLE;
		return next;
	}
	if (seq_gt(r->hi, hi) && board_split(env, b, i, hi) == POOL_NONE && prev != POOL_NONE &&
	    (r->flags & SEND_LOST) &&
	    (board_at(env, prev)->flags & (SEND_AGAIN | SEND_SACKED | SEND_LOST)) == SEND_AGAIN) {
		join_before(env, b, i, hi);
		i = prev;
	}
	restamp(env, b, i, seg, s);
	return next;
}

/* The record that holds `lo`, which is out. */
static uint32_t find(struct tcp_env *env, const struct board *b, seq_t lo)
{
	uint32_t i = b->next_lost;

	if (i == POOL_NONE || seq_gt(board_at(env, i)->lo, lo))
		i = seq_geq(lo, board_at(env, b->last)->lo) ? b->last : b->first;
	while (i != POOL_NONE && seq_leq(board_at(env, i)->hi, lo))
		i = board_at(env, i)->next;
	return i;
}

void board_resent(struct tcp_env *env, struct board *b, seq_t lo, seq_t hi, uint32_t seg,
		  const struct send_stamp *s)
{
	uint32_t i = b->first != POOL_NONE ? find(env, b, lo) : POOL_NONE;

	while (i != POOL_NONE && seq_lt(board_at(env, i)->lo, hi)) {
		struct send *r = board_at(env, i);

		if (r->flags & SEND_SACKED) {
			i = r->next;
			continue;
		}
		if (seq_lt(r->lo, lo)) {
			uint32_t right = board_split(env, b, i, lo);

			if (right != POOL_NONE)
				i = right;
		}
		i = resent_part(env, b, i, hi, seg, s);
	}
}

struct send *board_first_lost(const struct tcp_env *env, struct board *b)
{
	uint32_t i = b->next_lost != POOL_NONE ? b->next_lost : b->first;

	if (b->lost == 0)
		return NULL;
	while (!(board_at(env, i)->flags & SEND_LOST))
		i = board_at(env, i)->next;
	b->next_lost = i;
	return board_at(env, i);
}

seq_t board_last_segment(const struct tcp_env *env, const struct board *b)
{
	const struct send *r = board_at(env, b->last);
	uint32_t len = r->hi.v - r->lo.v;
	uint32_t behind;

	if (len <= r->first)
		return r->lo;
	behind = (len - r->first) % r->seg;
	return seq_sub(r->hi, behind ? behind : r->seg);
}

void board_ambiguous(struct tcp_env *env, struct board *b)
{
	if (b->first != POOL_NONE)
		board_at(env, b->first)->flags |= SEND_AGAIN;
}

uint32_t board_out_again(const struct tcp_env *env, const struct board *b)
{
	uint32_t bytes = 0;

	for (uint32_t i = b->first; i != POOL_NONE; i = board_at(env, i)->next) {
		const struct send *r = board_at(env, i);

		if ((r->flags & (SEND_AGAIN | SEND_SACKED | SEND_LOST)) == SEND_AGAIN)
			bytes += r->hi.v - r->lo.v;
	}
	return bytes;
}
