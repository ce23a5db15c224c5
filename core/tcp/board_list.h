/*
 * board_list.h: the lists of the scoreboard's records; for board.c and board_marks.c only.
 */
#ifndef WEIR_TCP_BOARD_LIST_H
#define WEIR_TCP_BOARD_LIST_H

#include "tcp/board.h"

/* A free record, counted; POOL_NONE: there is none for this connection. */
uint32_t board_take(struct tcp_env *env, struct board *b);

/* Puts a record at the end, by sequence. */
static inline void board_link_last(struct tcp_env *env, struct board *b, uint32_t i)
{
	struct send *r = board_at(env, i);

	r->next = POOL_NONE;
	r->prev = b->last;
	if (b->last != POOL_NONE)
		board_at(env, b->last)->next = i;
	else
		b->first = i;
	b->last = i;
}

/* The list by time: puts a record at its end, */
static inline void board_time_append(struct tcp_env *env, struct board *b, uint32_t i)
{
	struct send *r = board_at(env, i);

	r->later = POOL_NONE;
	r->earlier = b->newest;
	if (b->newest != POOL_NONE)
		board_at(env, b->newest)->later = i;
	else
		b->oldest = i;
	b->newest = i;
}

/* behind `before` (POOL_NONE: at its beginning), */
void board_time_after(struct tcp_env *env, struct board *b, uint32_t i, uint32_t before);

/* or takes it out. */
static inline void board_time_remove(struct tcp_env *env, struct board *b, uint32_t i)
{
	const struct send *r = board_at(env, i);

	if (r->earlier != POOL_NONE)
		board_at(env, r->earlier)->later = r->later;
	else
		b->oldest = r->later;
	if (r->later != POOL_NONE)
		board_at(env, r->later)->earlier = r->earlier;
	else
		b->newest = r->earlier;
}

/* Takes a record out of both lists and gives it back; marks were taken off the sums before. */
void board_remove(struct tcp_env *env, struct board *b, uint32_t i);
/* The same for one that is not in the list by time: SACKed or lost. */
void board_remove_marked(struct tcp_env *env, struct board *b, uint32_t i);

/* Cuts what lies below `to` off. */
void board_trim(struct send *r, seq_t to);

/* Cuts a record that is not SACKed in two; returns the right part, POOL_NONE if none is free. */
uint32_t board_split(struct tcp_env *env, struct board *b, uint32_t i, seq_t at);

#endif
