/*
 * demux.h: from a tuple to its one owner, by a keyed hash that nobody outside can aim at: the upper
 * half of isn_pair(), of which the peer sees only the lower one.
 */
#ifndef WEIR_STACK_DEMUX_H
#define WEIR_STACK_DEMUX_H

#include "stack/stack.h"
#include "tcp/isn.h"

/* Half-open records in one bucket. There are as many buckets as owners, so by chance alone a bucket
 * has more than 16 of anything once in 10^15 (RFC 4987 3.5). */
#define DEMUX_HALFS_MAX 16u

/* The keyed hash of a tuple (isn_pair()), of which whoever needs it twice keeps it. */
uint64_t demux_hash(const struct weir_stack *s, const struct weir_tuple *t);

/* The tuple's owner among `ref`, the first of a bucket, and those behind it; or REF_NONE. */
uint32_t demux_find_from(const struct weir_stack *s, uint32_t ref, const struct weir_tuple *t);

/* The same in the bucket of `hash`. Most SYNs of a flood find it empty. */
static inline uint32_t demux_find_hashed(const struct weir_stack *s, uint64_t hash,
					 const struct weir_tuple *t)
{
	uint32_t ref = s->buckets[isn_pair_secret(hash) & s->bucket_mask];

	return ref == REF_NONE ? ref : demux_find_from(s, ref, t);
}

/* The next ref of a bucket; REF_NONE: `ref` was the last. */
uint32_t demux_next(const struct weir_stack *s, uint32_t ref);

/* The owner's ref or REF_NONE. */
uint32_t demux_find(const struct weir_stack *s, const struct weir_tuple *t);
void demux_insert(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref);
/* The same for a half-open record, of which a bucket may hold DEMUX_HALFS_MAX: returns the ref of
 * the oldest if it is one too many, REF_NONE otherwise. */
uint32_t demux_insert_half(struct weir_stack *s, uint64_t hash, uint32_t ref);
void demux_remove(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref);

/* Makes the key of a record; false: no room for an IPv6 pair. */
bool pair_key_make(struct weir_stack *s, const struct weir_tuple *t, struct pair_key *key,
		   uint8_t *v6_flags, uint8_t v6_bit);
void pair_key_drop(struct weir_stack *s, const struct pair_key *key, uint8_t family);
void pair_key_tuple(const struct weir_stack *s, const struct pair_key *key, uint8_t family,
		    struct weir_tuple *out);

#endif
