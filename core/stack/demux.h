/*
 * demux.h: from a tuple to its one owner, by a keyed hash that nobody outside can aim at.
 */
#ifndef WEIR_STACK_DEMUX_H
#define WEIR_STACK_DEMUX_H

#include "stack/stack.h"

/* Half-open records in one bucket. There are as many buckets as owners, so by chance alone a bucket
 * has more than 16 of anything once in 10^15 (RFC 4987 3.5). */
#define DEMUX_HALFS_MAX 16u

/* The owner's ref or REF_NONE. */
uint32_t demux_find(const struct weir_stack *s, const struct weir_tuple *t);
void demux_insert(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref);
/* The same for a half-open record, of which a bucket may hold DEMUX_HALFS_MAX: returns the ref of
 * the oldest if it is one too many, REF_NONE otherwise. */
uint32_t demux_insert_half(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref);
void demux_remove(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref);

/* Makes the key of a record; false: no room for an IPv6 pair. */
bool pair_key_make(struct weir_stack *s, const struct weir_tuple *t, struct pair_key *key,
		   uint8_t *v6_flags, uint8_t v6_bit);
void pair_key_drop(struct weir_stack *s, const struct pair_key *key, uint8_t family);
void pair_key_tuple(const struct weir_stack *s, const struct pair_key *key, uint8_t family,
		    struct weir_tuple *out);

#endif
