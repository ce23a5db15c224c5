/*
 * Theory of operation
 *
 * A half-open record lives for the sum of its SYN-ACK's timeouts, 63 s with the defaults: time for
 * a peer to whom several of them are lost. While a flood goes on, that is what fills the queue, so
 * the life falls with the room that is left (RFC 4987 3.3). From half_pressure_pct of the
 * listener's backlog or of all records, whichever is fuller, it falls on a straight line
 *
 *   life  63 s |----------.
 *              |           `.
 *              |             `.
 *    3 s       |               `
 *              +----------+----+---  in use
 *                        50 % 100 %
 *
 * to half_life_min_ms, which lets one lost SYN-ACK be sent again. It is asked for at two places: a
 * record whose timer fires has its SYN-ACK sent again only if it may still live; and when a SYN
 * finds its queue full, the oldest record that has lived its time gives way at once (RFC 4987 3.4).
 * A record whose handshake is complete, and waits for the application, is nobody's flood: it gives
 * way to none.
 *
 * Held records wait for the application, not for the peer, so age says nothing against them until
 * half_held_ms. But a gateway to many dead destinations must go on: at their limit the oldest held
 * record gives way to the new one (HALF_GONE with NO_RESOURCES, to who gave it a user value). The
 * limit is 7/8 of all records: the rest is for those that wait for that event to be read. That the
 * oldest goes is right among destinations, as the oldest has waited longest in vain. Within one
 * destination or source (limits.h) it is the newest that is refused: else a flood to one would
 * end each of its attempts before it could be decided.
 *
 * All of it is O(1). The records of a queue wait equally long, so its first is its oldest, and the
 * oldest of all is the oldest of these. Where one of a certain listener is looked for, others may
 * stand before it: LOOK records of a queue are looked at, and if none is the listener's, its timer
 * ends it soon enough.
 */
#include "stack/pressure.h"

#include "stack/halfs.h"

#define LOOK     8u
#define NOBODY   UINT32_MAX
#define FULL_PCT 100u

/* Of all records this part is kept for held ones whose HALF_GONE was not read. */
#define GONE_PART 8u

unsigned pressure_pct(const struct weir_stack *s, const struct listener *l)
{
	uint64_t own = 100ull * l->halfs / l->backlog;
	uint64_t all = 100ull * s->halfs.used / s->cfg.halfs_max;
	uint64_t pct = own > all ? own : all;

	return pct < FULL_PCT ? (unsigned)pct : FULL_PCT;
}

/* From the first SYN-ACK until the timeout of the one that was sent `retries` times again. */
static uint64_t waits_ms(const struct weir_stack *s, uint64_t retries)
{
	return (s->cfg.rto_initial_ms << (retries + 1)) - s->cfg.rto_initial_ms;
}

uint32_t pressure_age_ms(const struct weir_stack *s, const struct half_slot *h, weir_time now)
{
	bool held = h->half.flags & HALF_HELD;
	uint64_t waits = held ? s->cfg.half_held_ms : waits_ms(s, h->half.retries);
	uint32_t began = h->queue.due_ms - (uint32_t)waits;
	int32_t age = (int32_t)((uint32_t)(now / NS_PER_MS) - began);

	return age > 0 ? (uint32_t)age : 0; /* the time of a queue is rounded up */
}

uint64_t pressure_life_ms(const struct weir_stack *s)
{
	return waits_ms(s, s->cfg.half_retries);
}

/* UINT64_MAX: as long as its retransmissions last, however late its timers run. */
static uint64_t life_ms(const struct weir_stack *s, const struct listener *l)
{
	uint64_t whole = pressure_life_ms(s), least = s->cfg.half_life_min_ms;
	uint64_t from = s->cfg.half_pressure_pct, in_use = pressure_pct(s, l);

	if (in_use <= from || least >= whole)
		return UINT64_MAX;
	return whole - (whole - least) * (in_use - from) / (FULL_PCT - from);
}

bool pressure_ends(const struct weir_stack *s, const struct half_slot *h)
{
	const struct listener *l = &s->listeners[h->listener];

	if (h->half.flags & HALF_COMPLETE)
		return false;
	return pressure_age_ms(s, h, s->now) >= life_ms(s, l);
}

/* The first of a queue that is of `listener` (NOBODY: of any) and may give way. */
static uint32_t first_of(const struct weir_stack *s, unsigned stage, uint32_t listener)
{
	uint32_t slot = s->half_queue[stage].head;

	for (unsigned i = 0; i < LOOK && slot != POOL_NONE; i++) {
		const struct half_slot *h = half_at(s, slot);

		if ((listener == NOBODY || h->listener == listener) &&
		    !(h->half.flags & HALF_COMPLETE))
			return slot;
		slot = h->queue.next;
	}
	return POOL_NONE;
}

/* The oldest whose SYN-ACK was sent, if it has lived as long as it may now. */
static uint32_t oldest_sent(const struct weir_stack *s, uint32_t listener)
{
	uint32_t oldest = POOL_NONE, age = 0;

	for (unsigned q = HALF_STAGE_SENT; q < HALF_STAGES; q++) {
		uint32_t slot = first_of(s, q, listener);

		if (slot == POOL_NONE || !pressure_ends(s, half_at(s, slot)))
			continue;
		if (oldest == POOL_NONE || pressure_age_ms(s, half_at(s, slot), s->now) > age) {
			oldest = slot;
			age = pressure_age_ms(s, half_at(s, slot), s->now);
		}
	}
	return oldest;
}

/* Events are read in the order of the SYNs: who was told is older than who was not. */
static uint32_t oldest_held(const struct weir_stack *s, uint32_t listener)
{
	uint32_t slot = first_of(s, HALF_STAGE_HELD, listener);

	return slot != POOL_NONE ? slot : first_of(s, HALF_STAGE_FRESH, listener);
}

/* One gives way to a record of `l`; of those of `listener`, NOBODY: of all. */
static bool give_way(struct weir_stack *s, const struct listener *l, uint32_t listener)
{
	enum weir_counter why = WEIR_CTR_HALF_PRESSED;
	uint32_t slot = oldest_sent(s, listener);

	if (slot == POOL_NONE && l->mode == WEIR_ACCEPT_HELD) {
		why = WEIR_CTR_HALF_EVICTED;
		slot = oldest_held(s, listener);
	}
	if (slot == POOL_NONE)
		return false;
	if (half_at(s, slot)->user && s->halfs.used == s->halfs.count)
		return false; /* it would keep its place until its event is read */
	halfs_end(s, slot, why == WEIR_CTR_HALF_EVICTED ? WEIR_NO_RESOURCES : WEIR_TIMEOUT, why);
	return true;
}

bool pressure_make_room(struct weir_stack *s, const struct listener *l)
{
	uint32_t part = l->mode == WEIR_ACCEPT_HELD ? s->halfs.count / GONE_PART : 0;

	if (l->halfs >= l->backlog && !give_way(s, l, (uint32_t)(l - s->listeners)))
		return false;
	if (s->halfs.used >= s->halfs.count - part)
		give_way(s, l, NOBODY);
	return true;
}
