#include "sink/ladder_print.h"

#include <string.h>

#include "sink/segtext.h"
#include "sink/verdict.h"

/* Where the arrow begins. */
#define ARROW_AT (LADDER_TIME_COLS + 2 + LADDER_PEER_COLS + 1)

void ladder_print_time(struct textline *l, const struct textstyle *st, weir_time at,
		       weir_time start)
{
	char text[TEXT_NUMBER_BYTES];

	text_stamp(text, at > start ? at - start : 0);
	textline_colour(l, st, TEXT_DIM);
	textline_fill(l, " ", LADDER_TIME_COLS - text_columns(text));
	textline_add(l, text);
	textline_colour(l, st, TEXT_PLAIN);
	textline_add(l, "  ");
}

void ladder_print_heading(FILE *out, const struct textstyle *st, const char *text,
			  const char *right)
{
	unsigned right_cols = right[0] ? text_columns(right) + 4 : 0;
	struct textline l;

	textline_start(&l);
	textline_addf(&l, "%s%s ", st->dash, st->dash);
	if (text_columns(text) + 7 + right_cols > st->width) {
		textline_wrap(out, st, l.bytes, 3, TEXT_CYAN, text);
		return;
	}
	textline_colour(&l, st, TEXT_CYAN);
	textline_add(&l, text);
	textline_colour(&l, st, TEXT_PLAIN);
	textline_add(&l, " ");
	textline_fill(&l, st->dash, st->width - right_cols);
	if (right[0])
		textline_addf(&l, " %s ", right);
	textline_fill(&l, st->dash, st->width);
	textline_print(&l, out);
}

/* --- A row ------------------------------------------------------------------------------------ */

/* The columns that an arrow takes, heads and shafts included. */
static unsigned arrow_cols(const struct textstyle *st)
{
	return st->width - ARROW_AT - 1 - LADDER_OURS_COLS;
}

/* Columns of text that fit an arrow: a head, a bit of shaft at either end, and blanks. */
static unsigned arrow_room(const struct textstyle *st)
{
	return arrow_cols(st) - 6;
}

struct row_text {
	char inside[512]; /* within the arrow */
	char below[512];  /* on lines below it */
	enum textcolour colour;
};

static void append(char *dst, size_t size, const char *gap, const char *more)
{
	size_t n = strlen(dst);

	snprintf(dst + n, size - n, "%s%s", n ? gap : "", more);
}

/* The words that fit go inside; the others of a segment below, those of a run are left out. */
static void place_words(struct row_text *t, const struct segtext *words, unsigned room,
			enum ladder_row_kind kind)
{
	unsigned i = 0;
	size_t n;

	for (; i < words->count; i++) {
		unsigned gap = t->inside[0] ? 1 : 0;

		if (text_columns(t->inside) + gap + text_columns(words->word[i]) > room) {
			if (kind == LADDER_ROW_SEGMENT)
				break;
			continue;
		}
		append(t->inside, sizeof(t->inside), " ", words->word[i]);
	}
	for (; i < words->count; i++)
		append(t->below, sizeof(t->below), " ", words->word[i]);
	n = strlen(t->inside);
	if (n > 0 && t->inside[n - 1] == ',')
		t->inside[n - 1] = '\0';
}

/* A slow-start threshold that was never set is the largest number. */
#define SSTHRESH_SET_MAX 0x7ffffffeu

static void add_windows(char *reason, size_t size, const struct ladder_segment *seg)
{
	char text[2 * TEXT_NUMBER_BYTES + 32], number[TEXT_NUMBER_BYTES];

	if (!seg->cwnd_bytes)
		return;
	snprintf(text, sizeof(text), "cwnd now %s", text_count(number, seg->cwnd_bytes));
	append(reason, size, "; ", text);
	if (seg->ssthresh_bytes == 0 || seg->ssthresh_bytes > SSTHRESH_SET_MAX)
		return;
	snprintf(text, sizeof(text), "ssthresh %s", text_count(number, seg->ssthresh_bytes));
	append(reason, size, ", ", text);
}

