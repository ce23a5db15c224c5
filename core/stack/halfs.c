/*
 * Theory of operation
 *
 * A half-open record is in exactly one queue, its stage:
 *
 *   SYN --early--> SENT+0 --timeout--> SENT+1 ... SENT+half_retries --timeout--> ended
 *   SYN --held---> FRESH --event read--> HELD --accepted--> SENT+0
 *                                        HELD --refused or half_held_ms over--> ended
 *   ended, and a user value was set --> GONE --event read--> free
 *
 * Every queue has one waiting time (the SYN-ACK's RTO, doubled from stage to stage), so a queue is
 * in order of time by itself. The third segment turns the record into a connection; before it,
 * nothing but these 64 bytes (96 with IPv6) exists (RFC 4987 3.4).
 *
 * With handshake_ways 2 (wrong, to show why there are three) no record waits: the connection takes
 * its place at once and sends the SYN-ACK itself.
 *
 * Limits, as in Linux: the listener's backlog bounds its half-open records, and by itself the
 * connections whose ACCEPTED was not read (the accept queue). While that is full a SYN is dropped,
 * for its connection could not be taken over (admit.h); so is a third segment that finds it full,
 * or finds conns_max connections. The record then stays, known to be complete: its timer goes on,
 * and the peer's data, or its ACK of a SYN-ACK that is sent again, completes it when there is room.
 * With accept_overflow_rst it is answered with RST instead. Furthermore there are halfs_max records
 * of all listeners, of which some may give way to a new one (pressure.h), and limits by source
 * and destination (limits.h). A SYN that finds no room is dropped: the peer will send it again.
 *
 * What ends a record before its time: an acceptable RST (RFC 9293 3.10.7.4); another SYN in the
 * window; an ICMP error that quotes its SYN-ACK, if it is a hard one (RFC 5927 4.1 asks for the
 * exact sequence number), and while records are short any but one about the packet's size, since
 * unreachable sources are what a flood leaves behind (RFC 5461 4.2); the end of its listener.
 */
#include "stack/halfs.h"

#include "stack/demux.h"
#include "stack/pressure.h"
#include "stack/reply.h"
#include "stack/synack.h"
#include "stack/trace.h"
#include "tcp/emit.h"
#include "tcp/isn.h"
#include "tcp/window.h"

#define NODE offsetof(struct half_slot, queue)

static enum half_stage stage_of(const struct half *h)
{
	return (enum half_stage)(HALF_STAGE_SENT + h->retries);
}

static void push(struct weir_stack *s, unsigned stage, uint32_t slot)
{
	fifo_push(&s->half_queue[stage], &s->halfs, NODE, slot);
}

static void enqueue(struct weir_stack *s, unsigned stage, uint32_t slot, uint64_t wait_ms)
{
	half_at(s, slot)->queue.due_ms = fifo_due(s->now, wait_ms);
	push(s, stage, slot);
	stack_armed(s);
}

static void dequeue(struct weir_stack *s, unsigned stage, uint32_t slot)
{
	fifo_remove(&s->half_queue[stage], &s->halfs, NODE, slot);
}

static void tuple_of(const struct weir_stack *s, const struct half_slot *h, struct weir_tuple *out)
{
	pair_key_tuple(s, &h->key, half_family(h), out);
}

static uint16_t offered_mss(const struct weir_stack *s, uint8_t family)
{
	uint16_t mss = stack_mss_local(s, family);

	return s->cfg.mss && s->cfg.mss < mss ? (uint16_t)s->cfg.mss : mss;
}

void halfs_offer_init(struct weir_stack *s)
{
	s->offer.mss4 = offered_mss(s, 4);
	s->offer.mss6 = offered_mss(s, 6);
	s->offer.shift = window_shift_offer(&s->cfg, (uint32_t)s->cfg.rcvbuf);
	s->offer.wnd = window_syn((uint32_t)s->cfg.rcvbuf);
}

static struct reply *half_reply(struct weir_stack *s, const struct half_slot *h,
				enum weir_counter why)
{
	struct weir_tuple tuple;
	struct reply *r;

