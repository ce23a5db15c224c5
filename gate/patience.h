/*
 * patience.h: how long something has waited without progress, in time that was really there.
 *
 * A process that was stopped or did not get the processor finds the clock far ahead. What it waited
 * for had no time then, either: whoever counts by the clock gives up on somebody who is ready.
 */
#ifndef WEIR_GATE_PATIENCE_H
#define WEIR_GATE_PATIENCE_H

#include <stdint.h>

struct gate_patience {
	uint64_t seen;      /* the progress at the last step, as its owner counts it */
	uint64_t at_ns;     /* when the last step was */
	uint64_t quiet_ns;  /* without progress until then */
	uint64_t waited_ns; /* in all */
};

/* Begins to wait at `now_ns`. */
void gate_patience_start(struct gate_patience *p, uint64_t now_ns);

/* A step of the wait, of which there is one at least every `step_ns`: a gap that is longer than
 * two of them counts as two. `progress`: any number that grows. */
void gate_patience_step(struct gate_patience *p, uint64_t now_ns, uint64_t step_ns,
			uint64_t progress);

#endif
