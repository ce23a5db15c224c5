/*
 * Theory of operation
 *
 * Two states are the same when everything that can influence what happens from here on, or what is
 * judged, is the same. The canonical form holds that, written so that what does not matter is not
 * in it:
 *
 *   sequence numbers  relative to the last initial number that their host chose, so that states do
 *                     not differ by when they were reached. How far the clock of initial numbers
 *                     has gone since then matters only while the next number could lie in a window:
 *                     beyond EX_FAR it is one distance, and numbers of the incarnation before such
 *                     a distance are relative to that incarnation's
 *   times             of timers relative to now. Throttles (challenge ACKs, answers to what is
 *                     unacceptable) that are over are the same as throttles never used
 *   segments          as meaning, without IP identification and checksum; timestamps as ages; in
 *                     the order of their keys, since the network has none
 *   connections       every field of struct tcb that is read by a decision. Left out: totals
 *                     (segments, bytes, retransmissions), smallest RTT, keep-alive (off), urgent
 *                     data (never sent), the receive buffer's growth (a few bytes never reach it),
 *                     congestion control and what is measured for it (rates, held-back sends: all
 *                     that a run sends fits the smallest window), and where pages and records lie
 *                     in their pools, which only names them
 *   the wheel         nothing: a node that fires early changes nothing, and the connection's timers
 *                     are all here
 *   connections that have ended   nothing, once their peer has ended too: they were judged then
 *
 * That nothing is missing is tested by the search itself: where two paths lead to the same form,
 * it compares what can happen from both (search.c).
 */
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "sim/explore/world.h"
#include "stack/conns.h"
#include "stack/halfs.h"
#include "tcp/board.h"
#include "tcp/isn.h"
#include "tcp/rcvq.h"
#include "tcp/sndq.h"

#define FORM_MAX 8192u
#define KEY_LEN  16u
#define FAR_MARK 0x80000000u

struct form {
	const struct ex_world *w;
	size_t len;
	uint8_t bytes[FORM_MAX];
};

static void put(struct form *f, const void *bytes, size_t len)
{
	weir_assert(f->len + len <= FORM_MAX);
	memcpy(f->bytes + f->len, bytes, len);
	f->len += len;
}

static void put32(struct form *f, uint32_t v)
{
	put(f, &v, sizeof(v));
}

/* A number of host `h`'s sequence space, relative to the last initial number, or, if that lies
 * farther ahead than anything reaches, to the one before. */
static void put_seq(struct form *f, unsigned h, uint32_t v)
{
	const struct ex_host *host = &f->w->host[h];
	uint32_t from = host->isn;
	unsigned back = 0;

	while ((int32_t)(v - from) <= -(int32_t)EX_FAR && back < host->pasts)
		from = host->past[host->pasts - ++back];
	if (back)
		put32(f, FAR_MARK | back);
	put32(f, v - from);
}

static void put_time(struct form *f, weir_time t)
{
	uint64_t rel = t == WEIR_NEVER ? WEIR_NEVER : t - f->w->now;

	put(f, &rel, sizeof(rel));
}

/* A throttle's time, in odd milliseconds since 0 is never: what is over is as if it had never been.
 */
static void put_throttle(struct form *f, uint32_t at_ms, uint64_t lasts_ms)
{
	uint32_t now_ms = (uint32_t)(f->w->now / NS_PER_MS);
	uint32_t ago = (now_ms | 1) - at_ms;
	bool over = at_ms == 0 || ago >= lasts_ms;

	put32(f, over ? UINT32_MAX : ago << 1 | (now_ms & 1));
}

/* A timestamp of host `h` as its age. */
static void put_ts(struct form *f, unsigned h, uint32_t ts)
{
	struct weir_tuple t;
	uint8_t id[36];
	size_t n;
	uint32_t clock;

	if (ts == 0) {
		put32(f, UINT32_MAX);
		return;
	}
	ex_tuple(h, &t);
	n = stack_tuple_id(&t, id);
	clock = (uint32_t)(f->w->now / NS_PER_MS) +
		isn_ts_offset(f->w->host[h].stack->cfg.isn_key, id, n);
	put32(f, clock - ts);
}

/* --- Segments ----------------------------------------------------------------------------- */

