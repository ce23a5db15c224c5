/*
 * dumbbell.c: the path that flows share, and virtual time.
 *
 * Theory of operation
 *
 * Each flow has two stacks of its own, which all have the same two addresses: a frame knows its
 * flow (sim_frame.life). A packet that a sender gives out is offered to the bottleneck at that very
 * moment; what leaves it waits for its flow's own delay and then arrives. Thus each flow has the
 * round trip of its own while all share one queue. Acknowledgements are offered to the way back and
 * wait likewise. Both ways are models of weir/impair.h, which hold no packets; the frames are the
 * ids.
 *
 * A step is one cause: a packet that leaves a way, a frame that arrives, a stack's deadline, an
 * application's turn, or a sample. Of causes at the same time the first in this order goes first,
 * and of equal ones the lowest flow. After an arrival, a deadline or a turn the node is settled:
 * events and packets in turns until it has neither.
 *
 * It is made to be fast, since a grid of paths takes millions of packets: checksums are left to a
 * device that the simulator does not have, and what arrives undamaged is vouched for; invariants
 * are checked at the end of a run only; streams are zeros, and that bytes arrive as they were sent
 * is not looked at. All of these are what sim/world.h is for.
 *
 * Limits: DUMBBELL_FLOWS_MAX flows; packets inside a way as many as its rate, delay and queue can
 * hold four times over, and PACKETS_LEAST more: a plan that needs more is broken and ends the
 * process.
 */
#include "sim/dumbbell/dumbbell.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/be.h"
#include "weir/check.h"

#define STACK_ALIGN   64u
#define START_NS      (3600ull * 1000000000ull) /* any time will do */
#define NS_PER_S      1000000000ull
#define BUFFER_LEAST  65536u
#define PACKETS_LEAST 8192u
#define LINK_MTU      1500u
#define SYN           0x02u
#define TURNS_MAX     1000000u /* of settling one node at one moment */

/* --- Plans -------------------------------------------------------------------------------- */

void dumbbell_plan_init(struct dumbbell_plan *p, uint64_t seed, uint64_t rate_bps, uint64_t rtt_ns,
			uint64_t buffer_bytes)
{
	uint64_t bdp = rate_bps / 8 * (rtt_ns / 1000) / 1000000;

	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->mtu = LINK_MTU;
	p->forth.rate_bps = rate_bps;
	p->forth.delay_ns = rtt_ns / 2;
	p->forth.queue_bytes = buffer_bytes;
	if (buffer_bytes == 0)
		p->forth.queue_bytes = bdp > BUFFER_LEAST ? bdp : BUFFER_LEAST;
	p->back.delay_ns = rtt_ns - rtt_ns / 2;
}

struct dumbbell_flow_plan *dumbbell_plan_bulk(struct dumbbell_plan *p)
{
	weir_assert(p->flows < DUMBBELL_FLOWS_MAX);
	return &p->flow[p->flows++];
}

void dumbbell_flow_set(struct dumbbell_flow_plan *f, const char *name, uint64_t value)
{
	unsigned i = 0;

	while (i < DUMBBELL_SETTINGS_MAX && f->set[i].name != NULL)
		i++;
	weir_assert(i < DUMBBELL_SETTINGS_MAX);
	f->set[i] = (struct dumbbell_setting){.name = name, .value = value};
}

/* --- Making ------------------------------------------------------------------------------- */

struct weir_addr dumbbell_addr(enum dumbbell_end end)
{
	/* RFC 5737 */
	return (struct weir_addr){.family = 4, .bytes = {192, 0, 2, (uint8_t)(end + 1)}};
}

static void on_trace(void *user, const struct weir_trace_record *r)
{
	const struct dumbbell_tracer *t = user;

	t->d->plan.hooks.trace(t->d->plan.hooks.user, t->flow, t->end, r);
}

static bool is_watched(const struct dumbbell *d, unsigned flow)
{
	return d->plan.hooks.watched >> flow & 1;
}

