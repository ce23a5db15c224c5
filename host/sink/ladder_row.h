/*
 * ladder_row.h: one line of a ladder, and the bounded list of them that a flow keeps.
 *
 * A list keeps the first three quarters of its limit and, in a ring, the last quarter: the opening
 * and the close of a connection are what its reader looks for. What falls between is counted.
 */
#ifndef WEIR_SINK_LADDER_ROW_H
#define WEIR_SINK_LADDER_ROW_H

#include "sink/tcpopts.h"
#include "weir/trace.h"

enum ladder_dir { LADDER_FROM_PEER, LADDER_FROM_US, LADDER_DIRS };

enum ladder_row_kind {
	LADDER_ROW_SEGMENT,
	LADDER_ROW_RUN,      /* data one way and its ACKs */
	LADDER_ROW_EXCHANGE, /* data both ways in turns, and its ACKs */
	LADDER_ROW_STATE,    /* no segment: a call or a timer */
	LADDER_ROW_OTHER,    /* not TCP: ICMP about the connection */
};

/* What a row says beyond its verdict; bits. */
#define LADDER_NOTE_DUPACK      0x01u /* the peer repeats its ACK */
#define LADDER_NOTE_ZERO_WINDOW 0x02u /* the sender of this segment takes no more data */
#define LADDER_NOTE_REOPENED    0x04u /* the first window after one of zero */
#define LADDER_NOTE_FILLS       0x08u /* data that closes a gap, or part of it */
#define LADDER_NOTE_DSACK       0x10u /* its first SACK block tells what came twice (RFC 2883) */
/* Of our retransmissions, known only later: */
#define LADDER_NOTE_CAME_TWICE 0x20u /* the peer had it already, as a D-SACK says */
#define LADDER_NOTE_TAKEN_BACK 0x40u /* what it is a part of was taken back as spurious */
/* Of the segment that tells us so: what was taken back. */
#define LADDER_NOTE_UNDO_FAST 0x80u
#define LADDER_NOTE_UNDO_RTO  0x100u

struct ladder_segment {
	uint32_t seq, ack; /* relative to the initial numbers where these are known */
	uint32_t wnd_bytes, payload_len;
	uint32_t cwnd_bytes; /* our congestion window after it; 0: not told */
	uint32_t ssthresh_bytes;
	uint16_t flags; /* WEIR_TCP_* */
	uint16_t notes; /* LADDER_NOTE_* */
	uint16_t urgent;
	struct tcpopts opts; /* SACK blocks relative */
};

struct ladder_run {
	uint64_t segments[LADDER_DIRS]; /* those with data */
	uint64_t bytes[LADDER_DIRS];
	uint64_t acks;         /* segments without data */
	uint64_t zero_windows; /* of these, with a window of zero */
	uint32_t seq, seq_end; /* of data one way: the first byte, the number after the last */
};

struct ladder_other {
	uint8_t protocol, icmp_type, icmp_code;
	uint32_t bytes; /* of the packet */
};

struct ladder_row {
	weir_time at, until; /* until: of a run, its last segment */
	enum ladder_row_kind kind;
	enum ladder_dir dir;       /* of a run: of its data */
	enum weir_counter verdict; /* as in the trace */
	uint8_t ours;              /* enum weir_state after the segment */
	uint8_t peer;              /* peerstate.h, after the segment */
	bool ours_changed, peer_changed;
	union {
		struct ladder_segment seg;
		struct ladder_run run;
		struct ladder_other other;
	} u;
};

struct ladder_rows {
	struct ladder_row *first; /* grows up to first_max */
	size_t first_count, first_room, first_max;
	struct ladder_row *last; /* ring of last_max, made when `first` is full */
	size_t last_count, last_next, last_max;
	uint64_t omitted; /* rows that are not kept */
};

/* `rows_max` at least 8. */
void ladder_rows_init(struct ladder_rows *rows, size_t rows_max);
void ladder_rows_free(struct ladder_rows *rows);
/* Adds a copy. Out of memory, the row is counted as omitted. */
void ladder_rows_add(struct ladder_rows *rows, const struct ladder_row *row);
size_t ladder_rows_count(const struct ladder_rows *rows);
/* The row numbered `i` of those that are kept, oldest first. */
const struct ladder_row *ladder_rows_at(const struct ladder_rows *rows, size_t i);
/* The same, to write into. */
struct ladder_row *ladder_rows_edit(const struct ladder_rows *rows, size_t i);

#endif
