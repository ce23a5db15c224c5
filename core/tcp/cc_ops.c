/*
 * Theory of operation
 *
 * What congestion control does whatever its kind, around the rows of functions of the kinds.
 *
 * The initial window is RFC 6928's; a connection that starts again after more than an RTO in which
 * nothing was sent gets it once more (RFC 5681 4.1), or RFC 3390's smaller one after a first
 * window, of more than 4 KB, that saw a loss (`careful`).
 *
 * A window that nobody uses must not grow, or an application that sends little stores up a burst
 * (RFC 7661 1). `used` is the most that was in flight since a window of data ago; `limited` says
 * that in this time the window held sending back, or left no room for a segment. Both are looked at
 * when something is sent and hold for a window of data, because the ACKs for a full window arrive
 * when it is full no more. In slow start half of the window in use is enough to let it grow
 * (RFC 7661 4.3).
 *
 * A reduction keeps the window and ssthresh as they were, so that one found out to be for nothing
 * can be taken back. A second signal during the same repair (a timeout within recovery) leaves what
 * was kept as it is: both were for nothing, or neither.
 */
#include "tcp/cc_ops.h"

#include <stddef.h>

#include "base/assert.h"

#define RFC3390_BYTES 4380u
#define CAREFUL_BYTES 4096u /* RFC 6928 2: "more than 4 KB of data is sent" */
#define NS_PER_S      1000000000ull

const struct cc_ops *cc_of(uint8_t kind)
{
	static const struct cc_ops *const rows[CC_COUNT] = {
		[CC_NEWRENO] = &cc_reno_ops,
		[CC_CUBIC] = &cc_cubic_ops,
		[CC_BBR] = &cc_bbr_ops,
	};

	weir_assert(kind < CC_COUNT);
	return rows[kind];
}

