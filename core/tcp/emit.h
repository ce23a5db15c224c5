/*
 * emit.h: a plan becomes a header. It decides nothing about what is sent.
 */
#ifndef WEIR_TCP_EMIT_H
#define WEIR_TCP_EMIT_H

#include "tcp/output.h"

/* Fills all but ports and payload of `seg` for a plan of `t`, and moves the receive window's edge.
 * Options beyond the timestamps (SACK blocks) shorten p->len where they must (RFC6691-02); `p` is
 * what really goes out. */
void tcp_emit_segment(struct tcp_env *env, struct tcb *t, struct tcp_plan *p, weir_time now,
		      struct tcp_seg *seg);

/* The timestamp clock of a connection: milliseconds and its offset (RFC7323-23, -26). */
static inline uint32_t tcp_ts_clock(weir_time now, uint32_t offset)
{
	return (uint32_t)(now / NS_PER_MS) + offset;
}

/* The options of a SYN that offers what `cfg` says (active) or of a SYN-ACK that answers
 * `agreed`. `mss` is announced; `shift` is our window scale. */
void tcp_syn_options(struct tcp_opts *o, const struct weir_config *cfg, uint16_t mss, uint8_t shift,
		     uint32_t ts_val);
void tcp_synack_options(struct tcp_opts *o, const struct tcp_agreed *agreed, uint16_t mss,
			uint32_t ts_val, uint32_t ts_recent);

#endif
