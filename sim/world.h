/*
 * world.h: hosts, the links between them, and virtual time.
 *
 * A world is made of one seed and a description; it then runs by itself, from event to event, until
 * nothing more will happen. The same seed and description give the same run, bit for bit: there is
 * no clock, no thread and no random source but the seed.
 *
 * Use: init, hosts, links, listeners, talks; run; look at `oracle`; free.
 */
#ifndef WEIR_SIM_WORLD_H
#define WEIR_SIM_WORLD_H

#include "sim/host.h"
#include "sim/link.h"
#include "sim/oracle.h"
#include "sim/queue.h"
#include "weir/trace.h"

#define SIM_NOBODY UINT32_MAX /* instead of a host's number */

struct sim_world;

/* What happened to a frame on the wire. */
enum sim_wire_kind {
	SIM_WIRE_SENT,    /* left its host */
	SIM_WIRE_ARRIVED, /* reached the other */
	SIM_WIRE_LOST,
	SIM_WIRE_OVERFLOWED,
	SIM_WIRE_SWALLOWED,
	SIM_WIRE_UNROUTED, /* nobody has that address */
	SIM_WIRE_TOO_BIG,  /* for the MTU of its link */
	SIM_WIRE_REFUSED,  /* by a router, which tells so */
};

struct sim_wire_note {
	weir_time at;
	enum sim_wire_kind kind;
	unsigned from, to;    /* hosts; `to` may be SIM_NOBODY */
	bool damaged, forged; /* for ARRIVED */
	const struct sim_frame *frame;
};

/* For those who watch or disturb a run. Any may be NULL. */
struct sim_hooks {
	void *user;
	void (*wire)(void *user, const struct sim_wire_note *n);
	void (*trace)(void *user, unsigned host, const struct weir_trace_record *r);
	/* Called before each step. */
	void (*step)(void *user, uint64_t step);
	/* May change a frame that has left its host, or inject others with sim_world_inject(). */
	void (*tamper)(void *user, struct sim_world *w, unsigned from, struct sim_frame *f);
};

struct sim_world_config {
	uint64_t seed;
	weir_time start;     /* the clock when the run begins; any value */
	uint64_t horizon_ns; /* a run that lasts longer has failed */
	uint64_t steps_max;  /* so has one with more steps */
	uint64_t steps_stop; /* the run stops before this one, without a judgement; 0: never */
	uint32_t talks_max, hosts_max;
	struct sim_hooks hooks;
	bool record_digest; /* keep `digest` of the world */
};

/* What befalls hosts and links at a time, beside what is settled for the whole run. */
enum sim_trouble_kind {
	SIM_TROUBLE_CRASH, /* `host` crashes and comes back after `for_ns`, if not WEIR_NEVER */
	SIM_TROUBLE_DEAF,  /* `host`'s listeners are closed for `for_ns` */
	SIM_TROUBLE_CUT,   /* the link `from`, `to` is cut for `for_ns` */
	SIM_TROUBLE_MTU,   /* ... has another MTU for `for_ns` */
};

struct sim_trouble {
	weir_time at; /* since the start */
	uint64_t for_ns;
	enum sim_trouble_kind kind;
	unsigned host, from, to;
	uint32_t mtu; /* bytes; 0: no limit */
};

/* What a host's trace hook is given. */
struct sim_tracer {
	struct sim_world *world;
	unsigned host;
};

struct sim_world {
	struct sim_world_config cfg;
	struct sim_oracle oracle;
	struct sim_talks talks;
	struct sim_host *host; /* hosts_max of them */
	struct sim_tracer *tracer;
	unsigned host_count;
	struct sim_link *link; /* [from * hosts_max + to] */
	struct sim_queue queue;
	uint32_t waiting; /* talks whose opening waits for another to end */
	uint64_t steps, frames;
	bool stopped;    /* before its end, by steps_stop */
	uint64_t digest; /* of all frames sent: bytes, times, hosts */
};

void sim_world_init(struct sim_world *w, const struct sim_world_config *cfg);
void sim_world_free(struct sim_world *w);

/* Adds a host; links to and from it are perfect and take 1 ms until they are set. Its number. */
unsigned sim_world_host_add(struct sim_world *w, const struct sim_host_config *cfg);
void sim_world_link_set(struct sim_world *w, unsigned from, unsigned to,
			const struct sim_link_config *cfg);
const struct sim_link *sim_world_link(const struct sim_world *w, unsigned from, unsigned to);
void sim_world_talk_add(struct sim_world *w, const struct sim_talk_spec *spec);

/* Has something befall hosts or links. */
void sim_world_trouble_add(struct sim_world *w, const struct sim_trouble *t);

/* Puts a frame that no host has sent, and that then belongs to the world, on its way to `to`, past
 * all links. It is not judged: it says nothing about its alleged sender. */
void sim_world_inject(struct sim_world *w, unsigned from, unsigned to, struct sim_frame *f,
		      uint64_t delay_ns);

/* Runs until nothing more will happen, or the oracle has found a failure; then judges the ends.
 * true: no failure. */
bool sim_world_run(struct sim_world *w);

#endif
