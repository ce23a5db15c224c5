/*
 * host.c: one stack and the applications on it.
 *
 * Theory of operation
 *
 * A host does with its stack what weir.h asks of every user: input each frame, output until there
 * is nothing, read events until there are none, sleep until the deadline. A step is one cause (a
 * frame, an application's turn, the deadline), followed by settle(): packets and events in turns
 * until the stack has neither, since an event makes an application send, and output runs timers,
 * which make events. Then all invariants of the stack are checked and its deadline is noted, which
 * must lie ahead: a deadline that has passed while there is nothing to do would be a busy loop.
 *
 * A connection's user value is the number of its talk and its side plus one, so that each event
 * finds its application and a wrong value is noticed. A held SYN finds its talk by its endpoints.
 *
 * Limits: at most OUTPUT_MAX packets in one step; a stack that sends more without input is broken.
 */
#include "sim/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim/app.h"
#include "sim/model.h"
#include "stack/check.h"

#define IP6_MTU_MIN 1280u
#define STACK_ALIGN 64u
#define OUTPUT_MAX  100000u

static uint64_t user_of(const struct sim_talk *t, unsigned side)
{
	return ((uint64_t)t->number << 1 | side) + 1;
}

static struct sim_app app_of(struct sim_host *h, struct sim_talk *t, unsigned side)
{
	return (struct sim_app){.stack = h->stack,
				.oracle = h->oracle,
				.talks = h->talks,
				.talk = t,
				.side = side,
				.now = h->oracle->now};
}

static void run_app(struct sim_host *h, struct sim_talk *t, unsigned side)
{
	struct sim_app a = app_of(h, t, side);

	sim_app_run(&a);
	if (t->end[side].wake != WEIR_NEVER)
		h->ops.wake_at(h->ops.user, h->number, t, side, t->end[side].wake);
}

/* --- Making and ending -------------------------------------------------------------------------
 */

/* Each boot has a key of its own, as hosts do that take one at random: a stack that forgot which of
 * its cookies were used must not know them again. */
static void new_cookie_key(struct sim_host *h)
{
	uint64_t seed, key[2];

	memcpy(&seed, h->cfg.stack.isn_key, sizeof(seed));
	for (unsigned i = 0; i < 2; i++)
		key[i] = sim_mix(seed ^ sim_mix(2 * h->talks->boot[h->number] + i));
	weir_cookie_keys_set(h->stack, (const uint8_t *)key, NULL);
}

static enum weir_err make_stack(struct sim_host *h, size_t bytes, weir_time now)
{
	const struct weir_config *c = &h->cfg.stack;
	enum weir_err err = weir_stack_init(&h->stack, h->memory, bytes, c, now);

	for (unsigned i = 0; err == WEIR_OK && i < h->cfg.addr_count; i++) {
		const struct weir_addr *a = &h->cfg.addr[i];

		if (a->family == 6 && c->link_mtu < IP6_MTU_MIN)
			continue; /* such a link carries no IPv6 */
		err = weir_addr_add(h->stack, a, a->family == 4 ? 8 : 64);
	}
	if (err == WEIR_OK)
		new_cookie_key(h);
	return err;
}

static void settle(struct sim_host *h);

static bool start(struct sim_host *h, weir_time now)
{
	size_t bytes = weir_stack_bytes(&h->cfg.stack);
	enum weir_err err;

	if (bytes == 0) {
		sim_oracle_fail(h->oracle, "host %u: the configuration is refused", h->number);
		return false;
	}
	bytes = (bytes + STACK_ALIGN - 1) / STACK_ALIGN * STACK_ALIGN;
	h->memory = aligned_alloc(STACK_ALIGN, bytes);
	weir_assert(h->memory != NULL);
	err = make_stack(h, bytes, now);
	if (err != WEIR_OK)
		sim_oracle_fail(h->oracle, "host %u: the stack is refused: %s", h->number,
				weir_err_text(err));
	return err == WEIR_OK;
}

bool sim_host_init(struct sim_host *h, const struct sim_host_config *cfg, uint64_t seed,
		   weir_time now)
{
	struct weir_config *c = &h->cfg.stack;

	h->cfg = *cfg;
	h->deadline = WEIR_NEVER;
	sim_rng_seed(&h->rng, seed);
	c->link_mtu = cfg->device.mtu;
	c->link_gso_max = cfg->device.gso == SIM_GSO_NONE ? 0 : cfg->device.gso_max;
	c->link_csum_offload = cfg->device.csum == SIM_CSUM_OFFLOAD;
	return start(h, now);
}

