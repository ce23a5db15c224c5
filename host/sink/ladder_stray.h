/*
 * ladder_stray.h: the packets that belong to no connection, kept for the last part of a ladder.
 *
 * Equal ones that come soon after each other are one entry with a count; LADDER_STRAYS_MAX entries
 * are kept, later ones are counted.
 */
#ifndef WEIR_SINK_LADDER_STRAY_H
#define WEIR_SINK_LADDER_STRAY_H

#include "sink/textline.h"
#include "weir/trace.h"

#define LADDER_STRAYS_MAX 200u
/* Entries that a packet is compared with before it gets one of its own. */
#define LADDER_STRAYS_COMPARED 8u

struct ladder_stray {
	weir_time at;
	uint64_t times;
	enum weir_trace_kind kind;
	enum weir_counter verdict;
	struct weir_endpoint src, dst;
	uint8_t protocol, icmp_type, icmp_code;
	uint16_t seg_flags;
	uint32_t seq, ack, payload_len; /* TCP; of the first of them */
	uint32_t bytes;                 /* of the packet */
};

struct ladder_strays {
	struct ladder_stray *list; /* LADDER_STRAYS_MAX, made with the first */
	size_t count;
	uint64_t omitted;
};

void ladder_strays_feed(struct ladder_strays *s, const struct weir_trace_record *r);
void ladder_strays_free(struct ladder_strays *s);
/* Nothing is written when there are none. Times are shown from `start` on. */
void ladder_strays_print(const struct ladder_strays *s, FILE *out, const struct textstyle *st,
			 weir_time start);

#endif
