/*
 * Theory of operation
 *
 * Each record of a connection makes one row: the segment in relative numbers, both states after it,
 * and what is noteworthy about it. On the way the flow keeps what the title will say (who opened,
 * how it ended, bytes each way) and what the next row needs to be judged: per direction the highest
 * number sent, the last acknowledgement and window.
 *
 * A row is plain, and may be folded (ladder_fold.h), if it carries the next bytes in order or is an
 * ordinary ACK, has a window, changes no state and repeats nothing. All else stays visible.
 *
 * Changes of our state without a packet make a row only when they end something: the others show
 * in the next segment's row. Such a row waits for the next record of the connection, since an end
 * that is told to the peer (RST, ICMP) shows in that packet's row.
 */
#include "sink/ladder_flow.h"

#include <string.h>

#include "sink/pktview.h"
#include "sink/seqrel.h"
#include "sink/verdict.h"

/* Windows closed by an end that have rows of their own. */
#define ZERO_WINDOWS_SHOWN 3u

void ladder_flow_init(struct ladder_flow *f, const struct weir_trace_record *first, size_t rows_max)
{
	memset(f, 0, sizeof(*f));
	f->id = first->flow;
	f->tuple = first->tuple;
	f->first = f->last = first->at;
	f->ours = f->ours_shown = first->before;
	peerstate_init(&f->peer);
	ladder_fold_init(&f->fold);
	ladder_rows_init(&f->rows, rows_max);
}

void ladder_flow_free(struct ladder_flow *f)
{
	ladder_rows_free(&f->rows);
}

/* --- One segment ---------------------------------------------------------------------------- */

static enum ladder_dir other_dir(enum ladder_dir dir)
{
	return dir == LADDER_FROM_PEER ? LADDER_FROM_US : LADDER_FROM_PEER;
}

static bool is_set(const struct weir_trace_record *r, unsigned flag)
{
	return (r->seg_flags & flag) != 0;
}

/* The number after all that the segment occupies. */
static uint32_t seg_end(const struct weir_trace_record *r)
{
	return r->seq + r->payload_len + is_set(r, WEIR_TCP_SYN) + is_set(r, WEIR_TCP_FIN);
}

static uint32_t relative(const struct ladder_half *h, uint32_t n)
{
	return h->isn_known ? n - h->isn : n;
}

static void learn_isns(struct ladder_flow *f, const struct weir_trace_record *r,
		       enum ladder_dir dir)
{
	struct ladder_half *peer = &f->half[LADDER_FROM_PEER];
	struct ladder_half *us = &f->half[LADDER_FROM_US];

	if (is_set(r, WEIR_TCP_SYN) && (!f->half[dir].isn_known || !f->established)) {
		f->half[dir].isn = r->seq;
		f->half[dir].isn_known = true;
	}
	if (!peer->isn_known && r->irs != 0) {
		peer->isn = r->irs;
		peer->isn_known = true;
	}
	if (!us->isn_known && r->iss != 0) {
		us->isn = r->iss;
		us->isn_known = true;
	}
}

static void fill_segment(const struct ladder_flow *f, const struct weir_trace_record *r,
			 enum ladder_dir dir, struct ladder_segment *seg)
{
	const struct ladder_half *to = &f->half[other_dir(dir)];

	seg->seq = relative(&f->half[dir], r->seq);
	seg->ack = relative(to, r->ack);
	seg->wnd_bytes = r->wnd_bytes;
	seg->payload_len = r->payload_len;
	seg->cwnd_bytes = r->cwnd_bytes;
	seg->ssthresh_bytes = r->ssthresh_bytes;
	seg->flags = r->seg_flags;
	seg->urgent = r->urgent;
	tcpopts_read(&seg->opts, r->opt, r->opt_len);
	for (unsigned i = 0; i < seg->opts.sack_count; i++) {
		seg->opts.sack[i][0] = relative(to, seg->opts.sack[i][0]);
		seg->opts.sack[i][1] = relative(to, seg->opts.sack[i][1]);
	}
}

