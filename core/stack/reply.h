/*
 * reply.h: answers that belong to no connection: RSTs, SYN-ACKs and ACKs of records, ICMP. They
 * wait in a bounded ring until output, since input never sends.
 */
#ifndef WEIR_STACK_REPLY_H
#define WEIR_STACK_REPLY_H

#include "stack/stack.h"

/* The place for an answer, of which only `why` is set; NULL: the ring is full (REPLY_DROPPED is
 * counted). */
static inline struct reply *reply_take(struct weir_stack *s, enum weir_counter why)
{
	struct reply *r = ring_push(&s->replies);

	if (!r) {
		++*stack_counter(s, WEIR_CTR_REPLY_DROPPED);
		return NULL;
	}
	r->why = why;
	return r;
}

/* The place for a segment from `tuple`'s local end, zeroed but for tuple and why; NULL as above. */
struct reply *reply_new(struct weir_stack *s, const struct weir_tuple *tuple,
			enum weir_counter why);

/* RFC9293-X-01: the RST for a segment that nobody owns; none for an RST. */
void reply_reset_seg(struct weir_stack *s, const struct weir_tuple *tuple,
		     const struct tcp_seg *seg, uint32_t flow);

/* <SEQ=seq><CTL=RST> for an ACK that is not acceptable before the handshake is over. */
void reply_reset_ack(struct weir_stack *s, const struct weir_tuple *tuple, seq_t seq,
		     const struct tcp_seg *seg, uint32_t flow, enum weir_state state);

/* The RST of a connection that is aborted: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>. */
void reply_reset_conn(struct weir_stack *s, const struct conn *c);

/* An ICMP error that quotes `len` bytes (REPLY_BYTES_MAX at most are kept) of a packet to `tuple`'s
 * local end; rate limited. `flow`: for the trace. */
void reply_icmp(struct weir_stack *s, const struct weir_tuple *tuple, uint8_t type, uint8_t code,
		uint32_t rest, const uint8_t *quote, size_t len, uint32_t flow);

#endif
