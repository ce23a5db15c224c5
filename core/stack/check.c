#include "stack/check.h"

#include "stack/conns.h"
#include "stack/demux.h"
#include "stack/halfs.h"
#include "stack/listeners.h"
#include "tcp/board.h"

struct sums {
	uint32_t conns, attached, orphans, pages, ranges, sends, extra, cc_loss, cc_bbr, pending;
};

static const char *check_conn(const struct weir_stack *s, const struct conn *c, struct sums *n)
{
	const char *bad = tcb_check(&s->env, &c->tcb);
	uint32_t slot = pool_index(&s->conns, c);

	n->conns++;
	n->attached += c->attached;
	n->orphans += c->orphan;
	n->pages += c->tcb.sndq.q.held + c->tcb.rcvq.q.held;
	n->ranges += c->tcb.rcvq.ooo.count;
	n->sends += c->tcb.board.count;
	n->extra += c->tcb.board.count > BOARD_FLOOR ? c->tcb.board.count - BOARD_FLOOR : 0;
	if (c->tcb.cc.priv.any)
		++*(c->tcb.cc.kind == CC_BBR ? &n->cc_bbr : &n->cc_loss);
	n->pending += c->listener != POOL_NONE;
	if (bad)
		return bad;
	if (c->attached && demux_find(s, &c->tuple) != ref_make(REF_CONN, slot))
		return "a connection's tuple leads elsewhere";
	if (!c->attached && c->tcb.state != WEIR_STATE_CLOSED &&
	    c->tcb.state != WEIR_STATE_TIME_WAIT)
		return "a living connection has no tuple";
	if (c->tcb.events && list_empty(&c->event) && c->tcb.events != 1u << WEIR_EV_CLOSED)
		return "events wait and nobody will hear of them";
	return NULL;
}

static const char *check_conns(const struct weir_stack *s, struct sums *n)
{
	for (uint32_t i = 0; i < s->conns.fresh; i++) {
		const struct conn *c = pool_at(&s->conns, i);
		const char *bad = c->gen & 1 ? check_conn(s, c, n) : NULL;

		if (bad)
			return bad;
	}
	return NULL;
}

static uint32_t chained(const struct weir_stack *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= s->bucket_mask; i++) {
		uint32_t ref = s->buckets[i];

		while (ref != REF_NONE) {
			const uint32_t *next =
				ref_kind(ref) == REF_CONN   ? pool_at(&s->conns, ref_slot(ref))
				: ref_kind(ref) == REF_HALF ? pool_at(&s->halfs, ref_slot(ref))
							    : pool_at(&s->timewaits, ref_slot(ref));
			n++;
			ref = *next;
		}
	}
	return n;
}

static unsigned stage_of(const struct half_slot *h)
{
	if (h->half.flags & HALF_HELD)
		return h->half.flags & HALF_TOLD ? HALF_STAGE_HELD : HALF_STAGE_FRESH;
	return HALF_STAGE_SENT + h->half.retries;
}

/* A queue of half-open records: each belongs there, and is due no earlier than the one before. */
static const char *check_half_queue(const struct weir_stack *s, unsigned stage)
{
	const struct half_slot *before = NULL;
	uint32_t slot = s->half_queue[stage].head;

	while (slot != POOL_NONE) {
		const struct half_slot *h = half_at(s, slot);

		if (!(h->gen & 1))
			return "a free half-open record is in a queue";
		if (stage_of(h) != stage)
			return "a half-open record is in another's queue";
		if ((h->half.flags & HALF_HELD) && (h->half.flags & HALF_COMPLETE))
			return "a handshake is complete that was not begun";
		if (before && (int32_t)(h->queue.due_ms - before->queue.due_ms) < 0)
			return "a queue of half-open records is not in order of time";
		before = h;
		slot = h->queue.next;
	}
	return NULL;
}

/* Records of a kind and what the table of limits counts: equal, unless it forgot some. */
static bool limits_differ(const struct weir_stack *s, enum weir_limit_kind kind, uint32_t records)
{
	uint32_t counted = limits_records(s, kind);

	if (!limits_in_force(s, kind))
		return counted != 0;
	return counted > records || (counted < records && !s->limits.forgotten);
}

static const char *check_listeners(const struct weir_stack *s)
{
	uint32_t records = 0, held = 0;

	for (uint32_t i = 0; i < s->cfg.listeners_max; i++) {
		const struct listener *l = &s->listeners[i];

		if (!l->used)
			continue;
		if (l->halfs > l->backlog || l->pending > l->backlog)
			return "a listener has more than its backlog";
		records += l->halfs;
		held += l->mode == WEIR_ACCEPT_HELD ? l->halfs : 0;
	}
	if (limits_differ(s, WEIR_LIMIT_SOURCE, records))
		return "half-open records and the counts of their sources differ";
	if (limits_differ(s, WEIR_LIMIT_DEST, held))
		return "held records and the counts of their destinations differ";
	return NULL;
}

static const char *check_halfs(const struct weir_stack *s)
{
	for (unsigned i = 0; i < HALF_STAGES; i++) {
		const char *bad = i == HALF_STAGE_GONE ? NULL : check_half_queue(s, i);

		if (bad)
			return bad;
	}
	return check_listeners(s);
}

static const char *check_records(const struct weir_stack *s, const struct sums *n)
{
	uint32_t queued = 0, of_listeners = 0, pending = 0;
	uint32_t gone = s->half_queue[HALF_STAGE_GONE].count;

	for (unsigned i = 0; i < HALF_STAGES; i++)
		queued += s->half_queue[i].count;
	for (uint32_t i = 0; i < s->cfg.listeners_max; i++) {
		of_listeners += s->listeners[i].used ? s->listeners[i].halfs : 0;
		pending += s->listeners[i].used ? s->listeners[i].pending : 0;
	}
	if (queued != s->halfs.used)
		return "a half-open record is in no queue, or in two";
	if (of_listeners != queued - gone)
		return "half-open records and their counts differ";
	if (pending != n->pending)
		return "accepted connections and their listeners' counts differ";
	if (s->timewait_queue.count + s->cookie_queue.count != s->timewaits.used)
		return "a TIME-WAIT record is not in the queue";
	if (chained(s) != n->attached + queued - gone + s->timewaits.used)
		return "owners and buckets differ";
	return NULL;
}

const char *weir_stack_check(const struct weir_stack *s)
{
	struct sums n = {0};
	const char *bad = check_conns(s, &n);

	if (bad)
		return bad;
	if (n.conns != s->conns.used)
		return "connections and their pool differ";
	if (n.orphans != s->orphans)
		return "closed connections and their count differ";
	if (n.pages != s->env.pages.used)
		return "pages held and pages taken differ";
	if (n.ranges != s->env.ranges.used)
		return "ranges held and ranges taken differ";
	if (n.sends != s->env.sends.used || n.extra != s->env.sends_extra)
		return "scoreboard records held and taken differ";
	if (n.cc_loss != s->env.cc_loss.used || n.cc_bbr != s->env.cc_bbr.used)
		return "states of congestion control held and taken differ";
	bad = check_records(s, &n);
	return bad ? bad : check_halfs(s);
}
