/*
 * Theory of operation
 *
 * RFC 5681. Slow start (hystart.c) adds what was acknowledged. Congestion avoidance
 * counts acknowledged bytes and adds one segment when a window of them has come (RFC5681-08, the
 * form the RFC prefers). The window grows only when it was in use (cc_ops.c).
 *
 * A loss halves FlightSize into ssthresh, and PRR leads cwnd there (RFC 9937); a timeout sets cwnd
 * to one segment, and ssthresh only the first time for the same data. A congestion mark says that a
 * queue is managed, and so a short one: the answer is 0.8 instead of 0.5 (RFC 8511), unless
 * config.abe is 0. A mark may take the window below ssthresh's two segments, down to one.
 */
#include "tcp/cc_ops.h"

static void reno_init(struct cc *c, uint32_t mss, weir_time now)
{
	(void)mss;
	(void)now;
	c->priv.reno->acked = 0;
	hystart_init(&c->priv.reno->hystart);
}

static uint32_t at_least(uint32_t v, uint32_t least)
{
	return v > least ? v : least;
}

static uint32_t at_most(uint32_t v, uint32_t most)
{
	return v < most ? v : most;
}

static void reno_on_ack(struct cc *c, const struct cc_ack *a)
{
	struct cc_reno *r = c->priv.reno;
	uint32_t grow = a->cwnd_limited ? cc_growth(a) : 0;

	if (a->recovering)
		return;
	if (c->cwnd < c->ssthresh)
		grow = hystart_slow_start(&r->hystart, c, a, grow);
	if (!grow || c->cwnd < c->ssthresh)
		return;
	r->acked += at_most(grow, c->cwnd);
	if (r->acked < c->cwnd)
		return;
	r->acked -= c->cwnd; /* RFC5681-08: one segment for a window, whatever an ACK covers */
	c->cwnd = at_most(c->cwnd + a->mss, CC_CWND_MAX);
}

static void reno_on_signal(struct cc *c, enum cc_signal what, const struct cc_ack *a)
{
	uint32_t kept = a->flight / 2; /* RFC5681-10, -14 */

	c->priv.reno->acked = 0;
	switch (what) {
	case CC_ECE:
		if (c->abe)
			kept = a->flight / 5 * 4 + a->flight % 5 * 4 / 5; /* RFC8511-01 */
		c->ssthresh = at_least(kept, 2 * a->mss);
		c->target = at_least(kept, a->mss);
		return;
	case CC_LOSS:
		c->ssthresh = at_least(kept, 2 * a->mss);
		c->target = c->ssthresh;
		return;
	case CC_RTO:
		c->ssthresh = at_least(kept, 2 * a->mss);
		c->cwnd = a->mss; /* RFC5681-11 */
		c->target = a->mss;
		return;
	case CC_RTO_AGAIN:
		c->cwnd = a->mss;
		c->target = a->mss;
		return;
	}
}

const struct cc_ops cc_reno_ops = {
	.name = "newreno",
	.init = reno_init,
	.on_ack = reno_on_ack,
	.on_signal = reno_on_signal,
};
