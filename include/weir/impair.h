/*
 * impair.h: one direction of an imperfect path, as a pure model: rate, queue with drop-tail, CoDel
 * or marks, delay, jitter, loss alone and in bursts, reordering, duplication, damage.
 *
 * The model holds no packet: the caller offers a length and an id of its own, keeps the bytes, and
 * is told when which id leaves and in what shape. No clock, no I/O, no allocation: memory and time
 * come as arguments, time never goes back. The same configuration, packets and times give the same
 * fates on every machine; the n-th packet's dice are thrown per purpose, so that turning reordering
 * on does not change which packets are lost.
 *
 * A packet goes through these stages, in this order:
 *   1. chance: lost alone or in a burst; or held back, copied, damaged later on
 *   2. the queue: full, or marked for being long
 *   3. CoDel, when it would begin to be sent: dropped or marked
 *   4. serialisation at the rate, exact to the nanosecond on the average
 *   5. delay and jitter; packets that are held back are overtaken by others
 */
#ifndef WEIR_IMPAIR_H
#define WEIR_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/weir.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Chances are in parts per million. */
#define WEIR_IMPAIR_PPM 1000000u
/* Most packets that can be held back by a count at a time; more go on unhindered. */
#define WEIR_IMPAIR_HELD_MAX 64u
/* Ranges of a configuration. */
#define WEIR_IMPAIR_PACKETS_MAX    (1u << 22)
#define WEIR_IMPAIR_NS_MAX         UINT64_C(1000000000000) /* of delay, jitter and hold: 1,000 s */
#define WEIR_IMPAIR_CODEL_NS_MAX   UINT64_C(4000000000)
#define WEIR_IMPAIR_LEN_MAX        (1u << 20)          /* of one packet */
#define WEIR_IMPAIR_CODEL_TARGET   UINT64_C(5000000)   /* RFC 8289 4.3 */
#define WEIR_IMPAIR_CODEL_INTERVAL UINT64_C(100000000) /* RFC 8289 4.2 */

enum weir_impair_order {
	WEIR_IMPAIR_ORDER_KEPT, /* no packet overtakes by jitter: it waits for the one before */
	WEIR_IMPAIR_ORDER_FREE, /* each packet has its own delay */
};

enum weir_impair_aqm {
	WEIR_IMPAIR_AQM_NONE,
	WEIR_IMPAIR_AQM_CODEL, /* RFC 8289; works on queueing time, so only with a rate */
};

/* What CoDel does to a packet of an ECN-capable transport that it would drop. */
enum weir_impair_answer {
	WEIR_IMPAIR_ANSWER_DROP,
	WEIR_IMPAIR_ANSWER_MARK, /* CE instead */
};

/* The two bits of the IP header (RFC 3168 5). */
enum weir_impair_ecn {
	WEIR_IMPAIR_NOT_ECT = 0,
	WEIR_IMPAIR_ECT1 = 1,
	WEIR_IMPAIR_ECT0 = 2,
	WEIR_IMPAIR_CE = 3,
};

/* All zeros but packets_max: packets leave at once, as they came. */
struct weir_impair_conf {
	uint64_t seed;
	uint32_t packets_max; /* that are inside at a time, 1 to WEIR_IMPAIR_PACKETS_MAX: memory */

	uint64_t rate_bps;  /* bits each second of `len`; 0: no limit */
	uint64_t delay_ns;  /* propagation */
	uint64_t jitter_ns; /* on top of it, evenly from 0 to this */
	enum weir_impair_order jitter_order;

	/* What may wait; the packet that is being sent does not. 0: no limit. */
	uint64_t queue_bytes;
	uint32_t queue_packets;

	enum weir_impair_aqm aqm;
	uint64_t codel_target_ns, codel_interval_ns; /* 0: 5 ms, 100 ms */
	enum weir_impair_answer codel_answer;
	uint64_t mark_bytes; /* more than this waits already: ECT packets are marked; 0: never */

	uint32_t loss_ppm; /* lost alone, outside of bursts */
	/* Bursts (Gilbert and Elliott's channel): each packet finds the path good or bad; a bad
	 * path loses it. Chance of turning bad and of turning good again, with each packet. */
	uint32_t burst_enter_ppm, burst_leave_ppm;

	/* Held back: for hold_ns; or until hold_packets later ones have left, at most hold_ns. */
	uint32_t reorder_ppm, hold_packets;
	uint64_t hold_ns; /* not 0 where reorder_ppm is not */