static void configure(struct dumbbell *d, unsigned flow, enum dumbbell_end end, struct sim_rng *rng,
		      struct weir_config *cfg)
{
	const struct dumbbell_setting *set = d->plan.flow[flow].set;
	struct dumbbell_tracer *t = &d->flow[flow].tracer[end];

	weir_config_default(cfg);
	cfg->conns_max = 8;
	cfg->halfs_max = 8;
	cfg->timewaits_max = 64;
	cfg->listeners_max = 1;
	cfg->replies_max = 64;
	cfg->sources_max = 8;
	cfg->frags_max = 0;
	cfg->sndbuf = cfg->rcvbuf = DUMBBELL_BUFFER;
	cfg->pages_max = 4 * DUMBBELL_BUFFER / WEIR_PAGE_BYTES;
	cfg->link_mtu = d->plan.mtu;
	cfg->link_csum_offload = 1;
	for (unsigned i = 0; i < DUMBBELL_SETTINGS_MAX && set[i].name != NULL; i++)
		weir_assert(weir_config_set(cfg, set[i].name, set[i].value) == 0);
	for (unsigned i = 0; i < sizeof(cfg->isn_key); i++) {
		cfg->isn_key[i] = (uint8_t)sim_rng_next(rng);
		cfg->hash_key[i] = (uint8_t)sim_rng_next(rng);
	}
	*t = (struct dumbbell_tracer){.d = d, .flow = flow, .end = end};
	if (d->plan.hooks.trace != NULL && is_watched(d, flow)) {
		cfg->trace = on_trace;
		cfg->trace_user = t;
	}
}

static void make_node(struct dumbbell *d, unsigned flow, enum dumbbell_end end, struct sim_rng *rng)
{
	struct dumbbell_node *n = &d->flow[flow].node[end];
	struct weir_addr addr = dumbbell_addr(end);
	struct weir_listen_args listen = {.local.port = DUMBBELL_PORT};
	struct weir_config cfg;
	weir_listener l;
	size_t bytes;

	configure(d, flow, end, rng, &cfg);
	bytes = weir_stack_bytes(&cfg);
	weir_assert(bytes != 0);
	bytes = (bytes + STACK_ALIGN - 1) / STACK_ALIGN * STACK_ALIGN;
	n->memory = aligned_alloc(STACK_ALIGN, bytes);
	weir_assert(n->memory != NULL);
	weir_assert(weir_stack_init(&n->stack, n->memory, bytes, &cfg, d->now) == WEIR_OK);
	weir_assert(weir_addr_add(n->stack, &addr, 24) == WEIR_OK);
	if (end == DUMBBELL_RECEIVER)
		weir_assert(weir_listen(n->stack, &listen, &l) == WEIR_OK);
	n->deadline = WEIR_NEVER;
}

static void make_way(struct dumbbell *d, enum dumbbell_end from, struct weir_impair_conf *conf,
		     struct sim_rng *rng)
{
	uint64_t inside = conf->rate_bps / 8 * (conf->delay_ns / 1000) / 1000000;
	size_t bytes;

	conf->seed = sim_rng_next(rng);
	inside = 4 * (inside + conf->queue_bytes) / d->plan.mtu + PACKETS_LEAST;
	conf->packets_max = (uint32_t)inside;
	if (inside > WEIR_IMPAIR_PACKETS_MAX)
		conf->packets_max = WEIR_IMPAIR_PACKETS_MAX;
	weir_assert(weir_impair_check(conf) == NULL);
	bytes = weir_impair_size(conf);
	d->way_memory[from] = malloc(bytes);
	weir_assert(d->way_memory[from] != NULL);
	d->way[from] = weir_impair_init(d->way_memory[from], bytes, conf);
	weir_assert(d->way[from] != NULL);
}

