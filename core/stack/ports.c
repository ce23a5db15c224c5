/*
 * Theory of operation
 *
 * RFC 6056 3.3.4 (double hash): a keyed hash of the addresses and the remote port gives the
 * starting point, a counter moves it on, and the first port from there that can be had is taken. A
 * second hash of the same chooses the counter, one of PORT_COUNTERS. An outsider cannot tell the
 * next port, a destination sees nothing of how often others are connected to (but for one in a
 * thousand), and its ports come round again as late as the range permits.
 *
 * A port can be had if nobody owns the pair, or if a TIME-WAIT record does that may go
 * (timewaits_may_yield()): else a client of one server could open no more than the range in 2MSL,
 * 28,232 ports in 60 s, and would come to a stop for the rest of it. As ports come round in turn,
 * the record that is met first is the oldest.
 */
#include "stack/ports.h"

#include "stack/demux.h"
#include "stack/listeners.h"
#include "stack/timewaits.h"
#include "tcp/isn.h"

static bool listened(const struct weir_stack *s, const struct weir_tuple *t)
{
	const struct listener *l = listeners_find(s, &t->local);

	return l && l->local.port != 0; /* a catch-all reserves nothing */
}

static bool can_be_had(const struct weir_stack *s, const struct weir_tuple *t)
{
	uint32_t ref = demux_find(s, t);

	if (ref == REF_NONE)
		return true;
	return ref_kind(ref) == REF_TIMEWAIT && timewaits_may_yield(s, ref_slot(ref));
}

enum weir_err ports_choose(struct weir_stack *s, struct weir_tuple *t)
{
	uint32_t first = (uint32_t)s->cfg.port_first;
	uint32_t count = (uint32_t)s->cfg.port_last - first + 1;
	uint8_t id[36];
	uint32_t *seq, start;
	size_t n;

	t->local.port = 0;
	n = stack_tuple_id(t, id);
	seq = &s->port_seq[isn_port_counter(s->cfg.isn_key, id, n) % PORT_COUNTERS];
	start = isn_port_offset(s->cfg.isn_key, id, n) + *seq;
	for (uint32_t i = 0; i < count; i++) {
		t->local.port = (uint16_t)(first + (start + i) % count);
		if (can_be_had(s, t) && !listened(s, t)) {
			*seq += i + 1;
			return WEIR_OK;
		}
	}
	return WEIR_NO_PORT;
}
