/*
 * world.c: virtual time.
 *
 * Theory of operation
 *
 * Everything that will happen is either an event in the queue (a frame that arrives, an application
 * that opens, decides or wakes) or the deadline of a stack. A step sets the clock to the nearest of
 * these and lets it happen; nothing happens between. Deadlines change with every step, so they are
 * not queued: the nearest is found by looking at each host.
 *
 * A frame that a host sends is judged by the tap, may be tampered with by a test, and is then given
 * to the link towards the host that has its destination address. The link decides its fate; each
 * copy becomes an event, and a router on the way may answer with an ICMP error instead. An address
 * that nobody has swallows the frame, and so does a host that is down.
 *
 * A host that crashes loses its stack and the applications on it; frames that are under way to it
 * arrive if it is back by then. What was to happen inside it does not: such events carry the number
 * of the boot that they belong to.
 *
 * A run ends when the queue is empty and no stack has a deadline: after all timers, so after 2MSL.
 * Then each talk is judged, the listeners are closed, and each stack must be empty. A run that does
 * not end within `horizon_ns` of virtual time or `steps_max` steps has failed: that is the bound of
 * liveness ("makes progress or ends by its timeouts"), and the bound of the simulator itself.
 */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define NS_PER_MS      1000000u
#define OPEN_SPREAD_NS 50000000u /* after its boot a host opens what waited within this time */

/* --- Frames ------------------------------------------------------------------------------------
 */

static struct sim_link *link_at(const struct sim_world *w, unsigned from, unsigned to)
{
	return &w->link[from * w->cfg.hosts_max + to];
}

const struct sim_link *sim_world_link(const struct sim_world *w, unsigned from, unsigned to)
{
	return link_at(w, from, to);
}

static void note(struct sim_world *w, const struct sim_wire_note *n)
{
	if (w->cfg.hooks.wire != NULL)
		w->cfg.hooks.wire(w->cfg.hooks.user, n);
}

/* The host that has the frame's destination address. */
static unsigned route(const struct sim_world *w, const struct sim_frame *f)
{
	struct weir_addr dst = {.family = f->bytes[0] >> 4 == 4 ? 4 : 6};

	if (f->len < (dst.family == 4 ? 20u : 40u))
		return SIM_NOBODY;
	memcpy(dst.bytes, f->bytes + (dst.family == 4 ? 16 : 24), dst.family == 4 ? 4 : 16);
	for (unsigned i = 0; i < w->host_count; i++)
		if (sim_host_owns(&w->host[i], &dst))
			return i;
	return SIM_NOBODY;
}

static enum sim_wire_kind kind_of(enum sim_fate_kind fate)
{
	switch (fate) {
	case SIM_FATE_LOST:
		return SIM_WIRE_LOST;
	case SIM_FATE_OVERFLOWED:
		return SIM_WIRE_OVERFLOWED;
	case SIM_FATE_TOO_BIG:
		return SIM_WIRE_TOO_BIG;
	case SIM_FATE_REFUSED:
		return SIM_WIRE_REFUSED;
	case SIM_FATE_SWALLOWED:
	case SIM_FATE_ARRIVES:
		break;
	}
	return SIM_WIRE_SWALLOWED;
}

/* Puts each copy of the frame on its way. */
static void carry(struct sim_world *w, unsigned from, unsigned to, const struct sim_frame *f,
		  const struct sim_fate *fate)
{
	for (unsigned i = 0; i < fate->copies; i++) {
		struct sim_event ev = {.at = fate->copy[i].at,
				       .kind = SIM_EVENT_FRAME,
				       .host = to,
				       .from = from,
				       .damaged = fate->copy[i].damaged,
				       .frame = sim_frame_copy(f)};

		if (fate->marked)
			sim_link_mark(link_at(w, from, to), ev.frame);
		if (ev.damaged)
			sim_link_damage(link_at(w, from, to), ev.frame);
		sim_queue_add(&w->queue, &ev);
	}
}

