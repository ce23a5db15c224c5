/*
 * host.c: one end: its stack with the smallest tables that serve, and an application that reads
 * whatever comes and does what the scenario's actions say.
 */
#include <string.h>

#include "base/assert.h"
#include "sim/explore/world.h"
#include "stack/conns.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/timewaits.h"
#include "tcp/isn.h"
#include "tcp/timers.h"
#include "weir/trace.h"

#define PORT_A    4000u
#define PORT_B    80u
#define LINK_MTU  296u
#define BUFFER    4096u /* bytes, and so the window: what "in window" means for old segments */
#define NEVER_MS  4294967295u
#define SPANS_MAX 4u
#define BYTE_BITS 5u /* of an index in its connection */

void ex_tuple(unsigned h, struct weir_tuple *out)
{
	struct weir_endpoint a = {.addr = {4, {10, 0, 0, 1}}, .port = PORT_A};
	struct weir_endpoint b = {.addr = {4, {10, 0, 0, 2}}, .port = PORT_B};

	*out = (struct weir_tuple){.local = h == EX_A ? a : b, .remote = h == EX_A ? b : a};
}

uint8_t ex_byte(unsigned h, unsigned conn, unsigned index)
{
	return (uint8_t)((h << 7 | conn << BYTE_BITS | (index & ((1u << BYTE_BITS) - 1))) & 0xffu);
}

uint32_t ex_isn_next(const struct ex_world *w, unsigned h)
{
	struct weir_tuple tuple;
	uint8_t id[36];
	size_t n;

	ex_tuple(h, &tuple);
	n = stack_tuple_id(&tuple, id);
	return isn_make(w->host[h].stack->cfg.isn_key, id, n, w->now).v;
}

static void on_record(void *user, const struct weir_trace_record *r)
{
	const struct ex_tap *tap = user;

	tap->observer->record(tap->observer->user, tap->host, r);
}

static void configure(struct ex_world *w, unsigned h, const struct ex_observer *o,
		      struct weir_config *cfg)
{
	weir_config_default(cfg);
	cfg->conns_max = 3;
	cfg->halfs_max = 2;
	cfg->sources_max = 8;
	cfg->timewaits_max = 2;
	cfg->listeners_max = 1;
	cfg->pages_max = 12;
	cfg->ranges_max = 16;
	cfg->sends_max = 16;
	cfg->replies_max = 16;
	cfg->frags_max = 0;
	cfg->link_mtu = LINK_MTU;
	cfg->sndbuf = cfg->rcvbuf = BUFFER;
	cfg->window_scaling = 0;
	cfg->timestamps = cfg->sack = w->scenario->timestamps;
	cfg->half_retries = 3;
	cfg->finwait2_ms = NEVER_MS;
	cfg->syn_r2_ms = NEVER_MS; /* TIME-WAIT may keep a connect waiting for longer than R2 */
	cfg->handshake_ways = w->scenario->handshake_ways;
	cfg->timewait_ms = w->scenario->timewait_ms;
	cfg->isn_key[0] = (uint8_t)(h + 1);
	if (!o)
		return;
	w->tap[h] = (struct ex_tap){.observer = o, .host = h};
	cfg->trace = on_record;
	cfg->trace_user = &w->tap[h];
}

void ex_host_init(struct ex_world *w, unsigned h, const struct ex_observer *o)
{
	const struct ex_scenario *s = w->scenario;
	struct ex_host *host = &w->host[h];
	struct weir_listen_args listen = {.backlog = 0};
	struct weir_tuple tuple;
	struct weir_config cfg;
	weir_listener l;
	enum weir_err e;

	configure(w, h, o, &cfg);
	weir_assert(weir_stack_bytes(&cfg) <= EX_MEMORY);
	ex_tuple(h, &tuple);
	e = weir_stack_init(&host->stack, w->memory[h], EX_MEMORY, &cfg, w->now);
	weir_assert(e == WEIR_OK);
	e = weir_addr_add(host->stack, &tuple.local.addr, 24);
	weir_assert(e == WEIR_OK);
	listen.local = tuple.local;
	if (h == EX_B && s->start != EX_START_CROSSED) {
		e = weir_listen(host->stack, &listen, &l);
		weir_assert(e == WEIR_OK);
	}
	host->connects = h == EX_A || s->start == EX_START_CROSSED ? s->connects : 0;
	host->sends = s->sends[h];
	host->aborts = s->aborts[h];
	host->isn = ex_isn_next(w, h);
}

