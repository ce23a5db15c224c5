/*
 * Theory of operation
 *
 * The clock starts at WORLD_START and moves only in world_run(), which asks the stack for its
 * deadline, jumps there, and lets weir_output() run what is due; so each timer runs at its exact
 * time, and a test that spans two hours takes no time. world_pull() is the only caller of
 * weir_output(), world_input() of weir_input(): both compare the trace records with what happened.
 *
 * Our initial sequence number is learnt from the first SYN of a flow that goes out, the timestamp
 * base from the first timestamp. Until then they are 0, which is what a reset without a connection
 * needs: its numbers are those of the segment that it answers.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/check.h"

#include "spec.h"

void world_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	longjmp(w->failed, 1);
}

void world_log(struct world *w, const char *fmt, ...)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%+13.6f  ", (double)(w->now - WORLD_START) / 1e9);
	char **slot = &w->log[w->log_count++ % WORLD_LOG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	free(*slot);
	*slot = strdup(text);
}

static void on_trace(void *user, const struct weir_trace_record *r)
{
	struct world *w = user;

	if (r->kind == WEIR_TRACE_IN) {
		w->in_rec = *r;
		w->in_recs++;
	} else if (r->kind == WEIR_TRACE_OUT) {
		w->out_why = r->verdict;
		w->out_recs++;
	} else {
		w->state_rec = *r;
		w->state_same |= r->before == r->after;
		world_log(w, "  %s -> %s (%s)", weir_state_name(r->before),
			  weir_state_name(r->after), weir_counter_name(r->verdict));
	}
}

/* Small limits, so that a stack is made in no time. */
static void config_small(struct weir_config *c, int family)
{
	weir_config_default(c);
	c->conns_max = 48;
	c->halfs_max = 32;
	c->timewaits_max = 32;
	c->listeners_max = 8;
	c->pages_max = 1024;
	c->sndbuf = c->rcvbuf = 1048576;
	c->ranges_max = 256;
	c->replies_max = 64;
	c->sends_max = 512;
	c->cc = 0;                               /* NewReno, whose windows are easy to follow ... */
	c->hystart = 0;                          /* ... in slow start, too */
	c->link_mtu = family == 4 ? 1500 : 1520; /* MSS 1460 in both */
}

void world_init(struct world *w, const struct script *s, int family)
{
	char text[4];

	memset(w, 0, sizeof(*w));
	w->script = s;
	w->family = family;
	w->now = w->last = WORLD_START;
	config_small(&w->cfg, family);
	memset(w->cfg.hash_key, 0x5a, sizeof(w->cfg.hash_key));
	memset(w->cfg.isn_key, 0xa5, sizeof(w->cfg.isn_key));
	w->cfg.trace = on_trace;
	w->cfg.trace_user = w;
	snprintf(text, sizeof(text), "%d", family);
	vars_set(&w->vars, "family", text);
	world_flow_add(w, "a");
}

void world_free(struct world *w)
{
	for (int i = 0; i < WORLD_LOG_MAX; i++)
		free(w->log[i]);
	free(w->mem);
}

void world_start(struct world *w)
{
	uint8_t us[16];
	struct weir_addr addr;
	size_t len;
	enum weir_err err;

	if (w->s)
		return;
	len = weir_stack_bytes(&w->cfg);
	if (len == 0)
		world_fail(w, "weir_stack_bytes: the configuration is not valid");
	w->mem = aligned_alloc(64, (len + 63) / 64 * 64);
	if (!w->mem)
		world_fail(w, "no memory: %zu bytes", len);
	err = weir_stack_init(&w->s, w->mem, len, &w->cfg, w->now);
	if (err != WEIR_OK)
		world_fail(w, "weir_stack_init: %s", weir_err_text(err));
	world_addr(w->family, "us", us);
	addr = world_weir_addr(w->family, us);
	err = weir_addr_add(w->s, &addr, w->family == 4 ? 24 : 64);
	if (err != WEIR_OK)
		world_fail(w, "weir_addr_add: %s", weir_err_text(err));
	world_check(w);
}

static const struct {
	const char *name;
	uint8_t v4[4];
	uint8_t v6[16];
} addr_table[] = {
	{"us", {192, 0, 2, 1}, {0x20, 1, 0xd, 0xb8, [15] = 1}},
	{"us2", {192, 0, 2, 100}, {0x20, 1, 0xd, 0xb8, [15] = 100}},
	{"other", {203, 0, 113, 9}, {0x20, 1, 0xd, 0xb8, 0xff, [15] = 9}},
	{"bcast", {255, 255, 255, 255}, {0xff, 2, [15] = 1}},
	{"netbcast", {192, 0, 2, 255}, {0xff, 2, [15] = 2}},
	{"mcast", {224, 0, 0, 1}, {0xff, 2, [15] = 0xfb}},
	{"any", {0}, {0}},
	{"loop", {127, 0, 0, 1}, {[15] = 1}},
};