/* A router on the link answers a frame that it drops, after as long as the link takes. */
static void answer(struct sim_world *w, unsigned from, unsigned to, const struct sim_frame *f,
		   const struct sim_fate *fate)
{
	const struct sim_link *l = link_at(w, from, to);
	struct sim_packet pk;

	if (!fate->tells || sim_packet_read(&pk, f) != SIM_PACKET_TCP)
		return;
	sim_world_inject(w, to, from,
			 sim_icmp_make(f, &pk, fate->error, l->cfg.mtu, SIM_ICMP_FROM_ROUTER),
			 l->cfg.delay_ns);
}

/* Bytes of the largest packet that a frame is on the wire. */
static size_t piece_of(const struct sim_frame *f)
{
	struct sim_packet pk;

	if (f->gso_size == 0 || sim_packet_read(&pk, f) != SIM_PACKET_TCP)
		return f->len;
	return pk.tcp.len < f->gso_size ? f->len : f->len - pk.tcp.len + f->gso_size;
}

static void digest(struct sim_world *w, unsigned from, const struct sim_frame *f)
{
	uint64_t word, d = sim_mix(w->digest ^ w->oracle.now) ^ from;

	for (uint32_t i = 0; i < f->len; i += 8) {
		uint32_t left = f->len - i;

		word = 0;
		memcpy(&word, f->bytes + i, left < 8 ? left : 8);
		d = sim_mix(d ^ word);
	}
	w->digest = d;
}

/* Gives a frame to the link that leads to its host. */
static void give_to_link(struct sim_world *w, const struct sim_wire_note *n, struct sim_frame *f)
{
	struct sim_wire_note dropped = *n;
	struct sim_fate fate;

	sim_link_decide(link_at(w, n->from, n->to), n->at, f->len, piece_of(f), &fate);
	if (fate.kind == SIM_FATE_ARRIVES) {
		carry(w, n->from, n->to, f, &fate);
		return;
	}
	dropped.kind = kind_of(fate.kind);
	note(w, &dropped);
	answer(w, n->from, n->to, f, &fate);
}

/* sim_host_ops.send */
static void send_frame(void *user, unsigned from, struct sim_frame *f)
{
	struct sim_world *w = user;
	struct sim_wire_note n = {.at = w->oracle.now, .from = from, .frame = f};

	w->frames++;
	n.to = route(w, f);
	n.kind = SIM_WIRE_SENT;
	note(w, &n);
	if (w->cfg.record_digest)
		digest(w, from, f);
	sim_tap_sent(&w->oracle, &w->talks, f);
	if (w->cfg.hooks.tamper != NULL)
		w->cfg.hooks.tamper(w->cfg.hooks.user, w, from, f);
	if (n.to == SIM_NOBODY) {
		n.kind = SIM_WIRE_UNROUTED;
		note(w, &n);
	} else {
		give_to_link(w, &n, f);
	}
	sim_frame_free(f);
}

void sim_world_inject(struct sim_world *w, unsigned from, unsigned to, struct sim_frame *f,
		      uint64_t delay_ns)
{
	struct sim_event ev = {.at = w->oracle.now + delay_ns,
			       .kind = SIM_EVENT_FRAME,
			       .host = to,
			       .from = from,
			       .forged = true,
			       .frame = f};

	sim_queue_add(&w->queue, &ev);
}

/* --- Making a world ----------------------------------------------------------------------------
 */

/* sim_host_ops.decide_at */
static void decide_at(void *user, unsigned host, struct sim_talk *t, weir_time at)
{
	struct sim_world *w = user;
	struct sim_event ev = {.at = at,
			       .kind = SIM_EVENT_DECIDE,
			       .host = host,
			       .boot = w->talks.boot[host],
			       .talk = t};

	sim_queue_add(&w->queue, &ev);
}

/* sim_host_ops.wake_at */
static void wake_at(void *user, unsigned host, struct sim_talk *t, unsigned side, weir_time at)
{
	struct sim_world *w = user;
	struct sim_event ev = {.at = at,
			       .kind = SIM_EVENT_WAKE,
			       .host = host,
			       .side = side,
			       .boot = w->talks.boot[host],
			       .talk = t};

	sim_queue_add(&w->queue, &ev);
}

static void on_trace(void *user, const struct weir_trace_record *r)
{
	const struct sim_tracer *tracer = user;
	const struct sim_hooks *hooks = &tracer->world->cfg.hooks;

	hooks->trace(hooks->user, tracer->host, r);
}

