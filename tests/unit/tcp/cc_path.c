#include "cc_path.h"

#include <stdlib.h>

void path_init(struct path *p, enum cc_kind kind, unsigned flows, uint64_t rate, uint64_t rtt_ns,
	       uint64_t buffer)
{
	memset(p, 0, sizeof(*p));
	weir_config_default(&p->cfg);
	p->cfg.cc = kind;
	p->rate = rate;
	p->buffer = buffer;
	p->dice = 1;
	p->flow_count = flows;
	for (unsigned i = 0; i < flows; i++) {
		struct path_flow *f = &p->flows[i];

		f->rtt_ns = rtt_ns;
		f->rto_at = WEIR_NEVER;
	}
}

static bool path_drops(struct path *p)
{
	if (p->every && ++p->sent % p->every == 0)
		return true;
	p->dice = p->dice * 1664525u + 1013904223u;
	return (p->dice >> 8) % 1000000 < p->chance;
}

/* Gives a packet to the bottleneck at its flow's time: sets when it is acknowledged, if ever. */
static void path_enqueue(struct path *p, const struct path_flow *f, struct path_packet *k)
{
	weir_time from = p->free_at > p->now ? p->free_at : p->now;
	uint64_t queued = (from - p->now) * p->rate / SECOND;

	k->acked = WEIR_NEVER;
	if (path_drops(p) || queued + MSS > p->buffer + MSS)
		return;
	k->marked = p->mark && queued > p->mark;
	p->free_at = from + MSS * SECOND / p->rate;
	k->acked = p->free_at + f->rtt_ns;
}

static bool app_has(const struct path *p, const struct path_flow *f)
{
	return !f->app_rate || f->given + MSS <= (p->now - f->start) * f->app_rate / SECOND;
}

static void flow_send(struct path *p, struct path_flow *f)
{
	struct path_packet *k = &f->packets[f->tail % PATH_PACKETS];

	assert_true(f->tail - f->head < PATH_PACKETS);
	if (f->flight == 0) {
		f->first_sent = p->now;
		f->delivered_at = p->now;
	}
	f->flight += MSS;
	*k = (struct path_packet){
		.sent = p->now,
		.delivered = f->delivered,
		.delivered_at = f->delivered_at,
		.first_sent = f->first_sent,
		.lost = f->lost,
		.flight = f->flight,
		.app_limited = f->app_rate != 0,
	};
	path_enqueue(p, f, k);
	f->given += MSS;
	f->tail++;
	cc_on_sent(&f->cc, f->flight, MSS, seq_make(f->head * MSS), seq_make(f->tail * MSS));
	if (f->rto_at == WEIR_NEVER)
		f->rto_at = p->now + SECOND;
	if (f->cc.pacing_rate) {
		if (f->next_send < p->now)
			f->next_send = p->now;
		f->next_send += MSS * SECOND / f->cc.pacing_rate;
	}
}

/* When the flow sends next if nothing comes in; WEIR_NEVER: not before. */
static weir_time flow_send_at(const struct path *p, const struct path_flow *f)
{
	if (p->now < f->start)
		return f->start;
	if (f->flight + MSS > f->cc.cwnd && f->flight)
		return WEIR_NEVER;
	if (!app_has(p, f))
		return f->start + (f->given + MSS) * SECOND / f->app_rate + 1;
	if (f->cc.pacing_rate && f->next_send > p->now)
		return f->next_send;
	return p->now;
}

/* When the next ACK arrives: packets of one flow arrive in order. */
static weir_time flow_ack_at(const struct path_flow *f)
{
	for (uint32_t i = f->head; i != f->tail; i++)
		if (f->packets[i % PATH_PACKETS].acked != WEIR_NEVER)
			return f->packets[i % PATH_PACKETS].acked;
	return WEIR_NEVER;
}

