/*
 * fuzz_cc.c: whatever ACKs, losses and pauses come, and whoever switches the kind in between, the
 * congestion window stays one: never 0, never above the largest, moved only by those who may.
 *
 * The input is a head (kind, MSS, settings) and then steps. Numbers are made of one byte each, so
 * that every size from one to the largest is as likely.
 */
#include "fuzz.h"

#include "tcp/cc_ops.h"

#define STEPS_MAX 5000u

struct run {
	struct fuzz_input in;
	struct weir_config cfg;
	struct cc cc;
	weir_time now;
	uint32_t mss;
	uint64_t delivered;
	uint32_t nxt;
	union {
		struct cc_reno reno;
		struct cc_cubic cubic;
		struct cc_bbr bbr;
	} state; /* of its kind */
};

/* 0, or 1 to 2^30. */
static uint32_t volume(struct run *r)
{
	uint8_t b = fuzz_u8(&r->in), shift = b % 31;

	return b == 0 ? 0 : (1u << shift) - (shift > 3 ? b % 7 : 0);
}

/* Up to an hour; WEIR_NEVER if the byte is 0. */
static uint64_t span(struct run *r)
{
	uint8_t b = fuzz_u8(&r->in);

	return b == 0 ? WEIR_NEVER : (1ull << b % 42) + b / 42;
}

static struct cc_ack next_ack(struct run *r)
{
	uint8_t flags = fuzz_u8(&r->in);
	struct cc_ack a = {.mss = r->mss};

	r->now += span(r) % (1ull << 42);
	a.now = r->now;
	a.acked = flags & 1 ? volume(r) : r->mss;
	a.delivered = flags & 2 ? volume(r) : a.acked;
	a.lost = flags & 4 ? volume(r) : 0;
	a.flight = volume(r);
	a.prior_flight = a.flight + a.delivered;
	a.rtt_ns = span(r);
	a.srtt_ns = a.rtt_ns == WEIR_NEVER ? 0 : a.rtt_ns;
	a.recovering = flags & 8;
	a.resending = !a.recovering && flags & 16;
	a.round_start = flags & 32;
	a.rate_app_limited = flags & 64;
	r->delivered += a.delivered;
	a.total_delivered = r->delivered;
	a.prior_delivered = r->delivered - (flags & 128 ? 0 : a.delivered);
	a.rate_interval_ns = a.rtt_ns == WEIR_NEVER ? 0 : a.rtt_ns;
	a.rate_delivered = flags & 2 ? volume(r) : a.delivered;
	a.tx_flight = a.prior_flight;
	a.rate_lost = a.lost;
	a.lost_tx_flight = flags & 4 ? volume(r) : 0;
	a.lost_rate_lost = a.lost;
	a.one_loss_a_round = flags & 4 && flags & 64;
	return a;
}

static void check(const struct run *r)
{
	const struct cc *c = &r->cc;

	fuzz_assert(c->cwnd > 0 && c->cwnd <= CC_CWND_MAX);
	fuzz_assert(c->target > 0 && c->target <= CC_CWND_MAX);
	fuzz_assert(c->ssthresh > 0 && c->ssthresh <= CC_SSTHRESH_MAX);
	fuzz_assert(c->kind < CC_COUNT);
	fuzz_assert((c->pacing_rate > 0) == (c->kind == CC_BBR));
}

static void step_ack(struct run *r)
{
	struct cc_ack a = next_ack(r);
	uint32_t before = r->cc.cwnd, ssthresh = r->cc.ssthresh, grow;
	bool ruled = !cc_of(r->cc.kind)->rules_recovery;

	cc_on_ack(&r->cc, &a);
	grow = cc_growth(&a);
	if (!ruled)
		return;
	fuzz_assert(r->cc.cwnd >= before);
	if (a.recovering || !a.cwnd_limited)
		fuzz_assert(r->cc.cwnd == before);
	/* Nobody adds more than was acknowledged, but for the segment that a window earned. */
	fuzz_assert(r->cc.cwnd - before <= grow + r->mss);
	if (before >= ssthresh && r->cc.kind == CC_NEWRENO)
		fuzz_assert(r->cc.cwnd - before <= r->mss);
}

static void step_signal(struct run *r)
{
	enum cc_signal what = fuzz_u8(&r->in) % (CC_RTO_AGAIN + 1);
	struct cc_ack a = next_ack(r);
	uint32_t before = r->cc.cwnd, most = 2 * r->mss;

	cc_on_signal(&r->cc, what, &a);
	if (what == CC_RTO || what == CC_RTO_AGAIN)
		fuzz_assert(r->cc.cwnd == r->mss);
	else
		fuzz_assert(r->cc.cwnd == before);
	if (!cc_of(r->cc.kind)->rules_recovery) {
		if (!a.recovering)
			fuzz_assert(r->cc.target <= (before > most ? before : most));
		r->cc.cwnd = r->cc.target; /* as PRR would */
	}
}

static void step_sent(struct run *r)
{
	uint32_t flight = volume(r);
	uint32_t una = r->nxt - volume(r);

	r->nxt += r->mss;
	cc_on_sent(&r->cc, flight, r->mss, seq_make(una), seq_make(r->nxt));
	if (fuzz_u8(&r->in) & 1)
		cc_on_held(&r->cc, seq_make(r->nxt));
}

static void step_rest(struct run *r)
{
	uint8_t what = fuzz_u8(&r->in);
	uint64_t idle = span(r) % (1ull << 42);

	if (what % 4 == 0) {
		cc_switch(&r->cc, what / 4 % CC_COUNT);
		if (!r->cc.priv.any)
			cc_equip(&r->cc, &r->state, r->mss, r->now);
	} else if (what % 4 == 1) {
		r->mss = 1 + volume(r) % 65495;
	} else {
		uint32_t before = r->cc.cwnd;

		r->now += idle;
		cc_on_restart(&r->cc, &r->cfg, idle, 1ull << 28, r->mss, r->now);
		fuzz_assert(r->cc.cwnd <= before || r->cc.kind == CC_BBR);
	}
}

static void step(struct run *r)
{
	uint8_t op = fuzz_u8(&r->in);

	if (op < 160) {
		r->cc.limited |= op & 1;
		step_ack(r);
	} else if (op < 190) {
		step_signal(r);
	} else if (op < 205) {
		struct cc_ack a = next_ack(r);
		uint32_t before = r->cc.cwnd;

		cc_on_undo(&r->cc, &a);
		fuzz_assert(r->cc.cwnd >= before);
	} else if (op < 240) {
		step_sent(r);
	} else {
		step_rest(r);
	}
	check(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {.in = {data, size}, .now = 1};
	uint8_t flags = fuzz_u8(&r.in);

	weir_config_default(&r.cfg);
	r.cfg.cc = fuzz_u8(&r.in) % CC_COUNT;
	r.cfg.abe = flags & 1;
	r.cfg.hystart = flags >> 1 & 1;
	r.cfg.idle_restart = flags >> 2 & 1;
	r.cfg.link_gso_max = flags & 8 ? 65535 : 0;
	r.mss = 1 + fuzz_u16(&r.in) % 65495;
	cc_start(&r.cc, &r.cfg, r.mss, flags >> 6, fuzz_u8(&r.in));
	cc_equip(&r.cc, &r.state, r.mss, r.now);
	check(&r);
	for (unsigned i = 0; i < STEPS_MAX && r.in.left; i++)
		step(&r);
	return 0;
}
