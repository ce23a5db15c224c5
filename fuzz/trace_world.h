/*
 * trace_world.h: what fuzz_trace.c has fed to the sinks, and the checkers of what they wrote.
 */
#ifndef WEIR_FUZZ_TRACE_WORLD_H
#define WEIR_FUZZ_TRACE_WORLD_H

#include <stdbool.h>

#include "fuzz.h"
#include "weir/sink.h"

#define RECORDS_MAX 200u
#define PACKET_MAX  2048u /* bytes of a record's packet that are there */

/* A record with a packet, as pcapng has to have it. */
struct fed {
	weir_time at;
	enum weir_trace_kind kind;
	size_t there, total_len;
	bool csum_partial;
	uint8_t bytes[PACKET_MAX]; /* `there` of them */
};

/* Stops the process unless the file is well-formed pcapng (draft-ietf-opsawg-pcapng) that holds
 * exactly the packets fed, each cut no shorter than its headers and `payload_max` ask for. */
void trace_check_pcapng(const uint8_t *file, size_t len, const struct fed *fed, unsigned count,
			size_t payload_max, int64_t offset_ns);

/* Stops the process unless each line of the text is at most `width` columns wide and holds nothing
 * but printable characters, UTF-8 or ASCII as `charset` says, and colours only if asked for. */
void trace_check_text(const char *text, size_t len, enum weir_charset charset,
		      enum weir_colour colour, unsigned width);

/* Stops the process unless the text is a well-formed SVG picture: one root, tags that nest, nothing
 * to be run or loaded, UTF-8 without control characters, and each number finite and near the page.
 */
void trace_check_svg(const char *text, size_t len);

/* The bytes of one UTF-8 character, well-formed and shortest; 0: it is none. */
size_t trace_utf8_len(const unsigned char *at, size_t left);

#endif
