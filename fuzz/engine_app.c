/*
 * engine_app.c: the application on the stack that is fuzzed.
 *
 * It holds the handles that the stack has given it, also those that have ended, and judges what
 * each call returns: bytes are read in order, each once and none twice, from right behind the
 * peer's SYN to right before its FIN, and none that has not come (engine_model.c); errors are among
 * those that weir.h lists, and a handle that has ended is answered with WEIR_NO_CONN.
 */
#include "engine_world.h"

#define READ_SPANS 4u

static struct app_conn *find_conn(struct world *w, weir_conn c)
{
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		if (w->conns[i].used && w->conns[i].conn.v == c.v)
			return &w->conns[i];
	}
	return NULL;
}

/* A place for a new handle; connections may be at most half as many as places. */
static struct app_conn *new_conn(struct world *w, weir_conn c)
{
	fuzz_assert(c.v != 0 && !find_conn(w, c));
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		if (!w->conns[i].used) {
			w->conns[i] = (struct app_conn){.used = true, .conn = c};
			w->conn_last = i;
			return &w->conns[i];
		}
	}
	fuzz_assert(!"more connections than conns_max");
	return NULL;
}

static struct app_conn *pick_conn(struct world *w)
{
	struct app_conn *a = &w->conns[(w->conn_last - fuzz_u8(&w->in)) % CONNS_MAX];

	if (!a->used)
		a = &w->conns[w->conn_last];
	return a->used ? a : NULL;
}

/* What has come for a connection; NULL when nobody knows any more. */
static const struct model *model_of(struct world *w, const struct app_conn *a)
{
	const struct flow *f = a->irs_known ? peer_flow_of(w, &a->tuple) : NULL;

	return f ? &f->model : NULL;
}

/* Once a connection is open, its numbers tell where the next byte to read stands. */
static void learn_start(struct world *w, struct app_conn *a)
{
	struct weir_info info;

	if (a->irs_known || weir_conn_info(w->stack, a->conn, &info) != WEIR_OK)
		return;
	a->tuple = info.tuple;
	a->in_seq = info.rcv_nxt - info.rcvq_bytes;
	switch (info.state) {
	case WEIR_STATE_CLOSE_WAIT:
	case WEIR_STATE_CLOSING:
	case WEIR_STATE_LAST_ACK:
	case WEIR_STATE_TIME_WAIT:
		a->in_seq--; /* the peer's FIN was taken too */
		a->irs_known = true;
		break;
	case WEIR_STATE_ESTABLISHED:
	case WEIR_STATE_FIN_WAIT_1:
	case WEIR_STATE_FIN_WAIT_2:
		a->irs_known = true;
		break;
	case WEIR_STATE_CLOSED: /* it has ended again: with or without a FIN */
	case WEIR_STATE_SYN_SENT:
	case WEIR_STATE_SYN_RECEIVED:
		break;
	case WEIR_STATE_LISTEN:
	case WEIR_STATE_COUNT:
		fuzz_assert(!"the state of a connection");
	}
	if (model_of(w, a))
		fuzz_assert(model_may_begin(model_of(w, a), a->in_seq));
}

/* Somebody was told that a connection is open. */
static void on_open(struct world *w, struct app_conn *a)
{
	struct weir_info info;

	fuzz_assert(a);
	learn_start(w, a);
	if (weir_conn_info(w->stack, a->conn, &info) == WEIR_OK)
		fuzz_assert(a->irs_known || info.state == WEIR_STATE_CLOSED);
}

static void on_closed(struct world *w, const struct weir_event *ev)
{
	struct app_conn *a = find_conn(w, ev->conn);
	struct weir_info info;
	size_t taken;

	fuzz_assert(a);
	a->used = false;
	fuzz_assert(weir_conn_info(w->stack, ev->conn, &info) == WEIR_NO_CONN);
	fuzz_assert(weir_close(w->stack, ev->conn, w->now) == WEIR_NO_CONN);
	fuzz_assert(weir_send(w->stack, ev->conn, "x", 1, 0, &taken, w->now) == WEIR_NO_CONN);
	fuzz_assert(weir_send_room(w->stack, ev->conn) == 0);
}

