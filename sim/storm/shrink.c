/*
 * shrink.c: the smallest storm that still fails.
 *
 * Theory of operation
 *
 * A cut is made smaller step by step; a step that makes the failure go away, or makes it another
 * one, is taken back. Connections are left out, then whole parts, then troubles: halves of them,
 * then quarters, and so on down to single ones (Zeller's delta debugging without its complements,
 * as a failure seldom needs two that lie far apart); then the streams are shortened. Since leaving
 * one thing out may make another superfluous, all of it is gone through again until nothing more
 * can be left out. At last the run is made to stop right after the failing step.
 *
 * Each connection, host, link and trouble draws from a generator of its own (plan.c), so what stays
 * is as it was; only the links' luck shifts with the packets that are not there any more. Therefore
 * a smaller cut is tried again from other directions rather than given up: the rounds.
 */
#include "sim/storm/storm.h"

#define ROUNDS_MAX 8u

struct shrinking {
	struct storm_cut *best;
	storm_try *try;
	void *user;
	unsigned tries, tries_max;
	bool changed; /* in this round */
};

static bool better(struct shrinking *s, const struct storm_cut *cut)
{
	if (s->tries == s->tries_max)
		return false;
	s->tries++;
	if (!s->try(s->user, cut))
		return false;
	*s->best = *cut;
	s->changed = true;
	return true;
}

static void leave_parts(struct shrinking *s)
{
	for (unsigned p = 0; p < STORM_PART_COUNT; p++) {
		struct storm_cut cut = *s->best;

		if (cut.without >> p & 1)
			continue;
		cut.without |= 1u << p;
		better(s, &cut);
	}
}

/* Leaves out bits of a set: in pieces of half of it, a quarter, down to one by one. `which` says
 * where in a cut the set lies. */
enum set { SET_TALKS, SET_TROUBLES };

static uint64_t get_set(const struct storm_cut *cut, enum set which)
{
	switch (which) {
	case SET_TALKS:
		return cut->talks;
	case SET_TROUBLES:
		return cut->troubles;
	}
	return 0;
}

static void put_set(struct storm_cut *cut, enum set which, uint64_t bits)
{
	switch (which) {
	case SET_TALKS:
		cut->talks = bits;
		break;
	case SET_TROUBLES:
		cut->troubles = (uint32_t)bits;
		break;
	}
}

static void leave_set(struct shrinking *s, enum set which, unsigned count)
{
	for (unsigned piece = (count + 1) / 2; piece > 0; piece = piece > 1 ? (piece + 1) / 2 : 0)
		for (unsigned at = 0; at < count; at += piece) {
			uint64_t mask = (piece >= 64 ? UINT64_MAX : (1ull << piece) - 1) << at;
			struct storm_cut cut = *s->best;

			if ((get_set(&cut, which) & mask) == 0)
				continue;
			put_set(&cut, which, get_set(&cut, which) & ~mask);
			better(s, &cut);
		}
}

static void shorten(struct shrinking *s)
{
	static const uint16_t sizes[] = {0, 1, 100, 600, 1500, 5000};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct storm_cut cut = *s->best;

		if (sizes[i] >= cut.bytes)
			return;
		cut.bytes = sizes[i];
		if (better(s, &cut))
			return;
	}
}

static uint64_t low_bits(unsigned count)
{
	return count >= 64 ? UINT64_MAX : (1ull << count) - 1;
}

unsigned storm_shrink(struct storm_cut *cut, const struct storm_result *first, unsigned tries_max,
		      storm_try *try, void *user)
{
	struct shrinking s = {.best = cut, .try = try, .user = user, .tries_max = tries_max};

	/* Bits beyond what there is mean nothing. */
	cut->talks &= low_bits(first->talks);
	cut->troubles &= (uint32_t)low_bits(first->troubles);
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		s.changed = false;
		leave_set(&s, SET_TALKS, first->talks);
		leave_parts(&s);
		leave_set(&s, SET_TROUBLES, first->troubles);
		shorten(&s);
		if (!s.changed)
			break;
	}
	return s.tries;
}
