/*
 * scenario.h: what is explored: who may do what, what the network may do, what must hold.
 *
 * A scenario is a row of a table. Its variants differ in where the initial sequence numbers of a
 * former incarnation lie; each is explored by itself and the counts are added up.
 */
#ifndef WEIR_SIM_EXPLORE_SCENARIO_H
#define WEIR_SIM_EXPLORE_SCENARIO_H

#include <stdint.h>

/* What is judged in every state; bits of a mask. */
enum ex_property {
	EX_GHOST = 1,  /* an end is ESTABLISHED that its peer knows nothing of */
	EX_ISNS = 2,   /* both ends are ESTABLISHED with different initial numbers */
	EX_BYTES = 4,  /* a byte was delivered that is not the next of this incarnation's */
	EX_END = 8,    /* an end of stream was delivered that is not this incarnation's */
	EX_CLEAN = 16, /* an end did not close in order, though nobody aborted or stopped reading */
	EX_LIVE = 32,  /* a run that stops, or never stops, without all ends CLOSED */
	EX_CHECK = 64, /* weir_stack_check(): an invariant of the engine */
	EX_LEAK = 128, /* all is over and a stack still holds something */
	EX_ALL = 255,
	EX_LATE_FIN = 256, /* a FIN was answered with RST, and its sender was reset */
};
#define EX_PROPERTIES 9u

/* "ghost" for EX_GHOST, and the sentence that it stands for. */
const char *ex_property_name(enum ex_property p);
const char *ex_property_text(enum ex_property p);

/* How often the network may do harm in one run, and how much is looked at. */
struct ex_bounds {
	uint8_t drops;       /* segments lost */
	uint8_t dups;        /* segments of which a copy stays in the network */
	uint8_t delays;      /* times that a timer fires while segments are in flight */
	uint32_t depth_max;  /* actions in one run */
	uint32_t states_max; /* of one variant */
};

/* Which segments of a former incarnation are in the network at the start; bits of a mask. */
enum ex_old {
	EX_OLD_SYN = 1,    /* to the passive side */
	EX_OLD_ACK = 2,    /* the third segment, to the passive side */
	EX_OLD_RST = 4,    /* to the passive side */
	EX_OLD_SYNACK = 8, /* to the active side */
	EX_OLD_FIN = 16,   /* to the active side */
};

/* Where the run begins. */
enum ex_start {
	EX_START_CLOSED,      /* B listens, nobody has called connect */
	EX_START_CROSSED,     /* both have called connect with each other's ports; nobody listens */
	EX_START_ESTABLISHED, /* A has connected to B */
};

/* How an application ends a connection. */
enum ex_ending {
	EX_END_NEVER,    /* it stays open */
	EX_END_SHUTDOWN, /* weir_shutdown(), and reads on to the end of the stream */
	EX_END_CLOSE,    /* weir_close() */
	EX_END_EITHER,
};

/* Faults that are planted to see that they are found. */
enum ex_tamper {
	EX_TAMPER_NONE,
	EX_TAMPER_PAYLOAD, /* the network changes a byte of each segment with data */
	EX_TAMPER_SWALLOW, /* the network loses every FIN, beyond its budget */
	EX_TAMPER_GUESS,   /* an old ACK knows the passive side's next ISN */
	EX_TAMPER_ORACLE,  /* the judge takes one end's ISN for another number */
	EX_TAMPER_COUNT
};
const char *ex_tamper_name(enum ex_tamper t);

struct ex_scenario {
	const char *name;
	const char *title;
	unsigned hold; /* properties that must hold everywhere */
	unsigned find; /* one of these must be violated somewhere; 0: a scenario that must hold */
	enum ex_start start;
	enum ex_ending ending; /* of every connection but A's last one, if that stays open */
	enum ex_ending last;   /* of A's last connection: NEVER, or the same */
	unsigned olds;         /* enum ex_old */
	uint8_t connects;      /* calls of A */
	uint8_t sends[2];      /* calls of each side in the whole run, one a connection */
	uint8_t send_bytes;    /* of each */
	uint8_t aborts[2];
	uint8_t handshake_ways; /* rows of the engine's configuration */
	uint32_t timewait_ms;
	uint8_t timestamps;
	uint8_t variants;
	struct ex_bounds small, full;
};

/* Scenario `i`, or NULL past the last. */
const struct ex_scenario *ex_scenario(unsigned i);

/* Where the numbers of the former incarnation lie in variant `v`, relative to the next ones of each
 * host. */
struct ex_offsets {
	int32_t of[2];
	unsigned excused; /* properties that RFC 9293 itself gives up then */
};
struct ex_offsets ex_variant(unsigned v);
#define EX_VARIANTS 7u

#endif
