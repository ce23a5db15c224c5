/*
 * Theory of operation
 *
 * RFC 6056 3.3.3 (simple hash-based): a keyed hash of the addresses and the remote port gives the
 * starting point, a counter moves it on, and the first port from there that is free is taken. An
 * outsider cannot tell the next port, and ports towards one destination do not repeat soon.
 */
#include "stack/ports.h"

#include "stack/demux.h"
#include "stack/listeners.h"
#include "tcp/isn.h"

static bool listened(const struct weir_stack *s, const struct weir_tuple *t)
{
	const struct listener *l = listeners_find(s, &t->local);

	return l && l->local.port != 0; /* a catch-all reserves nothing */
}

enum weir_err ports_choose(struct weir_stack *s, struct weir_tuple *t)
{
	uint32_t first = (uint32_t)s->cfg.port_first;
	uint32_t count = (uint32_t)s->cfg.port_last - first + 1;
	uint8_t id[36];
	uint32_t start;

	t->local.port = 0;
	start = isn_port_offset(s->cfg.isn_key, id, stack_tuple_id(t, id)) + s->port_seq;
	for (uint32_t i = 0; i < count; i++) {
		t->local.port = (uint16_t)(first + (start + i) % count);
		if (demux_find(s, t) == REF_NONE && !listened(s, t)) {
			s->port_seq += i + 1;
			return WEIR_OK;
		}
	}
	return WEIR_NO_PORT;
}
