/*
 * Theory of operation
 *
 * A state is two engines, the segments between them, what the applications were told, and what is
 * left of the budgets. Nothing happens but by an action:
 *
 *   deliver a segment     any of those in flight, so that they overtake each other as they like
 *   repeat a segment      the same, and a copy stays in flight (budget `dups`)
 *   drop a segment        budget `drops`. Copies and old segments need no dropping: a run may end
 *                         while they are still in flight
 *   let time pass         to the next timer of either end. For nothing while no segment is in
 *                         flight that has to arrive; otherwise that is a delay (budget `delays`).
 *                         Segments older than an MSL are gone then
 *   call                  connect, send, shutdown, close, abort: whichever the scenario allows, by
 *                         either end, at any time
 *
 * Each action takes no time, but that one tick passes whenever an initial sequence number was
 * chosen: no two incarnations begin with the same number (RFC 9293 3.4.1). The passive side never
 * uses more numbers than its clock has ticks; the active side may (a send is longer than a tick),
 * as a fast connection does, and then old segments lie in the window of the next incarnation.
 *
 * An application never lets its peer wait for weeks: time does not pass while the next timer is
 * further away than EX_PATIENCE_NS and a call is still to be made.
 *
 * Since budgets only shrink and time passes for nothing only when there is nothing else, the number
 * of states is finite.
 */
#include "sim/explore/world.h"

#include <string.h>

#include "base/assert.h"
#include "stack/stack.h"

#define START_NS (3600ull * 1000000000ull)
#define TICK_NS  32000u /* eight initial sequence numbers */

static void start(struct ex_world *w);

void ex_world_init(struct ex_world *w, const struct ex_scenario *s, const struct ex_bounds *b,
		   unsigned variant, enum ex_tamper tamper, const struct ex_observer *o)
{
	memset(w, 0, sizeof(*w));
	w->scenario = s;
	w->tamper = tamper;
	w->variant = variant;
	w->now = START_NS;
	for (unsigned h = 0; h < EX_HOSTS; h++)
		ex_host_init(w, h, o);
	w->stack_bytes = weir_stack_bytes(weir_stack_config(w->host[0].stack));
	start(w);
	w->drops = b->drops;
	w->dups = b->dups;
	w->delays = b->delays;
	ex_old_init(w);
}

/* --- Saving and restoring ----------------------------------------------------------------- */

/* Copies a stack's memory, but for the buffer pages that were never taken. The addresses in it are
 * those of `base`, the place where the engine runs. */
static void copy_memory(uint8_t *to, const uint8_t *from, const uint8_t *base,
			const struct weir_stack *at, size_t bytes)
{
	const struct weir_stack *s = (const void *)(from + ((const uint8_t *)at - base));
	const struct pool *pages = &s->env.pages;
	size_t first = (size_t)(pages->slots - base);
	size_t used = first + (size_t)pages->fresh * pages->stride;
	size_t end = first + (size_t)pages->count * pages->stride;

	memcpy(to, from, used);
	memcpy(to + end, from + end, bytes - end);
}

static void copy(struct ex_world *to, const struct ex_world *from, const struct ex_world *live,
		 const bool *which)
{
	for (unsigned h = 0; h < EX_HOSTS; h++)
		if (which[h])
			copy_memory(to->memory[h], from->memory[h], live->memory[h],
				    from->host[h].stack, from->stack_bytes);
	memcpy(to, from, offsetof(struct ex_world, memory));
	memset(to->touched, 0, sizeof(to->touched));
}

static const bool both[EX_HOSTS] = {true, true};

void ex_world_save(struct ex_world *to, const struct ex_world *live)
{
	copy(to, live, live, both);
}

void ex_world_restore(struct ex_world *live, const struct ex_world *from)
{
	copy(live, from, live, both);
}

void ex_world_undo(struct ex_world *live, const struct ex_world *from)
{
	copy(live, from, live, live->touched);
}

/* --- What may happen ---------------------------------------------------------------------- */