static uint16_t notes_of(const struct ladder_flow *f, const struct weir_trace_record *r,
			 enum ladder_dir dir)
{
	const struct ladder_half *h = &f->half[dir];
	const struct ladder_half *to = &f->half[other_dir(dir)];
	uint16_t notes = 0;

	if (is_set(r, WEIR_TCP_SYN) || is_set(r, WEIR_TCP_RST) || !is_set(r, WEIR_TCP_ACK))
		return 0;
	if (r->wnd_bytes == 0)
		return LADDER_NOTE_ZERO_WINDOW;
	if (h->ack_known && h->wnd_bytes == 0)
		notes |= LADDER_NOTE_REOPENED;
	if (r->kind == WEIR_TRACE_IN && r->verdict == WEIR_CTR_ACCEPTED && r->payload_len > 0 &&
	    h->next_known && seqrel_after(h->next, r->seq))
		notes |= LADDER_NOTE_FILLS;
	/* RFC 5681 2: no data, no FIN, the same window, and something is outstanding. */
	if (dir == LADDER_FROM_PEER && r->verdict == WEIR_CTR_ACCEPTED && r->payload_len == 0 &&
	    !is_set(r, WEIR_TCP_FIN) && h->ack_known && h->ack == r->ack &&
	    h->wnd_bytes == r->wnd_bytes && to->next_known && seqrel_after(to->next, r->ack))
		notes |= LADDER_NOTE_DUPACK;
	return notes;
}

static bool is_plain_verdict(const struct weir_trace_record *r)
{
	if (r->kind == WEIR_TRACE_IN)
		return r->verdict == WEIR_CTR_ACCEPTED;
	return r->verdict == WEIR_CTR_SENT || r->verdict == WEIR_CTR_SENT_DATA ||
	       r->verdict == WEIR_CTR_SENT_ACK || r->verdict == WEIR_CTR_SENT_WINDOW;
}

/* A receiver that is slower than its sender closes its window again and again: the first times
 * are shown, the others counted. */
static bool notes_are_plain(const struct ladder_half *h, const struct ladder_row *row)
{
	unsigned windows = LADDER_NOTE_ZERO_WINDOW | LADDER_NOTE_REOPENED;

	if (row->u.seg.notes == 0)
		return true;
	return (row->u.seg.notes & ~windows) == 0 && row->u.seg.payload_len == 0 &&
	       h->zero_windows >= ZERO_WINDOWS_SHOWN;
}

static enum ladder_plain plain_of(const struct ladder_half *h, const struct weir_trace_record *r,
				  const struct ladder_row *row)
{
	unsigned flags = r->seg_flags & ~WEIR_TCP_PSH;

	if (!is_plain_verdict(r) || flags != WEIR_TCP_ACK || row->ours_changed || row->peer_changed)
		return LADDER_ODD;
	if (row->u.seg.opts.sack_count > 0 || !notes_are_plain(h, row))
		return LADDER_ODD;
	if (!h->next_known || r->seq != h->next)
		return LADDER_ODD;
	return LADDER_PLAIN;
}

/* Whether it repeats what was sent before; of ours the engine tells, of the peer's the verdict. */
static bool is_again(const struct weir_trace_record *r)
{
	if (r->verdict == WEIR_CTR_DUPLICATE)
		return seg_end(r) != r->seq;
	return r->verdict == WEIR_CTR_HALF_SYN_AGAIN || r->verdict == WEIR_CTR_TIMEWAIT_FIN ||
	       verdict_is_retransmission(r->verdict);
}

/* Segments whose numbers cannot be trusted do not count. */
static bool counts(const struct weir_trace_record *r)
{
	return r->kind == WEIR_TRACE_OUT || r->verdict == WEIR_CTR_ACCEPTED ||
	       r->verdict == WEIR_CTR_OUT_OF_ORDER || r->verdict == WEIR_CTR_HALF_HELD ||
	       r->verdict == WEIR_CTR_DUPLICATE;
}

