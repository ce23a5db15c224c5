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
	bool congested;           /* there was congestion ... */
	bool prior_congested;     /* ... before the last reduction, for undo */
	struct hystart hystart;
};

enum bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_PROBE_DOWN, /* the four of ProbeBW */
	BBR_PROBE_CRUISE,
	BBR_PROBE_REFILL,
	BBR_PROBE_UP,
	BBR_PROBE_RTT,
};

/* What the ACKs that come in mean for the bandwidth probe. */
enum bbr_acks {
	BBR_ACKS_INIT,
	BBR_ACKS_REFILLING,
	BBR_ACKS_PROBE_STARTING,
	BBR_ACKS_PROBE_FEEDBACK,
	BBR_ACKS_PROBE_STOPPING,
};

/* cc_bbr.c, bbr_model.c. The names are the draft's. Rates are bytes a second, volumes bytes; those
 * ending in _ms are times of 32 bits that wrap, as are the counts of bytes delivered. */
struct cc_bbr {
	uint64_t max_bw_filter[2]; /* of the last and of this cycle of bandwidth probing */
	uint64_t bw_shortterm;     /* BBR_NO_RATE: no bound */
	uint64_t bw_latest;        /* most of the last round trip */
	uint64_t full_bw;          /* the rate that growth is measured against */
	uint64_t undo_bw_shortterm;
	uint64_t min_rtt_ns;           /* over 10 s; WEIR_NEVER: none yet */
	uint64_t probe_rtt_min_ns;     /* since the last chance to measure it, 5 s ago at most */
	weir_time extra_acked_start;   /* of the interval in which ACKs are counted */
	uint32_t extra_acked_bytes;    /* delivered in it */
	uint32_t extra_acked[2];       /* most above the expected, of this and the last window */
	uint32_t min_rtt_ms;           /* when min_rtt_ns was measured */
	uint32_t probe_rtt_ms;         /* when probe_rtt_min_ns was */
	uint32_t probe_rtt_done_ms;    /* when ProbeRTT may end, if probe_rtt_waits */
	uint32_t cycle_ms;             /* when this cycle of ProbeBW began */
	uint32_t delivered;            /* bytes delivered until now */
	uint32_t next_round_delivered; /* ... when the round trip under way began */
	uint32_t loss_round_delivered; /* ... when the round trip of loss began */
	uint32_t limited_until;        /* what was sent before was held back, if limited */
	uint32_t inflight_longterm;    /* BBR_NO_BOUND: no bound */
	uint32_t inflight_shortterm;   /* the same */
	uint32_t inflight_latest;      /* most delivered in the last round trip */
	uint32_t undo_inflight_longterm;
	uint32_t undo_inflight_shortterm;
	uint32_t prior_cwnd;      /* before recovery or ProbeRTT cut it */
	uint32_t probe_up_acked;  /* bytes towards the next segment of inflight_longterm */
	uint32_t probe_up_needed; /* bytes that each takes */
	uint16_t probe_wait_ms;   /* longest time from cycle_ms until the next probe */
	uint8_t rounds_since_probe_up;
	uint8_t drain_rounds;       /* round trips since Drain began */
	uint8_t extra_acked_rounds; /* since extra_acked[] moved on */
	uint8_t probe_up_rounds;
	uint8_t full_bw_count;
	uint8_t loss_events; /* ACKs of this round trip that told of a loss */
	uint8_t state;       /* enum bbr_state */
	uint8_t undo_state;  /* to go back to; BBR_DRAIN: nothing to go back to */
	uint8_t ack_phase;   /* enum bbr_acks */
	bool full_bw_reached : 1;
	bool full_bw_now : 1;
	bool is_loss_in_round : 1;
	bool is_bw_probe_sample : 1;
	bool prev_probe_too_high : 1;
	bool prev_probe_precautionary : 1;
	bool probe_rtt_expired : 1;
	bool probe_rtt_waits : 1; /* the pipe is drained: probe_rtt_done_ms runs */
	bool probe_rtt_round_done : 1;
	bool idle_restart : 1;
	bool limited : 1;
	bool recovering : 1; /* the last ACK was one of a recovery */
	bool begun : 1;      /* an ACK has come: the counts of bytes are those of the connection */
	bool seen_rtt : 1;   /* pacing has begun with an RTT */
};

/* Either of the kinds that go by loss. */
#define CC_LOSS_BYTES \
	(sizeof(struct cc_cubic) > sizeof(struct cc_reno) ? sizeof(struct cc_cubic) \
							  : sizeof(struct cc_reno))

/* What of them a connection has. */
union cc_priv {
	void *any; /* NULL: nothing was to be sent yet */
	struct cc_reno *reno;
	struct cc_cubic *cubic;
	struct cc_bbr *bbr;
};

#endif
