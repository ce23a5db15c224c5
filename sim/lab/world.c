/*
 * world.c: two hosts, their applications, and virtual time.
 *
 * Theory of operation
 *
 * A step is one cause: a segment that arrives, or the deadline of a stack. It is followed by
 * settle(): events and packets in turns until the stack has neither. Events go first, so that an
 * application that answers at once can have its answer in the segment that acknowledges.
 *
 * Applications read whatever comes and tell the experiment's bytes apart: each connection sends one
 * byte value over and over, its mark, so that a byte from another incarnation is seen for what it
 * is. When the peer's stream ends they do nothing or close as well; all other calls are made by
 * the experiment, between two pieces of time.
 *
 * Everything that is drawn comes from the run's generator: first the plan, then what the experiment
 * itself wants. Variants of a run begin with the same state of it and must draw the same.
 *
 * Limits: LAB_CONNS_MAX connections of a host, STEPS_MAX steps of a run; a run that needs more is
 * broken, and so is one whose engine breaks an invariant: the process ends.
 */
#include "sim/lab/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "weir/check.h"
#include "weir/info.h"

#define STACK_ALIGN 64u
#define STEPS_MAX   1000000u
#define SPANS       8u
#define LINK_MTU    1500u
#define BUFFER      65536u
#define HOUR_NS     (3600ull * LAB_SECOND)
#define PORT_FIRST  1024u

void lab_add(struct lab_run *r, unsigned count, uint64_t value)
{
	struct lab_figure *f = &r->figure[count];

	f->samples++;
	if (r->count[count].merge != LAB_MAX)
		f->value += value;
	else if (value > f->value)
		f->value = value;
}

void lab_add_time(struct lab_run *r, unsigned count, weir_time from, weir_time to)
{
	lab_add(r, count, (to - from) / 1000);
}

/* --- Setting up --------------------------------------------------------------------------- */

/* Small tables: a run takes little memory, and its making little time. */
static void configure(struct lab_run *r, struct weir_config *cfg)
{
	weir_config_default(cfg);
	cfg->conns_max = 16;
	cfg->halfs_max = 16;
	cfg->timewaits_max = 16;
	cfg->listeners_max = 1;
	cfg->pages_max = 64;
	cfg->ranges_max = 64;
	cfg->replies_max = 64;
	cfg->frags_max = 0;
	cfg->link_mtu = LINK_MTU;
	cfg->sndbuf = cfg->rcvbuf = BUFFER;
	cfg->timestamps = sim_rng_below(&r->rng, 2);
	cfg->sack = sim_rng_below(&r->rng, 2);
	cfg->window_scaling = sim_rng_below(&r->rng, 2);
}

void lab_draw(struct lab_run *r)
{
	struct lab_plan *p = &r->world.plan;

	r->world.now = HOUR_NS + sim_rng_below(&r->rng, 1000 * HOUR_NS);
	p->family = sim_rng_below(&r->rng, 2) ? 4 : 6;
	p->delay_ns = sim_rng_range(&r->rng, LAB_MS, 50 * LAB_MS);
	p->port = (uint16_t)sim_rng_range(&r->rng, PORT_FIRST, UINT16_MAX);
	p->backlog = 0;
	p->clients = 1;
	p->listens = true;
	configure(r, &p->cfg);
}

static void add_address(struct lab_node *n, uint8_t family, enum lab_host host)
{
	/* The networks of RFC 5737 and RFC 3849, for documentation. */
	static const struct weir_addr base4 = {4, {192, 0, 2, 0}};
	static const struct weir_addr base6 = {6, {0x20, 0x01, 0x0d, 0xb8}};
	unsigned i = n->addr_count++;
	struct weir_addr *a = &n->addrs[i];

	weir_assert(i < LAB_ADDRS_MAX);
	*a = family == 4 ? base4 : base6;
	if (family == 4) {
		a->bytes[3] = (uint8_t)(host + 1 + LAB_ADDRS_MAX * i);
	} else {
		a->bytes[7] = (uint8_t)i;
		a->bytes[15] = (uint8_t)(host + 1);
	}
	weir_assert(weir_addr_add(n->stack, a, family == 4 ? 24 : 64) == WEIR_OK);
}

static void on_trace(void *user, const struct weir_trace_record *rec)
{
	const struct lab_tracer *t = user;
	struct lab_run *r = t->run;
	struct lab_path *p = &r->sight->path[t->host];

	if (r->flow[t->host] == 0 && rec->before != rec->after) {
		r->flow[t->host] = rec->flow;
		p->state[p->states++] = rec->before;
	}
	if (rec->flow != 0 && rec->flow == r->flow[t->host]) {
		p->iss = rec->iss != 0 ? rec->iss : p->iss;
		if (rec->after != p->state[p->states - 1] && p->states < LAB_PATH_MAX)
			p->state[p->states++] = rec->after;
	}
	if (r->watch->trace != NULL && !r->unseen)
		r->watch->trace(r->watch->user, t->host, rec);
}

