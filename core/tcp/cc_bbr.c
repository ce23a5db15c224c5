/*
 * Theory of operation
 *
 * BBR version 3, after draft-ietf-ccwg-bbr (version 04 and the editors' copy that followed it):
 * instead of filling a buffer until it drops something, it measures what the path delivers and how
 * long it is (bbr_model.c), paces at that rate and keeps about twice that product in flight.
 *
 *     Startup -> Drain -> ProbeBW: Down -> Cruise -> Refill -> Up -> Down ...
 *     any of them -> ProbeRTT -> ProbeBW, or Startup
 *
 * Startup doubles the rate each round trip until it grows by less than a quarter in three of them,
 * or until a round trip of recovery loses more than 2 % in six ACKs or more; Drain takes the queue
 * away. In ProbeBW the flow sends slower (Down) until the queue is gone, at the rate (Cruise) for
 * two to three seconds or as long as Reno would take between two losses, fills the pipe for a round
 * trip (Refill) and sends a quarter faster (Up) until the rate grows no more or more than 2 % is
 * lost: what was in flight then is inflight_longterm, and the next probe is a short one. Every five
 * seconds without a low RTT, 200 ms with half of the product in flight (ProbeRTT).
 *
 * Loss outside of probing lowers the short-term bounds, once a round trip. So BBR rules its window
 * in recoveries, too: cwnd falls to the model's bounds, and comes back after a timeout. Undo takes
 * the bounds back and goes on with a probe that the loss had ended.
 *
 * The draft leaves the answer to congestion marks open, but demands one: a mark counts as a loss
 * for the short-term bounds (they fall by at most 30 % in a round trip with marks), and ends
 * Startup and Up as a plateau does. What is random in the draft comes from the connection's seed.
 *
 * Deviations: the loss of a batch is judged once, by the packet of it that was sent last, as the
 * draft judges an offload burst; state for undo is kept when a recovery begins, not each round trip
 * of it.
 */
#include "tcp/bbr_model.h"

#define MS_NS            1000000ull
#define PROBE_RTT_MS     200u /* ProbeRTTDuration */
#define STARTUP_PACING   277u /* percent, 4 ln 2 */
#define MARGIN_PCT       99u  /* 100 - PacingMarginPercent */
#define BETA_PCT         70u
#define HEADROOM_PCT     15u
#define LOSS_EVENTS      6u /* BBRStartupFullLossCnt */
#define DRAIN_ROUNDS     3u
#define PROBE_WAIT_MS    2000u
#define PROBE_ROUNDS_MAX 63u
#define QUANTUM_MAX      65536u

/* Gains in percent, by state (draft, 5.6.1). */
static const struct {
	uint16_t pacing, cwnd;
} gains[] = {
	[BBR_STARTUP] = {STARTUP_PACING, 200}, [BBR_DRAIN] = {50, 200},
	[BBR_PROBE_DOWN] = {90, 200},          [BBR_PROBE_CRUISE] = {100, 200},
	[BBR_PROBE_REFILL] = {100, 200},       [BBR_PROBE_UP] = {125, 225},
	[BBR_PROBE_RTT] = {100, 50},
};

static bool in_probe_bw(const struct cc_bbr *b)
{
	return b->state >= BBR_PROBE_DOWN && b->state <= BBR_PROBE_UP;
}