struct dumbbell *dumbbell_new(const struct dumbbell_plan *plan)
{
	struct dumbbell *d = sim_alloc(1, sizeof(*d));
	struct sim_rng rng;

	sim_rng_seed(&rng, plan->seed);
	d->plan = *plan;
	d->now = d->start = START_NS;
	d->end = d->start + plan->run_ns;
	d->next_sample = plan->sample_ns != 0 ? d->start : WEIR_NEVER;
	d->flow = sim_alloc(plan->flows, sizeof(*d->flow));
	make_way(d, DUMBBELL_SENDER, &d->plan.forth, &rng);
	make_way(d, DUMBBELL_RECEIVER, &d->plan.back, &rng);
	for (unsigned i = 0; i < plan->flows; i++) {
		struct dumbbell_flow *f = &d->flow[i];

		f->plan = &d->plan.flow[i];
		f->wake = d->start + f->plan->start_ns;
		make_node(d, i, DUMBBELL_SENDER, &rng);
		make_node(d, i, DUMBBELL_RECEIVER, &rng);
	}
	return d;
}

/* The frames of packets that are still on a way belong to nobody else. */
static void drain_way(struct weir_impair *way)
{
	struct weir_impair_out out;

	while (weir_impair_inside(way) > 0)
		while (weir_impair_next(way, WEIR_NEVER - 1, &out))
			if (out.last)
				sim_frame_free((struct sim_frame *)(uintptr_t)out.id);
}

void dumbbell_free(struct dumbbell *d)
{
	for (unsigned i = 0; i < d->plan.flows; i++) {
		struct dumbbell_flow *f = &d->flow[i];

		for (unsigned e = 0; e < DUMBBELL_ENDS; e++) {
			weir_assert(weir_stack_check(f->node[e].stack) == NULL);
			free(f->node[e].memory);
		}
		arrivals_free(&f->arrivals);
		free(f->done_ns);
		free(f->sample);
	}
	for (unsigned e = 0; e < DUMBBELL_ENDS; e++) {
		drain_way(d->way[e]);
		free(d->way_memory[e]);
	}
	sim_queue_free(&d->queue);
	free(d->flow);
	free(d);
}

/* --- The path ----------------------------------------------------------------------------- */

bool dumbbell_is_warm(const struct dumbbell *d)
{
	return d->now >= d->start + d->plan.warmup_ns;
}

/* What an eye on the path reads of a packet, which the engine made and which is therefore whole. */
struct glance {
	uint32_t seq, len; /* of the payload */
	uint16_t port;     /* it comes from */
	uint8_t flags;
};

static struct glance look_at(const struct sim_frame *f)
{
	uint32_t l4 = (f->bytes[0] & 15u) * 4u, head;

	weir_assert(f->bytes[0] >> 4 == 4 && f->len >= l4 + 20);
	head = l4 + (f->bytes[l4 + 12] >> 4) * 4u;
	return (struct glance){.seq = be32_get(f->bytes + l4 + 4),
			       .len = f->len - head,
			       .port = be16_get(f->bytes + l4),
			       .flags = f->bytes[l4 + 13]};
}

static void lose(struct dumbbell *d, enum dumbbell_end from, struct sim_frame *f)
{
	const struct dumbbell_hooks *h = &d->plan.hooks;

	if (from == DUMBBELL_SENDER && dumbbell_is_warm(d) && look_at(f).len > 0)
		d->flow[f->life].n.lost++;
	if (h->lost != NULL && is_watched(d, f->life))
		h->lost(h->user, f->life, from, f, d->now);
	sim_frame_free(f);
}

