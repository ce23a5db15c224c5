/*
 * cc_state.h: what each kind of congestion control keeps of a connection. Only the kind's own
 * source reads it; the rest of the engine sees struct cc.
 */
#ifndef WEIR_TCP_CC_STATE_H
#define WEIR_TCP_CC_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/hystart.h"
#include "weir/weir.h"

/* cc_reno.c */
struct cc_reno {
	struct hystart hystart;
	uint32_t acked; /* bytes acknowledged towards the next increase */
};

/* The curve of cc_cubic.c: RFC 9438's variables with its names. */
struct cubic_curve {
	weir_time t_epoch; /* when this congestion avoidance began; WEIR_NEVER: with the next ACK */
	uint32_t w_max;    /* bytes; 0: no congestion seen yet */
	uint32_t k;        /* 1/1024 s from t_epoch to w_max */
	uint32_t w_est;    /* bytes: the window that Reno would have */
};

struct cc_cubic {
	struct cubic_curve now;
	struct cubic_curve prior; /* before the last reduction, for undo */
	weir_time acked_at;       /* when the last ACK came: time without use does not count */
	uint32_t cwnd_prior;      /* cwnd before the last reduction */
	uint32_t est_acked;       /* bytes acknowledged towards the next segment of w_est */
	uint32_t rest;            /* of the last increase: bytes times cwnd */
	bool after_rto;           /* the next curve begins flat (RFC9438-09) */
	struct hystart hystart;
};

union cc_state {
	struct cc_reno reno;
	struct cc_cubic cubic;
};

#endif
