/*
 * tcpopts.h: the TCP options that a ladder shows, read from their bytes.
 *
 * Options that are not known are skipped; a list that is cut short or malformed is read up to the
 * damage.
 */
#ifndef WEIR_SINK_TCPOPTS_H
#define WEIR_SINK_TCPOPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCPOPTS_SACK_MAX   4u
#define TCPOPTS_ACCECN_MAX 3u

/* The order of an Accurate ECN option's counters (RFC 9768 3.2.3): e0b, ceb, e1b or the reverse. */
enum tcpopts_accecn { TCPOPTS_ACCECN_NONE, TCPOPTS_ACCECN_0, TCPOPTS_ACCECN_1 };

struct tcpopts {
	uint16_t mss; /* 0: absent */
	uint8_t wscale;
	bool has_wscale, sack_permitted, has_ts;
	uint8_t sack_count;
	uint32_t sack[TCPOPTS_SACK_MAX][2]; /* absolute: first byte, byte after the last */
	enum tcpopts_accecn accecn;
	uint8_t accecn_count; /* counters, from the first of the order on */
	uint32_t accecn_field[TCPOPTS_ACCECN_MAX];
};

void tcpopts_read(struct tcpopts *o, const uint8_t *p, size_t len);

#endif
