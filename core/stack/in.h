/*
 * in.h: one frame on its way in. Private to in.c and in_icmp.c.
 */
#ifndef WEIR_STACK_IN_H
#define WEIR_STACK_IN_H

#include "net/ip_in.h"
#include "stack/stack.h"
#include "stack/trace.h"

struct stack_in {
	struct weir_stack *s;
	const struct weir_frame *frame;
	struct weir_frame whole; /* what frame is when the last fragment has come */
	struct ip_packet pkt;
	struct weir_tuple tuple; /* ours is local */
	uint64_t hash;           /* of the tuple, if is_tcp */
	struct tcp_seg seg;
	bool ours;              /* its destination is an address of ours */
	bool is_tcp;            /* seg is valid */
	bool by_cookie;         /* it has just made its connection, by a SYN cookie */
	struct trace_note note; /* filled as things become known */
};

/* An ICMP or ICMPv6 message; returns its verdict. */
enum weir_counter in_icmp(struct stack_in *in);

#endif