	tuple_of(s, h, &tuple);
	r = reply_new(s, &tuple, why);
	if (!r)
		return NULL;
	r->flow = h->flow;
	r->state = WEIR_STATE_SYN_RECEIVED;
	r->iss = h->half.iss.v;
	r->irs = h->half.irs.v;
	r->seg.ack = seq_add(h->half.irs, 1);
	r->seg.flags = TCP_ACK;
	r->seg.wnd = halfs_window(s);
	return r;
}

static uint32_t ts_offset(const struct weir_stack *s, const struct weir_tuple *tuple)
{
	return isn_pair_ts_offset(demux_hash(s, tuple));
}

/* The option goes with the first SYN-ACK only: a middlebox may not like it (RFC 9768 3.2.3.2.2). */
static void add_ecn(const struct half *h, struct synack *a)
{
	if (h->ecn == ACCECN_KIND_CLASSIC) {
		a->agreed |= SYNACK_ECN;
		return;
	}
	a->ace = half_ace(h);
	if (h->retries == 0 && !(h->flags & HALF_AGAIN))
		a->agreed |= SYNACK_ACCECN;
}

/* `ts_offset`: of the tuple; not looked at without timestamps. */
static void send_synack(struct weir_stack *s, const struct half_slot *h,
			const struct weir_tuple *tuple, uint32_t ts_offset, enum weir_counter why)
{
	struct synack a = {
		.tuple = tuple,
		.iss = h->half.iss,
		.irs = h->half.irs,
		.ts_ecr = h->half.ts_recent,
		.agreed = half_options(&h->half),
		.state = WEIR_STATE_SYN_RECEIVED,
		.flow = h->flow,
	};

	if (h->half.flags & HALF_TS)
		a.ts_val = tcp_ts_clock(s->now, ts_offset);
	if (h->half.ecn)
		add_ecn(&h->half, &a);
	synack_reply(s, &a, why);
}

static void send_synack_again(struct weir_stack *s, const struct half_slot *h)
{
	struct weir_tuple tuple;

	tuple_of(s, h, &tuple);
	send_synack(s, h, &tuple, ts_offset(s, &tuple), WEIR_CTR_RETX_SYNACK);
}

static void send_ack(struct weir_stack *s, const struct half_slot *h)
{
	struct reply *r = half_reply(s, h, WEIR_CTR_SENT_CHALLENGE);

	if (!r)
		return;
	r->seg.seq = seq_add(h->half.iss, 1);
	if (h->half.ecn >= ACCECN_KIND_ACCURATE)
		tcp_set_ace(&r->seg, ACCECN_CEP_FIRST);
	if (h->half.flags & HALF_TS) {
		r->seg.opts.has_ts = true;
		r->seg.opts.ts_val = tcp_ts_clock(s->now, ts_offset(s, &r->tuple));
		r->seg.opts.ts_ecr = h->half.ts_recent;
	}
	if (h->half.flags & HALF_WSCALE) {
		r->wscale = halfs_shift(s);
		r->seg.wnd = (uint16_t)(r->seg.wnd >> r->wscale);
	}
}

/* Is there room for the connection of a complete handshake? ACCEPTED, or what is full. */
static enum weir_counter room_for(const struct weir_stack *s, const struct half_slot *h)
{
	const struct listener *l = &s->listeners[h->listener];

	if (s->conns.used == s->conns.count)
		return WEIR_CTR_HALF_NO_CONN;
	return l->pending >= l->backlog ? WEIR_CTR_HALF_OVERFLOW : WEIR_CTR_ACCEPTED;
}

static void trust_syn(struct weir_stack *s, uint32_t slot);

/* The SYN is accepted: the record has its SYN-ACK sent and waits for the third segment. */
static void accept_syn(struct weir_stack *s, uint32_t slot, const struct weir_tuple *tuple,
		       uint64_t hash)
{
	enqueue(s, HALF_STAGE_SENT, slot, s->cfg.rto_initial_ms);
	if (s->cfg.handshake_ways == 2 && room_for(s, half_at(s, slot)) == WEIR_CTR_ACCEPTED)
		trust_syn(s, slot);
	else
		send_synack(s, half_at(s, slot), tuple, isn_pair_ts_offset(hash),
			    WEIR_CTR_SENT_SYNACK);
}

