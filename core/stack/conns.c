/*
 * Theory of operation
 *
 * A connection's slot lives as long as its handle: until its CLOSED event was read, or it was
 * aborted. Its tuple may go earlier: in TIME-WAIT a small record holds it, and in CLOSED nobody.
 *
 * Nothing is done to a connection without conn_settle() after it. It compares what the connection
 * is with what the stack does for it, so no caller needs to know what a step may have led to:
 *   want_rst            an RST goes out from the sequence numbers as they were
 *   TIME-WAIT           a record is made, which sends the last ACK; all pages but unread ones go
 *   CLOSED              the tuple is free
 *   timers              the wheel node is moved when the nearest timer is earlier than its filing;
 *                       a later one is noticed when the node fires, which saves most movements
 *   output, events      the connection joins the lists
 */
#include "stack/conns.h"

#include "base/assert.h"
#include "stack/demux.h"
#include "stack/paths.h"
#include "stack/reply.h"
#include "stack/timewaits.h"
#include "stack/trace.h"
#include "tcp/timers.h"
#include "tcp/user.h"

/* What a send to an empty queue takes at least: a page and the queue's directory. */
#define FEED_PAGES 2u

weir_conn conn_handle(const struct weir_stack *s, const struct conn *c)
{
	return (weir_conn){(uint64_t)c->gen << 32 | pool_index(&s->conns, c)};
}

struct conn *conn_new(struct weir_stack *s, const struct weir_tuple *tuple, uint32_t flow)
{
	uint32_t slot = pool_take(&s->conns);
	uint8_t family = tuple->local.addr.family;
	struct conn *c;
	uint32_t gen;

	if (slot == POOL_NONE)
		return NULL;
	c = pool_at(&s->conns, slot);
	gen = c->gen | 1; /* odd while in use */
	*c = (struct conn){.gen = gen, .tuple = *tuple, .timewait = POOL_NONE};
	c->flow = flow ? flow : ++s->flow_last;
	c->listener = POOL_NONE;
	list_init(&c->ready);
	list_init(&c->event);
	list_init(&c->starved);
	wheel_node_init(&c->timer);
	tcb_init(&c->tcb, &s->env, stack_mss_local(s, family), stack_mss_default(family), s->now);
	paths_begin(s, c);
	demux_insert(s, tuple, ref_make(REF_CONN, slot));
	c->attached = true;
	return c;
}

void conn_detach(struct weir_stack *s, struct conn *c)
{
	if (!c->attached)
		return;
	demux_remove(s, &c->tuple, ref_make(REF_CONN, pool_index(&s->conns, c)));
	c->attached = false;
	s->orphans -= c->orphan;
	c->orphan = false;
}

void conn_free(struct weir_stack *s, struct conn *c)
{
	conn_detach(s, c);
	tcb_flush(&c->tcb, &s->env);
	wheel_arm(&s->wheel, &c->timer, WHEEL_NEVER);
	list_remove(&c->ready);
	list_remove(&c->event);
	list_remove(&c->starved);
	if (c->listener != POOL_NONE)
		s->listeners[c->listener].pending--;
	if (c->timewait != POOL_NONE)
		timewaits_forget_conn(s, c->timewait);
	c->gen++; /* even: free */
	pool_give(&s->conns, pool_index(&s->conns, c));
}

void conn_trace_state(struct weir_stack *s, const struct conn *c, enum weir_state before,
		      enum weir_counter why)
{
	if (s->cfg.trace && before != c->tcb.state)
		trace_state(s, c->flow, &c->tuple, before, c->tcb.state, why);
}

static enum weir_counter end_counter(enum weir_err reason)
{
	switch (reason) {
	case WEIR_OK:
		return WEIR_CTR_CLOSED_NORMALLY;
	case WEIR_TIMEOUT:
		return WEIR_CTR_CLOSED_TIMEOUT;
	case WEIR_ABORTED:
		return WEIR_CTR_CLOSED_ABORT;
	default: /* whatever else a connection can end with was sent by the peer or the path */
		return WEIR_CTR_CLOSED_RESET;
	}
}

