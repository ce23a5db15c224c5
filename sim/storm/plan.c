/*
 * plan.c: what a seed means.
 *
 * Theory of operation
 *
 * A storm is calm or wild. In a calm one everything goes wrong that a TCP must overcome: packets
 * are lost, doubled, reordered, damaged, marked, links are cut for seconds, the path's MTU falls,
 * routers send errors that end nothing, forged packets lie just beside what may be heeded. There
 * every stream of an orderly application must arrive whole. In a wild one hosts crash, tables are
 * too small, links are cut for minutes or lose a third of all packets, routers send errors that end
 * attempts, listeners close, and applications abort: there each stream must be a prefix of what was
 * sent, each end must end, and everything that holds at every step must hold.
 *
 * Keep-alive is on wherever a peer may vanish without a word: without it an end that only waits
 * waits for ever, as the RFC allows.
 *
 * The lifetime of packets is bounded by the links (delay, queue, reordering) to some 10 s, the MSL
 * of these networks, and TIME-WAIT lasts 30 s at least.
 */
#include "sim/storm/plan.h"

#include <string.h>

#include "sim/draw.h"

#define MS           1000000ull
#define SECOND       (1000 * MS)
#define PORT_EARLY   80u
#define PORT_HELD    81u
#define PORT_NARROW  82u /* a listener with a short backlog */
#define PORT_NOBODY  99u
#define PORT_AGAIN   5000u
#define PORT_BOTH    4000u
#define STREAM_MAX   65536u
#define ROOMY_TABLES 64u

enum topic { TOPIC_WORLD, TOPIC_HOST, TOPIC_LINK, TOPIC_TALK, TOPIC_TROUBLE };

static struct sim_rng rng_of(const struct storm_plan *p, enum topic topic, unsigned number)
{
	struct sim_rng r;

	sim_rng_seed(&r, sim_mix(p->seed) ^ sim_mix(((uint64_t)topic << 32) + number));
	return r;
}

static bool one_of(struct sim_rng *r, unsigned n)
{
	return sim_rng_below(r, n) == 0;
}

/* --- Hosts -------------------------------------------------------------------------------------
 */

static void make_roomy(struct weir_config *c)
{
	c->conns_max = ROOMY_TABLES;
	c->halfs_max = c->half_source_max = ROOMY_TABLES;
	c->timewaits_max = ROOMY_TABLES;
	c->pages_max = 1024;
	c->ranges_max = 512;
	c->replies_max = 128;
}

static void make_narrow(struct sim_rng *r, struct weir_config *c)
{
	c->conns_max = sim_rng_range(r, 1, 8);
	c->halfs_max = sim_rng_range(r, 1, 4);
	c->half_source_max = sim_rng_range(r, 1, 4);
	c->timewaits_max = sim_rng_range(r, 1, 4);
	c->pages_max = sim_rng_range(r, 8, 64);
	c->ranges_max = 16;
	c->replies_max = 16;
}

/* What a host of a wild storm may have set otherwise. */
static void make_odd(struct sim_rng *r, struct weir_config *c)
{
	static const uint32_t seconds[] = {2, 10, 60, 120};

	if (one_of(r, 3))
		c->r2_ms = 1000 * PICK(r, seconds);
	if (one_of(r, 3))
		c->syn_r2_ms = 1000 * PICK(r, seconds);
	if (one_of(r, 3))
		c->finwait2_ms = 1000 * PICK(r, seconds);
	if (one_of(r, 4))
		c->timewait_ms = 30000;
	if (one_of(r, 4))
		c->half_retries = sim_rng_below(r, 6);
	if (one_of(r, 4))
		c->half_held_ms = 1000 * PICK(r, seconds);
	if (one_of(r, 4))
		c->orphan_retries = sim_rng_range(r, 1, 8);
	if (one_of(r, 4))
		c->cookies = sim_rng_below(r, 3);
	if (one_of(r, 6))
		c->source_rate = sim_rng_range(r, 1, 4);
	if (one_of(r, 6))
		c->accept_overflow_rst = 1;
	if (one_of(r, 6))
		c->timewait_reuse = 0;
	if (one_of(r, 6))
		c->timewait_rst_ignored = 0;
	if (one_of(r, 6))
		c->challenge_count = sim_rng_range(r, 1, 3);
	if (one_of(r, 6))
		c->icmp_rate = sim_rng_below(r, 3);
	if (one_of(r, 6))
		c->rto_initial_ms = sim_rng_range(r, 50, 3000);
}

