/*
 * ladder_fold.h: runs of plain data become one row.
 *
 * Rows go in one by one; what comes out goes to the flow's list: rows as they are, or one row that
 * counts what a run held. Short runs stay as they are, so that a request and its answer can be
 * read; the memory used is that of LADDER_FOLD_PENDING rows.
 */
#ifndef WEIR_SINK_LADDER_FOLD_H
#define WEIR_SINK_LADDER_FOLD_H

#include "sink/ladder_row.h"

/* Plain rows one way, with at least two of them data, that stay as they are. */
#define LADDER_FOLD_KEEP 4u
/* Plain rows of an exchange that stay as they are. */
#define LADDER_FOLD_PENDING 16u
/* Data segments one way inside a folded exchange that begin a run of their own. */
#define LADDER_FOLD_BREAK 9u

enum ladder_plain {
	LADDER_PLAIN, /* data or an ACK as expected, nothing odd, no state changes */
	LADDER_ODD,   /* anything else: stays a row of its own */
};

struct ladder_fold_sum {
	struct ladder_run run;
	weir_time at, until;
	uint64_t count; /* segments */
};

struct ladder_fold {
	struct ladder_row pending[LADDER_FOLD_PENDING];
	size_t pending_count;
	size_t tail_start; /* pending rows from here on are data one way and ACKs */
	size_t tail_data;  /* of these, with data */
	enum ladder_dir tail_dir;
	/* What is being folded, if anything: LADDER_ROW_RUN, LADDER_ROW_EXCHANGE. */
	bool folding;
	struct ladder_row folded;         /* kind, dir and states of the row to be */
	struct ladder_fold_sum sum, tail; /* tail: of an exchange, since the direction changed */
};

void ladder_fold_init(struct ladder_fold *f);
void ladder_fold_feed(struct ladder_fold *f, struct ladder_rows *to, const struct ladder_row *row,
		      enum ladder_plain plain);
/* Hands on all that is held back. */
void ladder_fold_flush(struct ladder_fold *f, struct ladder_rows *to);

#endif
