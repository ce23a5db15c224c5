/*
 * Theory of operation
 *
 * RFC 5681. Slow start adds what was acknowledged, at most one segment for each ACK that a peer
 * without merging would send: an ACK for a super-segment stands for as many. Congestion avoidance
 * counts acknowledged bytes and adds one segment when a window of them has come (RFC5681-08, the
 * form the RFC prefers). The window grows only when it was used up, or half of it in slow start
 * (`limited`), so that an application that sends little does not store up a burst (RFC 7661 1).
 */
#include "tcp/cc.h"

#define CWND_MAX (1u << 30)

static uint32_t half_flight(uint32_t flight, uint32_t mss)
{
	return flight / 2 > 2 * mss ? flight / 2 : 2 * mss;
}

static void on_ack(struct cc *c, uint32_t acked, uint32_t mss)
{
	if (!c->limited || c->cwnd >= CWND_MAX)
		return;
	c->limited = false;
	if (c->cwnd < c->ssthresh) {
		uint32_t room = c->ssthresh - c->cwnd;
		uint32_t take = acked < room ? acked : room;

		c->cwnd += take;
		acked -= take;
	}
	c->acked += acked;
	while (c->acked >= c->cwnd) {
		c->acked -= c->cwnd;
		c->cwnd += mss;
	}
}

static void on_loss(struct cc *c, uint32_t flight, uint32_t mss)
{
	c->ssthresh = half_flight(flight, mss); /* RFC5681-14 */
	c->cwnd = c->ssthresh;
	c->acked = 0;
}

static void on_timeout(struct cc *c, uint32_t flight, uint32_t mss, uint8_t retries)
{
	if (retries == 0)
		c->ssthresh = half_flight(flight, mss); /* RFC5681-10 */
	c->cwnd = mss;                                  /* RFC5681-11 */
	c->acked = 0;
}

const struct cc_ops cc_newreno = {
	.name = "newreno",
	.on_ack = on_ack,
	.on_loss = on_loss,
	.on_timeout = on_timeout,
};
