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

/* May a connection of ours take the pair (RFC 6191 from the other side, as Linux's tcp_tw_reuse)?
 * Yes, if timestamps tell its segments from old ones at both ends and the record has waited for
 * timewait_connect_ms, so that the peer's clock has moved on. */
bool timewaits_may_yield(const struct weir_stack *s, uint32_t slot);

/* Then: ends it, and gives an ISN, `isn` if it will do, beyond what the old connection used. */
seq_t timewaits_yield(struct weir_stack *s, uint32_t slot, seq_t isn);

/* The connection's handle is gone. */
void timewaits_forget_conn(struct weir_stack *s, uint32_t slot);

/* Milliseconds since the record's time began. */
uint32_t timewaits_age_ms(const struct weir_stack *s, uint32_t slot, weir_time now);

void timewaits_run(struct weir_stack *s, weir_time now);
weir_time timewaits_next(const struct weir_stack *s, weir_time now);

#endif