static enum bbr_mood mood(const struct cc_bbr *b)
{
	return b->state == BBR_STARTUP || b->state == BBR_PROBE_REFILL || b->state == BBR_PROBE_UP
		       ? BBR_PROBING
		       : BBR_CAUTIOUS;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* The next of a row of numbers that begins with the seed. */
static uint32_t dice(struct cc *c)
{
	c->seed = c->seed * 1664525u + 1013904223u;
	return c->seed >> 16;
}

/* --- Volumes --------------------------------------------------------------------------------- */

/* What must be in flight so that batching at both ends does not stop the flow (5.6.4.2). */
static uint32_t with_quanta(const struct cc *c, uint32_t volume, uint32_t mss)
{
	uint64_t quantum = c->pacing_rate / 1000;

	if (quantum > QUANTUM_MAX)
		quantum = QUANTUM_MAX;
	volume = most(volume, 3 * most((uint32_t)quantum, 2 * mss));
	volume = most(volume, BBR_MIN_PIPE * mss);
	if (c->priv.bbr->state == BBR_PROBE_UP)
		volume += 2 * mss;
	return least(volume, CC_CWND_MAX);
}

static uint32_t inflight_at(const struct cc *c, uint64_t bw, uint32_t mss)
{
	return with_quanta(c, bbr_bdp(c, bw, 100), mss);
}

static uint32_t target_inflight(const struct cc *c)
{
	return least(bbr_bdp(c, bbr_bw(c->priv.bbr), 100), c->cwnd);
}

static uint32_t with_headroom(const struct cc_bbr *b, uint32_t mss)
{
	uint32_t room;

	if (b->inflight_longterm == BBR_NO_BOUND)
		return BBR_NO_BOUND;
	room = most(mss, bbr_percent(b->inflight_longterm, HEADROOM_PCT));
	room = b->inflight_longterm > room ? b->inflight_longterm - room : 0;
	return most(room, BBR_MIN_PIPE * mss);
}

static uint32_t probe_rtt_cwnd(const struct cc *c, uint32_t mss)
{
	uint32_t pct = gains[BBR_PROBE_RTT].cwnd;

	return most(bbr_bdp(c, bbr_bw(c->priv.bbr), pct), BBR_MIN_PIPE * mss);
}

/* --- Control --------------------------------------------------------------------------------- */

static void set_pacing(struct cc *c, uint32_t gain)
{
	uint64_t rate = bbr_percent_rate(bbr_bw(c->priv.bbr), gain * MARGIN_PCT / 100);

	if (rate && (c->priv.bbr->full_bw_reached || rate > c->pacing_rate))
		c->pacing_rate = rate;
}

/* Before there is a rate: the window in an RTT. Pacing that is never 0 is what BBR is. */
static void init_pacing(struct cc *c, uint64_t rtt_ns)
{
	uint64_t rate = cc_mul_div(c->cwnd, 1000 * MS_NS, rtt_ns ? rtt_ns : MS_NS);

	rate = bbr_percent_rate(rate, STARTUP_PACING);
	c->pacing_rate = rate ? rate : 1;
}

static void save_cwnd(struct cc *c, enum bbr_state state, bool recovering)
{
	struct cc_bbr *b = c->priv.bbr;

	if (!recovering && state != BBR_PROBE_RTT)
		b->prior_cwnd = c->cwnd;
	else
		b->prior_cwnd = most(b->prior_cwnd, c->cwnd);
}

static void restore_cwnd(struct cc *c)
{
	c->cwnd = most(c->cwnd, c->priv.bbr->prior_cwnd);
}

static void bound_cwnd(struct cc *c, uint32_t mss)
{
	const struct cc_bbr *b = c->priv.bbr;
	uint32_t cap = BBR_NO_BOUND;

	if (b->state == BBR_PROBE_RTT)
		c->cwnd = least(c->cwnd, probe_rtt_cwnd(c, mss));
	if (b->state == BBR_PROBE_RTT || b->state == BBR_PROBE_CRUISE)
		cap = with_headroom(b, mss);
	else if (in_probe_bw(b))
		cap = b->inflight_longterm;
	cap = most(least(cap, b->inflight_shortterm), BBR_MIN_PIPE * mss);
	c->cwnd = least(c->cwnd, cap);
}

static void set_cwnd(struct cc *c, const struct cc_ack *a)
{
	const struct cc_bbr *b = c->priv.bbr;
	uint32_t volume = bbr_bdp(c, bbr_bw(b), gains[b->state].cwnd);
	uint32_t grown = least(c->cwnd, CC_CWND_MAX) + least(a->delivered, CC_CWND_MAX);

	volume = with_quanta(c, volume + least(bbr_extra_acked(b), CC_CWND_MAX), a->mss);
	if (b->full_bw_reached)
		c->cwnd = least(grown, volume);
	else if (c->cwnd < volume || a->total_delivered < c->first)
		c->cwnd = grown;
	c->cwnd = least(most(c->cwnd, BBR_MIN_PIPE * a->mss), CC_CWND_MAX);
	bound_cwnd(c, a->mss);
	c->target = c->cwnd;
}

/* --- States ---------------------------------------------------------------------------------- */

static void start_down(struct cc *c, weir_time now)
{
	struct cc_bbr *b = c->priv.bbr;

	bbr_reset_congestion(b);
	b->probe_up_needed = BBR_NO_BOUND;
	b->rounds_since_probe_up = dice(c) & 1;
	b->probe_wait_ms = (uint16_t)(PROBE_WAIT_MS + dice(c) % 1000);
	b->cycle_ms = (uint32_t)(now / MS_NS);
	b->ack_phase = BBR_ACKS_PROBE_STOPPING;
	bbr_start_round(b);
	b->state = BBR_PROBE_DOWN;
}

static void start_refill(struct cc_bbr *b)
{
	bbr_reset_shortterm(b);
	b->probe_up_rounds = 0;
	b->probe_up_acked = 0;
	b->prev_probe_precautionary = false;
	b->ack_phase = BBR_ACKS_REFILLING;
	bbr_start_round(b);
	b->state = BBR_PROBE_REFILL;
}

/* inflight_longterm grows by one segment in the first round trip of Up, then 2, 4, 8 ... */
static void steepen(struct cc *c, uint32_t mss)
{
	struct cc_bbr *b = c->priv.bbr;
	uint32_t segments = 1u << b->probe_up_rounds;

	if (b->probe_up_rounds < 30)
		b->probe_up_rounds++;
	b->probe_up_needed = most(c->cwnd / segments, mss);
}

static void start_up(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;

	b->ack_phase = BBR_ACKS_PROBE_STARTING;
	bbr_start_round(b);
	bbr_reset_full_bw(b, s->rate);
	b->state = BBR_PROBE_UP;
	steepen(c, s->ack->mss);
}

static void enter_drain(struct cc_bbr *b)
{
	b->state = BBR_DRAIN;
	b->drain_rounds = 0;
}

static void exit_probe_rtt(struct cc *c, weir_time now)
{
	struct cc_bbr *b = c->priv.bbr;

	bbr_reset_shortterm(b);
	if (!b->full_bw_reached) {
		b->state = BBR_STARTUP;
		return;
	}
	start_down(c, now);
	b->state = BBR_PROBE_CRUISE; /* the queue is drained already */
}

/* --- Startup and Drain ----------------------------------------------------------------------- */

static void check_startup_loss(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;
	const struct cc_ack *a = s->ack;
	uint32_t events = a->one_loss_a_round ? 1 : LOSS_EVENTS;

	if (a->lost && b->loss_events < UINT8_MAX)
		b->loss_events++;
	if (s->loss_round_start && a->recovering && b->loss_events >= events &&
	    bbr_too_high(a, a->rate_lost, a->tx_flight)) {
		b->undo_state = BBR_STARTUP;
		b->full_bw_reached = true;
		b->inflight_longterm = most(bbr_bdp(c, bbr_bw(b), 100), b->inflight_latest);
		b->inflight_longterm = most(b->inflight_longterm, BBR_MIN_PIPE * a->mss);
	}
	if (s->loss_round_start)
		b->loss_events = 0;
}

static void check_startup_and_drain(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;

	if (b->state == BBR_STARTUP) {
		check_startup_loss(c, s);
		if (b->full_bw_reached)
			enter_drain(b);
	}
	if (b->state == BBR_DRAIN && (s->ack->flight <= inflight_at(c, bbr_bw(b), s->ack->mss) ||
				      b->drain_rounds > DRAIN_ROUNDS))
		start_down(c, s->ack->now);
}

/* --- ProbeBW --------------------------------------------------------------------------------- */

/* Probing went too far: `flight` was more than the path holds. */
static void handle_too_high(struct cc *c, const struct cc_ack *a, uint32_t flight)
{
	struct cc_bbr *b = c->priv.bbr;

	b->prev_probe_too_high = true;
	b->is_bw_probe_sample = false;
	if (!a->rate_app_limited)
		b->inflight_longterm = most(flight, bbr_percent(target_inflight(c), BETA_PCT));
	if (b->state == BBR_PROBE_UP) {
		b->undo_state = BBR_PROBE_UP;
		start_down(c, a->now);
	}
}

/* HandleLostPacket() for what this ACK found lost, as one burst. */
static void handle_loss(struct cc *c, const struct cc_ack *a)
{
	struct cc_bbr *b = c->priv.bbr;
	uint32_t flight = a->lost_tx_flight ? a->lost_tx_flight : a->tx_flight;
	uint32_t lost = a->lost_tx_flight ? a->lost_rate_lost : a->rate_lost;
	uint32_t before, lost_before;
	uint64_t over, prefix;

	bbr_note_loss(b);
	if (!b->is_bw_probe_sample || !bbr_too_high(a, lost, flight))
		return;
	/* InflightAtLoss(): at which prefix of the burst did losses exceed 2 %? */
	before = flight > a->lost ? flight - a->lost : 0;
	lost_before = lost > a->lost ? lost - a->lost : 0;
	over = 100ull * lost_before;
	prefix = 2ull * before > over ? (2ull * before - over) / 98 : 0;
	handle_too_high(c, a, before + (prefix < a->lost ? (uint32_t)prefix : a->lost));
}

static void grow_longterm(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;
	uint32_t segments;

	if (!s->ack->cwnd_limited || c->cwnd < b->inflight_longterm)
		return;
	b->probe_up_acked += least(s->ack->delivered, CC_CWND_MAX);
	segments = b->probe_up_acked / b->probe_up_needed;
	b->probe_up_acked -= segments * b->probe_up_needed;
	b->inflight_longterm = least(b->inflight_longterm, CC_CWND_MAX);
	b->inflight_longterm += least(segments, CC_CWND_MAX / s->ack->mss) * s->ack->mss;
	if (s->round_start)
		steepen(c, s->ack->mss);
}

enum step { STEP_STAYS, STEP_DONE };

/* AdaptLongTermModel(): is a change of state decided? */
static enum step adapt_longterm(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;
	const struct cc_ack *a = s->ack;

	if (b->ack_phase == BBR_ACKS_PROBE_STARTING && s->round_start)
		b->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
	if (b->ack_phase == BBR_ACKS_PROBE_STOPPING && s->round_start) {
		b->is_bw_probe_sample = false;
		b->ack_phase = BBR_ACKS_INIT;
		if (in_probe_bw(b) && !s->app_limited)
			bbr_advance_max_bw(b);
		if (in_probe_bw(b) && b->prev_probe_precautionary && !b->prev_probe_too_high) {
			start_refill(b);
			return STEP_DONE;
		}
	}
	if (bbr_too_high(a, a->rate_lost, a->tx_flight) || b->inflight_longterm == BBR_NO_BOUND)
		return STEP_STAYS;
	b->inflight_longterm = most(b->inflight_longterm, a->tx_flight);
	if (b->state == BBR_PROBE_UP)
		grow_longterm(c, s);
	return STEP_STAYS;
}

static bool time_to_probe(const struct cc *c, const struct cc_ack *a)
{
	const struct cc_bbr *b = c->priv.bbr;
	uint32_t passed = (uint32_t)(a->now / MS_NS) - b->cycle_ms;
	uint32_t reno_rounds = most(target_inflight(c) / a->mss, BBR_MIN_PIPE);

	return passed > b->probe_wait_ms ||
	       b->rounds_since_probe_up >= least(reno_rounds, PROBE_ROUNDS_MAX);
}

static bool time_to_cruise(const struct cc *c, const struct cc_ack *a)
{
	const struct cc_bbr *b = c->priv.bbr;

	return a->flight <= with_headroom(b, a->mss) &&
	       a->flight <= inflight_at(c, bbr_max_bw(b), a->mss);
}

static bool time_to_go_down(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;

	/* What was in flight before this ACK filled the bound, as far as whole segments do. */
	if (b->prev_probe_too_high && s->ack->prior_flight + s->ack->mss > b->inflight_longterm) {
		b->prev_probe_precautionary = true;
		return true;
	}
	if (s->ack->cwnd_limited && c->cwnd >= b->inflight_longterm) {
		bbr_reset_full_bw(b, s->rate); /* the bound, not the path, limits the rate */
		return false;
	}
	return b->full_bw_now;
}

static void step_probe_bw(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;

	switch ((enum bbr_state)b->state) {
	case BBR_PROBE_DOWN:
		if (time_to_probe(c, s->ack))
			start_refill(b);
		else if (time_to_cruise(c, s->ack))
			b->state = BBR_PROBE_CRUISE;
		return;
	case BBR_PROBE_CRUISE:
		if (time_to_probe(c, s->ack))
			start_refill(b);
		return;
	case BBR_PROBE_REFILL:
		if (s->round_start) {
			b->is_bw_probe_sample = true;
			start_up(c, s);
		}
		return;
	case BBR_PROBE_UP:
		if (time_to_go_down(c, s)) {
			b->prev_probe_too_high = false;
			start_down(c, s->ack->now);
		}
		return;
	case BBR_STARTUP:
	case BBR_DRAIN:
	case BBR_PROBE_RTT:
		return;
	}
}

/* --- ProbeRTT -------------------------------------------------------------------------------- */

static void check_probe_rtt_done(struct cc *c, weir_time now)
{
	struct cc_bbr *b = c->priv.bbr;
	uint32_t now_ms = (uint32_t)(now / MS_NS);

	if (!b->probe_rtt_waits || (int32_t)(now_ms - b->probe_rtt_done_ms) <= 0)
		return;
	b->probe_rtt_ms = now_ms;
	restore_cwnd(c);
	exit_probe_rtt(c, now);
}

static void handle_probe_rtt(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;
	const struct cc_ack *a = s->ack;

	b->limited = true; /* low rates are BBR's own doing */
	b->limited_until = b->delivered + a->flight;
	if (!b->probe_rtt_waits) {
		if (a->flight > probe_rtt_cwnd(c, a->mss))
			return;
		b->probe_rtt_waits = true;
		b->probe_rtt_done_ms = (uint32_t)(a->now / MS_NS) + PROBE_RTT_MS;
		b->probe_rtt_round_done = false;
		bbr_start_round(b);
		return;
	}
	if (s->round_start)
		b->probe_rtt_round_done = true;
	if (b->probe_rtt_round_done)
		check_probe_rtt_done(c, a->now);
}

static void check_probe_rtt(struct cc *c, const struct bbr_sample *s)
{
	struct cc_bbr *b = c->priv.bbr;

	if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
		save_cwnd(c, b->state, s->ack->recovering || s->ack->resending);
		b->state = BBR_PROBE_RTT;
		b->probe_rtt_waits = false;
		b->ack_phase = BBR_ACKS_PROBE_STOPPING;
		bbr_start_round(b);
	}
	if (b->state == BBR_PROBE_RTT)
		handle_probe_rtt(c, s);
	if (s->ack->delivered)
		b->idle_restart = false;
}

