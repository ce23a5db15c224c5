#include "stack/timewaits.h"

#include "base/assert.h"
#include "stack/conns.h"
#include "stack/cookies.h"
#include "stack/demux.h"
#include "stack/listeners.h"
#include "stack/reply.h"
#include "stack/trace.h"
#include "tcp/emit.h"
#include "tcp/fsm.h"
#include "tcp/isn.h"

#define NODE offsetof(struct timewait_slot, queue)

static struct timewait_slot *at(const struct weir_stack *s, uint32_t slot)
{
	return pool_at(&s->timewaits, slot);
}

static struct fifo *queue_of(struct weir_stack *s, uint32_t slot)
{
	return at(s, slot)->tw.flags & TIMEWAIT_COOKIE ? &s->cookie_queue : &s->timewait_queue;
}

static uint64_t wait_ms(const struct weir_stack *s, uint32_t slot)
{
	uint64_t life = cookies_life_ms(s);

	if (!(at(s, slot)->tw.flags & TIMEWAIT_COOKIE) || life < s->cfg.timewait_ms)
		return s->cfg.timewait_ms;
	return life;
}

static void arm(struct weir_stack *s, uint32_t slot)
{
	uint64_t wait = wait_ms(s, slot);

	/* No TIME-WAIT: due by now, and not with the millisecond that comes next. */
	at(s, slot)->queue.due_ms = wait ? fifo_due(s->now, wait) : (uint32_t)(s->now / NS_PER_MS);
	fifo_push(queue_of(s, slot), &s->timewaits, NODE, slot);
	stack_armed(s);
}

uint32_t timewaits_age_ms(const struct weir_stack *s, uint32_t slot, weir_time now)
{
	uint32_t began = at(s, slot)->queue.due_ms - (uint32_t)wait_ms(s, slot);
	int32_t age = (int32_t)((uint32_t)(now / NS_PER_MS) - began);

	return age > 0 ? (uint32_t)age : 0; /* the time of a queue is rounded up */
}

static void tuple_of(const struct weir_stack *s, const struct timewait_slot *w,
		     struct weir_tuple *out)
{
	pair_key_tuple(s, &w->key, timewait_family(w), out);
}

static void send_ack(struct weir_stack *s, const struct timewait_slot *w,
		     const struct weir_tuple *tuple, enum weir_counter why)
{
	struct reply *r = reply_new(s, tuple, why);
	uint8_t id[36];

	if (!r)
		return;
	r->flow = w->flow;
	r->state = WEIR_STATE_TIME_WAIT;
	r->seg.seq = w->tw.snd_nxt;
	r->seg.ack = w->tw.rcv_nxt;
	r->seg.flags = TCP_ACK;
	r->seg.wnd = w->tw.wnd_field;
	r->wscale = w->tw.rcv_wscale;
	tcp_set_ace(&r->seg, (w->tw.flags & TIMEWAIT_ACE) / TIMEWAIT_ACE_1);
	if (w->tw.flags & TIMEWAIT_TS) {
		size_t n = stack_tuple_id(tuple, id);

		r->seg.opts.has_ts = true;
		r->seg.opts.ts_val = tcp_ts_clock(s->now, isn_ts_offset(s->cfg.isn_key, id, n));
		r->seg.opts.ts_ecr = w->tw.ts_recent;
	}
}

static void drop(struct weir_stack *s, uint32_t slot)
{
	struct timewait_slot *w = at(s, slot);
	struct weir_tuple tuple;

	tuple_of(s, w, &tuple);
	demux_remove(s, &tuple, ref_make(REF_TIMEWAIT, slot));
	fifo_remove(queue_of(s, slot), &s->timewaits, NODE, slot);
	pair_key_drop(s, &w->key, timewait_family(w));
	w->flow = 0; /* free: nobody walks over it */
	pool_give(&s->timewaits, slot);
}

/* The cookie that the record remembered may be good still. */
static void note_spent(struct weir_stack *s, const struct weir_tuple *tuple)
{
	uint64_t hash = demux_hash(s, tuple);

	spent_add(&s->spent, hash, cookies_tick(s));
	front_note_spent(s, hash);
	++*stack_counter(s, WEIR_CTR_COOKIE_SPENT);
}

void timewaits_end(struct weir_stack *s, uint32_t slot, enum weir_counter why)
{
	struct timewait_slot *w = at(s, slot);
	struct weir_tuple tuple;

	tuple_of(s, w, &tuple);
	if (w->conn != POOL_NONE) {
		struct conn *c = pool_at(&s->conns, w->conn);

		c->timewait = POOL_NONE;
		if (c->tcb.state == WEIR_STATE_TIME_WAIT)
			fsm_step(&c->tcb, FSM_END);
	}
	if (w->tw.flags & (TIMEWAIT_COOKIE | TIMEWAIT_USED) && why != WEIR_CTR_TIMEWAIT_EXPIRED)
		note_spent(s, &tuple);
	if (!(w->tw.flags & TIMEWAIT_USED))
		trace_state(s, w->flow, &tuple, WEIR_STATE_TIME_WAIT, WEIR_STATE_CLOSED, why);
	drop(s, slot);
}

static void evict(struct weir_stack *s, uint32_t slot)
{
	++*stack_counter(s, WEIR_CTR_TIMEWAIT_EVICTED);
	timewaits_end(s, slot, WEIR_CTR_TIMEWAIT_EVICTED);
}

/* A record for the tuple that the connection has given up. When there is none left, one that is
 * nearest to its end goes, and first one that is there for a cookie's sake. */