/* --- Events ------------------------------------------------------------------------------- */

static struct ex_conn *conn_of(struct ex_host *host, weir_conn handle)
{
	for (unsigned i = 0; i < host->conns; i++)
		if (host->conn[i].live && host->conn[i].handle.v == handle.v)
			return &host->conn[i];
	return NULL;
}

static struct ex_conn *conn_add(struct ex_world *w, struct ex_host *host, weir_conn handle)
{
	if (host->conns == EX_CONNS_MAX) {
		w->overflow = true;
		return &host->conn[EX_CONNS_MAX - 1];
	}
	host->conn[host->conns] = (struct ex_conn){.handle = handle, .live = true};
	return &host->conn[host->conns++];
}

static void read_pair(const struct ex_host *host, struct ex_conn *c)
{
	const struct conn *conn = conn_get(host->stack, c->handle);

	if (!conn)
		return;
	c->pair.iss = conn->tcb.snd.iss.v;
	if (conn->tcb.state != WEIR_STATE_SYN_SENT && conn->tcb.rcv.irs.v)
		c->pair.irs = conn->tcb.rcv.irs.v;
}

static void on_readable(struct ex_world *w, unsigned h, struct ex_conn *c)
{
	struct weir_stack *s = w->host[h].stack;
	struct weir_span span[SPANS_MAX];
	size_t count, bytes;
	enum weir_err e = weir_recv_peek(s, c->handle, span, SPANS_MAX, &count, &bytes);

	for (size_t i = 0; e == WEIR_OK && i < count; i++)
		ex_judge_bytes(w, h, c, span[i].bytes, span[i].len);
	if (e == WEIR_OK) {
		e = weir_recv_consume(s, c->handle, bytes, w->now);
		weir_assert(e == WEIR_OK);
		e = weir_recv_peek(s, c->handle, span, SPANS_MAX, &count, &bytes);
	}
	if (e == WEIR_EOF && !c->eof) {
		c->eof = true;
		ex_judge_eof(w, h, c);
	}
}

static void on_event(struct ex_world *w, unsigned h, const struct weir_event *ev)
{
	struct ex_host *host = &w->host[h];
	struct ex_conn *c = conn_of(host, ev->conn);

	if (ev->kind == WEIR_EV_ACCEPTED)
		c = conn_add(w, host, ev->conn);
	if (!c)
		return;
	read_pair(host, c);
	if (ev->kind == WEIR_EV_ACCEPTED || ev->kind == WEIR_EV_CONNECTED) {
		c->up = true;
		ex_judge_up(w, h, c);
	} else if (ev->kind == WEIR_EV_READABLE) {
		on_readable(w, h, c);
	} else if (ev->kind == WEIR_EV_CLOSED) {
		c->live = false;
		c->reason = ev->reason;
		ex_judge_end(w, h, c);
	}
}

/* --- Packets ------------------------------------------------------------------------------ */

static bool has_fin(const struct ex_frame *f)
{
	size_t ip = (f->bytes[0] & 15u) * 4u;

	return f->bytes[ip + 13] & TCP_FIN;
}

static void send_packet(struct ex_world *w, unsigned h, const struct weir_packet *p)
{
	struct ex_frame *f = ex_frame_new(w);
	uint32_t len = p->head_len;

	if (!f)
		return;
	weir_assert(p->total_len <= EX_FRAME_BYTES);
	memcpy(f->bytes, p->head, p->head_len);
	for (unsigned i = 0; i < p->span_count; i++) {
		memcpy(f->bytes + len, p->span[i].bytes, p->span[i].len);
		len += (uint32_t)p->span[i].len;
	}
	f->len = (uint8_t)len;
	f->to = (uint8_t)!h;
	if (w->tamper == EX_TAMPER_SWALLOW && has_fin(f)) {
		w->frames--;
	} else if (w->tamper == EX_TAMPER_PAYLOAD && p->span_count) {
		f->bytes[len - 1] ^= 1;
		f->changed = true;
	}
}

static void add_pair(struct ex_world *w, struct ex_host *host, struct ex_pair p)
{
	for (unsigned i = 0; i < host->pairs; i++)
		if (host->pair[i].iss == p.iss && host->pair[i].irs == p.irs)
			return;
	if (host->pairs == EX_PAIRS_MAX) {
		w->overflow = true;
		return;
	}
	host->pair[host->pairs++] = p;
}

