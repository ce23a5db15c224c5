/*
 * world.h: what an experiment is made with: a client and a server, the path between them with rules
 * for single segments, applications that do what the experiment calls for, and virtual time.
 *
 * Unlike sim/world.h nothing is judged here: engines with a rule switched off are wrong on purpose,
 * and the experiment itself counts what they do. The engine's invariants still must hold.
 *
 * Use: draw the plan of the run, begin, then by turns call and let time pass.
 */
#ifndef WEIR_SIM_LAB_WORLD_H
#define WEIR_SIM_LAB_WORLD_H

#include "sim/frame.h"
#include "sim/lab/lab.h"
#include "sim/queue.h"
#include "sim/rng.h"
#include "weir/impair.h"

#define LAB_CONNS_MAX 128u /* of one host in one run */
#define LAB_HELD_MAX  8u
#define LAB_RULES_MAX 8u
#define LAB_ADDRS_MAX 16u /* of one host */
#define LAB_PORT      80u
#define LAB_MSL_NS    (30ull * 1000000000ull) /* no segment lives longer: 2MSL is 60 s */
#define LAB_MS        1000000ull
#define LAB_SECOND    (1000ull * LAB_MS)

/* What a segment is on the path; the first that fits. */
enum lab_what {
	LAB_RST,
	LAB_SYN,
	LAB_SYNACK,
	LAB_FIN, /* with or without data */
	LAB_DATA,
	LAB_LAST_ACK, /* nothing but the acknowledgement of the other's FIN */
	LAB_ACK,
	LAB_WHATS
};

enum lab_fate {
	LAB_LOSE,
	LAB_HOLD, /* it stays in the network until it is released */
	LAB_COPY, /* it arrives, and a copy stays in the network until it is released */
};

/* The nth segment of its kind that this host sends (from 1 on) has this fate. */
struct lab_rule {
	enum lab_host from;
	enum lab_what what;
	unsigned nth;
	enum lab_fate fate;
};

/* A segment that is kept in the network. */
struct lab_held {
	struct sim_frame *frame;
	enum lab_host to;
	weir_time born;
};

/* Whole streams, kept byte by byte: what an end is to send, and what it has read. */
struct lab_tape {
	const uint8_t *feed;
	size_t feed_len, fed;
	uint8_t *keep;
	size_t keep_max, kept;
	bool by_hand; /* nothing is read but by lab_read() */
};

/* One end of a connection, as its application knows it. */
struct lab_conn {
	weir_conn handle;
	bool live; /* the handle has not ended */
	bool up;   /* told to be established */
	bool eof;  /* the peer's stream has ended */
	enum weir_err reason;
	uint8_t mark;     /* the byte that it sends, over and over */
	uint8_t expects;  /* the byte that its peer sends */
	uint64_t got;     /* bytes read */
	uint64_t strange; /* bytes read that its peer did not send */
	weir_time began, up_at, ended_at;
	struct weir_tuple tuple;
	struct lab_tape *tape; /* NULL: it sends and reads marks */
};

/* What an application does when the peer's stream has ended. */
enum lab_at_eof { LAB_KEEP_OPEN, LAB_CLOSE_TOO };

/* How a run is set up. Drawn at random, then changed as the experiment needs it. */
struct lab_plan {
	uint8_t family;
	uint64_t delay_ns; /* of the path, one way */
	/* The client host is so many clients, each with an address, in IPv6 a network, of its own,
	 * and a way of its own to the path; 1 is drawn, without such a way. */
	unsigned clients;
	uint64_t detour_ns[LAB_ADDRS_MAX];
	uint16_t port; /* of the client */
	uint32_t backlog;
	struct weir_config cfg; /* of both hosts */
	bool listens;           /* the server does, on LAB_PORT */
};

struct lab_node {
	struct weir_stack *stack;
	void *memory;
	struct weir_addr addr; /* the first of addrs */
	struct weir_addr addrs[LAB_ADDRS_MAX];
	unsigned addr_count;
	weir_time deadline;
	weir_time asleep_until; /* its application is busy: it reads no events before */
	enum lab_at_eof at_eof;
	uint8_t mark, expects; /* of connections that are accepted from now on */
	struct lab_tape *tape; /* ... too */
	struct lab_conn conn[LAB_CONNS_MAX];
	unsigned conns;
	uint32_t sent[LAB_WHATS]; /* segments, by kind */
	uint32_t segments;        /* all of them */
	bool has_fin;
	uint32_t fin_end; /* one past its last FIN */
};

struct lab_world {
	struct lab_plan plan;
	struct lab_node node[LAB_HOSTS];
	struct sim_queue queue; /* segments on their way */
	/* Imperfect ways, by the host that sends into them; NULL: lab_carry()'s perfect path. */
	struct weir_impair *way[LAB_HOSTS];
	void *way_memory[LAB_HOSTS];
	struct lab_rule rule[LAB_RULES_MAX];
	unsigned rules;
	struct lab_held held[LAB_HELD_MAX];
	unsigned helds;
	weir_time now;
	uint64_t steps;
	struct lab_run *run;
};

struct lab_tracer {
	struct lab_run *run;
	enum lab_host host;
};