/* A packet leaves the sender's host. Is it the one in n that is to be lost? */
static bool note_data(struct dumbbell *d, const struct sim_frame *f)
{
	struct dumbbell_flow *flow = &d->flow[f->life];
	struct glance g = look_at(f);
	bool again;

	if (g.flags & SYN) {
		flow->port = g.port;
		arrivals_begin(&flow->arrivals, g.seq + 1);
	}
	if (g.len == 0)
		return false;
	/* An earlier connection of this flow has delivered all it had. */
	again = g.port != flow->port || arrivals_sent(&flow->arrivals, g.seq, g.len);
	if (dumbbell_is_warm(d)) {
		flow->n.segments++;
		flow->n.retransmitted += again;
	}
	return d->plan.lose_every != 0 && ++d->data_offered % d->plan.lose_every == 0;
}

static void offer(struct dumbbell *d, enum dumbbell_end from, struct sim_frame *f)
{
	enum weir_impair_ecn ecn = weir_impair_ecn_of(f->bytes, f->len);
	enum weir_impair_verdict v;

	d->packets++;
	if (from == DUMBBELL_SENDER && note_data(d, f)) {
		lose(d, from, f);
		return;
	}
	v = weir_impair_offer(d->way[from], f->len, ecn, d->now, (uintptr_t)f);
	weir_assert(v != WEIR_IMPAIR_NO_ROOM);
	if (v != WEIR_IMPAIR_ACCEPTED)
		lose(d, from, f);
}

/* A packet has left a way: it arrives after its flow's own delay. */
static void leave(struct dumbbell *d, enum dumbbell_end from, const struct weir_impair_out *out)
{
	struct sim_frame *f = (struct sim_frame *)(uintptr_t)out->id;
	struct sim_event ev = {.kind = SIM_EVENT_FRAME, .from = from, .host = !from};

	if (out->fate == WEIR_IMPAIR_DROPPED) {
		lose(d, from, f);
		return;
	}
	ev.at = d->now + d->flow[f->life].plan->delay_ns;
	ev.frame = out->last ? f : sim_frame_copy(f);
	ev.forged = out->copy; /* by the path */
	if (out->ce)
		weir_impair_set_ce(ev.frame->bytes, ev.frame->len);
	if (out->corrupt) {
		weir_impair_damage(ev.frame->bytes, ev.frame->len, out->noise);
		ev.damaged = true;
	}
	sim_queue_add(&d->queue, &ev);
}

/* --- Nodes -------------------------------------------------------------------------------- */

static void send_packet(struct dumbbell *d, unsigned flow, enum dumbbell_end from,
			const struct weir_packet *p)
{
	struct sim_frame *f = sim_frame_new(p->total_len);
	uint32_t len = p->head_len;

	weir_assert(p->gso_size == 0);
	memcpy(f->bytes, p->head, len);
	for (unsigned i = 0; i < p->span_count; i++) {
		memcpy(f->bytes + len, p->span[i].bytes, p->span[i].len);
		len += (uint32_t)p->span[i].len;
	}
	weir_assert(len == f->len);
	f->life = flow;
	offer(d, from, f);
}

static void settle(struct dumbbell *d, unsigned flow, enum dumbbell_end end)
{
	struct dumbbell_node *n = &d->flow[flow].node[end];
	struct weir_packet p;
	struct weir_event ev;
	unsigned turns = 0;
	bool more = true;

	while (more) {
		more = false;
		while (weir_event_next(n->stack, &ev)) {
			dumbbell_flow_event(d, &d->flow[flow], end, &ev);
			more = true;
		}
		while (weir_output(n->stack, &p, d->now)) {
			send_packet(d, flow, end, &p);
			more = true;
		}
		n->deadline = weir_deadline(n->stack, d->now);
		more = more || n->deadline <= d->now;
		weir_assert(turns++ < TURNS_MAX);
	}
}

/* A packet that nobody has changed or copied reaches the receiver's host. */
static void note_arrival(const struct dumbbell *d, struct dumbbell_flow *flow,
			 const struct sim_frame *f)
{
	struct glance g = look_at(f);
	bool known;

	if (g.len == 0)
		return;
	known = g.port != flow->port || arrivals_came(&flow->arrivals, g.seq, g.len);
	if (dumbbell_is_warm(d))
		flow->n.needless += known;
}