/* --- The row --------------------------------------------------------------------------------- */

static void bbr_init(struct cc *c, uint32_t mss, weir_time now)
{
	(void)mss;
	bbr_model_init(c->priv.bbr, now);
	c->priv.bbr->state = BBR_STARTUP;
	init_pacing(c, 0);
}

/* What begins and ends with this ACK beside the model: pacing by the first RTT, the window after a
 * recovery. */
static void note_edges(struct cc *c, const struct cc_ack *a)
{
	struct cc_bbr *b = c->priv.bbr;
	bool recovering = a->recovering || a->resending;

	if (!b->begun) {
		b->begun = true;
		b->next_round_delivered = (uint32_t)a->prior_delivered;
		b->loss_round_delivered = (uint32_t)a->prior_delivered;
		b->delivered = (uint32_t)a->total_delivered;
	}
	if (!b->seen_rtt && a->srtt_ns) {
		b->seen_rtt = true;
		init_pacing(c, a->srtt_ns);
	}
	if (b->recovering && !recovering)
		restore_cwnd(c);
	b->recovering = recovering;
}

/* A mark in this round trip: the path is full, though nothing was lost. */
static void handle_mark(struct cc *c)
{
	struct cc_bbr *b = c->priv.bbr;

	bbr_note_loss(b);
	if (b->state == BBR_STARTUP || b->state == BBR_PROBE_UP) {
		b->full_bw_now = true;
		b->full_bw_reached = true;
	}
}

