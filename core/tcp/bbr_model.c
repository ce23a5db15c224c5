/*
 * Theory of operation
 *
 * The model of a path that BBR (cc_bbr.c) keeps, as draft-ietf-ccwg-bbr 5.5 has it.
 *
 * Rate. max_bw is the largest delivery rate sampled in this cycle of bandwidth probing and the one
 * before; samples of what the application held back count only if they are larger. The path may
 * have less to give for a while: once in a round trip with loss, while BBR does not probe, the
 * short-term bound bw_shortterm falls to what was delivered last, by 30 % at most.
 *
 * Time. min_rtt is the least RTT of ten seconds. A shorter filter of five, probe_rtt_min, says when
 * it is time to look for it with an empty queue (ProbeRTT).
 *
 * Volume. inflight_longterm is what was in flight when probing caused more than 2 % of loss;
 * inflight_shortterm goes with bw_shortterm. extra_acked is how far ACKs ran ahead of the rate in
 * the last ten round trips (one in Startup), in two windows of five, so that aggregation on the
 * path does not stop the flow between two bursts of ACKs.
 *
 * Round trips are counted by data: one ends with the ACK for something sent after it began. All
 * counts of delivered bytes are of 32 bits and are compared as differences: what is in flight is
 * less than 2^30.
 */
#include "tcp/bbr_model.h"

#define MS_NS           1000000ull
#define SECOND_NS       1000000000ull
#define BETA_PCT        70u  /* as CUBIC's */
#define GROWTH_PCT      125u /* what counts as growth of the rate */
#define PLATEAU_ROUNDS  3u
#define EXTRA_ROUNDS    5u
#define LOSS_THRESH_PCT 2u

uint32_t bbr_percent(uint32_t v, uint32_t pct)
{
	uint64_t p = (uint64_t)v * pct / 100;

	return p < UINT32_MAX ? (uint32_t)p : UINT32_MAX;
}

