/*
 * spans.c: see spans.h. New spans nearly always touch the last ones, so searches begin at the end.
 */
#include "spans.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 16u

/* The first span that ends at or after `at`. */
static size_t find(const struct spans *s, uint64_t at)
{
	size_t i = s->len;

	while (i > 0 && s->list[i - 1].hi >= at)
		i--;
	return i;
}

/* Makes `count` spans at `i`, where `old` were. 0; -1: there is no room. */
static int replace(struct spans *s, size_t i, size_t old, size_t count)
{
	size_t len = s->len - old + count;

	if (len > s->room) {
		size_t room = s->room == 0 ? ROOM_FIRST : s->room * 2;
		struct span *list = len > SPANS_MAX ? NULL : realloc(s->list, room * sizeof(*list));

		if (list == NULL) {
			s->left_out++;
			return -1;
		}
		s->list = list;
		s->room = room;
	}
	memmove(s->list + i + count, s->list + i + old, (s->len - i - old) * sizeof(*s->list));
	s->len = len;
	return 0;
}

void spans_add(struct spans *s, uint64_t lo, uint64_t hi)
{
	size_t first = find(s, lo), end = first;

	for (; end < s->len && s->list[end].lo <= hi; end++) {
		lo = s->list[end].lo < lo ? s->list[end].lo : lo;
		hi = s->list[end].hi > hi ? s->list[end].hi : hi;
	}
	if (replace(s, first, end - first, 1) == 0)
		s->list[first] = (struct span){lo, hi};
}

void spans_remove(struct spans *s, uint64_t lo, uint64_t hi)
{
	size_t first = find(s, lo + 1), end = first, kept = 0;
	struct span parts[2];

	while (end < s->len && s->list[end].lo < hi)
		end++;
	if (end == first)
		return;
	if (s->list[first].lo < lo)
		parts[kept++] = (struct span){s->list[first].lo, lo};
	if (s->list[end - 1].hi > hi)
		parts[kept++] = (struct span){hi, s->list[end - 1].hi};
	if (replace(s, first, end - first, kept) == 0)
		memcpy(s->list + first, parts, kept * sizeof(*parts));
}

uint64_t spans_covered(const struct spans *s, uint64_t lo, uint64_t hi)
{
	uint64_t bytes = 0;

	for (size_t i = find(s, lo + 1); i < s->len && s->list[i].lo < hi; i++) {
		uint64_t from = s->list[i].lo > lo ? s->list[i].lo : lo;
		uint64_t to = s->list[i].hi < hi ? s->list[i].hi : hi;

		bytes += to - from;
	}
	return bytes;
}

void spans_free(struct spans *s)
{
	free(s->list);
	*s = (struct spans){0};
}
