/*
 * scenario.c: what a seed means.
 *
 * Theory of operation
 *
 * Each choice is drawn from one generator in a fixed order, so a seed names a run for as long as
 * this file does not change. The choices are skewed to where mistakes hide: nothing sent at all,
 * one byte, a window smaller than a segment, buffers of odd sizes, a clock about to wrap its 32
 * bits of milliseconds, both sides that open or close at once.
 *
 * The bounds of trouble. A transfer must arrive, so the links must not be worse than the timeouts
 * allow. One round trip fails with probability q = 1 - (1 - p)^2, p being loss and damage of one
 * link, 0.08 at most: q = 0.15. The user timeout (300 s) leaves at least ten retransmissions, a
 * half-open record ten SYN-ACKs: q^11 is below 1e-9. A last ACK that is lost until its TIME-WAIT
 * ends (60 s, of which the repeated FINs restart the clock) is rarer still.
 *
 * What stays bounded so that a run is short: at most 128 KB a stream, 2 KB where reads or writes
 * are of single bytes or pauses are long; most streams are below 10 KB.
 */
#include "sim/scenario.h"

#include "sim/draw.h"

#include <string.h>

#define MS               1000000u
#define AGAIN_PORT       5000u
#define WRAP_PORT        6000u
#define ISN_TICK_NS      4000u /* RFC 9293 3.4.1 */
#define CROWD_HOSTS      6u
#define CROWD_TALKS      40u
#define SERVER_PORT      80u
#define SERVER_PORT_HELD 81u
#define BOTH_PORT        4000u
#define HORIZON_NS       (12ull * 3600 * 1000000000)
#define STEPS_MAX        2000000u
#define TALKS_MAX        3u

static void pick_talk(struct sim_rng *r, struct sim_talk_spec *t, uint8_t family,
		      const struct sim_world *w)
{
	unsigned hosts = w->host_count;

	memset(t, 0, sizeof(*t));
	t->host[0] = (unsigned)sim_rng_below(r, hosts);
	t->host[1] = (t->host[0] + 1 + (unsigned)sim_rng_below(r, hosts - 1)) % hosts;
	t->after = SIM_TALK_NONE;
	t->family = family;
	t->port[1] = sim_rng_below(r, 4) ? SERVER_PORT : SERVER_PORT_HELD;
	t->open_at = w->cfg.start + sim_rng_below(r, 10 * MS);
	t->reply = SIM_REPLY_ACCEPT;
	t->reply_after_ns = sim_rng_below(r, 2) ? 0 : sim_rng_below(r, 3000 * (uint64_t)MS);
	t->expect = SIM_EXPECT_INTACT;
	for (unsigned side = 0; side < 2; side++)
		sim_draw_plan(r, &t->plan[side]);
	sim_draw_ends(r, t->plan);
	sim_draw_bound(t->plan);
}

/* Both sides open, so that neither SYN arrives before the other side has opened. */
static void open_both(struct sim_rng *r, struct sim_talk_spec *t, uint16_t port, uint64_t delay_ns)
{
	t->open = SIM_OPEN_BOTH;
	t->port[0] = t->port[1] = port;
	t->open_at_1 = t->open_at + sim_rng_below(r, delay_ns);
}

/* Has the talk opened when the initial sequence number of one side is about to wrap. The ISN is a
 * clock plus a hash of the endpoints (RFC 6528): an attempt that is given up at once tells it. */
static void open_at_wrap(struct sim_world *w, struct sim_rng *r, struct sim_talk_spec *t)
{
	unsigned side = (unsigned)sim_rng_below(r, 2);
	struct sim_host *h = &w->host[t->host[side]];
	struct weir_connect_args args = {.remote.port = t->port[!side],
					 .local.port = t->port[side]};
	unsigned family = t->family == 4 ? 0 : 1; /* as sim_host_addrs() has them */
	uint32_t target = UINT32_MAX - (uint32_t)sim_rng_below(r, 40000);
	struct weir_info info;
	weir_conn conn;

	args.local.addr = h->cfg.addr[family];
	args.remote.addr = w->host[t->host[!side]].cfg.addr[family];
	if (weir_connect(h->stack, &args, w->cfg.start, &conn) != WEIR_OK)
		return;
	if (weir_conn_info(h->stack, conn, &info) == WEIR_OK)
		t->open_at = w->cfg.start + (uint64_t)(target - info.snd_una) * ISN_TICK_NS;
	weir_abort(h->stack, conn, w->cfg.start);
}

static void make_unruly(struct sim_rng *r, struct sim_talk_spec *t)
{
	struct sim_plan *p = &t->plan[sim_rng_below(r, 2)];

	t->expect = SIM_EXPECT_ANY;
	t->plan[0].keepalive = t->plan[1].keepalive = 1;
	switch (sim_rng_below(r, 4)) {
	case 0:
		t->port[1] = SERVER_PORT_HELD;
		t->reply = SIM_REPLY_REFUSE;
		break;
	case 1:
		p->close = SIM_CLOSE_EARLY;
		break;
	default:
		p->close = SIM_CLOSE_ABORT;
		p->abort_at = sim_rng_below(r, 2) ? sim_rng_below(r, 6000) : 0;
		break;
	}
}

/* --- The world -------------------------------------------------------------------------------- */

/* Tables that do not run out. */
static void make_room(struct weir_config *c)
{
	c->conns_max = 4 * CROWD_TALKS;
	c->halfs_max = c->half_source_max = 4 * CROWD_TALKS;
	c->timewaits_max = 4 * CROWD_TALKS;
	c->pages_max = 4096;
	c->ranges_max = 2048;
	c->replies_max = 256;
}