static void count_segment(struct ladder_flow *f, const struct weir_trace_record *r,
			  enum ladder_dir dir)
{
	struct ladder_half *h = &f->half[dir];
	struct ladder_half *to = &f->half[other_dir(dir)];
	uint32_t end = seg_end(r);

	h->segments++;
	/* When it is open again the last of those that are shown is over. */
	if (h->ack_known && h->wnd_bytes == 0 && r->wnd_bytes > 0 &&
	    h->zero_windows < ZERO_WINDOWS_SHOWN)
		h->zero_windows++;
	h->again += is_again(r);
	if (!counts(r) || is_set(r, WEIR_TCP_RST))
		return;
	if (is_set(r, WEIR_TCP_SYN))
		h->next_known = false; /* also of a later connection under the same number */
	if (!h->next_known || seqrel_after(end, h->next)) {
		uint32_t fresh = h->next_known ? end - h->next : end - r->seq;
		uint32_t signs = is_set(r, WEIR_TCP_SYN) + is_set(r, WEIR_TCP_FIN);

		h->bytes += fresh > signs ? fresh - signs : 0;
		h->next = end;
		h->next_known = true;
	}
	if (!is_set(r, WEIR_TCP_ACK))
		return;
	h->ack = r->ack;
	h->wnd_bytes = r->wnd_bytes;
	h->ack_known = true;
	if (to->fin_sent && seqrel_reaches(r->ack, to->fin_end))
		to->fin_acked = true;
}

/* --- How it opened and ended ------------------------------------------------------------------ */

static void note_opening(struct ladder_flow *f, const struct weir_trace_record *r,
			 enum ladder_dir dir)
{
	if (!f->opener_known && is_set(r, WEIR_TCP_SYN)) {
		f->opener_known = true;
		f->opener = is_set(r, WEIR_TCP_ACK) ? other_dir(dir) : dir;
	}
	if (r->after >= WEIR_STATE_ESTABLISHED)
		f->established = true;
}

static void note_fin(struct ladder_flow *f, const struct weir_trace_record *r, enum ladder_dir dir)
{
	struct ladder_half *h = &f->half[dir];
	const struct ladder_half *to = &f->half[other_dir(dir)];

	if (!is_set(r, WEIR_TCP_FIN) || !counts(r))
		return;
	if (!h->fin_sent) {
		h->fin_sent = true;
		h->fin_end = seg_end(r);
		if (!to->fin_sent) {
			f->ending = LADDER_HALF;
			f->by = dir;
		} else {
			bool saw = seqrel_reaches(r->ack, to->fin_end);

			f->ending = saw ? LADDER_CLOSED : LADDER_CROSSED;
		}
	}
}

static bool rst_has_effect(const struct weir_trace_record *r)
{
	return r->kind == WEIR_TRACE_OUT || r->verdict == WEIR_CTR_RST_ACCEPTED ||
	       r->verdict == WEIR_CTR_HALF_RST || r->verdict == WEIR_CTR_REFUSED ||
	       r->verdict == WEIR_CTR_ACCEPTED;
}

static void note_ending(struct ladder_flow *f, const struct weir_trace_record *r,
			enum ladder_dir dir)
{
	bool over = f->ending == LADDER_CLOSED || f->ending == LADDER_CROSSED ||
		    f->ending == LADDER_RESET || f->ending == LADDER_REFUSED;

	note_fin(f, r, dir);
	/* A reset after both FINs ends nothing that was not over. */
	if (!is_set(r, WEIR_TCP_RST) || !rst_has_effect(r) || over)
		return;
	f->by = dir;
	f->ending = f->established || !f->opener_known || f->opener == dir ? LADDER_RESET
									   : LADDER_REFUSED;
}

static void note_end_without_segment(struct ladder_flow *f, const struct weir_trace_record *r)
{
	bool expired = r->verdict == WEIR_CTR_CLOSED_TIMEOUT || r->verdict == WEIR_CTR_HALF_EXPIRED;

	if (f->ending != LADDER_OPEN && f->ending != LADDER_DROPPED &&
	    !(f->ending == LADDER_HALF && expired))
		return;
	if (r->verdict == WEIR_CTR_ICMP_HARD || r->verdict == WEIR_CTR_SENT_ICMP)
		f->ending = LADDER_UNREACHABLE;
	else if (expired)
		f->ending = LADDER_EXPIRED;
	else if (r->after == WEIR_STATE_CLOSED)
		f->ending = LADDER_DROPPED;
}

