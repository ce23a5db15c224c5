/*
 * codel.c: the CoDel queue discipline.
 *
 * Theory of operation
 *
 * RFC 8289 5.5 writes CoDel as a function dequeue() that takes packets from the queue, drops some,
 * and returns one. Here the loop is the caller's and each packet is one call, so what dequeue() has
 * in its program counter is in `after`: whether the packet before was dropped at this very instant,
 * while dropping, so that drop_next is to be counted on from its own old value before this packet
 * is held against it. The drop that begins the dropping state has set drop_next ahead of the
 * present, so that the packet behind it goes, whatever it waited.
 *
 * A packet may be dropped when packets have been queued for `target` or longer for a whole
 * `interval` (first_above), and more than one packet's worth is left. Dropping goes on at times
 * that come closer with the root of the count, until the queueing time is below the target. When
 * dropping begins again within 16 intervals, it takes up the rate that it ended with.
 *
 * With marks (RFC 8289 is silent; as Linux does) a packet is marked and sent where it would be
 * dropped, and the times are counted in the same way.
 *
 * The law's root is exact in integers: floor(interval / sqrt(count)) is floor(sqrt(floor(interval^2
 * / count))), and interval^2 fits in 64 bits up to 4 s.
 */
#include "link/codel.h"

#define REMEMBER_INTERVALS 16u /* RFC 8289 5.5 */

void codel_init(struct codel *c, uint64_t target_ns, uint64_t interval_ns)
{
	*c = (struct codel){.target_ns = target_ns, .interval_ns = interval_ns};
}

/* floor(sqrt(v)), bit by bit. */
static uint64_t root_of(uint64_t v)
{
	uint64_t root = 0, bit = UINT64_C(1) << 62;

	while (bit > v)
		bit >>= 2;
	for (; bit != 0; bit >>= 2) {
		if (v >= root + bit) {
			v -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return root;
}

uint64_t codel_control_law(const struct codel *c, uint64_t from, uint32_t count)
{
	return from + root_of(c->interval_ns * c->interval_ns / count);
}

/* RFC 8289 5.6, dodequeue(): ok_to_drop. */
static bool may_drop(struct codel *c, const struct codel_packet *p, uint64_t now)
{
	if (p->sojourn_ns < c->target_ns || p->behind <= p->largest) {
		c->first_above = 0;
		return false;
	}
	if (c->first_above == 0) {
		c->first_above = now + c->interval_ns;
		return false;
	}
	return now >= c->first_above;
}

static enum codel_answer answer(struct codel *c, enum codel_answer a, enum codel_after after,
				uint64_t now)
{
	c->after = after;
	c->at = now;
	return a;
}

static enum codel_answer begin_dropping(struct codel *c, const struct codel_packet *p, uint64_t now)
{
	uint32_t delta = c->count - c->last_count;

	c->dropping = true;
	c->count = 1;
	if (delta > 1 && now - c->drop_next < REMEMBER_INTERVALS * c->interval_ns)
		c->count = delta;
	c->drop_next = codel_control_law(c, now, c->count);
	c->last_count = c->count;
	if (p->mark)
		return answer(c, CODEL_MARK, CODEL_AFTER_SEND, now);
	return answer(c, CODEL_DROP, CODEL_AFTER_SEND, now);
}

static enum codel_answer go_on_dropping(struct codel *c, const struct codel_packet *p,
					enum codel_after after, uint64_t now)
{
	if (after == CODEL_AFTER_DROP)
		c->drop_next = codel_control_law(c, c->drop_next, c->count);
	if (now < c->drop_next)
		return answer(c, CODEL_SEND, CODEL_AFTER_SEND, now);
	c->count++;
	if (p->mark) {
		c->drop_next = codel_control_law(c, c->drop_next, c->count);
		return answer(c, CODEL_MARK, CODEL_AFTER_SEND, now);
	}
	return answer(c, CODEL_DROP, CODEL_AFTER_DROP, now);
}

enum codel_answer codel_decide(struct codel *c, const struct codel_packet *p, uint64_t now)
{
	enum codel_after after = c->at == now ? c->after : CODEL_AFTER_SEND;
	bool may = may_drop(c, p, now);

	if (c->dropping && !may)
		c->dropping = false;
	if (c->dropping)
		return go_on_dropping(c, p, after, now);
	if (may)
		return begin_dropping(c, p, now);
	return answer(c, CODEL_SEND, CODEL_AFTER_SEND, now);
}