int world_addr(int family, const char *name, uint8_t out[16])
{
	memset(out, 0, 16);
	for (size_t i = 0; i < sizeof(addr_table) / sizeof(addr_table[0]); i++)
		if (strcmp(name, addr_table[i].name) == 0) {
			memcpy(out, family == 4 ? addr_table[i].v4 : addr_table[i].v6,
			       family == 4 ? 4 : 16);
			return 0;
		}
	if (strncmp(name, "peer", 4) != 0 || strlen(name) > 5)
		return -1;
	world_addr(family, "us", out);
	out[family == 4 ? 3 : 15] = (uint8_t)(name[4] ? name[4] - '0' + 1 : 2);
	return 0;
}

struct weir_addr world_weir_addr(int family, const uint8_t bytes[16])
{
	struct weir_addr a = {.family = (uint8_t)family};

	memcpy(a.bytes, bytes, family == 4 ? 4 : 16);
	return a;
}

struct flow *world_flow(struct world *w, const char *name)
{
	for (int i = 0; i < w->flow_count; i++)
		if (strcmp(w->flow[i].name, name) == 0)
			return &w->flow[i];
	return NULL;
}

struct flow *world_flow_add(struct world *w, const char *name)
{
	struct flow *f = world_flow(w, name);

	if (f)
		return f;
	if (w->flow_count == WORLD_FLOWS_MAX)
		world_fail(w, "too many flows");
	f = &w->flow[w->flow_count];
	memset(f, 0, sizeof(*f));
	snprintf(f->name, sizeof(f->name), "%s", name);
	world_addr(w->family, "us", f->local);
	world_addr(w->family, "peer", f->remote);
	f->lport = 80;
	f->rport = (uint16_t)(4000 + w->flow_count++);
	f->irs = WORLD_IRS;
	f->sent = f->read = 1;
	return f;
}

struct weir_tuple world_tuple(const struct world *w, const struct flow *f)
{
	struct weir_tuple t = {
		.local = {world_weir_addr(w->family, f->local), f->lport},
		.remote = {world_weir_addr(w->family, f->remote), f->rport},
	};

	return t;
}

static bool endpoint_is(const struct weir_endpoint *e, int family, const uint8_t *addr, int port)
{
	return e->addr.family == family && e->port == port &&
	       memcmp(e->addr.bytes, addr, family == 4 ? 4 : 16) == 0;
}

static bool flow_is(const struct world *w, const struct flow *f, const struct weir_tuple *t)
{
	return endpoint_is(&t->local, w->family, f->local, f->lport) &&
	       endpoint_is(&t->remote, w->family, f->remote, f->rport);
}

struct flow *world_flow_of(struct world *w, const struct weir_tuple *t)
{
	for (int i = 0; i < w->flow_count; i++)
		if (flow_is(w, &w->flow[i], t))
			return &w->flow[i];
	return NULL;
}

uint8_t world_byte_out(uint32_t rel)
{
	return (uint8_t)(rel * 7 + rel / 251 + rel / 65521);
}

uint8_t world_byte_in(uint32_t rel)
{
	return (uint8_t)(rel * 11 + rel / 253 + rel / 65519 + 128);
}

void world_check(struct world *w)
{
	const char *bad = weir_stack_check(w->s);

	if (bad)
		world_fail(w, "weir_stack_check: %s", bad);
	if (w->state_same)
		world_fail(w, "a trace record tells of a change of state that is none");
}

void world_input(struct world *w, const struct weir_frame *f)
{
	w->in_recs = w->out_recs = 0;
	w->verdict = weir_input(w->s, f, w->now);
	w->in_any = true;
	if (w->in_recs != 1)
		world_fail(w, "one packet went in, but %u trace records came", w->in_recs);
	if (w->in_rec.verdict != w->verdict)
		world_fail(w, "weir_input says %s, the trace says %s",
			   weir_counter_name(w->verdict), weir_counter_name(w->in_rec.verdict));
	if (w->in_rec.at != w->now)
		world_fail(w, "the trace record has another time");
	world_check(w);
}

/* Lays the packet out in one piece. */
static size_t flatten(struct world *w)
{
	const struct weir_packet *p = &w->wp;
	size_t n = p->head_len;

	if (p->head_len > WEIR_HEAD_MAX || p->span_count > WEIR_SPANS_MAX)
		world_fail(w, "weir_output: head or spans are out of bounds");
	memcpy(w->out_bytes, p->head, p->head_len);
	for (unsigned i = 0; i < p->span_count; i++) {
		if (n + p->span[i].len > PACKET_MAX)
			world_fail(w, "weir_output: the packet is too long");
		memcpy(w->out_bytes + n, p->span[i].bytes, p->span[i].len);
		n += p->span[i].len;
	}
	if (n != p->total_len)
		world_fail(w, "weir_output: total_len %u, but %zu bytes", p->total_len, n);
	return n;
}