static void settle_end(struct weir_stack *s, struct conn *c)
{
	struct tcb *t = &c->tcb;

	if (t->want_rst) {
		reply_reset_conn(s, c);
		t->want_rst = false;
	}
	if (t->state == WEIR_STATE_TIME_WAIT) {
		timewaits_enter(s, c);
		timers_init(t);
		t->ackgen = (struct ackgen){0}; /* the record acknowledges from now on */
	} else {
		conn_detach(s, c);
		timewaits_remember_cookie(s, c);
		++*stack_counter(s, end_counter(t->reason));
	}
	list_remove(&c->ready);
	tcb_event(t, WEIR_EV_CLOSED);
}

/* Nobody waits for the end of a closed connection, so there may not be too many. */
static void settle_orphan(struct weir_stack *s, struct conn *c)
{
	struct tcb *t = &c->tcb;

	if (!t->user.closed || c->orphan || !c->attached || t->state == WEIR_STATE_CLOSED)
		return;
	c->orphan = true;
	if (++s->orphans <= s->cfg.orphans_max)
		return;
	++*stack_counter(s, WEIR_CTR_ORPHANS_FULL);
	t->want_rst = user_abort_owes_rst(t);
	tcb_end(t, &s->env, WEIR_ABORTED);
}

static __attribute__((noinline)) void settle_timer(struct weir_stack *s, struct conn *c)
{
	weir_time next = timers_next(&c->tcb);

	c->tcb.timers_moved = false;
	if (next < c->timer.deadline || next == WEIR_NEVER)
		wheel_arm(&s->wheel, &c->timer, next);
	if (next <= s->now)
		stack_armed(s);
}

/* What becomes of few segments, but ends or shrinks a connection. */
static __attribute__((noinline)) void settle_rare(struct weir_stack *s, struct conn *c)
{
	struct tcb *t = &c->tcb;

	settle_orphan(s, c);
	if (t->mtup.news)
		paths_tell(s, c);
	if (c->attached && (t->state == WEIR_STATE_CLOSED || t->state == WEIR_STATE_TIME_WAIT))
		settle_end(s, c);
	if (t->user.closed)
		t->events &= ~(1u << WEIR_EV_READABLE); /* nobody reads any more */
}

void conn_settle(struct weir_stack *s, struct conn *c)
{
	struct tcb *t = &c->tcb;

	if (t->user.closed || t->mtup.news || t->state == WEIR_STATE_CLOSED ||
	    t->state == WEIR_STATE_TIME_WAIT)
		settle_rare(s, c);
	/* The node may have fired earlier than any timer is due. */
	if (t->timers_moved || c->timer.deadline == WHEEL_NEVER)
		settle_timer(s, c);
	if (c->attached && list_empty(&c->ready))
		list_push(&s->ready, &c->ready);
	if (t->events && list_empty(&c->event))
		list_push(&s->events, &c->event);
}

void conn_starve(struct weir_stack *s, struct conn *c)
{
	if (list_empty(&c->starved))
		list_push(&s->starved, &c->starved);
}

void conns_feed(struct weir_stack *s)
{
	while (!list_empty(&s->starved) && tcp_pages_spare(&s->env) >= FEED_PAGES) {
		struct conn *c = list_entry(list_first(&s->starved), struct conn, starved);

		list_remove(&c->starved);
		if (!c->tcb.sndq.full || !c->attached)
			continue; /* an ACK made room before, or it has ended */
		c->tcb.sndq.full = false;
		tcb_event(&c->tcb, WEIR_EV_WRITABLE);
		conn_settle(s, c);
		return;
	}
}

void conns_run(struct weir_stack *s, weir_time now)
{
	struct wheel_node *n;

	while ((n = wheel_pop(&s->wheel, now)) != NULL) {
		struct conn *c = list_entry(n, struct conn, timer);
		enum weir_state before = c->tcb.state;

		timers_run(&s->env, &c->tcb, now);
		conn_trace_state(s, c, before, WEIR_CTR_CLOSED_TIMEOUT);
		conn_settle(s, c);
	}
}
