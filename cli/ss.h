/*
 * ss.h: the parts of `weir ss`: asking the running instances, and printing what they say.
 *
 * What an instance says is a JSON document (gate/status_text.h). It comes from a process of the
 * same user, and is read with care all the same: what is missing or of the wrong type is shown as
 * "?" or 0, and texts go to the terminal without control characters.
 */
#ifndef WEIR_CLI_SS_H
#define WEIR_CLI_SS_H

#include <jansson.h>
#include <stdbool.h>

/* Instances that are asked at most, and bytes of an answer; more is complained of. */
#define SS_INSTANCES_MAX 512u
#define SS_ANSWER_MAX    (1u << 30)

/* An instance that says nothing for this time is given up. */
#define SS_SILENCE_MS 1000

struct ss_options {
	bool json, half_open, time_wait, sources, counters;
};

/* Asks all instances of this user, and removes the sockets of those that have died. An array of
 * their answers, in the order of their process ids; *failed counts those that did not answer, each
 * of which was named on standard error. */
json_t *ss_collect(unsigned *failed);

/* Prints the tables that are asked for. */
void ss_print(const json_t *instances, const struct ss_options *o);

#endif