/* The pairs of initial numbers that the host has now; they stay known for the rest of the run. */
static void note_pairs(struct ex_world *w, struct ex_host *host)
{
	const struct weir_stack *s = host->stack;

	for (unsigned i = 0; i < host->conns; i++) {
		struct ex_conn *c = &host->conn[i];

		if (c->live)
			read_pair(host, c);
		if (c->live && c->pair.irs)
			add_pair(w, host, c->pair);
	}
	for (uint32_t i = 0; i < s->halfs.fresh; i++) {
		const struct half_slot *x = pool_at(&s->halfs, i);

		if (x->gen & 1)
			add_pair(w, host, (struct ex_pair){x->half.iss.v, x->half.irs.v});
	}
}

void ex_host_run(struct ex_world *w, unsigned h)
{
	struct ex_host *host = &w->host[h];
	struct weir_packet p;
	struct weir_event ev;
	bool more = true;

	w->touched[h] = true;
	while (more) {
		more = false;
		note_pairs(w, host);
		/* Output runs the timers, which may end a connection without a packet. */
		while (weir_output(host->stack, &p, w->now)) {
			send_packet(w, h, &p);
			more = true;
		}
		while (weir_event_next(host->stack, &ev)) {
			on_event(w, h, &ev);
			more = true;
		}
	}
	note_pairs(w, host);
}

weir_time ex_host_next(const struct ex_world *w, unsigned h)
{
	const struct weir_stack *s = w->host[h].stack;
	weir_time next = halfs_next(s, w->now);
	weir_time tw = timewaits_next(s, w->now);

	next = tw < next ? tw : next;
	for (uint32_t i = 0; i < s->conns.fresh; i++) {
		const struct conn *c = pool_at(&s->conns, i);
		weir_time at = c->gen & 1 ? timers_next(&c->tcb) : WEIR_NEVER;

		next = at < next ? at : next;
	}
	return next;
}

/* --- Calls -------------------------------------------------------------------------------- */

bool ex_host_may_connect(const struct ex_world *w, unsigned h)
{
	struct weir_tuple tuple;

	ex_tuple(h, &tuple);
	return demux_find(w->host[h].stack, &tuple) == REF_NONE;
}

static void call_connect(struct ex_world *w, unsigned h)
{
	struct ex_host *host = &w->host[h];
	struct weir_connect_args args = {0};
	struct weir_tuple tuple;
	weir_conn handle;
	enum weir_err e;

	ex_tuple(h, &tuple);
	args.remote = tuple.remote;
	args.local = tuple.local;
	e = weir_connect(host->stack, &args, w->now, &handle);
	weir_assert(e == WEIR_OK);
	host->connects--;
	conn_add(w, host, handle);
}

static void call_send(struct ex_world *w, unsigned h, struct ex_conn *c)
{
	struct ex_host *host = &w->host[h];
	unsigned number = (unsigned)(c - host->conn);
	uint8_t bytes[EX_FRAME_BYTES];
	size_t taken;
	enum weir_err e;

	for (unsigned i = 0; i < w->scenario->send_bytes; i++)
		bytes[i] = ex_byte(h, number, c->sent + i);
	e = weir_send(host->stack, c->handle, bytes, w->scenario->send_bytes, 0, &taken, w->now);
	weir_assert(e == WEIR_OK && taken == w->scenario->send_bytes);
	c->sent = (uint8_t)(c->sent + taken);
	host->sends--;
}

void ex_host_call(struct ex_world *w, const struct ex_action *a)
{
	struct ex_host *host = &w->host[a->host];
	struct ex_conn *c = &host->conn[a->arg];

	switch ((enum ex_kind)a->kind) {
	case EX_CONNECT:
		call_connect(w, a->host);
		break;
	case EX_SEND:
		call_send(w, a->host, c);
		break;
	case EX_SHUTDOWN:
		c->shut = true;
		weir_shutdown(host->stack, c->handle, w->now);
		break;
	case EX_CLOSE:
		c->shut = c->closed = true;
		weir_close(host->stack, c->handle, w->now);
		break;
	case EX_ABORT:
		host->aborts--;
		c->aborted = true;
		c->live = false;
		c->reason = WEIR_ABORTED;
		weir_abort(host->stack, c->handle, w->now);
		break;
	case EX_DELIVER:
	case EX_REPEAT:
	case EX_DROP:
	case EX_TIME:
	case EX_KINDS:
		break;
	}
}
