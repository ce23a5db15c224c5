/*
 * judge.h: how what was read differs from what was sent, byte by byte.
 */
#ifndef WEIR_SIM_LAB_JUDGE_H
#define WEIR_SIM_LAB_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JUDGE_CELLS 64u /* of the map */

struct judgement {
	bool intact;    /* all bytes, in order, and nothing else */
	uint64_t wrong; /* bytes read that were not sent */
	uint64_t lost;  /* bytes sent that were never read */
	uint64_t twice; /* bytes read once more than they were sent */
	uint64_t moved; /* bytes read at another place of the stream than they were sent at */
	/* What became of each 1/64 of what was sent, the worst of it: '.' lost, 'x' wrong in its
	 * place, '2' read twice, '~' moved, '=' as it was sent. NUL-terminated. */
	char map[JUDGE_CELLS + 1];
};

/* Any eight bytes in a row of `sent` must be there once only, as those of a pseudorandom stream
 * are. */
void judge_stream(const uint8_t *sent, size_t sent_len, const uint8_t *got, size_t got_len,
		  struct judgement *out);

#endif
