/*
 * seqrel.h: comparing TCP sequence numbers in what is only looked at, never acted upon.
 *
 * The sinks may not use the engine's own type, so they have these three; numbers are compared
 * modulo 2^32 (RFC 9293 3.4).
 */
#ifndef WEIR_SINK_SEQREL_H
#define WEIR_SINK_SEQREL_H

#include <stdbool.h>
#include <stdint.h>

/* From `b` forward to `a`; negative when `a` is older. */
static inline int32_t seqrel_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool seqrel_after(uint32_t a, uint32_t b)
{
	return seqrel_diff(a, b) > 0;
}

static inline bool seqrel_reaches(uint32_t a, uint32_t b)
{
	return seqrel_diff(a, b) >= 0;
}

#endif