static struct cc_ack ack_base(const struct path *p, const struct path_flow *f)
{
	return (struct cc_ack){
		.now = p->now,
		.mss = MSS,
		.prior_flight = f->flight,
		.flight = f->flight,
		.rtt_ns = WEIR_NEVER,
		.srtt_ns = f->srtt,
		.recovering = f->recovering,
		.resending = f->resending,
		.total_delivered = f->delivered,
	};
}

static void signal_cc(struct path *p, struct path_flow *f, enum cc_signal what, uint32_t out)
{
	struct cc_ack a = ack_base(p, f);

	a.flight = out;
	cc_on_signal(&f->cc, what, &a);
	f->recover = f->tail;
	f->recovering = what == CC_LOSS || what == CC_ECE;
	f->resending = !f->recovering;
	f->losses += f->recovering;
	f->timeouts += f->resending;
	if (f->recovering && !cc_of(f->cc.kind)->rules_recovery)
		f->cc.cwnd = f->cc.target;
}

static void flow_rto(struct path *p, struct path_flow *f)
{
	uint32_t out = f->flight;

	f->lost += f->flight;
	f->head = f->tail;
	f->flight = 0;
	f->rto_at = WEIR_NEVER;
	signal_cc(p, f, f->resending ? CC_RTO_AGAIN : CC_RTO, out);
	f->resending = false; /* nothing is out */
}

static void rate_sample(struct path_flow *f, const struct path_packet *k, weir_time now,
			struct cc_ack *a)
{
	uint64_t send_ns = k->sent - k->first_sent;
	uint64_t ack_ns = now - k->delivered_at;

	f->delivered += MSS;
	f->delivered_at = now;
	f->first_sent = k->sent;
	a->total_delivered = f->delivered;
	a->prior_delivered = k->delivered;
	a->rate_interval_ns = send_ns > ack_ns ? send_ns : ack_ns;
	a->rate_delivered = f->delivered - k->delivered;
	a->tx_flight = k->flight;
	a->rate_lost = (uint32_t)(f->lost - k->lost);
	a->rate_app_limited = k->app_limited;
	a->round_start = k->delivered >= f->round_end;
	if (a->round_start)
		f->round_end = f->delivered;
}

static void flow_ack(struct path *p, struct path_flow *f)
{
	uint32_t out = f->flight;
	struct cc_ack a = ack_base(p, f);
	struct path_packet k = f->packets[f->head++ % PATH_PACKETS];

	while (k.acked == WEIR_NEVER) {
		a.lost += MSS;
		a.lost_tx_flight = k.flight;
		a.lost_rate_lost = (uint32_t)(f->lost + a.lost - k.lost);
		k = f->packets[f->head++ % PATH_PACKETS];
	}
	assert_true(k.acked == p->now);
	f->lost += a.lost;
	f->flight -= a.lost + MSS;
	a.flight = f->flight;
	a.delivered = MSS;
	a.acked = MSS;
	a.rtt_ns = p->now - k.sent;
	f->srtt = f->srtt ? (7 * f->srtt + a.rtt_ns) / 8 : a.rtt_ns;
	a.srtt_ns = f->srtt;
	rate_sample(f, &k, p->now, &a);
	if ((f->recovering || f->resending) && (int32_t)(f->head - f->recover) > 0) {
		f->recovering = false;
		f->resending = false;
	}
	if (a.lost && !f->recovering && !f->resending)
		signal_cc(p, f, CC_LOSS, out);
	else if (k.marked && !f->recovering)
		signal_cc(p, f, CC_ECE, out);
	a.recovering = f->recovering;
	a.resending = f->resending;
	cc_on_ack(&f->cc, &a);
	if (f->recovering && !cc_of(f->cc.kind)->rules_recovery)
		f->cc.cwnd = f->cc.target;
	f->rto_at = f->flight ? p->now + SECOND : WEIR_NEVER;
	if (p->watch)
		p->watch(p, f, &a);
}

static weir_time least(weir_time a, weir_time b)
{
	return a < b ? a : b;
}