void sim_world_init(struct sim_world *w, const struct sim_world_config *cfg)
{
	memset(w, 0, sizeof(*w));
	w->cfg = *cfg;
	w->oracle.now = w->oracle.start = cfg->start;
	sim_talks_init(&w->talks, cfg->talks_max);
	w->host = sim_alloc(cfg->hosts_max, sizeof(*w->host));
	w->tracer = sim_alloc(cfg->hosts_max, sizeof(*w->tracer));
	w->link = sim_alloc((size_t)cfg->hosts_max * cfg->hosts_max, sizeof(*w->link));
}

void sim_world_free(struct sim_world *w)
{
	sim_queue_free(&w->queue);
	for (unsigned i = 0; i < w->host_count; i++)
		sim_host_free(&w->host[i]);
	sim_talks_free(&w->talks);
	free(w->host);
	free(w->tracer);
	free(w->link);
	memset(w, 0, sizeof(*w));
}

unsigned sim_world_host_add(struct sim_world *w, const struct sim_host_config *cfg)
{
	static const struct sim_link_config plain = {.delay_ns = 1000000, .dead_from = WEIR_NEVER};
	struct sim_host_config mine = *cfg;
	unsigned number = w->host_count++;
	struct sim_host *h = &w->host[number];

	weir_assert(number < w->cfg.hosts_max && number < SIM_HOSTS_MAX);
	h->number = number;
	h->oracle = &w->oracle;
	h->talks = &w->talks;
	h->ops = (struct sim_host_ops){
		.send = send_frame, .decide_at = decide_at, .wake_at = wake_at, .user = w};
	if (w->cfg.hooks.trace != NULL) {
		w->tracer[number].world = w;
		w->tracer[number].host = number;
		mine.stack.trace = on_trace;
		mine.stack.trace_user = &w->tracer[number];
	}
	if (w->oracle.timewait_ns == 0 ||
	    mine.stack.timewait_ms * NS_PER_MS < w->oracle.timewait_ns)
		w->oracle.timewait_ns = mine.stack.timewait_ms * NS_PER_MS;
	sim_host_init(h, &mine, sim_mix(w->cfg.seed ^ sim_mix(number)), w->cfg.start);
	for (unsigned i = 0; i <= number; i++) {
		sim_world_link_set(w, number, i, &plain);
		sim_world_link_set(w, i, number, &plain);
	}
	return number;
}

void sim_world_link_set(struct sim_world *w, unsigned from, unsigned to,
			const struct sim_link_config *cfg)
{
	uint64_t seed = sim_mix(w->cfg.seed) ^ sim_mix(from * w->cfg.hosts_max + to + 1);

	sim_link_init(link_at(w, from, to), cfg, seed);
}

static struct weir_addr addr_of(const struct sim_host *h, uint8_t family)
{
	for (unsigned i = 0; i < h->cfg.addr_count; i++)
		if (h->cfg.addr[i].family == family)
			return h->cfg.addr[i];
	weir_assert(!"a host without an address of the talk's family");
	return h->cfg.addr[0];
}

/* Puts the opening of a talk into the queue; its times count from `base`. */
static void schedule_talk(struct sim_world *w, struct sim_talk *t, weir_time base)
{
	struct sim_event ev = {.kind = SIM_EVENT_OPEN, .talk = t};

	ev.host = t->spec.host[0];
	ev.at = base + t->spec.open_at;
	sim_queue_add(&w->queue, &ev);
	if (t->spec.open == SIM_OPEN_BOTH) {
		ev.host = t->spec.host[1];
		ev.at = base + t->spec.open_at_1;
		ev.side = 1;
		sim_queue_add(&w->queue, &ev);
	}
	t->scheduled = true;
}

void sim_world_talk_add(struct sim_world *w, const struct sim_talk_spec *spec)
{
	struct sim_talk *t = sim_talks_add(&w->talks, spec, w->cfg.seed);

	weir_assert(t != NULL);
	for (unsigned side = 0; side < 2; side++) {
		t->at[side].addr = addr_of(&w->host[spec->host[side]], spec->family);
		t->at[side].port = spec->port[side];
	}
	if (spec->skip)
		t->scheduled = true;
	else if (spec->after == SIM_TALK_NONE)
		schedule_talk(w, t, 0);
	else
		w->waiting++;
}