static void apply_settings(const struct lab_run *r, enum lab_host host, struct weir_config *cfg)
{
	for (unsigned i = 0; i < LAB_SETTINGS_MAX && r->variant->set[i].name != NULL; i++) {
		const struct lab_setting *s = &r->variant->set[i];

		if (s->place == LAB_EVERYWHERE ||
		    (s->place == LAB_AT_CLIENT) == (host == LAB_CLIENT))
			weir_assert(weir_config_set(cfg, s->name, s->value) == 0);
	}
}

static void make_host(struct lab_run *r, enum lab_host host)
{
	struct lab_node *n = &r->world.node[host];
	struct weir_config cfg = r->world.plan.cfg;
	size_t bytes;

	apply_settings(r, host, &cfg);
	for (unsigned i = 0; i < sizeof(cfg.isn_key); i++) {
		cfg.isn_key[i] = (uint8_t)sim_rng_next(&r->rng);
		cfg.hash_key[i] = (uint8_t)sim_rng_next(&r->rng);
	}
	if (r->watch != NULL) {
		r->tracer[host] = (struct lab_tracer){.run = r, .host = host};
		cfg.trace = on_trace;
		cfg.trace_user = &r->tracer[host];
	}
	bytes = weir_stack_bytes(&cfg);
	weir_assert(bytes != 0);
	bytes = (bytes + STACK_ALIGN - 1) / STACK_ALIGN * STACK_ALIGN;
	n->memory = aligned_alloc(STACK_ALIGN, bytes);
	weir_assert(n->memory != NULL);
	weir_assert(weir_stack_init(&n->stack, n->memory, bytes, &cfg, r->world.now) == WEIR_OK);
	do
		add_address(n, r->world.plan.family, host);
	while (host == LAB_CLIENT && n->addr_count < r->world.plan.clients);
	n->addr = n->addrs[0];
	n->deadline = WEIR_NEVER;
}

void lab_begin(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	struct weir_listen_args args = {.local.port = LAB_PORT, .backlog = w->plan.backlog};
	weir_listener l;

	make_host(r, LAB_CLIENT);
	make_host(r, LAB_SERVER);
	if (w->plan.listens)
		weir_assert(weir_listen(w->node[LAB_SERVER].stack, &args, &l) == WEIR_OK);
}

void lab_end(struct lab_run *r)
{
	struct lab_world *w = &r->world;

	for (unsigned h = 0; h < LAB_HOSTS && w->node[h].stack != NULL; h++) {
		weir_assert(weir_stack_check(w->node[h].stack) == NULL);
		free(w->node[h].memory);
	}
	for (unsigned i = 0; i < w->helds; i++)
		sim_frame_free(w->held[i].frame);
	lab_ways_free(w);
	sim_queue_free(&w->queue);
}

/* --- Applications ------------------------------------------------------------------------- */

static struct lab_conn *find_conn(struct lab_node *n, weir_conn handle)
{
	for (unsigned i = n->conns; i > 0; i--)
		if (n->conn[i - 1].live && n->conn[i - 1].handle.v == handle.v)
			return &n->conn[i - 1];
	return NULL;
}

static struct lab_conn *add_conn(struct lab_world *w, struct lab_node *n, weir_conn handle)
{
	struct lab_conn *c = &n->conn[n->conns++];

	weir_assert(n->conns <= LAB_CONNS_MAX);
	*c = (struct lab_conn){.handle = handle, .live = true, .began = w->now};
	return c;
}

static void note_bytes(struct lab_conn *c, const struct weir_span *s)
{
	c->got += s->len;
	for (size_t i = 0; i < s->len; i++)
		c->strange += s->bytes[i] != c->expects;
}

/* What does not fit is read and forgotten; `got` counts it. */
static void keep_bytes(struct lab_tape *t, const struct weir_span *s)
{
	size_t room = t->keep_max - t->kept, len = s->len < room ? s->len : room;

	memcpy(t->keep + t->kept, s->bytes, len);
	t->kept += len;
}

/* Reads at most `max` bytes. */
static void read_some(struct lab_world *w, struct lab_node *n, struct lab_conn *c, size_t max)
{
	struct weir_span span[SPANS];
	size_t count, bytes;
	enum weir_err e = WEIR_OK;

	while (max > 0 &&
	       (e = weir_recv_peek(n->stack, c->handle, span, SPANS, &count, &bytes)) == WEIR_OK) {
		bytes = 0;
		for (size_t i = 0; i < count && bytes < max; i++) {
			span[i].len = span[i].len < max - bytes ? span[i].len : max - bytes;
			bytes += span[i].len;
			note_bytes(c, &span[i]);
			if (c->tape != NULL && c->tape->keep != NULL)
				keep_bytes(c->tape, &span[i]);
		}
		max -= bytes;
		weir_assert(weir_recv_consume(n->stack, c->handle, bytes, w->now) == WEIR_OK);
	}
	if (e != WEIR_EOF || c->eof)
		return;
	c->eof = true;
	if (n->at_eof == LAB_CLOSE_TOO)
		weir_close(n->stack, c->handle, w->now);
}

