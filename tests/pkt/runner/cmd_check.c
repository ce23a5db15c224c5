/* Statements that look: states, events, counters, info, records, usage. */
#include <stdio.h>
#include <string.h>

#include "exec.h"

static const char *state_name(int i)
{
	return weir_state_name((enum weir_state)i);
}

static const char *event_name(int i)
{
	return weir_event_name((enum weir_event_kind)i);
}

static const char *counter_name(int i)
{
	return weir_counter_name((enum weir_counter)i);
}

static const char *err_name(int i)
{
	static const char *const name[] = {
#define X(n, text) #n,
#include "weir/def/err.def"
#undef X
	};

	return name[i];
}

static const char *word(struct world *w, const struct stmt *st, int i)
{
	if (st->words.count <= i)
		world_fail(w, "%s: a word is missing", st->words.w[0]);
	return st->words.w[i];
}

/* state NAME [@flow] */
void cmd_state(struct world *w, struct stmt *st)
{
	struct weir_info info;
	enum weir_state got = world_state(w, stmt_flow(w, st), &info);

	if (stmt_name(w, word(w, st, 1), "state", state_name, WEIR_STATE_COUNT) != (int)got)
		world_fail(w, "the state is %s", weir_state_name(got));
}

/* trace BEFORE AFTER: of the last packet that came in. */
void cmd_trace(struct world *w, struct stmt *st)
{
	int before = stmt_name(w, word(w, st, 1), "state", state_name, WEIR_STATE_COUNT);
	int after = stmt_name(w, word(w, st, 2), "state", state_name, WEIR_STATE_COUNT);

	if (before != (int)w->in_rec.before || after != (int)w->in_rec.after)
		world_fail(w, "the trace says %s -> %s", weir_state_name(w->in_rec.before),
			   weir_state_name(w->in_rec.after));
}

/* changed BEFORE AFTER: the last change of state without a packet in. */
void cmd_changed(struct world *w, struct stmt *st)
{
	int before = stmt_name(w, word(w, st, 1), "state", state_name, WEIR_STATE_COUNT);
	int after = stmt_name(w, word(w, st, 2), "state", state_name, WEIR_STATE_COUNT);
	const struct weir_trace_record *r = &w->state_rec;

	if (before != (int)r->before || after != (int)r->after)
		world_fail(w, "the trace says %s -> %s", weir_state_name(r->before),
			   weir_state_name(r->after));
}

/* Keeps the handle that an event brings. */
static void keep(struct world *w, struct flow *f, const struct weir_event *ev)
{
	switch (ev->kind) {
	case WEIR_EV_SYN:
		f->half = ev->half;
		return;
	case WEIR_EV_ACCEPTED:
	case WEIR_EV_CONNECTED:
		f->conn = ev->conn;
		return;
	case WEIR_EV_HALF_GONE:
	case WEIR_EV_READABLE:
	case WEIR_EV_WRITABLE:
	case WEIR_EV_URGENT:
	case WEIR_EV_SOFT_ERROR:
	case WEIR_EV_CLOSED:
	case WEIR_EV_COUNT:
		break;
	}
	(void)w;
}

static bool next_event(struct world *w, struct weir_event *ev, struct flow **f)
{
	memset(ev, 0, sizeof(*ev));
	if (!weir_event_next(w->s, ev))
		return false;
	*f = world_flow_of(w, &ev->tuple);
	world_log(w, "event %s @%s %s user %llu", weir_event_name(ev->kind), *f ? (*f)->name : "?",
		  err_name((int)ev->reason), (unsigned long long)ev->user);
	if (*f)
		keep(w, *f, ev);
	world_check(w);
	return true;
}

