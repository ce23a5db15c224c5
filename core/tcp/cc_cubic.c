/*
 * Theory of operation
 *
 * CUBIC (RFC 9438). After a reduction the window follows a cubic function of time, whatever the
 * RTT: it rises fast, flattens out where the last congestion was (w_max, reached after k), stays
 * near it for a while, and then looks for more, slowly first and then fast:
 *
 *     W(t) = C * (t - K)^3 + W_max     C = 0.4 segments / s^3,  K = cbrt((W_max - cwnd) / C)
 *
 * Each ACK moves cwnd towards the curve's value one RTT ahead, so that it is there when the data
 * that this ACK lets out is acknowledged, by at most half the window in a round trip (RFC9438-02).
 * Where Reno would have a larger window (short RTTs, small windows), cwnd is that of an equivalent
 * Reno, w_est (RFC9438-04).
 *
 * The curve's time t is the time in which the window was used: while it was not, t stands still
 * (RFC9438-03), or the window would jump when the application has something to send again.
 *
 * A loss takes the window to 0.7 of FlightSize (RFC9438-05). If it comes below the last w_max, the
 * path has less to give, perhaps to a new flow, and w_max is set lower still: fast convergence
 * (RFC9438-08). After a timeout the next curve begins flat (RFC9438-09). Undo restores the curve,
 * as long as the window did not come back by itself (RFC9438-10). A congestion mark takes 0.85
 * instead of 0.7 (RFC 8511 3.1), unless config.abe is 0, and goes down to one segment, not two.
 *
 * Arithmetic: integers only. Windows are bytes up to 2^30; times of the curve are 1/1024 s, so that
 * K^3 for the largest window of one-byte segments, 2.5 * 2^60, and the cube of the longest t that
 * still matters (T_MAX) fit 64 bits. Increases of less than a byte are carried over in `rest`.
 */
#include "tcp/cc_ops.h"

/* 1400 s: after so long the curve of one-byte segments is beyond the largest window. */
#define T_MAX (1400u * 1024u)

/* The RFC's constants as fractions: C = 2/5, beta = 7/10, alpha = 3 * (1 - beta) / (1 + beta). */
#define ALPHA_NUM 9u
#define ALPHA_DEN 17u

static const struct cubic_curve no_curve = {.t_epoch = WEIR_NEVER};

static void cubic_init(struct cc *c, uint32_t mss, weir_time now)
{
	(void)mss;
	*c->priv.cubic = (struct cc_cubic){.now = no_curve, .prior = no_curve, .acked_at = now};
	hystart_init(&c->priv.cubic->hystart);
}

/* Largest y with y^3 <= x, digit by digit. */
static uint32_t cube_root(uint64_t x)
{
	uint64_t y = 0;

	for (int s = 63; s >= 0; s -= 3) {
		uint64_t step;

		y *= 2;
		step = 3 * y * (y + 1) + 1;
		if (x >> s >= step) {
			x -= step << s;
			y++;
		}
	}
	return (uint32_t)y;
}

/* ns in 1/1024 s: 10^9 / 1024 = 1953125 / 2. */
static uint64_t curve_time(uint64_t ns)
{
	return ns / 1953125 * 2 + ns % 1953125 * 2 / 1953125;
}

/* C * d^3 in bytes. */
static uint64_t cube_bytes(uint64_t d, uint32_t mss)
{
	const uint64_t unit = 5ull << 30; /* 1/C of (1/1024 s)^3, times 2 */
	uint64_t d3;

	if (d > T_MAX)
		d = T_MAX;
	d3 = d * d * d;
	return d3 / unit * (2ull * mss) + d3 % unit * (2ull * mss) / unit;
}

/* W_cubic(t), `t` in 1/1024 s; at most CC_CWND_MAX. */
static uint32_t curve_at(const struct cubic_curve *v, uint64_t t, uint32_t mss)
{
	uint64_t w;

	if (t < v->k) {
		uint64_t below = cube_bytes(v->k - t, mss);

		return below < v->w_max ? v->w_max - (uint32_t)below : 0;
	}
	w = v->w_max + cube_bytes(t - v->k, mss);
	return w < CC_CWND_MAX ? (uint32_t)w : CC_CWND_MAX;
}

static void curve_begin(struct cc *c, const struct cc_ack *a)
{
	struct cc_cubic *q = c->priv.cubic;

	q->now.t_epoch = a->now;
	q->now.w_est = c->cwnd;
	q->est_acked = 0;
	q->rest = 0;
	if (q->after_rto || q->now.w_max <= c->cwnd) {
		q->now.w_max = c->cwnd;
		q->now.k = 0;
	} else {
		/* (w_max - cwnd) / mss / C in (1/1024 s)^3 */
		uint64_t bytes = q->now.w_max - c->cwnd;

		q->now.k = cube_root((bytes * 5 << 29) / a->mss);
	}
	q->after_rto = false;
}

/* RFC9438-04: alpha segments for a window of bytes, one from where the last reduction was. */
static void grow_estimate(struct cc *c, uint32_t mss, uint32_t grow)
{
	struct cc_cubic *q = c->priv.cubic;
	uint32_t need = c->cwnd;

	if (q->now.w_est < q->cwnd_prior)
		need = need / ALPHA_NUM * ALPHA_DEN + need % ALPHA_NUM * ALPHA_DEN / ALPHA_NUM;
	q->est_acked += grow;
	if (q->est_acked < need)
		return;
	q->est_acked -= need;
	if (q->est_acked > need)
		q->est_acked = need;
	if (q->now.w_est < CC_CWND_MAX)
		q->now.w_est += mss;
}