static uint32_t take_slot(struct weir_stack *s, const struct weir_tuple *tuple)
{
	uint32_t slot = pool_take(&s->halfs);
	struct half_slot *h;
	uint16_t gen;

	if (slot == POOL_NONE)
		return POOL_NONE;
	h = half_at(s, slot);
	gen = (uint16_t)(h->gen | 1); /* odd while in use */
	*h = (struct half_slot){.gen = gen};
	if (!pair_key_make(s, tuple, &h->key, &h->half.flags, HALF_V6)) {
		pool_give(&s->halfs, slot);
		return POOL_NONE;
	}
	return slot;
}

/* The record's part in the limits of its addresses is over. */
static void give_limits(struct weir_stack *s, const struct listener *l,
			const struct weir_tuple *tuple, enum limits_end source,
			enum limits_end dest)
{
	limits_give(s, WEIR_LIMIT_SOURCE, &tuple->remote, source);
	if (l->mode == WEIR_ACCEPT_HELD)
		limits_give(s, WEIR_LIMIT_DEST, &tuple->local, dest);
}

/* A slot for a SYN that keeps to all limits. Returns ACCEPTED, or why there is none. */
static enum weir_counter admit(struct weir_stack *s, struct listener *l,
			       const struct weir_tuple *tuple, uint32_t *slot)
{
	if (!limits_take(s, WEIR_LIMIT_SOURCE, &tuple->remote))
		return WEIR_CTR_LISTEN_SOURCE;
	if (l->mode == WEIR_ACCEPT_HELD && !limits_take(s, WEIR_LIMIT_DEST, &tuple->local)) {
		limits_give(s, WEIR_LIMIT_SOURCE, &tuple->remote, LIMITS_ANSWERED);
		return WEIR_CTR_LISTEN_DEST;
	}
	*slot = pressure_make_room(s, l) ? take_slot(s, tuple) : POOL_NONE;
	if (*slot != POOL_NONE)
		return WEIR_CTR_ACCEPTED;
	give_limits(s, l, tuple, LIMITS_ANSWERED, LIMITS_ANSWERED);
	return WEIR_CTR_LISTEN_FULL;
}

static void fill(struct weir_stack *s, struct half_slot *h, const struct newcomer *n,
		 const seq_t *isn)
{
	uint8_t id[36], v6 = h->half.flags & HALF_V6;
	size_t len = stack_tuple_id(n->tuple, id);

	half_init(&h->half, &s->cfg, n->seg, isn ? *isn : isn_make(s->cfg.isn_key, id, len, s->now),
		  stack_mss_default(n->tuple->local.addr.family));
	h->half.flags |= v6;
	h->flow = ++s->flow_last;
}

enum weir_counter halfs_new(struct weir_stack *s, uint32_t listener, const struct newcomer *n,
			    const seq_t *isn, uint32_t *flow)
{
	struct listener *l = &s->listeners[listener];
	uint32_t slot, crowd;
	enum weir_counter why = admit(s, l, n->tuple, &slot);
	struct half_slot *h;

	if (why != WEIR_CTR_ACCEPTED)
		return why;
	h = half_at(s, slot);
	fill(s, h, n, isn);
	h->listener = (uint16_t)listener;
	*flow = h->flow;
	l->halfs++;
	crowd = demux_insert_half(s, n->hash, ref_make(REF_HALF, slot));
	if (crowd != REF_NONE)
		halfs_end(s, ref_slot(crowd), WEIR_NO_RESOURCES, WEIR_CTR_HALF_PRESSED);
	if (l->mode == WEIR_ACCEPT_HELD) {
		h->half.flags |= HALF_HELD;
		enqueue(s, HALF_STAGE_FRESH, slot, s->cfg.half_held_ms);
		return WEIR_CTR_HALF_HELD;
	}
	accept_syn(s, slot, n->tuple, n->hash);
	return WEIR_CTR_ACCEPTED;
}

static unsigned queue_of(const struct half_slot *h)
{
	if (!(h->half.flags & HALF_HELD))
		return stage_of(&h->half);
	return h->half.flags & HALF_TOLD ? HALF_STAGE_HELD : HALF_STAGE_FRESH;
}

static void release(struct weir_stack *s, uint32_t slot)
{
	struct half_slot *h = half_at(s, slot);

	pair_key_drop(s, &h->key, half_family(h));
	h->gen++; /* even: free */
	pool_give(&s->halfs, slot);
}

