/*
 * ladder_again.h: whether what we sent again was sent for nothing.
 *
 * Two things tell: the peer reports that a segment came twice (D-SACK, RFC 2883), or the engine
 * finds a whole recovery to have been for nothing and takes it back (RFC 4015, RFC 5682). Both are
 * known only after the segment went, so its row is looked up and marked. Nothing tells of a
 * segment's being needed: a row without a mark is one of which nobody has said that it was not.
 */
#ifndef WEIR_SINK_LADDER_AGAIN_H
#define WEIR_SINK_LADDER_AGAIN_H

#include "sink/ladder_row.h"

struct ladder_again {
	enum weir_recovery phase; /* after the latest record */
	weir_time since;          /* when it began */
	uint8_t spurious;         /* as in the latest record */
	uint64_t needless;        /* retransmissions of ours that were marked */
};

/* Takes in a record and its row's segment, marks earlier rows; the LADDER_NOTE_* bits that its own
 * row is to have. */
uint16_t ladder_again_feed(struct ladder_again *a, const struct ladder_rows *rows,
			   const struct weir_trace_record *r, const struct ladder_segment *seg);

#endif
