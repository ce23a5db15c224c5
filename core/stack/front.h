/*
 * front.h: what the engine keeps for a front that answers SYNs for it (weir/front.h).
 */
#ifndef WEIR_STACK_FRONT_H
#define WEIR_STACK_FRONT_H

#include "stack/stack.h"

/* A front is gone, and its listener's cookies with it; or it stays and the listener is new. */
void front_forget_listener(struct weir_stack *s, const struct listener *l);

/* The rules have changed. */
static inline void front_rules_changed(struct weir_stack *s)
{
	s->front.serial++;
}

/* A pair has an owner from now on; `hash` is the pair's (demux.h). */
static inline void front_own(struct weir_stack *s, uint64_t hash);
static inline void front_disown(struct weir_stack *s, uint64_t hash);

/* A used cookie is remembered by spent.h alone from now on. */
void front_note_spent(struct weir_stack *s, uint64_t hash);

/* Was it, as far as the slot of the pair knows? True without a front. What spent.h takes for used
 * by error, a front would not, and answer with a cookie that is then refused; so both must say it.
 */
bool front_may_be_spent(struct weir_stack *s, uint64_t hash);

/* Has a front sent a cookie for `l` that may still be good? */
bool front_sent_lately(const struct weir_stack *s, const struct listener *l);

/* A cookie of `l` was used. */
void front_completed(struct weir_stack *s, const struct listener *l);

/* Records that there would be for `l`, had the front not answered in their place. */
uint64_t front_spared(const struct weir_stack *s, const struct listener *l);

/* --- Inlines: whenever a pair changes hands --------------------------------------------------- */

#define FRONT_OWNERS_MANY UINT8_MAX

static inline void front_own(struct weir_stack *s, uint64_t hash)
{
	uint8_t *n;

	if (!s->front.slots)
		return;
	n = &s->front.slots[hash >> 32 & s->front.slot_mask].owners;
	*n = (uint8_t)(*n + (*n < FRONT_OWNERS_MANY));
}

static inline void front_disown(struct weir_stack *s, uint64_t hash)
{
	uint8_t *n;

	if (!s->front.slots)
		return;
	n = &s->front.slots[hash >> 32 & s->front.slot_mask].owners;
	*n = (uint8_t)(*n - (*n < FRONT_OWNERS_MANY));
}

#endif