void sim_host_free(struct sim_host *h)
{
	free(h->memory);
	h->memory = NULL;
	h->stack = NULL;
}

/* What was open there is lost: the application went down with it. */
static void lose_ends(struct sim_host *h)
{
	for (uint32_t i = 0; i < h->talks->count; i++)
		for (unsigned side = 0; side < 2; side++) {
			struct sim_talk *t = &h->talks->list[i];
			struct sim_end *e = &t->end[side];

			if (t->spec.host[side] != h->number ||
			    (e->phase != SIM_PHASE_OPENING && e->phase != SIM_PHASE_OPEN))
				continue;
			e->lost = true;
			sim_oracle_end(h->oracle, t, side, WEIR_ABORTED);
		}
}

void sim_host_crash(struct sim_host *h, weir_time up_at)
{
	lose_ends(h);
	sim_host_free(h);
	h->deadline = WEIR_NEVER;
	h->up_at = up_at;
	h->talks->boot[h->number]++;
}

static void listen_again(struct sim_host *h, unsigned i)
{
	enum weir_err err = weir_listen(h->stack, &h->listens[i], &h->listener[i]);

	if (err != WEIR_OK)
		sim_oracle_fail(h->oracle, "host %u: weir_listen says \"%s\"", h->number,
				weir_err_text(err));
}

void sim_host_boot(struct sim_host *h, weir_time now)
{
	struct weir_config *c = &h->cfg.stack;

	for (unsigned i = 0; i < sizeof(c->hash_key); i++) {
		c->hash_key[i] = (uint8_t)sim_rng_next(&h->rng);
		c->isn_key[i] = (uint8_t)sim_rng_next(&h->rng);
	}
	if (!start(h, now))
		return;
	h->deaf = true;
	sim_host_hear(h);
}

void sim_host_deafen(struct sim_host *h)
{
	for (unsigned i = 0; i < h->listener_count && !h->deaf; i++)
		if (weir_listener_close(h->stack, h->listener[i]) != WEIR_OK)
			sim_oracle_fail(h->oracle, "host %u: a listener is gone", h->number);
	h->deaf = true;
	settle(h);
}

void sim_host_hear(struct sim_host *h)
{
	for (unsigned i = 0; i < h->listener_count && h->deaf; i++)
		listen_again(h, i);
	h->deaf = false;
}

void sim_host_listen_args(struct sim_host *h, const struct weir_listen_args *args)
{
	weir_assert(h->listener_count < SIM_LISTENERS_MAX);
	h->listens[h->listener_count] = *args;
	listen_again(h, h->listener_count++);
}

void sim_host_listen(struct sim_host *h, uint16_t port, enum weir_accept_mode mode)
{
	struct weir_listen_args args = {.local = {.port = port}, .mode = mode};

	sim_host_listen_args(h, &args);
}

void sim_host_finish(struct sim_host *h)
{
	struct weir_usage usage;

	if (h->stack == NULL)
		return;
	sim_host_deafen(h);
	h->listener_count = 0;
	weir_stack_usage(h->stack, &usage);
	sim_oracle_usage(h->oracle, h->number, &usage);
}

bool sim_host_owns(const struct sim_host *h, const struct weir_addr *addr)
{
	for (unsigned i = 0; i < h->cfg.addr_count; i++)
		if (sim_addr_equal(&h->cfg.addr[i], addr))
			return true;
	return false;
}

/* --- Events ------------------------------------------------------------------------------------
 */

/* The talk of a SYN: the one whose opener has sent it. */
static struct sim_talk *talk_of_syn(struct sim_host *h, const struct weir_event *ev)
{
	unsigned side;
	struct sim_talk *t = sim_talks_find(h->talks, &ev->tuple.local, &ev->tuple.remote, &side);

	if (t == NULL || side != 1 || sim_life_of_isn(h->talks, t, 0, h->syn_seq, &t) == NULL)
		return NULL;
	return t;
}

static void on_syn(struct sim_host *h, const struct weir_event *ev)
{
	struct sim_talk *t = talk_of_syn(h, ev);

	if (t == NULL) {
		sim_oracle_fail(h->oracle, "host %u: a held SYN of no talk", h->number);
		return;
	}
	t->end[1].half = ev->half;
	weir_half_user_set(h->stack, ev->half, user_of(t, 1));
	h->ops.decide_at(h->ops.user, h->number, t, h->oracle->now + t->spec.reply_after_ns);
}

