/*
 * run.c: one storm, from its plan to its result.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/be.h"
#include "sim/forge.h"
#include "sim/storm/plan.h"
#include "wire/ip6.h"

#define HORIZON_NS   (24ull * 3600 * 1000000000)
#define STEPS_MAX    400000u
#define TCP_FLAGS_AT 13u
#define PLANT_AT     20u /* the segment with payload that is tampered with */

struct storm {
	struct sim_world world;
	struct storm_plan plan;
	struct sim_forge forge;
	const struct storm_watch *watch;
	unsigned planted; /* segments that could have been tampered with */
};

/* --- Tampering ---------------------------------------------------------------------------------
 */

static void plant_byte(struct storm *s, struct sim_frame *f)
{
	struct sim_packet pk;

	if (sim_packet_read(&pk, f) != SIM_PACKET_TCP || pk.tcp.len == 0 || ++s->planted < PLANT_AT)
		return;
	f->bytes[pk.l4_start + pk.tcp.hdr_len] ^= 1;
	sim_frame_sum(f, pk.l4_start);
}

/* An RST at the place of a data segment that has just left: it overtakes it. */
static void plant_rst(struct storm *s, struct sim_world *w, unsigned from,
		      const struct sim_frame *f)
{
	struct sim_frame *rst;
	struct sim_packet pk;
	unsigned side;
	const struct sim_talk *t;

	if (sim_packet_read(&pk, f) != SIM_PACKET_TCP || pk.tcp.len == 0 || ++s->planted < PLANT_AT)
		return;
	t = sim_talks_find(&w->talks, &pk.src, &pk.dst, &side);
	rst = sim_frame_new(pk.l4_start + pk.tcp.hdr_len);
	memcpy(rst->bytes, f->bytes, rst->len);
	if (pk.src.addr.family == 4)
		be16_put(rst->bytes + 2, (uint16_t)rst->len);
	else
		be16_put(rst->bytes + 4, (uint16_t)(rst->len - IP6_HDR_LEN));
	rst->bytes[pk.l4_start + TCP_FLAGS_AT] = TCP_RST;
	sim_frame_sum(rst, pk.l4_start);
	if (t != NULL)
		sim_world_inject(w, from, t->spec.host[!side], rst, 0);
	else
		sim_frame_free(rst);
}

/* sim_hooks.tamper */
static void on_sent(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	struct storm *s = user;

	if (s->plan.forge_ppm != 0)
		sim_forge_beside(&s->forge, w, from, f);
	if (s->watch == NULL)
		return;
	switch (s->watch->plant) {
	case STORM_PLANT_NONE:
		break;
	case STORM_PLANT_BYTE:
		plant_byte(s, f);
		break;
	case STORM_PLANT_TRAP:
		weir_assert(++s->planted < PLANT_AT);
		break;
	case STORM_PLANT_RST:
		plant_rst(s, w, from, f);
		break;
	}
}

/* sim_hooks.trace */
static void on_trace(void *user, unsigned host, const struct weir_trace_record *r)
{
	struct storm *s = user;

	s->watch->trace(s->watch->user, host, r);
}

/* sim_hooks.step */
static void on_step(void *user, uint64_t step)
{
	struct storm *s = user;

	s->watch->step(s->watch->user, step);
}

/* --- Making the world --------------------------------------------------------------------------
 */

static struct sim_hooks hooks_of(struct storm *s)
{
	struct sim_hooks hooks = {.user = s, .tamper = on_sent};

	if (s->watch != NULL && s->watch->trace != NULL)
		hooks.trace = on_trace;
	if (s->watch != NULL && s->watch->step != NULL)
		hooks.step = on_step;
	return hooks;
}

static void make_world(struct storm *s, const struct storm_cut *cut)
{
	const struct storm_plan *p = &s->plan;
	struct sim_world_config cfg = {.seed = p->seed,
				       .start = p->start,
				       .horizon_ns = HORIZON_NS,
				       .steps_max = STEPS_MAX,
				       .steps_stop = cut->until,
				       .talks_max = STORM_TALKS_MAX,
				       .hosts_max = p->hosts,
				       .hooks = hooks_of(s)};

	cfg.record_digest = s->watch != NULL && s->watch->digest;
	sim_world_init(&s->world, &cfg);
	for (unsigned n = 0; n < p->hosts && !s->world.oracle.failed; n++) {
		sim_world_host_add(&s->world, &p->host[n]);
		for (unsigned i = 0; i < STORM_LISTENERS && !s->world.oracle.failed; i++)
			sim_host_listen_args(&s->world.host[n], &p->listen[n][i]);
	}
	if (s->world.oracle.failed)
		return;
	for (unsigned from = 0; from < p->hosts; from++)
		for (unsigned to = 0; to < p->hosts; to++)
			sim_world_link_set(&s->world, from, to, &p->link[from][to]);
	for (unsigned n = 0; n < p->troubles; n++)
		sim_world_trouble_add(&s->world, &p->trouble[n]);
	for (unsigned n = 0; n < p->talks; n++)
		sim_world_talk_add(&s->world, &p->talk[n]);
}

/* --- The result --------------------------------------------------------------------------------
 */

static void count_talk(struct storm_result *out, const struct sim_talk *t)
{
	out->connections += t->end[0].ever_open || t->end[1].ever_open;
	out->bytes += t->end[0].got + t->end[1].got;
}

static void tell_failure(const struct storm *s, struct storm_result *out)
{
	const struct sim_oracle *o = &s->world.oracle;
	const struct sim_talk *t;

	out->failed = o->failed;
	if (!o->failed)
		return;
	out->steps = o->failed_at;
	out->rule = o->what;
	memcpy(out->text, o->text, sizeof(out->text));
	if (o->talk == SIM_TALK_NONE)
		return;
	t = &s->world.talks.list[o->talk];
	out->has_tuple = true;
	out->host = t->spec.host[o->side];
	out->tuple.local = t->at[o->side];
	out->tuple.remote = t->at[!o->side];
}

void storm_run(uint64_t seed, const struct storm_cut *cut, const struct storm_watch *watch,
	       struct storm_result *out)
{
	struct storm *s = sim_alloc(1, sizeof(*s));

	memset(out, 0, sizeof(*out));
	s->watch = watch;
	storm_plan_draw(&s->plan, seed);
	out->talks = s->plan.talks;
	out->troubles = s->plan.troubles;
	storm_plan_cut(&s->plan, cut);
	sim_forge_init(&s->forge, seed, s->plan.forge_ppm);
	make_world(s, cut);
	sim_world_run(&s->world);
	out->steps = s->world.steps;
	out->segments = s->world.frames;
	out->digest = s->world.digest;
	for (unsigned n = 0; n < s->plan.hosts; n++)
		out->crashes += s->world.talks.boot[n];
	for (uint32_t n = 0; n < s->world.talks.count; n++)
		count_talk(out, &s->world.talks.list[n]);
	tell_failure(s, out);
	sim_world_free(&s->world);
	free(s);
}
