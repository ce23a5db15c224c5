/*
 * admit.h: what becomes of a SYN to a listener.
 */
#ifndef WEIR_STACK_ADMIT_H
#define WEIR_STACK_ADMIT_H

#include "stack/listeners.h"

/* A SYN for `l`, in a tuple that nobody owns: makes a half-open record and, if `l` accepts early,
 * the SYN-ACK; or answers with a SYN cookie; or drops it. `isn`: to be used, unless it is NULL.
 * Returns the verdict; *flow gets the record's, 0: there is none. */
enum weir_counter admit_syn(struct weir_stack *s, struct listener *l, const struct newcomer *n,
			    const seq_t *isn, uint32_t *flow);

#endif