void app_event(struct world *w, const struct weir_event *ev)
{
	switch (ev->kind) {
	case WEIR_EV_SYN:
		fuzz_assert(ev->half.v);
		w->halfs[w->half_next++ % HALFS_MAX] = ev->half;
		break;
	case WEIR_EV_HALF_GONE:
		fuzz_assert(ev->half.v && ev->reason != WEIR_OK);
		break;
	case WEIR_EV_ACCEPTED:
		on_open(w, new_conn(w, ev->conn));
		break;
	case WEIR_EV_CONNECTED:
		on_open(w, find_conn(w, ev->conn));
		break;
	case WEIR_EV_WRITABLE:
		fuzz_assert(find_conn(w, ev->conn));
		find_conn(w, ev->conn)->waits = false;
		break;
	case WEIR_EV_READABLE:
	case WEIR_EV_URGENT:
	case WEIR_EV_SOFT_ERROR:
		fuzz_assert(find_conn(w, ev->conn));
		break;
	case WEIR_EV_CLOSED:
		on_closed(w, ev);
		break;
	case WEIR_EV_COUNT:
		fuzz_assert(!"an event");
	}
}

/* Listener `i`: 0 early on 80, 1 held on 81, 2 held on any port of any address, 3 early on 82 of
 * our IPv4 address. */
static void listen_one(struct world *w, unsigned i, uint32_t backlog)
{
	struct weir_listen_args args = {.backlog = backlog, .user = i + 1};
	enum weir_err err;

	args.mode = i == 1 || i == 2 ? WEIR_ACCEPT_HELD : WEIR_ACCEPT_EARLY;
	args.local.port = i == 2 ? 0 : (uint16_t)(80 + (i == 3 ? 2 : i));
	if (i == 3)
		args.local.addr = world_ours_addr(V4, OURS);
	if (w->listeners[i].v) {
		weir_listener other;

		err = weir_listen(w->stack, &args, &other);
		fuzz_assert(err == WEIR_EXISTS); /* RFC9293-MUST-41 */
		return;
	}
	err = weir_listen(w->stack, &args, &w->listeners[i]);
	fuzz_assert(err == WEIR_OK || err == WEIR_NO_RESOURCES);
	if (err != WEIR_OK)
		w->listeners[i].v = 0;
}

void app_listen_all(struct world *w, uint8_t which, uint32_t backlog)
{
	for (unsigned i = 0; i < LISTEN_MAX; i++) {
		if (which & 1u << i)
			listen_one(w, i, backlog);
	}
}

void app_listen(struct world *w)
{
	uint8_t which = fuzz_u8(&w->in);

	listen_one(w, which % LISTEN_MAX, which >> 4);
}

void app_unlisten(struct world *w)
{
	weir_listener *l = &w->listeners[fuzz_u8(&w->in) % LISTEN_MAX];

	if (!l->v)
		return;
	fuzz_assert(weir_listener_close(w->stack, *l) == WEIR_OK);
	fuzz_assert(weir_listener_close(w->stack, *l) == WEIR_NO_CONN);
	l->v = 0;
}

void app_decide(struct world *w)
{
	uint8_t bits = fuzz_u8(&w->in);
	weir_half h = w->halfs[(w->half_next - 1 - (bits & 7u)) % HALFS_MAX];
	enum weir_err err;

	if (!h.v)
		return;
	if (bits & 8) {
		err = weir_half_user_set(w->stack, h, bits);
		fuzz_assert(err == WEIR_OK || err == WEIR_NO_CONN);
	}
	if (bits >> 4 < 5)
		err = weir_half_refuse(w->stack, h, (enum weir_refusal)(bits >> 4), w->now);
	else
		err = weir_half_accept(w->stack, h, bits, w->now);
	fuzz_assert(err == WEIR_OK || err == WEIR_NO_CONN);
	/* Decided once. */
	fuzz_assert(weir_half_refuse(w->stack, h, WEIR_REFUSE_DROP, w->now) == WEIR_NO_CONN);
}

