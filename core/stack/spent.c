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

static uint32_t bit_of(const struct spent *f, uint64_t pair, unsigned probe)
{
	uint32_t step = (uint32_t)(pair >> 32) | 1;

	return ((uint32_t)pair + probe * step) & (f->words * 64 - 1);
}

/* What was noted before the last tick is of no use any more: no cookie of that time is good. */
static void turn(struct spent *f, uint32_t tick)
{
	uint64_t *old = f->bits[1];

	if (tick != f->tick && spent_any(f)) {
		if (tick != f->tick + 1)
			clear_one(f, 0);
		f->bits[1] = f->bits[0];
		f->count[1] = f->count[0];
		f->bits[0] = old;
		clear_one(f, 0);
	}
	f->tick = tick;
}

void spent_add(struct spent *f, uint64_t pair, uint32_t tick)
{
	turn(f, tick);
	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t bit = bit_of(f, pair, i);

		f->bits[0][bit / 64] |= 1ull << bit % 64;
	}
	f->count[0]++;
}

bool spent_may_have(struct spent *f, uint64_t pair, uint32_t tick)
{
	bool in[2] = {true, true};

	if (!spent_any(f))
		return false;
	turn(f, tick);
	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t bit = bit_of(f, pair, i);

		for (unsigned k = 0; k < 2; k++)
			in[k] = in[k] && (f->bits[k][bit / 64] >> bit % 64 & 1);
	}
	return in[0] || in[1];
}