static void put_frame(struct form *f, const struct ex_frame *x)
{
	unsigned to = x->to, from = !to;
	struct tcp_seg s;

	ex_frame_read(x, &s);
	put32(f, (uint32_t)(to << 16 | (unsigned)x->spare << 8 | s.flags));
	put32(f, (uint32_t)(f->w->now / NS_PER_MS - x->born_ms));
	put_seq(f, from, s.seq.v);
	if (s.flags & TCP_ACK)
		put_seq(f, to, s.ack.v);
	put32(f, s.wnd);
	put32(f, (uint32_t)(s.opts.has_ts << 24 | s.opts.sack_permitted << 25 |
			    s.opts.sack_count << 26 | s.opts.mss));
	if (s.opts.has_ts) {
		put_ts(f, from, s.opts.ts_val);
		put_ts(f, to, s.opts.ts_ecr);
	}
	for (unsigned i = 0; i < s.opts.sack_count; i++) {
		put_seq(f, to, s.opts.sack[i].lo.v);
		put_seq(f, to, s.opts.sack[i].hi.v);
	}
	put32(f, s.len);
	put(f, s.payload, s.len);
}

static const uint8_t key_lo[KEY_LEN] = {1}, key_hi[KEY_LEN] = {2};

uint64_t ex_frame_key(const struct ex_world *w, unsigned i)
{
	struct form f;

	f.w = w;
	f.len = 0;
	put_frame(&f, &w->frame[i]);
	return siphash13(key_lo, f.bytes, f.len);
}

static void put_frames(struct form *f)
{
	const struct ex_world *w = f->w;
	uint64_t key[EX_FRAMES_MAX];

	for (unsigned i = 0; i < w->frames; i++) {
		uint64_t v = ex_frame_key(w, i);
		unsigned at = i;

		for (; at > 0 && key[at - 1] > v; at--)
			key[at] = key[at - 1];
		key[at] = v;
	}
	put32(f, w->frames);
	put(f, key, w->frames * sizeof(key[0]));
}

/* --- A connection ------------------------------------------------------------------------- */

static void put_send(struct form *f, unsigned h, const struct tcb *t)
{
	const struct tcb_snd *s = &t->snd;

	put_seq(f, h, s->iss.v);
	put_seq(f, h, s->una.v);
	put_seq(f, h, s->nxt.v);
	if (t->state != WEIR_STATE_SYN_SENT) {
		put_seq(f, !h, s->wl1.v);
		put_seq(f, h, s->wl2.v);
	}
	put32(f, s->wnd);
	put32(f, s->wnd_max);
	put32(f, s->mss);
	put32(f, (uint32_t)(s->force << 1 | s->up_set));
	put_seq(f, h, t->sndq.head.v);
	put32(f, t->sndq.len);
	put32(f, (uint32_t)(t->sndq.fin << 2 | t->sndq.more << 1 | t->sndq.full));
}

static void put_bytes(struct form *f, const struct weir_stack *s, const struct pageq *q,
		      uint64_t from, uint64_t to)
{
	struct pageq_piece piece[2];
	size_t covered;
	size_t n = pageq_pieces(q, &s->env.pages, from, (size_t)(to - from), piece, 2, &covered);

	for (size_t i = 0; i < n; i++)
		put(f, piece[i].bytes, piece[i].len);
}

static void put_receive(struct form *f, unsigned h, const struct weir_stack *s, const struct tcb *t)
{
	const struct tcb_rcv *r = &t->rcv;
	struct range range[8];
	unsigned n = ranges_recent(&t->rcvq.ooo, &s->env.ranges, range, 8);

	if (t->state == WEIR_STATE_SYN_SENT)
		return;
	put_seq(f, !h, r->irs.v);
	put_seq(f, !h, r->nxt.v);
	put_seq(f, !h, r->adv.v);
	put_seq(f, !h, r->last_ack.v);
	if (r->fin_seen)
		put_seq(f, !h, r->fin.v);
	put32(f, r->space);
	put32(f, r->seg_max);
	put32(f, (uint32_t)(r->fin_seen << 1 | r->fin_done));
	put32(f, n);
	for (unsigned i = 0; i < n; i++) {
		put32(f, (uint32_t)(range[i].lo - t->rcvq.nxt));
		put32(f, (uint32_t)(range[i].hi - t->rcvq.nxt));
		put_bytes(f, s, &t->rcvq.q, range[i].lo, range[i].hi);
	}
	put32(f, rcvq_readable(t));
}

