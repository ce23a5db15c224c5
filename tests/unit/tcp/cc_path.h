/*
 * cc_path.h: flows of congestion controls on one bottleneck, packet by packet, for the tests of
 * core/tcp/cc_*: no TCP around them. Also what these tests share.
 *
 * The bottleneck has a rate and a buffer in bytes that drops at its tail; behind it every flow has
 * its own round-trip time. Chance drops with a given probability before the bottleneck. A loss is
 * found when the ACK of a later packet arrives; lost data is not sent again, there is always more.
 * Within a recovery cwnd is the target at once. Everything is repeatable.
 */
#ifndef WEIR_TESTS_CC_PATH_H
#define WEIR_TESTS_CC_PATH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tcp/cc_ops.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define MSS           1000u
#define MS            1000000ull
#define SECOND        1000000000ull
#define PATH_FLOWS    4u
#define PATH_PACKETS  8192u /* of one flow in flight, at most */

/* What is known of a packet when it is sent. */
struct path_packet {
	weir_time sent, acked; /* acked WEIR_NEVER: dropped */
	uint64_t delivered;
	weir_time delivered_at, first_sent;
	uint64_t lost;
	uint32_t flight;
	bool marked, app_limited;
};

struct path_flow {
	struct cc cc;
	uint64_t rtt_ns;   /* without a queue */
	uint64_t app_rate; /* bytes a second that the application gives; 0: always enough */
	weir_time start;
	uint64_t delivered, lost, given;
	uint64_t share;      /* delivered in the time of path_used() */
	uint32_t head, tail; /* of packets[] */
	uint32_t flight;
	struct path_packet packets[PATH_PACKETS];
	uint32_t recover; /* packet that ends the recovery */
	uint64_t round_end;
	weir_time delivered_at, first_sent, next_send, rto_at, srtt;
	bool recovering, resending, mark_seen;
	unsigned losses, timeouts;
};

struct path {
	struct weir_config cfg;
	uint64_t rate;   /* bytes a second */
	uint64_t buffer; /* bytes */
	uint64_t mark;   /* bytes in the buffer from which packets are marked; 0: never */
	uint32_t chance; /* of 1,000,000 packets so many are dropped */
	uint32_t every;  /* each so-many-th packet is dropped; 0: none */
	uint32_t dice;
	uint32_t sent; /* packets */
	weir_time now, free_at;
	unsigned flow_count;
	struct path_flow flows[PATH_FLOWS];
	/* Called after each ACK, if set. */
	void (*watch)(const struct path *p, const struct path_flow *f, const struct cc_ack *a);
};

/* A path with the default settings, flows of `kind` with one RTT; not yet started. */
void path_init(struct path *p, enum cc_kind kind, unsigned flows, uint64_t rate, uint64_t rtt_ns,
	       uint64_t buffer);

/* Lets it run until `end`. */
void path_run(struct path *p, weir_time end);

/* Lets it run from `from` to `end`; what was delivered then, in 1/1000 of what the bottleneck can
 * deliver. */
unsigned path_used(struct path *p, weir_time from, weir_time end);

/* The same run's fairness: Jain's index of the flows' shares, in 1/1000. */
unsigned path_jain(const struct path *p);

#define STATES 64u /* private states that are given out before the first is used again */

/* Gives it a private state of its kind. */
void cc_fit(struct cc *c, uint32_t mss, weir_time now);

/* A connection of `kind` in congestion avoidance, with cwnd = ssthresh. */
struct cc cc_at(enum cc_kind kind, uint32_t cwnd, weir_time now);

/* One round trip of one-segment ACKs that arrive over `rtt_ns` from `now` on. */
void cc_round(struct cc *c, weir_time now, uint64_t rtt_ns);

/* An ACK for `acked` bytes in a window that is in use. */
struct cc_ack cc_ack_of(weir_time now, uint32_t acked, uint64_t rtt_ns);

/* Gives one to it, with the window in use. */
void cc_give(struct cc *c, struct cc_ack *a);

/* `what` happens with `flight` bytes out, and recovery is over at once. */
void cc_hit(struct cc *c, enum cc_signal what, uint32_t flight, weir_time now);

#endif
