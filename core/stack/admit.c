/*
 * Theory of operation
 *
 * A SYN is judged in this order; the first that speaks decides:
 *
 *   SYN with FIN                  dropped (policy)
 *   accept queue full             dropped, as Linux does: a connection could not be taken over
 *   records short, or mode 2      answered with a SYN cookie, if it needs no certain number
 *   too many of this source       dropped
 *   else                          a record
 */
#include "stack/admit.h"

#include "stack/cookies.h"
#include "stack/demux.h"
#include "stack/halfs.h"

static bool source_full(const struct weir_stack *s, const struct weir_addr *source)
{
	return s->sources[demux_source(s, source)] >= s->cfg.half_source_max;
}

enum weir_counter admit_syn(struct weir_stack *s, struct listener *l,
			    const struct weir_tuple *tuple, const struct tcp_seg *seg,
			    const seq_t *isn, uint32_t *flow)
{
	if (seg->flags & TCP_FIN)
		return WEIR_CTR_LISTEN_SYN_FIN;
	if (l->mode == WEIR_ACCEPT_EARLY) {
		if (l->pending >= l->backlog)
			return WEIR_CTR_ACCEPT_FULL;
		if (cookies_wanted(s, l) && !isn)
			return cookies_answer(s, l, tuple, seg);
	}
	if (l->halfs + l->pending >= l->backlog)
		return WEIR_CTR_LISTEN_FULL;
	if (source_full(s, &tuple->remote.addr))
		return WEIR_CTR_LISTEN_SOURCE;
	return halfs_new(s, (uint32_t)(l - s->listeners), tuple, seg, isn, flow);
}