/* event NAME [reason=ERR] [user=N] [@flow]; event none */
void cmd_event(struct world *w, struct stmt *st)
{
	struct weir_event ev;
	struct flow *f = NULL, *want = stmt_flow(w, st);
	const char *name = word(w, st, 1);
	const char *reason = stmt_arg(st, "reason");
	bool came = next_event(w, &ev, &f);

	if (strcmp(name, "none") == 0) {
		if (came)
			world_fail(w, "an event came: %s", weir_event_name(ev.kind));
		return;
	}
	if (!came)
		world_fail(w, "no event came");
	if (stmt_name(w, name, "event", event_name, WEIR_EV_COUNT) != (int)ev.kind)
		world_fail(w, "the event is %s %s", weir_event_name(ev.kind),
			   err_name((int)ev.reason));
	if (f != want)
		world_fail(w, "the event is for flow %s", f ? f->name : "?");
	if (reason && stmt_name(w, reason, "error", err_name, WEIR_ERR_COUNT) != (int)ev.reason)
		world_fail(w, "the event's reason is %s", err_name((int)ev.reason));
	if (stmt_arg(st, "user") && (uint64_t)stmt_arg_number(w, st, "user", 0) != ev.user)
		world_fail(w, "the event's user value is %llu", (unsigned long long)ev.user);
}

/* events: reads all that wait. */
void cmd_events(struct world *w, struct stmt *st)
{
	struct weir_event ev;
	struct flow *f;

	(void)st;
	while (next_event(w, &ev, &f))
		;
}

/* counter NAME N */
void cmd_counter(struct world *w, struct stmt *st)
{
	int c = stmt_name(w, word(w, st, 1), "counter", counter_name, WEIR_CTR_COUNT);
	uint64_t got = weir_counter_get(w->s, (enum weir_counter)c);

	if (got != (uint64_t)stmt_number(w, word(w, st, 2)))
		world_fail(w, "the counter is %llu", (unsigned long long)got);
}

/* verdict NAME: on the last packet that came in. */
void cmd_verdict(struct world *w, struct stmt *st)
{
	int c = stmt_name(w, word(w, st, 1), "counter", counter_name, WEIR_CTR_COUNT);

	if (!w->in_any || c != (int)w->verdict)
		world_fail(w, "the verdict is %s", counter_name((int)w->verdict));
}

/* What a field's number is counted from. */
enum base { FROM_ZERO, FROM_ISS, FROM_IRS };

#define FIELD(name, base) \
	{ \
#name, offsetof(struct weir_info, name), sizeof(((struct weir_info *)0)->name), \
			base \
	}

static const struct info_field {
	const char *name;
	size_t at, size;
	enum base base;
} field[] = {
	FIELD(user, FROM_ZERO),           FIELD(expires_ms, FROM_ZERO),
	FIELD(retries, FROM_ZERO),        FIELD(held, FROM_ZERO),
	FIELD(complete, FROM_ZERO),       FIELD(age_ms, FROM_ZERO),
	FIELD(snd_una, FROM_ISS),         FIELD(snd_nxt, FROM_ISS),
	FIELD(rcv_nxt, FROM_IRS),         FIELD(snd_wnd_bytes, FROM_ZERO),
	FIELD(rcv_wnd_bytes, FROM_ZERO),  FIELD(cwnd_bytes, FROM_ZERO),
	FIELD(ssthresh_bytes, FROM_ZERO), FIELD(mss_bytes, FROM_ZERO),
	FIELD(pipe_bytes, FROM_ZERO),     FIELD(lost_bytes, FROM_ZERO),
	FIELD(sacked_bytes, FROM_ZERO),   FIELD(dup_acks, FROM_ZERO),
	FIELD(again_bytes, FROM_ZERO),    FIELD(recovery, FROM_ZERO),
	FIELD(spurious, FROM_ZERO),       FIELD(reordering, FROM_ZERO),
	FIELD(min_rtt_ns, FROM_ZERO),     FIELD(delivery_rate, FROM_ZERO),
	FIELD(pacing_rate, FROM_ZERO),    FIELD(srtt_ns, FROM_ZERO),
	FIELD(rttvar_ns, FROM_ZERO),      FIELD(rto_ns, FROM_ZERO),
	FIELD(sndq_bytes, FROM_ZERO),     FIELD(rcvq_bytes, FROM_ZERO),
	FIELD(ooo_bytes, FROM_ZERO),      FIELD(pages, FROM_ZERO),
	FIELD(bytes_acked, FROM_ZERO),    FIELD(bytes_received, FROM_ZERO),
	FIELD(retransmits, FROM_ZERO),    FIELD(snd_wscale, FROM_ZERO),
	FIELD(rcv_wscale, FROM_ZERO),     FIELD(ts_ok, FROM_ZERO),
	FIELD(sack_ok, FROM_ZERO),        FIELD(ecn, FROM_ZERO),
};

