#include "stack/demux.h"

#include <string.h>

#include "base/assert.h"
#include "stack/front.h"

uint64_t demux_hash(const struct weir_stack *s, const struct weir_tuple *t)
{
	uint8_t id[36];
	size_t n = stack_tuple_id(t, id);

	return isn_pair(s->cfg.isn_key, id, n);
}

/* By the half that nobody else knows. */
static inline uint32_t *bucket_at(const struct weir_stack *s, uint64_t hash)
{
	return &s->buckets[isn_pair_secret(hash) & s->bucket_mask];
}

static bool tuple_eq(const struct weir_tuple *a, const struct weir_tuple *b)
{
	return a->local.port == b->local.port && a->remote.port == b->remote.port &&
	       netif_addr_eq(&a->remote.addr, &b->remote.addr) &&
	       netif_addr_eq(&a->local.addr, &b->local.addr);
}

static bool key_matches(const struct weir_stack *s, const struct pair_key *k, uint8_t family,
			const struct weir_tuple *t)
{
	if (k->local_port != t->local.port || k->remote_port != t->remote.port ||
	    t->local.addr.family != family)
		return false;
	if (family == 6) {
		const struct addr6_pair *p = pool_at(&s->addr6, k->a);

		return !memcmp(p->local, t->local.addr.bytes, 16) &&
		       !memcmp(p->remote, t->remote.addr.bytes, 16);
	}
	return !memcmp(&k->a, t->local.addr.bytes, 4) && !memcmp(&k->b, t->remote.addr.bytes, 4);
}

/* All owners begin with the link of their bucket. */
static uint32_t *next_of(const struct weir_stack *s, uint32_t ref)
{
	switch (ref_kind(ref)) {
	case REF_CONN:
		return &((struct conn *)pool_at(&s->conns, ref_slot(ref)))->next;
	case REF_HALF:
		return &((struct half_slot *)pool_at(&s->halfs, ref_slot(ref)))->next;
	case REF_TIMEWAIT:
		return &((struct timewait_slot *)pool_at(&s->timewaits, ref_slot(ref)))->next;
	}
	weir_assert(0);
	return NULL;
}

uint32_t demux_next(const struct weir_stack *s, uint32_t ref)
{
	return *next_of(s, ref);
}

static bool owns(const struct weir_stack *s, uint32_t ref, const struct weir_tuple *t)
{
	const struct half_slot *h;
	const struct timewait_slot *w;

	switch (ref_kind(ref)) {
	case REF_CONN:
		return tuple_eq(&((struct conn *)pool_at(&s->conns, ref_slot(ref)))->tuple, t);
	case REF_HALF:
		h = pool_at(&s->halfs, ref_slot(ref));
		return key_matches(s, &h->key, half_family(h), t);
	case REF_TIMEWAIT:
		w = pool_at(&s->timewaits, ref_slot(ref));
		return key_matches(s, &w->key, timewait_family(w), t);
	}
	return false;
}

uint32_t demux_find_from(const struct weir_stack *s, uint32_t ref, const struct weir_tuple *t)
{
	while (ref != REF_NONE && !owns(s, ref, t))
		ref = *next_of(s, ref);
	return ref;
}

uint32_t demux_find(const struct weir_stack *s, const struct weir_tuple *t)
{
	return demux_find_from(s, *bucket_at(s, demux_hash(s, t)), t);
}

void demux_insert(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref)
{
	uint64_t hash = demux_hash(s, t);
	uint32_t *head = bucket_at(s, hash);

	*next_of(s, ref) = *head;
	*head = ref;
	front_own(s, hash);
}

/* New owners stand first, so the last record of a bucket is its oldest. */
uint32_t demux_insert_half(struct weir_stack *s, uint64_t hash, uint32_t ref)
{
	uint32_t *head = bucket_at(s, hash), last = REF_NONE;
	unsigned halfs = 0;

	*next_of(s, ref) = *head;
	*head = ref;
	front_own(s, hash);
	for (uint32_t r = ref; r != REF_NONE; r = *next_of(s, r)) {
		if (ref_kind(r) != REF_HALF)
			continue;
		halfs++;
		last = r;
	}
	return halfs > DEMUX_HALFS_MAX ? last : REF_NONE;
}

void demux_remove(struct weir_stack *s, const struct weir_tuple *t, uint32_t ref)
{
	uint64_t hash = demux_hash(s, t);
	uint32_t *at = bucket_at(s, hash);

	front_disown(s, hash);
	while (*at != ref) {
		weir_assert(*at != REF_NONE);
		at = next_of(s, *at);
	}
	*at = *next_of(s, ref);
}

bool pair_key_make(struct weir_stack *s, const struct weir_tuple *t, struct pair_key *key,
		   uint8_t *v6_flags, uint8_t v6_bit)
{
	struct addr6_pair *p;

	*key = (struct pair_key){.local_port = t->local.port, .remote_port = t->remote.port};
	if (t->local.addr.family == 4) {
		memcpy(&key->a, t->local.addr.bytes, 4);
		memcpy(&key->b, t->remote.addr.bytes, 4);
		return true;
	}
	key->a = pool_take(&s->addr6);
	if (key->a == POOL_NONE)
		return false;
	p = pool_at(&s->addr6, key->a);
	memcpy(p->local, t->local.addr.bytes, 16);
	memcpy(p->remote, t->remote.addr.bytes, 16);
	*v6_flags |= v6_bit;
	return true;
}

void pair_key_drop(struct weir_stack *s, const struct pair_key *key, uint8_t family)
{
	if (family == 6)
		pool_give(&s->addr6, key->a);
}

void pair_key_tuple(const struct weir_stack *s, const struct pair_key *key, uint8_t family,
		    struct weir_tuple *out)
{
	*out = (struct weir_tuple){0};
	out->local.port = key->local_port;
	out->remote.port = key->remote_port;
	out->local.addr.family = out->remote.addr.family = family;
	if (family == 6) {
		const struct addr6_pair *p = pool_at(&s->addr6, key->a);

		memcpy(out->local.addr.bytes, p->local, 16);
		memcpy(out->remote.addr.bytes, p->remote, 16);
	} else {
		memcpy(out->local.addr.bytes, &key->a, 4);
		memcpy(out->remote.addr.bytes, &key->b, 4);
	}
}
