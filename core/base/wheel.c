/*
 * Theory of operation
 *
 * Time is cut into ticks of 2^20 ns (about 1 ms), a tick number into groups of six bits. A node is
 * filed at the level of the highest group in which its deadline's tick differs from that of `now`,
 * in the slot that this group names; a tick that is not after now's goes to level 0, slot of now.
 * Eight levels cover all 64 bits of a deadline, so that there is no "too far".
 *
 * Three facts follow, and everything rests on them:
 *
 * - On each level the occupied slots come after now's own slot (level 0: may be now's own), so that
 *   slots never wrap and the lowest set bit is the earliest slot.
 * - All of a lower level comes before all of a higher one. The nearest slot is the first set bit of
 *   the first non-zero word; the earliest node is in it.
 * - While `now` stays before the start of the nearest slot, no node changes its place. When it gets
 *   there, that slot alone is emptied and filed again one or more levels below (cascade). A node is
 *   moved at most seven times in its life, and where it is filed is always what its deadline and
 *   `now` say, so a node need not remember it.
 *
 * Exactness: a slot is a pairing heap, so its earliest node is its root. Plain lists would have to
 * be searched whenever the earliest node leaves, and that is the common case: ten thousand
 * connections with a request under way share one or two slots, and the answer that comes next
 * disarms the timer that was armed first. In the heap such nodes are leaves, or take one merge of
 * their children, whose cost later removals share.
 *
 * Nodes with equal deadlines come out in the order in which they were armed: the same calls give
 * the same run, whatever the heaps looked like. Stamps count modulo 2^32 and are compared by their
 * distance, so that this order may be wrong only between nodes that are 2^31 armings apart.
 *
 * `now` follows wheel_pop(); a wheel that was not popped for long is merely filed less finely.
 */
#include "base/wheel.h"

#include <stddef.h>

#include "base/assert.h"

#define WHEEL_GROUP_BITS 6u

_Static_assert(1u << WHEEL_GROUP_BITS == WHEEL_SLOTS, "a group names a slot");
_Static_assert(WHEEL_TICK_BITS + WHEEL_LEVELS * WHEEL_GROUP_BITS >= 64, "no deadline is too far");

/* --- Heaps. A root has neither next nor prev. --- */

static inline bool heap_before(const struct wheel_node *a, const struct wheel_node *b)
{
	if (a->deadline != b->deadline)
		return a->deadline < b->deadline;
	return (int32_t)(a->stamp - b->stamp) < 0;
}

/* Joins two heaps, of which one may be empty (NULL). */
static struct wheel_node *heap_meld(struct wheel_node *a, struct wheel_node *b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	struct wheel_node *top = heap_before(b, a) ? b : a;
	struct wheel_node *sub = top == a ? b : a;

	sub->next = top->child;
	if (sub->next != NULL)
		sub->next->prev = sub;
	sub->prev = top;
	top->child = sub;
	return top;
}

/* Joins siblings, linked by next: pairs from the newest on, then the pairs from the oldest on. Both
 * passes are what makes the cost logarithmic. */
static struct wheel_node *heap_meld_siblings(struct wheel_node *first)
{
	struct wheel_node *pairs = NULL, *all = NULL;

	while (first != NULL) {
		struct wheel_node *a = first, *b = a->next;

		first = b != NULL ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b != NULL)
			b->next = b->prev = NULL;
		a = heap_meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs != NULL) {
		struct wheel_node *a = pairs;

		pairs = a->next;
		a->next = NULL;
		all = heap_meld(all, a);
	}
	return all;
}

static void heap_remove(struct wheel_node **root, struct wheel_node *n)
{
	struct wheel_node *below = heap_meld_siblings(n->child);

	if (n->prev == NULL) {
		weir_assert(*root == n);
		*root = below;
	} else {
		if (n->prev->child == n)
			n->prev->child = n->next;
		else
			n->prev->next = n->next;
		if (n->next != NULL)
			n->next->prev = n->prev;
		*root = heap_meld(*root, below);
	}
	n->child = n->next = n->prev = NULL;
}

/* --- Places --- */

struct wheel_place {
	unsigned level, slot;
};

static inline uint64_t wheel_tick(uint64_t ns)
{
	return ns >> WHEEL_TICK_BITS;
}

