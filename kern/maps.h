/*
 * maps.h: what the program in the kernel and the process that put it there share.
 */
#ifndef WEIR_KERN_MAPS_H
#define WEIR_KERN_MAPS_H

#include "weir/front.h"

/* Slots of one entry of the map of slots: a cache line. */
#define SHIELD_SLOTS_EACH 32u

struct shield_slots {
	struct weir_front_slot slot[SHIELD_SLOTS_EACH];
};

/* The one entry of the map `shared`. Rules are changed by writing those that are not in force and
 * then naming them, so that no packet ever sees half of a change. */
struct shield_shared {
	uint64_t until_ns; /* the program does nothing after this: it must not outlive us */
	uint64_t answered_ms[WEIR_FRONT_LISTENERS];
	uint32_t in_force;
	struct weir_front_rules rules[2];
};

/* What came of SYNs while a listener was on: places of the map `counts`, one set for each core. */
#define SHIELD_PASSED_MAX 8u

struct shield_counts {
	uint64_t answered[WEIR_FRONT_LISTENERS];
	uint64_t passed[SHIELD_PASSED_MAX]; /* to weir, by enum answer_verdict */
	uint64_t dropped;                   /* more than weir could have read */
};

#endif
