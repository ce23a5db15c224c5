/*
 * demux.h: from a tuple to its one owner, by a keyed hash that nobody outside can aim at.
 */
#ifndef WEIR_STACK_DEMUX_H
#define WEIR_STACK_DEMUX_H

#include "stack/stack.h"

/* The owner's ref or REF_NONE. */
uint32_t demux_find(const struct weir_stack *s, const struct weir_tuple *t);
void demux_insert(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref);
void demux_remove(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref);

/* Makes the key of a record; false: no room for an IPv6 pair. */
bool pair_key_make(struct weir_stack *s, const struct weir_tuple *t, struct pair_key *key,
		   uint8_t *v6_flags, uint8_t v6_bit);
void pair_key_drop(struct weir_stack *s, const struct pair_key *key, uint8_t family);
void pair_key_tuple(const struct weir_stack *s, const struct pair_key *key, uint8_t family,
		    struct weir_tuple *out);

/* Index into s->sources of an address. */
uint32_t demux_source(const struct weir_stack *s, const struct weir_addr *a);

#endif