	uint32_t dup_ppm;     /* leaves twice, the copy right behind */
	uint32_t corrupt_ppm; /* of a copy too: weir_impair_damage() is to be called */
};

/* What became of a packet that was offered. */
enum weir_impair_verdict {
	WEIR_IMPAIR_ACCEPTED,   /* weir_impair_next() will name it */
	WEIR_IMPAIR_LOST,       /* by chance */
	WEIR_IMPAIR_LOST_BURST, /* by chance, on a bad path */
	WEIR_IMPAIR_QUEUE_FULL, /* drop-tail */
	WEIR_IMPAIR_NO_ROOM,    /* packets_max are inside, or it is longer than LEN_MAX */
	WEIR_IMPAIR_VERDICTS
};

enum weir_impair_fate {
	WEIR_IMPAIR_LEAVES,
	WEIR_IMPAIR_DROPPED, /* by CoDel */
};

struct weir_impair_out {
	uint64_t id; /* the caller's */
	weir_time at;
	uint32_t len;
	enum weir_impair_fate fate;
	bool last;    /* this id is not named again */
	bool copy;    /* it left before */
	bool ce;      /* to be marked: weir_impair_set_ce() */
	bool corrupt; /* to be damaged: weir_impair_damage() with `noise` */
	bool late;    /* one that was offered after it left before it */
	uint64_t noise;
};

struct weir_impair_stats {
	uint64_t packets, bytes;                 /* offered */
	uint64_t verdicts[WEIR_IMPAIR_VERDICTS]; /* of `packets` */
	uint64_t codel_drops;                    /* of the accepted ones */
	uint64_t marks_codel, marks_queue;       /* CE was set where it was not */
	uint64_t held, copies, corrupted;
	uint64_t out_packets, out_bytes; /* that left, copies too */
	uint64_t late;                   /* of these, copies apart */
	uint64_t queue_bytes_high, queue_packets_high;
	uint64_t sojourn_sum_ns, sojourn_max_ns; /* queueing time of packets that were sent */
};

struct weir_impair;

/* Whether a configuration is in its ranges; NULL: yes; else what is wrong, in a few words. */
const char *weir_impair_check(const struct weir_impair_conf *conf);

/* Bytes of memory, aligned to 8, that weir_impair_init() wants. */
size_t weir_impair_size(const struct weir_impair_conf *conf);

/* Makes a path in `mem`, which stays the caller's. The path; NULL: check() complains, or `size` is
 * less than weir_impair_size(). */
struct weir_impair *weir_impair_init(void *mem, size_t size, const struct weir_impair_conf *conf);

/* Offers a packet of `len` bytes (of the IP packet; framing is not added) at `now`. */
enum weir_impair_verdict weir_impair_offer(struct weir_impair *im, uint32_t len,
					   enum weir_impair_ecn ecn, weir_time now, uint64_t id);

/* The next packet whose time has come, in order of time. Whether there is one. */
bool weir_impair_next(struct weir_impair *im, weir_time now, struct weir_impair_out *out);

/* When to call next() again if nothing is offered before, which may find nothing yet; WEIR_NEVER:
 * nothing is inside. */
weir_time weir_impair_deadline(const struct weir_impair *im);

/* Packets that are inside; bytes that wait to be sent, as of the last call. */
uint32_t weir_impair_inside(const struct weir_impair *im);
uint64_t weir_impair_queued(const struct weir_impair *im);

const struct weir_impair_stats *weir_impair_stats(const struct weir_impair *im);

/* "accepted", "lost", "lost-burst", "queue-full", "no-room". */
const char *weir_impair_verdict_name(enum weir_impair_verdict v);

/* What is done to bytes: those of an IPv4 or IPv6 packet; others are left as they are. */

enum weir_impair_ecn weir_impair_ecn_of(const uint8_t *packet, size_t len);

/* Sets CE, and mends IPv4's header checksum (RFC 1624). */
void weir_impair_set_ce(uint8_t *packet, size_t len);

/* Inverts the ends of a run of 2 to 15 bits and some between them, where `noise` says, so that the
 * internet checksum is certain to show it; not in IPv6's payload length and next header, which no
 * checksum protects. */
void weir_impair_damage(uint8_t *packet, size_t len, uint64_t noise);

#ifdef __cplusplus
}
#endif

#endif
