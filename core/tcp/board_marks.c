/* The marks of the scoreboard: what has arrived, what is lost. See board.c. */
#include "base/assert.h"
#include "tcp/board.h"
#include "tcp/board_list.h"

#define BOARD_VISITS 256u

static uint32_t len_of(const struct send *r)
{
	return r->hi.v - r->lo.v;
}

/* --- News ------------------------------------------------------------------------------------ */

/* RFC8985-03: did this very transmission arrive, or may it have been an earlier one? */
static bool surely(const struct board_news *n, const struct send *r)
{
	uint32_t clock;

	if (!(r->flags & SEND_AGAIN))
		return true;
	clock = (uint32_t)(r->at / NS_PER_MS) + n->ts_offset;
	if (n->has_echo && (int32_t)(n->echo - clock) < 0)
		return false;
	return n->now - r->at >= n->min_rtt_ns;
}

/* The part of the record that ends at `hi` has arrived. */
static void news_take(struct board_news *n, const struct send *r, seq_t hi)
{
	if (!(r->flags & SEND_AGAIN)) {
		if (seq_leq(hi, n->recover))
			n->original = true;
		if (seq_lt(hi, n->fack))
			n->reordering = true; /* RFC8985-05 */
	}
	if (n->newest && (r->at < n->at || (r->at == n->at && seq_leq(hi, n->end))))
		return;
	if (!surely(n, r))
		return;
	n->newest = true;
	n->at = r->at;
	n->end = hi;
	n->stamp = (struct send_stamp){
		.at = r->at,
		.delivered_at = r->delivered_at,
		.delivered = r->delivered,
		.lost = r->lost,
		.span_us = r->span_us,
		.pipe = r->pipe,
		.flags = r->flags & SEND_APP_LIMITED,
	};
}

/* --- SACK ------------------------------------------------------------------------------------ */

/* The first place between segments at or behind `s`, which lies in the record. */
static seq_t grid_up(const struct send *r, seq_t s)
{
	uint32_t off = s.v - r->lo.v;
	uint32_t at = r->first;

	if (off == 0)
		return r->lo;
	if (off > at)
		at += (off - at + r->seg - 1) / r->seg * r->seg;
	return at < len_of(r) ? seq_add(r->lo, at) : r->hi;
}

/* The last one at or before `s`, which is not below the record. */
static seq_t grid_down(const struct send *r, seq_t s)
{
	uint32_t off = s.v - r->lo.v;

	if (seq_geq(s, r->hi))
		return r->hi;
	if (off < r->first)
		return r->lo;
	return seq_add(r->lo, off - (off - r->first) % r->seg);
}

static uint32_t segments(const struct send *r, seq_t from, seq_t to)
{
	uint32_t len = to.v - from.v;
	uint32_t first = seq_eq(from, r->lo) ? r->first : r->seg;

	return len <= first ? 1 : 1 + (len - first + r->seg - 1) / r->seg;
}

static bool is_sacked(struct tcp_env *env, uint32_t i)
{
	return i != POOL_NONE && (board_at(env, i)->flags & SEND_SACKED);
}

/* Two SACKed neighbours become one. */
static void merge_next(struct tcp_env *env, struct board *b, uint32_t i)
{
	struct send *r = board_at(env, i);
	uint32_t next = r->next;

	if (!is_sacked(env, i) || !is_sacked(env, next))
		return;
	r->hi = board_at(env, next)->hi;
	r->pipe += board_at(env, next)->pipe;
	board_remove_marked(env, b, next);
}

/* [from, to) of record `i` becomes SACKed; returns the record that it is now part of, POOL_NONE if
 * no record was free for it. `n` segments. */
static uint32_t sack_part(struct tcp_env *env, struct board *b, uint32_t i, seq_t from, seq_t to,
			  uint32_t n)
{
	struct send *r = board_at(env, i);
	uint32_t prev = r->prev, next = r->next;
	uint32_t right;

	if (seq_eq(from, r->lo) && is_sacked(env, prev)) {
		board_at(env, prev)->hi = to;
		board_at(env, prev)->pipe += n;
		if (!seq_eq(to, r->hi)) {
			board_trim(r, to);
			return prev;
		}
		board_remove(env, b, i);
		merge_next(env, b, prev);
		return prev;
	}
	if (seq_eq(to, r->hi) && is_sacked(env, next) && !seq_eq(from, r->lo)) {
		board_at(env, next)->lo = from;
		board_at(env, next)->pipe += n;
		r->hi = from;
		r->flags &= (uint8_t)~SEND_WHOLE;
		return next;
	}
	if (!seq_eq(from, r->lo)) {
		right = board_split(env, b, i, from);
		if (right == POOL_NONE)
			return POOL_NONE;
		i = right;
	}
	if (!seq_eq(to, board_at(env, i)->hi) && board_split(env, b, i, to) == POOL_NONE)
		return POOL_NONE;
	r = board_at(env, i);
	if (!(r->flags & SEND_LOST))
		board_time_remove(env, b, i);
	r->flags = (uint8_t)((r->flags & ~SEND_LOST) | SEND_SACKED);
	r->pipe = n;
	merge_next(env, b, i);
	return i;
}