/* Takes the record out of everything that finds or counts it. */
static void unlink_half(struct weir_stack *s, uint32_t slot)
{
	struct half_slot *h = half_at(s, slot);
	struct listener *l = &s->listeners[h->listener];
	enum limits_end source = LIMITS_UNANSWERED, dest = LIMITS_ANSWERED;
	struct weir_tuple tuple;

	if (h->half.flags & HALF_COMPLETE)
		source = LIMITS_ANSWERED;
	if (h->half.flags & HALF_HELD)
		dest = LIMITS_UNANSWERED;

	tuple_of(s, h, &tuple);
	demux_remove(s, &tuple, ref_make(REF_HALF, slot));
	dequeue(s, queue_of(h), slot);
	l->halfs--;
	give_limits(s, l, &tuple, source, dest);
}

/* The record ends without a connection; who gave it a user value is told. */
static void end(struct weir_stack *s, uint32_t slot, enum weir_err reason)
{
	struct half_slot *h = half_at(s, slot);

	unlink_half(s, slot);
	if (h->user == 0) {
		release(s, slot);
		return;
	}
	h->half.mss = (uint16_t)reason; /* kept for the event; the rest is of no use any more */
	h->half.flags &= HALF_V6;       /* nobody can decide on it any more: see held_get() */
	fifo_push(&s->half_queue[HALF_STAGE_GONE], &s->halfs, NODE, slot);
}

void halfs_end(struct weir_stack *s, uint32_t slot, enum weir_err reason, enum weir_counter why)
{
	struct half_slot *h = half_at(s, slot);
	struct weir_tuple tuple;

	++*stack_counter(s, why);
	tuple_of(s, h, &tuple);
	trace_state(s, h->flow, &tuple, WEIR_STATE_SYN_RECEIVED, WEIR_STATE_CLOSED, why);
	end(s, slot, reason);
}

void halfs_end_listener(struct weir_stack *s, uint32_t listener)
{
	for (unsigned q = 0; q < HALF_STAGES; q++) {
		uint32_t slot = s->half_queue[q].head;

		while (q != HALF_STAGE_GONE && slot != POOL_NONE) {
			uint32_t next = half_at(s, slot)->queue.next;

			if (half_at(s, slot)->listener == listener)
				halfs_end(s, slot, WEIR_ABORTED, WEIR_CTR_HALF_ABANDONED);
			slot = next;
		}
	}
}

/* When the SYN-ACK was sent, for the first sample of the round trip. The record knows it by when
 * the next one would be due, rounded up to milliseconds. 0: more than one was sent
 * (RFC6298-06), or the segment that answered it
 * was dropped. */
static weir_time synack_at(const struct weir_stack *s, const struct half_slot *h)
{
	uint32_t due_ms = (uint32_t)s->cfg.rto_initial_ms + (uint32_t)(s->now / NS_PER_MS);
	int32_t ago_ms = (int32_t)(due_ms - h->queue.due_ms);

	if (h->half.retries || (h->half.flags & (HALF_AGAIN | HALF_COMPLETE)))
		return 0;
	return ago_ms > 0 ? s->now - (uint32_t)ago_ms * NS_PER_MS : s->now;
}

static struct conn *complete(struct weir_stack *s, uint32_t slot, const struct weir_tuple *tuple)
{
	struct half_slot *h = half_at(s, slot);
	struct tcb_passive p = {
		.iss = h->half.iss,
		.irs = h->half.irs,
		.snd_wnd = h->half.wnd,
		.rcv_wnd = halfs_window(s),
		.ts_recent = h->half.ts_recent,
		.ts_offset = ts_offset(s, tuple),
		.retries = h->half.retries,
		.synack_at = synack_at(s, h),
	};
	uint32_t listener = h->listener;
	struct conn *c;

	half_agreed(&h->half, halfs_shift(s), &p.agreed);
	h->half.flags |= HALF_COMPLETE;
	unlink_half(s, slot); /* the tuple changes hands */
	c = conn_new(s, tuple, h->flow);
	c->user = h->user;
	c->listener = listener;
	s->listeners[listener].pending++;
	release(s, slot);
	tcb_open_passive(&c->tcb, &s->env, &p, s->now);
	tcb_event(&c->tcb, WEIR_EV_ACCEPTED);
	return c;
}