static void draw_listeners(struct storm_plan *p, struct sim_rng *r, unsigned n)
{
	struct weir_listen_args *l = p->listen[n];

	l[0] = (struct weir_listen_args){.local.port = PORT_EARLY, .mode = WEIR_ACCEPT_EARLY};
	l[1] = (struct weir_listen_args){.local.port = PORT_HELD, .mode = WEIR_ACCEPT_HELD};
	l[2] = (struct weir_listen_args){.local.port = PORT_NARROW,
					 .mode = one_of(r, 2) ? WEIR_ACCEPT_EARLY
							      : WEIR_ACCEPT_HELD,
					 .backlog = (uint32_t)sim_rng_range(r, 1, 3)};
}

static void draw_host(struct storm_plan *p, unsigned n)
{
	struct sim_rng r = rng_of(p, TOPIC_HOST, n);
	struct weir_config *c = &p->host[n].stack;

	sim_draw_host(&r, &p->host[n], n, p->family == 4 ? 4 : 6, p->seed);
	make_roomy(c);
	if (c->rcvbuf > 65535 && !one_of(&r, 4))
		c->rcvbuf = 65535;
	if (p->wild && one_of(&r, 4))
		make_narrow(&r, c);
	if (p->wild)
		make_odd(&r, c);
	draw_listeners(p, &r, n);
}

/* --- Links -------------------------------------------------------------------------------------
 */

static void make_bad(struct sim_rng *r, struct sim_link_config *l)
{
	if (one_of(r, 3))
		l->loss_ppm = (uint32_t)sim_rng_below(r, 300000);
	if (one_of(r, 4))
		l->corrupt_ppm = (uint32_t)sim_rng_below(r, 100000);
	if (one_of(r, 3))
		l->dup_ppm = (uint32_t)sim_rng_below(r, 300000);
	if (one_of(r, 3)) {
		l->burst_ppm = (uint32_t)sim_rng_below(r, 30000);
		l->burst_max = (uint32_t)sim_rng_range(r, 2, 40);
	}
	if (one_of(r, 4)) {
		l->error_ppm = (uint32_t)sim_rng_below(r, 30000);
		l->error_last = SIM_ICMP_COUNT - 1;
	}
	l->silent = one_of(r, 4);
	if (one_of(r, 4))
		l->queue_bytes = sim_rng_range(r, 3000, 30000);
}

static void draw_link(struct storm_plan *p, unsigned from, unsigned to)
{
	struct sim_rng r = rng_of(p, TOPIC_LINK, from * STORM_HOSTS_MAX + to);
	struct sim_link_config *l = &p->link[from][to];

	sim_draw_link(&r, l);
	if (one_of(&r, 4)) {
		l->burst_ppm = (uint32_t)sim_rng_below(&r, 3000);
		l->burst_max = 6;
	}
	if (one_of(&r, 2))
		l->ecn_ppm = (uint32_t)sim_rng_below(&r, 500000);
	if (one_of(&r, 6)) {
		l->error_ppm = (uint32_t)sim_rng_below(&r, 10000);
		l->error_last = SIM_ICMP_SOFT_COUNT - 1;
	}
	if (p->wild)
		make_bad(&r, l);
}

/* --- Troubles ----------------------------------------------------------------------------------
 */

static uint32_t draw_mtu(const struct storm_plan *p, struct sim_rng *r)
{
	static const uint32_t mtus4[] = {296, 576, 1006, 1280, 1400, 1492};
	static const uint32_t mtus6[] = {1280, 1280, 1400, 1492};

	return p->family == 4 ? PICK(r, mtus4) : PICK(r, mtus6);
}

static struct sim_trouble *new_trouble(struct storm_plan *p, struct sim_rng *r,
				       enum sim_trouble_kind kind)
{
	struct sim_trouble *t;

	if (p->troubles == STORM_TROUBLES_MAX)
		p->troubles--;
	t = &p->trouble[p->troubles++];
	*t = (struct sim_trouble){.kind = kind};
	t->at = sim_rng_below(r, one_of(r, 2) ? 500 * MS : 6 * SECOND);
	t->host = (unsigned)sim_rng_below(r, p->hosts);
	t->from = (unsigned)sim_rng_below(r, p->hosts);
	t->to = (t->from + 1 + (unsigned)sim_rng_below(r, p->hosts - 1)) % p->hosts;
	return t;
}

static void draw_crash(struct storm_plan *p, struct sim_rng *r)
{
	struct sim_trouble *t = new_trouble(p, r, SIM_TROUBLE_CRASH);
	static const uint32_t downs_ms[] = {1, 5, 50, 300, 1000, 5000, 40000};

	t->for_ns = sim_rng_range(r, 1, PICK(r, downs_ms) * MS);
	if (one_of(r, 12))
		t->for_ns = WEIR_NEVER;
}