static uint32_t new_record(struct weir_stack *s, const struct conn *c, const struct timewait *tw)
{
	uint32_t slot = pool_take(&s->timewaits);
	struct timewait_slot *w;
	bool paired;

	if (slot == POOL_NONE) {
		evict(s, s->cookie_queue.count ? s->cookie_queue.head : s->timewait_queue.head);
		slot = pool_take(&s->timewaits);
	}
	weir_assert(slot != POOL_NONE);
	w = at(s, slot);
	*w = (struct timewait_slot){.flow = c->flow, .conn = POOL_NONE, .tw = *tw};
	if (cookies_may_replay(s, c))
		w->tw.flags |= TIMEWAIT_COOKIE;
	paired = pair_key_make(s, &c->tuple, &w->key, &w->tw.flags, TIMEWAIT_V6);
	weir_assert(paired); /* there is a pair for every record: see stack_carve() */
	demux_insert(s, &c->tuple, ref_make(REF_TIMEWAIT, slot));
	arm(s, slot);
	return slot;
}

void timewaits_enter(struct weir_stack *s, struct conn *c)
{
	struct timewait tw;
	struct timewait_slot *w;

	conn_detach(s, c);
	++*stack_counter(s, WEIR_CTR_CLOSED_NORMALLY);
	timewait_init(&tw, &c->tcb);
	c->timewait = new_record(s, c, &tw);
	w = at(s, c->timewait);
	w->conn = pool_index(&s->conns, c);
	if (c->tcb.ackgen.now)
		send_ack(s, w, &c->tuple, c->tcb.ackgen.why);
}

void timewaits_remember_cookie(struct weir_stack *s, const struct conn *c)
{
	struct timewait tw = {
		.snd_nxt = seq_add(c->tcb.snd.iss, 1),
		.rcv_nxt = seq_add(c->tcb.rcv.irs, 1),
		.flags = TIMEWAIT_USED,
	};

	if (cookies_may_replay(s, c))
		new_record(s, c, &tw);
}

bool timewaits_may_yield(const struct weir_stack *s, uint32_t slot)
{
	uint8_t flags = at(s, slot)->tw.flags;

	if (!s->cfg.timewait_connect_ms || !s->cfg.timestamps || !(flags & TIMEWAIT_TS) ||
	    (flags & (TIMEWAIT_COOKIE | TIMEWAIT_USED)))
		return false;
	return timewaits_age_ms(s, slot, s->now) >= s->cfg.timewait_connect_ms;
}

seq_t timewaits_yield(struct weir_stack *s, uint32_t slot, seq_t isn)
{
	seq_t next = timewait_next_isn(&at(s, slot)->tw, isn);

	++*stack_counter(s, WEIR_CTR_TIMEWAIT_TAKEN);
	timewaits_end(s, slot, WEIR_CTR_TIMEWAIT_TAKEN);
	return next;
}

void timewaits_forget_conn(struct weir_stack *s, uint32_t slot)
{
	at(s, slot)->conn = POOL_NONE;
}

static bool may_reuse(struct weir_stack *s, const struct timewait_slot *w,
		      const struct weir_tuple *tuple, seq_t *isn)
{
	uint8_t id[36];
	size_t n;

	if (!listeners_find(s, &tuple->local))
		return false;
	n = stack_tuple_id(tuple, id);
	*isn = timewait_next_isn(&w->tw, isn_make(s->cfg.isn_key, id, n, s->now));
	return true;
}

enum timewait_action timewaits_input(struct weir_stack *s, uint32_t slot,
				     const struct weir_tuple *tuple, const struct tcp_seg *seg,
				     enum weir_counter *verdict, seq_t *isn)
{
	struct timewait_slot *w = at(s, slot);
	enum timewait_action act = timewait_input(&w->tw, &s->cfg, seg, s->now, verdict);

	if (act == TIMEWAIT_DO_REUSE && !may_reuse(s, w, tuple, isn)) {
		*verdict = WEIR_CTR_TIMEWAIT_SYN_OLD;
		act = TIMEWAIT_DO_ACK;
	}
	switch (act) {
	case TIMEWAIT_DO_NOTHING:
		break;
	case TIMEWAIT_DO_RESTART:
		fifo_remove(queue_of(s, slot), &s->timewaits, NODE, slot);
		arm(s, slot);
		send_ack(s, w, tuple, WEIR_CTR_SENT_ACK);
		break;
	case TIMEWAIT_DO_ACK:
		send_ack(s, w, tuple, WEIR_CTR_SENT_CHALLENGE);
		break;
	case TIMEWAIT_DO_REUSE:
	case TIMEWAIT_DO_END:
		timewaits_end(s, slot, *verdict);
		break;
	}
	return act;
}

static void run_queue(struct weir_stack *s, const struct fifo *q, weir_time now)
{
	while (fifo_is_due(q, &s->timewaits, NODE, now)) {
		if (!(at(s, q->head)->tw.flags & TIMEWAIT_USED))
			++*stack_counter(s, WEIR_CTR_TIMEWAIT_EXPIRED);
		timewaits_end(s, q->head, WEIR_CTR_TIMEWAIT_EXPIRED);
	}
}

void timewaits_run(struct weir_stack *s, weir_time now)
{
	run_queue(s, &s->timewait_queue, now);
	run_queue(s, &s->cookie_queue, now);
}

weir_time timewaits_next(const struct weir_stack *s, weir_time now)
{
	weir_time own = fifo_next(&s->timewait_queue, &s->timewaits, NODE, now);
	weir_time cookie = fifo_next(&s->cookie_queue, &s->timewaits, NODE, now);

	return own < cookie ? own : cookie;
}
