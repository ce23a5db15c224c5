/*
 * dumbbell.h: flows that share one bottleneck: for each a sender and a receiver, both the shipped
 * engine, in virtual time, and between all of them one path with a rate, a queue and its faults.
 *
 *     sender 0 --.                                           .-- delay 0 -- receiver 0
 *     sender 1 --+-- forth: rate, queue, loss, reordering ---+-- delay 1 -- receiver 1
 *     sender n --'                                           '-- delay n -- receiver n
 *
 * Acknowledgements go back through `back`, which all share, and the flow's delay. Nothing is judged
 * here (storms do that): it is measured. The same plan gives the same figures on every machine.
 *
 * Use: fill a plan; dumbbell_new(), run, read `flow` and the path's statistics, free.
 */
#ifndef WEIR_SIM_DUMBBELL_H
#define WEIR_SIM_DUMBBELL_H

#include "sim/dumbbell/arrivals.h"
#include "sim/queue.h"
#include "sim/rng.h"
#include "weir/impair.h"
#include "weir/info.h"
#include "weir/trace.h"

#define DUMBBELL_FLOWS_MAX    64u
#define DUMBBELL_SETTINGS_MAX 8u
#define DUMBBELL_BUFFER       4190208u /* the engine's largest: windows are the path's affair */

/* What the application of a flow does. */
enum dumbbell_app {
	DUMBBELL_BULK,  /* one connection that sends all it can, or `bytes` */
	DUMBBELL_SHORT, /* transfers of `bytes`, each on its own connection, one after another */
	DUMBBELL_ONOFF, /* bursts of `bytes` on one connection, with pauses between */
};

enum dumbbell_end { DUMBBELL_SENDER, DUMBBELL_RECEIVER, DUMBBELL_ENDS };

/* A row of def/config.def, set at both ends of a flow. */
struct dumbbell_setting {
	const char *name; /* NULL ends a list */
	uint64_t value;
};

struct dumbbell_flow_plan {
	enum dumbbell_app app;
	uint64_t start_ns; /* since the run began */
	uint64_t bytes; /* BULK: 0 for all the time; else of all, of each transfer, of each burst */
	uint32_t count; /* of transfers or bursts; 0: as many as there is time for */
	uint64_t gap_ns;   /* between two of them */
	uint64_t delay_ns; /* each way, beside that of the path all share */
	struct dumbbell_setting set[DUMBBELL_SETTINGS_MAX];
};

struct dumbbell_hooks {
	void *user;
	/* What an end of a flow does; for every flow that has a bit in `watched`. */
	void (*trace)(void *user, unsigned flow, enum dumbbell_end end,
		      const struct weir_trace_record *r);
	/* A packet of that flow is lost on the path, for whatever reason. */
	void (*lost)(void *user, unsigned flow, enum dumbbell_end from, const struct sim_frame *f,
		     weir_time now);
	uint64_t watched; /* a bit for each flow */
};

struct dumbbell_plan {
	uint64_t seed;
	struct weir_impair_conf forth,
		back;        /* their seeds are drawn from `seed`, packets_max set */
	uint32_t lose_every; /* every n-th segment with data is lost, beside chance; 0: none */
	uint32_t mtu;
	unsigned flows;
	struct dumbbell_flow_plan flow[DUMBBELL_FLOWS_MAX];
	uint64_t run_ns;    /* the most; the run ends before when every flow has come to its end */
	uint64_t warmup_ns; /* what is told as goodput, segments and RTT is counted from here on */
	uint64_t sample_ns; /* between two samples; 0: none */
	struct dumbbell_hooks hooks;
};

/* A flow at one moment. */
struct dumbbell_sample {
	weir_time at;       /* since the run began */
	uint64_t got_bytes; /* by the receiving application so far */
	uint64_t srtt_ns, pacing_rate;
	uint32_t cwnd, ssthresh, pipe, rwnd; /* bytes, at the sender; cwnd 0: no connection */
	uint64_t queue_bytes;                /* of the bottleneck */
};

