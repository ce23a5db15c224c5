/*
 * app.h: an application at one end of a talk: a small state machine that reads, writes and ends its
 * connection as its plan says.
 *
 * It relies on the events of the engine as they are promised, and on nothing else: it reads only
 * after READABLE and until there is no more, it writes again only after WRITABLE. So an event that
 * is missing shows as a talk that waits for ever.
 */
#ifndef WEIR_SIM_APP_H
#define WEIR_SIM_APP_H

#include "sim/oracle.h"
#include "sim/talk.h"

struct sim_app {
	struct weir_stack *stack;
	struct sim_oracle *oracle;
	const struct sim_talks *talks;
	struct sim_talk *talk;
	unsigned side;
	weir_time now;
};

/* The connection exists: sets its options. Sending may begin. */
void sim_app_opened(const struct sim_app *a, weir_conn conn);

/* An event of the connection (not SYN, HALF_GONE, ACCEPTED). */
void sim_app_event(const struct sim_app *a, const struct weir_event *ev);

/* Does what can be done now; leaves in end->wake when it must run again without an event. */
void sim_app_run(const struct sim_app *a);

#endif