static void trust_syn(struct weir_stack *s, uint32_t slot)
{
	struct weir_tuple tuple;
	struct conn *c;

	tuple_of(s, half_at(s, slot), &tuple);
	c = complete(s, slot, &tuple);
	tcb_trust_syn(&c->tcb, &s->env, s->now);
	conn_settle(s, c);
}

/* The third segment came. */
static enum weir_counter third(struct weir_stack *s, uint32_t slot, const struct weir_tuple *tuple,
			       const struct tcp_seg *seg, struct conn **conn)
{
	struct half_slot *h = half_at(s, slot);
	enum weir_counter verdict = room_for(s, h);

	if (verdict == WEIR_CTR_ACCEPTED) {
		*conn = complete(s, slot, tuple);
		return verdict;
	}
	h->half.flags |= HALF_COMPLETE;
	if (s->cfg.accept_overflow_rst) {
		reply_reset_ack(s, tuple, seg->ack, seg, h->flow, WEIR_STATE_SYN_RECEIVED);
		end(s, slot, WEIR_NO_RESOURCES);
	}
	return verdict;
}

enum weir_counter halfs_input(struct weir_stack *s, uint32_t slot, const struct weir_tuple *tuple,
			      const struct tcp_seg *seg, struct conn **conn)
{
	struct half_slot *h = half_at(s, slot);
	enum weir_counter verdict;

	switch (half_input(&h->half, &s->cfg, seg, halfs_window(s), &verdict)) {
	case HALF_DO_NOTHING:
		break;
	case HALF_DO_SYNACK:
		send_synack_again(s, h);
		break;
	case HALF_DO_ACK:
		send_ack(s, h);
		break;
	case HALF_DO_RST:
		reply_reset_ack(s, tuple, seg->ack, seg, h->flow, WEIR_STATE_SYN_RECEIVED);
		break;
	case HALF_DO_REFUSE:
		reply_reset_seg(s, tuple, seg, h->flow);
		end(s, slot, WEIR_RESET);
		break;
	case HALF_DO_END:
		end(s, slot, WEIR_RESET);
		break;
	case HALF_DO_COMPLETE:
		return third(s, slot, tuple, seg, conn);
	}
	return verdict;
}

static bool icmp_ends(const struct weir_stack *s, const struct half_slot *h, enum half_icmp what)
{
	switch (what) {
	case HALF_ICMP_PATH:
		break;
	case HALF_ICMP_SOFT:
		return pressure_pct(s, &s->listeners[h->listener]) > s->cfg.half_pressure_pct;
	case HALF_ICMP_HARD:
		return true;
	}
	return false;
}

enum weir_counter halfs_icmp(struct weir_stack *s, uint32_t slot, seq_t seq, enum half_icmp what,
			     enum weir_err reason)
{
	const struct half_slot *h = half_at(s, slot);

	if ((h->half.flags & HALF_HELD) || !seq_eq(seq, h->half.iss))
		return WEIR_CTR_ICMP_STRAY; /* RFC5927-01 */
	/* A complete handshake is a connection in all but room: RFC5927-02. */
	if ((h->half.flags & HALF_COMPLETE) || !icmp_ends(s, h, what))
		return WEIR_CTR_ICMP_SOFT;
	end(s, slot, reason);
	return WEIR_CTR_ICMP_HARD;
}

static void on_timeout(struct weir_stack *s, unsigned stage, uint32_t slot)
{
	struct half_slot *h = half_at(s, slot);

	if (stage < HALF_STAGE_SENT || h->half.retries >= s->cfg.half_retries) {
		halfs_end(s, slot, WEIR_TIMEOUT, WEIR_CTR_HALF_EXPIRED);
		return;
	}
	if (pressure_ends(s, h)) {
		halfs_end(s, slot, WEIR_TIMEOUT, WEIR_CTR_HALF_PRESSED);
		return;
	}
	dequeue(s, stage, slot);
	h->half.retries++;
	if (h->half.ecn == ACCECN_KIND_ACCURATE && h->half.retries >= HALF_ACE_RETRIES)
		h->half.ecn = ACCECN_KIND_MUTE; /* RFC9768-04 */
	enqueue(s, stage_of(&h->half), slot, s->cfg.rto_initial_ms << h->half.retries);
	send_synack_again(s, h);
}

