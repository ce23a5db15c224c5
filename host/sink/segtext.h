/*
 * segtext.h: packets in words.
 */
#ifndef WEIR_SINK_SEGTEXT_H
#define WEIR_SINK_SEGTEXT_H

#include "sink/ladder_row.h"

#define SEGTEXT_WORDS      20u
#define SEGTEXT_WORD_BYTES 80u

/* The words of a line, most important first. */
struct segtext {
	char word[SEGTEXT_WORDS][SEGTEXT_WORD_BYTES];
	unsigned count;
};

/* "SYN+ACK"; "no flags". Returns buf. */
#define SEGTEXT_FLAGS_BYTES 40u
const char *segtext_flags(char buf[SEGTEXT_FLAGS_BYTES], uint16_t flags);

/* A row of kind LADDER_ROW_SEGMENT: flags, numbers, options, notes. */
void segtext_segment(struct segtext *t, const struct ladder_row *row);

/* A row of kind LADDER_ROW_RUN or LADDER_ROW_EXCHANGE; `both` stands between its numbers. */
void segtext_run(struct segtext *t, const struct ladder_row *row, const char *both);

/* "ICMP destination unreachable (port)", "UDP". Returns buf. */
#define SEGTEXT_PROTOCOL_BYTES 64u
const char *segtext_protocol(char buf[SEGTEXT_PROTOCOL_BYTES], uint8_t protocol, uint8_t icmp_type,
			     uint8_t icmp_code);

/* "192.0.2.1:80", "[2001:db8::1]:80"; without a port when it is 0. Returns buf. */
#define SEGTEXT_ENDPOINT_BYTES 64u
const char *segtext_endpoint(char buf[SEGTEXT_ENDPOINT_BYTES], const struct weir_endpoint *e);

#endif
