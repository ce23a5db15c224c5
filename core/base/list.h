/*
 * list.h: doubly linked intrusive lists in eight bytes a node.
 *
 * A link is the distance to the other node in units of 4 bytes, so all nodes of a list lie within 4
 * GB of it. An unlinked node points to itself: its links are 0.
 */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

struct list {
	int32_t next, prev;
};

#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline struct list *list_at(struct list *l, int32_t link)
{
	return (struct list *)(void *)((char *)l + (ptrdiff_t)link * 4);
}

static inline void list_init(struct list *l)
{
	l->next = l->prev = 0;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == 0;
}

/* Has the list, which is not empty, but one node? */
static inline bool list_single(const struct list *l)
{
	return l->next == l->prev;
}

/* The first node of a list that is not empty. */
static inline struct list *list_first(struct list *l)
{
	return list_at(l, l->next);
}

/* Takes the node out of whatever list it is in, if any. */
static inline void list_remove(struct list *n)
{
	struct list *next = list_at(n, n->next), *prev = list_at(n, n->prev);
	int32_t apart = n->next - n->prev;

	prev->next = apart;
	next->prev = -apart;
	list_init(n);
}

/* Puts an unlinked node at the end. */
static inline void list_push(struct list *l, struct list *n)
{
	struct list *last = list_at(l, l->prev);
	ptrdiff_t to_list = ((char *)l - (char *)n) / 4;
	int32_t to_last = (int32_t)to_list + l->prev;

	weir_assert(to_list >= INT32_MIN / 2 && to_list <= INT32_MAX / 2);
	n->next = (int32_t)to_list;
	n->prev = to_last;
	last->next = -to_last;
	l->prev = -(int32_t)to_list;
}

#endif