void halfs_run(struct weir_stack *s, weir_time now)
{
	if (s->halfs.used == 0)
		return;
	for (unsigned q = 0; q < HALF_STAGES; q++)
		while (q != HALF_STAGE_GONE && fifo_is_due(&s->half_queue[q], &s->halfs, NODE, now))
			on_timeout(s, q, s->half_queue[q].head);
}

weir_time halfs_next(const struct weir_stack *s, weir_time now)
{
	weir_time next = WEIR_NEVER;

	if (s->halfs.used == 0)
		return next;
	for (unsigned q = 0; q < HALF_STAGES; q++) {
		weir_time at = fifo_next(&s->half_queue[q], &s->halfs, NODE, now);

		if (q != HALF_STAGE_GONE && at < next)
			next = at;
	}
	return next;
}

static weir_half half_handle(const struct weir_stack *s, uint32_t slot)
{
	return (weir_half){(uint64_t)half_at(s, slot)->gen << 32 | slot};
}

bool halfs_event(struct weir_stack *s, struct weir_event *ev)
{
	uint32_t slot = s->half_queue[HALF_STAGE_GONE].head;
	enum weir_event_kind kind = WEIR_EV_HALF_GONE;
	struct half_slot *h;

	if (slot == POOL_NONE) {
		slot = s->half_queue[HALF_STAGE_FRESH].head;
		kind = WEIR_EV_SYN;
	}
	if (slot == POOL_NONE)
		return false;
	h = half_at(s, slot);
	*ev = (struct weir_event){.kind = kind};
	ev->half = half_handle(s, slot);
	ev->user = h->user;
	tuple_of(s, h, &ev->tuple);
	if (ev->kind == WEIR_EV_SYN) {
		ev->listener = listener_handle(s, &s->listeners[h->listener]);
		dequeue(s, HALF_STAGE_FRESH, slot);
		h->half.flags |= HALF_TOLD;
		push(s, HALF_STAGE_HELD, slot); /* its time goes on from the SYN */
	} else {
		ev->reason = (enum weir_err)h->half.mss;
		dequeue(s, HALF_STAGE_GONE, slot);
		release(s, slot);
	}
	return true;
}

/* The record of a handle that still waits for its decision; POOL_NONE: none. */
static uint32_t held_get(const struct weir_stack *s, weir_half handle)
{
	uint32_t slot = (uint32_t)handle.v;
	const struct half_slot *h;

	if (handle.v >> 32 == 0 || slot >= s->halfs.fresh)
		return POOL_NONE;
	h = half_at(s, slot);
	if (h->gen != handle.v >> 32 || !(h->half.flags & HALF_HELD) ||
	    !(h->half.flags & HALF_TOLD))
		return POOL_NONE;
	return slot;
}

enum weir_err weir_half_user_set(struct weir_stack *s, weir_half handle, uint64_t user)
{
	uint32_t slot = held_get(s, handle);

	if (slot == POOL_NONE)
		return WEIR_NO_CONN;
	half_at(s, slot)->user = user;
	return WEIR_OK;
}

enum weir_err weir_half_accept(struct weir_stack *s, weir_half handle, uint64_t user, weir_time now)
{
	uint32_t slot = held_get(s, handle);
	struct half_slot *h;
	struct weir_tuple tuple;

	stack_clock(s, now);
	if (slot == POOL_NONE)
		return WEIR_NO_CONN;
	h = half_at(s, slot);
	tuple_of(s, h, &tuple);
	dequeue(s, HALF_STAGE_HELD, slot);
	h->half.flags &= (uint8_t) ~(HALF_HELD | HALF_TOLD);
	h->user = user;
	accept_syn(s, slot, &tuple, demux_hash(s, &tuple));
	return WEIR_OK;
}

enum weir_err weir_half_refuse(struct weir_stack *s, weir_half handle, enum weir_refusal how,
			       weir_time now)
{
	uint32_t slot = held_get(s, handle);
	struct half_slot *h;
	struct weir_tuple tuple;

	stack_clock(s, now);
	if (slot == POOL_NONE)
		return WEIR_NO_CONN;
	h = half_at(s, slot);
	tuple_of(s, h, &tuple);
	refuse_half(s, &tuple, &h->half, h->flow, how);
	h->user = 0; /* who refuses needs no event */
	halfs_end(s, slot, WEIR_REFUSED, WEIR_CTR_HALF_REFUSED);
	return WEIR_OK;
}
