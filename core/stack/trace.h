/*
 * trace.h: the one place where trace records are made.
 */
#ifndef WEIR_STACK_TRACE_H
#define WEIR_STACK_TRACE_H

#include "stack/stack.h"

/* What a record says beyond the packet itself. */
struct trace_note {
	enum weir_counter verdict;
	enum weir_state before, after;
	uint32_t flow;
	uint32_t iss, irs;
	uint8_t wscale;      /* of the window field */
	const struct tcb *t; /* for cwnd and RTT, may be NULL */
};

void trace_state(struct weir_stack *s, uint32_t flow, const struct weir_tuple *tuple,
		 enum weir_state before, enum weir_state after, enum weir_counter why);

/* A frame that came in; `seg` NULL when it is not TCP or could not be read. */
void trace_in(struct weir_stack *s, const struct weir_frame *f, const struct weir_tuple *tuple,
	      const struct tcp_seg *seg, size_t l4_start, const struct trace_note *note);

/* A packet that goes out. */
void trace_out(struct weir_stack *s, const struct weir_packet *p, const struct weir_tuple *tuple,
	       const struct tcp_seg *seg, const struct trace_note *note);

#endif
