#include "tcp/softerr.h"

#include "tcp/mtup.h"
#include "tcp/recovery.h"

static bool in_flight(const struct tcb *t, seq_t seq)
{
	return seq_in(seq, t->snd.una, tcb_flight(t));
}

enum weir_counter softerr_take(struct tcb *t, struct tcp_env *env, enum softerr_kind kind,
			       enum weir_err what, seq_t seq)
{
	if (!in_flight(t, seq))
		return WEIR_CTR_ICMP_STRAY;
	if (kind == SOFTERR_HARD && t->state == WEIR_STATE_SYN_SENT) {
		tcb_end(t, env, what);
		return WEIR_CTR_ICMP_HARD;
	}
	tcb_soft_error(t, what);
	return WEIR_CTR_ICMP_SOFT;
}

enum weir_counter softerr_path(struct tcb *t, struct tcp_env *env, uint32_t mss, seq_t seq,
			       weir_time now)
{
	uint16_t before = t->path_mss;
	enum weir_counter verdict;

	if (!in_flight(t, seq))
		return WEIR_CTR_ICMP_STRAY;
	/* A SYN fits every path. Who says otherwise would make us announce less (RFC1191-07). */
	if (!tcb_synchronized(t))
		return WEIR_CTR_ICMP_IGNORED;
	verdict = mtup_claimed(t, env, mss, seq, now);
	if (t->path_mss != before) {
		recovery_again(t, env, WEIR_CTR_RETX_PMTU);
		t->rec.lone = true;
	}
	return verdict;
}