/* The scoreboard, and what RACK knows. */
static void put_loss(struct form *f, unsigned h, const struct weir_stack *s, const struct tcb *t)
{
	for (uint32_t i = t->board.first; i != POOL_NONE; i = board_at(&s->env, i)->next) {
		const struct send *r = board_at(&s->env, i);

		put_seq(f, h, r->lo.v);
		put32(f, r->hi.v - r->lo.v);
		put32(f,
		      (uint32_t)(r->why << 24 | (r->flags & ~SEND_APP_LIMITED) << 16 | r->first));
		put_time(f, r->at);
	}
	put_time(f, t->rack.at ? t->rack.at : WEIR_NEVER);
	if (t->rack.at) {
		put_seq(f, h, t->rack.end.v);
		put(f, &t->rack.rtt_ns, sizeof(t->rack.rtt_ns));
	}
	if (t->rack.dsack_rounds && seq_lt(t->snd.una, t->rack.dsack_round))
		put_seq(f, h, t->rack.dsack_round.v); /* until there no D-SACK widens the window */
	else
		put_seq(f, h, t->snd.una.v);
	put32(f, (uint32_t)(t->rack.mult << 16 | t->rack.persist << 8 | t->rack.reordering << 2 |
			    t->rack.tlp_out << 1 | t->rack.tlp_again));
	if (t->rack.tlp_out)
		put_seq(f, h, t->rack.tlp_end.v);
	put_time(f, t->rtx_kind == RTX_RTO ? WEIR_NEVER : t->timers.rto_at);
	put32(f, t->rtx_kind);
}

static void put_control(struct form *f, unsigned h, const struct weir_stack *s, const struct tcb *t)
{
	put(f, &t->rtt.srtt_ns, sizeof(t->rtt.srtt_ns));
	put(f, &t->rtt.var_ns, sizeof(t->rtt.var_ns));
	put(f, &t->rtt.rto_ns, sizeof(t->rtt.rto_ns));
	put32(f, (uint32_t)(t->rtt.backoff << 1 | t->rtt.timing));
	if (t->rtt.timing) {
		put_time(f, t->rtt.timed_at);
		put_seq(f, h, t->rtt.timed_seq.v);
	}
	put_time(f, t->rtt.sent_at ? t->rtt.sent_at : WEIR_NEVER);
	put_seq(f, h, t->rec.recover.v);
	put32(f, t->rec.inflate);
	put32(f, (uint32_t)(t->rec.dupacks << 24 | t->rec.allowed << 16 | t->rec.limited << 8 |
			    t->rec.phase));
	put32(f, (uint32_t)(t->rec.slowed << 8 | t->rec.held));
	if (t->rec.held)
		put_time(f, t->timers.pace_at);
	put32(f, t->ecn);
	if (t->ecn & ECN_ACCURATE)
		put(f, &t->accecn, sizeof(t->accecn));
	put32(f, (uint32_t)(t->rec.lone << 7 | t->rec.force << 6 | t->rec.undoable << 5 |
			    t->rec.resent << 4 | t->rec.frto << 3 | t->rec.frto_new << 2 |
			    t->rack.tlp_want << 1 | t->rack.tlp_ready));
	if (t->rec.undoable) {
		put_seq(f, h, t->rec.undo_from.v);
		put32(f, t->rec.undo_bytes);
	}
	put_loss(f, h, s, t);
	for (unsigned i = 0; i < TIMER_COUNT; i++)
		put_time(f, t->timers.at[i]);
	if (t->ts.ok)
		put_ts(f, !h, t->ts.recent);
}

static void put_answers(struct form *f, unsigned h, const struct weir_config *cfg,
			const struct tcb *t)
{
	const struct ackgen *a = &t->ackgen;
	uint32_t age = (uint32_t)(f->w->now / NS_PER_MS) - a->challenge.start_ms;
	bool over = a->challenge.taken == 0 || age >= cfg->challenge_ms;

	put32(f, a->bytes);
	put32(f, (uint32_t)(a->quick << 16 | a->dups << 8 | a->now));
	put32(f, over ? 0 : a->challenge.taken);
	put32(f, over ? 0 : age);
	put_throttle(f, a->oow_at_ms, cfg->ooo_ack_ms);
	put32(f, a->again);
	if (a->again) {
		put_seq(f, !h, a->again_lo.v);
		put_seq(f, !h, a->again_hi.v);
	}
}

static void put_tcb(struct form *f, unsigned h, const struct conn *c)
{
	const struct weir_stack *s = f->w->host[h].stack;
	const struct tcb *t = &c->tcb;

	put32(f, (uint32_t)(t->state << 24 | t->origin << 16 | t->reason << 8 | t->soft));
	put32(f, t->events);
	put32(f, (uint32_t)(t->retries << 24 | t->sack_ok << 16 | t->wscale_ok << 15 |
			    t->want_syn << 8 | t->want_probe << 7 | t->want_keep << 6 |
			    t->want_rst << 5 | t->user.closed << 4 | t->ts.ok << 3 |
			    c->attached << 2 | (c->timewait != POOL_NONE) << 1));
	put32(f, (uint32_t)(t->path_mss << 16 | t->peer_mss));
	put_time(f, t->user.stuck_at);
	put_send(f, h, t);
	put_receive(f, h, s, t);
	put_control(f, h, s, t);
	put_answers(f, h, &s->cfg, t);
}

