/*
 * api.c: the calls on connections (RFC 9293 3.10.1 to 3.10.6): a handle becomes a connection, the
 * connection's part is core/tcp/user.h, and conn_settle() sees to the rest.
 */
#include "stack/conns.h"
#include "stack/demux.h"
#include "stack/ports.h"
#include "stack/reply.h"
#include "stack/timewaits.h"
#include "tcp/isn.h"
#include "tcp/rcvq.h"
#include "tcp/sndq.h"
#include "tcp/user.h"

_Static_assert(sizeof(struct pageq_piece) == sizeof(struct weir_span), "shapes are the same");

static enum weir_err connect_tuple(struct weir_stack *s, const struct weir_connect_args *args,
				   struct weir_tuple *t)
{
	const struct weir_addr *source;

	*t = (struct weir_tuple){.local = args->local, .remote = args->remote};
	if (t->remote.addr.family == 0 || t->remote.port == 0)
		return WEIR_NO_REMOTE;
	if (t->remote.addr.family != 4 && t->remote.addr.family != 6)
		return WEIR_BAD_ARG;
	if (!netif_may_be_peer(&s->netif, &t->remote.addr))
		return WEIR_BAD_REMOTE; /* MUST-46 */
	if (t->local.addr.family == 0) {
		source = netif_source_for(&s->netif, &t->remote.addr); /* MUST-44 */
		if (!source)
			return WEIR_NO_LOCAL;
		t->local.addr = *source;
	} else if (!netif_is_ours(&s->netif, &t->local.addr) ||
		   t->local.addr.family != t->remote.addr.family) {
		return WEIR_NO_LOCAL;
	}
	if (t->local.port == 0)
		return ports_choose(s, t);
	return demux_find(s, t) == REF_NONE ? WEIR_OK : WEIR_EXISTS;
}

enum weir_err weir_connect(struct weir_stack *s, const struct weir_connect_args *args,
			   weir_time now, weir_conn *out)
{
	struct weir_tuple t;
	enum weir_err e;
	struct conn *c;
	uint8_t id[36];
	uint32_t old;
	seq_t isn;
	size_t n;

	stack_clock(s, now);
	e = connect_tuple(s, args, &t);
	if (e != WEIR_OK)
		return e;
	old = demux_find(s, &t); /* a TIME-WAIT record that yields: ports.c */
	c = conn_new(s, &t, 0);
	if (!c)
		return WEIR_NO_RESOURCES;
	c->user = args->user;
	n = stack_tuple_id(&t, id);
	isn = isn_make(s->cfg.isn_key, id, n, s->now);
	if (old != REF_NONE)
		isn = timewaits_yield(s, ref_slot(old), isn);
	tcb_open_active(&c->tcb, &s->env, isn, isn_ts_offset(s->cfg.isn_key, id, n), s->now);
	conn_trace_state(s, c, WEIR_STATE_CLOSED, WEIR_CTR_OPENED_ACTIVE);
	conn_settle(s, c);
	*out = conn_handle(s, c);
	return WEIR_OK;
}

/* WRITABLE is owed: after an ACK, or when another connection gives pages back. */
static void send_refused(struct weir_stack *s, struct conn *c)
{
	c->tcb.sndq.full = true;
	if (sndq_room(&c->tcb))
		conn_starve(s, c);
}

enum weir_err weir_send(struct weir_stack *s, weir_conn h, const void *bytes, size_t len,
			uint32_t flags, size_t *taken, weir_time now)
{
	struct conn *c = conn_get(s, h);
	enum weir_err e = c ? user_may_send(&c->tcb) : WEIR_NO_CONN;

	*taken = 0;
	stack_clock(s, now);
	if (e != WEIR_OK)
		return e;
	*taken = sndq_append(&c->tcb, &s->env, bytes, len);
	if (*taken < len)
		send_refused(s, c);
	if (*taken == 0 && len)
		return WEIR_AGAIN;
	user_queued(&c->tcb, &s->env, *taken < len ? flags & ~WEIR_SEND_URGENT : flags, s->now);
	conn_settle(s, c);
	return WEIR_OK;
}

enum weir_err weir_send_reserve(struct weir_stack *s, weir_conn h, size_t want,
				struct weir_mspan *spans, size_t max, size_t *count)
{
	struct conn *c = conn_get(s, h);
	enum weir_err e = c ? user_may_send(&c->tcb) : WEIR_NO_CONN;

	*count = 0;
	if (e != WEIR_OK)
		return e;
	if (want == 0)
		return WEIR_OK;
	*count = sndq_reserve(&c->tcb, &s->env, want, (struct pageq_piece *)(void *)spans, max);
	if (*count == 0)
		send_refused(s, c);
	return *count ? WEIR_OK : WEIR_AGAIN;
}

enum weir_err weir_send_commit(struct weir_stack *s, weir_conn h, size_t len, uint32_t flags,
			       weir_time now)
{
	struct conn *c = conn_get(s, h);
	enum weir_err e = c ? user_may_send(&c->tcb) : WEIR_NO_CONN;

	stack_clock(s, now);
	if (e != WEIR_OK)
		return e;
	if (!sndq_commit(&c->tcb, &s->env, len))
		return WEIR_BAD_ARG;
	if (len == 0)
		return WEIR_OK;
	user_queued(&c->tcb, &s->env, flags, s->now);
	conn_settle(s, c);
	return WEIR_OK;
}

