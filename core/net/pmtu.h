/*
 * pmtu.h: what routers said of the path MTU to each destination, for all connections of a stack
 * (RFC 1191 6.2, RFC 8201 5.2).
 *
 * A table of a fixed size, by a keyed hash. What does not fit is forgotten, the oldest first, and
 * found out again; what is older than its time is not told any more, so that the larger size of the
 * link is tried (RFC1191-04).
 */
#ifndef WEIR_NET_PMTU_H
#define WEIR_NET_PMTU_H

#include "base/arena.h"
#include "weir/weir.h"

#define PMTU_WAYS 4u /* slots of a set: the most that a look-up looks at */

struct pmtu_slot {
	weir_time until; /* it is told; 0: never used */
	struct weir_addr to;
	uint16_t mtu; /* bytes of IP packet */
};
_Static_assert(sizeof(struct pmtu_slot) <= 32, "two in a cache line");

struct pmtu {
	struct pmtu_slot *slots; /* sets of PMTU_WAYS */
	uint32_t set_mask;
	bool used; /* something was ever noted */
};

/* Room for `count` destinations at least. With a counting arena it only counts. */
void pmtu_init(struct pmtu *p, struct arena *a, uint32_t count);

/* The path MTU to `to`, 0 if nothing is known of it. */
uint16_t pmtu_get(const struct pmtu *p, const uint8_t key[16], const struct weir_addr *to,
		  weir_time now);

/* Packets to `to` have `mtu` bytes at most, until `until`. */
void pmtu_note(struct pmtu *p, const uint8_t key[16], const struct weir_addr *to, uint16_t mtu,
	       weir_time until);

#endif
