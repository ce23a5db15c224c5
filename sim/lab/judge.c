/*
 * Theory of operation
 *
 * What was read is walked from its beginning, beside the place in what was sent that it should be
 * from. While the two agree both go on. Where they do not, a few bytes may be wrong in their place:
 * that is so if the eight bytes after them agree again. Otherwise the eight bytes that come are
 * looked up in an index of all places: found, the walk goes on from there (bytes are missing, or
 * come again, or out of their order); not found, a byte that nobody sent is passed over. If as many
 * are passed over as are missing, they stand in the place of those.
 *
 * So every byte read has one place in what was sent, or none. Bytes sent that no byte read is from,
 * and that were not wrong in their place, are lost.
 *
 * The index is an open hash table with a place for each byte sent and as many again, made only
 * when something is wrong.
 */
#include "sim/lab/judge.h"

#include <stdlib.h>
#include <string.h>

#include "sim/frame.h"
#include "sim/rng.h"

#define WORD      8u
#define WRONG_MAX 16u /* bytes wrong in a row, in their place */

enum { SEEN_WRONG = 255 };

struct walk {
	const uint8_t *sent, *got;
	size_t sent_len, got_len;
	uint32_t *index; /* places + 1; 0: free */
	size_t mask;
	uint8_t *seen;  /* how often each byte sent was read; SEEN_WRONG */
	uint8_t *moved; /* it was read at another place */
};

static uint64_t word_at(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, WORD);
	return w;
}

static void make_index(struct walk *w)
{
	size_t room = 64;

	while (room < 2 * w->sent_len)
		room *= 2;
	w->mask = room - 1;
	w->index = sim_alloc(room, sizeof(*w->index));
	for (size_t s = 0; s + WORD <= w->sent_len; s++) {
		size_t i = sim_mix(word_at(w->sent + s)) & w->mask;

		while (w->index[i] != 0)
			i = (i + 1) & w->mask;
		w->index[i] = (uint32_t)s + 1;
	}
}

/* Where in what was sent the eight bytes at `r` are from; sent_len: nowhere. */
static size_t look_up(const struct walk *w, size_t r)
{
	size_t i;

	if (r + WORD > w->got_len)
		return w->sent_len;
	for (i = sim_mix(word_at(w->got + r)) & w->mask; w->index[i] != 0; i = (i + 1) & w->mask)
		if (memcmp(w->sent + w->index[i] - 1, w->got + r, WORD) == 0)
			return w->index[i] - 1;
	return w->sent_len;
}

/* How many bytes from `r` on are wrong in their place; 0: it is something else. */
static size_t wrong_here(const struct walk *w, size_t r, size_t s)
{
	for (size_t k = 1; k <= WRONG_MAX; k++)
		if (r + k + WORD <= w->got_len && s + k + WORD <= w->sent_len &&
		    memcmp(w->got + r + k, w->sent + s + k, WORD) == 0)
			return k;
	return 0;
}

static void note_byte(struct walk *w, size_t r, size_t s, struct judgement *out)
{
	out->twice += w->seen[s] != 0;
	out->moved += r != s;
	w->moved[s] |= r != s;
	if (w->seen[s] < SEEN_WRONG - 1)
		w->seen[s]++;
}

/* Bytes that nobody sent began at `r`, where those from `s` on should have been. Passes over them.
 * Returns where in what was sent the walk goes on; *r is where in what was read. */
static size_t pass_over(struct walk *w, size_t *r, size_t s, struct judgement *out)
{
	size_t from = *r, found = w->sent_len;

	while (*r < w->got_len && (found = look_up(w, *r)) == w->sent_len) {
		out->wrong++;
		++*r;
	}
	if (*r == w->got_len)
		return w->sent_len;
	/* As many as should have been there: they stand in the place of those. */
	if (found > s && found - s == *r - from)
		memset(w->seen + s, SEEN_WRONG, found - s);
	return found;
}

static void go(struct walk *w, struct judgement *out)
{
	size_t r = 0, s = 0, k;

	while (r < w->got_len) {
		if (s < w->sent_len && w->got[r] == w->sent[s]) {
			note_byte(w, r++, s++, out);
			continue;
		}
		k = wrong_here(w, r, s);
		if (k > 0) {
			memset(w->seen + s, SEEN_WRONG, k);
			out->wrong += k;
			r += k;
			s += k;
			continue;
		}
		s = pass_over(w, &r, s, out);
	}
}

static char worst(char a, char b)
{
	static const char order[] = "=~2x.";

	return strchr(order, a) > strchr(order, b) ? a : b;
}

static void draw_map(const struct walk *w, struct judgement *out)
{
	memset(out->map, '=', JUDGE_CELLS);
	for (size_t s = 0; s < w->sent_len; s++) {
		char *cell = &out->map[s * JUDGE_CELLS / w->sent_len];

		if (w->seen[s] == 0)
			*cell = worst(*cell, '.');
		else if (w->seen[s] == SEEN_WRONG)
			*cell = worst(*cell, 'x');
		else if (w->seen[s] > 1)
			*cell = worst(*cell, '2');
		else if (w->moved[s])
			*cell = worst(*cell, '~');
	}
}

void judge_stream(const uint8_t *sent, size_t sent_len, const uint8_t *got, size_t got_len,
		  struct judgement *out)
{
	struct walk w = {.sent = sent, .got = got, .sent_len = sent_len, .got_len = got_len};

	memset(out, 0, sizeof(*out));
	memset(out->map, '=', JUDGE_CELLS);
	out->intact = sent_len == got_len && memcmp(sent, got, sent_len) == 0;
	if (out->intact)
		return;
	make_index(&w);
	w.seen = sim_alloc(sent_len, 1);
	w.moved = sim_alloc(sent_len, 1);
	go(&w, out);
	for (size_t s = 0; s < sent_len; s++)
		out->lost += w.seen[s] == 0;
	draw_map(&w, out);
	free(w.index);
	free(w.seen);
	free(w.moved);
}
