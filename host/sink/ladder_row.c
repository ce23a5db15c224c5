#include "sink/ladder_row.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_AT_FIRST 16u

void ladder_rows_init(struct ladder_rows *rows, size_t rows_max)
{
	memset(rows, 0, sizeof(*rows));
	rows->last_max = rows_max / 4;
	rows->first_max = rows_max - rows->last_max;
}

void ladder_rows_free(struct ladder_rows *rows)
{
	free(rows->first);
	free(rows->last);
	memset(rows, 0, sizeof(*rows));
}

static bool first_has_room(struct ladder_rows *rows)
{
	struct ladder_row *grown;
	size_t room = rows->first_room ? rows->first_room * 2 : ROWS_AT_FIRST;

	if (rows->first_count < rows->first_room)
		return true;
	if (room > rows->first_max)
		room = rows->first_max;
	if (room == rows->first_room)
		return false;
	grown = realloc(rows->first, room * sizeof(*grown));
	if (!grown)
		return false;
	rows->first = grown;
	rows->first_room = room;
	return true;
}

void ladder_rows_add(struct ladder_rows *rows, const struct ladder_row *row)
{
	/* Once a row went to the ring, no later one may go before it. */
	if (rows->last_count == 0 && rows->omitted == 0 && first_has_room(rows)) {
		rows->first[rows->first_count++] = *row;
		return;
	}
	if (!rows->last)
		rows->last = malloc(rows->last_max * sizeof(*rows->last));
	if (!rows->last) {
		rows->omitted++;
		return;
	}
	if (rows->last_count == rows->last_max)
		rows->omitted++;
	else
		rows->last_count++;
	rows->last[rows->last_next] = *row;
	rows->last_next = (rows->last_next + 1) % rows->last_max;
}

size_t ladder_rows_count(const struct ladder_rows *rows)
{
	return rows->first_count + rows->last_count;
}

struct ladder_row *ladder_rows_edit(const struct ladder_rows *rows, size_t i)
{
	size_t oldest = rows->last_count < rows->last_max ? 0 : rows->last_next;

	if (i < rows->first_count)
		return &rows->first[i];
	return &rows->last[(oldest + i - rows->first_count) % rows->last_max];
}

const struct ladder_row *ladder_rows_at(const struct ladder_rows *rows, size_t i)
{
	return ladder_rows_edit(rows, i);
}