/* Does what the link does when the engine leaves the checksum to it. */
static void complete_checksum(struct world *w, size_t len)
{
	size_t at = w->wp.l4_start + w->wp.csum_offset;
	uint16_t c;

	if (at + 2 > len)
		world_fail(w, "weir_output: the checksum field is out of bounds");
	c = packet_checksum(w->out_bytes + w->wp.l4_start, len - w->wp.l4_start);
	w->out_bytes[at] = (uint8_t)(c >> 8);
	w->out_bytes[at + 1] = (uint8_t)c;
}

/* Learns our numbers from what goes out, and compares the payload with the stream. */
static void learn(struct world *w)
{
	const struct packet *p = &w->out;
	struct weir_tuple t = {
		.local = {world_weir_addr(w->family, p->src), p->src_port},
		.remote = {world_weir_addr(w->family, p->dst), p->dst_port},
	};
	struct flow *f = world_flow_of(w, &t);
	uint32_t val, rel;

	if (!f)
		return;
	if (p->flags & FLAG_SYN && !f->iss_known) {
		f->iss = p->seq;
		f->iss_known = true;
	}
	if (spec_timestamp(p, &val)) {
		if (!f->ts_known)
			f->ts_base = val;
		f->ts_known = true;
		f->ts_last = val;
	}
	rel = p->seq - f->iss + !!(p->flags & FLAG_SYN);
	for (size_t i = 0; i < p->payload_len; i++)
		if (p->payload[i] != world_byte_out(rel + (uint32_t)i))
			world_fail(w, "payload byte %u that went out is not the one that was sent",
				   rel + (uint32_t)i);
}

bool world_pull(struct world *w)
{
	const char *bad;
	size_t len;
	char text[512];

	w->out_recs = 0;
	if (!weir_output(w->s, &w->wp, w->now)) {
		if (w->out_recs)
			world_fail(w, "nothing came out, but a trace record did");
		if (weir_deadline(w->s, w->now) <= w->now)
			world_fail(w,
				   "nothing to send, but the deadline is now: a caller would spin");
		world_check(w);
		return false;
	}
	len = flatten(w);
	if (w->wp.flags & WEIR_PACKET_CSUM_PARTIAL)
		complete_checksum(w, len);
	bad = packet_read(&w->out, w->out_bytes, len);
	if (bad)
		world_fail(w, "weir_output: %s", bad);
	if (w->out_recs != 1)
		world_fail(w, "one packet went out, but %u trace records came", w->out_recs);
	if (w->out.proto == PACKET_TCP)
		learn(w);
	spec_show(w, &w->out, SHOW_OUT, text, sizeof(text));
	world_log(w, "> %s  [%s]", text, weir_counter_name(w->out_why));
	world_check(w);
	return true;
}

bool world_run(struct world *w, weir_time until)
{
	for (;;) {
		weir_time d;

		if (world_pull(w))
			return true;
		d = weir_deadline(w->s, w->now);
		if (d > until)
			break;
		w->now = d;
	}
	w->now = until;
	return false;
}

static bool walk_find(struct world *w, const struct flow *f, enum weir_walk_kind kind,
		      struct weir_info *info)
{
	uint32_t cursor = 0;
	struct weir_info i;

	while (weir_walk(w->s, kind, &cursor, w->now, &i))
		if (flow_is(w, f, &i.tuple)) {
			*info = i;
			return true;
		}
	return false;
}

enum weir_state world_state(struct world *w, const struct flow *f, struct weir_info *info)
{
	struct weir_info walked;

	memset(info, 0, sizeof(*info));
	if (f->conn.v && weir_conn_info(w->s, f->conn, info) == WEIR_OK) {
		if (info->state == WEIR_STATE_TIME_WAIT) {
			if (!walk_find(w, f, WEIR_WALK_TIMEWAITS, &walked))
				world_fail(w, "a handle says TIME-WAIT, but there is no record");
			info->expires_ms = walked.expires_ms;
		}
		return info->state;
	}
	if (walk_find(w, f, WEIR_WALK_CONNS, info) || walk_find(w, f, WEIR_WALK_HALFS, info) ||
	    walk_find(w, f, WEIR_WALK_TIMEWAITS, info))
		return info->state;
	return w->listener_count ? WEIR_STATE_LISTEN : WEIR_STATE_CLOSED;
}
