/*
 * Theory of operation
 *
 * rcv.adv is the right edge: one past the last byte that any segment of ours ever offered. It only
 * moves right (SHLD-14), and only in worthwhile steps: half the buffer or one segment (MUST-39,
 * RFC9293-X-12). What is acceptable is measured against rcv.adv and nothing else, so every segment
 * that was in the window of any ACK is taken (RFC7323-07).
 *
 * Scaling rounds. The field must not offer less than rcv.adv, so it is rounded up, which moves the
 * edge right by less than 2^shift each time RCV.NXT stands at an odd place. A peer of tiny segments
 * could collect these crumbs, so they are granted only while the buffer is exceeded by less than
 * SLACK; beyond that the field is rounded down, as RFC 7323 2.4 allows, and rcv.adv still counts.
 *
 * How much buffer there is to offer, rcv.space, is decided in drs.c. While pages are short, less
 * than an eighth of the pool is free, edges stand still, but for a connection with nothing
 * buffered, which gets one segment so that it cannot starve.
 */
#include "tcp/window.h"

#include "tcp/ackgen.h"
#include "tcp/drs.h"
#include "tcp/rcvq.h"

#define SLACK           (32u * 1024u)
#define SPACE_MAX       (PAGEQ_SPAN - 2u * SLACK)
#define SPACE_FIRST_MIN (64u * 1024u)

uint8_t window_shift(uint32_t rcvbuf)
{
	uint8_t shift = 0;

	while (shift < TCP_WSCALE_MAX && (rcvbuf >> shift) > 65535u)
		shift++;
	return shift;
}

uint8_t window_shift_offer(const struct weir_config *cfg, uint32_t rcvbuf)
{
	uint8_t shift = window_shift(rcvbuf);

	if (!cfg->window_scaling)
		return 0;
	return shift > cfg->wscale_min ? shift : (uint8_t)cfg->wscale_min;
}

uint16_t window_syn(uint32_t rcvbuf)
{
	return rcvbuf < 65535u ? (uint16_t)rcvbuf : 65535u;
}

uint32_t window_first(const struct weir_config *cfg, uint32_t rcvbuf, uint32_t mss)
{
	uint32_t want = mss * (uint32_t)cfg->initial_cwnd;

	if (want < SPACE_FIRST_MIN)
		want = SPACE_FIRST_MIN;
	return want < rcvbuf ? want : rcvbuf;
}

static uint32_t limit(const struct tcb *t)
{
	uint32_t space = t->rcv.space < t->user.rcvbuf ? t->rcv.space : t->user.rcvbuf;

	return space < SPACE_MAX ? space : SPACE_MAX;
}

/* Bytes beyond RCV.NXT that the buffer can take. */
static uint32_t buffer_room(const struct tcb *t, const struct tcp_env *env)
{
	uint32_t readable = rcvq_readable(t);
	uint32_t space = limit(t);

	if (drs_pages_short(env)) {
		uint32_t seg = t->rcv.seg_max;

		return readable == 0 && env->pages.used < env->pages.count && seg < space ? seg : 0;
	}
	return readable < space ? space - readable : 0;
}

static uint32_t step_min(const struct tcb *t)
{
	uint32_t half = limit(t) / 2;
	uint32_t seg = t->rcv.seg_max;

	return half < seg ? half : seg;
}

/* How far the edge could move now; 0 when the step is not worthwhile. */
static uint32_t edge_step(const struct tcb *t, const struct tcp_env *env)
{
	uint32_t room = buffer_room(t, env);
	uint32_t wnd = tcb_rcv_wnd(t);

	if (room <= wnd || room - wnd < step_min(t))
		return 0;
	return room - wnd;
}

uint16_t window_field(struct tcb *t, const struct tcp_env *env, weir_time now)
{
	uint32_t wnd = tcb_rcv_wnd(t) + edge_step(t, env);
	uint8_t shift = t->rcv_wscale;
	uint32_t unit = 1u << shift;
	uint32_t field = wnd >> shift;

	if (wnd & (unit - 1)) {
		uint32_t up = (field + 1) << shift;

		if ((field << shift) < tcb_rcv_wnd(t) && rcvq_readable(t) + up < limit(t) + SLACK)
			field++;
	}
	if (field > 65535u)
		field = 65535u;
	if ((field << shift) > tcb_rcv_wnd(t)) {
		t->rcv.adv = seq_add(t->rcv.nxt, field << shift);
		drs_offered(t, now);
	}
	return (uint16_t)field;
}

void window_consumed(struct tcb *t, const struct tcp_env *env, weir_time now)
{
	uint32_t step;

	drs_taken(t, env, now);
	if (!tcb_receives(t))
		return;
	step = edge_step(t, env);
	if (step == 0)
		return;
	/* Worth a segment of its own: a quarter of the buffer, or the peer is about to stall. */
	if (step >= limit(t) / 4 || tcb_rcv_wnd(t) < 2 * t->rcv.seg_max)
		ackgen_now(t, WEIR_CTR_SENT_WINDOW);
}