size_t weir_send_room(const struct weir_stack *s, weir_conn h)
{
	const struct conn *c = conn_get(s, h);

	return c && user_may_send(&c->tcb) == WEIR_OK ? sndq_room(&c->tcb) : 0;
}

enum weir_err weir_recv_peek(struct weir_stack *s, weir_conn h, struct weir_span *spans, size_t max,
			     size_t *count, size_t *bytes)
{
	struct conn *c = conn_get(s, h);

	*count = *bytes = 0;
	if (!c || c->tcb.user.closed)
		return WEIR_NO_CONN;
	if (rcvq_readable(&c->tcb) == 0)
		return user_nothing_to_read(&c->tcb);
	*count = rcvq_peek(&c->tcb, &s->env, (struct pageq_piece *)(void *)spans, max, bytes);
	return WEIR_OK;
}

enum weir_err weir_recv_consume(struct weir_stack *s, weir_conn h, size_t len, weir_time now)
{
	struct conn *c = conn_get(s, h);

	stack_clock(s, now);
	if (!c || c->tcb.user.closed)
		return WEIR_NO_CONN;
	if (len > rcvq_readable(&c->tcb))
		return WEIR_BAD_ARG;
	if (len)
		user_consume(&c->tcb, &s->env, (uint32_t)len, s->now);
	conn_settle(s, c);
	return WEIR_OK;
}

typedef enum weir_err user_call(struct tcb *t, struct tcp_env *env, weir_time now);

static enum weir_err end_by(struct weir_stack *s, weir_conn h, weir_time now, user_call *call)
{
	struct conn *c = conn_get(s, h);
	enum weir_state before;
	enum weir_err e;

	stack_clock(s, now);
	if (!c)
		return WEIR_NO_CONN;
	before = c->tcb.state;
	e = call(&c->tcb, &s->env, s->now);
	conn_trace_state(s, c, before, c->tcb.want_rst ? WEIR_CTR_SENT_RST : WEIR_CTR_SENT_FIN);
	conn_settle(s, c);
	return e;
}

enum weir_err weir_shutdown(struct weir_stack *s, weir_conn h, weir_time now)
{
	return end_by(s, h, now, user_shutdown);
}

enum weir_err weir_close(struct weir_stack *s, weir_conn h, weir_time now)
{
	return end_by(s, h, now, user_close);
}

enum weir_err weir_abort(struct weir_stack *s, weir_conn h, weir_time now)
{
	struct conn *c = conn_get(s, h);
	enum weir_state before;

	stack_clock(s, now);
	if (!c)
		return WEIR_NO_CONN;
	before = c->tcb.state;
	if (user_abort_owes_rst(&c->tcb))
		reply_reset_conn(s, c);
	if (before != WEIR_STATE_CLOSED && before != WEIR_STATE_TIME_WAIT)
		++*stack_counter(s, WEIR_CTR_CLOSED_ABORT);
	if (c->timewait != POOL_NONE)
		timewaits_end(s, c->timewait, WEIR_CTR_CLOSED_ABORT);
	else if (before != WEIR_STATE_CLOSED)
		tcb_end(&c->tcb, &s->env, WEIR_ABORTED);
	conn_trace_state(s, c, before, WEIR_CTR_CLOSED_ABORT);
	if (before != WEIR_STATE_CLOSED) {
		conn_detach(s, c);
		timewaits_remember_cookie(s, c);
	}
	conn_free(s, c);
	return WEIR_OK;
}

static bool in_range(enum weir_connopt opt, uint64_t value)
{
	static const struct {
		uint64_t min, max;
	} range[] = {
#define X(name, id, lo, hi, text) [WEIR_OPT_##name] = {lo, hi},
#include "weir/def/connopt.def"
#undef X
	};

	return (unsigned)opt < WEIR_OPT_COUNT && value >= range[opt].min && value <= range[opt].max;
}

enum weir_err weir_conn_set(struct weir_stack *s, weir_conn h, enum weir_connopt opt,
			    uint64_t value)
{
	struct conn *c = conn_get(s, h);

	if (!c)
		return WEIR_NO_CONN;
	if (!in_range(opt, value))
		return WEIR_BAD_ARG;
	user_set(&c->tcb, &s->env, opt, value);
	conn_settle(s, c);
	return WEIR_OK;
}

enum weir_err weir_conn_user_set(struct weir_stack *s, weir_conn h, uint64_t user)
{
	struct conn *c = conn_get(s, h);

	if (!c)
		return WEIR_NO_CONN;
	c->user = user;
	return WEIR_OK;
}

size_t weir_recv_urgent(const struct weir_stack *s, weir_conn h)
{
	const struct conn *c = conn_get(s, h);
	const struct tcb *t;

	if (!c || !c->tcb.rcv.up_set)
		return 0;
	t = &c->tcb;
	return (uint32_t)seq_diff(t->rcv.up, rcvq_next(t));
}