/* --- A host ------------------------------------------------------------------------------- */

static void put_halfs(struct form *f, unsigned h)
{
	const struct weir_stack *s = f->w->host[h].stack;

	for (uint32_t i = 0; i < s->halfs.fresh; i++) {
		const struct half_slot *x = half_at(s, i);

		if (!(x->gen & 1))
			continue;
		put32(f, 0x4a1fu);
		put_seq(f, h, x->half.iss.v);
		put_seq(f, !h, x->half.irs.v);
		put32(f, (uint32_t)(x->half.mss << 16 | x->half.wnd));
		put32(f,
		      (uint32_t)(x->half.flags << 16 | x->half.retries << 8 | x->half.challenges));
		put32(f, x->queue.due_ms - (uint32_t)(f->w->now / NS_PER_MS));
		if (x->half.flags & HALF_TS)
			put_ts(f, !h, x->half.ts_recent);
		put32(f, ex_pair_known(f->w, h, (struct ex_pair){x->half.iss.v, x->half.irs.v}));
	}
}

static void put_timewaits(struct form *f, unsigned h)
{
	const struct weir_stack *s = f->w->host[h].stack;

	for (uint32_t i = 0; i < s->timewaits.fresh; i++) {
		const struct timewait_slot *x = pool_at(&s->timewaits, i);

		if (x->flow == 0)
			continue;
		put32(f, 0x77a1u);
		put_seq(f, h, x->tw.snd_nxt.v);
		put_seq(f, !h, x->tw.rcv_nxt.v);
		put32(f, x->tw.rcv_wnd);
		put32(f, x->tw.snd_wnd_max);
		put32(f, (uint32_t)(x->tw.wnd_field << 8 | x->tw.flags));
		put_throttle(f, x->tw.answered_ms, s->cfg.ooo_ack_ms);
		put32(f, x->queue.due_ms - (uint32_t)(f->w->now / NS_PER_MS));
		if (x->tw.flags & TIMEWAIT_TS)
			put_ts(f, !h, x->tw.ts_recent);
	}
}

/* What the application knows of a connection, if that can still be of importance. */
static void put_conn(struct form *f, unsigned h, unsigned i)
{
	const struct ex_host *host = &f->w->host[h];
	const struct ex_conn *c = &host->conn[i];
	const struct ex_conn *peer = ex_peer(f->w, h, c->pair);
	const struct conn *conn = c->live ? conn_get(host->stack, c->handle) : NULL;
	bool known = ex_pair_known(f->w, h, c->pair);

	if (!c->live && !(peer && peer->live) && !known)
		return;
	if (!c->live && peer && !peer->live)
		return;
	put32(f, 0xc000u | i);
	put32(f, (uint32_t)(c->live << 16 | c->up << 8 | c->eof << 4 | c->shut << 3 |
			    c->closed << 2 | c->aborted << 1 | known));
	put32(f, (uint32_t)(c->sent << 24 | c->got << 16 | c->reason << 8));
	put32(f, peer ? (uint32_t)(peer - f->w->host[!h].conn) : EX_CONNS_MAX);
	put_seq(f, h, c->pair.iss);
	put_seq(f, !h, c->pair.irs);
	if (conn)
		put_tcb(f, h, conn);
}

static void put_host(struct form *f, unsigned h)
{
	const struct ex_host *host = &f->w->host[h];
	uint32_t since = ex_isn_next(f->w, h) - host->isn;

	put32(f, (uint32_t)(host->conns << 24 | host->connects << 16 | host->sends << 8 |
			    host->aborts));
	put32(f, since < EX_FAR ? since : EX_FAR);
	for (unsigned i = 0; i < host->conns; i++)
		put_conn(f, h, i);
	put_halfs(f, h);
	put_timewaits(f, h);
}

struct ex_hash ex_world_hash(const struct ex_world *w)
{
	struct form f;

	f.w = w;
	f.len = 0;
	put32(&f, (uint32_t)(w->late_fin << 24 | w->drops << 16 | w->dups << 8 | w->delays));
	/* Records round up to milliseconds, and throttles to odd ones. */
	put32(&f, (uint32_t)(w->now % (2 * NS_PER_MS)));
	for (unsigned h = 0; h < EX_HOSTS; h++)
		put_host(&f, h);
	put_frames(&f);
	return (struct ex_hash){siphash13(key_lo, f.bytes, f.len),
				siphash13(key_hi, f.bytes, f.len)};
}
