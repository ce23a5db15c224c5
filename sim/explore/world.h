/*
 * world.h: two hosts of the real engine, the network between them, and what their applications have
 * seen: all that makes up one state, in one piece of memory.
 *
 * A state is saved and restored by copying its bytes: each stack lives inside the struct and never
 * moves. Only ex_world_* functions look inside the engine; nothing but the public API changes it.
 */
#ifndef WEIR_SIM_EXPLORE_WORLD_H
#define WEIR_SIM_EXPLORE_WORLD_H

#include <stdbool.h>

#include "sim/explore/scenario.h"
#include "wire/tcp_hdr.h"
#include "weir/weir.h"

struct weir_trace_record;

#define EX_HOSTS       2u
#define EX_A           0u             /* opens */
#define EX_B           1u             /* listens, or opens too */
#define EX_MEMORY      (112u * 1024u) /* bytes of one stack, at most */
#define EX_FRAMES_MAX  16u            /* in flight */
#define EX_FRAME_BYTES 128u
#define EX_CONNS_MAX   6u /* connections of one host in one run */
#define EX_PAIRS_MAX   10u
#define EX_PASTS_MAX   4u
#define EX_FAR         65536u /* more than any window, send or receive, in this model */
#define EX_MSL_MS      30000u /* a segment older than this is gone (RFC 9293 3.4.3) */
#define EX_PATIENCE_NS (3600ull * 1000000000ull) /* no application keeps the peer waiting so long */

/* A segment in flight. */
struct ex_frame {
	uint64_t born_ms;
	uint8_t to;   /* host */
	bool spare;   /* a copy, or of a former incarnation: it need not arrive */
	bool changed; /* tampered with: the device is to vouch for its checksum */
	uint8_t len;
	uint8_t bytes[EX_FRAME_BYTES];
};

/* Two initial sequence numbers that a host has had together in one connection or record. */
struct ex_pair {
	uint32_t iss, irs;
};

/* What an application knows of one of its connections. */
struct ex_conn {
	weir_conn handle;
	struct ex_pair pair; /* irs: 0 until it is known */
	bool live;           /* the handle has not ended */
	bool up;             /* it was told that the connection is established */
	bool eof, shut, closed, aborted;
	enum weir_err reason; /* how it ended */
	uint8_t sent, got;    /* bytes */
};

struct ex_host {
	struct weir_stack *stack;
	struct ex_conn conn[EX_CONNS_MAX];
	struct ex_pair pair[EX_PAIRS_MAX];
	uint8_t conns, pairs;
	uint8_t connects, sends, aborts; /* calls still allowed */
	uint32_t flows;                  /* the stack's flow_last after the last step */
	uint32_t isn;                /* the last number that it began with, or would begin with */
	uint32_t past[EX_PASTS_MAX]; /* such numbers, EX_FAR or more before the next one */
	uint8_t pasts;
};

/* Hears every trace record of a host. */
struct ex_observer {
	void (*record)(void *user, unsigned host, const struct weir_trace_record *r);
	void *user;
};

struct ex_tap {
	const struct ex_observer *observer;
	unsigned host;
};

struct ex_world {
	const struct ex_scenario *scenario;
	struct ex_tap tap[EX_HOSTS];
	enum ex_tamper tamper;
	unsigned variant;
	weir_time now;
	struct ex_host host[EX_HOSTS];
	struct ex_frame frame[EX_FRAMES_MAX];
	uint8_t frames;
	uint8_t drops, dups, delays; /* left */
	bool late_fin;               /* a FIN found no connection, and was answered with RST */
	unsigned violated;           /* enum ex_property, of this step */
	const char *why;             /* of weir_stack_check() */
	bool touched[EX_HOSTS];      /* the stack has run since the state was saved or restored */
	bool overflow;               /* a table of this struct was too small */
	size_t stack_bytes;          /* of each memory that is in use */
	_Alignas(64) uint8_t memory[EX_HOSTS][EX_MEMORY];
};

enum ex_kind {
	EX_DELIVER, /* frame `arg` */
	EX_REPEAT,  /* the same, and a copy stays in flight */
	EX_DROP,
	EX_TIME, /* until the next timer */
	EX_CONNECT,
	EX_SEND,
	EX_SHUTDOWN,
	EX_CLOSE,
	EX_ABORT,
	EX_KINDS
};

