/*
 * oracle.c: streams, ends and leaks.
 *
 * Theory of operation
 *
 * Streams. Every stream is a keyed pattern (pattern.c): the byte at an offset is a function of the
 * stream's key and the offset. A reader's n-th byte must be the pattern's n-th, which says at once
 * that each byte comes once, in order, and unchanged. It must also have been given to the peer's
 * stack before. An end of stream is right exactly when the peer has ended its stream and everything
 * that it gave was read.
 *
 * Ends. When nothing more will happen (no frame under way, no deadline, no application that waits
 * for a time), every end that was opened must have ended: anything else waits for ever, and is a
 * loss of liveness. How it may end is what the talk expects: without an abort, a refusal or a black
 * hole in the plan, nothing but both streams whole and two orderly ends is right, however bad the
 * links are; but for an end that waits for its last ACK longer than the peer's TIME-WAIT lasts.
 *
 * Leaks. After that, and so after the last 2MSL, a stack must hold nothing but its listeners.
 */
#include "sim/oracle.h"

#include <stdarg.h>
#include <stdio.h>

#include "sim/rng.h"

/* false: this is not the first failure. */
static bool begin_failure(struct sim_oracle *o, const char *what, uint32_t talk)
{
	if (o->failed)
		return false;
	o->failed = true;
	o->what = what;
	o->failed_at = o->step;
	o->talk = talk;
	return true;
}

/* Writes the time; returns the characters used. */
static size_t write_time(struct sim_oracle *o)
{
	uint64_t us = (o->now - o->start) / 1000;

	return (size_t)snprintf(o->text, sizeof(o->text),
				"at %llu.%06llu s: ", (unsigned long long)(us / 1000000),
				(unsigned long long)(us % 1000000));
}

void sim_oracle_fail(struct sim_oracle *o, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!begin_failure(o, format, SIM_TALK_NONE))
		return;
	used = write_time(o);
	va_start(args, format);
	vsnprintf(o->text + used, sizeof(o->text) - used, format, args);
	va_end(args);
}

void sim_oracle_fail_talk(struct sim_oracle *o, const struct sim_talk *t, unsigned side,
			  const char *rule, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!begin_failure(o, rule, t->number))
		return;
	o->side = side;
	used = write_time(o);
	used += (size_t)snprintf(o->text + used, sizeof(o->text) - used,
				 "talk %u side %u: ", t->number, side);
	va_start(args, format);
	vsnprintf(o->text + used, sizeof(o->text) - used, format, args);
	va_end(args);
}

void sim_oracle_read(struct sim_oracle *o, struct sim_talk *t, unsigned side, const uint8_t *bytes,
		     size_t len)
{
	struct sim_end *e = &t->end[side], *peer = &t->end[!side];
	size_t same;

	if (e->eof)
		SIM_FAIL_TALK(o, t, side, "bytes after the end of stream");
	if (e->got + len > peer->given)
		SIM_FAIL_TALK(o, t, side, "reads to offset %llu, the peer gave %llu",
			      (unsigned long long)(e->got + len), (unsigned long long)peer->given);
	same = sim_pattern_compare(peer->key, e->got, bytes, len);
	if (same < len)
		SIM_FAIL_TALK(o, t, side, "wrong byte at offset %llu",
			      (unsigned long long)(e->got + same));
	e->got += len;
}

void sim_oracle_eof(struct sim_oracle *o, struct sim_talk *t, unsigned side)
{
	struct sim_end *e = &t->end[side], *peer = &t->end[!side];

	if (!peer->fin_given || e->got != peer->given)
		SIM_FAIL_TALK(o, t, side, "end of stream at %llu, the peer gave %llu%s",
			      (unsigned long long)e->got, (unsigned long long)peer->given,
			      peer->fin_given ? "" : " and has not ended");
	e->eof = true;
}

void sim_oracle_end(struct sim_oracle *o, struct sim_talk *t, unsigned side, enum weir_err reason)
{
	struct sim_end *e = &t->end[side];

	if (e->phase == SIM_PHASE_ENDED)
		SIM_FAIL_TALK(o, t, side, "ended twice");
	e->phase = SIM_PHASE_ENDED;
	e->reason = reason;
	e->wake = WEIR_NEVER;
}

