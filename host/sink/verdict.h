/*
 * verdict.h: what a row of counters.def means to a reader of a trace.
 */
#ifndef WEIR_SINK_VERDICT_H
#define WEIR_SINK_VERDICT_H

#include "weir/weir.h"

/* A segment with this verdict says something about its sender: it is not damaged, forged for all we
 * know, or from an earlier time. */
bool verdict_is_evidence(enum weir_counter v);

/* What came in had no effect of its own (an answer may still be sent). */
bool verdict_is_drop(enum weir_counter v);

/* Why it went out: it was sent before. */
bool verdict_is_retransmission(enum weir_counter v);

/* The reason belongs beside the segment: all verdicts but the ordinary one, and of what went out
 * retransmissions, probes and challenges. */
bool verdict_wants_reason(enum weir_counter v);

/* "above a gap: held for reassembly (RFC 9293 SHLD-31)". Returns buf. */
const char *verdict_reason(char *buf, size_t size, enum weir_counter v);

/* The same for what is no verdict of a segment (an end without one, a recovery that is taken back):
 * what happened once, where the table's text counts. */
const char *verdict_event(char *buf, size_t size, enum weir_counter v);

#endif
