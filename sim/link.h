/*
 * link.h: a one-way path with a rate, a delay, a queue, and everything that goes wrong on it.
 *
 * A link decides what becomes of a packet; it holds none. The same seed and the same packets give
 * the same fates.
 */
#ifndef WEIR_SIM_LINK_H
#define WEIR_SIM_LINK_H

#include "sim/frame.h"
#include "sim/icmp.h"
#include "sim/rng.h"

struct sim_link_config {
	uint64_t rate_bits;   /* bits each second; 0: no limit */
	uint64_t delay_ns;    /* propagation */
	uint64_t queue_bytes; /* that may wait for the rate; 0: no limit */
	uint32_t loss_ppm;    /* lost, in a million */
	uint32_t dup_ppm;     /* delivered twice */
	uint32_t reorder_ppm; /* held back, so that later packets overtake */
	uint32_t corrupt_ppm; /* damaged: see sim_link_damage() */
	uint64_t spread_ns;   /* longest time by which a packet or its copy is held back */
	weir_time dead_from;  /* a black hole from then on; WEIR_NEVER: never */
	uint32_t burst_ppm;   /* a run of losses begins */
	uint32_t burst_max;   /* packets of the longest run; it lasts 0.3 s at most */
	uint32_t ecn_ppm;     /* its ECN field is changed: see sim_link_mark() */
	uint32_t error_ppm;   /* a router drops it and sends an ICMP error, up to `error_last` */
	enum sim_icmp_kind error_last;
	uint32_t mtu; /* bytes of the largest packet that gets through; 0: any */
	bool silent;  /* larger ones, and all while it is cut, are lost without a word */
};

struct sim_link_stats {
	uint64_t packets, bytes; /* offered */
	uint64_t lost;           /* by chance */
	uint64_t overflowed;     /* the queue was full */
	uint64_t swallowed;      /* by the black hole, or while the link was cut */
	uint64_t too_big;        /* for the link's MTU */
	uint64_t refused;        /* by a router, with an ICMP error */
	uint64_t marked;         /* their ECN field was changed */
	uint64_t duplicated, reordered, damaged;
	uint64_t copies; /* that will arrive, duplicates and damaged ones included */
};

struct sim_link {
	struct sim_link_config cfg;
	struct sim_link_stats stats;
	struct sim_rng rng;
	struct sim_rng luck;   /* of bursts, marks and errors */
	weir_time busy_until;  /* when the last bit of all accepted packets has been sent */
	uint32_t burst_left;   /* packets still to be lost in a row, ... */
	weir_time burst_until; /* ... before then */
	bool cut;              /* nothing gets through for now */
};

enum sim_fate_kind {
	SIM_FATE_ARRIVES,
	SIM_FATE_LOST,
	SIM_FATE_OVERFLOWED,
	SIM_FATE_SWALLOWED,
	SIM_FATE_TOO_BIG,
	SIM_FATE_REFUSED,
};

struct sim_fate {
	enum sim_fate_kind kind;
	bool tells;               /* the sender gets an ICMP error, */
	enum sim_icmp_kind error; /* this one */
	bool marked;              /* sim_link_mark() is to be called */
	unsigned copies;          /* 0 to 2 */
	struct {
		weir_time at;
		bool damaged;
	} copy[2];
};

void sim_link_init(struct sim_link *l, const struct sim_link_config *cfg, uint64_t seed);

/* Decides the fate of a packet of `len` bytes that is offered at `now`, and counts it. `piece`: the
 * bytes of its largest packet on the wire, if it is a super-segment; `len` otherwise. */
void sim_link_decide(struct sim_link *l, weir_time now, size_t len, size_t piece,
		     struct sim_fate *out);

/* Changes a frame's ECN field, as routers do (ECT becomes CE) and should not (anything else). */
void sim_link_mark(struct sim_link *l, struct sim_frame *f);

/* Damages a frame, so that the receiver is certain to notice: inverts the first and last bit, and
 * any bits between, of a run of 1 to 15 bits. */
void sim_link_damage(struct sim_link *l, struct sim_frame *f);

#endif
