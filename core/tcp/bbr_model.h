/*
 * bbr_model.h: BBR's model of a path: how fast it delivers, how long it is, how much it holds.
 * cc_bbr.c decides with it how to send.
 */
#ifndef WEIR_TCP_BBR_MODEL_H
#define WEIR_TCP_BBR_MODEL_H

#include "tcp/cc_ops.h"

#define BBR_NO_RATE    UINT64_MAX
#define BBR_NO_BOUND   UINT32_MAX
#define BBR_MIN_PIPE   4u     /* segments: MinPipeCwnd */
#define BBR_RTT_LEN_MS 10000u /* MinRTTFilterLen */
#define BBR_RTT_GAP_MS 5000u  /* ProbeRTTInterval */

/* What an ACK means for the model: the draft's RS and the booleans that hold for one ACK. */
struct bbr_sample {
	const struct cc_ack *ack;
	uint64_t rate;      /* RS.delivery_rate; 0: none */
	uint32_t delivered; /* RS.delivered */
	bool app_limited;
	bool round_start, loss_round_start;
};

/* Percents of volumes and rates, without overflow. */
uint32_t bbr_percent(uint32_t v, uint32_t pct);
uint64_t bbr_percent_rate(uint64_t v, uint32_t pct);

/* The estimate of what the path can deliver at most, and of what may be asked of it at present. */
uint64_t bbr_max_bw(const struct cc_bbr *b);
uint64_t bbr_bw(const struct cc_bbr *b);

/* `pct` percent of rate * min_rtt in bytes, at most CC_CWND_MAX; the first window without an RTT.*/
uint32_t bbr_bdp(const struct cc *c, uint64_t rate, uint32_t pct);

/* The most that ACKs ran ahead of the rate lately: what aggregation on the path takes. */
uint32_t bbr_extra_acked(const struct cc_bbr *b);

/* A round trip begins with the next byte sent. */
static inline void bbr_start_round(struct cc_bbr *b)
{
	b->next_round_delivered = b->delivered;
}

/* The start of a connection, of a plateau search, and of a probe that trusts the path again. */
void bbr_model_init(struct cc_bbr *b, weir_time now);
void bbr_reset_full_bw(struct cc_bbr *b, uint64_t baseline);
void bbr_reset_shortterm(struct cc_bbr *b);
void bbr_reset_congestion(struct cc_bbr *b);

/* At the start of an ACK: what it tells, rounds counted, max_bw updated, and once a round trip with
 * loss the short-term bounds lowered if `cautious` (not probing for bandwidth). */
enum bbr_mood { BBR_PROBING, BBR_CAUTIOUS };
struct bbr_sample bbr_model_ack(struct cc *c, const struct cc_ack *a, enum bbr_mood mood);

/* ... then ACK aggregation and the plateau search, */
void bbr_model_growth(struct cc *c, const struct bbr_sample *s);

/* ... and the round-trip time. */
void bbr_model_rtt(struct cc_bbr *b, const struct cc_ack *a);

/* At the end of it. */
void bbr_model_end(struct cc_bbr *b, const struct bbr_sample *s);

/* The max_bw filter forgets the cycle before the last. */
void bbr_advance_max_bw(struct cc_bbr *b);

/* A loss was found: the first of a round trip begins a round of loss. */
void bbr_note_loss(struct cc_bbr *b);

/* Is `lost` of `flight` bytes more than LossThresh, 2 %? */
bool bbr_too_high(const struct cc_ack *a, uint32_t lost, uint32_t flight);

#endif
