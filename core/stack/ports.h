/*
 * ports.h: the choice of an ephemeral port (RFC 6056).
 */
#ifndef WEIR_STACK_PORTS_H
#define WEIR_STACK_PORTS_H

#include "stack/stack.h"

/* Sets t->local.port to a port that no owner and no listener uses with this remote end, but perhaps
 * a TIME-WAIT record that may yield.
 * WEIR_OK or WEIR_NO_PORT. */
enum weir_err ports_choose(struct weir_stack *s, struct weir_tuple *t);

#endif