static uint32_t at_least(uint32_t v, uint32_t least)
{
	return v > least ? v : least;
}

static uint32_t at_most(uint32_t v, uint32_t most)
{
	return v < most ? v : most;
}

/* Moves cwnd towards `target` as `grow` of a window's bytes are acknowledged. */
static void approach(struct cc *c, uint32_t target, uint32_t grow)
{
	struct cc_cubic *q = c->priv.cubic;
	uint32_t most = c->cwnd + c->cwnd / 2;
	uint64_t sum;

	target = at_most(target, most);
	if (target <= c->cwnd)
		return;
	if (q->rest >= c->cwnd)
		q->rest = 0; /* of a larger window */
	sum = (uint64_t)(target - c->cwnd) * grow + q->rest;
	q->rest = (uint32_t)(sum % c->cwnd);
	c->cwnd += (uint32_t)(sum / c->cwnd);
}

static void avoid_congestion(struct cc *c, const struct cc_ack *a, uint32_t grow)
{
	struct cc_cubic *q = c->priv.cubic;
	uint32_t before = c->cwnd;
	uint64_t passed;

	grow = at_most(grow, c->cwnd);
	if (q->now.t_epoch == WEIR_NEVER)
		curve_begin(c, a);
	grow_estimate(c, a->mss, grow);
	passed = a->now - q->now.t_epoch;
	if (curve_at(&q->now, curve_time(passed), a->mss) < q->now.w_est) {
		/* In steps of what was acknowledged: after an idle time cwnd may be far below. */
		if (c->cwnd < q->now.w_est)
			c->cwnd = at_most(q->now.w_est, c->cwnd + grow);
	} else {
		uint64_t ahead = curve_time(passed + a->srtt_ns);

		approach(c, curve_at(&q->now, ahead, a->mss), grow);
	}
	if (q->hystart.phase == HYSTART_TRAINED && !q->congested)
		c->cwnd = at_least(c->cwnd, before + grow / HYSTART_TRAIN_GROWTH);
	c->cwnd = at_most(c->cwnd, CC_CWND_MAX);
}

/* RFC9438-03: since the last ACK the window was not in use. */
static void stand_still(struct cc_cubic *q, weir_time now)
{
	if (q->now.t_epoch != WEIR_NEVER)
		q->now.t_epoch += now - q->acked_at;
}

static void cubic_on_ack(struct cc *c, const struct cc_ack *a)
{
	struct cc_cubic *q = c->priv.cubic;
	uint32_t grow = a->cwnd_limited ? cc_growth(a) : 0;

	if (!a->cwnd_limited)
		stand_still(q, a->now);
	q->acked_at = a->now;
	if (a->recovering)
		return;
	if (c->cwnd < c->ssthresh)
		grow = hystart_slow_start(&q->hystart, c, a, grow);
	else
		hystart_look_on(&q->hystart, a);
	if (grow && c->cwnd >= c->ssthresh)
		avoid_congestion(c, a, grow);
}

static uint32_t percent(uint32_t v, uint32_t pct)
{
	return (uint32_t)((uint64_t)v * pct / 100);
}

/* What a congestion event does to the curve. */
static void curve_reduce(struct cc *c, const struct cc_ack *a)
{
	struct cc_cubic *q = c->priv.cubic;

	if (!a->recovering) {
		q->prior = q->now;
		q->prior_congested = q->congested;
	}
	q->congested = true;
	q->cwnd_prior = c->cwnd;
	/* RFC9438-08: (1 + beta) / 2 of it */
	q->now.w_max = c->cwnd < q->now.w_max ? percent(c->cwnd, 85) : c->cwnd;
	q->now.t_epoch = WEIR_NEVER;
}

static void cubic_on_signal(struct cc *c, enum cc_signal what, const struct cc_ack *a)
{
	uint32_t kept = percent(a->flight, what == CC_ECE && c->abe ? 85 : 70);

	switch (what) {
	case CC_ECE:
		curve_reduce(c, a);
		c->ssthresh = at_least(kept, 2 * a->mss);
		c->target = at_least(kept, a->mss); /* RFC9438-07 */
		return;
	case CC_LOSS:
		if (!a->recovering) /* the same congestion, if a mark told of it (RFC8511-02) */
			curve_reduce(c, a);
		c->ssthresh = at_least(kept, 2 * a->mss);
		c->target = c->ssthresh;
		return;
	case CC_RTO:
		curve_reduce(c, a);
		c->ssthresh = at_least(kept, 2 * a->mss);
		break;
	case CC_RTO_AGAIN:
		break;
	}
	c->priv.cubic->after_rto = true;
	c->cwnd = a->mss;
	c->target = a->mss;
}

static void cubic_undo(struct cc *c, const struct cc_ack *a)
{
	struct cc_cubic *q = c->priv.cubic;

	(void)a;
	q->after_rto = false;
	q->congested = q->prior_congested;
	if (c->cwnd >= c->prior_cwnd)
		return; /* it is back already: what it learned since stands */
	q->now = q->prior;
	q->rest = 0;
}

static void cubic_on_restart(struct cc *c, uint64_t idle_ns, uint32_t mss, weir_time now)
{
	(void)idle_ns;
	(void)mss;
	stand_still(c->priv.cubic, now);
	c->priv.cubic->acked_at = now;
}

const struct cc_ops cc_cubic_ops = {
	.name = "cubic",
	.init = cubic_init,
	.on_ack = cubic_on_ack,
	.on_signal = cubic_on_signal,
	.undo = cubic_undo,
	.on_restart = cubic_on_restart,
};
