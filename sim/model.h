/*
 * model.h: what each end must have seen to be in the state in which the engine says it is, and what
 * it may have out; judged from the segments and calls that were seen, after every step.
 */
#ifndef WEIR_SIM_MODEL_H
#define WEIR_SIM_MODEL_H

#include "sim/host.h"

/* A packet has left the host: is no more out than its windows allow? */
void sim_model_sent(struct sim_host *h);

/* A step of the host is over: does each of its connections and records agree with what was seen,
 * and will somebody wake for whatever waits? */
void sim_model_step(struct sim_host *h);

/* What is judged of one connection: the life it is, its talk's end, and what the engine tells. */
struct sim_judged {
	struct sim_oracle *o;
	const struct sim_talks *talks;
	struct sim_talk *talk;
	unsigned side;
	struct sim_wire_end *me;
	const struct sim_wire_end *peer; /* NULL: not known */
	const struct weir_info *info;
};

/* The parts of sim_model_step(), for tests. */
void sim_model_state(const struct sim_judged *j);
void sim_model_change(const struct sim_judged *j);
void sim_model_numbers(const struct sim_judged *j);
void sim_model_silence(const struct sim_judged *j, uint64_t longest_ns);
void sim_model_wake(const struct sim_judged *j, weir_time deadline, uint64_t longest_ns);
void sim_model_window(const struct sim_judged *j);
/* Of records: TIME-WAIT; half-open ones, of which only the endpoints are known (`newest` is the
 * latest talk between them, `side` the one that holds the record). */
void sim_model_timewait(const struct sim_judged *j);
void sim_model_half(struct sim_oracle *o, const struct sim_talks *talks,
		    const struct sim_talk *newest, unsigned side);
/* Is the reason of an end one that was seen? */
void sim_model_end(struct sim_oracle *o, const struct sim_talks *talks, struct sim_talk *t,
		   unsigned side, enum weir_err reason);

#endif