uint64_t bbr_percent_rate(uint64_t v, uint32_t pct)
{
	return cc_mul_div(v, pct, 100);
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint32_t most32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Is `count` of delivered bytes at or behind `mark`? */
static bool reached(uint32_t count, uint32_t mark)
{
	return (int32_t)(count - mark) >= 0;
}

uint64_t bbr_max_bw(const struct cc_bbr *b)
{
	return most(b->max_bw_filter[0], b->max_bw_filter[1]);
}

uint64_t bbr_bw(const struct cc_bbr *b)
{
	uint64_t bw = bbr_max_bw(b);

	return bw < b->bw_shortterm ? bw : b->bw_shortterm;
}

uint32_t bbr_bdp(const struct cc *c, uint64_t rate, uint32_t pct)
{
	const struct cc_bbr *b = c->priv.bbr;
	uint64_t bytes;

	if (b->min_rtt_ns == WEIR_NEVER)
		return c->first;
	bytes = bbr_percent_rate(cc_mul_div(rate, b->min_rtt_ns, SECOND_NS), pct);
	return bytes < CC_CWND_MAX ? (uint32_t)bytes : CC_CWND_MAX;
}

uint32_t bbr_extra_acked(const struct cc_bbr *b)
{
	return most32(b->extra_acked[0], b->extra_acked[1]);
}

void bbr_reset_full_bw(struct cc_bbr *b, uint64_t baseline)
{
	b->full_bw = baseline;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

void bbr_reset_shortterm(struct cc_bbr *b)
{
	b->bw_shortterm = BBR_NO_RATE;
	b->inflight_shortterm = BBR_NO_BOUND;
}

void bbr_reset_congestion(struct cc_bbr *b)
{
	b->is_loss_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
}

void bbr_model_init(struct cc_bbr *b, weir_time now)
{
	*b = (struct cc_bbr){
		.min_rtt_ns = WEIR_NEVER,
		.probe_rtt_min_ns = WEIR_NEVER,
		.extra_acked_start = now,
		.min_rtt_ms = (uint32_t)(now / MS_NS),
		.probe_rtt_ms = (uint32_t)(now / MS_NS),
		.inflight_longterm = BBR_NO_BOUND,
		.probe_up_needed = BBR_NO_BOUND,
		.undo_state = BBR_DRAIN,
	};
	bbr_reset_shortterm(b);
}

/* Does the ACK say how much had been delivered when what it acknowledges was sent? Not if all of
 * that went out more than once. */
static bool dated(const struct cc_ack *a)
{
	return a->delivered && (a->prior_delivered || a->total_delivered <= CC_CWND_MAX);
}

/* The draft's UpdateRound(). */
static void count_round(struct cc_bbr *b, struct bbr_sample *s)
{
	if (!dated(s->ack))
		return;
	if (!reached((uint32_t)s->ack->prior_delivered, b->next_round_delivered))
		return;
	bbr_start_round(b);
	s->round_start = true;
	if (b->rounds_since_probe_up < UINT8_MAX)
		b->rounds_since_probe_up++;
	if (b->drain_rounds < UINT8_MAX)
		b->drain_rounds++;
}

/* What was sent in ProbeRTT, or while it was marked so, says nothing about the path's rate. */
static bool sample_limited(struct cc_bbr *b, const struct cc_ack *a)
{
	if (b->limited && dated(a) && !reached(b->limited_until, (uint32_t)a->prior_delivered))
		b->limited = false;
	return b->limited || a->rate_app_limited;
}

static void lower_shortterm(struct cc *c)
{
	struct cc_bbr *b = c->priv.bbr;

	if (b->bw_shortterm == BBR_NO_RATE)
		b->bw_shortterm = bbr_max_bw(b);
	if (b->inflight_shortterm == BBR_NO_BOUND)
		b->inflight_shortterm = c->cwnd;
	b->bw_shortterm = most(b->bw_latest, bbr_percent_rate(b->bw_shortterm, BETA_PCT));
	b->inflight_shortterm =
		most32(b->inflight_latest, bbr_percent(b->inflight_shortterm, BETA_PCT));
}

/* UpdateLatestDeliverySignals() and UpdateCongestionSignals(). */
static void watch_delivery(struct cc *c, struct bbr_sample *s, enum bbr_mood mood)
{
	struct cc_bbr *b = c->priv.bbr;

	b->bw_latest = most(b->bw_latest, s->rate);
	b->inflight_latest = most32(b->inflight_latest, s->delivered);
	if (dated(s->ack) && reached((uint32_t)s->ack->prior_delivered, b->loss_round_delivered)) {
		b->loss_round_delivered = b->delivered;
		s->loss_round_start = true;
	}
	count_round(b, s);
	if (s->rate && (s->rate >= bbr_max_bw(b) || !s->app_limited))
		b->max_bw_filter[1] = most(b->max_bw_filter[1], s->rate);
	if (!s->loss_round_start)
		return;
	if (mood == BBR_CAUTIOUS && b->is_loss_in_round)
		lower_shortterm(c);
	b->is_loss_in_round = false;
}

struct bbr_sample bbr_model_ack(struct cc *c, const struct cc_ack *a, enum bbr_mood mood)
{
	struct cc_bbr *b = c->priv.bbr;
	struct bbr_sample s = {.ack = a};

	b->delivered = (uint32_t)a->total_delivered;
	s.app_limited = sample_limited(b, a);
	if (a->rate_interval_ns) {
		uint64_t volume = a->rate_delivered;

		s.rate = cc_mul_div(volume, SECOND_NS, a->rate_interval_ns);
		s.delivered = volume < CC_CWND_MAX ? (uint32_t)volume : CC_CWND_MAX;
	}
	watch_delivery(c, &s, mood);
	return s;
}

/* UpdateACKAggregation() */
static void watch_aggregation(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;
	uint32_t rounds = b->full_bw_reached ? EXTRA_ROUNDS : 1;
	uint64_t expected;
	uint32_t extra;

	if (s->round_start && ++b->extra_acked_rounds >= rounds) {
		b->extra_acked_rounds = 0;
		b->extra_acked[0] = b->extra_acked[1];
		b->extra_acked[1] = 0;
	}
	expected = cc_mul_div(bbr_bw(b), s->ack->now - b->extra_acked_start, SECOND_NS);
	if (b->extra_acked_bytes <= expected) {
		b->extra_acked_bytes = 0;
		b->extra_acked_start = s->ack->now;
		expected = 0;
	}
	if (b->extra_acked_bytes < CC_CWND_MAX)
		b->extra_acked_bytes += s->ack->delivered;
	extra = b->extra_acked_bytes - (uint32_t)expected;
	if (extra > c->cwnd)
		extra = c->cwnd;
	b->extra_acked[1] = most32(b->extra_acked[1], extra);
}

/* CheckFullBWReached() */
static void watch_plateau(struct cc_bbr *b, const struct bbr_sample *s)
{
	if (b->full_bw_now || !s->round_start || s->app_limited || !s->rate)
		return;
	if (s->rate >= bbr_percent_rate(b->full_bw, GROWTH_PCT)) {
		bbr_reset_full_bw(b, s->rate);
		return;
	}
	b->full_bw_count++;
	if (b->full_bw_count >= PLATEAU_ROUNDS) {
		b->full_bw_now = true;
		b->full_bw_reached = true;
	}
}

void bbr_model_growth(struct cc *c, const struct bbr_sample *s)
{
	watch_aggregation(c, s);
	watch_plateau(c->priv.bbr, s);
}

/* UpdateMinRTT() */
void bbr_model_rtt(struct cc_bbr *b, const struct cc_ack *a)
{
	uint32_t now = (uint32_t)(a->now / MS_NS);
	uint64_t rtt = a->rtt_ns > 0 ? a->rtt_ns : 1;

	b->probe_rtt_expired = now - b->probe_rtt_ms > BBR_RTT_GAP_MS;
	if (rtt != WEIR_NEVER && (rtt < b->probe_rtt_min_ns || b->probe_rtt_expired)) {
		b->probe_rtt_min_ns = rtt;
		b->probe_rtt_ms = now;
	}
	if (b->probe_rtt_min_ns < b->min_rtt_ns || now - b->min_rtt_ms > BBR_RTT_LEN_MS) {
		b->min_rtt_ns = b->probe_rtt_min_ns;
		b->min_rtt_ms = b->probe_rtt_ms;
	}
}

void bbr_model_end(struct cc_bbr *b, const struct bbr_sample *s)
{
	if (!s->loss_round_start)
		return;
	b->bw_latest = s->rate;
	b->inflight_latest = s->delivered;
}

void bbr_advance_max_bw(struct cc_bbr *b)
{
	if (!b->max_bw_filter[1])
		return; /* nothing was measured in this cycle */
	b->max_bw_filter[0] = b->max_bw_filter[1];
	b->max_bw_filter[1] = 0;
}

void bbr_note_loss(struct cc_bbr *b)
{
	if (!b->is_loss_in_round)
		b->loss_round_delivered = b->delivered;
	b->is_loss_in_round = true;
}

bool bbr_too_high(const struct cc_ack *a, uint32_t lost, uint32_t flight)
{
	if (a->one_loss_a_round)
		return lost > 0;
	return (uint64_t)lost * 100 > (uint64_t)flight * LOSS_THRESH_PCT;
}
