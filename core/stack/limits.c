/*
 * Theory of operation
 *
 * Two kinds of address are limited: the source of a SYN (its /32 of IPv4, its /64 of IPv6; both
 * are settings), and for held SYNs the destination, address and port. Each is limited twice:
 *
 *   records   half_source_max, held_dest_max      half-open records at one time
 *   tokens    source_rate, dest_rate a second,    records that were made and not answered
 *             up to source_burst, dest_burst
 *
 * A token is taken with a record and given back when the handshake completes (a destination's when
 * its SYN was accepted): who answers is there, so only unanswered handshakes count, and a busy
 * honest source is never slowed down.
 *
 * A bucket is one number, the time at which it will be full again; a token moves it on by 1/rate.
 *
 * The slots are sets of eight, chosen by a keyed hash, so nobody can aim at a set. A key is in its
 * set or nowhere: a look-up compares at most eight keys. A slot without records whose bucket is
 * full tells nothing and is free. If none is free, the one that holds least (tokens taken and
 * records together) makes place. So a flood of spoofed sources, each seen once, replaces itself
 * and never the heavy ones; and the honest source that it does replace loses nothing, for it
 * starts with a full bucket again. To make a heavy source be forgotten takes eight heavier ones in
 * its set; whoever can be that many addresses is not to be held by a limit of each.
 *
 * Forgotten records are counted no more (`forgotten`). When one of them ends, it may lower the
 * count of its address's new slot: a count is at most what there is, never more.
 */
#include "stack/limits.h"

#include <string.h>

#include "base/hash.h"
#include "net/netif.h"
#include "stack/stack.h"

#define SECOND_NS 1000000000u

/* The settings of a kind. */
struct rule {
	uint64_t records_max, rate, burst;
	uint64_t token_ns; /* in which a token comes back; 0: no rate */
};

static struct rule rule_of(const struct weir_stack *s, enum weir_limit_kind kind)
{
	const struct weir_config *c = &s->cfg;
	struct rule r = {0};

	switch (kind) {
	case WEIR_LIMIT_SOURCE:
		r = (struct rule){c->half_source_max, c->source_rate, c->source_burst, 0};
		break;
	case WEIR_LIMIT_DEST:
		r = (struct rule){c->held_dest_max, c->dest_rate, c->dest_burst, 0};
		break;
	}
	if (r.rate)
		r.token_ns = SECOND_NS / r.rate;
	return r;
}

bool limits_in_force(const struct weir_stack *s, enum weir_limit_kind kind)
{
	struct rule r = rule_of(s, kind);

	return r.rate != 0 || r.records_max < s->cfg.halfs_max;
}

void limits_init(struct limits *l, struct arena *a, uint32_t count)
{
	uint32_t sets = 1;

	while (sets * LIMITS_WAYS < count)
		sets *= 2;
	l->slots = arena_take(a, (size_t)sets * LIMITS_WAYS * sizeof(*l->slots), 64);
	l->set_mask = sets - 1;
}

static unsigned prefix_of(const struct weir_stack *s, enum weir_limit_kind kind, uint8_t family)
{
	if (kind == WEIR_LIMIT_DEST)
		return family == 4 ? 32 : 128;
	return (unsigned)(family == 4 ? s->cfg.source_prefix4 : s->cfg.source_prefix6);
}

static void key_of(const struct weir_stack *s, enum weir_limit_kind kind,
		   const struct weir_endpoint *e, struct limits_key *k)
{
	unsigned prefix = prefix_of(s, kind, e->addr.family);

	*k = (struct limits_key){.family = e->addr.family, .kind = (uint8_t)kind};
	if (kind == WEIR_LIMIT_DEST)
		k->port = e->port;
	memcpy(k->addr, e->addr.bytes, prefix / 8);
	if (prefix % 8)
		k->addr[prefix / 8] = (uint8_t)(e->addr.bytes[prefix / 8] & 0xff00u >> prefix % 8);
}

static struct limits_slot *set_of(const struct weir_stack *s, const struct limits_key *k)
{
	uint32_t set = (uint32_t)siphash13(s->cfg.hash_key, k, sizeof(*k)) & s->limits.set_mask;

