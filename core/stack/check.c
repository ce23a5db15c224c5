#include "stack/check.h"

#include "stack/conns.h"
#include "stack/demux.h"
#include "stack/listeners.h"

struct sums {
	uint32_t conns, attached, pages, ranges, pending;
};

static const char *check_conn(const struct weir_stack *s, const struct conn *c, struct sums *n)
{
	const char *bad = tcb_check(&c->tcb);
	uint32_t slot = pool_index(&s->conns, c);

	n->conns++;
	n->attached += c->attached;
	n->pages += c->tcb.sndq.q.held + c->tcb.rcvq.q.held;
	n->ranges += c->tcb.rcvq.ooo.count;
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

static const char *check_records(const struct weir_stack *s, const struct sums *n)
{
	uint32_t queued = 0, of_listeners = 0, pending = 0, sources = 0;
	uint32_t gone = s->half_queue[HALF_STAGE_GONE].count;

	for (unsigned i = 0; i < HALF_STAGES; i++)
		queued += s->half_queue[i].count;
	for (uint32_t i = 0; i < s->cfg.listeners_max; i++) {
		of_listeners += s->listeners[i].used ? s->listeners[i].halfs : 0;
		pending += s->listeners[i].used ? s->listeners[i].pending : 0;
	}
	for (uint32_t i = 0; i <= s->source_mask; i++)
		sources += s->sources[i];
	if (queued != s->halfs.used)
		return "a half-open record is in no queue, or in two";
	if (of_listeners != queued - gone || sources != queued - gone)
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
	if (n.pages != s->env.pages.used)
		return "pages held and pages taken differ";
	if (n.ranges != s->env.ranges.used)
		return "ranges held and ranges taken differ";
	return check_records(s, &n);
}