static weir_time next_timer(const struct ex_world *w)
{
	weir_time a = ex_host_next(w, EX_A), b = ex_host_next(w, EX_B);

	return a < b ? a : b;
}

static bool seen_before(const uint64_t *key, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (key[k] == key[i])
			return true;
	return false;
}

/* Segments in flight that have to arrive. */
static unsigned pending(const struct ex_world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->frames; i++)
		n += !w->frame[i].spare;
	return n;
}

static unsigned net_actions(const struct ex_world *w, struct ex_action *out)
{
	uint64_t key[EX_FRAMES_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < w->frames; i++) {
		const struct ex_frame *f = &w->frame[i];

		key[i] = ex_frame_key(w, i);
		if (seen_before(key, i))
			continue;
		out[n++] = (struct ex_action){.kind = EX_DELIVER, .arg = (uint8_t)i};
		if (w->dups && !f->spare)
			out[n++] = (struct ex_action){.kind = EX_REPEAT, .arg = (uint8_t)i};
		if (w->drops && !f->spare)
			out[n++] = (struct ex_action){.kind = EX_DROP, .arg = (uint8_t)i};
	}
	return n;
}

bool ex_stays_open(const struct ex_world *w, const struct ex_host *h, const struct ex_conn *c)
{
	const struct ex_host *a = &w->host[EX_A];

	if (w->scenario->last != EX_END_NEVER)
		return false;
	if (h != a)
		c = ex_peer(w, EX_B, c->pair);
	return c && c == &a->conn[w->scenario->connects - 1];
}

static bool may(const struct ex_world *w, const struct ex_host *h, const struct ex_conn *c,
		enum ex_kind kind)
{
	enum ex_ending ending = ex_stays_open(w, h, c) ? EX_END_NEVER : w->scenario->ending;

	switch (kind) {
	case EX_SEND:
		return h->sends && c->up && !c->shut && !c->sent;
	case EX_SHUTDOWN:
		return ending != EX_END_CLOSE && ending != EX_END_NEVER && c->up && !c->shut;
	case EX_CLOSE:
		return ending >= EX_END_CLOSE && c->up && !c->closed;
	case EX_ABORT:
		return h->aborts;
	case EX_DELIVER:
	case EX_REPEAT:
	case EX_DROP:
	case EX_TIME:
	case EX_CONNECT:
	case EX_KINDS:
		break;
	}
	return false;
}

static unsigned call_actions(const struct ex_world *w, unsigned h, struct ex_action *out)
{
	const struct ex_host *host = &w->host[h];
	bool idle = true;
	unsigned n = 0;

	for (unsigned i = 0; i < host->conns; i++) {
		const struct ex_conn *c = &host->conn[i];

		for (unsigned k = EX_SEND; c->live && k <= EX_ABORT; k++)
			if (may(w, host, c, (enum ex_kind)k))
				out[n++] = (struct ex_action){(uint8_t)k, (uint8_t)h, (uint8_t)i};
		idle = idle && !c->live;
	}
	if (idle && host->connects && ex_host_may_connect(w, h))
		out[n++] = (struct ex_action){.kind = EX_CONNECT, .host = (uint8_t)h};
	return n;
}

unsigned ex_world_actions(const struct ex_world *w, struct ex_action *out)
{
	weir_time next = next_timer(w);
	unsigned n = net_actions(w, out);

	if (next != WEIR_NEVER && next < w->now + EX_PATIENCE_NS && (pending(w) == 0 || w->delays))
		out[n++] = (struct ex_action){.kind = EX_TIME};
	for (unsigned h = 0; h < EX_HOSTS; h++)
		n += call_actions(w, h, out + n);
	return n;
}

bool ex_world_may_end(const struct ex_world *w, const struct ex_action *actions, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (actions[i].kind != EX_DELIVER || !w->frame[actions[i].arg].spare)
			return false;
	return true;
}

/* --- Doing it ----------------------------------------------------------------------------- */

