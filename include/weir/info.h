/*
 * info.h: what the engine tells about its connections, half-open and TIME-WAIT records.
 */
#ifndef WEIR_INFO_H
#define WEIR_INFO_H

#include "weir/weir.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What loss recovery is about (RFC 8985, RFC 6675, RFC 5682). */
enum weir_recovery {
	WEIR_RECOVERY_OPEN, /* nothing is known to be lost */
	WEIR_RECOVERY_CWR,  /* a congestion mark came: the window shrinks */
	WEIR_RECOVERY_FAST, /* something is known to be lost */
	WEIR_RECOVERY_RTO,  /* the retransmission timer fired */
};

/* "open", "cwr", "fast" or "rto". */
const char *weir_recovery_name(enum weir_recovery phase);

/* How congestion marks are told. */
enum weir_ecn {
	WEIR_ECN_NONE,
	WEIR_ECN_CLASSIC,  /* that there was one (RFC 3168) */
	WEIR_ECN_ACCURATE, /* how many there were (RFC 9768) */
};

struct weir_info {
	struct weir_tuple tuple;
	enum weir_state state;
	uint32_t flow; /* as in the trace; one number from the SYN to the end of TIME-WAIT */
	uint64_t user;
	weir_conn conn;      /* of a connection; 0 otherwise */
	uint32_t expires_ms; /* TIME-WAIT and half-open: until the record's timer */
	uint8_t retries;     /* half-open: SYN-ACKs sent again */
	bool held;           /* half-open: waits for the application's decision */
	bool complete;       /* half-open: the third segment came, and there was no room */
	uint32_t age_ms;     /* half-open: since the SYN, or since it was accepted if it was held;
			      * TIME-WAIT: since its time began, or began anew */
	/* The rest is for connections only. */
	uint32_t snd_una, snd_nxt, rcv_nxt; /* absolute sequence numbers */
	uint32_t snd_wnd_bytes, rcv_wnd_bytes;
	uint32_t cwnd_bytes, ssthresh_bytes;
	uint32_t pipe_bytes;   /* out, neither SACKed nor lost: what cwnd bounds */
	uint32_t lost_bytes;   /* found lost so far, modulo 2^32 */
	uint32_t sacked_bytes; /* out and SACKed */
	uint32_t again_bytes;  /* out for the second time or more: part of pipe_bytes */
	uint8_t dup_acks;      /* in a row since SND.UNA last moved; 255: or more */
	enum weir_recovery recovery;
	const char *cc;         /* name of the congestion control; NULL before it began */
	uint64_t pacing_rate;   /* bytes a second; 0: not paced */
	uint64_t delivery_rate; /* bytes a second, the last sample; 0: none yet */
	uint64_t min_rtt_ns;    /* least of the last minutes; 0: none yet */
	uint8_t spurious;       /* recoveries that were for nothing, taken back; 255: or more */
	bool reordering;        /* the path was seen to reorder */
	uint32_t mss_bytes;     /* largest payload of a segment we send */
	uint64_t srtt_ns, rttvar_ns, rto_ns;
	uint32_t sndq_bytes;     /* queued, not yet acknowledged */
	uint32_t rcvq_bytes;     /* readable, not yet consumed */
	uint32_t ooo_bytes;      /* received above a gap */
	uint32_t pages;          /* buffer pages held */
	uint64_t bytes_acked;    /* of our data */
	uint64_t bytes_received; /* in order */
	uint32_t segs_in, segs_out;
	uint32_t retransmits;
	uint8_t snd_wscale, rcv_wscale;
	bool ts_ok, sack_ok;
	enum weir_ecn ecn;
};

/* WEIR_OK or WEIR_NO_CONN. */
enum weir_err weir_conn_info(const struct weir_stack *s, weir_conn c, struct weir_info *out);

enum weir_walk_kind { WEIR_WALK_CONNS, WEIR_WALK_HALFS, WEIR_WALK_TIMEWAITS };

/* Walks all records of one kind. *cursor starts at 0; false: no more. The stack may change between
 * calls: a record is then seen at most once. */
bool weir_walk(const struct weir_stack *s, enum weir_walk_kind kind, uint32_t *cursor,
	       weir_time now, struct weir_info *out);

/* Who asks for connections faster than they complete: a row of what def/config.def limits by
 * address, and how far it is used up. */
enum weir_limit_kind {
	WEIR_LIMIT_SOURCE, /* source_rate, half_source_max */
	WEIR_LIMIT_DEST,   /* dest_rate, held_dest_max */
};

struct weir_limit_info {
	enum weir_limit_kind kind;
	struct weir_endpoint at; /* of a source: its prefix, port 0 */
	unsigned prefix;         /* bits of the address that count */
	uint32_t records;        /* half-open */
	uint32_t tokens;         /* SYNs that may still come at once; 0 without a rate */
	uint32_t refused;        /* SYNs, since it was last forgotten */
};

/* Walks all that are not idle, as weir_walk() does. */
bool weir_walk_limits(const struct weir_stack *s, uint32_t *cursor, struct weir_limit_info *out);

/* What is in use, for leak checks: all are 0 when nothing is open. `timewaits` counts records:
 * beside those in TIME-WAIT, which weir_walk() shows, those that remember a used SYN cookie. */
struct weir_usage {
	uint32_t conns, halfs, timewaits, listeners, pages, ranges, sends;
};
void weir_stack_usage(const struct weir_stack *s, struct weir_usage *out);

#ifdef __cplusplus
}
#endif

#endif
