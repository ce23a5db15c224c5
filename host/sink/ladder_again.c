#include "sink/ladder_again.h"

#include "sink/seqrel.h"
#include "sink/verdict.h"

/* Rows that are looked at for the one that a D-SACK is about, or that belong to a recovery: more
 * than a window of retransmissions, as runs of plain segments are one row. */
#define LOOKED_BACK 500u

static bool is_ours_again(const struct ladder_row *row)
{
	return row->kind == LADDER_ROW_SEGMENT && row->dir == LADDER_FROM_US &&
	       verdict_is_retransmission(row->verdict);
}

/* RFC 2883 4: the first block is below what is acknowledged, or within the second one. */
static bool is_dsack(const struct ladder_segment *seg)
{
	const uint32_t(*block)[2] = seg->opts.sack;

	if (seg->opts.sack_count == 0 || !(seg->flags & WEIR_TCP_ACK))
		return false;
	if (seqrel_reaches(seg->ack, block[0][1]))
		return true;
	return seg->opts.sack_count > 1 && seqrel_reaches(block[0][0], block[1][0]) &&
	       seqrel_reaches(block[1][1], block[0][1]);
}

static void mark(struct ladder_again *a, struct ladder_row *row, uint16_t note)
{
	uint16_t *notes = &row->u.seg.notes;

	a->needless += !(*notes & (LADDER_NOTE_CAME_TWICE | LADDER_NOTE_TAKEN_BACK));
	*notes |= note;
}

static bool is_about(const struct ladder_row *row, const uint32_t block[2])
{
	const struct ladder_segment *seg = &row->u.seg;

	return is_ours_again(row) && !(seg->notes & LADDER_NOTE_CAME_TWICE) &&
	       seqrel_after(block[1], seg->seq) &&
	       seqrel_after(seg->seq + seg->payload_len, block[0]);
}

/* The latest retransmission that it can be about: a report takes about a round trip, so one that
 * went just now is only it when there is no other. */
static void mark_reported(struct ladder_again *a, const struct ladder_rows *rows,
			  const struct weir_trace_record *r, const struct ladder_segment *seg)
{
	size_t count = ladder_rows_count(rows), i = count;
	struct ladder_row *row, *latest = NULL;

	while (i > 0 && count - i < LOOKED_BACK) {
		row = ladder_rows_edit(rows, --i);
		if (!is_about(row, seg->opts.sack[0]))
			continue;
		if (!latest)
			latest = row;
		if (r->at - row->at < r->srtt_ns / 2)
			continue;
		latest = row;
		break;
	}
	if (latest)
		mark(a, latest, LADDER_NOTE_CAME_TWICE);
}

static void mark_recovery(struct ladder_again *a, const struct ladder_rows *rows)
{
	size_t count = ladder_rows_count(rows), i = count;

	while (i > 0 && count - i < LOOKED_BACK) {
		struct ladder_row *row = ladder_rows_edit(rows, --i);

		if (row->at < a->since)
			break;
		if (is_ours_again(row))
			mark(a, row, LADDER_NOTE_TAKEN_BACK);
	}
}

uint16_t ladder_again_feed(struct ladder_again *a, const struct ladder_rows *rows,
			   const struct weir_trace_record *r, const struct ladder_segment *seg)
{
	uint16_t notes = 0;

	if (r->kind == WEIR_TRACE_IN && !verdict_is_drop(r->verdict) && is_dsack(seg)) {
		mark_reported(a, rows, r, seg);
		notes |= LADDER_NOTE_DSACK;
	}
	if (r->cwnd_bytes == 0)
		return notes; /* of no connection, or not one yet */
	if (r->spurious != a->spurious) {
		mark_recovery(a, rows);
		notes |= a->phase == WEIR_RECOVERY_RTO ? LADDER_NOTE_UNDO_RTO
						       : LADDER_NOTE_UNDO_FAST;
	}
	a->spurious = r->spurious;
	if (r->recovery != a->phase)
		a->since = r->at;
	a->phase = r->recovery;
	return notes;
}