/* What was counted of a flow from warmup_ns on. */
struct dumbbell_counts {
	uint64_t got_bytes;     /* read by the receiving application */
	uint64_t segments;      /* with data, sent */
	uint64_t retransmitted; /* of these: with bytes that had been sent before */
	uint64_t needless;      /* retransmitted, and all of it arrived twice */
	uint64_t lost;          /* segments with data that the path lost */
	uint64_t srtt_sum_ns, srtt_samples;
	uint64_t srtt_min_ns, srtt_max_ns;
};

/* One end of a flow. */
struct dumbbell_node {
	struct weir_stack *stack;
	void *memory;
	weir_conn conn; /* the present one; valid if live */
	bool live;
	weir_time deadline;
};

struct dumbbell_tracer {
	struct dumbbell *d;
	unsigned flow;
	enum dumbbell_end end;
};

struct dumbbell_flow {
	const struct dumbbell_flow_plan *plan;
	struct dumbbell_node node[DUMBBELL_ENDS];
	struct dumbbell_tracer tracer[DUMBBELL_ENDS];
	/* The application */
	weir_time wake;    /* when it does something without an event; WEIR_NEVER */
	weir_time begun;   /* the present transfer or burst */
	uint64_t left;     /* bytes of it not yet handed to the engine */
	uint64_t due;      /* bytes of it not yet read by the receiver */
	bool ended;        /* it will do nothing more */
	uint32_t failures; /* connections that ended otherwise than in order */
	/* What the path knows */
	struct arrivals arrivals; /* of the present connection's data */
	uint16_t port;            /* the sender's, of that connection */
	/* Figures */
	struct dumbbell_counts n;
	uint64_t got_bytes; /* from the beginning */
	uint64_t *done_ns;  /* how long each transfer or burst took */
	uint32_t done_count, done_room;
	struct dumbbell_sample *sample;
	uint32_t sample_count, sample_room;
};

struct dumbbell {
	struct dumbbell_plan plan;
	struct dumbbell_flow *flow;
	struct weir_impair *way[DUMBBELL_ENDS]; /* by the end that sends into it */
	void *way_memory[DUMBBELL_ENDS];
	struct sim_queue queue; /* frames behind the path, on their flow's own delay */
	weir_time now, start, end, next_sample;
	uint32_t data_offered; /* segments with data, for lose_every */
	uint64_t packets;      /* sent by anybody */
	uint64_t stepped_ns;   /* virtual time that was run */
};

/* The usual plan: one path of that rate, RTT and buffer (0: one RTT of the rate, at least 64 KB),
 * no flows. */
void dumbbell_plan_init(struct dumbbell_plan *p, uint64_t seed, uint64_t rate_bps, uint64_t rtt_ns,
			uint64_t buffer_bytes);
/* Adds a flow that sends all the time. */
struct dumbbell_flow_plan *dumbbell_plan_bulk(struct dumbbell_plan *p);
void dumbbell_flow_set(struct dumbbell_flow_plan *f, const char *name, uint64_t value);

struct dumbbell *dumbbell_new(const struct dumbbell_plan *plan);
void dumbbell_run(struct dumbbell *d);
void dumbbell_free(struct dumbbell *d);

/* Payload bytes a second that the receiving application got after the warm-up. */
uint64_t dumbbell_goodput(const struct dumbbell *d, unsigned flow);
/* Jain's index of the goodputs of flows `first` to `first + count - 1`, in thousandths. */
unsigned dumbbell_jain(const struct dumbbell *d, unsigned first, unsigned count);
/* The median of the times that transfers took; 0: none ended. */
uint64_t dumbbell_done_median(const struct dumbbell_flow *f);
/* The mean of srtt over the samples after the warm-up; 0: none. */
uint64_t dumbbell_srtt_mean(const struct dumbbell_flow *f);

/* --- Between the sources of this folder ---------------------------------------------------- */

#define DUMBBELL_PORT 80u

/* The application's turn: it opens, writes, or begins anew. */
void dumbbell_flow_wake(struct dumbbell *d, struct dumbbell_flow *f);
void dumbbell_flow_event(struct dumbbell *d, struct dumbbell_flow *f, enum dumbbell_end end,
			 const struct weir_event *ev);
void dumbbell_flow_sample(struct dumbbell *d, struct dumbbell_flow *f);

struct weir_addr dumbbell_addr(enum dumbbell_end end);
bool dumbbell_is_warm(const struct dumbbell *d);

#endif
