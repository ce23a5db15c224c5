#include "tcp/fsm.h"

#include "base/assert.h"

struct fsm_row {
	uint8_t next; /* enum weir_state */
	bool legal;
};

static const struct fsm_row rows[WEIR_STATE_COUNT][FSM_EVENT_COUNT] = {
#define X(state, event, to, section) \
	[WEIR_STATE_##state][FSM_##event] = {.next = WEIR_STATE_##to, .legal = true},
#include "tcp/fsm.def"
#undef X
};

enum weir_state fsm_next(enum weir_state from, enum fsm_event e)
{
	const struct fsm_row *row = &rows[from][e];

	return row->legal ? (enum weir_state)row->next : WEIR_STATE_COUNT;
}

void fsm_step(struct tcb *t, enum fsm_event e)
{
	enum weir_state next = fsm_next(t->state, e);

	weir_assert(next != WEIR_STATE_COUNT);
	t->state = next;
}
