/*
 * trace.h: the record that the engine makes for every verdict and every change of state.
 *
 * A segment that comes in gives one record after it was processed, with the state before and after
 * and its verdict; a segment that goes out gives one when it is handed to the link, with the reason
 * why it was sent. A state that changes for another reason (a call, a timer) gives one without a
 * segment. Sinks (ladder, pcapng) are made from these records and from nothing else.
 */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include "weir/info.h"
#include "weir/weir.h"

enum weir_trace_kind {
	WEIR_TRACE_IN,    /* a packet came in */
	WEIR_TRACE_OUT,   /* a packet goes out */
	WEIR_TRACE_STATE, /* a state changed without a packet */
};

/* Bits of weir_trace_record.seg_flags: the TCP header's own. */
#define WEIR_TCP_FIN 0x01u
#define WEIR_TCP_SYN 0x02u
#define WEIR_TCP_RST 0x04u
#define WEIR_TCP_PSH 0x08u
#define WEIR_TCP_ACK 0x10u
#define WEIR_TCP_URG 0x20u
#define WEIR_TCP_ECE 0x40u
#define WEIR_TCP_CWR 0x80u
#define WEIR_TCP_AE  0x100u /* of the byte before (RFC 9768) */

struct weir_trace_record {
	weir_time at;
	enum weir_trace_kind kind;
	enum weir_counter verdict; /* IN: the verdict; OUT: the reason (a SENT_, RETX_, PROBE_ row);
				    * STATE: the row that fits best */
	uint32_t flow;             /* numbers connections from their SYN to the end of TIME-WAIT; 0:
				    * belongs to none */
	struct weir_tuple tuple;   /* ours is local; family 0 when the packet is not TCP */
	/* Of our side; CLOSED when nobody owns the segment. A half-open record is SYN_RECEIVED, a
	 * SYN to a listener goes from LISTEN. */
	enum weir_state before, after;
	bool is_tcp;       /* the fields below are valid */
	uint32_t seq, ack; /* absolute */
	uint32_t payload_len;
	uint32_t wnd_bytes;           /* scaled where scaling applies */
	uint32_t iss, irs;            /* ours and the peer's initial numbers where known, else 0 */
	uint16_t urgent;              /* the header's field */
	uint16_t seg_flags;           /* WEIR_TCP_* */
	uint8_t opt_len;              /* bytes of TCP options */
	const uint8_t *opt;           /* the TCP options as they are on the wire */
	const uint8_t *head;          /* the packet from its IP header on; NULL for STATE */
	size_t head_len;              /* contiguous bytes at head (IN: the whole packet) */
	const struct weir_span *span; /* OUT: the payload that follows head */
	size_t span_count;
	size_t total_len;  /* of the whole packet */
	bool csum_partial; /* the TCP checksum in head is not complete (offloaded) */
	uint16_t l4_start; /* where the upper-layer header begins in head */
	/* Of the connection after the step, as in info.h; all 0 where there is none. */
	uint32_t cwnd_bytes, ssthresh_bytes;
	uint32_t pipe_bytes; /* in the network: what cwnd bounds */
	enum weir_recovery recovery;
	uint8_t spurious;       /* recoveries that were for nothing, taken back; 255: or more */
	uint64_t srtt_ns;       /* 0: none yet */
	uint64_t pacing_rate;   /* bytes a second; 0: not paced */
	uint64_t delivery_rate; /* bytes a second, the last sample; 0: none yet */
};

#endif
