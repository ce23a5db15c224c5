/*
 * Theory of operation
 *
 * dupacks counts duplicate ACKs. The first two each let one new segment out beyond cwnd (limited
 * transmit), if SACK, where it is agreed on, tells of one that arrived; the third starts recovery,
 * if it acknowledges more than `recover` (RFC6582-01), so that the echoes of an earlier recovery or
 * timeout do not start another. In recovery:
 *   - SND.UNA's segment is sent again at once;
 *   - each further duplicate means that a segment has left the network: the window inflates by one;
 *   - a partial ACK (below `recover`) shows the next hole: it is sent again, the window deflates by
 *     what was acknowledged and gains one segment (RFC6582-02);
 *   - a full ACK ends recovery with cwnd = min(ssthresh, flight + one segment) (RFC6582-04), so
 *     that no burst follows.
 * The inflation is kept apart from cwnd, so congestion control never sees it.
 *
 * A timeout forgets all this: snd.rtx goes back to SND.UNA and everything is sent again as slow
 * start allows; what the peer has is skipped, since its ACKs jump over it.
 */
#include "tcp/recovery.h"

#include "tcp/cc.h"

#define INFLATE_MAX (1u << 29)
#define LIMITED_MAX 2u /* RFC 3042 2 */

void recovery_init(struct recovery *r, seq_t iss)
{
	*r = (struct recovery){.recover = iss};
}

static void resend(struct recovery *r, enum weir_counter why)
{
	r->want = true;
	r->why = why;
}

/* RFC3042-03: does a duplicate say that one more segment has left the network? Without SACK each
 * does. With it the newest block is another one than last time, since it holds that segment; what
 * came twice is no news (RFC2883-04). */
static bool tells_news(struct tcb *t, const struct tcp_seg *seg)
{
	const struct tcp_opts *o = &seg->opts;
	unsigned at = tcp_sack_again(o, seg->ack) ? 1 : 0;
	struct recovery *r = &t->rec;
	seq_t lo, hi;

	if (!t->sack_ok)
		return true;
	if (at >= o->sack_count)
		return false;
	lo = o->sack[at].lo;
	hi = o->sack[at].hi;
	if (seq_eq(lo, r->told_lo) && seq_eq(hi, r->told_hi))
		return false;
	r->told_lo = lo;
	r->told_hi = hi;
	return seq_lt(t->snd.una, lo) && seq_lt(lo, hi) && seq_leq(hi, t->snd.nxt);
}

void recovery_duplicate(struct tcb *t, struct tcp_env *env, const struct tcp_seg *seg)
{
	struct recovery *r = &t->rec;
	uint32_t flight = tcb_flight(t);

	r->lone = false;
	if (tells_news(t, seg) && r->allowed < LIMITED_MAX)
		r->allowed++;
	if (r->dupacks < UINT8_MAX)
		r->dupacks++;
	if (r->active) {
		/* RFC5681-16: no more than is out, so forged duplicates gain nothing */
		if (r->inflate < flight && r->inflate < INFLATE_MAX)
			r->inflate += t->snd.mss;
		return;
	}
	if (r->dupacks != env->cfg->dupthresh || seq_lt(t->snd.rtx, t->snd.nxt))
		return;
	if (seq_leq(seq_sub(t->snd.una, 1), r->recover) && !seq_eq(r->recover, t->snd.iss))
		return;
	flight -= flight > r->limited * t->snd.mss ? r->limited * t->snd.mss : 0;
	cc_lost(&t->cc, flight);
	cc_newreno.on_loss(&t->cc, flight, t->snd.mss);
	r->active = true;
	r->recover = t->snd.nxt;
	r->inflate = (uint32_t)env->cfg->dupthresh * t->snd.mss;
	resend(r, WEIR_CTR_RETX_FAST);
	env->counters[WEIR_CTR_RECOVERY_ENTERED]++;
}

static void leave(struct tcb *t)
{
	struct recovery *r = &t->rec;
	uint32_t flight = tcb_flight(t);
	uint32_t calm = (flight > t->snd.mss ? flight : t->snd.mss) + t->snd.mss;

	r->active = false;
	r->inflate = 0;
	t->cc.cwnd = t->cc.ssthresh < calm ? t->cc.ssthresh : calm;
}

enum recovery_state recovery_acked(struct tcb *t, uint32_t acked)
{
	struct recovery *r = &t->rec;

	r->dupacks = 0;
	r->allowed = 0;
	r->limited = 0;
	r->lone = false;
	if (!r->active) {
		/* RFC6582-06: never let it fall 2^31 behind */
		if (seq_lt(r->recover, seq_sub(t->snd.una, 1u << 30)))
			r->recover = seq_sub(t->snd.una, 1u << 30);
		return RECOVERY_OFF;
	}
	if (seq_geq(t->snd.una, r->recover)) {
		leave(t);
		return RECOVERY_ON; /* this ACK grew nothing: it ended the recovery */
	}
	r->inflate = r->inflate > acked ? r->inflate - acked : 0;
	if (acked >= t->snd.mss)
		r->inflate += t->snd.mss;
	resend(r, WEIR_CTR_RETX_PARTIAL);
	return RECOVERY_ON;
}

void recovery_again(struct tcb *t, enum weir_counter why)
{
	t->snd.rtx = t->snd.una;
	t->rec.again = why;
}

void recovery_timeout(struct tcb *t)
{
	struct recovery *r = &t->rec;

	r->active = false;
	r->want = false;
	r->inflate = 0;
	r->dupacks = 0;
	r->allowed = 0;
	r->limited = 0;
	r->lone = false;
	r->recover = t->snd.nxt; /* RFC6582-05 */
	recovery_again(t, WEIR_CTR_RETX_TIMEOUT);
}

uint32_t recovery_window(const struct tcb *t)
{
	uint32_t extra = t->rec.active ? t->rec.inflate : 0;

	/* RFC3042-01: two segments beyond cwnd, cwnd itself untouched (-02) */
	if (!t->rec.active && seq_eq(t->snd.rtx, t->snd.nxt))
		extra = t->rec.allowed * t->snd.mss;
	return t->cc.cwnd + extra;
}
