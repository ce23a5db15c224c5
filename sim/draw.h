/*
 * draw.h: hosts, links and plans, drawn from a generator in a fixed order.
 */
#ifndef WEIR_SIM_DRAW_H
#define WEIR_SIM_DRAW_H

#include "sim/host.h"
#include "sim/link.h"

/* One of the values of an array. */
#define PICK(rng, list) (list)[sim_rng_below(rng, sizeof(list) / sizeof((list)[0]))]

/* The stack settings that the simulator begins with: the defaults with small tables, so that a
 * stack is made in no time, and keys from the seed. */
void sim_stack_config(struct weir_config *cfg, uint64_t seed);

/* Host `number`'s addresses: 10.0.0.n and fd00::n, n = number + 1. */
void sim_host_addrs(struct sim_host_config *cfg, unsigned number);

/* Settings, device and addresses of host `number`. `family`: 6 if it speaks IPv6 too, whose least
 * MTU is larger. */
void sim_draw_host(struct sim_rng *r, struct sim_host_config *cfg, unsigned number, uint8_t family,
		   uint64_t seed);

/* A link that is bad, but not so bad that a stream does not arrive. */
void sim_draw_link(struct sim_rng *r, struct sim_link_config *cfg);

/* What one end does; it begins at its own will and shuts down in order. */
void sim_draw_plan(struct sim_rng *r, struct sim_plan *p);

/* How the two ends end, so that both streams can still be whole. */
void sim_draw_ends(struct sim_rng *r, struct sim_plan p[2]);

/* When a run begins: any time, often one at which a counter is about to wrap. */
weir_time sim_draw_start(struct sim_rng *r);

/* Keeps a run short: slow paces get small streams, in both directions of reading and writing. */
void sim_draw_bound(struct sim_plan p[2]);

#endif
