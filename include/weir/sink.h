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

/* --- Pictures -----------------------------------------------------------------------------
 *
 * An SVG page of panels in columns, each with axes, units and a legend; dark on white, no script,
 * nothing loaded from elsewhere. Functions take a NULL picture or panel and do nothing, so that
 * only weir_picture_write() needs to be looked at. Strings but names and titles must outlive it.
 */

struct weir_picture;
struct weir_panel;

/* `note` may be NULL, and have several lines. 1 to 4 columns. NULL when out of memory. */
struct weir_picture *weir_picture_new(const char *title, const char *note, unsigned columns);
/* 0; -1 with errno: a write failed, or memory was short before. */
int weir_picture_write(struct weir_picture *p, FILE *out);
void weir_picture_free(struct weir_picture *p);

/* The time axis of a panel ends here; without it, with the last that was taken in. */
void weir_panel_until(struct weir_panel *p, weir_time until);

enum weir_line_style {
	WEIR_LINE_STRAIGHT, /* from point to point */
	WEIR_LINE_STEPS,    /* a value holds until the next one */
	WEIR_LINE_LIMIT,    /* the same, dashed; the axis is not stretched for it */
};

/* A panel of up to 8 lines over time. `what` is on its axis, in `unit`; of "bytes" the axis is in
 * KB or MB where that is shorter. */
struct weir_panel *weir_picture_lines(struct weir_picture *p, const char *title, const char *what,
				      const char *unit);
void weir_lines_name(struct weir_panel *p, unsigned line, const char *name,
		     enum weir_line_style style);
/* Times of a line never go back. */
void weir_lines_point(struct weir_panel *p, unsigned line, weir_time at, double value);

/* A panel with the sequence numbers of what the first connection sends, over time; it is fed all
 * records of one side. */
struct weir_panel *weir_picture_sequence(struct weir_picture *p, const char *title);
void weir_sequence_feed(struct weir_panel *p, const struct weir_trace_record *r);
/* Marks `len` bytes from `seq` on, sent at `at`, as lost on the path. */
void weir_sequence_lost(struct weir_panel *p, weir_time at, uint32_t seq, uint32_t len);

/* A panel with the windows of the first connection, over time. It belongs to the picture; what is
 * fed is freed alone. */
struct weir_windows;
struct weir_windows *weir_windows_new(struct weir_picture *p, const char *title);
struct weir_panel *weir_windows_panel(struct weir_windows *w);
void weir_windows_feed(struct weir_windows *w, const struct weir_trace_record *r);
void weir_windows_free(struct weir_windows *w);

#ifdef __cplusplus
}
#endif

#endif
