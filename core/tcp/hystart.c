/*
 * Theory of operation
 *
 * Slow start doubles the window each round trip until something is lost: with a deep buffer that is
 * a whole window of segments. HyStart++ (RFC 9406) looks at the least RTT of each round. When one
 * round's, over eight samples, is an eighth longer than the round's before (at least 4 ms, at most
 * 16 ms), a queue fills: conservative slow start (CSS) goes on at a quarter of the growth, for
 * five rounds at most, and then congestion avoidance begins with ssthresh = cwnd. If the RTT falls
 * below what it was when CSS began, the queue came from elsewhere, and slow start resumes.
 *
 * A round begins with the first ACK for what was sent after the last began; the part of a round in
 * which CSS starts counts as one of the five. RTTs are kept in microseconds of 32 bits, where 71
 * minutes are the largest.
 *
 * That sees a queue one round late: what a round measures was sent in the round before, and the
 * window has doubled since. A queue of one round trip is full by then. So, unless config.hystart
 * says by delay only, the other half of the first HyStart (Ha, Rhee 2011; Linux has both) looks at
 * the ACKs of a round: a bottleneck spaces them. When they have come without a pause for half of
 * the least round trip, what was sent in that half fills half of the path, and the window, twice
 * as large, all of it: slow start is over. (Where everything is paced the sender itself has spaced
 * them: then a whole round trip.) Where segments overtake one another a train may be none. So CUBIC
 * goes on by a twentieth in each round trip, as Linux does, but only until there is a queue by the
 * RFC's measure, or a loss: a full path needs no more, and overrunning the queue would cost a third
 * of the window.
 *
 * An unpaced sender answers each ACK with a burst, so an ACK adds eight segments at most (L of RFC
 * 9406 4.3); nothing limits a paced one. A link that cuts up super-segments sends one of these as a
 * burst anyway, and their ACKs come for each as a whole: there the limit is one super-segment.
 *
 * Only the first slow start of a connection is like this (RFC9406-06): later ones end at an
 * ssthresh that was measured.
 */
#include "tcp/hystart.h"

#include "tcp/cc_ops.h"

void hystart_init(struct hystart *h)
{
	*h = (struct hystart){
		.round_us = HYSTART_NONE,
		.last_us = HYSTART_NONE,
		.base_us = HYSTART_NONE,
		.phase = HYSTART_SLOW_START,
		.round_at = WEIR_NEVER,
	};
}

static uint32_t rtt_us(uint64_t ns)
{
	return ns / 1000 < HYSTART_NONE ? (uint32_t)(ns / 1000) : HYSTART_NONE - 1;
}

/* RFC9406-03: is this round's RTT that much longer than `than_us`? */
static bool longer(const struct hystart *h, uint32_t than_us)
{
	uint32_t thresh = than_us / HYSTART_RTT_DIVISOR;

	if (than_us == HYSTART_NONE)
		return false;
	if (thresh < HYSTART_RTT_THRESH_MIN_US)
		thresh = HYSTART_RTT_THRESH_MIN_US;
	if (thresh > HYSTART_RTT_THRESH_MAX_US)
		thresh = HYSTART_RTT_THRESH_MAX_US;
	return h->round_us >= than_us && h->round_us - than_us >= thresh;
}

/* RFC9406-01: a round is over. Was it the last of CSS? */
static bool next_round(struct hystart *h)
{
	h->last_us = h->round_us;
	h->round_us = HYSTART_NONE;
	h->samples = 0;
	if (h->phase == HYSTART_CSS)
		h->rounds++;
	return h->rounds >= HYSTART_CSS_ROUNDS;
}

/* Have the ACKs come without a pause for so long that the window fills the path? */
static bool trained(struct hystart *h, const struct cc *c, const struct cc_ack *a)
{
	uint32_t least = h->last_us < h->round_us ? h->last_us : h->round_us;
	uint64_t enough_us = c->paced ? least : least / 2;

	if (a->round_start) {
		h->round_at = a->now;
		h->train_at = a->now;
	}
	if (c->hystart != HYSTART_BY_TRAIN_TOO || h->round_at == WEIR_NEVER ||
	    least == HYSTART_NONE || least < HYSTART_TRAIN_RTT_US)
		return false;
	if (a->now - h->train_at > HYSTART_TRAIN_GAP_US * 1000ull)
		return false;
	h->train_at = a->now;
	return a->now - h->round_at > enough_us * 1000 && c->cwnd >= HYSTART_TRAIN_CWND * a->mss;
}

/* Takes in what the ACK measured. Are there samples enough to judge the round by? */
static bool measured(struct hystart *h, const struct cc_ack *a)
{
	if (a->rtt_ns == WEIR_NEVER)
		return false;
	if (rtt_us(a->rtt_ns) < h->round_us)
		h->round_us = rtt_us(a->rtt_ns);
	if (h->samples < HYSTART_SAMPLES)
		h->samples++;
	return h->samples >= HYSTART_SAMPLES;
}

static void watch(struct hystart *h, struct cc *c, const struct cc_ack *a)
{
	if (trained(h, c, a)) {
		h->phase = HYSTART_TRAINED;
		h->base_us = h->last_us < h->round_us ? h->last_us : h->round_us;
		c->ssthresh = c->cwnd;
		return;
	}
	if (a->round_start && next_round(h)) {
		c->ssthresh = c->cwnd; /* RFC9406-04 */
		return;
	}
	if (!measured(h, a))
		return;
	if (h->phase == HYSTART_SLOW_START && longer(h, h->last_us)) {
		h->phase = HYSTART_CSS;
		h->base_us = h->round_us;
		h->rounds = 0;
	} else if (h->phase == HYSTART_CSS && h->round_us < h->base_us) {
		h->phase = HYSTART_SLOW_START;
		h->base_us = HYSTART_NONE;
		h->rounds = 0;
	}
}

/* RFC9406-05: by how much `grow` bytes let the window grow. */
static uint32_t bounded(const struct hystart *h, const struct cc *c, const struct cc_ack *a,
			uint32_t grow)
{
	uint32_t most = HYSTART_L * a->mss > c->burst ? HYSTART_L * a->mss : c->burst;

	if (!c->paced && grow > most)
		grow = most;
	return h->phase == HYSTART_CSS ? grow / HYSTART_CSS_DIVISOR : grow;
}

uint32_t hystart_slow_start(struct hystart *h, struct cc *c, const struct cc_ack *a, uint32_t grow)
{
	uint32_t room, take;

	if (c->hystart && c->ssthresh == CC_SSTHRESH_MAX) {
		watch(h, c, a);
		if (c->cwnd >= c->ssthresh)
			return grow;
		grow = bounded(h, c, a, grow);
	}
	room = c->ssthresh - c->cwnd;
	take = grow < room ? grow : room;
	c->cwnd = take < CC_CWND_MAX - c->cwnd ? c->cwnd + take : CC_CWND_MAX;
	return grow - take;
}

void hystart_look_on(struct hystart *h, const struct cc_ack *a)
{
	if (h->phase != HYSTART_TRAINED)
		return;
	if (a->round_start)
		(void)next_round(h);
	if (measured(h, a) && longer(h, h->base_us))
		h->phase = HYSTART_OVER;
}