static void add_pair(struct sim_world *w, const struct sim_trouble *t,
		     const struct sim_event *begins, const struct sim_event *ends)
{
	sim_queue_add(&w->queue, begins);
	if (t->for_ns != WEIR_NEVER)
		sim_queue_add(&w->queue, ends);
}

void sim_world_trouble_add(struct sim_world *w, const struct sim_trouble *t)
{
	weir_time at = w->cfg.start + t->at;
	weir_time until = t->for_ns == WEIR_NEVER ? WEIR_NEVER : at + t->for_ns;
	struct sim_event begins = {.at = at, .host = t->host, .until = until};
	struct sim_event ends = {.at = until, .host = t->host};

	if (t->kind != SIM_TROUBLE_CRASH && t->kind != SIM_TROUBLE_DEAF) {
		begins.host = ends.host = t->to;
		begins.from = ends.from = t->from;
	}
	switch (t->kind) {
	case SIM_TROUBLE_CRASH:
		begins.kind = SIM_EVENT_CRASH;
		ends.kind = SIM_EVENT_BOOT;
		break;
	case SIM_TROUBLE_DEAF:
		begins.kind = SIM_EVENT_DEAFEN;
		ends.kind = SIM_EVENT_HEAR;
		break;
	case SIM_TROUBLE_CUT:
		begins.kind = SIM_EVENT_CUT;
		ends.kind = SIM_EVENT_MEND;
		break;
	case SIM_TROUBLE_MTU:
		begins.kind = ends.kind = SIM_EVENT_MTU;
		begins.mtu = t->mtu;
		ends.mtu = link_at(w, t->from, t->to)->cfg.mtu;
		break;
	}
	add_pair(w, t, &begins, &ends);
}

/* --- Running -----------------------------------------------------------------------------------
 */

static void run_frame(struct sim_world *w, const struct sim_event *ev)
{
	struct sim_host *h = &w->host[ev->host];
	struct sim_wire_note n = {.at = ev->at,
				  .kind = h->stack != NULL ? SIM_WIRE_ARRIVED : SIM_WIRE_SWALLOWED,
				  .from = ev->from,
				  .to = ev->host,
				  .damaged = ev->damaged,
				  .forged = ev->forged,
				  .frame = ev->frame};

	note(w, &n);
	if (h->stack != NULL) {
		sim_tap_arrived(&w->oracle, &w->talks, ev->frame,
				ev->forged ? SIM_MAKER_FORGER : SIM_MAKER_HOST);
		sim_host_input(h, ev->frame, ev->at);
	}
	sim_frame_free(ev->frame);
}

/* An opening waits until its host is back. */
static void run_open(struct sim_world *w, const struct sim_event *ev)
{
	struct sim_host *h = &w->host[ev->host];
	struct sim_event later = *ev;

	if (h->stack != NULL || h->up_at == WEIR_NEVER) {
		sim_host_open(h, ev->talk, ev->side, ev->at);
		return;
	}
	later.at = h->up_at + (ev->at - w->cfg.start) % OPEN_SPREAD_NS;
	sim_queue_add(&w->queue, &later);
}

static void run_trouble(struct sim_world *w, const struct sim_event *ev)
{
	struct sim_host *h = &w->host[ev->host];
	struct sim_link *l = link_at(w, ev->from, ev->host);

	switch (ev->kind) {
	case SIM_EVENT_CRASH:
		if (h->stack != NULL)
			sim_host_crash(h, ev->until);
		break;
	case SIM_EVENT_BOOT:
		if (h->stack == NULL)
			sim_host_boot(h, ev->at);
		break;
	case SIM_EVENT_DEAFEN:
		if (h->stack != NULL)
			sim_host_deafen(h);
		break;
	case SIM_EVENT_HEAR:
		if (h->stack != NULL)
			sim_host_hear(h);
		break;
	case SIM_EVENT_CUT:
	case SIM_EVENT_MEND:
		l->cut = ev->kind == SIM_EVENT_CUT;
		break;
	case SIM_EVENT_MTU:
		l->cfg.mtu = ev->mtu;
		break;
	case SIM_EVENT_FRAME:
	case SIM_EVENT_OPEN:
	case SIM_EVENT_DECIDE:
	case SIM_EVENT_WAKE:
		break;
	}
}