/* Whether it was for nothing, and what a segment says about those that were. */
static void add_spurious(char *reason, size_t size, const struct ladder_segment *seg)
{
	char text[128];

	if (seg->notes & LADDER_NOTE_CAME_TWICE)
		append(reason, size, "; ", "spurious: it had arrived before (D-SACK, RFC 2883 4)");
	else if (seg->notes & LADDER_NOTE_TAKEN_BACK)
		append(reason, size, "; ", "spurious: taken back");
	if (seg->notes & LADDER_NOTE_UNDO_FAST)
		verdict_event(text, sizeof(text), WEIR_CTR_SPURIOUS_RECOVERY);
	else if (seg->notes & LADDER_NOTE_UNDO_RTO)
		verdict_event(text, sizeof(text), WEIR_CTR_SPURIOUS_RTO);
	else
		return;
	append(reason, size, "; ", text);
	add_windows(reason, size, seg);
}

static void place_reason(struct row_text *t, const struct textstyle *st,
			 const struct ladder_row *row)
{
	char reason[512] = "", gap[16];

	if (verdict_wants_reason(row->verdict))
		verdict_reason(reason, sizeof(reason), row->verdict);
	if (row->kind == LADDER_ROW_SEGMENT) {
		if (verdict_is_retransmission(row->verdict))
			add_windows(reason, sizeof(reason), &row->u.seg);
		add_spurious(reason, sizeof(reason), &row->u.seg);
	}
	if (!reason[0])
		return;
	snprintf(gap, sizeof(gap), " %s ", st->dash);
	if (!t->below[0] && text_columns(t->inside) + 3 + text_columns(reason) <= arrow_room(st))
		append(t->inside, sizeof(t->inside), gap, reason);
	else
		append(t->below, sizeof(t->below), "; ", reason);
}

static void describe_row(struct row_text *t, const struct textstyle *st,
			 const struct ladder_row *row)
{
	struct segtext words;

	memset(t, 0, sizeof(*t));
	switch (row->kind) {
	case LADDER_ROW_SEGMENT:
		segtext_segment(&words, row);
		place_words(t, &words, arrow_room(st), row->kind);
		place_reason(t, st, row);
		break;
	case LADDER_ROW_RUN:
	case LADDER_ROW_EXCHANGE:
		segtext_run(&words, row, st->both);
		place_words(t, &words, arrow_room(st), row->kind);
		break;
	case LADDER_ROW_STATE:
		verdict_event(t->inside, sizeof(t->inside), row->verdict);
		if (text_columns(t->inside) > arrow_room(st)) {
			strcpy(t->below, t->inside);
			t->inside[0] = '\0';
		}
		break;
	case LADDER_ROW_OTHER:
		segtext_protocol(words.word[0], row->u.other.protocol, row->u.other.icmp_type,
				 row->u.other.icmp_code);
		words.count = 1;
		place_words(t, &words, arrow_room(st), LADDER_ROW_SEGMENT);
		place_reason(t, st, row);
		break;
	}
}

static enum textcolour colour_of(const struct ladder_row *row)
{
	if (row->kind == LADDER_ROW_RUN || row->kind == LADDER_ROW_EXCHANGE)
		return TEXT_GREEN;
	if (verdict_is_drop(row->verdict))
		return TEXT_RED;
	if (row->kind == LADDER_ROW_SEGMENT && (row->u.seg.flags & WEIR_TCP_RST))
		return TEXT_RED;
	if (verdict_wants_reason(row->verdict) && row->verdict != WEIR_CTR_HALF_HELD)
		return TEXT_YELLOW;
	if (row->kind == LADDER_ROW_SEGMENT && row->u.seg.notes)
		return TEXT_YELLOW;
	return TEXT_PLAIN;
}

