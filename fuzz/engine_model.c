/*
 * engine_model.c: what the stack may acknowledge and deliver, known from what came in alone.
 *
 * Theory of operation
 *
 * For each tuple the model keeps the sequence numbers that its peer's segments have carried to the
 * stack, as ranges, with SYN and FIN counted, and apart from them where SYNs and FINs stood. It
 * knows nothing of states, windows, timestamps or of what the stack refused, so it only bounds: a
 * receiver of RFC 9293 may acknowledge no more than what came without a gap since some SYN; the
 * stream that it delivers begins right behind a SYN, goes no further than that, and ends only
 * before a FIN. A stack that delivers or acknowledges a byte that never came is found out here; one
 * that delivers too little is found out by fuzz_pair.
 *
 * More than one SYN may have come on a tuple; then any of them may be the beginning. The tables are
 * small: when one is full, or the tuple was known before and forgotten, the model is blind.
 */
#include "engine_world.h"

static void drop_range(struct model *m, unsigned i)
{
	m->range[i] = m->range[--m->range_count];
}

/* Adds [lo, hi), joined with all ranges that it touches. */
static void add_range(struct model *m, uint32_t lo, uint32_t hi)
{
	for (unsigned i = 0; i < m->range_count;) {
		uint32_t a = m->range[i].lo, b = m->range[i].hi;

		/* They touch when either begins within the other or at its end. */
		if (a - lo > hi - lo && lo - a > b - a) {
			i++;
			continue;
		}
		lo = (int32_t)(a - lo) < 0 ? a : lo;
		hi = (int32_t)(b - hi) > 0 ? b : hi;
		drop_range(m, i);
		i = 0;
	}
	if (m->range_count == MODEL_RANGES) {
		m->blind = true;
		return;
	}
	m->range[m->range_count].lo = lo;
	m->range[m->range_count++].hi = hi;
}

static void add_mark(struct model *m, uint32_t *marks, unsigned *count, uint32_t seq)
{
	for (unsigned i = 0; i < *count; i++) {
		if (marks[i] == seq)
			return;
	}
	if (*count == MODEL_MARKS)
		m->blind = true;
	else
		marks[(*count)++] = seq;
}

void model_note(struct model *m, const struct tcp_seg *seg)
{
	uint32_t len = tcp_seg_len(seg);

	if (!len || seg->flags & TCP_RST)
		return;
	add_range(m, seg->seq.v, seg->seq.v + len);
	if (seg->flags & TCP_SYN)
		add_mark(m, m->syn, &m->syn_count, seg->seq.v);
	if (seg->flags & TCP_FIN)
		add_mark(m, m->fin, &m->fin_count, seg->seq.v + len - 1);
}

/* One past the last number that came without a gap from `seq` on; `seq` if it did not come. */
static uint32_t prefix_end(const struct model *m, uint32_t seq)
{
	for (unsigned i = 0; i < m->range_count; i++) {
		if (seq - m->range[i].lo < m->range[i].hi - m->range[i].lo)
			return m->range[i].hi;
	}
	return seq;
}

bool model_may_ack(const struct model *m, uint32_t ack)
{
	for (unsigned i = 0; i < m->syn_count; i++) {
		uint32_t said = ack - m->syn[i];

		if (said && said <= prefix_end(m, m->syn[i]) - m->syn[i])
			return true;
	}
	return m->blind;
}

bool model_may_begin(const struct model *m, uint32_t seq)
{
	for (unsigned i = 0; i < m->syn_count; i++) {
		if (m->syn[i] + 1 == seq)
			return true;
	}
	return m->blind;
}

bool model_may_end(const struct model *m, uint32_t seq)
{
	for (unsigned i = 0; i < m->fin_count; i++) {
		if (m->fin[i] == seq)
			return true;
	}
	return m->blind;
}
