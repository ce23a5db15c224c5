/*
 * Theory of operation
 *
 * RACK holds a segment for lost when one sent later has arrived and a round trip and a reordering
 * window have passed since it was sent itself. RACK.xmit_ts and RACK.end_seq name the newest
 * transmission that surely arrived (board.c finds it, and leaves out what may be the arrival of an
 * earlier one); records sent before it are the first ones in the scoreboard's list by time, so the
 * walk visits what becomes lost and one more. A retransmission has a time of its own, so that a
 * lost one is found the same way (RFC8985-11).
 *
 * The reordering window is 0 until reordering was seen, if three segments are SACKed or recovery is
 * on; otherwise a quarter of the least round trip, times one more for each round trip in which the
 * peer said that something came twice, for 16 recoveries, and at most the smoothed round trip.
 * Where the window is still open a timer (timers.c, the kind REO) looks again.
 *
 * The tail loss probe: after two round trips without an ACK the last segment goes again, or new
 * data does, so that the ACK it draws tells RACK what is missing, and the window need not collapse
 * as after a timeout. One probe at a time, and one for each RTT sample (RFC8985-14). What it
 * repaired by itself was a loss all the same and is answered as one.
 */
#include "tcp/rack.h"

#define DUPLICATES_MAX 16u                /* recoveries that a wider window lasts */
#define PROBE_SLACK_NS (2 * NS_PER_MS)    /* beyond a round trip, at least */
#define PROBE_FIRST_NS (1000 * NS_PER_MS) /* without a sample */

void rack_init(struct rack *r)
{
	*r = (struct rack){.mult = 1, .tlp_ready = true};
}

/* RACK_sent_after() of RFC 8985 6.2 */
static bool sent_after(weir_time at1, seq_t end1, weir_time at2, seq_t end2)
{
	return at1 > at2 || (at1 == at2 && seq_gt(end1, end2));
}

void rack_update(struct tcb *t, const struct board_news *n)
{
	struct rack *r = &t->rack;

	if (n->reordering)
		r->reordering = true;
	if (!n->newest)
		return;
	r->rtt_ns = n->now - n->at;
	r->tlp_ready = true;
	if (r->at == 0 || sent_after(n->at, n->end, r->at, r->end)) {
		r->at = n->at;
		r->end = n->end;
	}
}

void rack_dsack(struct tcb *t)
{
	struct rack *r = &t->rack;

	if (r->dsack_rounds && seq_lt(t->snd.una, r->dsack_round))
		return;
	r->dsack_rounds = true;
	r->dsack_round = t->snd.nxt;
	if (r->mult < UINT8_MAX)
		r->mult++;
	r->persist = DUPLICATES_MAX;
}

void rack_recovered(struct tcb *t)
{
	struct rack *r = &t->rack;

	if (r->persist && --r->persist == 0)
		r->mult = 1;
}

static uint64_t reordering_window(const struct tcp_env *env, const struct tcb *t)
{
	const struct rack *r = &t->rack;
	uint64_t wnd;

	if (!r->reordering && (t->rec.phase == RECOVERY_FAST || t->rec.phase == RECOVERY_RTO ||
			       t->board.sacked_segments >= env->cfg->dupthresh))
		return 0;
	wnd = t->rtt.min_ns == UINT64_MAX ? 0 : t->rtt.min_ns / 4 * r->mult;
	return wnd < t->rtt.srtt_ns ? wnd : t->rtt.srtt_ns; /* RFC8985-08 */
}

uint32_t rack_detect(struct tcp_env *env, struct tcb *t, weir_time now, weir_time *again)
{
	const struct rack *r = &t->rack;
	uint32_t before = t->board.lost;
	uint64_t patience;

	*again = WEIR_NEVER;
	if (r->at == 0 || t->board.oldest == POOL_NONE ||
	    board_at(env, t->board.oldest)->at > r->at)
		return 0;
	patience = r->rtt_ns + reordering_window(env, t);
	while (t->board.oldest != POOL_NONE) {
		uint32_t i = t->board.oldest;
		const struct send *s = board_at(env, i);

		if (!sent_after(r->at, r->end, s->at, s->hi))
			break;
		if (s->at + patience > now) {
			*again = s->at + patience;
			break;
		}
		board_lose(env, &t->board, i, WEIR_CTR_RETX_RACK);
	}
	return t->board.lost - before;
}

void rack_timeout(struct tcp_env *env, struct tcb *t, weir_time now)
{
	uint64_t patience = t->rack.rtt_ns + reordering_window(env, t);

	while (t->board.oldest != POOL_NONE && board_at(env, t->board.oldest)->at + patience <= now)
		board_lose(env, &t->board, t->board.oldest, WEIR_CTR_RETX_TIMEOUT);
	board_lose_first(env, &t->board, t->snd.mss, WEIR_CTR_RETX_TIMEOUT);
}

uint64_t rack_probe_after(const struct tcp_env *env, const struct tcb *t)
{
	uint64_t srtt = t->rtt.srtt_ns;
	uint64_t pto;

	if (!rack_on(env, t) || !env->cfg->tlp || t->rack.tlp_out || !t->rack.tlp_ready ||
	    t->rec.phase > RECOVERY_CWR || t->board.sacked || t->board.lost)
		return WEIR_NEVER;
	if (srtt == 0)
		return PROBE_FIRST_NS;
	pto = srtt > PROBE_SLACK_NS ? 2 * srtt : srtt + PROBE_SLACK_NS;
	if (tcb_flight(t) <= t->snd.mss)
		pto += env->cfg->tlp_ack_delay_ms * NS_PER_MS;
	return pto;
}

void rack_probe(struct tcb *t)
{
	if (!t->rack.tlp_out && t->rack.tlp_ready)
		t->rack.tlp_want = true;
}

void rack_probe_sent(struct tcb *t, enum rack_probe_kind kind)
{
	t->rack.tlp_want = false;
	t->rack.tlp_out = true;
	t->rack.tlp_again = kind == RACK_PROBE_AGAIN;
	t->rack.tlp_end = t->snd.nxt;
	t->rack.tlp_ready = false;
}

bool rack_probe_judged(struct tcb *t, const struct rack_ack *a)
{
	struct rack *r = &t->rack;

	if (!r->tlp_out || seq_lt(a->ack, r->tlp_end))
		return false;
	if (r->tlp_again && !(a->dsack && seq_eq(a->dsack_hi, r->tlp_end)) && !a->pure_duplicate) {
		if (!seq_gt(a->ack, r->tlp_end))
			return false;
		r->tlp_out = false;
		return true;
	}
	r->tlp_out = false;
	return false;
}