/* One run of one variant. */
struct lab_run {
	struct lab_world world;
	const struct lab_variant *variant;
	struct sim_rng rng; /* the same numbers for every variant */
	struct lab_figure *figure;
	const struct lab_count *count;
	const struct lab_watch *watch; /* NULL: nobody watches */
	struct lab_sight *sight;
	uint32_t flow[LAB_HOSTS]; /* whose path is kept; 0: none yet */
	struct lab_tracer tracer[LAB_HOSTS];
	/* Is given segments to addresses that nobody has. May be NULL. */
	void (*stranger)(struct lab_run *r, const struct sim_packet *p);
	bool unseen; /* what happens now is not told to `watch` */
	/* With imperfect ways, both must be set. A packet has left a host: it is offered to the
	 * way, or changed, or freed. It has come out of it, in the shape that `out` tells. */
	void (*sent)(struct lab_run *r, enum lab_host from, struct sim_frame *f);
	void (*came)(struct lab_run *r, enum lab_host from, struct sim_frame *f,
		     const struct weir_impair_out *out);
	void *own; /* the experiment's */
};

/* Adds to a figure of this run. */
void lab_add(struct lab_run *r, unsigned count, uint64_t value);
/* Adds a time from `from` to `to`. */
void lab_add_time(struct lab_run *r, unsigned count, weir_time from, weir_time to);

/* --- Setting up --------------------------------------------------------------------------- */

/* Draws addresses' family, delay, port, and options. */
void lab_draw(struct lab_run *r);
/* Makes both hosts, with the variant's settings. */
void lab_begin(struct lab_run *r);
/* Frees them, after their invariants were checked once more. */
void lab_end(struct lab_run *r);
void lab_rule_add(struct lab_world *w, enum lab_host from, enum lab_what what, unsigned nth,
		  enum lab_fate fate);

/* --- Time --------------------------------------------------------------------------------- */

/* Lets the next thing happen, if it does so by `limit`; otherwise it is `limit` then. */
bool lab_step(struct lab_world *w, weir_time limit);
void lab_pass(struct lab_world *w, uint64_t ns);
/* Until `*flag` is `value`, for at most `ns`. Is it? */
bool lab_wait(struct lab_world *w, const bool *flag, bool value, uint64_t ns);

/* --- Calls -------------------------------------------------------------------------------- */

/* Opens from a port of `host` to a port of the other. NULL: the engine says that the pair is still
 * in use. */
struct lab_conn *lab_connect(struct lab_world *w, enum lab_host host, uint16_t from, uint16_t to,
			     uint8_t mark);
/* The same for one of the clients, whose application sends `bytes` as soon as it is connected. */
struct lab_conn *lab_request(struct lab_world *w, unsigned client, uint16_t from, uint8_t mark,
			     size_t bytes);
/* The connection number `i` of a host, which must be there. */
struct lab_conn *lab_conn(struct lab_world *w, enum lab_host host, unsigned i);
/* Waits until a host has `count` connections, for at most `ns`. Has it? */
bool lab_wait_conns(struct lab_world *w, enum lab_host host, unsigned count, uint64_t ns);
void lab_send(struct lab_world *w, enum lab_host host, struct lab_conn *c, size_t bytes);
/* A connection whose end at `host` sends what its tape feeds, then ends its stream. NULL as with
 * lab_connect(). */
struct lab_conn *lab_connect_tape(struct lab_world *w, enum lab_host host, uint16_t from,
				  uint16_t to, struct lab_tape *tape);
/* Reads up to `max` bytes into the tape of a connection that is read by hand. */
void lab_read(struct lab_world *w, enum lab_host host, struct lab_conn *c, size_t max);
void lab_shutdown(struct lab_world *w, enum lab_host host, struct lab_conn *c);
void lab_close(struct lab_world *w, enum lab_host host, struct lab_conn *c);
uint32_t lab_usage_timewaits(const struct lab_world *w, enum lab_host host);
uint64_t lab_counter(const struct lab_world *w, enum lab_host host, enum weir_counter c);

/* --- The network -------------------------------------------------------------------------- */

/* A packet has left a host: its rules, then the path. */
void lab_carry(struct lab_world *w, enum lab_host from, struct sim_frame *f);
/* A frame arrives at `to` after `ns`. */
void lab_put(struct lab_world *w, enum lab_host to, struct sim_frame *f, uint64_t ns);
/* A segment that is kept goes on; it arrives after `ns`. */
void lab_release(struct lab_world *w, unsigned held, uint64_t ns);

/* What a host sends goes through a way of this kind from now on. */
void lab_way_make(struct lab_run *r, enum lab_host from, const struct weir_impair_conf *conf);
/* Offers a frame, which then belongs to the way. false: it is lost and was freed. */
bool lab_way_offer(struct lab_run *r, enum lab_host from, struct sim_frame *f);
/* When something may come out of a way; lets it, if it is time. */
weir_time lab_ways_next(const struct lab_world *w);
void lab_ways_run(struct lab_run *r);
void lab_ways_free(struct lab_world *w);

/* A segment without data from somebody who is no host of ours. */
struct lab_forged {
	struct weir_endpoint src, dst;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t mss; /* 0: no option */
};
void lab_forge(struct lab_world *w, const struct lab_forged *g, uint64_t ns);

#endif
