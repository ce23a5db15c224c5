/*
 * Calls of the engine: "call NAME ARGUMENTS [@flow] -> RESULT".
 *
 * RESULT is an error's name, or a number of bytes where the call gives one; without it the call
 * must succeed. Bytes that are sent and received are those of the flow's two streams, so their
 * content is checked everywhere.
 */
#include <stdio.h>
#include <string.h>

#include "exec.h"

#define CALL_BYTES_MAX 4200000

static const char *err_name(int i)
{
	static const char *const name[] = {
#define X(n, text) #n,
#include "weir/def/err.def"
#undef X
	};

	return name[i];
}

static const char *connopt_name(int i)
{
	return weir_connopt_name((enum weir_connopt)i);
}

/* `list` is a name, or names with '|' between them. */
static bool one_of(struct world *w, const char *list, enum weir_err err)
{
	char buf[128];
	char *save, *name;
	bool found = false;

	snprintf(buf, sizeof(buf), "%s", list);
	for (name = strtok_r(buf, "|", &save); name; name = strtok_r(NULL, "|", &save))
		found |= stmt_name(w, name, "error", err_name, WEIR_ERR_COUNT) == (int)err;
	return found;
}

/* Compares an error, and a number where the script expects one. */
static void answer(struct world *w, const struct stmt *st, enum weir_err err, int64_t got)
{
	const char *want = stmt_result(st);
	int64_t n;

	world_log(w, "call %s -> %s %lld", st->words.w[1], err_name(err), (long long)got);
	if (want && text_number(want, &n) == 0) {
		if (err != WEIR_OK || n != got)
			world_fail(w, "the call gave %s, %lld bytes", err_name(err),
				   (long long)got);
		return;
	}
	if (!one_of(w, want ? want : "OK", err))
		world_fail(w, "the call gave %s", err_name(err));
}

static int64_t plain_number(struct world *w, const struct stmt *st, int64_t none)
{
	if (st->words.count > 2 && st->words.w[2][0] >= '0' && st->words.w[2][0] <= '9')
		return stmt_number(w, st->words.w[2]);
	return none;
}

static bool has_word(const struct stmt *st, const char *word)
{
	for (int i = 2; i < st->words.count; i++)
		if (strcmp(st->words.w[i], word) == 0)
			return true;
	return false;
}

static struct weir_endpoint endpoint(struct world *w, const struct stmt *st, const char *addr_key,
				     const char *port_key, const uint8_t *addr, uint16_t port)
{
	struct weir_endpoint e = {world_weir_addr(w->family, addr), port};
	const char *name = stmt_arg(st, addr_key);
	uint8_t bytes[16];

	e.port = (uint16_t)stmt_arg_number(w, st, port_key, port);
	if (!name)
		return e;
	if (strcmp(name, "none") == 0) {
		e.addr.family = 0;
		return e;
	}
	if (world_addr(w->family, name, bytes) != 0)
		world_fail(w, "unknown address: %s", name);
	e.addr = world_weir_addr(w->family, bytes);
	return e;
}

/* call connect [remote=A] [rport=N] [local=A|none] [lport=N] [user=N] */
static void call_connect(struct world *w, struct stmt *st, struct flow *f)
{
	struct weir_connect_args a = {
		.remote = endpoint(w, st, "remote", "rport", f->remote, f->rport),
		.local = endpoint(w, st, "local", "lport", f->local, f->lport),
		.user = (uint64_t)stmt_arg_number(w, st, "user", 0),
	};
	weir_conn c = {0};
	enum weir_err err = weir_connect(w->s, &a, w->now, &c);
	struct weir_info info;

	answer(w, st, err, 0);
	if (err != WEIR_OK)
		return;
	f->conn = c;
	if (weir_conn_info(w->s, c, &info) != WEIR_OK)
		world_fail(w, "weir_conn_info does not know a connection that was just made");
	f->lport = info.tuple.local.port;
	memcpy(f->local, info.tuple.local.addr.bytes, 16);
}

/* call listen [port=N] [addr=A|none] [mode=early|held] [backlog=N] [user=N] [as=NAME] */
static void call_listen(struct world *w, struct stmt *st, struct flow *f)
{
	static const uint8_t none[16];
	const char *mode = stmt_arg(st, "mode");
	const char *as = stmt_arg(st, "as");
	struct weir_listen_args a = {
		.local = endpoint(w, st, "addr", "port", none, f->lport),
		.mode = mode && strcmp(mode, "held") == 0 ? WEIR_ACCEPT_HELD : WEIR_ACCEPT_EARLY,
		.backlog = (uint32_t)stmt_arg_number(w, st, "backlog", 0),
		.user = (uint64_t)stmt_arg_number(w, st, "user", 0),
	};
	weir_listener l = {0};
	enum weir_err err;

	if (!stmt_arg(st, "addr"))
		a.local.addr.family = 0;
	err = weir_listen(w->s, &a, &l);
	answer(w, st, err, 0);
	if (err != WEIR_OK)
		return;
	if (w->listener_count == WORLD_LISTENERS_MAX)
		world_fail(w, "too many listeners");
	snprintf(w->listener[w->listener_count].name, TEXT_NAME_MAX, "%s", as ? as : "l");
	w->listener[w->listener_count++].l = l;
}