/* An old SYN came again after the connection had ended, and the ISN that answers it lies among the
 * numbers that were used just now, since they were used faster than the ISN's clock runs: an old
 * ACK may fit. The three handshakes cannot help then (RFC 9293 3.4.3). */
static bool is_overrun(const struct sim_talk *t)
{
	const struct sim_wire_end *now = &t->wire[1], *was = now->past;

	return was != NULL && was->boot == now->boot &&
	       seq_gt(seq_make(now->iss), seq_make(was->iss)) &&
	       seq_leq(seq_make(now->iss), seq_make(was->nxt));
}

static void on_accepted(struct sim_host *h, const struct weir_event *ev)
{
	unsigned side;
	struct sim_talk *t = sim_talks_find(h->talks, &ev->tuple.local, &ev->tuple.remote, &side);
	struct sim_app a;

	if (t != NULL && side == 1)
		t = sim_talks_owner(h->talks, t, side);
	if (t != NULL && side == 1 && t->end[1].phase != SIM_PHASE_NONE && is_overrun(t)) {
		weir_abort(h->stack, ev->conn, h->oracle->now);
		return;
	}
	if (t == NULL || side != 1 || t->end[1].phase != SIM_PHASE_NONE) {
		sim_oracle_fail(h->oracle, "host %u: accepted a connection that nobody opened",
				h->number);
		return;
	}
	a = app_of(h, t, 1);
	t->end[1].phase = SIM_PHASE_OPEN;
	t->end[1].ever_open = true;
	t->end[1].life = t->wire[1].life;
	t->end[1].rcvbuf = t->end[1].rcvbuf_least = (uint32_t)h->cfg.stack.rcvbuf;
	sim_app_opened(&a, ev->conn);
	if (weir_conn_user_set(h->stack, ev->conn, user_of(t, 1)) != WEIR_OK)
		sim_oracle_fail(h->oracle, "host %u: an accepted connection is gone", h->number);
	run_app(h, t, 1);
}

static void on_conn_event(struct sim_host *h, const struct weir_event *ev)
{
	uint64_t number = (ev->user - 1) >> 1;
	unsigned side = (unsigned)((ev->user - 1) & 1);
	struct sim_app a;

	if (ev->user == 0 || number >= h->talks->count) {
		sim_oracle_fail(h->oracle, "host %u: event %s with the user value %llu", h->number,
				weir_event_name(ev->kind), (unsigned long long)ev->user);
		return;
	}
	a = app_of(h, &h->talks->list[number], side);
	sim_app_event(&a, ev);
	run_app(h, a.talk, side);
}

static void on_event(struct sim_host *h, const struct weir_event *ev)
{
	switch (ev->kind) {
	case WEIR_EV_SYN:
		on_syn(h, ev);
		break;
	case WEIR_EV_ACCEPTED:
		on_accepted(h, ev);
		break;
	case WEIR_EV_HALF_GONE:
		break;
	case WEIR_EV_CONNECTED:
	case WEIR_EV_READABLE:
	case WEIR_EV_WRITABLE:
	case WEIR_EV_URGENT:
	case WEIR_EV_SOFT_ERROR:
	case WEIR_EV_CLOSED:
		on_conn_event(h, ev);
		break;
	case WEIR_EV_COUNT:
		sim_oracle_fail(h->oracle, "host %u: not an event", h->number);
		break;
	}
}

/* --- Steps -------------------------------------------------------------------------------------
 */

static void take_frame(void *user, struct sim_frame *f)
{
	struct sim_host *h = user;

	h->packets_out++;
	h->ops.send(h->ops.user, h->number, f);
}

static bool give_out(struct sim_host *h)
{
	struct weir_packet p;
	const char *fault;

	if (!weir_output(h->stack, &p, h->oracle->now))
		return false;
	fault = sim_device_send(&h->cfg.device, &p, take_frame, h);
	if (fault != NULL)
		sim_oracle_fail(h->oracle, "host %u: %s", h->number, fault);
	sim_model_sent(h);
	return true;
}

static void settle(struct sim_host *h)
{
	struct weir_event ev;
	unsigned packets = 0;
	const char *broken;
	bool did = true;

	while (did && !h->oracle->failed) {
		while (!h->oracle->failed && give_out(h))
			if (++packets > OUTPUT_MAX)
				sim_oracle_fail(h->oracle, "host %u: output has no end", h->number);
		/* Last, since a timer that output ran may have made an event. */
		did = false;
		while (!h->oracle->failed && weir_event_next(h->stack, &ev)) {
			on_event(h, &ev);
			did = true;
		}
	}
	broken = weir_stack_check(h->stack);
	if (broken != NULL)
		sim_oracle_fail(h->oracle, "host %u: invariant: %s", h->number, broken);
	h->deadline = weir_deadline(h->stack, h->oracle->now);
	if (h->deadline <= h->oracle->now)
		sim_oracle_fail(h->oracle, "host %u: a deadline has passed, but nothing is to do",
				h->number);
	if (!h->oracle->failed)
		sim_model_step(h);
}

