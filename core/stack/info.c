#include "weir/info.h"

#include "stack/conns.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/pressure.h"
#include "stack/timewaits.h"
#include "tcp/board.h"
#include "tcp/cc_ops.h"
#include "tcp/pace.h"
#include "tcp/rcvq.h"
#include "tcp/rtt.h"

static void of_conn(const struct weir_stack *s, const struct conn *c, struct weir_info *out)
{
	const struct tcb *t = &c->tcb;

	*out = (struct weir_info){
		.tuple = c->tuple,
		.state = t->state,
		.flow = c->flow,
		.user = c->user,
		.conn = conn_handle(s, c),
		.snd_una = t->snd.una.v,
		.snd_nxt = t->snd.nxt.v,
		.rcv_nxt = t->rcv.nxt.v,
		.snd_wnd_bytes = t->snd.wnd,
		.rcv_wnd_bytes = tcb_rcv_wnd(t),
		.cwnd_bytes = t->cc.cwnd,
		.ssthresh_bytes = t->cc.ssthresh,
		.pipe_bytes = tcb_pipe(t),
		.lost_bytes = t->rate.lost,
		.sacked_bytes = t->board.sacked,
		.again_bytes = board_out_again(&s->env, &t->board),
		.dup_acks = t->rec.dupacks,
		.recovery = (enum weir_recovery)t->rec.phase,
		.cc = t->cc.cwnd ? cc_of(t->cc.kind)->name : NULL,
		.pacing_rate = pace_rate(&s->env, t),
		.delivery_rate = t->rate.kbytes_s * 1000ull,
		.min_rtt_ns = t->rtt.min_ns == UINT64_MAX ? 0 : t->rtt.min_ns,
		.spurious = t->rec.spurious,
		.reordering = t->rack.reordering,
		.mss_bytes = t->snd.mss,
		.srtt_ns = t->rtt.srtt_ns,
		.rttvar_ns = t->rtt.var_ns,
		.rto_ns = rtt_rto(&t->rtt, &s->cfg),
		.sndq_bytes = t->sndq.len,
		.rcvq_bytes = rcvq_readable(t),
		.ooo_bytes = (uint32_t)ranges_bytes(&t->rcvq.ooo, &s->env.ranges),
		.pages = t->sndq.q.held + t->rcvq.q.held,
		.bytes_acked = t->sndq.q.head,
		.bytes_received = t->rcvq.nxt,
		.segs_in = t->segs_in,
		.segs_out = t->segs_out,
		.retransmits = t->retransmits,
		.snd_wscale = t->snd_wscale,
		.rcv_wscale = t->rcv_wscale,
		.ts_ok = t->ts.ok,
		.sack_ok = t->sack_ok,
		.ecn = t->ecn & ECN_ACCURATE ? WEIR_ECN_ACCURATE
		       : t->ecn & ECN_ON     ? WEIR_ECN_CLASSIC
					     : WEIR_ECN_NONE,
	};
}

enum weir_err weir_conn_info(const struct weir_stack *s, weir_conn h, struct weir_info *out)
{
	const struct conn *c = conn_get(s, h);

	if (!c)
		return WEIR_NO_CONN;
	of_conn(s, c, out);
	return WEIR_OK;
}

static uint32_t until_ms(const struct fifo_node *n, weir_time now)
{
	int32_t left = (int32_t)(n->due_ms - (uint32_t)(now / NS_PER_MS));

	return left > 0 ? (uint32_t)left : 0;
}

static void of_half(const struct weir_stack *s, uint32_t slot, weir_time now, struct weir_info *out)
{
	const struct half_slot *h = half_at(s, slot);

	*out = (struct weir_info){
		.state = WEIR_STATE_SYN_RECEIVED,
		.flow = h->flow,
		.user = h->user,
		.retries = h->half.retries,
		.held = h->half.flags & HALF_HELD,
		.complete = h->half.flags & HALF_COMPLETE,
		.age_ms = pressure_age_ms(s, h, now),
		.expires_ms = until_ms(&h->queue, now),
	};
	pair_key_tuple(s, &h->key, half_family(h), &out->tuple);
}

static void of_timewait(const struct weir_stack *s, uint32_t slot, weir_time now,
			struct weir_info *out)
{
	const struct timewait_slot *w = pool_at(&s->timewaits, slot);

	*out = (struct weir_info){
		.state = WEIR_STATE_TIME_WAIT,
		.flow = w->flow,
		.age_ms = timewaits_age_ms(s, slot, now),
		.expires_ms = until_ms(&w->queue, now),
		.snd_una = w->tw.snd_nxt.v,
		.snd_nxt = w->tw.snd_nxt.v,
		.rcv_nxt = w->tw.rcv_nxt.v,
	};
	pair_key_tuple(s, &w->key, timewait_family(w), &out->tuple);
}

static const struct pool *walked(const struct weir_stack *s, enum weir_walk_kind kind)
{
	switch (kind) {
	case WEIR_WALK_CONNS:
		return &s->conns;
	case WEIR_WALK_HALFS:
		return &s->halfs;
	case WEIR_WALK_TIMEWAITS:
		return &s->timewaits;
	}
	return NULL;
}

/* What only remembers that a cookie was used (stack/timewaits.h) is in no state. */
static bool in_timewait(const struct timewait_slot *w)
{
	return w->flow != 0 && !(w->tw.flags & TIMEWAIT_USED);
}

/* Free slots of these pools can be told by their generation; of TIME-WAIT by their flow. */
static bool show(const struct weir_stack *s, enum weir_walk_kind kind, uint32_t slot, weir_time now,
		 struct weir_info *out)
{
	const struct conn *c;

	switch (kind) {
	case WEIR_WALK_CONNS:
		c = pool_at(&s->conns, slot);
		if (!(c->gen & 1) || !c->attached)
			return false;
		of_conn(s, c, out);
		return true;
	case WEIR_WALK_HALFS:
		if (!(half_at(s, slot)->gen & 1))
			return false;
		of_half(s, slot, now, out);
		return demux_find(s, &out->tuple) == ref_make(REF_HALF, slot);
	case WEIR_WALK_TIMEWAITS:
		if (!in_timewait(pool_at(&s->timewaits, slot)))
			return false;
		of_timewait(s, slot, now, out);
		return true;
	}
	return false;
}

bool weir_walk(const struct weir_stack *s, enum weir_walk_kind kind, uint32_t *cursor,
	       weir_time now, struct weir_info *out)
{
	const struct pool *p = walked(s, kind);

	while (p && *cursor < p->fresh)
		if (show(s, kind, (*cursor)++, now, out))
			return true;
	return false;
}

void weir_stack_usage(const struct weir_stack *s, struct weir_usage *out)
{
	*out = (struct weir_usage){
		.conns = s->conns.used,
		.halfs = s->halfs.used,
		.timewaits = s->timewaits.used,
		.pages = s->env.pages.used,
		.ranges = s->env.ranges.used,
		.sends = s->env.sends.used,
	};
	for (uint32_t i = 0; i < s->cfg.listeners_max; i++)
		out->listeners += s->listeners[i].used;
}