static void feed(struct lab_world *w, struct lab_node *n, struct lab_conn *c)
{
	struct lab_tape *t = c->tape;
	size_t taken = 0;

	if (t == NULL || t->feed == NULL)
		return;
	while (t->fed < t->feed_len) {
		if (weir_send(n->stack, c->handle, t->feed + t->fed, t->feed_len - t->fed, 0,
			      &taken, w->now) != WEIR_OK)
			return; /* WRITABLE comes, or the connection has ended */
		t->fed += taken;
	}
	weir_shutdown(n->stack, c->handle, w->now);
}

static void on_event(struct lab_world *w, struct lab_node *n, const struct weir_event *ev)
{
	struct lab_conn *c;

	if (ev->kind == WEIR_EV_ACCEPTED) {
		c = add_conn(w, n, ev->conn);
		c->mark = n->mark;
		c->expects = n->expects;
		c->tape = n->tape;
	} else {
		c = find_conn(n, ev->conn);
	}
	if (c == NULL)
		return;
	if (ev->kind == WEIR_EV_ACCEPTED || ev->kind == WEIR_EV_CONNECTED) {
		c->tuple = ev->tuple;
		c->up = true;
		c->up_at = w->now;
	} else if (ev->kind == WEIR_EV_READABLE && (c->tape == NULL || !c->tape->by_hand)) {
		read_some(w, n, c, SIZE_MAX);
	} else if (ev->kind == WEIR_EV_WRITABLE) {
		feed(w, n, c);
	} else if (ev->kind == WEIR_EV_CLOSED) {
		c->live = false;
		c->reason = ev->reason;
		c->ended_at = w->now;
	}
}

static void send_packet(struct lab_world *w, enum lab_host host, const struct weir_packet *p)
{
	struct sim_frame *f = sim_frame_new(p->total_len);
	uint32_t len = p->head_len;

	memcpy(f->bytes, p->head, len);
	for (unsigned i = 0; i < p->span_count; i++) {
		memcpy(f->bytes + len, p->span[i].bytes, p->span[i].len);
		len += (uint32_t)p->span[i].len;
	}
	weir_assert(len == f->len);
	if (w->way[host] != NULL)
		w->run->sent(w->run, host, f);
	else
		lab_carry(w, host, f);
}

static void settle(struct lab_world *w, enum lab_host host)
{
	struct lab_node *n = &w->node[host];
	struct weir_packet p;
	struct weir_event ev;
	bool more = true;

	while (more) {
		more = false;
		while (w->now >= n->asleep_until && weir_event_next(n->stack, &ev)) {
			on_event(w, n, &ev);
			more = true;
		}
		/* Output runs the timers, which may end a connection without a packet. */
		while (weir_output(n->stack, &p, w->now)) {
			send_packet(w, host, &p);
			more = true;
		}
		more = more || weir_deadline(n->stack, w->now) <= w->now;
		weir_assert(w->steps < STEPS_MAX);
		w->steps++;
	}
	n->deadline = weir_deadline(n->stack, w->now);
	if (n->asleep_until > w->now && n->asleep_until < n->deadline)
		n->deadline = n->asleep_until;
}

/* --- Time --------------------------------------------------------------------------------- */

static void arrive(struct lab_world *w)
{
	struct sim_event ev = sim_queue_take(&w->queue);
	struct weir_frame in = {.bytes = ev.frame->bytes, .len = ev.frame->len};

	weir_input(w->node[ev.host].stack, &in, w->now);
	sim_frame_free(ev.frame);
	settle(w, (enum lab_host)ev.host);
}

bool lab_step(struct lab_world *w, weir_time limit)
{
	weir_time frame = sim_queue_next(&w->queue), timer = w->node[LAB_CLIENT].deadline;
	weir_time way = lab_ways_next(w);
	enum lab_host host = LAB_CLIENT;

	if (w->node[LAB_SERVER].deadline < timer) {
		host = LAB_SERVER;
		timer = w->node[host].deadline;
	}
	if (frame > limit && timer > limit && way > limit) {
		w->now = limit;
		return false;
	}
	if (way <= frame && way <= timer) {
		w->now = way > w->now ? way : w->now;
		lab_ways_run(w->run);
		return true;
	}
	w->now = frame <= timer ? frame : timer;
	if (frame <= timer)
		arrive(w);
	else
		settle(w, host);
	return true;
}