static void run_event(struct sim_world *w, const struct sim_event *ev)
{
	struct sim_host *h = &w->host[ev->host];
	bool mine = h->stack != NULL && ev->boot == w->talks.boot[ev->host];

	switch (ev->kind) {
	case SIM_EVENT_FRAME:
		run_frame(w, ev);
		break;
	case SIM_EVENT_OPEN:
		run_open(w, ev);
		break;
	case SIM_EVENT_DECIDE:
		if (mine)
			sim_host_decide(h, ev->talk, ev->at);
		break;
	case SIM_EVENT_WAKE:
		if (mine)
			sim_host_wake(h, ev->talk, ev->side, ev->at);
		break;
	case SIM_EVENT_CRASH:
	case SIM_EVENT_BOOT:
	case SIM_EVENT_DEAFEN:
	case SIM_EVENT_HEAR:
	case SIM_EVENT_CUT:
	case SIM_EVENT_MEND:
	case SIM_EVENT_MTU:
		run_trouble(w, ev);
		break;
	}
}

/* The host whose deadline is nearest; NULL: none has one. */
static struct sim_host *nearest_host(struct sim_world *w)
{
	struct sim_host *best = NULL;

	for (unsigned i = 0; i < w->host_count; i++)
		if (w->host[i].deadline != WEIR_NEVER &&
		    (best == NULL || w->host[i].deadline < best->deadline))
			best = &w->host[i];
	return best;
}

/* Talks that wait for others: those whose predecessor has just ended are opened. */
static void schedule_waiting(struct sim_world *w)
{
	for (uint32_t i = 0; w->waiting > 0 && i < w->talks.count; i++) {
		struct sim_talk *t = &w->talks.list[i], *before;

		if (t->scheduled)
			continue;
		before = &w->talks.list[t->spec.after];
		if (!before->spec.skip &&
		    (before->end[0].phase != SIM_PHASE_ENDED ||
		     (before->end[1].phase != SIM_PHASE_ENDED && !t->spec.hasty)))
			continue;
		schedule_talk(w, t, w->oracle.now);
		w->waiting--;
	}
}

/* One step. false: nothing more will happen, or it is beyond a bound. */
static bool step(struct sim_world *w)
{
	struct sim_host *h = nearest_host(w);
	weir_time at = sim_queue_next(&w->queue);

	if (h != NULL && h->deadline < at)
		at = h->deadline;
	else
		h = NULL;
	if (at == WEIR_NEVER)
		return false;
	if (w->cfg.steps_stop != 0 && w->steps + 1 >= w->cfg.steps_stop) {
		w->stopped = true;
		return false;
	}
	if (at - w->cfg.start > w->cfg.horizon_ns || ++w->steps > w->cfg.steps_max) {
		sim_oracle_fail(&w->oracle, "not ended after %llu steps; next: %s",
				(unsigned long long)w->steps,
				h != NULL ? "a stack's deadline" : "an event");
		return false;
	}
	w->oracle.now = at;
	w->oracle.step = w->steps;
	if (w->cfg.hooks.step != NULL)
		w->cfg.hooks.step(w->cfg.hooks.user, w->steps);
	if (h != NULL) {
		sim_host_deadline(h, at);
	} else {
		struct sim_event ev = sim_queue_take(&w->queue);

		run_event(w, &ev);
	}
	schedule_waiting(w);
	return true;
}

bool sim_world_run(struct sim_world *w)
{
	schedule_waiting(w);
	while (!w->oracle.failed && step(w))
		;
	if (w->stopped)
		return !w->oracle.failed;
	for (uint32_t i = 0; i < w->talks.count && !w->oracle.failed; i++)
		sim_oracle_finish(&w->oracle, &w->talks.list[i]);
	for (unsigned i = 0; i < w->host_count && !w->oracle.failed; i++)
		sim_host_finish(&w->host[i]);
	return !w->oracle.failed;
}
