#include "tcp/sndq.h"

#include "base/assert.h"

#define LIMIT_FIRST (128u * 1024u)

void sndq_init(struct sndq *q, seq_t first)
{
	*q = (struct sndq){.head = first};
	pageq_init(&q->q);
}

/* Twice cwnd: what is out, and as much again to send while its ACKs come. A user who is told of
 * room when a quarter is free has half a round trip to fill it. */
uint32_t sndq_limit(const struct tcb *t)
{
	uint32_t most = t->user.sndbuf;
	uint32_t want = t->cc.cwnd;

	if (t->user.sndbuf_set || want >= most / 2)
		return most;
	want *= 2;
	if (want < LIMIT_FIRST)
		want = LIMIT_FIRST;
	return want < most ? want : most;
}

uint32_t sndq_room(const struct tcb *t)
{
	uint32_t limit = sndq_limit(t);
	uint32_t len = t->sndq.len;

	return len < limit ? limit - len : 0;
}

static uint64_t end_offset(const struct sndq *q)
{
	return q->q.head + q->len;
}

/* Of `n` bytes to be queued, those that the pages held and the spare ones of the pool can take. */
static size_t fit_pages(const struct sndq *q, const struct tcp_env *env, size_t n)
{
	uint32_t spare = tcp_pages_spare(env);
	uint64_t held = 0;

	if (q->q.held) /* one of them is the directory */
		held = (q->q.head / PAGEQ_PAGE + q->q.held - 1) * PAGEQ_PAGE - end_offset(q);
	else if (spare)
		spare--;
	held += (uint64_t)spare * PAGEQ_PAGE;
	return n < held ? n : (size_t)held;
}

size_t sndq_append(struct tcb *t, struct tcp_env *env, const uint8_t *bytes, size_t len)
{
	uint32_t room = sndq_room(t);
	size_t n = len < room ? len : room;

	t->sndq.reserved = 0;
	n = fit_pages(&t->sndq, env, n);
	n = pageq_write(&t->sndq.q, &env->pages, end_offset(&t->sndq), bytes, n);
	t->sndq.len += (uint32_t)n;
	return n;
}

size_t sndq_reserve(struct tcb *t, struct tcp_env *env, size_t want, struct pageq_piece *out,
		    size_t max)
{
	uint64_t end = end_offset(&t->sndq);
	uint32_t room = sndq_room(t);
	size_t n = want < room ? want : room;
	size_t covered, count;

	t->sndq.reserved = 0;
	n = pageq_reserve(&t->sndq.q, &env->pages, end, fit_pages(&t->sndq, env, n));
	if (n == 0)
		return 0;
	count = pageq_pieces(&t->sndq.q, &env->pages, end, n, out, max, &covered);
	t->sndq.reserved = (uint32_t)covered;
	return count;
}

bool sndq_commit(struct tcb *t, struct tcp_env *env, size_t len)
{
	struct sndq *q = &t->sndq;

	/* Nothing came of the reservation: an idle connection holds no page. */
	if (len == 0 && q->len == 0)
		pageq_clear(&q->q, &env->pages);
	/* More than what the user was given to fill is whatever the pages held before. */
	if (len > q->reserved)
		return false;
	q->reserved = 0;
	q->len += (uint32_t)len;
	return true;
}

void sndq_acked(struct tcb *t, struct tcp_env *env, seq_t una)
{
	struct sndq *q = &t->sndq;
	uint32_t n = seq_gt(una, q->head) ? una.v - q->head.v : 0;

	if (n > q->len)
		n = q->len; /* the FIN is not a byte */
	if (n == 0)
		return;
	q->head = seq_add(q->head, n);
	q->len -= n;
	q->reserved = 0; /* its pages may go back, too */
	pageq_release(&q->q, &env->pages, q->q.head + n, q->q.head + n + q->len);
}

size_t sndq_pieces(const struct tcb *t, const struct tcp_env *env, seq_t seq, uint32_t len,
		   struct pageq_piece *out, size_t max)
{
	size_t covered = 0;
	size_t count;

	if (len == 0)
		return 0;
	count = pageq_pieces(&t->sndq.q, &env->pages, t->sndq.q.head + (seq.v - t->sndq.head.v),
			     len, out, max, &covered);
	weir_assert(covered == len);
	return count;
}
