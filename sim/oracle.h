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
	weir_time now;   /* virtual time of what is judged */
	weir_time start; /* failures are told relative to it */
	bool failed;
	char text[320]; /* the first failure */
};

/* Notes a failure, if it is the first. */
void sim_oracle_fail(struct sim_oracle *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

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

/* --- The wire: see tap.c -----------------------------------------------------------------------
 */

struct sim_frame;

/* A frame leaves `host`, before its link. */
void sim_tap_sent(struct sim_oracle *o, const struct sim_talks *talks, const struct sim_frame *f);
/* Who made a frame. */
enum sim_maker { SIM_MAKER_HOST, SIM_MAKER_FORGER };

/* A frame reaches its host, damaged or not. What a forger says about windows may be heeded, as he
 * repeats what he saw; but nobody owes him an acknowledgement. */
void sim_tap_arrived(struct sim_oracle *o, const struct sim_talks *talks, const struct sim_frame *f,
		     enum sim_maker maker);

#endif
