/*
 * status_text.h: what an instance of weir tells about itself, a JSON document made in pieces, so
 * that a loop can go on between them however many records there are.
 *
 *   {"pid": N, "command": TEXT, "connections": [...], "half_open": [...], "time_wait": [...],
 *    "sources": [...], "counters": {...}}
 *
 * The lists are of what weir_walk() and weir_walk_limits() give, in weir-ss(1)'s names. The
 * document is no picture of one moment: records that come and go meanwhile may be in it or not,
 * none is in it twice.
 */
#ifndef GATE_STATUS_TEXT_H
#define GATE_STATUS_TEXT_H

#include <stdio.h>

#include "weir/info.h"

/* Records of a piece: at most 64 KB of text, some tenths of a millisecond. Slots that are free are
 * passed over without a bound, some nanoseconds each. */
#define GATE_STATUS_PIECE_MAX 64u

enum gate_status_part {
	GATE_STATUS_HEAD,
	GATE_STATUS_CONNS,
	GATE_STATUS_HALFS,
	GATE_STATUS_TIMEWAITS,
	GATE_STATUS_LIMITS,
	GATE_STATUS_COUNTERS,
	GATE_STATUS_END,
};

/* Begins with zeroes. */
struct gate_status_text {
	enum gate_status_part part; /* the next */
	uint32_t cursor;            /* in its list */
	bool opened;                /* the list's bracket is written */
	bool any;                   /* and a record */
};

/* Writes the next piece of the document to `out`. False: it is whole, nothing was written. */
bool gate_status_text_next(struct gate_status_text *t, const struct weir_stack *s, weir_time now,
			   const char *command, FILE *out);

#endif
