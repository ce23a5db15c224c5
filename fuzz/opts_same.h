/*
 * opts_same.h: options before and after emission, for the targets that write them.
 */
#ifndef WEIR_FUZZ_OPTS_SAME_H
#define WEIR_FUZZ_OPTS_SAME_H

#include "fuzz.h"
#include "wire/tcp_opt.h"

/* `b` is what came back of `a`: the same, but that SACK blocks that do not fit were left out. */
static inline void check_opts_same(const struct tcp_opts *a, const struct tcp_opts *b)
{
	fuzz_assert(a->has_mss == b->has_mss && (!a->has_mss || a->mss == b->mss));
	fuzz_assert(a->has_wscale == b->has_wscale);
	fuzz_assert(!a->has_wscale || a->wscale == b->wscale);
	fuzz_assert(a->sack_permitted == b->sack_permitted);
	fuzz_assert(a->has_ts == b->has_ts);
	fuzz_assert(!a->has_ts || (a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr));
	fuzz_assert(b->sack_count <= a->sack_count && b->sack_count <= TCP_SACK_MAX);
	fuzz_assert(b->sack_count == a->sack_count || tcp_opt_len(b) > TCP_OPT_MAX - 12);
	for (unsigned i = 0; i < b->sack_count; i++) {
		fuzz_assert(seq_eq(a->sack[i].lo, b->sack[i].lo));
		fuzz_assert(seq_eq(a->sack[i].hi, b->sack[i].hi));
	}
	fuzz_assert(a->accecn == b->accecn);
	fuzz_assert(!a->accecn || a->accecn_count == b->accecn_count);
	for (unsigned i = 0; a->accecn && i < a->accecn_count; i++)
		fuzz_assert(a->accecn_field[i] == b->accecn_field[i]);
}

#endif
