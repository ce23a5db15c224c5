/*
 * timewaits.h: where TIME-WAIT records live and what they do; the rules are tcp/timewait.h.
 */
#ifndef WEIR_STACK_TIMEWAITS_H
#define WEIR_STACK_TIMEWAITS_H

#include "stack/stack.h"

/* The connection is in TIME-WAIT: its tuple goes to a record, and the last ACK is sent from there.
 * When all records are taken, the one nearest to its end goes (TIMEWAIT_EVICTED). */
void timewaits_enter(struct weir_stack *s, struct conn *c);

/* The connection has ended without TIME-WAIT, and its tuple is free: if a SYN cookie made it, a
 * record keeps the ACK that did so from making another while the cookie is good. */
void timewaits_remember_cookie(struct weir_stack *s, const struct conn *c);

/* A segment for a record. REUSE: the record is gone, and a listener may take the SYN with an ISN of
 * at least *isn. */
enum timewait_action timewaits_input(struct weir_stack *s, uint32_t slot,
				     const struct weir_tuple *tuple, const struct tcp_seg *seg,
				     enum weir_counter *verdict, seq_t *isn);

/* Ends a record; a connection whose handle still lives is CLOSED then. */
void timewaits_end(struct weir_stack *s, uint32_t slot, enum weir_counter why);

/* The connection's handle is gone. */
void timewaits_forget_conn(struct weir_stack *s, uint32_t slot);

/* Milliseconds since the record's time began. */
uint32_t timewaits_age_ms(const struct weir_stack *s, uint32_t slot, weir_time now);

void timewaits_run(struct weir_stack *s, weir_time now);
weir_time timewaits_next(const struct weir_stack *s, weir_time now);

#endif
