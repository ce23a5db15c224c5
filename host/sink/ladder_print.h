/*
 * ladder_print.h: a connection's rows as lines of text.
 *
 * Every line is at most as wide as the style says. Columns: time, the peer's state, the segment as
 * an arrow, our state; what does not fit an arrow follows on lines of its own below it.
 */
#ifndef WEIR_SINK_LADDER_PRINT_H
#define WEIR_SINK_LADDER_PRINT_H

#include "sink/ladder_flow.h"
#include "sink/textline.h"

/* "999.999 ms", right-aligned. */
#define LADDER_TIME_COLS TEXT_STAMP_COLS
/* "~SYN-RECEIVED" */
#define LADDER_PEER_COLS 13u
/* "SYN-RECEIVED" */
#define LADDER_OURS_COLS 12u

struct ladder_names {
	char local[32], remote[32];
	const char *(*name_of)(void *user, const struct weir_endpoint *e);
	void *user;
};

/* Adds the time column and two blanks: `at`, counted from `start`. */
void ladder_print_time(struct textline *l, const struct textstyle *st, weir_time at,
		       weir_time start);
/* A line with a rule around `text`, over the whole width, and `right` at its end where it fits. */
void ladder_print_heading(FILE *out, const struct textstyle *st, const char *text,
			  const char *right);
/* One connection: title, summary, columns, rows, an empty line. `start`: of the whole trace. */
void ladder_print_flow(FILE *out, const struct textstyle *st, const struct ladder_names *names,
		       const struct ladder_flow *f, weir_time start);

/* ladder_title.c */
void ladder_print_title(FILE *out, const struct textstyle *st, const struct ladder_names *names,
			const struct ladder_flow *f, weir_time start);

/* ladder_tables.c: the half-open queue and the TIME-WAIT records of a stack. */
void ladder_print_tables(FILE *out, const struct textstyle *st, const struct weir_stack *s,
			 weir_time now);

#endif
