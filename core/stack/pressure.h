/*
 * pressure.h: how long half-open records live when many are in use, and which one gives way.
 */
#ifndef WEIR_STACK_PRESSURE_H
#define WEIR_STACK_PRESSURE_H

#include "stack/stack.h"

/* How full: of the listener's backlog or of all records, whichever is fuller; 0 to 100. */
unsigned pressure_pct(const struct weir_stack *s, const struct listener *l);

/* Is it as full as `pct` (at most 100), or would it be with `more` records? Without the divisions,
 * for each SYN asks. */
static inline bool pressure_reaches(const struct weir_stack *s, const struct listener *l,
				    uint64_t more, uint64_t pct)
{
	return 100ull * (l->halfs + more) >= pct * l->backlog ||
	       100ull * (s->halfs.used + more) >= pct * s->cfg.halfs_max;
}

/* Milliseconds that a record lives which nobody answers, while there is room. */
uint64_t pressure_life_ms(const struct weir_stack *s);

/* Milliseconds since a held record's SYN, or since the first SYN-ACK of another. */
uint32_t pressure_age_ms(const struct weir_stack *s, const struct half_slot *h, weir_time now);

/* Has a record whose SYN-ACK was sent lived as long as one may now? Not by the count of its
 * retransmissions, which is the caller's; never if its handshake is complete. */
bool pressure_ends(const struct weir_stack *s, const struct half_slot *h);

/* A new record of `l` is asked for. Ends those that give way for it; false: its backlog is full,
 * and none does. */
bool pressure_make_room(struct weir_stack *s, const struct listener *l);

#endif