/* call listener-close [as=NAME] */
static void call_listener_close(struct world *w, struct stmt *st, struct flow *f)
{
	const char *as = stmt_arg(st, "as");
	int i = 0;
	enum weir_err err;

	(void)f;
	while (i < w->listener_count && strcmp(w->listener[i].name, as ? as : "l") != 0)
		i++;
	if (i == w->listener_count)
		world_fail(w, "unknown listener");
	err = weir_listener_close(w->s, w->listener[i].l);
	answer(w, st, err, 0);
	/* A closed listener leaves the list by its name only: its handle can be used once more. */
	if (err == WEIR_OK && !has_word(st, "keep"))
		w->listener[i] = w->listener[--w->listener_count];
}

/* call send N [urgent] [more] */
static void call_send(struct world *w, struct stmt *st, struct flow *f)
{
	static uint8_t bytes[CALL_BYTES_MAX];
	int64_t len = plain_number(w, st, 0);
	uint32_t flags = (has_word(st, "urgent") ? WEIR_SEND_URGENT : 0) |
			 (has_word(st, "more") ? WEIR_SEND_MORE : 0);
	size_t taken = 0;
	enum weir_err err;

	if (len < 0 || len > CALL_BYTES_MAX)
		world_fail(w, "call send: out of range");
	for (int64_t i = 0; i < len; i++)
		bytes[i] = world_byte_out(f->sent + (uint32_t)i);
	err = weir_send(w->s, f->conn, bytes, (size_t)len, flags, &taken, w->now);
	if (err == WEIR_OK)
		f->sent += (uint32_t)taken;
	else if (taken)
		world_fail(w, "weir_send failed, but says that it took %zu bytes", taken);
	if (err == WEIR_OK && !stmt_result(st) && (int64_t)taken != len)
		world_fail(w, "weir_send took %zu of %lld bytes", taken, (long long)len);
	answer(w, st, err, err == WEIR_OK ? (int64_t)taken : 0);
}

/* call reserve N: reserves, fills and commits. call reserve N commit=M: commits less. */
static void call_reserve(struct world *w, struct stmt *st, struct flow *f)
{
	struct weir_mspan span[WEIR_SPANS_MAX];
	size_t count = 0, done = 0;
	int64_t want = plain_number(w, st, 0);
	size_t commit = (size_t)stmt_arg_number(w, st, "commit", want);
	enum weir_err err =
		weir_send_reserve(w->s, f->conn, (size_t)want, span, WEIR_SPANS_MAX, &count);

	for (size_t i = 0; err == WEIR_OK && i < count; i++)
		for (size_t k = 0; k < span[i].len; k++)
			span[i].bytes[k] = world_byte_out(f->sent + (uint32_t)done++);
	if (err == WEIR_OK && commit <= done) {
		err = weir_send_commit(w->s, f->conn, commit, 0, w->now);
		f->sent += (uint32_t)commit;
	}
	answer(w, st, err, (int64_t)done);
}

/* Takes all bytes that peek shows, up to `max`; 0 with *err set when there are none. */
static size_t take(struct world *w, struct flow *f, size_t max, bool consume, enum weir_err *err)
{
	struct weir_span span[WEIR_SPANS_MAX];
	size_t count = 0, bytes = 0, n = 0;

	*err = weir_recv_peek(w->s, f->conn, span, WEIR_SPANS_MAX, &count, &bytes);
	if (*err != WEIR_OK && (count || bytes))
		world_fail(w, "weir_recv_peek failed, but shows %zu bytes", bytes);
	if (*err != WEIR_OK)
		return 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < span[i].len && n < max; k++, n++)
			if (span[i].bytes[k] != world_byte_in(f->read + (uint32_t)n))
				world_fail(w, "byte %u that was received is not the one sent",
					   f->read + (uint32_t)n);
	if (n < max && n != bytes)
		world_fail(w, "weir_recv_peek: %zu bytes in spans, but it says %zu", n, bytes);
	if (!consume)
		return n;
	*err = weir_recv_consume(w->s, f->conn, n, w->now);
	f->read += (uint32_t)n;
	return *err == WEIR_OK ? n : 0;
}

