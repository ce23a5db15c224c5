/*
 * Theory of operation
 *
 * A SYN is judged in this order; the first that speaks decides:
 *
 *   SYN with FIN                  dropped (policy)
 *   accept queue full             dropped, as Linux does: a connection could not be taken over
 *   records short, or mode 2      answered with a SYN cookie, if it needs no certain number and
 *                                 none of this pair was used lately
 *   too many of this source       answered with a cookie, too: else who spoofs its address could
 *                                 lock it out; without cookies dropped
 *   no room                       dropped
 *   else                          a record
 *
 * Held SYNs get no cookies: the application has to decide before there is a SYN-ACK.
 */
#include "stack/admit.h"

#include "stack/cookies.h"
#include "stack/halfs.h"

enum weir_counter admit_syn(struct weir_stack *s, struct listener *l, const struct newcomer *n,
			    const seq_t *isn, uint32_t *flow)
{
	bool cookie = l->mode == WEIR_ACCEPT_EARLY && !isn;
	enum weir_counter verdict;

	if (n->seg->flags & TCP_FIN)
		return WEIR_CTR_LISTEN_SYN_FIN;
	if (l->pending >= l->backlog)
		return WEIR_CTR_ACCEPT_FULL;
	if (cookie && cookies_spent(s, n->hash))
		cookie = false;
	if (cookie && cookies_wanted(s, l))
		return cookies_answer(s, l, n);
	verdict = halfs_new(s, (uint32_t)(l - s->listeners), n, isn, flow);
	if (verdict == WEIR_CTR_LISTEN_SOURCE && cookie && cookies_on(s))
		return cookies_answer(s, l, n);
	return verdict;
}