static struct wheel_place wheel_place_of(const struct wheel *w, uint64_t deadline)
{
	uint64_t tick = wheel_tick(deadline), now = wheel_tick(w->now);

	if (tick <= now)
		return (struct wheel_place){0, (unsigned)(now % WHEEL_SLOTS)};
	unsigned level = (63u - (unsigned)__builtin_clzll(tick ^ now)) / WHEEL_GROUP_BITS;
	unsigned slot = (unsigned)(tick >> level * WHEEL_GROUP_BITS) % WHEEL_SLOTS;

	return (struct wheel_place){level, slot};
}

/* The earliest occupied slot; false: the wheel is empty. */
static bool wheel_nearest(const struct wheel *w, struct wheel_place *at)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		if (w->bits[level] == 0)
			continue;
		at->level = level;
		at->slot = (unsigned)__builtin_ctzll(w->bits[level]);
		return true;
	}
	return false;
}

/* The first nanosecond of an occupied slot. */
static uint64_t wheel_start_of(const struct wheel *w, struct wheel_place at)
{
	unsigned shift = at.level * WHEEL_GROUP_BITS;
	uint64_t group = wheel_tick(w->now) >> shift;

	return ((group & ~(uint64_t)(WHEEL_SLOTS - 1)) | at.slot) << shift << WHEEL_TICK_BITS;
}

static void wheel_put(struct wheel *w, struct wheel_node *n, struct wheel_place at)
{
	struct wheel_node **root = &w->root[at.level][at.slot];

	*root = heap_meld(*root, n);
	w->bits[at.level] |= (uint64_t)1 << at.slot;
}

static void wheel_take(struct wheel *w, struct wheel_node *n)
{
	struct wheel_place at = wheel_place_of(w, n->deadline);
	struct wheel_node **root = &w->root[at.level][at.slot];

	heap_remove(root, n);
	if (*root == NULL)
		w->bits[at.level] &= ~((uint64_t)1 << at.slot);
	n->deadline = WHEEL_NEVER;
}

/* Moves time to the start of the nearest slot, which is above level 0, and files its nodes again:
 * all of them go below. */
static void wheel_cascade(struct wheel *w, struct wheel_place at)
{
	struct wheel_node *todo = w->root[at.level][at.slot];

	w->now = wheel_start_of(w, at);
	w->root[at.level][at.slot] = NULL;
	w->bits[at.level] &= ~((uint64_t)1 << at.slot);
	while (todo != NULL) {
		struct wheel_node *n = todo;
		struct wheel_place to = wheel_place_of(w, n->deadline);

		weir_assert(to.level < at.level);
		todo = n->next;
		for (struct wheel_node *c = n->child, *older; c != NULL; c = older) {
			older = c->next;
			c->next = todo;
			todo = c;
		}
		n->child = n->next = n->prev = NULL;
		wheel_put(w, n, to);
	}
}

/* --- Calls --- */

void wheel_init(struct wheel *w, uint64_t now)
{
	w->now = now;
	w->stamp = 0;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		w->bits[level] = 0;
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			w->root[level][slot] = NULL;
	}
}

void wheel_node_init(struct wheel_node *n)
{
	n->child = n->next = n->prev = NULL;
	n->deadline = WHEEL_NEVER;
	n->stamp = 0;
}

void wheel_arm(struct wheel *w, struct wheel_node *n, uint64_t deadline)
{
	if (n->deadline == deadline)
		return;
	if (n->deadline != WHEEL_NEVER)
		wheel_take(w, n);
	if (deadline == WHEEL_NEVER)
		return;
	n->deadline = deadline;
	n->stamp = ++w->stamp;
	wheel_put(w, n, wheel_place_of(w, deadline));
}

struct wheel_node *wheel_pop(struct wheel *w, uint64_t now)
{
	struct wheel_place at;

	if (now < w->now)
		now = w->now;
	while (wheel_nearest(w, &at) && wheel_start_of(w, at) <= now) {
		if (at.level > 0) {
			wheel_cascade(w, at);
			continue;
		}
		struct wheel_node *n = w->root[0][at.slot];

		if (n->deadline > now)
			break;
		wheel_take(w, n);
		return n;
	}
	w->now = now;
	return NULL;
}

uint64_t wheel_next(const struct wheel *w)
{
	struct wheel_place at;

	return wheel_nearest(w, &at) ? w->root[at.level][at.slot]->deadline : WHEEL_NEVER;
}
