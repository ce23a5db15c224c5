/*
 * storm.h: deterministic simulation of random hosts, links and faults, judged after every step.
 *
 * A seed names a storm: two to five hosts with stacks set up at random, links with everything that
 * goes wrong on links, hosts that crash and come back, applications that open, send, half-close,
 * abort and stall. The same seed and the same cut give the same run, bit for bit, on every machine.
 *
 * A cut leaves parts of a seed's storm out, so that a failure can be looked at in a smaller one;
 * storm_shrink() finds the smallest that still fails in the same way.
 */
#ifndef WEIR_SIM_STORM_H
#define WEIR_SIM_STORM_H

#include "weir/trace.h"

enum storm_part {
#define X(name, id, text) STORM_##name,
#include "sim/storm/parts.def"
#undef X
	STORM_PART_COUNT
};

#define STORM_TALKS_MAX    64u
#define STORM_TROUBLES_MAX 32u

/* What is left of a seed's storm. */
struct storm_cut {
	uint32_t without;  /* bits of enum storm_part */
	uint64_t talks;    /* bit n: connection n takes part */
	uint32_t troubles; /* bit n: crash, cut or change of MTU n happens */
	uint64_t bytes;    /* the most that an end sends */
	uint64_t until;    /* the run stops before this step; 0: it does not */
};
#define STORM_WHOLE \
	{ \
		.talks = UINT64_MAX, .troubles = UINT32_MAX, .bytes = UINT64_MAX \
	}

struct storm_result {
	bool failed;
	uint64_t steps;       /* run; of a failure, its step */
	uint64_t segments;    /* packets sent by all hosts */
	uint64_t connections; /* that were established at one end at least */
	uint64_t bytes;       /* read by applications */
	uint64_t digest;      /* of all packets, their times and senders; 0: not asked for */
	uint64_t crashes;     /* of hosts */
	unsigned talks;       /* connections that the seed plans */
	unsigned troubles;    /* crashes, cuts and the like that the seed plans */
	/* Of a failure. */
	const char *rule;        /* what was broken: the same pointer for the same rule */
	char text[320];          /* when, where and how, one line */
	bool has_tuple;          /* it is about one connection: */
	unsigned host;           /* the host that it was seen at, */
	struct weir_tuple tuple; /* the connection's ends, that host's as local */
};

/* Tampers with the network as no storm does, so that the oracle has something to find: for tests of
 * the oracle, of shrinking and of the command. */
enum storm_plant {
	STORM_PLANT_NONE,
	STORM_PLANT_BYTE, /* a byte of some payload is changed and the checksum made right */
	STORM_PLANT_TRAP, /* the process ends as by a broken assertion of the engine */
	STORM_PLANT_RST,  /* an RST that must be heeded, which nobody sent */
};

/* How a run is watched; all may be zero. */
struct storm_watch {
	void *user;
	void (*trace)(void *user, unsigned host, const struct weir_trace_record *r);
	/* Called before each step. */
	void (*step)(void *user, uint64_t step);
	enum storm_plant plant;
	bool digest; /* wanted */
};

/* Runs one storm. `watch` may be NULL. */
void storm_run(uint64_t seed, const struct storm_cut *cut, const struct storm_watch *watch,
	       struct storm_result *out);

/* Tries a cut: true if the storm still fails in the way that is looked for. */
typedef bool storm_try(void *user, const struct storm_cut *cut);

/* Makes `cut`, which fails, as small as it can while `try` says that it fails. Returns the number
 * of cuts tried, at most `tries_max`. `first` is the failure. */
unsigned storm_shrink(struct storm_cut *cut, const struct storm_result *first, unsigned tries_max,
		      storm_try *try, void *user);

/* The name of a part, and a line on what it brings. */
const char *storm_part_name(enum storm_part p);
const char *storm_part_text(enum storm_part p);

/* Reads a list of names of parts, or of numbers below `max`, joined by commas, into bits.
 * 0; -1: it is not one. */
int storm_read_parts(const char *text, uint32_t *out);
int storm_read_numbers(const char *text, unsigned max, uint64_t *out);

/* Writes a cut as the options of weir-storm(1) that ask for it, each with a blank before it; an
 * empty string for all of a storm. */
void storm_write_cut(char *out, size_t len, const struct storm_cut *cut,
		     const struct storm_result *whole);

#endif
