/*
 * Theory of operation
 *
 * Plain rows wait in `pending` until it is known what they belong to. The rows since the data last
 * changed its direction are the tail. When the tail outgrows LADDER_FOLD_KEEP rows it is a run:
 * what was before it goes out as it is, the tail is summed up, and each further plain row of that
 * direction only changes the sums. When `pending` is full before that, the two ends take turns (an
 * echo, a chat): all of it is summed up as an exchange.
 *
 * A run ends with the first row that is odd or carries data the other way. An exchange takes data
 * of both directions; its own tail is summed up apart, so that when one end goes on alone for
 * LADDER_FOLD_BREAK segments (an answer after many short requests), that part becomes a run.
 *
 * So a transfer of any size costs one row, and no row is ever looked at twice.
 */
#include "sink/ladder_fold.h"

#include <string.h>

void ladder_fold_init(struct ladder_fold *f)
{
	memset(f, 0, sizeof(*f));
}

static bool row_has_data(const struct ladder_row *row)
{
	return row->u.seg.payload_len > 0;
}

static void sum_add_row(struct ladder_fold_sum *s, const struct ladder_row *row)
{
	if (s->count == 0)
		s->at = row->at;
	s->until = row->at;
	s->count++;
	if (row_has_data(row)) {
		if (s->run.segments[row->dir] == 0)
			s->run.seq = row->u.seg.seq;
		s->run.seq_end = row->u.seg.seq + row->u.seg.payload_len;
		s->run.segments[row->dir]++;
		s->run.bytes[row->dir] += row->u.seg.payload_len;
	} else {
		s->run.acks++;
		s->run.zero_windows += (row->u.seg.notes & LADDER_NOTE_ZERO_WINDOW) != 0;
	}
}

static void sum_add_sum(struct ladder_fold_sum *s, const struct ladder_fold_sum *more)
{
	if (more->count == 0)
		return;
	if (s->count == 0)
		s->at = more->at;
	s->until = more->until;
	s->count += more->count;
	for (int d = 0; d < LADDER_DIRS; d++) {
		s->run.segments[d] += more->run.segments[d];
		s->run.bytes[d] += more->run.bytes[d];
	}
	s->run.acks += more->run.acks;
	s->run.zero_windows += more->run.zero_windows;
}

static void pending_flush(struct ladder_fold *f, struct ladder_rows *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ladder_rows_add(to, &f->pending[i]);
}

static void pending_clear(struct ladder_fold *f)
{
	f->pending_count = 0;
	f->tail_start = 0;
	f->tail_data = 0;
}

static void folded_emit(struct ladder_fold *f, struct ladder_rows *to)
{
	f->folded.at = f->sum.at;
	f->folded.until = f->sum.until;
	f->folded.u.run = f->sum.run;
	ladder_rows_add(to, &f->folded);
	memset(&f->sum, 0, sizeof(f->sum));
}

void ladder_fold_flush(struct ladder_fold *f, struct ladder_rows *to)
{
	pending_flush(f, to, f->pending_count);
	pending_clear(f);
	if (!f->folding)
		return;
	sum_add_sum(&f->sum, &f->tail);
	folded_emit(f, to);
	memset(&f->tail, 0, sizeof(f->tail));
	f->folding = false;
}

static void folding_start(struct ladder_fold *f, enum ladder_row_kind kind)
{
	f->folded = f->pending[f->pending_count - 1];
	f->folded.kind = kind;
	f->folded.dir = f->tail_dir;
	f->folding = true;
}

/* The tail became a run: the rows before it stay as they are. */
static void start_run(struct ladder_fold *f, struct ladder_rows *to)
{
	pending_flush(f, to, f->tail_start);
	for (size_t i = f->tail_start; i < f->pending_count; i++)
		sum_add_row(&f->sum, &f->pending[i]);
	folding_start(f, LADDER_ROW_RUN);
	pending_clear(f);
}

static void start_exchange(struct ladder_fold *f)
{
	for (size_t i = 0; i < f->tail_start; i++)
		sum_add_row(&f->sum, &f->pending[i]);
	for (size_t i = f->tail_start; i < f->pending_count; i++)
		sum_add_row(&f->tail, &f->pending[i]);
	folding_start(f, LADDER_ROW_EXCHANGE);
	pending_clear(f);
}

/* Both ends sent data in what is pending. */
static bool pending_is_exchange(const struct ladder_fold *f)
{
	for (size_t i = 0; i < f->tail_start; i++)
		if (row_has_data(&f->pending[i]))
			return true;
	return false;
}

static void pending_add(struct ladder_fold *f, struct ladder_rows *to, const struct ladder_row *row)
{
	if (row_has_data(row)) {
		if (f->tail_data == 0 || f->tail_dir != row->dir) {
			f->tail_start = f->pending_count;
			f->tail_data = 0;
		}
		f->tail_dir = row->dir;
		f->tail_data++;
	}
	f->pending[f->pending_count++] = *row;
	if (f->tail_data >= 2 && f->pending_count - f->tail_start > LADDER_FOLD_KEEP) {
		start_run(f, to);
	} else if (f->pending_count == LADDER_FOLD_PENDING) {
		if (pending_is_exchange(f)) {
			start_exchange(f);
		} else {
			/* Hardly any data: nothing to fold. */
			pending_flush(f, to, f->pending_count);
			pending_clear(f);
		}
	}
}

static void exchange_add(struct ladder_fold *f, struct ladder_rows *to,
			 const struct ladder_row *row)
{
	if (row_has_data(row) && row->dir != f->tail_dir) {
		sum_add_sum(&f->sum, &f->tail);
		memset(&f->tail, 0, sizeof(f->tail));
		f->tail_dir = row->dir;
	}
	sum_add_row(&f->tail, row);
	if (f->tail.run.segments[f->tail_dir] < LADDER_FOLD_BREAK)
		return;
	folded_emit(f, to);
	f->sum = f->tail;
	memset(&f->tail, 0, sizeof(f->tail));
	f->folded.kind = LADDER_ROW_RUN;
	f->folded.dir = f->tail_dir;
}

void ladder_fold_feed(struct ladder_fold *f, struct ladder_rows *to, const struct ladder_row *row,
		      enum ladder_plain plain)
{
	if (plain == LADDER_ODD) {
		ladder_fold_flush(f, to);
		ladder_rows_add(to, row);
		return;
	}
	if (f->folding && f->folded.kind == LADDER_ROW_EXCHANGE) {
		exchange_add(f, to, row);
		return;
	}
	if (f->folding && (!row_has_data(row) || row->dir == f->folded.dir)) {
		sum_add_row(&f->sum, row);
		return;
	}
	if (f->folding)
		ladder_fold_flush(f, to);
	pending_add(f, to, row);
}