/* Marks what [lo, hi) covers of record `i`. Returns the record to go on from: this one if nothing
 * could be marked. */
static uint32_t sack_one(struct tcp_env *env, struct board *b, uint32_t i, seq_t lo, seq_t hi,
			 struct board_news *n)
{
	struct send *r = board_at(env, i);
	seq_t from = seq_gt(lo, r->lo) ? grid_up(r, lo) : r->lo;
	seq_t to = grid_down(r, hi);
	struct send before = *r;
	uint32_t segs, got;

	if (seq_geq(from, to))
		return i;
	segs = segments(r, from, to);
	got = sack_part(env, b, i, from, to, segs);
	if (got == POOL_NONE)
		return i;
	news_take(n, &before, to);
	n->sacked += to.v - from.v;
	b->sacked += to.v - from.v;
	b->sacked_segments += segs;
	if (before.flags & SEND_LOST)
		b->lost -= to.v - from.v;
	if (seq_gt(to, b->fack)) {
		b->fack = to;
		b->front = got;
	}
	return got;
}

static uint32_t distance(seq_t a, seq_t b)
{
	int32_t d = seq_diff(a, b);

	return d < 0 ? 0u - (uint32_t)d : (uint32_t)d;
}

static uint32_t nearer(struct tcp_env *env, uint32_t best, uint32_t i, seq_t lo)
{
	if (i == POOL_NONE ||
	    distance(lo, board_at(env, best)->lo) <= distance(lo, board_at(env, i)->lo))
		return best;
	return i;
}

/* Where to look for `lo` first. New data arrives beside the highest byte SACKed, with all that is
 * out and was not yet heard of above it; what was sent again, far below. */
static uint32_t nearest(struct tcp_env *env, const struct board *b, seq_t lo)
{
	uint32_t best = nearer(env, b->first, b->last, lo);

	best = nearer(env, best, b->front, lo);
	return nearer(env, best, b->cursor, lo);
}

void board_sack(struct tcp_env *env, struct board *b, seq_t lo, seq_t hi, struct board_news *n)
{
	unsigned visits = BOARD_VISITS;
	uint32_t i;

	if (b->first == POOL_NONE)
		return;
	i = nearest(env, b, lo);
	while (board_at(env, i)->prev != POOL_NONE && seq_gt(board_at(env, i)->lo, lo) && --visits)
		i = board_at(env, i)->prev;
	b->cursor = i; /* what was walked need not be walked again when the block comes again */
	while (i != POOL_NONE && seq_lt(board_at(env, i)->lo, hi) && visits) {
		uint32_t got = i;

		if (!is_sacked(env, i) && seq_gt(board_at(env, i)->hi, lo))
			got = sack_one(env, b, i, lo, hi, n);
		if (got == i)
			visits--;
		b->cursor = got;
		i = board_at(env, got)->next;
	}
}

/* --- ACK ------------------------------------------------------------------------------------- */

/* [lo, to) of the first record is acknowledged. */
static void ack_part(struct board *b, const struct send *r, seq_t to, struct board_news *n)
{
	uint32_t len = to.v - r->lo.v;

	if (r->flags & SEND_SACKED) {
		b->sacked -= len;
		return;
	}
	news_take(n, r, to);
	n->acked += len;
	if (r->flags & SEND_LOST)
		b->lost -= len;
}

void board_acked(struct tcp_env *env, struct board *b, seq_t una, struct board_news *n)
{
	while (b->first != POOL_NONE) {
		struct send *r = board_at(env, b->first);

		if (seq_geq(r->lo, una))
			break;
		if (r->flags & SEND_AGAIN)
			n->again = true;
		if (seq_gt(r->hi, una)) {
			ack_part(b, r, una, n);
			board_trim(r, una);
			break;
		}
		ack_part(b, r, r->hi, n);
		if (r->flags & SEND_SACKED)
			b->sacked_segments -= r->pipe;
		board_remove(env, b, b->first);
	}
	b->fack = seq_max(b->fack, una);
}

/* --- Loss ------------------------------------------------------------------------------------ */

void board_lose(struct tcp_env *env, struct board *b, uint32_t i, enum weir_counter why)
{
	struct send *r = board_at(env, i);

	board_time_remove(env, b, i);
	r->flags |= SEND_LOST;
	r->why = (uint8_t)why;
	if (b->lost == 0 ||
	    (b->next_lost != POOL_NONE && seq_lt(r->lo, board_at(env, b->next_lost)->lo)))
		b->next_lost = i;
	b->lost += len_of(r);
}

