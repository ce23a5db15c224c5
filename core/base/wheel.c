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
 *   moved at most seven times in its life.
 *
 * Exactness: slots sort coarsely, deadlines are compared inside the nearest slot only. The slot of
 * the running tick ("front") is kept sorted: it is sorted once when time enters it, and what
 * is armed into it later is put in its place, from the end, since new deadlines are late ones. So
 * thousands of nodes in one tick cost O(k log k) together. Other slots remember their earliest
 * deadline (`min`); removing that node forgets it (0) and wheel_pop(), which finds nothing due,
 * looks for it again in the nearest slot. wheel_next() thus normally looks at one word; it scans
 * only when the earliest node of the nearest slot was taken out since the last pop.
 *
 * Nodes with equal deadlines are always in the same slot, and every step keeps their order, so they
 * come out in the order in which they were armed: the same calls give the same run.
 *
 * `now` follows wheel_pop(); a wheel that was not popped for long is merely filed less finely.
 */
#include "base/wheel.h"

#include "base/assert.h"

#define WHEEL_GROUP_BITS 6u

_Static_assert(1u << WHEEL_GROUP_BITS == WHEEL_SLOTS, "a group names a slot");
_Static_assert(WHEEL_TICK_BITS + WHEEL_LEVELS * WHEEL_GROUP_BITS >= 64,
	       "every deadline has a level");

struct wheel_place {
	unsigned level, slot;
};

static inline struct wheel_node *wheel_node_of(struct list *l)
{
	return list_entry(l, struct wheel_node, link);
}

static inline uint64_t wheel_tick(uint64_t ns)
{
	return ns >> WHEEL_TICK_BITS;
}

static struct wheel_slot *wheel_slot_at(struct wheel *w, struct wheel_place at)
{
	return &w->slot[at.level][at.slot];
}

void wheel_init(struct wheel *w, uint64_t now)
{
	w->now = now;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		w->bits[level] = 0;
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) {
			list_init(&w->slot[level][slot].nodes);
			w->slot[level][slot].min = 0;
		}
	}
}

void wheel_node_init(struct wheel_node *n)
{
	list_init(&n->link);
	n->deadline = WHEEL_NEVER;
	n->level = 0;
	n->slot = 0;
}

/* The slot of the running tick. */
static inline struct wheel_place wheel_front(const struct wheel *w)
{
	return (struct wheel_place){0, (unsigned)(wheel_tick(w->now) % WHEEL_SLOTS)};
}

static inline bool wheel_is_front(const struct wheel *w, struct wheel_place at)
{
	return at.level == 0 && at.slot == wheel_tick(w->now) % WHEEL_SLOTS;
}

static struct wheel_place wheel_place_of(const struct wheel *w, uint64_t deadline)
{
	uint64_t tick = wheel_tick(deadline), now = wheel_tick(w->now);

	if (tick <= now)
		return wheel_front(w);
	unsigned level = (63u - (unsigned)__builtin_clzll(tick ^ now)) / WHEEL_GROUP_BITS;

	return (struct wheel_place){level,
				    (unsigned)(tick >> level * WHEEL_GROUP_BITS) % WHEEL_SLOTS};
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

/* Files an unlinked node at the end of its slot. */
static void wheel_push(struct wheel *w, struct wheel_node *n, struct wheel_place at)
{
	struct wheel_slot *slot = wheel_slot_at(w, at);

	if (list_empty(&slot->nodes) || n->deadline < slot->min)
		slot->min = n->deadline;
	list_push(&slot->nodes, &n->link);
	w->bits[at.level] |= (uint64_t)1 << at.slot;
	n->level = (uint16_t)at.level;
	n->slot = (uint16_t)at.slot;
}

/* Files an unlinked node into the sorted front slot, after those with its deadline. */
static void wheel_push_front(struct wheel *w, struct wheel_node *n, struct wheel_place at)
{
	struct list *nodes = &wheel_slot_at(w, at)->nodes;
	struct list *before = nodes->prev;

	if (!list_empty(nodes) && n->deadline < wheel_node_of(nodes->next)->deadline)
		before = nodes; /* due at once: no walk */
	while (before != nodes && wheel_node_of(before)->deadline > n->deadline)
		before = before->prev;
	wheel_push(w, n, at);
	if (before->next == &n->link)
		return;
	list_remove(&n->link);
	list_push(before->next, &n->link);
}

static void wheel_take(struct wheel *w, struct wheel_node *n)
{
	struct wheel_slot *slot = &w->slot[n->level][n->slot];

	list_remove(&n->link);
	if (list_empty(&slot->nodes))
		w->bits[n->level] &= ~((uint64_t)1 << n->slot);
	else if (slot->min == n->deadline)
		slot->min = 0;
	n->deadline = WHEEL_NEVER;
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
	struct wheel_place at = wheel_place_of(w, deadline);

	if (wheel_is_front(w, at))
		wheel_push_front(w, n, at);
	else
		wheel_push(w, n, at);
}

/* Merges two sorted chains (linked by next, ended by NULL); of equals, those of `a` come first. */
static struct list *wheel_merge(struct list *a, struct list *b)
{
	struct list *first = NULL, **end = &first;

