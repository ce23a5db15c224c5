/*
 * serve_plain.c: echo, discard and source.
 */
#include <string.h>

#include "serve.h"

/* Spans moved at once: 64 KB in pages, the most that one packet can carry. */
#define SPANS 17u

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Copies as much as both lists of spans hold; returns how much. */
static size_t spans_copy(const struct weir_mspan *to, size_t to_count, const struct weir_span *from,
			 size_t from_count)
{
	size_t t = 0, t_off = 0, f = 0, f_off = 0, copied = 0;

	while (t < to_count && f < from_count) {
		size_t n = min_size(to[t].len - t_off, from[f].len - f_off);

		memcpy(to[t].bytes + t_off, from[f].bytes + f_off, n);
		copied += n;
		t_off += n;
		f_off += n;
		if (t_off == to[t].len) {
			t++;
			t_off = 0;
		}
		if (f_off == from[f].len) {
			f++;
			f_off = 0;
		}
	}
	return copied;
}

void serve_echo(struct weir_stack *s, weir_conn c, weir_time now)
{
	struct weir_mspan to[SPANS];
	struct weir_span from[SPANS];
	size_t to_count, from_count, bytes, copied;

	for (;;) {
		enum weir_err err = weir_recv_peek(s, c, from, SPANS, &from_count, &bytes);

		if (err == WEIR_EOF)
			(void)weir_close(s, c, now);
		if (err != WEIR_OK)
			return;
		/* Room may be short; then WRITABLE comes and the rest stays in the receive queue.
		 */
		if (weir_send_reserve(s, c, bytes, to, SPANS, &to_count) != WEIR_OK)
			return;
		/* The reservation was a call on the stack: the spans are looked up again. */
		if (weir_recv_peek(s, c, from, SPANS, &from_count, &bytes) != WEIR_OK)
			return;
		copied = spans_copy(to, to_count, from, from_count);
		if (weir_send_commit(s, c, copied, 0, now) != WEIR_OK ||
		    weir_recv_consume(s, c, copied, now) != WEIR_OK)
			return;
	}
}

/* Reads all there is and forgets it; tells why there is no more. */
static enum weir_err read_all(struct weir_stack *s, weir_conn c, weir_time now)
{
	struct weir_span spans[SPANS];
	size_t count, bytes;
	enum weir_err err;

	while ((err = weir_recv_peek(s, c, spans, SPANS, &count, &bytes)) == WEIR_OK)
		(void)weir_recv_consume(s, c, bytes, now);
	return err;
}

void serve_discard(struct weir_stack *s, weir_conn c, weir_time now)
{
	if (read_all(s, c, now) == WEIR_EOF)
		(void)weir_close(s, c, now);
}

/* The lines of RFC 864: 72 of the 95 printable characters, turning by one each line. */
static void pattern_fill(char *pattern, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		size_t line = i / 74, column = i % 74;

		if (column == 72)
			pattern[i] = '\r';
		else if (column == 73)
			pattern[i] = '\n';
		else
			pattern[i] = (char)(' ' + (line + column) % 95);
	}
}

void serve_source(struct weir_stack *s, weir_conn c, weir_time now)
{
	/* All 95 lines once; a send that took a part of it is forgotten, since nobody may rely on
	 * where a line of a generator begins. */
	static char pattern[95 * 74 * 9];
	size_t taken;

	if (pattern[0] == '\0')
		pattern_fill(pattern, sizeof(pattern));
	/* A peer that has only ended its own sending still reads: it gets more until it resets. */
	(void)read_all(s, c, now);
	while (weir_send(s, c, pattern, sizeof(pattern), 0, &taken, now) == WEIR_OK) {
		if (taken < sizeof(pattern))
			return;
	}
}
