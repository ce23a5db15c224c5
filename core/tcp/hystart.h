/*
 * hystart.h: HyStart++ (RFC 9406): leaves the first slow start when round trips become longer,
 * which they do when a queue fills, and so before that queue drops anything; and, beyond that RFC,
 * when the ACKs of a round come without a pause for half a round trip, as Linux does.
 *
 * Also the one slow start that NewReno and CUBIC have in common.
 */
#ifndef WEIR_TCP_HYSTART_H
#define WEIR_TCP_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/weir.h"

/* RFC 9406 4.3 (RFC9406-02). */
#define HYSTART_RTT_THRESH_MIN_US 4000u
#define HYSTART_RTT_THRESH_MAX_US 16000u
#define HYSTART_RTT_DIVISOR       8u
#define HYSTART_SAMPLES           8u
#define HYSTART_CSS_DIVISOR       4u
#define HYSTART_CSS_ROUNDS        5u
#define HYSTART_L                 8u /* segments by which an ACK lets an unpaced window grow */

/* ACK trains, with Linux's figures; but a longer pause ends a train (Linux: 2 ms), since ACKs of
 * two segments at 10 Mbit/s are 2.4 ms apart; and RTT is where the delay's least is, too. */
#define HYSTART_TRAIN_GAP_US 2500u
#define HYSTART_TRAIN_CWND   16u   /* segments: in smaller windows nobody looks */
#define HYSTART_TRAIN_RTT_US 4000u /* on shorter paths ACKs come as processors please */
#define HYSTART_TRAIN_GROWTH \
	20u /* cwnd / 20 each round trip from there on, until a queue or loss */

_Static_assert(HYSTART_CSS_DIVISOR >= 2, "RFC9406-07");

#define HYSTART_NONE UINT32_MAX /* no RTT known */

/* config.hystart */
enum hystart_mode { HYSTART_OFF, HYSTART_BY_DELAY, HYSTART_BY_TRAIN_TOO };

enum hystart_phase {
	HYSTART_SLOW_START,
	HYSTART_CSS,     /* conservative slow start */
	HYSTART_TRAINED, /* a train of ACKs ended it, and no queue was seen since */
	HYSTART_OVER,
};

struct hystart {
	weir_time round_at; /* when this round began */
	weir_time train_at; /* when the last ACK of its train came */
	uint32_t round_us;  /* least RTT of this round; HYSTART_NONE: no sample yet */
	uint32_t last_us;   /* ... of the round before */
	uint32_t base_us;   /* ... when CSS began: falls it below, the queue was somebody else's */
	uint8_t samples;    /* in this round, as far as they are counted */
	uint8_t rounds;     /* of CSS that are over */
	uint8_t phase;      /* enum hystart_phase */
};

struct cc;
struct cc_ack;

void hystart_init(struct hystart *h);

/* An ACK that lets the window grow by `grow` bytes (0: it must not) arrived while cwnd < ssthresh:
 * slow start, by HyStart++ if the setting says so and no loss was ever seen (RFC9406-06). May end
 * slow start by setting ssthresh. Returns the bytes of `grow` that are left for congestion
 * avoidance. */
uint32_t hystart_slow_start(struct hystart *h, struct cc *c, const struct cc_ack *a, uint32_t grow);

/* An ACK came after slow start, whether or not the window may grow: if a train ended that, perhaps
 * too early, is the path still without a queue? Else the phase becomes HYSTART_OVER. */
void hystart_look_on(struct hystart *h, const struct cc_ack *a);

#endif