/* --- Records in ------------------------------------------------------------------------------- */

static void feed_segment(struct ladder_flow *f, const struct weir_trace_record *r,
			 struct ladder_row *row)
{
	enum ladder_dir dir = row->dir;
	enum ladder_plain plain;

	learn_isns(f, r, dir);
	fill_segment(f, r, dir, &row->u.seg);
	row->u.seg.notes = notes_of(f, r, dir);
	row->u.seg.notes |= ladder_again_feed(&f->again, &f->rows, r, &row->u.seg);
	plain = plain_of(&f->half[dir], r, row);
	note_opening(f, r, dir);
	note_ending(f, r, dir);
	count_segment(f, r, dir);
	ladder_fold_feed(&f->fold, &f->rows, row, plain);
}

static void feed_other(struct ladder_flow *f, const struct weir_trace_record *r,
		       struct ladder_row *row)
{
	struct pktview v;

	pktview_read(&v, r->head, r->head ? r->head_len : 0);
	row->kind = LADDER_ROW_OTHER;
	row->u.other.protocol = v.protocol;
	row->u.other.icmp_type = v.icmp_type;
	row->u.other.icmp_code = v.icmp_code;
	row->u.other.bytes = (uint32_t)r->total_len;
	note_end_without_segment(f, r);
	ladder_fold_feed(&f->fold, &f->rows, row, LADDER_ODD);
}

static void feed_state(struct ladder_flow *f, const struct weir_trace_record *r,
		       struct ladder_row *row)
{
	row->kind = LADDER_ROW_STATE;
	note_end_without_segment(f, r);
	if (r->after != WEIR_STATE_CLOSED || r->before == WEIR_STATE_CLOSED)
		return;
	f->held = true;
	f->end = *row;
}

static bool tells_the_end(const struct weir_trace_record *r)
{
	if (r->kind != WEIR_TRACE_OUT)
		return false;
	return !r->is_tcp || is_set(r, WEIR_TCP_RST);
}

/* Emits the row that was held, unless `next` (NULL: nothing) shows the same. */
static void release_end(struct ladder_flow *f, const struct weir_trace_record *next)
{
	if (f->held && !(next && tells_the_end(next))) {
		f->ours_shown = (enum weir_state)f->end.ours;
		ladder_fold_feed(&f->fold, &f->rows, &f->end, LADDER_ODD);
	}
	f->held = false;
}

void ladder_flow_flush(struct ladder_flow *f)
{
	release_end(f, NULL);
	ladder_fold_flush(&f->fold, &f->rows);
}

void ladder_flow_feed(struct ladder_flow *f, const struct weir_trace_record *r)
{
	uint8_t peer_before = f->peer.state;
	struct ladder_row row;

	release_end(f, r);
	memset(&row, 0, sizeof(row));
	peerstate_step(&f->peer, r);
	row.at = row.until = r->at;
	row.kind = LADDER_ROW_SEGMENT;
	row.dir = r->kind == WEIR_TRACE_OUT ? LADDER_FROM_US : LADDER_FROM_PEER;
	row.verdict = r->verdict;
	row.ours = (uint8_t)r->after;
	row.peer = f->peer.state;
	row.ours_changed = r->after != f->ours_shown;
	row.peer_changed = f->peer.state != peer_before;
	f->ours = r->after;
	if (r->kind != WEIR_TRACE_STATE) {
		f->ours_shown = r->after;
		f->last = r->at;
		f->any = true;
	}
	if (r->kind == WEIR_TRACE_STATE)
		feed_state(f, r, &row);
	else if (r->is_tcp)
		feed_segment(f, r, &row);
	else
		feed_other(f, r, &row);
}