void lab_pass(struct lab_world *w, uint64_t ns)
{
	weir_time limit = w->now + ns;

	while (lab_step(w, limit))
		;
}

bool lab_wait(struct lab_world *w, const bool *flag, bool value, uint64_t ns)
{
	weir_time limit = w->now + ns;

	while (*flag != value && lab_step(w, limit))
		;
	return *flag == value;
}

bool lab_wait_conns(struct lab_world *w, enum lab_host host, unsigned count, uint64_t ns)
{
	weir_time limit = w->now + ns;

	while (w->node[host].conns < count && lab_step(w, limit))
		;
	return w->node[host].conns >= count;
}

/* --- Calls -------------------------------------------------------------------------------- */

static struct lab_conn *open_conn(struct lab_world *w, enum lab_host host,
				  const struct weir_connect_args *args, uint8_t mark)
{
	struct lab_node *n = &w->node[host];
	struct lab_conn *c;
	weir_conn handle;
	enum weir_err e = weir_connect(n->stack, args, w->now, &handle);

	if (e == WEIR_EXISTS)
		return NULL;
	weir_assert(e == WEIR_OK);
	c = add_conn(w, n, handle);
	c->mark = mark;
	c->tuple = (struct weir_tuple){.local = args->local, .remote = args->remote};
	return c;
}

struct lab_conn *lab_connect(struct lab_world *w, enum lab_host host, uint16_t from, uint16_t to,
			     uint8_t mark)
{
	struct weir_connect_args args = {.remote = {w->node[!host].addr, to},
					 .local = {w->node[host].addr, from}};
	struct lab_conn *c = open_conn(w, host, &args, mark);

	if (c != NULL)
		settle(w, host);
	return c;
}

struct lab_conn *lab_connect_tape(struct lab_world *w, enum lab_host host, uint16_t from,
				  uint16_t to, struct lab_tape *tape)
{
	struct weir_connect_args args = {.remote = {w->node[!host].addr, to},
					 .local = {w->node[host].addr, from}};
	struct lab_conn *c = open_conn(w, host, &args, 0);

	if (c != NULL) {
		c->tape = tape;
		feed(w, &w->node[host], c);
		settle(w, host);
	}
	return c;
}

void lab_read(struct lab_world *w, enum lab_host host, struct lab_conn *c, size_t max)
{
	read_some(w, &w->node[host], c, max);
	settle(w, host);
}

struct lab_conn *lab_request(struct lab_world *w, unsigned client, uint16_t from, uint8_t mark,
			     size_t bytes)
{
	const struct lab_node *n = &w->node[LAB_CLIENT];
	struct weir_connect_args args = {.remote = {w->node[LAB_SERVER].addr, LAB_PORT},
					 .local.port = from};
	struct lab_conn *c;

	weir_assert(client < n->addr_count);
	args.local.addr = n->addrs[client];
	c = open_conn(w, LAB_CLIENT, &args, mark);
	if (c != NULL)
		lab_send(w, LAB_CLIENT, c, bytes);
	return c;
}

struct lab_conn *lab_conn(struct lab_world *w, enum lab_host host, unsigned i)
{
	weir_assert(i < w->node[host].conns);
	return &w->node[host].conn[i];
}

void lab_send(struct lab_world *w, enum lab_host host, struct lab_conn *c, size_t bytes)
{
	uint8_t piece[1024];
	size_t taken = 0;

	memset(piece, c->mark, sizeof(piece));
	while (bytes > 0) {
		size_t len = bytes < sizeof(piece) ? bytes : sizeof(piece);
		uint32_t flags = len < bytes ? WEIR_SEND_MORE : 0;

		if (weir_send(w->node[host].stack, c->handle, piece, len, flags, &taken, w->now) !=
		    WEIR_OK)
			break; /* it has ended; no experiment sends more than the buffer takes */
		bytes -= taken;
	}
	settle(w, host);
}

void lab_shutdown(struct lab_world *w, enum lab_host host, struct lab_conn *c)
{
	weir_shutdown(w->node[host].stack, c->handle, w->now);
	settle(w, host);
}

void lab_close(struct lab_world *w, enum lab_host host, struct lab_conn *c)
{
	weir_close(w->node[host].stack, c->handle, w->now);
	settle(w, host);
}

uint32_t lab_usage_timewaits(const struct lab_world *w, enum lab_host host)
{
	struct weir_usage u;

	weir_stack_usage(w->node[host].stack, &u);
	return u.timewaits;
}

uint64_t lab_counter(const struct lab_world *w, enum lab_host host, enum weir_counter c)
{
	return weir_counter_get(w->node[host].stack, c);
}
