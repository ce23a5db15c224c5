/*
 * cookies.h: when SYN cookies are sent and taken; how they look is tcp/syncookie.h.
 */
#ifndef WEIR_STACK_COOKIES_H
#define WEIR_STACK_COOKIES_H

#include "stack/conns.h"
#include "stack/front.h"
#include "stack/listeners.h"
#include "stack/pressure.h"

/* The keys of the configuration. */
void cookies_init(struct weir_stack *s);

/* May cookies be sent at all? */
static inline bool cookies_on(const struct weir_stack *s)
{
	return s->cfg.cookies != 0 && s->cfg.handshake_ways == 3;
}

/* The tick of their clock. */
uint32_t cookies_tick(struct weir_stack *s);

/* Is a SYN for `l` to be answered with a cookie? Keeps the listener's mode, by its marks. */
static inline bool cookies_wanted(struct weir_stack *s, struct listener *l)
{
	if (s->cfg.cookies != 1 || !cookies_on(s))
		return cookies_on(s);
	if (!l->cookie_mode && pressure_reaches(s, l, 0, s->cfg.cookie_on_pct)) {
		l->cookie_mode = true;
		++*stack_counter(s, WEIR_CTR_COOKIE_MODES);
	} else if (l->cookie_mode &&
		   !pressure_reaches(s, l, s->front.slots ? front_spared(s, l) : 0,
				     s->cfg.cookie_off_pct)) {
		l->cookie_mode = false;
	}
	return l->cookie_mode;
}

/* May a cookie of the pair have been used? Then it gets none, and no ACK is taken for one. */
static inline bool cookies_spent(struct weir_stack *s, uint64_t hash)
{
	return spent_any(&s->spent) && spent_may_have(&s->spent, hash, cookies_tick(s)) &&
	       front_may_be_spent(s, hash);
}

/* Answers a SYN with a cookie. Returns the verdict. */
enum weir_counter cookies_answer(struct weir_stack *s, struct listener *l,
				 const struct newcomer *n);

/* Does an ACK for `l` answer a cookie that nobody has used? */
bool cookies_good(struct weir_stack *s, const struct listener *l, const struct newcomer *n);

/* An ACK for `l` in a tuple that no record owns, or one that remembers a used cookie (`used`: what
 * its ACK acknowledged; NULL: none). On ACCEPTED *conn is the new connection, to which the segment
 * is then to be given; the tuple must be free by then. Any other verdict: no connection. */
enum weir_counter cookies_take(struct weir_stack *s, struct listener *l, const struct newcomer *n,
			       const seq_t *used, struct conn **conn);

/* Milliseconds after which no cookie that was made until now is good any more. */
static inline uint64_t cookies_life_ms(const struct weir_stack *s)
{
	return 2 * s->cfg.cookie_tick_ms;
}

/* May the ACK that made the connection still be taken for one that makes another? */
static inline bool cookies_may_replay(const struct weir_stack *s, const struct conn *c)
{
	uint32_t now_ms = (uint32_t)(s->now / NS_PER_MS);

	return c->by_cookie && (int32_t)(c->cookie_end_ms - now_ms) > 0;
}

#endif