void sim_host_input(struct sim_host *h, const struct sim_frame *f, weir_time now)
{
	struct weir_frame frame;
	struct sim_packet pk;

	if (sim_packet_read(&pk, f) == SIM_PACKET_TCP)
		h->syn_seq = pk.tcp.seq.v;
	sim_device_receive(&h->cfg.device, f, &frame);
	weir_input(h->stack, &frame, now);
	settle(h);
}

/* A host may be full, or still hold an earlier life of the pair. */
static bool may_refuse_open(struct sim_host *h, struct sim_talk *t, unsigned side,
			    enum weir_err err)
{
	struct weir_usage usage;

	weir_stack_usage(h->stack, &usage);
	if (err == WEIR_NO_RESOURCES)
		return usage.conns == h->cfg.stack.conns_max;
	return err == WEIR_EXISTS && t->indexed && sim_talks_owner(h->talks, t, side) != NULL;
}

static void refuse_open(struct sim_host *h, struct sim_talk *t, unsigned side, enum weir_err err)
{
	if (t->spec.expect == SIM_EXPECT_ANY && may_refuse_open(h, t, side, err)) {
		sim_oracle_end(h->oracle, t, side, err);
		return;
	}
	SIM_FAIL_TALK(h->oracle, t, side, "weir_connect says \"%s\"", weir_err_text(err));
}

static const struct weir_addr *addr_of(const struct sim_host *h, uint8_t family)
{
	for (unsigned i = 0; i < h->cfg.addr_count; i++)
		if (h->cfg.addr[i].family == family)
			return &h->cfg.addr[i];
	return NULL;
}

void sim_host_open(struct sim_host *h, struct sim_talk *t, unsigned side, weir_time now)
{
	struct weir_connect_args args = {.remote = t->at[!side], .user = user_of(t, side)};
	struct sim_app a = app_of(h, t, side);
	struct weir_info info;
	weir_conn conn;
	enum weir_err err;

	if (h->stack == NULL) {
		t->end[side].lost = true;
		sim_oracle_end(h->oracle, t, side, WEIR_ABORTED);
		return;
	}
	args.local.port = t->spec.port[side];
	args.local.addr = *addr_of(h, t->spec.family);
	if (args.local.port != 0)
		sim_talks_index(h->talks, t); /* before an answer can come: the port is known */
	err = weir_connect(h->stack, &args, now, &conn);
	if (err == WEIR_OK)
		err = weir_conn_info(h->stack, conn, &info);
	if (err != WEIR_OK) {
		refuse_open(h, t, side, err);
		return;
	}
	t->at[side] = info.tuple.local;
	sim_talks_index(h->talks, t);
	t->end[side].phase = SIM_PHASE_OPENING;
	t->end[side].rcvbuf = t->end[side].rcvbuf_least = (uint32_t)h->cfg.stack.rcvbuf;
	sim_app_opened(&a, conn);
	run_app(h, t, side);
	settle(h);
}

void sim_host_decide(struct sim_host *h, struct sim_talk *t, weir_time now)
{
	enum weir_err err = WEIR_OK;

	switch (t->spec.reply) {
	case SIM_REPLY_ACCEPT:
		err = weir_half_accept(h->stack, t->end[1].half, user_of(t, 1), now);
		break;
	case SIM_REPLY_REFUSE:
		err = weir_half_refuse(h->stack, t->end[1].half, t->spec.refusal, now);
		break;
	}
	/* The record may have ended meanwhile: the peer gave up, or sent another SYN. */
	if (err != WEIR_OK && err != WEIR_NO_CONN)
		sim_oracle_fail(h->oracle, "talk %u: deciding on a SYN says \"%s\"", t->number,
				weir_err_text(err));
	settle(h);
}

void sim_host_wake(struct sim_host *h, struct sim_talk *t, unsigned side, weir_time now)
{
	if (t->end[side].wake != now)
		return; /* it has run since and wants another time */
	run_app(h, t, side);
	settle(h);
}

void sim_host_deadline(struct sim_host *h, weir_time now)
{
	(void)now; /* the oracle's clock is set; settle() runs what is due */
	settle(h);
}