static void arrive(struct dumbbell *d)
{
	struct sim_event ev = sim_queue_take(&d->queue);
	struct sim_frame *f = ev.frame;
	unsigned flow = f->life;
	struct dumbbell_flow *fl = &d->flow[flow];
	struct weir_frame in = {.bytes = f->bytes, .len = f->len};

	if (!ev.damaged)
		in.flags = WEIR_FRAME_CSUM_OK;
	if (ev.host == DUMBBELL_RECEIVER && !ev.damaged && !ev.forged)
		note_arrival(d, fl, f);
	weir_input(fl->node[ev.host].stack, &in, d->now);
	sim_frame_free(f);
	settle(d, flow, (enum dumbbell_end)ev.host);
}

/* --- Time --------------------------------------------------------------------------------- */

/* What happens next: the first of equal times in this order. */
enum cause { CAUSE_WAY, CAUSE_FRAME, CAUSE_TIMER, CAUSE_WAKE, CAUSE_SAMPLE, CAUSES };

struct next {
	weir_time at;
	enum cause cause;
	unsigned flow, end;
};

static void consider(struct next *n, weir_time at, enum cause cause, unsigned flow, unsigned end)
{
	if (at < n->at)
		*n = (struct next){.at = at, .cause = cause, .flow = flow, .end = end};
}

static struct next find_next(const struct dumbbell *d)
{
	struct next n = {.at = WEIR_NEVER};

	for (unsigned e = 0; e < DUMBBELL_ENDS; e++)
		consider(&n, weir_impair_deadline(d->way[e]), CAUSE_WAY, 0, e);
	consider(&n, sim_queue_next(&d->queue), CAUSE_FRAME, 0, 0);
	for (unsigned i = 0; i < d->plan.flows; i++) {
		const struct dumbbell_flow *f = &d->flow[i];

		for (unsigned e = 0; e < DUMBBELL_ENDS; e++)
			consider(&n, f->node[e].deadline, CAUSE_TIMER, i, e);
	}
	for (unsigned i = 0; i < d->plan.flows; i++)
		consider(&n, d->flow[i].wake, CAUSE_WAKE, i, DUMBBELL_SENDER);
	consider(&n, d->next_sample, CAUSE_SAMPLE, 0, 0);
	return n;
}

static void happen(struct dumbbell *d, const struct next *n)
{
	struct weir_impair_out out;

	switch (n->cause) {
	case CAUSE_WAY:
		while (weir_impair_next(d->way[n->end], d->now, &out))
			leave(d, (enum dumbbell_end)n->end, &out);
		break;
	case CAUSE_FRAME:
		arrive(d);
		break;
	case CAUSE_TIMER:
		settle(d, n->flow, (enum dumbbell_end)n->end);
		break;
	case CAUSE_WAKE:
		d->flow[n->flow].wake = WEIR_NEVER;
		dumbbell_flow_wake(d, &d->flow[n->flow]);
		settle(d, n->flow, DUMBBELL_SENDER);
		break;
	case CAUSE_SAMPLE:
		d->next_sample += d->plan.sample_ns;
		for (unsigned i = 0; i < d->plan.flows; i++)
			dumbbell_flow_sample(d, &d->flow[i]);
		break;
	case CAUSES:
		break;
	}
}

static bool all_ended(const struct dumbbell *d)
{
	for (unsigned i = 0; i < d->plan.flows; i++)
		if (!d->flow[i].ended)
			return false;
	return true;
}

void dumbbell_run(struct dumbbell *d)
{
	struct next n = find_next(d);

	while (n.at <= d->end && !all_ended(d)) {
		/* When CoDel drops a packet, the next may find that it has left by now. */
		d->now = n.at > d->now ? n.at : d->now;
		happen(d, &n);
		n = find_next(d);
	}
	if (!all_ended(d))
		d->now = d->end;
	d->stepped_ns = d->now - d->start;
}
