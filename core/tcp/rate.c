/*
 * Theory of operation
 *
 * Each transmission remembers how much had been delivered when it left, and when. The ACK of it
 * tells how much was delivered in between: over the longer of the time that it took to send that
 * much and the time that it took to be acknowledged, so that neither bursts nor ACKs that come all
 * at once make a path look faster than it is. Of all that an ACK delivers the newest transmission
 * counts. A sample shorter than the least round trip is no sample.
 *
 * While the user has nothing to send, samples tell of the user and not of the path: what is out at
 * that time is marked, until all of it has been delivered.
 */
#include "tcp/rate.h"

#define NS_PER_US  1000u
#define KBYTES_MAX 0x7fffffffu

static uint32_t span_us(weir_time from, weir_time to)
{
	uint64_t us = (to - from) / NS_PER_US;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void rate_stamp(struct tcb *t, uint32_t pipe, uint32_t bytes, weir_time now, struct send_stamp *s)
{
	struct rate *r = &t->rate;

	if (pipe == 0) {
		r->first_at = now;
		r->delivered_at = now;
	}
	*s = (struct send_stamp){
		.at = now,
		.delivered_at = r->delivered_at,
		.delivered = (uint32_t)r->delivered,
		.lost = r->lost,
		.span_us = r->first_at == now ? 0 : span_us(r->first_at, now),
		.pipe = pipe + bytes,
		.flags = r->held_back ? SEND_APP_LIMITED : 0,
	};
}

/* For weir_info. Where the user held sending back, only more than before says something. */
static void note_rate(struct rate *r, const struct cc_ack *a)
{
	uint64_t us = a->rate_interval_ns / NS_PER_US + 1;
	uint64_t kbytes_s = a->rate_delivered * 1000 / us;

	if (kbytes_s > KBYTES_MAX)
		kbytes_s = KBYTES_MAX;
	if (!a->rate_app_limited || kbytes_s > r->kbytes_s)
		r->kbytes_s = kbytes_s & KBYTES_MAX;
}

void rate_ack(struct rate *r, const struct board_news *n, struct cc_ack *a)
{
	const struct send_stamp *s = &n->stamp;
	uint64_t acks, sends;

	r->delivered += a->delivered;
	if (a->delivered)
		r->delivered_at = a->now;
	a->total_delivered = r->delivered;
	if (r->held_back && (int32_t)((uint32_t)r->delivered - r->app_limited) > 0)
		r->held_back = false;
	if (!n->newest)
		return;
	if ((int32_t)(s->delivered - r->round) >= 0) {
		r->round = (uint32_t)r->delivered;
		a->round_start = true;
	}
	r->first_at = s->at;
	a->prior_delivered = r->delivered - (uint32_t)((uint32_t)r->delivered - s->delivered);
	a->tx_flight = s->pipe;
	a->rate_lost = r->lost - s->lost;
	a->rate_app_limited = s->flags & SEND_APP_LIMITED;
	acks = a->now - s->delivered_at;
	sends = (uint64_t)s->span_us * NS_PER_US;
	acks = acks > sends ? acks : sends;
	if (acks == 0 || acks < n->min_rtt_ns)
		return;
	a->rate_interval_ns = acks;
	a->rate_delivered = r->delivered - a->prior_delivered;
	note_rate(r, a);
}

void rate_app_limited(struct tcb *t)
{
	t->rate.app_limited = (uint32_t)t->rate.delivered + tcb_pipe(t);
	t->rate.held_back = true;
}