static void make_hosts(struct sim_world *w, struct sim_rng *r, enum sim_scenario_kind kind,
		       uint8_t family)
{
	struct sim_host_config host;

	for (unsigned i = 0; i < w->cfg.hosts_max; i++) {
		/* The larger least MTU, where both families are spoken. */
		sim_draw_host(r, &host, i, kind == SIM_SCENARIO_CROWD ? 6 : family, w->cfg.seed);
		if (kind == SIM_SCENARIO_CROWD)
			make_room(&host.stack);
		sim_world_host_add(w, &host);
		if (w->oracle.failed)
			return;
		sim_host_listen(&w->host[i], SERVER_PORT, WEIR_ACCEPT_EARLY);
		sim_host_listen(&w->host[i], SERVER_PORT_HELD, WEIR_ACCEPT_HELD);
	}
}

static void make_links(struct sim_world *w, struct sim_rng *r, enum sim_scenario_kind kind)
{
	struct sim_link_config link;

	for (unsigned from = 0; from < w->host_count; from++)
		for (unsigned to = 0; to < w->host_count; to++) {
			if (from == to)
				continue;
			sim_draw_link(r, &link);
			if (kind == SIM_SCENARIO_UNRULY && sim_rng_below(r, 6) == 0)
				link.dead_from =
					w->cfg.start + sim_rng_below(r, 2000 * (uint64_t)MS);
			sim_world_link_set(w, from, to, &link);
		}
}

/* The same endpoints talk again while the listener's side is in TIME-WAIT: a newer SYN reuses the
 * pair (RFC 6191), and nothing of the old life may be taken for the new. */
static void talk_again(struct sim_world *w, struct sim_rng *r, const struct sim_talk_spec *first)
{
	struct sim_talk_spec again = *first;
	struct sim_talk *t = &w->talks.list[w->talks.count - 1];

	if (first->open == SIM_OPEN_BOTH)
		return;
	/* Side 1 ends first, so that TIME-WAIT is there. */
	t->spec.port[0] = t->at[0].port = (uint16_t)(AGAIN_PORT + t->number);
	t->spec.plan[0].close = SIM_CLOSE_LAST;
	if (t->spec.plan[1].close == SIM_CLOSE_LAST || t->spec.plan[1].start == SIM_START_EOF)
		t->spec.plan[1] = (struct sim_plan){.total = 1000,
						    .write_min = 1,
						    .write_max = 536,
						    .read_min = 1,
						    .read_max = 1460,
						    .start = SIM_START_CONNECTED};
	again.port[0] = t->spec.port[0];
	again.after = t->number;
	again.open_at = sim_rng_below(r, 5000 * (uint64_t)MS);
	sim_world_talk_add(w, &again);
}

static void make_talk(struct sim_world *w, struct sim_rng *r, enum sim_scenario_kind kind,
		      uint8_t family)
{
	struct sim_talk_spec t;
	uint64_t delay_ns;

	pick_talk(r, &t, family, w);
	delay_ns = sim_world_link(w, t.host[0], t.host[1])->cfg.delay_ns;
	if (sim_rng_below(r, 16) == 0) {
		t.port[0] = (uint16_t)(WRAP_PORT + w->talks.count);
		open_at_wrap(w, r, &t);
	}
	if (sim_rng_below(r, 8) == 0)
		open_both(r, &t, (uint16_t)(BOTH_PORT + w->talks.count), delay_ns);
	if (kind == SIM_SCENARIO_UNRULY || (kind == SIM_SCENARIO_CROWD && sim_rng_below(r, 3) == 0))
		make_unruly(r, &t);
	sim_world_talk_add(w, &t);
	if (t.expect == SIM_EXPECT_INTACT && sim_rng_below(r, 16) == 0)
		talk_again(w, r, &t);
}

static unsigned pick_talks(struct sim_rng *r, enum sim_scenario_kind kind)
{
	if (kind == SIM_SCENARIO_CROWD)
		return (unsigned)sim_rng_range(r, 5, CROWD_TALKS);
	return sim_rng_below(r, 8) ? 1 : (unsigned)sim_rng_range(r, 2, TALKS_MAX);
}

void sim_scenario_make(struct sim_world *w, enum sim_scenario_kind kind, uint64_t seed,
		       const struct sim_hooks *hooks)
{
	struct sim_world_config cfg = {.seed = seed,
				       .horizon_ns = HORIZON_NS,
				       .steps_max = STEPS_MAX,
				       .talks_max = 2 * CROWD_TALKS,
				       .hosts_max = 2};
	unsigned talks;
	struct sim_rng r;
	uint8_t family;

	sim_rng_seed(&r, seed);
	cfg.start = sim_draw_start(&r);
	if (kind == SIM_SCENARIO_CROWD)
		cfg.hosts_max = (uint32_t)sim_rng_range(&r, 3, CROWD_HOSTS);
	if (hooks != NULL)
		cfg.hooks = *hooks;
	sim_world_init(w, &cfg);
	family = sim_rng_below(&r, 2) ? 4 : 6;
	make_hosts(w, &r, kind, family);
	make_links(w, &r, kind);
	if (w->oracle.failed)
		return;
	for (talks = pick_talks(&r, kind); talks > 0; talks--) {
		if (kind == SIM_SCENARIO_CROWD)
			family = sim_rng_below(&r, 2) ? 4 : 6;
		make_talk(w, &r, kind, family);
	}
}
