/*
 * fsm.h: the state machine of RFC 9293 3.3.2, as the table fsm.def. fsm_step() is the only writer
 * of a connection's state.
 */
#ifndef WEIR_TCP_FSM_H
#define WEIR_TCP_FSM_H

#include "tcp/tcb.h"

enum fsm_event {
	FSM_OPEN,
	FSM_SYN,
	FSM_SYNACK,
	FSM_ESTABLISH,
	FSM_CLOSE,
	FSM_FIN,
	FSM_FINACKED,
	FSM_END,
	FSM_EVENT_COUNT
};

/* The state after `e` in `from`; WEIR_STATE_COUNT when the table has no such row. */
enum weir_state fsm_next(enum weir_state from, enum fsm_event e);

/* Changes the state of `t`. The row must exist. */
void fsm_step(struct tcb *t, enum fsm_event e);

#endif
