/*
 * halfs.h: where half-open records live, wait and are timed; the rules are tcp/half.h.
 */
#ifndef WEIR_STACK_HALFS_H
#define WEIR_STACK_HALFS_H

#include "stack/conns.h"
#include "stack/listeners.h"

/* A record for a SYN, within the limits of its source and destination (limits.h) and the room that
 * there is or can be made (pressure.h). Returns the verdict: ACCEPTED, HALF_HELD, or without a
 * record and without any other effect LISTEN_FULL, LISTEN_SOURCE, LISTEN_DEST. */
enum weir_counter halfs_new(struct weir_stack *s, uint32_t listener, const struct newcomer *n,
			    const seq_t *isn, uint32_t *flow);

/* A segment for a record. If it completes the handshake, *conn gets the new connection, to which
 * the segment is then to be given. */
enum weir_counter halfs_input(struct weir_stack *s, uint32_t slot, const struct weir_tuple *tuple,
			      const struct tcp_seg *seg, struct conn **conn);

/* A record ends without a connection. */
void halfs_end(struct weir_stack *s, uint32_t slot, enum weir_err reason, enum weir_counter why);

/* Ends all records of a listener. */
void halfs_end_listener(struct weir_stack *s, uint32_t listener);

enum half_icmp {
	HALF_ICMP_PATH, /* about the packet's size */
	HALF_ICMP_SOFT, /* may pass */
	HALF_ICMP_HARD, /* nobody there wants the SYN-ACK */
};

/* An ICMP error quotes a SYN-ACK of the record, of sequence number `seq`. Returns the verdict:
 * ICMP_HARD if it ended the record, ICMP_SOFT, ICMP_STRAY. */
enum weir_counter halfs_icmp(struct weir_stack *s, uint32_t slot, seq_t seq, enum half_icmp what,
			     enum weir_err reason);

/* Is there a SYN or HALF_GONE event? */
static inline bool halfs_wait(const struct weir_stack *s)
{
	return s->half_queue[HALF_STAGE_GONE].count || s->half_queue[HALF_STAGE_FRESH].count;
}

/* The next SYN or HALF_GONE event; false: none. */
bool halfs_event(struct weir_stack *s, struct weir_event *ev);

void halfs_run(struct weir_stack *s, weir_time now);
weir_time halfs_next(const struct weir_stack *s, weir_time now);

/* Answers a held SYN with a refusal (refuse.c). */
void refuse_half(struct weir_stack *s, const struct weir_tuple *tuple, const struct half *h,
		 uint32_t flow, enum weir_refusal how);

/* Works out what SYN-ACKs offer, once for all, since no setting changes. */
void halfs_offer_init(struct weir_stack *s);

/* What a SYN-ACK offers: the window (not scaled), the shift of later ones, the MSS. */
static inline uint16_t halfs_window(const struct weir_stack *s)
{
	return s->offer.wnd;
}

static inline uint8_t halfs_shift(const struct weir_stack *s)
{
	return s->offer.shift;
}

static inline uint16_t halfs_mss(const struct weir_stack *s, uint8_t family)
{
	return family == 4 ? s->offer.mss4 : s->offer.mss6;
}

static inline struct half_slot *half_at(const struct weir_stack *s, uint32_t slot)
{
	return pool_at(&s->halfs, slot);
}

#endif