void app_connect(struct world *w)
{
	uint8_t where = fuzz_u8(&w->in);
	enum version version = where & 1 ? V6 : V4;
	struct weir_connect_args args = {.user = where};
	weir_conn c = {0};
	enum weir_err err;

	args.remote.addr = world_peer_addr(version, where >> 1 & 3);
	args.remote.port = (uint16_t)(1024 + (where >> 3 & 1));
	if (where & 0x10)
		args.local.port = (uint16_t)(80 + (where >> 5 & 3));
	if (where & 0x80)
		args.local.addr = world_ours_addr(version, OURS);
	err = weir_connect(w->stack, &args, w->now, &c);
	if (err == WEIR_OK)
		new_conn(w, c);
	else
		fuzz_assert(err == WEIR_EXISTS || err == WEIR_NO_RESOURCES || err == WEIR_NO_PORT ||
			    err == WEIR_NO_LOCAL);
}

/* Why a connection ends; calls on one whose CLOSED was not read yet may say so. */
static bool is_end(enum weir_err err)
{
	return err == WEIR_RESET || err == WEIR_TIMEOUT || err == WEIR_REFUSED ||
	       err == WEIR_UNREACHABLE || err == WEIR_ABORTED || err == WEIR_NO_CONN;
}

static void check_send_err(const struct app_conn *a, enum weir_err err)
{
	fuzz_assert(err == WEIR_OK || err == WEIR_AGAIN || err == WEIR_CLOSING || is_end(err));
	fuzz_assert(!a->closed || err != WEIR_OK);
}

void app_send(struct world *w)
{
	struct app_conn *a = pick_conn(w);
	uint8_t size = fuzz_u8(&w->in), bytes[8192];
	size_t len = size & 0x80 ? (size & 0x7fu) * 64u : size, taken = 0, room;
	uint32_t flags = fuzz_u8(&w->in) & (WEIR_SEND_URGENT | WEIR_SEND_MORE);
	enum weir_err err;

	if (!a)
		return;
	for (size_t i = 0; i < len; i++)
		bytes[i] = fuzz_pattern(a->out_off + (uint32_t)i);
	room = weir_send_room(w->stack, a->conn);
	err = weir_send(w->stack, a->conn, bytes, len, flags, &taken, w->now);
	if (len)
		check_send_err(a, err);
	a->waits |= err == WEIR_AGAIN || (err == WEIR_OK && taken < len);
	if (err != WEIR_OK)
		return;
	fuzz_assert(taken <= len && (taken > 0 || len == 0));
	fuzz_assert(taken <= room); /* fewer when there are not enough pages */
	a->out_off += (uint32_t)taken;
}

void app_send_in_place(struct world *w)
{
	struct app_conn *a = pick_conn(w);
	size_t want = 1 + fuzz_u16(&w->in) % 16384u, count = 0, done = 0;
	uint8_t part = fuzz_u8(&w->in);
	struct weir_mspan spans[READ_SPANS];
	enum weir_err err;

	if (!a)
		return;
	err = weir_send_reserve(w->stack, a->conn, want, spans, READ_SPANS, &count);
	check_send_err(a, err);
	a->waits |= err == WEIR_AGAIN;
	if (err != WEIR_OK)
		return;
	fuzz_assert(count > 0 && count <= READ_SPANS);
	for (size_t i = 0; i < count; i++) {
		fuzz_assert(spans[i].len > 0);
		for (size_t j = 0; j < spans[i].len; j++)
			spans[i].bytes[j] = fuzz_pattern(a->out_off + (uint32_t)done++);
	}
	fuzz_assert(done <= want);
	if (part & 0x80)
		done = part = 0; /* nothing came of it; an idle connection holds no page */
	done = part & 0x40 ? done : done * (part & 0x3fu) / 0x40u;
	err = weir_send_commit(w->stack, a->conn, done, 0, w->now);
	fuzz_assert(err == WEIR_OK);
	a->out_off += (uint32_t)done;
}

