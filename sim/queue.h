/*
 * queue.h: what will happen, in order of time.
 */
#ifndef WEIR_SIM_QUEUE_H
#define WEIR_SIM_QUEUE_H

#include "sim/frame.h"
#include "sim/talk.h"

enum sim_event_kind {
	SIM_EVENT_FRAME,  /* a frame arrives */
	SIM_EVENT_OPEN,   /* a side of a talk opens */
	SIM_EVENT_DECIDE, /* a held SYN is decided on */
	SIM_EVENT_WAKE,   /* an application's pause ends */
	SIM_EVENT_CRASH,  /* a host crashes, until `until` */
	SIM_EVENT_BOOT,   /* it comes back */
	SIM_EVENT_DEAFEN, /* its listeners are closed */
	SIM_EVENT_HEAR,   /* they are back */
	SIM_EVENT_CUT,    /* a link is cut */
	SIM_EVENT_MEND,   /* it works again */
	SIM_EVENT_MTU,    /* a link has another MTU */
};

struct sim_event {
	weir_time at;
	uint64_t order; /* of equal times, the one that was added first goes first */
	enum sim_event_kind kind;
	unsigned host, from; /* of links: to, from */
	unsigned side;
	uint32_t boot; /* of the host, for what happens inside it */
	bool damaged, forged;
	weir_time until;
	uint32_t mtu;
	struct sim_talk *talk;
	struct sim_frame *frame;
};

struct sim_queue {
	struct sim_event *heap;
	size_t len, max;
	uint64_t order;
};

void sim_queue_free(struct sim_queue *q);
void sim_queue_add(struct sim_queue *q, const struct sim_event *ev);
/* The nearest event, which leaves the queue; there must be one. */
struct sim_event sim_queue_take(struct sim_queue *q);
/* Its time; WEIR_NEVER: the queue is empty. */
weir_time sim_queue_next(const struct sim_queue *q);

#endif
