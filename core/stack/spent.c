/*
 * Theory of operation
 *
 * That a cookie was used is remembered by a record as long as the cookie is good (timewaits.c).
 * When records run out, such a record is the first to go, and then the pair is noted here: in a
 * Bloom filter of a fixed size, one for each of the two ticks that a cookie can live. A cookie of a
 * pair that is noted, or looks like it, is refused, and a SYN of such a pair is answered from a
 * record, whose number is no cookie. So a used cookie is never taken twice, however many there are;
 * what a full filter costs is that more SYNs need records.
 *
 * The bits are chosen by a keyed hash: nobody can aim at the pair of another.
 */
#include "stack/spent.h"

#include <string.h>

#include "base/hash.h"
#include "stack/reply.h"
#include "stack/stack.h"

#define PROBES 4u

void spent_init(struct spent *f, struct arena *a, uint32_t bits)
{
	*f = (struct spent){.words = 1};
	while (f->words * 64 < bits)
		f->words *= 2;
	for (unsigned i = 0; i < 2; i++)
		f->bits[i] = arena_take(a, f->words * sizeof(*f->bits[i]), 8);
}

static void clear_one(struct spent *f, unsigned i)
{
	memset(f->bits[i], 0, f->words * sizeof(*f->bits[i]));
	f->count[i] = 0;
}

void spent_clear(struct spent *f)
{
	clear_one(f, 0);
	clear_one(f, 1);
}

static uint64_t hash_of(const struct weir_stack *s, const struct weir_tuple *tuple)
{
	static const char use[] = "spent";
	uint8_t id[36 + sizeof(use)];
	size_t n = stack_tuple_id(tuple, id);

	memcpy(id + n, use, sizeof(use));
	return siphash24(s->cfg.isn_key, id, n + sizeof(use));
}

static uint32_t bit_of(const struct spent *f, uint64_t hash, unsigned probe)
{
	uint32_t step = (uint32_t)(hash >> 32) | 1;

	return ((uint32_t)hash + probe * step) & (f->words * 64 - 1);
}

/* What was noted before the last tick is of no use any more: no cookie of that time is good. */
static void turn(struct spent *f, uint32_t tick)
{
	uint64_t *old = f->bits[1];

	if (tick != f->tick && f->count[0] + f->count[1] != 0) {
		if (tick != f->tick + 1)
			clear_one(f, 0);
		f->bits[1] = f->bits[0];
		f->count[1] = f->count[0];
		f->bits[0] = old;
		clear_one(f, 0);
	}
	f->tick = tick;
}

void spent_add(struct weir_stack *s, const struct weir_tuple *tuple, uint32_t tick)
{
	struct spent *f = &s->spent;
	uint64_t hash = hash_of(s, tuple);

	turn(f, tick);
	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t bit = bit_of(f, hash, i);

		f->bits[0][bit / 64] |= 1ull << bit % 64;
	}
	f->count[0]++;
	++*stack_counter(s, WEIR_CTR_COOKIE_SPENT);
}

bool spent_may_have(struct weir_stack *s, const struct weir_tuple *tuple, uint32_t tick)
{
	struct spent *f = &s->spent;
	bool in[2] = {true, true};
	uint64_t hash;

	if (f->count[0] + f->count[1] == 0)
		return false;
	turn(f, tick);
	hash = hash_of(s, tuple);
	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t bit = bit_of(f, hash, i);

		for (unsigned k = 0; k < 2; k++)
			in[k] = in[k] && (f->bits[k][bit / 64] >> bit % 64 & 1);
	}
	return in[0] || in[1];
}