/* What is shown must be the next bytes of the peer's stream. */
static void check_read(const struct app_conn *a, const struct weir_span *spans, size_t count,
		       size_t bytes)
{
	uint32_t at = a->in_seq;
	size_t sum = 0;

	fuzz_assert(count > 0 && count <= READ_SPANS);
	for (size_t i = 0; i < count; i++) {
		fuzz_assert(spans[i].len > 0);
		sum += spans[i].len;
		for (size_t j = 0; j < spans[i].len; j++, at++)
			fuzz_assert(!a->irs_known || spans[i].bytes[j] == fuzz_pattern(at));
	}
	fuzz_assert(sum == bytes && bytes > 0);
}

void app_read(struct world *w)
{
	struct app_conn *a = pick_conn(w);
	uint8_t part = fuzz_u8(&w->in);
	struct weir_span spans[READ_SPANS];
	size_t count = 0, bytes = 0, take;
	const struct model *came;
	enum weir_err err;

	if (!a)
		return;
	learn_start(w, a); /* one may read before one hears of CONNECTED */
	err = weir_recv_peek(w->stack, a->conn, spans, READ_SPANS, &count, &bytes);
	came = model_of(w, a);
	if (err == WEIR_EOF && came)
		fuzz_assert(model_may_end(came, a->in_seq));
	if (err != WEIR_OK)
		return;
	fuzz_assert(!a->closed);
	check_read(a, spans, count, bytes);
	if (came)
		fuzz_assert(model_may_ack(came, a->in_seq + (uint32_t)bytes));
	take = part ? bytes * part / 256u : bytes;
	fuzz_assert(weir_recv_consume(w->stack, a->conn, take, w->now) == WEIR_OK);
	a->in_seq += (uint32_t)take;
}

void app_shutdown(struct world *w)
{
	struct app_conn *a = pick_conn(w);
	enum weir_err err;

	if (!a)
		return;
	err = weir_shutdown(w->stack, a->conn, w->now);
	fuzz_assert(err == WEIR_OK || err == WEIR_CLOSING || is_end(err));
	if (err == WEIR_OK)
		fuzz_assert(weir_shutdown(w->stack, a->conn, w->now) == WEIR_CLOSING);
}

void app_close(struct world *w)
{
	struct app_conn *a = pick_conn(w);
	enum weir_err err;

	if (!a)
		return;
	err = weir_close(w->stack, a->conn, w->now);
	fuzz_assert(err == WEIR_OK || err == WEIR_CLOSING || is_end(err));
	fuzz_assert(err != WEIR_OK || !a->closed);
	a->closed = true;
}

static void abort_one(struct world *w, struct app_conn *a)
{
	enum weir_err err = weir_abort(w->stack, a->conn, w->now);

	fuzz_assert(err == WEIR_OK || err == WEIR_NO_CONN);
	fuzz_assert(weir_abort(w->stack, a->conn, w->now) == WEIR_NO_CONN);
	a->used = false;
}

void app_abort(struct world *w)
{
	struct app_conn *a = pick_conn(w);

	if (a)
		abort_one(w, a);
}

void app_abort_all(struct world *w)
{
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		if (w->conns[i].used)
			abort_one(w, &w->conns[i]);
	}
}

