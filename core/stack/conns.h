/*
 * conns.h: connections as the stack holds them: their slots, handles, timers and ends.
 */
#ifndef WEIR_STACK_CONNS_H
#define WEIR_STACK_CONNS_H

#include "stack/stack.h"

/* A slot with a fresh tcb that owns `tuple`; NULL: conns_max is reached. `flow` 0: a new one. */
struct conn *conn_new(struct weir_stack *s, const struct weir_tuple *tuple, uint32_t flow);

/* To be called after anything was done to the connection: carries out what its state now asks for
 * (a TIME-WAIT record, an RST, the end), files its timer, and queues it for output and events. */
void conn_settle(struct weir_stack *s, struct conn *c);

/* Gives the slot back; the handle is invalid from now on. */
void conn_free(struct weir_stack *s, struct conn *c);

/* Gives the tuple up. */
void conn_detach(struct weir_stack *s, struct conn *c);

weir_conn conn_handle(const struct weir_stack *s, const struct conn *c);
/* NULL: no such connection. */
static inline struct conn *conn_get(const struct weir_stack *s, weir_conn h)
{
	uint32_t slot = (uint32_t)h.v;
	uint32_t gen = (uint32_t)(h.v >> 32);
	struct conn *c;

	if (gen == 0 || slot >= s->conns.fresh)
		return NULL;
	c = pool_at(&s->conns, slot);
	return c->gen == gen ? c : NULL;
}

/* A state changed from `before` without a packet: one trace record. */
void conn_trace_state(struct weir_stack *s, const struct conn *c, enum weir_state before,
		      enum weir_counter why);

/* A send was refused though the send buffer has room: no page was free. No ACK may ever free one
 * for this connection (nothing of it need be out), so it waits in a queue. */
void conn_starve(struct weir_stack *s, struct conn *c);
/* Pages may be free again: tells the connection that waited longest that it may write. One for each
 * call, as the pages may be gone when it has written. */
void conns_feed(struct weir_stack *s);

/* Runs the timers of every connection that are due. */
void conns_run(struct weir_stack *s, weir_time now);

#endif
