/*
 * wheel.h: a hierarchical timing wheel with exact deadlines.
 *
 * Nodes are intrusive. A slot only sorts coarsely (2^20 ns at the lowest level, 64 slots a level,
 * 8 levels: all 64 bits of a deadline); inside a slot the nodes are a heap by their exact
 * deadlines, so nothing fires early or late. (Varghese and Lauck, 1987; Fredman and others, 1986.)
 *
 * Arming is O(1), so is asking for the next deadline; disarming, moving and taking out cost O(1)
 * for most nodes and O(log k) amortized at worst, k being the nodes of one slot.
 */
#ifndef WEIR_BASE_WHEEL_H
#define WEIR_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_LEVELS    8u
#define WHEEL_SLOTS     64u
#define WHEEL_TICK_BITS 20u
#define WHEEL_NEVER     UINT64_MAX

struct wheel_node {
	struct wheel_node *child; /* the newest one; each is due no earlier than its parent */
	struct wheel_node *next;  /* older sibling */
	struct wheel_node *prev;  /* newer sibling, or the parent; NULL: the earliest of its slot */
	uint64_t deadline;        /* ns; WHEEL_NEVER while disarmed */
	uint32_t stamp;           /* order of arming, modulo 2^32 */
};

struct wheel {
	uint64_t now;                /* time up to which it has been run, ns */
	uint64_t bits[WHEEL_LEVELS]; /* non-empty slots */
	uint32_t stamp;              /* last stamp given */
	struct wheel_node *root[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now);
void wheel_node_init(struct wheel_node *n);

/* Files `n` at `deadline`, moving it if it is armed; WHEEL_NEVER disarms. A deadline in the past is
 * due at once. Arming it for the deadline that it has already changes nothing. */
void wheel_arm(struct wheel *w, struct wheel_node *n, uint64_t deadline);

/* Advances to `now` and takes out the node with a deadline <= now that is earliest, of equals the
 * one armed first; NULL when none is due. Call until NULL. */
struct wheel_node *wheel_pop(struct wheel *w, uint64_t now);

/* The earliest deadline, exactly; WHEEL_NEVER when empty. */
uint64_t wheel_next(const struct wheel *w);

#endif
