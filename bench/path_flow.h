/*
 * path_flow.h: what a path sees of the TCP flows that go through it: segments, retransmissions, and
 * which of these nobody needed.
 *
 * Both stacks are judged by this outside eye, not by their own counters. A retransmission is a data
 * segment with bytes that entered the path before. It is
 *   needless  if no byte of it was missing: all were delivered or on their way, undropped;
 *   spurious  if all had been delivered to the far side already (a part of the needless ones).
 * One flow is one direction of a connection. IPv4 and IPv6 without extension headers.
 */
#ifndef WEIR_BENCH_PATH_FLOW_H
#define WEIR_BENCH_PATH_FLOW_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "spans.h"

#define FLOWS_MAX 16384u

struct flow_key {
	uint8_t from[16], to[16]; /* IPv4: the first four bytes */
	uint16_t from_port, to_port;
	uint8_t family;
	uint8_t side; /* 0: entered at a, 1: at b */
};

struct flow {
	struct flow_key key;
	uint32_t isn;       /* of its SYN, or of its first byte less one */
	uint64_t high;      /* offset behind the highest byte that entered; 0 is the first byte */
	struct spans known; /* delivered, or on its way */
	struct spans delivered;
	uint64_t syns;
	uint64_t segments, bytes; /* with data, that entered; payload */
	uint64_t retransmitted, retransmitted_bytes;
	uint64_t needless, spurious;
	uint64_t lost;              /* with data, that the path dropped or damaged */
	uint64_t first_ns, last_ns; /* when its first packet entered, its last data left */
};

struct flows;

/* What a packet inside of the path carries of a flow. */
struct flow_piece {
	uint32_t flow; /* FLOW_NONE: nothing */
	uint64_t lo, hi;
};
#define FLOW_NONE UINT32_MAX

struct flows *flows_new(void);
void flows_free(struct flows *f);

/* A packet enters at `side`: what it carries. */
struct flow_piece flows_enter(struct flows *f, const uint8_t *packet, size_t len, uint8_t side,
			      uint64_t now);

/* The piece was taken in; was dropped at the entrance; was dropped or damaged later; delivered. */
void flows_accept(struct flows *f, const struct flow_piece *p);
void flows_reject(struct flows *f, const struct flow_piece *p);
void flows_lose(struct flows *f, const struct flow_piece *p);
void flows_deliver(struct flows *f, const struct flow_piece *p, uint64_t now);

/* A list with an object for each flow that had data. */
json_t *flows_json(const struct flows *f);

#endif