static void deliver(struct ex_world *w, unsigned i)
{
	struct ex_frame f = w->frame[i];
	struct weir_frame in = {.bytes = f.bytes, .len = f.len};

	struct tcp_seg seg;
	enum weir_counter verdict;

	ex_frame_remove(w, i);
	ex_frame_read(&f, &seg);
	in.flags = f.changed ? WEIR_FRAME_CSUM_OK : 0;
	verdict = weir_input(w->host[f.to].stack, &in, w->now);
	if ((seg.flags & TCP_FIN) && !f.spare &&
	    (verdict == WEIR_CTR_NO_OWNER || verdict == WEIR_CTR_LISTEN_ACK))
		w->late_fin = true;
	ex_host_run(w, f.to);
}

/* The copy lies where the segment lay before. */
static void repeat(struct ex_world *w, unsigned i)
{
	struct ex_frame *copied = ex_frame_new(w);

	if (!copied)
		return;
	*copied = w->frame[i];
	copied->spare = true;
	w->dups--;
	deliver(w, i);
}

static void pass_time(struct ex_world *w)
{
	w->delays = (uint8_t)(w->delays - (pending(w) > 0));
	w->now = next_timer(w);
	for (unsigned i = w->frames; i > 0; i--)
		if (w->now / NS_PER_MS - w->frame[i - 1].born_ms >= EX_MSL_MS)
			ex_frame_remove(w, i - 1);
	for (unsigned h = 0; h < EX_HOSTS; h++)
		ex_host_run(w, h);
}

static void renumber(struct ex_world *w, unsigned h)
{
	struct ex_host *host = &w->host[h];
	uint32_t isn = ex_isn_next(w, h);

	if (isn - host->isn >= EX_FAR) {
		w->overflow = w->overflow || host->pasts == EX_PASTS_MAX;
		if (!w->overflow)
			host->past[host->pasts++] = host->isn;
	}
	host->isn = isn;
}

/* The clock of initial sequence numbers ticks after each that was taken from it. */
static void tick(struct ex_world *w)
{
	bool ticked = false;

	for (unsigned h = 0; h < EX_HOSTS; h++) {
		struct ex_host *host = &w->host[h];

		if (host->stack->flow_last == host->flows)
			continue;
		host->flows = host->stack->flow_last;
		renumber(w, h);
		ticked = true;
	}
	if (!ticked)
		return;
	w->now += TICK_NS;
	for (unsigned h = 0; h < EX_HOSTS; h++)
		if (ex_host_next(w, h) <= w->now)
			ex_host_run(w, h);
}

void ex_world_apply(struct ex_world *w, const struct ex_action *a)
{
	w->violated = 0;
	switch ((enum ex_kind)a->kind) {
	case EX_DELIVER:
		deliver(w, a->arg);
		break;
	case EX_REPEAT:
		repeat(w, a->arg);
		break;
	case EX_DROP:
		w->drops = (uint8_t)(w->drops - !w->frame[a->arg].spare);
		ex_frame_remove(w, a->arg);
		break;
	case EX_TIME:
		pass_time(w);
		break;
	case EX_CONNECT:
	case EX_SEND:
	case EX_SHUTDOWN:
	case EX_CLOSE:
	case EX_ABORT:
		ex_host_call(w, a);
		ex_host_run(w, a->host);
		break;
	case EX_KINDS:
		break;
	}
	tick(w);
	ex_judge_step(w);
}

/* What comes before the first state, without any harm. */
static void start(struct ex_world *w)
{
	struct ex_action connect_a = {.kind = EX_CONNECT, .host = EX_A};
	struct ex_action connect_b = {.kind = EX_CONNECT, .host = EX_B};
	struct ex_action first = {.kind = EX_DELIVER};

	if (w->scenario->start == EX_START_CLOSED)
		return;
	ex_world_apply(w, &connect_a);
	if (w->scenario->start == EX_START_CROSSED)
		ex_world_apply(w, &connect_b);
	while (w->scenario->start == EX_START_ESTABLISHED && w->frames)
		ex_world_apply(w, &first);
}
