/*
 * wheel.h: a hierarchical timing wheel with exact deadlines.
 *
 * Nodes are intrusive; arming, moving and disarming are O(1). A slot only sorts coarsely (2^20 ns
 * at the lowest level, 64 slots a level, 7 levels); the exact deadline is in the node, so nothing
 * fires early or late. (Varghese and Lauck, 1987.)
 */
#ifndef WEIR_BASE_WHEEL_H
#define WEIR_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_LEVELS 7u
#define WHEEL_SLOTS 64u
#define WHEEL_TICK_BITS 20u
#define WHEEL_NEVER UINT64_MAX

struct wheel_node {
	struct list link;
	uint64_t deadline; /* ns; WHEEL_NEVER while disarmed */
	uint16_t level, slot; /* where it is filed, so that removing can clear the slot's bit */
};

struct wheel {
	uint64_t now;                 /* time up to which it has been run, ns */
	uint64_t bits[WHEEL_LEVELS];  /* non-empty slots */
	struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now);
void wheel_node_init(struct wheel_node *n);

/* Files `n` at `deadline`, moving it if it is armed; WHEEL_NEVER disarms. A deadline in the past is
 * due at once. */
void wheel_arm(struct wheel *w, struct wheel_node *n, uint64_t deadline);

/* Advances to `now` and takes out the node with a deadline <= now that is earliest; NULL when none
 * is due. Call until NULL. */
struct wheel_node *wheel_pop(struct wheel *w, uint64_t now);

/* The earliest deadline, exactly; WHEEL_NEVER when empty. */
uint64_t wheel_next(const struct wheel *w);

#endif
