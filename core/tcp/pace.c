/*
 * Theory of operation
 *
 * Each packet with data pushes the time of the next by its length over the rate. Data may go while
 * that time lies less than PACE_AHEAD ahead; from then on it waits until the time has come, so that
 * what leaves at once is about a millisecond's worth and timers fire no more often than that.
 * (Linux sizes its bursts so, too: sk_pacing_shift 10.) Super-segments are no larger than that, or
 * two segments. Time in which nothing was to be sent is not saved up.
 *
 * A window of one segment that is marked again cannot shrink: then nothing goes for a while
 * (pace_hold(), RFC 3168 6.1.2).
 *
 * Whose rate it is: the congestion control's, if it has one (BBR); otherwise, with config.pacing 2,
 * what its window comes to.
 */
#include "tcp/pace.h"

#include "tcp/cc_ops.h"
#include "tcp/timers.h"

#define PACE_AHEAD_NS  NS_PER_MS
#define PACE_PER_BURST 1000u /* bursts a second */

/* A rate may be measured on a few bytes that took several timeouts: it must not silence a
 * connection for minutes. A window that small holds it back as much as it has to be. */
#define PACE_WAIT_MAX_NS NS_PER_S

uint64_t pace_rate(const struct tcp_env *env, const struct tcb *t)
{
	if (env->cfg->pacing == 0)
		return 0;
	if (t->cc.pacing_rate || env->cfg->pacing == 1)
		return t->cc.pacing_rate;
	return cc_window_rate(&t->cc, t->rtt.srtt_ns);
}

bool pace_ready(const struct tcp_env *env, struct tcb *t, weir_time now)
{
	bool waits = t->pace_waits;

	if (t->timers.pace_at <= now)
		t->rec.held = false;
	if (t->rec.held)
		waits = true;
	else if (env->cfg->pacing == 0 || t->timers.pace_at <= now)
		waits = false;
	else if (t->timers.pace_at - now >= PACE_AHEAD_NS)
		waits = true;
	if (waits != t->pace_waits) {
		t->pace_waits = waits;
		t->timers_moved = true;
	}
	return !waits;
}

void pace_hold(struct tcb *t, uint64_t delay_ns, weir_time now)
{
	t->timers.pace_at = now + delay_ns;
	t->rec.held = true;
	t->timers_moved = true;
}

uint32_t pace_burst(const struct tcp_env *env, const struct tcb *t, uint32_t gso_max)
{
	uint64_t rate = gso_max ? pace_rate(env, t) : 0;
	uint64_t burst = rate / PACE_PER_BURST;

	if (rate == 0)
		return gso_max;
	if (burst < 2 * t->snd.mss)
		burst = 2 * t->snd.mss;
	return burst < gso_max ? (uint32_t)burst : gso_max;
}

void pace_sent(const struct tcp_env *env, struct tcb *t, uint32_t bytes, weir_time now)
{
	uint64_t rate = pace_rate(env, t);

	if (rate == 0 || bytes == 0)
		return;
	if (t->timers.pace_at < now)
		t->timers.pace_at = now;
	t->timers.pace_at += bytes * NS_PER_S / rate;
	if (t->timers.pace_at - now > PACE_WAIT_MAX_NS)
		t->timers.pace_at = now + PACE_WAIT_MAX_NS;
}