static void flow_step(struct path *p, struct path_flow *f, weir_time ack, weir_time send)
{
	if (!f->cc.cwnd) {
		cc_start(&f->cc, &p->cfg, MSS, 0, (uint32_t)(f - p->flows) * 7919 + 1);
		cc_fit(&f->cc, MSS, p->now);
	}
	if (p->now == ack)
		flow_ack(p, f);
	else if (p->now == f->rto_at)
		flow_rto(p, f);
	else if (p->now == send && f->cc.cwnd)
		flow_send(p, f);
}

void path_run(struct path *p, weir_time end)
{
	for (;;) {
		weir_time next = WEIR_NEVER, ack = 0, send = 0;
		struct path_flow *turn = NULL;

		for (unsigned i = 0; i < p->flow_count; i++) {
			struct path_flow *f = &p->flows[i];
			weir_time ack_at = flow_ack_at(f), send_at = flow_send_at(p, f);
			weir_time at = least(least(ack_at, send_at), f->rto_at);

			if (at < next) {
				next = at;
				turn = f;
				ack = ack_at;
				send = send_at;
			}
		}
		if (next >= end)
			break;
		p->now = next;
		flow_step(p, turn, ack, send);
	}
	p->now = end;
}

unsigned path_used(struct path *p, weir_time from, weir_time end)
{
	uint64_t sum = 0;

	path_run(p, from);
	for (unsigned i = 0; i < p->flow_count; i++)
		p->flows[i].share = p->flows[i].delivered;
	path_run(p, end);
	for (unsigned i = 0; i < p->flow_count; i++) {
		p->flows[i].share = p->flows[i].delivered - p->flows[i].share;
		sum += p->flows[i].share;
	}
	return (unsigned)(sum * 1000 / ((end - from) / MS * p->rate / 1000));
}

unsigned path_jain(const struct path *p)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < p->flow_count; i++) {
		double share = (double)p->flows[i].share;

		sum += share;
		squares += share * share;
	}
	return (unsigned)(1000 * sum * sum / (p->flow_count * squares));
}

void cc_fit(struct cc *c, uint32_t mss, weir_time now)
{
	static union {
		struct cc_cubic cubic;
		struct cc_reno reno;
		struct cc_bbr bbr;
	} states[STATES];
	static unsigned used;

	cc_equip(c, &states[used++ % STATES], mss, now);
}

struct cc cc_at(enum cc_kind kind, uint32_t cwnd, weir_time now)
{
	struct weir_config cfg;
	struct cc c = {0};

	weir_config_default(&cfg);
	cfg.cc = kind;
	cc_start(&c, &cfg, MSS, 0, 1);
	cc_fit(&c, MSS, now);
	c.cwnd = cwnd;
	c.ssthresh = cwnd;
	return c;
}

struct cc_ack cc_ack_of(weir_time now, uint32_t acked, uint64_t rtt_ns)
{
	return (struct cc_ack){
		.now = now,
		.mss = MSS,
		.acked = acked,
		.delivered = acked,
		.rtt_ns = rtt_ns,
		.srtt_ns = rtt_ns,
	};
}

void cc_give(struct cc *c, struct cc_ack *a)
{
	c->limited = true;
	a->prior_flight = c->cwnd;
	a->flight = c->cwnd - a->acked;
	cc_on_ack(c, a);
}

void cc_round(struct cc *c, weir_time now, uint64_t rtt_ns)
{
	uint32_t segments = c->cwnd / MSS;

	for (uint32_t i = 0; i < segments; i++) {
		struct cc_ack a = cc_ack_of(now + rtt_ns * i / segments, MSS, rtt_ns);

		a.round_start = i == 0;
		cc_give(c, &a);
	}
}

void cc_hit(struct cc *c, enum cc_signal what, uint32_t flight, weir_time now)
{
	struct cc_ack a = cc_ack_of(now, 0, 100 * MS);

	a.flight = flight;
	cc_on_signal(c, what, &a);
	c->cwnd = c->target;
}