void board_lose_first(struct tcp_env *env, struct board *b, uint32_t len, enum weir_counter why)
{
	struct send *r = b->first != POOL_NONE ? board_at(env, b->first) : NULL;
	seq_t at;

	if (!r || (r->flags & (SEND_SACKED | SEND_LOST)))
		return;
	at = len < len_of(r) ? grid_up(r, seq_add(r->lo, len)) : r->hi;
	if (seq_lt(at, r->hi)) /* longer by a FIN, or since the path's MTU fell */
		(void)board_split(env, b, b->first, at);
	board_lose(env, b, b->first, why);
}

void board_lose_all(struct tcp_env *env, struct board *b, enum weir_counter why)
{
	for (uint32_t i = b->first; i != POOL_NONE; i = board_at(env, i)->next) {
		struct send *r = board_at(env, i);

		if (r->flags & SEND_LOST)
			r->why = (uint8_t)why;
		else if (!(r->flags & SEND_SACKED))
			board_lose(env, b, i, why);
	}
}

void board_lose_none(struct tcp_env *env, struct board *b)
{
	uint32_t before = POOL_NONE; /* in the list by time: what was filed last */

	for (uint32_t i = b->first; i != POOL_NONE; i = board_at(env, i)->next) {
		struct send *r = board_at(env, i);
		uint32_t next;

		if (!(r->flags & SEND_LOST))
			continue;
		r->flags &= (uint8_t)~SEND_LOST;
		if (before != POOL_NONE && board_at(env, before)->at > r->at)
			before = POOL_NONE;
		next = before == POOL_NONE ? b->oldest : board_at(env, before)->later;
		while (next != POOL_NONE && board_at(env, next)->at <= r->at) {
			before = next;
			next = board_at(env, next)->later;
		}
		board_time_after(env, b, i, before);
		before = i;
	}
	b->lost = 0;
}

void board_forget_sacked(struct tcp_env *env, struct board *b, enum weir_counter why)
{
	for (uint32_t i = b->first; i != POOL_NONE; i = board_at(env, i)->next) {
		struct send *r = board_at(env, i);

		if (!(r->flags & SEND_SACKED))
			continue;
		r->flags &= (uint8_t)~SEND_SACKED;
		r->flags |= SEND_LOST | SEND_AGAIN;
		r->why = (uint8_t)why;
		b->lost += len_of(r);
	}
	b->sacked = 0;
	b->sacked_segments = 0;
	b->next_lost = POOL_NONE;
}

/* --- Check ----------------------------------------------------------------------------------- */

struct sums {
	uint32_t count, sacked, lost, timed, segments;
};

static const char *check_record(const struct send *r, seq_t at, struct sums *n)
{
	n->count++;
	if (!seq_eq(r->lo, at) || seq_geq(r->lo, r->hi))
		return "the scoreboard has a gap";
	if (r->first == 0 || r->seg == 0)
		return "a record of no segments";
	if ((r->flags & SEND_SACKED) && (r->flags & SEND_LOST))
		return "a record is SACKed and lost";
	if (r->flags & SEND_SACKED) {
		n->sacked += len_of(r);
		n->segments += r->pipe;
	} else if (r->flags & SEND_LOST) {
		n->lost += len_of(r);
	} else {
		n->timed++;
	}
	return NULL;
}

static const char *check_time(const struct tcp_env *env, const struct board *b, uint32_t timed)
{
	uint32_t before = POOL_NONE, n = 0;

	for (uint32_t i = b->oldest; i != POOL_NONE; i = board_at(env, i)->later) {
		const struct send *r = board_at(env, i);

		if (n++ > timed || r->earlier != before || (r->flags & (SEND_SACKED | SEND_LOST)))
			return "the scoreboard's list by time is broken";
		if (before != POOL_NONE && board_at(env, before)->at > r->at)
			return "the scoreboard's list by time is not in order";
		before = i;
	}
	return n == timed && b->newest == before ? NULL : "a record is missing in the list by time";
}

const char *board_check(const struct tcp_env *env, const struct board *b, seq_t una, seq_t nxt)
{
	struct sums n = {0};
	uint32_t before = POOL_NONE;
	seq_t at = una;

	for (uint32_t i = b->first; i != POOL_NONE; i = board_at(env, i)->next) {
		const struct send *r = board_at(env, i);
		const char *bad = check_record(r, at, &n);

		if (bad)
			return bad;
		if (r->prev != before || n.count > b->count)
			return "the scoreboard's list is broken";
		if ((r->flags & SEND_LOST) && n.lost == len_of(r) && b->next_lost != POOL_NONE &&
		    seq_gt(board_at(env, b->next_lost)->lo, r->lo))
			return "a lost record lies before the first one";
		at = r->hi;
		before = i;
	}
	if (!seq_eq(at, nxt) || b->last != before || n.count != b->count)
		return "the scoreboard does not cover what is out";
	if (n.sacked != b->sacked || n.lost != b->lost || n.segments != b->sacked_segments)
		return "the scoreboard's sums are wrong";
	return check_time(env, b, n.timed);
}
