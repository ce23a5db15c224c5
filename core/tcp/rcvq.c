/*
 * Theory of operation
 *
 * The receive buffer is one pageq addressed by stream offset. A segment above a gap is copied at
 * once to where its bytes will stay, and its range is noted; when the gap fills, RCV.NXT jumps over
 * the ranges that touch it and nothing is copied again. Any pattern of arrival ends in the same
 * bytes: what is copied twice is the same, since the window was checked before and the checksum
 * before that; where a retransmission differs from the original, bytes already in order are never
 * touched again (they are cut off by the trimming), so the user cannot see two versions.
 *
 * Limits: ranges_conn_max ranges for each connection, of a pool for all whose last quarter is kept
 * for those that have few; the page pool, whose last pages are kept for bytes in order. What does
 * not fit is not acknowledged, and so comes again. (RFC 9293 3.10.7.4, SHLD-31.)
 */
#include "tcp/rcvq.h"

/* So many ranges a connection may have whatever the others have, as long as there are any: a
 * handful of losses in a window, and more. */
#define RANGES_FEW 32u

void rcvq_init(struct rcvq *q)
{
	pageq_init(&q->q);
	ranges_init(&q->ooo);
	q->nxt = 0;
}

static void advance(struct tcb *t, struct tcp_env *env, uint64_t to, uint32_t *in_order)
{
	struct rcvq *q = &t->rcvq;

	if (q->ooo.count) {
		to = ranges_end_of(&q->ooo, &env->ranges, to);
		ranges_drop_below(&q->ooo, &env->ranges, to);
	}
	*in_order = (uint32_t)(to - q->nxt);
	t->rcv.nxt = seq_add(t->rcv.nxt, *in_order);
	q->nxt = to;
}

/* How many ranges this connection may have now. */
static uint32_t ranges_most(const struct tcp_env *env)
{
	uint32_t most = (uint32_t)env->cfg->ranges_conn_max;
	bool scarce = env->ranges.used >= env->ranges.count - env->ranges.count / 4;

	return scarce && most > RANGES_FEW ? RANGES_FEW : most;
}

/* Is there a range for [at, to), or one that it touches? Else no page is taken for it: a peer could
 * have a page for each byte of what is refused. */
static bool has_range(const struct rcvq *q, const struct tcp_env *env, uint64_t at, uint64_t to)
{
	uint64_t from, end;

	if (q->ooo.count < ranges_most(env) && env->ranges.used < env->ranges.count)
		return true;
	return ranges_common(&q->ooo, &env->ranges, at - 1, to + 1, &from, &end);
}

static enum weir_counter put_above(struct tcb *t, struct tcp_env *env, uint64_t at,
				   const uint8_t *bytes, uint32_t len)
{
	struct rcvq *q = &t->rcvq;
	size_t n;

	if (tcp_pages_spare(env) < len / PAGEQ_PAGE + 2)
		return WEIR_CTR_REASM_FULL;
	if (!has_range(q, env, at, at + len))
		return WEIR_CTR_REASM_FULL;
	n = pageq_write(&q->q, &env->pages, at, bytes, len);
	if (n == 0)
		return WEIR_CTR_REASM_FULL;
	switch (ranges_add(&q->ooo, &env->ranges, ranges_most(env), at, at + n)) {
	case RANGES_ADDED:
		return WEIR_CTR_OUT_OF_ORDER;
	case RANGES_HAD:
		return WEIR_CTR_DUPLICATE;
	case RANGES_FULL:
		break;
	}
	return WEIR_CTR_REASM_FULL;
}

enum weir_counter rcvq_put(struct tcb *t, struct tcp_env *env, seq_t seq, const uint8_t *bytes,
			   uint32_t len, uint32_t *in_order)
{
	struct rcvq *q = &t->rcvq;
	uint64_t at = q->nxt + (seq.v - t->rcv.nxt.v);
	size_t n;

	*in_order = 0;
	if (at != q->nxt)
		return put_above(t, env, at, bytes, len);
	n = pageq_write(&q->q, &env->pages, at, bytes, len);
	if (n)
		advance(t, env, at + n, in_order);
	return n == len ? WEIR_CTR_ACCEPTED : WEIR_CTR_NO_PAGES;
}

bool rcvq_has(const struct tcb *t, const struct tcp_env *env, seq_t seq, uint32_t len, seq_t *lo,
	      seq_t *hi)
{
	const struct rcvq *q = &t->rcvq;
	uint64_t at = q->nxt + (seq.v - t->rcv.nxt.v);
	uint64_t from, to;

	if (!ranges_common(&q->ooo, &env->ranges, at, at + len, &from, &to))
		return false;
	*lo = rcvq_seq(t, from);
	*hi = rcvq_seq(t, to);
	return true;
}

size_t rcvq_peek(const struct tcb *t, const struct tcp_env *env, struct pageq_piece *out,
		 size_t max, size_t *bytes)
{
	uint32_t len = rcvq_readable(t);

	*bytes = 0;
	if (len == 0)
		return 0;
	return pageq_pieces(&t->rcvq.q, &env->pages, t->rcvq.q.head, len, out, max, bytes);
}

void rcvq_consume(struct tcb *t, struct tcp_env *env, uint32_t len)
{
	struct rcvq *q = &t->rcvq;

	/* what is held, in order or not, ends there */
	pageq_release(&q->q, &env->pages, q->q.head + len,
		      ranges_end(&q->ooo, &env->ranges, q->nxt));
}

void rcvq_clear(struct tcb *t, struct tcp_env *env)
{
	struct rcvq *q = &t->rcvq;

	ranges_clear(&q->ooo, &env->ranges);
	pageq_clear(&q->q, &env->pages);
	q->q.head = q->nxt;
}
