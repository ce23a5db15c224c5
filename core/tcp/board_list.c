#include "tcp/board_list.h"

#include "base/assert.h"

uint32_t board_take(struct tcp_env *env, struct board *b)
{
	uint32_t i;

	if (b->count >= BOARD_FLOOR) {
		if (env->sends_extra >= env->cfg->sends_max || b->count > env->cfg->sends_max / 4) {
			env->counters[WEIR_CTR_SENDS_FULL]++;
			return POOL_NONE;
		}
		env->sends_extra++;
	}
	i = pool_take(&env->sends);
	weir_assert(i != POOL_NONE);
	b->count++;
	return i;
}

static void give(struct tcp_env *env, struct board *b, uint32_t i)
{
	if (b->count > BOARD_FLOOR)
		env->sends_extra--;
	b->count--;
	pool_give(&env->sends, i);
}

void board_remove_marked(struct tcp_env *env, struct board *b, uint32_t i)
{
	const struct send *r = board_at(env, i);

	if (r->prev != POOL_NONE)
		board_at(env, r->prev)->next = r->next;
	else
		b->first = r->next;
	if (r->next != POOL_NONE)
		board_at(env, r->next)->prev = r->prev;
	else
		b->last = r->prev;
	if (b->cursor == i)
		b->cursor = r->next;
	if (b->front == i)
		b->front = r->prev != POOL_NONE ? r->prev : r->next;
	if (b->next_lost == i)
		b->next_lost = r->next;
	give(env, b, i);
}

void board_remove(struct tcp_env *env, struct board *b, uint32_t i)
{
	if (!(board_at(env, i)->flags & (SEND_SACKED | SEND_LOST)))
		board_time_remove(env, b, i);
	board_remove_marked(env, b, i);
}

void board_time_after(struct tcp_env *env, struct board *b, uint32_t i, uint32_t before)
{
	struct send *r = board_at(env, i);
	uint32_t later = before == POOL_NONE ? b->oldest : board_at(env, before)->later;

	r->earlier = before;
	r->later = later;
	if (before == POOL_NONE)
		b->oldest = i;
	else
		board_at(env, before)->later = i;
	if (later == POOL_NONE)
		b->newest = i;
	else
		board_at(env, later)->earlier = i;
}

void board_trim(struct send *r, seq_t to)
{
	uint32_t cut = to.v - r->lo.v;
	uint32_t left = r->hi.v - to.v;
	uint32_t first = r->first;

	first = cut < first ? first - cut : r->seg - (cut - first) % r->seg;
	r->first = (uint16_t)(first < left ? first : left);
	r->lo = to;
}

uint32_t board_split(struct tcp_env *env, struct board *b, uint32_t i, seq_t at)
{
	uint32_t k = board_take(env, b);
	struct send *left, *right;

	if (k == POOL_NONE)
		return POOL_NONE;
	left = board_at(env, i);
	right = board_at(env, k);
	*right = *left;
	board_trim(right, at);
	left->hi = at;
	left->flags &= (uint8_t)~SEND_WHOLE;
	if (left->first > at.v - left->lo.v)
		left->first = (uint16_t)(at.v - left->lo.v);
	right->prev = i;
	left->next = k;
	if (right->next != POOL_NONE)
		board_at(env, right->next)->prev = k;
	else
		b->last = k;
	if (!(left->flags & SEND_LOST))
		board_time_after(env, b, k, i);
	return k;
}
