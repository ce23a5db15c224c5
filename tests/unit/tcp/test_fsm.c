/*
 * The state machine against a table written from RFC 9293 figure 5 and 3.10, not from fsm.def.
 */
#include "fixture.h"

#include "tcp/fsm.h"
#include "unit/base/dies.h"

#define NO        WEIR_STATE_COUNT
#define TO(state) WEIR_STATE_##state

/* Columns in the order of enum fsm_event: OPEN, SYN, SYNACK, ESTABLISH, CLOSE, FIN, FINACKED, END.
 * A close in SYN-SENT deletes the connection (3.10.4), which is END here. A FIN is looked at only
 * after the ACK, so SYN-RECEIVED never sees one (3.10.7.4, fifth before eighth). */
static const enum weir_state expected[WEIR_STATE_COUNT][FSM_EVENT_COUNT] = {
	[TO(CLOSED)] = {TO(SYN_SENT), TO(SYN_RECEIVED), NO, NO, NO, NO, NO, NO},
	[TO(LISTEN)] = {NO, TO(SYN_RECEIVED), NO, NO, NO, NO, NO, NO},
	[TO(SYN_SENT)] = {NO, TO(SYN_RECEIVED), TO(ESTABLISHED), NO, NO, NO, NO, TO(CLOSED)},
	[TO(SYN_RECEIVED)] = {NO, NO, NO, TO(ESTABLISHED), TO(FIN_WAIT_1), NO, NO, TO(CLOSED)},
	[TO(ESTABLISHED)] = {NO, NO, NO, NO, TO(FIN_WAIT_1), TO(CLOSE_WAIT), NO, TO(CLOSED)},
	[TO(FIN_WAIT_1)] = {NO, NO, NO, NO, NO, TO(CLOSING), TO(FIN_WAIT_2), TO(CLOSED)},
	[TO(FIN_WAIT_2)] = {NO, NO, NO, NO, NO, TO(TIME_WAIT), NO, TO(CLOSED)},
	[TO(CLOSE_WAIT)] = {NO, NO, NO, NO, TO(LAST_ACK), NO, NO, TO(CLOSED)},
	[TO(CLOSING)] = {NO, NO, NO, NO, NO, NO, TO(TIME_WAIT), TO(CLOSED)},
	[TO(LAST_ACK)] = {NO, NO, NO, NO, NO, NO, TO(CLOSED), TO(CLOSED)},
	[TO(TIME_WAIT)] = {NO, NO, NO, NO, NO, NO, NO, TO(CLOSED)},
};

static void test_every_pair(void **state)
{
	(void)state;
	for (unsigned s = 0; s < WEIR_STATE_COUNT; s++)
		for (unsigned e = 0; e < FSM_EVENT_COUNT; e++) {
			enum weir_state next = fsm_next((enum weir_state)s, (enum fsm_event)e);

			if (next != expected[s][e])
				fail_msg("%s, event %u", weir_state_name((enum weir_state)s), e);
		}
}

static void test_step_moves(void **state)
{
	struct tcb t = {.state = WEIR_STATE_CLOSED};
	static const enum fsm_event life[] = {FSM_OPEN,     FSM_SYNACK, FSM_CLOSE,
					      FSM_FINACKED, FSM_FIN,    FSM_END};
	static const enum weir_state states[] = {TO(SYN_SENT),   TO(ESTABLISHED), TO(FIN_WAIT_1),
						 TO(FIN_WAIT_2), TO(TIME_WAIT),   TO(CLOSED)};

	(void)state;
	for (unsigned i = 0; i < LENGTH(life); i++) {
		fsm_step(&t, life[i]);
		assert_int_equal(t.state, states[i]);
	}
}

static void step_without_row(void)
{
	struct tcb t = {.state = WEIR_STATE_TIME_WAIT};

	fsm_step(&t, FSM_FIN);
}

static void test_absent_row_is_fatal(void **state)
{
	(void)state;
	assert_true(dies(step_without_row));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_step_moves),
		cmocka_unit_test(test_absent_row_is_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