static void add_arrow(struct textline *l, const struct textstyle *st, const struct ladder_row *row,
		      const char *text)
{
	unsigned end = ARROW_AT + arrow_cols(st);
	bool run = row->kind == LADDER_ROW_RUN || row->kind == LADDER_ROW_EXCHANGE;
	bool no_segment = row->kind == LADDER_ROW_STATE;
	bool left = row->kind == LADDER_ROW_EXCHANGE || row->dir == LADDER_FROM_US;
	bool right = row->kind == LADDER_ROW_EXCHANGE || row->dir == LADDER_FROM_PEER;
	bool lost = right && !run && verdict_is_drop(row->verdict);
	const char *shaft = no_segment ? st->dots : run ? st->twin : st->dash;

	textline_colour(l, st, colour_of(row));
	textline_add(l, left && !no_segment ? st->left : shaft);
	textline_add(l, shaft);
	if (text[0])
		textline_addf(l, " %s ", text);
	if (right && !no_segment) {
		textline_fill(l, shaft, end - 1);
		textline_add(l, lost ? st->lost : st->right);
	} else {
		textline_fill(l, shaft, end);
	}
	textline_colour(l, st, TEXT_PLAIN);
}

static void add_state(struct textline *l, const struct textstyle *st, const char *mark,
		      const char *name, enum textcolour weight)
{
	textline_colour(l, st, weight);
	textline_addf(l, "%s%s", mark, name);
	textline_colour(l, st, TEXT_PLAIN);
}

static void print_row(FILE *out, const struct textstyle *st, const struct ladder_row *row,
		      weir_time start)
{
	struct row_text t;
	struct textline l;

	describe_row(&t, st, row);
	textline_start(&l);
	ladder_print_time(&l, st, row->at, start);
	add_state(&l, st, row->peer ? "~" : " ", peerstate_name(row->peer),
		  row->peer_changed ? TEXT_BOLD : TEXT_DIM);
	textline_fill(&l, " ", ARROW_AT);
	add_arrow(&l, st, row, t.inside);
	textline_add(&l, " ");
	add_state(&l, st, "", weir_state_name((enum weir_state)row->ours),
		  row->ours_changed ? TEXT_BOLD : TEXT_DIM);
	textline_print(&l, out);
	if (!t.below[0])
		return;
	textline_start(&l);
	textline_fill(&l, " ", ARROW_AT);
	textline_add(&l, st->note);
	textline_wrap(out, st, l.bytes, l.cols, colour_of(row), t.below);
}

/* --- A connection ----------------------------------------------------------------------------- */

static void print_columns(FILE *out, const struct textstyle *st, const struct ladder_names *names)
{
	struct textline l;

	textline_start(&l);
	textline_colour(&l, st, TEXT_DIM);
	textline_fill(&l, " ", LADDER_TIME_COLS - 4);
	textline_addf(&l, "time  %.13s", names->remote);
	textline_fill(&l, " ", st->width - LADDER_OURS_COLS);
	textline_addf(&l, "%.12s", names->local);
	textline_colour(&l, st, TEXT_PLAIN);
	textline_print(&l, out);
}

static void print_omitted(FILE *out, const struct textstyle *st, uint64_t omitted)
{
	char number[TEXT_NUMBER_BYTES];
	struct textline l;

	textline_start(&l);
	textline_fill(&l, " ", ARROW_AT);
	textline_addf(&l, "%s%s %s rows were not kept ", st->dots, st->dots,
		      text_count(number, omitted));
	textline_fill(&l, st->dots, ARROW_AT + arrow_cols(st));
	textline_print(&l, out);
}

void ladder_print_flow(FILE *out, const struct textstyle *st, const struct ladder_names *names,
		       const struct ladder_flow *f, weir_time start)
{
	size_t count = ladder_rows_count(&f->rows);

	ladder_print_title(out, st, names, f, start);
	print_columns(out, st, names);
	for (size_t i = 0; i < count; i++) {
		if (i == f->rows.first_count && f->rows.omitted)
			print_omitted(out, st, f->rows.omitted);
		print_row(out, st, ladder_rows_at(&f->rows, i), f->first);
	}
	fputc('\n', out);
}