static void draw_deafness(struct storm_plan *p, struct sim_rng *r)
{
	struct sim_trouble *t = new_trouble(p, r, SIM_TROUBLE_DEAF);

	t->for_ns = one_of(r, 4) ? WEIR_NEVER : sim_rng_range(r, MS, 5 * SECOND);
}

static void draw_cut(struct storm_plan *p, struct sim_rng *r)
{
	struct sim_trouble *t = new_trouble(p, r, SIM_TROUBLE_CUT);

	t->for_ns = sim_rng_range(r, MS, 5 * SECOND);
	if (p->wild && one_of(r, 3))
		t->for_ns = sim_rng_range(r, SECOND, 400 * SECOND);
	if (p->wild && one_of(r, 10))
		t->for_ns = WEIR_NEVER;
	if (one_of(r, 2)) { /* the other direction too */
		struct sim_trouble *back = new_trouble(p, r, SIM_TROUBLE_CUT);

		back->at = t->at;
		back->for_ns = t->for_ns;
		back->from = t->to;
		back->to = t->from;
	}
}

static void draw_fall(struct storm_plan *p, struct sim_rng *r)
{
	struct sim_trouble *t = new_trouble(p, r, SIM_TROUBLE_MTU);

	t->mtu = draw_mtu(p, r);
	t->for_ns = one_of(r, 3) ? WEIR_NEVER : sim_rng_range(r, MS, 10 * SECOND);
}

static void draw_troubles(struct storm_plan *p)
{
	struct sim_rng r = rng_of(p, TOPIC_TROUBLE, 0);
	unsigned n;

	for (n = p->wild && !one_of(&r, 3) ? (unsigned)sim_rng_range(&r, 1, 3) : 0; n > 0; n--)
		draw_crash(p, &r);
	for (n = p->wild && one_of(&r, 4) ? 1 : 0; n > 0; n--)
		draw_deafness(p, &r);
	for (n = one_of(&r, 2) ? (unsigned)sim_rng_range(&r, 1, 2) : 0; n > 0; n--)
		draw_cut(p, &r);
	for (n = one_of(&r, 3) ? (unsigned)sim_rng_range(&r, 1, 2) : 0; n > 0; n--)
		draw_fall(p, &r);
}

/* --- Connections -------------------------------------------------------------------------------
 */

static void draw_keepalive(struct sim_rng *r, struct sim_plan *plan)
{
	plan->keepalive = 1;
	plan->keep_idle_ms = sim_rng_range(r, 500, 60000);
	plan->keep_interval_ms = sim_rng_range(r, 200, 20000);
	plan->keep_count = sim_rng_range(r, 1, 6);
	if (one_of(r, 3))
		plan->user_timeout_ms = sim_rng_range(r, 1000, 100000);
}

static void draw_unruly(struct sim_rng *r, struct sim_talk_spec *t)
{
	struct sim_plan *p = &t->plan[sim_rng_below(r, 2)];

	switch (sim_rng_below(r, 6)) {
	case 0:
		t->port[1] = PORT_HELD;
		t->reply = SIM_REPLY_REFUSE;
		t->refusal = (enum weir_refusal)sim_rng_below(r, WEIR_REFUSE_DROP + 1);
		break;
	case 1:
		t->port[1] = PORT_NOBODY;
		break;
	case 2:
		p->close = SIM_CLOSE_EARLY;
		break;
	case 3:
		t->port[1] = PORT_HELD;
		t->reply_after_ns = sim_rng_below(r, 200 * SECOND);
		break;
	default:
		p->close = SIM_CLOSE_ABORT;
		p->abort_at = one_of(r, 3) ? 0 : sim_rng_below(r, 6000);
		break;
	}
}

static void draw_orderly(const struct storm_plan *p, struct sim_rng *r, struct sim_talk_spec *t)
{
	static const uint16_t ports[] = {PORT_EARLY, PORT_EARLY, PORT_HELD};

	memset(t, 0, sizeof(*t));
	t->host[0] = (unsigned)sim_rng_below(r, p->hosts);
	t->host[1] = (t->host[0] + 1 + (unsigned)sim_rng_below(r, p->hosts - 1)) % p->hosts;
	t->after = SIM_TALK_NONE;
	t->family = p->family != 0 ? p->family : one_of(r, 2) ? 4 : 6;
	t->port[1] = PICK(r, ports);
	t->open_at = p->start + sim_rng_below(r, one_of(r, 2) ? 20 * MS : 4 * SECOND);
	t->reply = SIM_REPLY_ACCEPT;
	t->reply_after_ns = one_of(r, 2) ? 0 : sim_rng_below(r, 3 * SECOND);
	t->expect = SIM_EXPECT_INTACT;
	for (unsigned side = 0; side < 2; side++) {
		sim_draw_plan(r, &t->plan[side]);
		t->plan[side].meddle_ppm = one_of(r, 5) ? 200000 : 0;
		if (t->plan[side].total > STREAM_MAX)
			t->plan[side].total = STREAM_MAX;
	}
	sim_draw_ends(r, t->plan);
	sim_draw_bound(t->plan);
}

