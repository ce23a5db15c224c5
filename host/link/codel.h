/*
 * codel.h: the CoDel queue discipline (RFC 8289), as a decision about one packet at a time.
 *
 * Pure: the caller has the queue and the clock. It asks about each packet that it would begin to
 * send, and asks again about the next one at the same time when the answer was to drop.
 */
#ifndef WEIR_HOST_CODEL_H
#define WEIR_HOST_CODEL_H

#include <stdbool.h>
#include <stdint.h>

enum codel_answer { CODEL_SEND, CODEL_DROP, CODEL_MARK };
enum codel_after { CODEL_AFTER_SEND, CODEL_AFTER_DROP };

struct codel {
	uint64_t target_ns, interval_ns; /* interval at most 4 s */
	uint64_t first_above; /* when it will have been above for an interval; 0: is not above */
	uint64_t drop_next;   /* when to drop next, while dropping */
	uint32_t count;       /* drops since dropping began */
	uint32_t last_count;  /* the count at which it began */
	bool dropping;
	enum codel_after after; /* what the last answer was, */
	uint64_t at;            /* and when it was given */
};

struct codel_packet {
	uint64_t sojourn_ns; /* how long it has been in the queue */
	uint64_t behind;     /* bytes in the queue behind it */
	uint32_t largest;    /* bytes of the largest packet there is: RFC 8289's maxpacket */
	bool mark;           /* to be marked where it would be dropped */
};

void codel_init(struct codel *c, uint64_t target_ns, uint64_t interval_ns);

/* What is to be done with the packet at the head of the queue. */
enum codel_answer codel_decide(struct codel *c, const struct codel_packet *p, uint64_t now);

/* RFC 8289 5.3: `from` + interval / sqrt(count), rounded down; `count` at least 1. */
uint64_t codel_control_law(const struct codel *c, uint64_t from, uint32_t count);

#endif