	while (a != NULL && b != NULL) {
		struct list **from = wheel_node_of(b)->deadline < wheel_node_of(a)->deadline ? &b
											     : &a;

		*end = *from;
		end = &(*from)->next;
		*from = *end;
	}
	*end = a != NULL ? a : b;
	return first;
}

static bool wheel_is_sorted(struct list *nodes)
{
	for (struct list *l = nodes->next; l->next != nodes && l != nodes; l = l->next)
		if (wheel_node_of(l->next)->deadline < wheel_node_of(l)->deadline)
			return false;
	return true;
}

/* Merge sort, stable: chain `i` of `run` is empty or has 2^i nodes, all of them before those of
 * lower chains. 2^32 nodes do not fit the pools that nodes live in. */
static void wheel_sort(struct list *nodes)
{
	struct list *run[33] = {NULL};
	struct list *all = NULL;

	if (wheel_is_sorted(nodes))
		return;
	nodes->prev->next = NULL;
	for (struct list *l = nodes->next, *next; l != NULL; l = next) {
		unsigned i = 0;

		next = l->next;
		l->next = NULL;
		for (; run[i] != NULL; i++) {
			l = wheel_merge(run[i], l);
			run[i] = NULL;
		}
		weir_assert(i < 32);
		run[i] = l;
	}
	for (unsigned i = 0; i < 32; i++)
		all = wheel_merge(run[i], all);
	list_init(nodes);
	for (struct list *next; all != NULL; all = next) {
		next = all->next;
		list_push(nodes, all);
	}
}

/* Moves time to the start of the nearest slot, which is above level 0, and files its nodes again:
 * all of them go below. Level 0 is empty at that moment, so the new front holds only what is sorted
 * here. */
static void wheel_cascade(struct wheel *w, struct wheel_place at)
{
	struct list *nodes = &wheel_slot_at(w, at)->nodes;

	w->now = wheel_start_of(w, at);
	w->bits[at.level] &= ~((uint64_t)1 << at.slot);
	while (!list_empty(nodes)) {
		struct wheel_node *n = wheel_node_of(nodes->next);
		struct wheel_place to = wheel_place_of(w, n->deadline);

		weir_assert(to.level < at.level);
		list_remove(&n->link);
		wheel_push(w, n, to);
	}
	wheel_sort(&wheel_slot_at(w, wheel_front(w))->nodes);
}

/* Moves time into the tick of the nearest slot, which is on level 0; gives its first node. */
static struct wheel_node *wheel_enter(struct wheel *w, struct wheel_place at)
{
	struct list *nodes = &wheel_slot_at(w, at)->nodes;

	if (!wheel_is_front(w, at)) {
		w->now = wheel_start_of(w, at);
		wheel_sort(nodes);
	}
	return wheel_node_of(nodes->next);
}

/* The earliest deadline in an occupied slot that is not the front. */
static uint64_t wheel_scan(const struct wheel_slot *slot)
{
	uint64_t min = slot->min;

	if (min != 0)
		return min;
	min = WHEEL_NEVER;
	for (struct list *l = slot->nodes.next; l != &slot->nodes; l = l->next)
		if (wheel_node_of(l)->deadline < min)
			min = wheel_node_of(l)->deadline;
	return min;
}

struct wheel_node *wheel_pop(struct wheel *w, uint64_t now)
{
	struct wheel_place at;
	bool some;

	if (now < w->now)
		now = w->now;
	while ((some = wheel_nearest(w, &at)) && wheel_start_of(w, at) <= now) {
		if (at.level > 0) {
			wheel_cascade(w, at);
			continue;
		}
		struct wheel_node *n = wheel_enter(w, at);

		if (n->deadline > now)
			break;
		wheel_take(w, n);
		return n;
	}
	w->now = now;
	if (some && !wheel_is_front(w, at))
		wheel_slot_at(w, at)->min = wheel_scan(wheel_slot_at(w, at));
	return NULL;
}

uint64_t wheel_next(const struct wheel *w)
{
	struct wheel_place at;

	if (!wheel_nearest(w, &at))
		return WHEEL_NEVER;
	const struct wheel_slot *slot = &w->slot[at.level][at.slot];

	if (wheel_is_front(w, at))
		return wheel_node_of(slot->nodes.next)->deadline;
	return wheel_scan(slot);
}
