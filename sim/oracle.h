/*
 * oracle.h: what must be true of every run, judged from outside the engine.
 *
 * The oracle keeps the first failure as one line of text; everything after it is not looked at.
 */
#ifndef WEIR_SIM_ORACLE_H
#define WEIR_SIM_ORACLE_H

#include "sim/talk.h"
#include "weir/info.h"

struct sim_oracle {
	weir_time now;        /* virtual time of what is judged */
	weir_time start;      /* failures are told relative to it */
	uint64_t step;        /* of the run */
	uint64_t timewait_ns; /* the shortest of all hosts; 0: none is known */
	bool failed;
	const char *what;           /* of the first failure: the same pointer for the same rule */
	uint64_t failed_at;         /* its step */
	uint32_t talk;              /* that it is about; SIM_TALK_NONE: none */
	unsigned side;              /* ... and the side */
	char text[320];             /* it, with its time and particulars */
	struct sim_talk *sent_talk; /* whose data went out last, and was new; NULL: none */
	unsigned sent_side;
};

/* Notes a failure, if it is the first. The rule that is broken is named by the format. */
void sim_oracle_fail(struct sim_oracle *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same about a talk and one of its sides, with the rule's name apart. */
void sim_oracle_fail_talk(struct sim_oracle *o, const struct sim_talk *t, unsigned side,
			  const char *rule, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The same, the rule being named by the format. */
#define SIM_FAIL_TALK(o, t, side, ...) \
	sim_oracle_fail_talk(o, t, side, SIM_FIRST(__VA_ARGS__, 0), __VA_ARGS__)
#define SIM_FIRST(first, ...) first

/* --- Streams, as the applications see them ---------------------------------------------------- */

/* `side` was handed `len` bytes, the next of its stream, to read. */
void sim_oracle_read(struct sim_oracle *o, struct sim_talk *t, unsigned side, const uint8_t *bytes,
		     size_t len);
/* `side` was told that its peer's stream has ended. */
void sim_oracle_eof(struct sim_oracle *o, struct sim_talk *t, unsigned side);
/* `side` has ended. */
void sim_oracle_end(struct sim_oracle *o, struct sim_talk *t, unsigned side, enum weir_err reason);

/* --- When nothing more will happen ------------------------------------------------------------ */

/* Has every opened end ended, and as the talk expects? */
void sim_oracle_finish(struct sim_oracle *o, const struct sim_talk *t);
/* Has a stack given everything back? */
void sim_oracle_usage(struct sim_oracle *o, unsigned host, const struct weir_usage *u);

/* --- The wire: see tap.c and heard.c ------------------------------------------------------------
 */

struct sim_frame;

/* A frame leaves `host`, before its link; it is given the number of its sender's life. */
void sim_tap_sent(struct sim_oracle *o, struct sim_talks *talks, struct sim_frame *f);

/* Who made a frame. */
enum sim_maker { SIM_MAKER_HOST, SIM_MAKER_FORGER };

/* A frame reaches its host, damaged or not. What a forger says about windows may be heeded, as he
 * repeats what he saw; but nobody owes him an acknowledgement. */
void sim_tap_arrived(struct sim_oracle *o, struct sim_talks *talks, const struct sim_frame *f,
		     enum sim_maker maker);

#endif