/* FIN-WAIT-2 without a holder ends by its timer, which a cut may outlast. */
static bool closes_early(const struct sim_talk_spec *t)
{
	return t->plan[0].close == SIM_CLOSE_EARLY || t->plan[1].close == SIM_CLOSE_EARLY;
}

static void draw_talk(struct storm_plan *p, unsigned n)
{
	struct sim_rng r = rng_of(p, TOPIC_TALK, n);
	struct sim_talk_spec *t = &p->talk[n];
	uint64_t delay_ns;

	draw_orderly(p, &r, t);
	delay_ns = p->link[t->host[0]][t->host[1]].delay_ns;
	if (p->wild && one_of(&r, 6))
		t->port[1] = PORT_NARROW;
	if (one_of(&r, 3)) {
		draw_unruly(&r, t);
		t->expect = SIM_EXPECT_ANY;
	}
	if (one_of(&r, 8)) {
		t->open = SIM_OPEN_BOTH;
		t->port[0] = t->port[1] = (uint16_t)(PORT_BOTH + n);
		t->open_at_1 = t->open_at + sim_rng_below(&r, delay_ns);
	} else if (one_of(&r, 2)) {
		t->port[0] = (uint16_t)(PORT_AGAIN + n);
	}
	if (p->wild || closes_early(t))
		t->expect = SIM_EXPECT_ANY;
	if (t->expect == SIM_EXPECT_ANY) {
		draw_keepalive(&r, &t->plan[0]);
		draw_keepalive(&r, &t->plan[1]);
	}
}

/* The same endpoints talk again after the talk before. */
static void draw_again(struct storm_plan *p, unsigned n)
{
	struct sim_rng r = rng_of(p, TOPIC_TALK, n);
	const struct sim_talk_spec *before = &p->talk[n - 1];
	struct sim_talk_spec *t = &p->talk[n];

	draw_talk(p, n);
	t->open = SIM_OPEN_LISTENED;
	t->family = before->family;
	for (unsigned side = 0; side < 2; side++) {
		t->host[side] = before->host[side];
		t->port[side] = before->port[side];
	}
	t->after = n - 1;
	t->hasty = true;
	t->open_at = sim_rng_below(&r, one_of(&r, 2) ? 20 * MS : 3 * SECOND);
	t->expect = SIM_EXPECT_ANY;
	draw_keepalive(&r, &t->plan[0]);
	draw_keepalive(&r, &t->plan[1]);
}

static void draw_talks(struct storm_plan *p, struct sim_rng *r)
{
	p->talks = (unsigned)sim_rng_range(r, 1, one_of(r, 8) ? 32 : 12);
	for (unsigned n = 0; n < p->talks; n++) {
		const struct sim_talk_spec *before = n > 0 ? &p->talk[n - 1] : NULL;

		if (before != NULL && before->port[0] != 0 && before->open == SIM_OPEN_LISTENED &&
		    !one_of(r, 3))
			draw_again(p, n);
		else
			draw_talk(p, n);
	}
}

/* --- The whole ---------------------------------------------------------------------------------
 */

void storm_plan_draw(struct storm_plan *p, uint64_t seed)
{
	static const uint8_t families[] = {4, 6, 0};
	static const uint8_t sizes[] = {2, 2, 2, 3, 3, 4, 5};
	struct sim_rng r;

	memset(p, 0, sizeof(*p));
	p->seed = seed;
	r = rng_of(p, TOPIC_WORLD, 0);
	p->start = sim_draw_start(&r);
	p->wild = one_of(&r, 2);
	p->hosts = PICK(&r, sizes);
	p->family = PICK(&r, families);
	p->forge_ppm = one_of(&r, 4) ? SIM_PPM / 20 : 0;
	for (unsigned from = 0; from < p->hosts; from++) {
		draw_host(p, from);
		for (unsigned to = 0; to < p->hosts; to++)
			draw_link(p, from, to);
	}
	draw_troubles(p);
	draw_talks(p, &r);
}