/* One step of a run. For calls `arg` is a connection's number in its host, `host` its host. */
struct ex_action {
	uint8_t kind; /* enum ex_kind */
	uint8_t host;
	uint8_t arg;
};
#define EX_ACTIONS_MAX (3u * EX_FRAMES_MAX + 1u + EX_HOSTS * (1u + 4u * EX_CONNS_MAX))

/* The first state of a variant. `o` may be NULL. */
void ex_world_init(struct ex_world *w, const struct ex_scenario *s, const struct ex_bounds *b,
		   unsigned variant, enum ex_tamper tamper, const struct ex_observer *o);

/* Copies a state. One of the two is the place where it was made; the engine runs only there. */
void ex_world_save(struct ex_world *to, const struct ex_world *live);
void ex_world_restore(struct ex_world *live, const struct ex_world *from);
/* The same, when nothing but one action was done since `live` was that state. */
void ex_world_undo(struct ex_world *live, const struct ex_world *from);

/* All that may happen next; returns how many. */
unsigned ex_world_actions(const struct ex_world *w, struct ex_action *out);

/* Does one of them. Afterwards `violated` says what went wrong in it. */
void ex_world_apply(struct ex_world *w, const struct ex_action *a);

/* Can a run end here? When nothing is left to happen but what need not happen. */
bool ex_world_may_end(const struct ex_world *w, const struct ex_action *actions, unsigned count);
/* A run ends here: has everything ended well? Violated properties. */
unsigned ex_world_finish(const struct ex_world *w);

/* The canonical form of the state, hashed: see canon.c. */
struct ex_hash {
	uint64_t lo, hi;
};
struct ex_hash ex_world_hash(const struct ex_world *w);

/* --- Between the parts of the world ------------------------------------------------------- */

/* The next number that host `h` would begin with for the pair of endpoints. */
uint32_t ex_isn_next(const struct ex_world *w, unsigned h);
void ex_tuple(unsigned h, struct weir_tuple *out);

/* Lets host `h` do all it can at w->now: events, then packets, until there are none. */
void ex_host_run(struct ex_world *w, unsigned h);
void ex_host_init(struct ex_world *w, unsigned h, const struct ex_observer *o);
void ex_host_call(struct ex_world *w, const struct ex_action *a);
/* Would weir_connect() find the pair free? */
bool ex_host_may_connect(const struct ex_world *w, unsigned h);
/* The next timer that changes something; WEIR_NEVER: none. */
weir_time ex_host_next(const struct ex_world *w, unsigned h);

/* Puts the old segments of the scenario into the network. */
void ex_old_init(struct ex_world *w);
/* A frame at the end of w->frame, born now. NULL: the network is full (w->overflow). */
struct ex_frame *ex_frame_new(struct ex_world *w);
void ex_frame_remove(struct ex_world *w, unsigned i);
/* Takes the TCP segment out of a frame. */
void ex_frame_read(const struct ex_frame *f, struct tcp_seg *out);
/* What tells frame `i` from others in flight; equal frames are one. */
uint64_t ex_frame_key(const struct ex_world *w, unsigned i);

/* The byte at `index` of connection number `conn` of host `h`. */
uint8_t ex_byte(unsigned h, unsigned conn, unsigned index);
/* Is this A's last connection, or its peer, which the scenario leaves open? */
bool ex_stays_open(const struct ex_world *w, const struct ex_host *h, const struct ex_conn *c);
/* The other end of connection or record (iss, irs) of host `h`; NULL: none. */
const struct ex_conn *ex_peer(const struct ex_world *w, unsigned h, struct ex_pair p);
bool ex_pair_known(const struct ex_world *w, unsigned h, struct ex_pair p);

/* judge.c: what is checked when something was told, and after every step. */
void ex_judge_up(struct ex_world *w, unsigned h, struct ex_conn *c);
void ex_judge_bytes(struct ex_world *w, unsigned h, struct ex_conn *c, const uint8_t *bytes,
		    size_t len);
void ex_judge_eof(struct ex_world *w, unsigned h, struct ex_conn *c);
void ex_judge_end(struct ex_world *w, unsigned h, struct ex_conn *c);
void ex_judge_step(struct ex_world *w);

#endif
