/*
 * wheel.h: a hierarchical timing wheel with exact deadlines.
 *
 * Nodes are intrusive; arming, moving and disarming are O(1). A slot only sorts coarsely (2^20 ns
 * at the lowest level, 64 slots a level, 8 levels: all 64 bits of a deadline); the exact deadline is
 * in the node, so nothing fires early or late. (Varghese and Lauck, 1987.)
 */
#ifndef WEIR_BASE_WHEEL_H
#define WEIR_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_LEVELS    8u
#define WHEEL_SLOTS     64u
#define WHEEL_TICK_BITS 20u
#define WHEEL_NEVER     UINT64_MAX

struct wheel_node {
	struct list link;
	uint64_t deadline;    /* ns; WHEEL_NEVER while disarmed */
	uint16_t level, slot; /* where it is filed, so that removing can clear the slot's bit */
};

struct wheel_slot {
	struct list nodes;
	uint64_t min; /* earliest deadline in it, 0: to be looked for; means nothing while empty */
};

struct wheel {
	uint64_t now;                /* time up to which it has been run, ns */
	uint64_t bits[WHEEL_LEVELS]; /* non-empty slots */
	struct wheel_slot slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now);
void wheel_node_init(struct wheel_node *n);

/* Files `n` at `deadline`, moving it if it is armed; WHEEL_NEVER disarms. A deadline in the past is
 * due at once. Arming it for the deadline that it has already changes nothing. */
void wheel_arm(struct wheel *w, struct wheel_node *n, uint64_t deadline);

/* Advances to `now` and takes out the node with a deadline <= now that is earliest, of equals the
 * one armed first; NULL when none is due. Call until NULL. */
struct wheel_node *wheel_pop(struct wheel *w, uint64_t now);

/* The earliest deadline, exactly; WHEEL_NEVER when empty. One word is looked at, or, when the node
 * that had it was taken out since the last pop, the nodes of one slot. */
uint64_t wheel_next(const struct wheel *w);

#endif
