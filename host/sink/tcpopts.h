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

#define TCPOPTS_SACK_MAX 4u

struct tcpopts {
	uint16_t mss; /* 0: absent */
	uint8_t wscale;
	bool has_wscale, sack_permitted, has_ts;
	uint8_t sack_count;
	uint32_t sack[TCPOPTS_SACK_MAX][2]; /* absolute: first byte, byte after the last */
};

void tcpopts_read(struct tcpopts *o, const uint8_t *p, size_t len);

#endif