static void bbr_on_ack(struct cc *c, const struct cc_ack *a)
{
	struct cc_bbr *b = c->priv.bbr;
	struct bbr_sample s;

	note_edges(c, a);
	if (a->lost)
		handle_loss(c, a);
	s = bbr_model_ack(c, a, mood(b));
	bbr_model_growth(c, &s);
	check_startup_and_drain(c, &s);
	if (b->full_bw_reached && adapt_longterm(c, &s) == STEP_STAYS)
		step_probe_bw(c, &s);
	bbr_model_rtt(b, a);
	check_probe_rtt(c, &s);
	bbr_model_end(b, &s);
	set_pacing(c, gains[b->state].pacing);
	set_cwnd(c, a);
}

static void bbr_on_signal(struct cc *c, enum cc_signal what, const struct cc_ack *a)
{
	struct cc_bbr *b = c->priv.bbr;

	switch (what) {
	case CC_ECE:
		handle_mark(c);
		break;
	case CC_LOSS:
	case CC_RTO:
		save_cwnd(c, b->state, a->recovering);
		if (!a->recovering) {
			b->undo_state = BBR_DRAIN;
			b->undo_bw_shortterm = b->bw_shortterm;
			b->undo_inflight_shortterm = b->inflight_shortterm;
			b->undo_inflight_longterm = b->inflight_longterm;
		}
		break;
	case CC_RTO_AGAIN:
		break;
	}
	if (what == CC_RTO || what == CC_RTO_AGAIN) {
		bbr_note_loss(b);
		b->recovering = true;
		c->cwnd = a->mss;
	}
	c->target = c->cwnd;
}

