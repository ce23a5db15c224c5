/*
 * limits.h: how much one source, and one destination of held SYNs, may ask for.
 *
 * For each address that lately asked for something a slot holds a token bucket and the number of
 * its half-open records. The table has a fixed size; keys are whole, so nobody pays for another
 * one's deeds. What does not fit is forgotten, which never harms: who is forgotten starts anew.
 */
#ifndef WEIR_STACK_LIMITS_H
#define WEIR_STACK_LIMITS_H

#include "base/arena.h"
#include "weir/info.h"

#define LIMITS_WAYS 8u /* slots of a set: the most that a look-up looks at */

struct limits_key {
	uint8_t addr[16]; /* of a source: its prefix, the rest zeros */
	uint16_t port;    /* of a destination; of a source 0 */
	uint8_t family;   /* 0: the slot was never used */
	uint8_t kind;     /* enum weir_limit_kind */
};
_Static_assert(sizeof(struct limits_key) == 20, "hashed and compared as bytes: no padding");

struct limits_slot {
	struct limits_key key;
	uint32_t records;  /* half-open, but those made before it was forgotten */
	weir_time full_at; /* when its bucket is full again; in the past: it is */
	uint32_t refused;
};

struct limits {
	struct limits_slot *slots; /* sets of LIMITS_WAYS */
	uint32_t set_mask;
	uint64_t forgotten; /* records that are counted no more */
};

/* What became of a record whose end is told. */
enum limits_end {
	LIMITS_ANSWERED,   /* the address proved to be there: its token is given back */
	LIMITS_UNANSWERED, /* the token comes back with time */
};

/* Room for `count` slots at least. With a counting arena it only counts. */
void limits_init(struct limits *l, struct arena *a, uint32_t count);

/* One more record for `e`: false if it has as many as it may, or if its tokens are used up.
 * Without limits of this kind: true, and no memory is touched. */
bool limits_take(struct weir_stack *s, enum weir_limit_kind kind, const struct weir_endpoint *e);

/* A record that limits_take() allowed has ended, or was not made after all (LIMITS_ANSWERED). */
void limits_give(struct weir_stack *s, enum weir_limit_kind kind, const struct weir_endpoint *e,
		 enum limits_end how);

/* Slots of a kind that count records: their sum, for the check of a stack's invariants. */
uint32_t limits_records(const struct weir_stack *s, enum weir_limit_kind kind);

/* Is there any limit of this kind? */
bool limits_in_force(const struct weir_stack *s, enum weir_limit_kind kind);

#endif