static int64_t field_value(const struct weir_info *info, const struct flow *f,
			   const struct info_field *d)
{
	const uint8_t *p = (const uint8_t *)info + d->at;
	uint64_t v64;
	uint32_t v32;

	if (d->size == 8) {
		memcpy(&v64, p, 8);
		return (int64_t)v64;
	}
	if (d->size == 1)
		return *p;
	memcpy(&v32, p, 4);
	if (d->base == FROM_ZERO)
		return v32;
	return (int32_t)(v32 - (d->base == FROM_ISS ? f->iss : f->irs));
}

static bool holds(struct world *w, const char *op, int64_t a, int64_t b)
{
	if (strcmp(op, "==") == 0)
		return a == b;
	if (strcmp(op, "<=") == 0)
		return a <= b;
	if (strcmp(op, ">=") == 0)
		return a >= b;
	world_fail(w, "unknown comparison: %s", op);
}

/* info FIELD [== <= >=] VALUE [@flow]: of the connection, half-open or TIME-WAIT record. */
void cmd_info(struct world *w, struct stmt *st)
{
	struct flow *f = stmt_flow(w, st);
	struct weir_info info;
	const char *name = word(w, st, 1);
	const char *op = strchr("=<>", word(w, st, 2)[0]) ? word(w, st, 2) : "==";
	int64_t want = stmt_number(w, word(w, st, op == st->words.w[2] ? 3 : 2));
	size_t i = 0;
	int64_t got;

	world_state(w, f, &info);
	while (i < sizeof(field) / sizeof(field[0]) && !text_same(field[i].name, name))
		i++;
	if (i == sizeof(field) / sizeof(field[0]))
		world_fail(w, "unknown field: %s", name);
	got = field_value(&info, f, &field[i]);
	if (!holds(w, op, got, want))
		world_fail(w, "%s is %lld", name, (long long)got);
}

/* walk conns|halfs|timewaits N */
void cmd_walk(struct world *w, struct stmt *st)
{
	static const char *const name[] = {"conns", "halfs", "timewaits"};
	uint32_t cursor = 0;
	int64_t count = 0;
	int kind = 0;
	struct weir_info info;

	while (kind < 3 && strcmp(word(w, st, 1), name[kind]) != 0)
		kind++;
	if (kind == 3)
		world_fail(w, "walk conns|halfs|timewaits N");
	while (weir_walk(w->s, (enum weir_walk_kind)kind, &cursor, w->now, &info))
		count++;
	if (count != stmt_number(w, word(w, st, 2)))
		world_fail(w, "the walk found %lld", (long long)count);
}

/* usage zero; usage FIELD N */
void cmd_usage(struct world *w, struct stmt *st)
{
	struct weir_usage u;
	const struct {
		const char *name;
		const uint32_t *v;
	} part[] = {{"conns", &u.conns},         {"halfs", &u.halfs}, {"timewaits", &u.timewaits},
		    {"listeners", &u.listeners}, {"pages", &u.pages}, {"ranges", &u.ranges},
		    {"sends", &u.sends}};
	bool zero = strcmp(word(w, st, 1), "zero") == 0;

	weir_stack_usage(w->s, &u);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		if (zero && *part[i].v != 0)
			world_fail(w, "%s in use: %u", part[i].name, *part[i].v);
		if (zero || strcmp(word(w, st, 1), part[i].name) != 0)
			continue;
		if (*part[i].v != stmt_number(w, word(w, st, 2)))
			world_fail(w, "%s in use: %u", part[i].name, *part[i].v);
		return;
	}
	if (!zero)
		world_fail(w, "usage zero, or FIELD N");
}

/* deadline never */
void cmd_deadline(struct world *w, struct stmt *st)
{
	weir_time d = weir_deadline(w->s, w->now);

	if (strcmp(word(w, st, 1), "never") != 0)
		world_fail(w, "deadline never");
	if (d != WEIR_NEVER)
		world_fail(w, "the deadline is in %.6f s", ((double)d - (double)w->now) / 1e9);
}