/* The last ACK was lost again and again until the peer's TIME-WAIT was over: then a FIN that comes
 * again is answered with an RST (RFC 9293 3.10.7.1). Nothing is lost by that. */
static bool outlived_timewait(const struct sim_oracle *o, const struct sim_talk *t, unsigned side)
{
	const struct sim_end *e = &t->end[side], *peer = &t->end[!side];

	return e->reason == WEIR_RESET && e->fin_given && e->eof && peer->reason == WEIR_OK &&
	       peer->phase == SIM_PHASE_ENDED && o->timewait_ns != 0 &&
	       t->wire[!side].fin_gap_ns >= o->timewait_ns;
}

static void finish_intact(struct sim_oracle *o, const struct sim_talk *t, unsigned side)
{
	const struct sim_end *e = &t->end[side], *peer = &t->end[!side];

	if (!e->ever_open)
		SIM_FAIL_TALK(o, t, side, "never established (%s)", weir_err_text(e->reason));
	if (e->reason != WEIR_OK && !outlived_timewait(o, t, side))
		SIM_FAIL_TALK(o, t, side, "ended with \"%s\" after %llu of %llu bytes",
			      weir_err_text(e->reason), (unsigned long long)e->got,
			      (unsigned long long)peer->given);
	if (e->given != t->spec.plan[side].total)
		SIM_FAIL_TALK(o, t, side, "gave %llu of %llu bytes", (unsigned long long)e->given,
			      (unsigned long long)t->spec.plan[side].total);
	if (t->spec.plan[side].close != SIM_CLOSE_EARLY && (!e->eof || e->got != peer->given))
		SIM_FAIL_TALK(o, t, side, "ended after %llu of %llu bytes",
			      (unsigned long long)e->got, (unsigned long long)peer->given);
}

static void finish_with(struct sim_oracle *o, const struct sim_talk *t, unsigned side,
			enum weir_err want)
{
	const struct sim_end *e = &t->end[side];

	if (e->phase == SIM_PHASE_ENDED && e->reason != want)
		SIM_FAIL_TALK(o, t, side, "ended with \"%s\", not \"%s\"", weir_err_text(e->reason),
			      weir_err_text(want));
}

void sim_oracle_finish(struct sim_oracle *o, const struct sim_talk *t)
{
	for (unsigned side = 0; side < 2; side++) {
		const struct sim_end *e = &t->end[side];

		if (e->phase == SIM_PHASE_OPENING || e->phase == SIM_PHASE_OPEN) {
			SIM_FAIL_TALK(o, t, side,
				      "waits for ever: gave %llu of %llu, read "
				      "%llu of %llu%s",
				      (unsigned long long)e->given,
				      (unsigned long long)t->spec.plan[side].total,
				      (unsigned long long)e->got,
				      (unsigned long long)t->end[!side].given,
				      e->eof ? " and the end" : "");
			return;
		}
		switch (t->spec.expect) {
		case SIM_EXPECT_INTACT:
			finish_intact(o, t, side);
			break;
		case SIM_EXPECT_REFUSED:
			if (side == 0)
				finish_with(o, t, side, WEIR_REFUSED);
			break;
		case SIM_EXPECT_TIMEOUT:
			finish_with(o, t, side, WEIR_TIMEOUT);
			break;
		case SIM_EXPECT_ANY:
			break;
		}
	}
}

void sim_oracle_usage(struct sim_oracle *o, unsigned host, const struct weir_usage *u)
{
	if (u->conns || u->halfs || u->timewaits || u->listeners || u->pages || u->ranges)
		sim_oracle_fail(o,
				"host %u: leak: %u connections, %u half-open, %u TIME-WAIT, %u "
				"listeners, %u pages, %u ranges",
				host, u->conns, u->halfs, u->timewaits, u->listeners, u->pages,
				u->ranges);
}
