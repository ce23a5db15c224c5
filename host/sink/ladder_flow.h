/*
 * ladder_flow.h: what a ladder knows of one connection, collected record by record.
 */
#ifndef WEIR_SINK_LADDER_FLOW_H
#define WEIR_SINK_LADDER_FLOW_H

#include "sink/ladder_again.h"
#include "sink/ladder_fold.h"
#include "sink/ladder_row.h"
#include "sink/peerstate.h"

/* What is followed of each direction. */
struct ladder_half {
	uint32_t isn;            /* initial sequence number */
	uint32_t next;           /* the number after the highest byte, SYN or FIN seen */
	uint32_t ack, wnd_bytes; /* of the last segment with an ACK */
	bool isn_known, next_known, ack_known;
	bool fin_sent, fin_acked; /* a FIN was sent; the other end acknowledged it */
	uint32_t fin_end;
	uint64_t segments, bytes; /* bytes: payload, each counted once */
	uint64_t again;           /* segments that repeat earlier ones */
	unsigned zero_windows;    /* closed and opened again: those that are shown */
};

/* How a connection ended, as far as the trace shows it. */
enum ladder_ending {
	LADDER_OPEN,
	LADDER_CLOSED,      /* both sent a FIN; `by` sent the first */
	LADDER_CROSSED,     /* both sent a FIN before either got the other's */
	LADDER_HALF,        /* only `by` sent a FIN */
	LADDER_REFUSED,     /* RST from `by` instead of a SYN-ACK */
	LADDER_RESET,       /* RST from `by` */
	LADDER_UNREACHABLE, /* ICMP error instead of a SYN-ACK */
	LADDER_EXPIRED,     /* a timer of ours gave up */
	LADDER_DROPPED,     /* ours ended before it was established, without a segment */
};

struct ladder_flow {
	uint32_t id;
	struct weir_tuple tuple;
	weir_time first, last; /* of its packets */
	bool any;              /* a packet was seen */
	bool opener_known;
	enum ladder_dir opener;
	enum ladder_ending ending;
	enum ladder_dir by;
	bool established;
	enum weir_state ours, ours_shown; /* now; in the latest row */
	struct peerstate peer;
	bool held;                            /* the row below waits for what follows */
	struct ladder_row end;                /* our end without a segment */
	struct ladder_half half[LADDER_DIRS]; /* of what that end sends */
	struct ladder_again again;            /* of what we sent again */
	struct ladder_fold fold;
	struct ladder_rows rows;
};

void ladder_flow_init(struct ladder_flow *f, const struct weir_trace_record *first,
		      size_t rows_max);
void ladder_flow_free(struct ladder_flow *f);
void ladder_flow_feed(struct ladder_flow *f, const struct weir_trace_record *r);
/* Hands on all rows that were held back. */
void ladder_flow_flush(struct ladder_flow *f);

#endif