static void bbr_undo(struct cc *c, const struct cc_ack *a)
{
	struct cc_bbr *b = c->priv.bbr;

	(void)a;
	restore_cwnd(c);
	b->is_loss_in_round = false;
	bbr_reset_full_bw(b, 0);
	if (b->bw_shortterm < b->undo_bw_shortterm)
		b->bw_shortterm = b->undo_bw_shortterm;
	b->inflight_shortterm = most(b->inflight_shortterm, b->undo_inflight_shortterm);
	b->inflight_longterm = most(b->inflight_longterm, b->undo_inflight_longterm);
	if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
		b->full_bw_reached = false;
		if (b->state != BBR_PROBE_RTT)
			b->state = BBR_STARTUP;
	} else if (b->undo_state == BBR_PROBE_UP && b->state != BBR_PROBE_UP &&
		   b->state != BBR_PROBE_RTT) {
		start_refill(b);
	}
	b->undo_state = BBR_DRAIN;
}

static void bbr_on_restart(struct cc *c, uint64_t idle_ns, uint32_t mss, weir_time now)
{
	struct cc_bbr *b = c->priv.bbr;

	(void)idle_ns;
	(void)mss;
	b->idle_restart = true;
	b->extra_acked_start = now;
	if (in_probe_bw(b))
		set_pacing(c, 100);
	else if (b->state == BBR_PROBE_RTT)
		check_probe_rtt_done(c, now);
}

const struct cc_ops cc_bbr_ops = {
	.name = "bbr",
	.rules_recovery = true,
	.init = bbr_init,
	.on_ack = bbr_on_ack,
	.on_signal = bbr_on_signal,
	.undo = bbr_undo,
	.on_restart = bbr_on_restart,
};
