#include "tcp/ackgen.h"

#include "tcp/timers.h"

#define DUPS_MAX 64u

void ackgen_data(struct tcb *t, const struct tcp_env *env, uint32_t len, uint32_t seg,
		 enum ackgen_place place, weir_time now)
{
	struct ackgen *a = &t->ackgen;

	if (seg > t->rcv.seg_max)
		t->rcv.seg_max = seg;
	a->bytes += len;
	a->dups = 0; /* they would repeat an ACK that is not the last any more */
	if (a->quick) {
		a->quick--;
		ackgen_now(t, WEIR_CTR_SENT_ACK);
	}
	/* SHLD-19: two full segments; RFC5681-12: a gap that fills is acknowledged at once. */
	if (a->bytes >= 2 * t->rcv.seg_max || place == ACKGEN_FILLS_GAP)
		ackgen_now(t, WEIR_CTR_SENT_ACK);
	if (!a->now && !timer_on(t, TIMER_DELACK))
		timer_set(t, TIMER_DELACK, now + env->cfg->delack_ms * NS_PER_MS);
}

void ackgen_duplicate(struct tcb *t)
{
	ackgen_now(t, WEIR_CTR_SENT_DUPACK);
	if (t->ackgen.dups < DUPS_MAX)
		t->ackgen.dups++;
}

void ackgen_again(struct tcb *t, seq_t lo, seq_t hi)
{
	t->ackgen.again = true;
	t->ackgen.again_lo = lo;
	t->ackgen.again_hi = hi;
}

void ackgen_unacceptable(struct tcb *t, const struct tcp_env *env, weir_time now)
{
	uint32_t now_ms = (uint32_t)(now / NS_PER_MS) | 1; /* 0: never yet */

	if (t->ackgen.oow_at_ms && now_ms - t->ackgen.oow_at_ms < env->cfg->ooo_ack_ms)
		return;
	t->ackgen.oow_at_ms = now_ms;
	ackgen_now(t, WEIR_CTR_SENT_DUPACK);
}

void ackgen_challenge(struct tcb *t, struct tcp_env *env, weir_time now)
{
	if (tokens_take(&t->ackgen.challenge, now, (uint32_t)env->cfg->challenge_count,
			(uint32_t)env->cfg->challenge_ms))
		ackgen_now(t, WEIR_CTR_SENT_CHALLENGE);
	else
		env->counters[WEIR_CTR_CHALLENGE_THROTTLED]++;
}

void ackgen_sent(struct tcb *t)
{
	struct ackgen *a = &t->ackgen;

	a->bytes = 0;
	a->again = false;
	if (a->dups)
		a->dups--;
	a->now = a->dups > 0;
	timer_stop(t, TIMER_DELACK);
}
