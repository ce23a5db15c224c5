/*
 * Theory of operation
 *
 * One segment a round trip is timed with the caller's nanosecond clock; a retransmission makes the
 * timing ambiguous and cancels it (Karn's rule), and then the echoed timestamp, which is never
 * ambiguous, is used instead (RFC 7323 4). Timestamps tick in milliseconds, too coarse to be the
 * first choice on a path of microseconds. Since there is at most one sample a round trip, the gains
 * of RFC 6298 hold as they are and RFC 7323's scaling of them (appendix G) has nothing to scale.
 *
 * The least round trip is a minimum over the last 150 to 300 seconds (Linux: 300), in two halves,
 * so that a path that became longer is believed in the end. Every ACK of what was sent once feeds
 * it.
 *
 * Where the round trip is longer than rto_min, that floor protects nothing: with a calm path the
 * RTO would be the round trip and a millisecond, and an ACK that is delayed by 40 ms or a segment
 * that is overtaken would draw a timeout. So the variance's part is a quarter of the round trip at
 * least, up to rto_min. (Linux has all of its 200 ms on top of every round trip. On short paths
 * that is the same; at 100 ms it waits half as long again for nothing that we have seen.)
 *
 * rto_ns is the computed value without doublings; `backoff` counts the doublings in force, so that
 * a fresh sample undoes them all by becoming the computed value (RFC6298-12).
 */
#include "tcp/rtt.h"

#define GRANULARITY_NS NS_PER_MS          /* G of RFC 6298 */
#define SPREAD_LEAST   4u                 /* of the round trip: RACK's reordering window, too */
#define LEAST_S        150u               /* half of what the least is remembered at most */
#define SYN_LOST_NS    (3000 * NS_PER_MS) /* RFC 6298 5.7 */

static uint64_t clamp(uint64_t v, uint64_t lo, uint64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

void rtt_init(struct rtt *r, const struct weir_config *cfg)
{
	*r = (struct rtt){.rto_ns = cfg->rto_initial_ms * NS_PER_MS,
			  .min_ns = UINT64_MAX,
			  .min_next_us = UINT32_MAX};
}

void rtt_sent(struct rtt *r, seq_t end, weir_time now)
{
	if (r->timing)
		return;
	r->timing = true;
	r->timed_seq = end;
	r->timed_at = now;
}

void rtt_resent(struct rtt *r)
{
	r->timing = false;
}

/* What the RTO is beyond the round trip at least. */
static uint64_t least_spread(uint64_t srtt_ns, const struct weir_config *cfg)
{
	uint64_t quarter = srtt_ns / SPREAD_LEAST;

	return clamp(quarter, GRANULARITY_NS, cfg->rto_min_ms * NS_PER_MS);
}

/* RFC6298-02, -03, -07 */
static void rtt_sample(struct rtt *r, const struct weir_config *cfg, uint64_t ns)
{
	uint64_t spread;

	if (r->srtt_ns == 0) {
		r->srtt_ns = ns ? ns : 1;
		r->var_ns = ns / 2;
	} else {
		uint64_t err = r->srtt_ns > ns ? r->srtt_ns - ns : ns - r->srtt_ns;

		r->var_ns = (3 * r->var_ns + err) / 4;
		r->srtt_ns = (7 * r->srtt_ns + ns) / 8;
		if (r->srtt_ns == 0)
			r->srtt_ns = 1;
	}
	spread = 4 * r->var_ns;
	if (spread < least_spread(r->srtt_ns, cfg))
		spread = least_spread(r->srtt_ns, cfg);
	r->rto_ns = clamp(r->srtt_ns + spread, cfg->rto_min_ms * NS_PER_MS,
			  cfg->rto_max_ms * NS_PER_MS);
	r->backoff = 0;
}

void rtt_acked(struct rtt *r, const struct weir_config *cfg, seq_t ack, uint64_t echo_ns,
	       weir_time now)
{
	if (r->timing && seq_geq(ack, r->timed_seq)) {
		r->timing = false;
		rtt_sample(r, cfg, now - r->timed_at);
		if (!r->coarse)
			rtt_least(r, now - r->timed_at, now);
		r->coarse = false;
	} else if (!r->timing && echo_ns != WEIR_NEVER) {
		rtt_sample(r, cfg, echo_ns);
	}
}

void rtt_least(struct rtt *r, uint64_t ns, weir_time now)
{
	uint32_t now_s = (uint32_t)(now / NS_PER_S);

	if (now_s - r->min_since_s >= LEAST_S) {
		/* of the time that has just gone by */
		r->min_ns = r->min_next_us < UINT32_MAX ? r->min_next_us * 1000ull : UINT64_MAX;
		r->min_next_us = UINT32_MAX;
		r->min_since_s = now_s;
	}
	if (ns / 1000 < r->min_next_us)
		r->min_next_us = (uint32_t)(ns / 1000);
	if (ns < r->min_ns)
		r->min_ns = ns;
}

void rtt_syn_acked(struct rtt *r, uint8_t retries)
{
	if (retries == 0 || r->srtt_ns)
		return;
	r->rto_ns = SYN_LOST_NS;
	r->backoff = 0;
}

void rtt_backoff(struct rtt *r, const struct weir_config *cfg)
{
	r->timing = false;
	if (rtt_rto(r, cfg) < cfg->rto_max_ms * NS_PER_MS && r->backoff < 32)
		r->backoff++;
}

uint64_t rtt_rto(const struct rtt *r, const struct weir_config *cfg)
{
	uint64_t max = cfg->rto_max_ms * NS_PER_MS;
	uint64_t rto = r->rto_ns;

	for (unsigned i = 0; i < r->backoff && rto < max; i++)
		rto *= 2;
	return rto < max ? rto : max;
}
