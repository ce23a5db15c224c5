/*
 * Theory of operation
 *
 * Events are bits in the connection, so they can neither be lost nor pile up: what happened twice
 * before it was read is one event. They are given in the order of the table below; CLOSED is the
 * last, waits until what can still be read was read, and ends the handle.
 */
#include "stack/conns.h"
#include "stack/halfs.h"
#include "stack/listeners.h"
#include "tcp/rcvq.h"

static const enum weir_event_kind order[] = {
	WEIR_EV_ACCEPTED, WEIR_EV_CONNECTED,  WEIR_EV_URGENT, WEIR_EV_READABLE,
	WEIR_EV_WRITABLE, WEIR_EV_SOFT_ERROR, WEIR_EV_CLOSED,
};

/* CLOSED stays behind while there is something to read and somebody to read it. */
static bool closed_waits(const struct conn *c)
{
	return rcvq_readable(&c->tcb) > 0 && !c->tcb.user.closed;
}

static enum weir_event_kind next_kind(const struct conn *c)
{
	for (unsigned i = 0; c->tcb.events && i < sizeof(order) / sizeof(order[0]); i++) {
		if (!(c->tcb.events & 1u << order[i]))
			continue;
		if (order[i] != WEIR_EV_CLOSED || !closed_waits(c))
			return order[i];
	}
	return WEIR_EV_COUNT;
}

static void fill(struct weir_stack *s, struct conn *c, enum weir_event_kind kind,
		 struct weir_event *ev)
{
	*ev = (struct weir_event){
		.kind = kind,
		.conn = conn_handle(s, c),
		.tuple = c->tuple,
		.user = c->user,
	};
	if (kind == WEIR_EV_ACCEPTED && c->listener != POOL_NONE) {
		struct listener *l = &s->listeners[c->listener];

		ev->listener = listener_handle(s, l);
		l->pending--;
		c->listener = POOL_NONE;
	} else if (kind == WEIR_EV_CLOSED) {
		ev->reason = c->tcb.reason;
	} else if (kind == WEIR_EV_SOFT_ERROR) {
		ev->reason = c->tcb.soft;
	}
	c->tcb.events &= (uint16_t) ~(1u << kind);
	if (kind == WEIR_EV_CLOSED)
		conn_free(s, c);
}

bool weir_event_next(struct weir_stack *s, struct weir_event *ev)
{
	if (halfs_wait(s) && halfs_event(s, ev))
		return true;
	if (!list_empty(&s->starved))
		conns_feed(s);
	while (!list_empty(&s->events)) {
		struct conn *c = list_entry(list_first(&s->events), struct conn, event);
		enum weir_event_kind kind = next_kind(c);

		if (kind != WEIR_EV_COUNT) {
			fill(s, c, kind, ev);
			return true;
		}
		list_remove(&c->event); /* weir_recv_consume() brings it back when CLOSED may go */
	}
	return false;
}
