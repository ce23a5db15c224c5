/*
 * sink.h: what is made of the engine's trace records.
 *
 * A sink is fed each record (its pointers live only during the call, so it copies what it keeps)
 * and writes either as it goes (pcapng) or at the end (ladder).
 */
#ifndef WEIR_SINK_H
#define WEIR_SINK_H

#include <stdio.h>

#include "weir/info.h"
#include "weir/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_ladder;
struct weir_pcapng;

enum weir_charset { WEIR_CHARSET_ASCII, WEIR_CHARSET_UTF8 };
enum weir_colour { WEIR_COLOUR_NEVER, WEIR_COLOUR_ALWAYS };

struct weir_ladder_args {
	const char *local_name;  /* column title of our side, "weir" */
	const char *remote_name; /* of the peer, e.g. the program's name */
	/* Name of an address for titles ("weir.test") or NULL; may itself be NULL. */
	const char *(*name_of)(void *user, const struct weir_endpoint *e);
	void *user;
	enum weir_charset charset;
	enum weir_colour colour;
	unsigned width;   /* columns, 72 to 400; 100 when 0. No line is wider */
	size_t flows_max; /* ladders kept; later flows are counted, not kept (0: 1,000) */
	size_t rows_max;  /* rows kept for each flow after folding, at least 8 (0: 2,000):
				   * the first three quarters and the last quarter */
};

/* NULL when out of memory. */
struct weir_ladder *weir_ladder_new(const struct weir_ladder_args *args);
void weir_ladder_feed(struct weir_ladder *l, const struct weir_trace_record *r);
/* Writes all ladders, then the packets without a connection, then the half-open queue and the
 * TIME-WAIT entries of `s` (may be NULL). How to read it: docs/ladder.md. */
void weir_ladder_print(struct weir_ladder *l, FILE *out, const struct weir_stack *s, weir_time now);
void weir_ladder_free(struct weir_ladder *l);

/* A pcapng file with one interface (LINKTYPE_RAW). `payload_max`: bytes of payload kept of each
 * packet, after its headers. `clock_offset_ns` is added to record times to give time since 1970.
 * TCP checksums that a device was to fill in (csum_partial) are completed.
 * 0; -1 with errno. */
int weir_pcapng_open(struct weir_pcapng **out, const char *path, size_t payload_max,
		     int64_t clock_offset_ns);
void weir_pcapng_feed(struct weir_pcapng *w, const struct weir_trace_record *r);
/* Flushes and closes. 0; -1 with errno if any write failed: the file is not whole then. */
int weir_pcapng_close(struct weir_pcapng *w);

#ifdef __cplusplus
}
#endif

#endif