/* call recv [N] -> BYTES | ERROR: everything there is, or N bytes at most. */
static void call_recv(struct world *w, struct stmt *st, struct flow *f)
{
	int64_t max = plain_number(w, st, INT64_MAX);
	int64_t total = 0;
	enum weir_err err = WEIR_OK, first = WEIR_OK;

	while (total < max) {
		size_t n = take(w, f, (size_t)(max - total), true, &err);

		if (total == 0)
			first = err;
		if (n == 0)
			break;
		total += (int64_t)n;
	}
	if (total > 0 && err != WEIR_OK && err != WEIR_AGAIN && err != WEIR_EOF)
		world_fail(w, "reading ended with %s", err_name(err));
	answer(w, st, first, total);
}

static void call_peek(struct world *w, struct stmt *st, struct flow *f)
{
	enum weir_err err;
	size_t n = take(w, f, SIZE_MAX, false, &err);

	answer(w, st, err, (int64_t)n);
}

static void call_consume(struct world *w, struct stmt *st, struct flow *f)
{
	int64_t n = plain_number(w, st, 0);
	enum weir_err err = weir_recv_consume(w->s, f->conn, (size_t)n, w->now);

	if (err == WEIR_OK)
		f->read += (uint32_t)n;
	answer(w, st, err, n);
}

static void call_end(struct world *w, struct stmt *st, struct flow *f)
{
	const char *name = st->words.w[1];
	enum weir_err err;

	if (strcmp(name, "shutdown") == 0)
		err = weir_shutdown(w->s, f->conn, w->now);
	else if (strcmp(name, "close") == 0)
		err = weir_close(w->s, f->conn, w->now);
	else
		err = weir_abort(w->s, f->conn, w->now);
	answer(w, st, err, 0);
}

static void call_status(struct world *w, struct stmt *st, struct flow *f)
{
	struct weir_info info;

	answer(w, st, weir_conn_info(w->s, f->conn, &info), 0);
}

/* call set NAME=VALUE */
static void call_set(struct world *w, struct stmt *st, struct flow *f)
{
	char *eq;
	int opt;

	if (st->words.count < 3 || !(eq = strchr(st->words.w[2], '=')))
		world_fail(w, "call set NAME=VALUE");
	*eq = '\0';
	opt = stmt_name(w, st->words.w[2], "option", connopt_name, WEIR_OPT_COUNT);
	answer(w, st,
	       weir_conn_set(w->s, f->conn, (enum weir_connopt)opt,
			     (uint64_t)stmt_number(w, eq + 1)),
	       0);
}

static void call_user(struct world *w, struct stmt *st, struct flow *f)
{
	answer(w, st, weir_conn_user_set(w->s, f->conn, (uint64_t)plain_number(w, st, 0)), 0);
}

static void call_count(struct world *w, struct stmt *st, struct flow *f)
{
	bool room = strcmp(st->words.w[1], "room") == 0;
	size_t n = room ? weir_send_room(w->s, f->conn) : weir_recv_urgent(w->s, f->conn);

	answer(w, st, WEIR_OK, (int64_t)n);
}

/* call accept [user=N]; call refuse HOW; call half-user N: on the flow's held record. */
static void call_half(struct world *w, struct stmt *st, struct flow *f)
{
	static const char *const how[] = {"rst", "unreach-host", "unreach-net", "unreach-admin",
					  "drop"};
	const char *name = st->words.w[1];
	int i = 0;

	if (strcmp(name, "accept") == 0) {
		answer(w, st,
		       weir_half_accept(w->s, f->half, (uint64_t)stmt_arg_number(w, st, "user", 0),
					w->now),
		       0);
		return;
	}
	if (strcmp(name, "half-user") == 0) {
		answer(w, st, weir_half_user_set(w->s, f->half, (uint64_t)plain_number(w, st, 0)),
		       0);
		return;
	}
	while (i < 5 && (st->words.count < 3 || strcmp(st->words.w[2], how[i]) != 0))
		i++;
	if (i == 5)
		world_fail(w, "call refuse HOW");
	answer(w, st, weir_half_refuse(w->s, f->half, (enum weir_refusal)i, w->now), 0);
}

static const struct {
	const char *name;
	void (*run)(struct world *w, struct stmt *st, struct flow *f);
} table[] = {
	{"connect", call_connect},
	{"listen", call_listen},
	{"send", call_send},
	{"reserve", call_reserve},
	{"recv", call_recv},
	{"peek", call_peek},
	{"consume", call_consume},
	{"shutdown", call_end},
	{"close", call_end},
	{"abort", call_end},
	{"status", call_status},
	{"set", call_set},
	{"user", call_user},
	{"room", call_count},
	{"urgent", call_count},
	{"accept", call_half},
	{"refuse", call_half},
	{"half-user", call_half},
	{"listener-close", call_listener_close},
};

void cmd_call(struct world *w, struct stmt *st)
{
	if (st->words.count < 2)
		world_fail(w, "call NAME");
	w->hold = has_word(st, "hold");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(st->words.w[1], table[i].name) == 0) {
			table[i].run(w, st, stmt_flow(w, st));
			world_check(w);
			return;
		}
	world_fail(w, "unknown call: %s", st->words.w[1]);
}