	return &s->limits.slots[(size_t)set * LIMITS_WAYS];
}

static struct limits_slot *find(struct limits_slot *set, const struct limits_key *k)
{
	for (unsigned i = 0; i < LIMITS_WAYS; i++)
		if (!memcmp(&set[i].key, k, sizeof(*k)))
			return &set[i];
	return NULL;
}

/* Tokens that are taken. */
static uint64_t tokens_out(const struct rule *r, const struct limits_slot *l, weir_time now)
{
	if (!r->rate || l->full_at <= now)
		return 0;
	return (l->full_at - now + r->token_ns - 1) / r->token_ns;
}

static uint64_t weight(const struct weir_stack *s, const struct limits_slot *l)
{
	struct rule r;

	if (l->key.family == 0)
		return 0;
	r = rule_of(s, (enum weir_limit_kind)l->key.kind);
	return tokens_out(&r, l, s->now) + l->records;
}

/* A slot for a key that has none: the lightest of its set. */
static struct limits_slot *make(struct weir_stack *s, struct limits_slot *set,
				const struct limits_key *k)
{
	struct limits_slot *lightest = NULL;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < LIMITS_WAYS && least; i++) {
		uint64_t w = weight(s, &set[i]);

		if (w < least) {
			least = w;
			lightest = &set[i];
		}
	}
	s->limits.forgotten += lightest->records;
	*lightest = (struct limits_slot){.key = *k};
	return lightest;
}

bool limits_take(struct weir_stack *s, enum weir_limit_kind kind, const struct weir_endpoint *e)
{
	struct rule r = rule_of(s, kind);
	struct limits_slot *set, *l;
	struct limits_key k;

	if (!limits_in_force(s, kind))
		return true;
	key_of(s, kind, e, &k);
	set = set_of(s, &k);
	l = find(set, &k);
	if (!l)
		l = make(s, set, &k);
	if (l->records >= r.records_max || (r.rate && tokens_out(&r, l, s->now) >= r.burst)) {
		l->refused += l->refused < UINT32_MAX;
		return false;
	}
	if (r.rate)
		l->full_at = (l->full_at > s->now ? l->full_at : s->now) + r.token_ns;
	l->records++;
	return true;
}

void limits_give(struct weir_stack *s, enum weir_limit_kind kind, const struct weir_endpoint *e,
		 enum limits_end how)
{
	struct rule r = rule_of(s, kind);
	struct limits_slot *l;
	struct limits_key k;

	if (!limits_in_force(s, kind))
		return;
	key_of(s, kind, e, &k);
	l = find(set_of(s, &k), &k);
	if (!l)
		return;
	l->records -= l->records > 0;
	if (how == LIMITS_ANSWERED && tokens_out(&r, l, s->now))
		l->full_at -= r.token_ns;
}

uint32_t limits_records(const struct weir_stack *s, enum weir_limit_kind kind)
{
	uint32_t slots = (s->limits.set_mask + 1) * LIMITS_WAYS, sum = 0;

	for (uint32_t i = 0; i < slots; i++)
		if (s->limits.slots[i].key.kind == kind)
			sum += s->limits.slots[i].records;
	return sum;
}

bool weir_walk_limits(const struct weir_stack *s, uint32_t *cursor, struct weir_limit_info *out)
{
	while (*cursor < (s->limits.set_mask + 1) * LIMITS_WAYS) {
		const struct limits_slot *l = &s->limits.slots[(*cursor)++];
		enum weir_limit_kind kind = (enum weir_limit_kind)l->key.kind;
		struct rule r = rule_of(s, kind);

		if (!weight(s, l))
			continue;
		*out = (struct weir_limit_info){
			.kind = kind,
			.at = {.addr.family = l->key.family, .port = l->key.port},
			.prefix = prefix_of(s, kind, l->key.family),
			.records = l->records,
			.tokens = r.rate ? (uint32_t)(r.burst - tokens_out(&r, l, s->now)) : 0,
			.refused = l->refused,
		};
		memcpy(out->at.addr.bytes, l->key.addr, sizeof(l->key.addr));
		return true;
	}
	return false;
}