void app_close_all(struct world *w)
{
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		weir_conn c = w->conns[i].conn;

		if (!w->conns[i].used)
			continue;
		/* A user timeout of 0 is the wish to wait for ever; and keep-alive every 64 ms
		 * would only make the end longer. */
		weir_conn_set(w->stack, c, WEIR_OPT_USER_TIMEOUT_MS, 300000);
		weir_conn_set(w->stack, c, WEIR_OPT_KEEPALIVE, 0);
		weir_close(w->stack, c, w->now);
	}
}

void app_set(struct world *w)
{
	struct app_conn *a = pick_conn(w);
	uint8_t opt = fuzz_u8(&w->in) % WEIR_OPT_COUNT;
	uint64_t value = fuzz_u8(&w->in);
	enum weir_err err;

	if (!a)
		return;
	if (opt == WEIR_OPT_SNDBUF || opt == WEIR_OPT_RCVBUF)
		value *= 512;
	else if (opt >= WEIR_OPT_KEEP_IDLE_MS && opt != WEIR_OPT_DSCP && opt != WEIR_OPT_TTL)
		value *= 64;
	err = weir_conn_set(w->stack, a->conn, (enum weir_connopt)opt, value);
	fuzz_assert(err == WEIR_OK || err == WEIR_BAD_ARG || err == WEIR_NO_CONN);
	err = weir_conn_user_set(w->stack, a->conn, value);
	fuzz_assert(err == WEIR_OK || err == WEIR_NO_CONN);
}

static uint32_t walk(const struct world *w, enum weir_walk_kind kind)
{
	struct weir_info info;
	uint32_t cursor = 0, count = 0;

	while (weir_walk(w->stack, kind, &cursor, w->now, &info)) {
		fuzz_assert(info.state > WEIR_STATE_CLOSED && info.state < WEIR_STATE_COUNT);
		fuzz_assert(++count <= CONNS_MAX);
	}
	return count;
}

/* A connection that was told to wait for WRITABLE, has nothing queued, and could have pages (beyond
 * those that are kept for what comes in): nothing that comes will ever wake it, so it must have
 * been told already. */
void app_check_waits(struct world *w)
{
	uint64_t kept = w->cfg.pages_max / 8 + 2;
	struct weir_usage usage;
	struct weir_info info;

	weir_stack_usage(w->stack, &usage);
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		const struct app_conn *a = &w->conns[i];

		if (!a->used || !a->waits || usage.pages + kept + 2 > w->cfg.pages_max)
			continue;
		if (weir_conn_info(w->stack, a->conn, &info) == WEIR_OK && !info.sndq_bytes)
			fuzz_assert(info.state != WEIR_STATE_ESTABLISHED &&
				    info.state != WEIR_STATE_CLOSE_WAIT);
	}
}

/* What the stack tells of itself agrees with itself. */
void app_look(struct world *w)
{
	struct weir_usage usage;
	uint32_t halfs = walk(w, WEIR_WALK_HALFS), timewaits = walk(w, WEIR_WALK_TIMEWAITS);

	weir_stack_usage(w->stack, &usage);
	fuzz_assert(usage.conns <= w->cfg.conns_max && usage.halfs <= w->cfg.halfs_max);
	fuzz_assert(usage.timewaits <= w->cfg.timewaits_max);
	fuzz_assert(usage.pages <= w->cfg.pages_max && usage.ranges <= w->cfg.ranges_max);
	/* A record whose HALF_GONE was not read yet is in use, but no half-open record any more. */
	fuzz_assert(w->hold ? halfs <= usage.halfs : halfs == usage.halfs);
	/* One that remembers the use of a cookie is in no state. */
	fuzz_assert(w->cfg.cookies ? timewaits <= usage.timewaits : timewaits == usage.timewaits);
	walk(w, WEIR_WALK_CONNS);
	for (unsigned i = 0; i < CONNS_MAX; i++) {
		if (w->conns[i].used)
			weir_recv_urgent(w->stack, w->conns[i].conn);
	}
}