static uint64_t add_most(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t cc_mul_div(uint64_t a, uint64_t b, uint64_t d)
{
	uint64_t whole, high;

	if (!__builtin_mul_overflow(a, b, &whole))
		return whole / d;
	if (__builtin_mul_overflow(a / d, b, &high))
		return UINT64_MAX;
	a %= d;
	high = add_most(high, b / d * a); /* a < d: at most b */
	b %= d;
	/* Both are less than d. Where the product overflows, the larger one and d lose low bits. */
	while (__builtin_mul_overflow(a, b, &whole)) {
		if (a > b)
			a >>= 1;
		else
			b >>= 1;
		d >>= 1;
	}
	return add_most(high, whole / d);
}

uint32_t cc_growth(const struct cc_ack *a)
{
	if (a->recovering)
		return 0;
	return a->resending && a->delivered < a->acked ? a->delivered : a->acked;
}

uint64_t cc_window_rate(const struct cc *c, uint64_t srtt_ns)
{
	uint64_t bytes = c->cwnd < c->ssthresh ? c->cwnd * 2ull : c->cwnd * 6ull / 5;

	return srtt_ns ? cc_mul_div(bytes, NS_PER_S, srtt_ns) : 0;
}

/* RFC6928-01: min(10 * MSS, max(2 * MSS, 14600)), with the 10 as a setting. A link with a large
 * MTU thus starts with two segments of it. */
static uint32_t initial_window(const struct weir_config *cfg, uint32_t mss)
{
	uint32_t n = (uint32_t)cfg->initial_cwnd;
	uint32_t bytes = n * 1460u > 2 * mss ? n * 1460u : 2 * mss;

	return n * mss < bytes ? n * mss : bytes;
}

/* What a restart window may be after a loss in the first one: RFC 3390. */
static uint32_t restart_small(uint32_t mss)
{
	uint32_t bytes = RFC3390_BYTES > 2 * mss ? RFC3390_BYTES : 2 * mss;

	return 4 * mss < bytes ? 4 * mss : bytes;
}

void cc_start(struct cc *c, const struct weir_config *cfg, uint32_t mss, uint8_t syn_retries,
	      uint32_t seed)
{
	uint8_t chosen = c->chosen;

	*c = (struct cc){
		.priv = c->priv,
		.seed = seed,
		.kind = chosen ? chosen - 1 : (uint8_t)cfg->cc,
		.chosen = chosen,
	};
	c->abe = cfg->abe;
	c->hystart = cfg->hystart;
	c->paced = cfg->pacing == 2;
	c->burst = (uint16_t)cfg->link_gso_max;
	c->cwnd = syn_retries > 1 ? mss : initial_window(cfg, mss); /* RFC6928-02 */
	c->ssthresh = CC_SSTHRESH_MAX;                              /* RFC5681-06 */
	c->target = c->cwnd;
	c->first = c->cwnd;
}

void cc_equip(struct cc *c, void *state, uint32_t mss, weir_time now)
{
	c->priv.any = state;
	cc_of(c->kind)->init(c, mss, now);
}

void cc_switch(struct cc *c, enum cc_kind kind)
{
	c->chosen = (uint8_t)(1 + kind);
	if (c->cwnd == 0 || c->kind == kind)
		return;
	/* Who measured the path does so no more: from here on growth is careful. */
	if (cc_of(c->kind)->rules_recovery && c->ssthresh > c->cwnd)
		c->ssthresh = c->cwnd;
	c->kind = (uint8_t)kind;
	c->pacing_rate = 0;
	c->prior_cwnd = 0;
	c->priv.any = NULL;
}

void cc_on_ack(struct cc *c, struct cc_ack *a)
{
	const struct cc_ops *ops = cc_of(c->kind);

	c->since = a->acked < UINT32_MAX - c->since ? c->since + a->acked : UINT32_MAX;
	a->cwnd_limited = c->limited;
	if (!ops->rules_recovery && c->cwnd < c->ssthresh && c->cwnd / 2 < c->used)
		a->cwnd_limited = true;
	ops->on_ack(c, a);
	/* PRR may let nothing out. */
	weir_assert((c->cwnd > 0 || a->recovering) && c->cwnd <= CC_CWND_MAX);
}

/* SND.UNA's segment was lost while `flight` bytes were out: in a first window of more than 4 KB
 * that makes the restart windows from here on smaller (RFC6928-03). */
static void note_first_loss(struct cc *c, uint32_t flight)
{
	if (c->since < c->first && (uint64_t)c->since + flight > CAREFUL_BYTES)
		c->careful = true;
}

void cc_on_signal(struct cc *c, enum cc_signal what, const struct cc_ack *a)
{
	struct cc_ack at = *a;
	uint32_t most = c->cwnd;

	if (!c->priv.any) { /* a SYN timed out: the window begins with its ACK */
		c->cwnd = a->mss;
		c->target = a->mss;
		return;
	}
	if (what != CC_ECE)
		note_first_loss(c, a->flight);
	if (what != CC_RTO_AGAIN && !a->recovering) {
		c->prior_cwnd = c->cwnd;
		c->prior_ssthresh = c->ssthresh;
	}
	/* RFC8511-02: a loss while a mark is answered is one of the window before the mark. */
	if (what == CC_LOSS && a->recovering && c->prior_cwnd > most)
		most = c->prior_cwnd;
	if (at.flight > most)
		at.flight = most;
	cc_of(c->kind)->on_signal(c, what, &at);
	weir_assert(c->cwnd > 0 && c->target > 0 && c->cwnd <= CC_CWND_MAX);
}

void cc_on_undo(struct cc *c, const struct cc_ack *a)
{
	if (c->prior_cwnd == 0)
		return;
	if (cc_of(c->kind)->undo)
		cc_of(c->kind)->undo(c, a);
	if (c->cwnd < c->prior_cwnd) {
		c->cwnd = c->prior_cwnd;
		if (c->ssthresh < c->prior_ssthresh)
			c->ssthresh = c->prior_ssthresh;
		c->target = c->cwnd;
	}
	c->prior_cwnd = 0;
}

void cc_on_sent(struct cc *c, uint32_t flight, uint32_t mss, seq_t una, seq_t nxt)
{
	bool full = flight + mss > c->cwnd; /* what is left of it takes no segment */

	if (full || flight > c->used || seq_geq(una, c->used_end)) {
		/* a window that was full counts as full until what filled it is acknowledged */
		if (full || seq_geq(una, c->used_end))
			c->limited = full;
		c->used = flight;
		c->used_end = nxt;
	}
}

void cc_on_held(struct cc *c, seq_t nxt)
{
	c->limited = true;
	c->used_end = nxt;
}

/* Slow start goes most of the way back (RFC 7661 4.4.3). */
static void shrink_idle(struct cc *c, uint32_t restart)
{
	uint32_t kept = c->cwnd - c->cwnd / 4;

	if (c->ssthresh < kept)
		c->ssthresh = kept;
	c->cwnd = restart;
	c->target = restart;
}

void cc_on_restart(struct cc *c, const struct weir_config *cfg, uint64_t idle_ns, uint64_t rto_ns,
		   uint32_t mss, weir_time now)
{
	const struct cc_ops *ops = cc_of(c->kind);

	if (idle_ns > rto_ns) {
		uint32_t restart = c->careful ? restart_small(mss) : initial_window(cfg, mss);

		if (cfg->idle_restart && !ops->rules_recovery && c->cwnd > restart)
			shrink_idle(c, restart);
		c->first = c->cwnd;
		c->since = 0;
	}
	if (ops->on_restart)
		ops->on_restart(c, idle_ns, mss, now);
}
