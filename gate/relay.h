/*
 * relay.h: joins each connection of the program to one descriptor outside: a host socket, or the
 * origin's end of a descriptor pair.
 *
 * What one side does, the other side sees: opened, refused, unreachable, no answer, bytes, end of
 * stream in each direction apart, reset. Bytes are never stored here: they go from the engine's
 * pages to the descriptor and back, and who is slow makes the other side's window close.
 */
#ifndef GATE_RELAY_H
#define GATE_RELAY_H

#include "addr.h"
#include "origin.h"
#include "weir/loop.h"

/* Connections at one time; their memory is 1 KB each in the engine and one descriptor here. */
#define GATE_RELAYS_MAX 8192u

struct gate_relays;

/* Things that the user should hear of, each told once. */
enum gate_notice {
	GATE_NOTICE_DESCRIPTORS, /* no descriptor or memory was left for a connection */
	GATE_NOTICE_FULL,        /* GATE_RELAYS_MAX reached */
};

struct gate_relays_args {
	struct weir_loop *loop;
	const struct gate_net *net;
	struct gate_origin *origin;
	void (*notice)(void *user, enum gate_notice what);
	void *user;
};

struct gate_relays_stats {
	uint64_t opened;       /* connections that were joined */
	uint64_t refused;      /* by policy of addresses: GATE_DEST_INSIDE, GATE_DEST_NEVER */
	uint64_t failed;       /* the outside said no, or nothing */
	uint64_t given_up;     /* attempts ended to make room for newer ones */
	uint64_t out_of_table; /* GATE_RELAYS_MAX reached */
	uint64_t out_of_fds;   /* no descriptor or memory was left */
	uint64_t progress;     /* bytes carried from the program to the outside */
	unsigned in_use;       /* records in use now */
};

/* What is still to do after the program has ended. */
enum gate_relays_rest {
	GATE_REST_NONE,   /* no connection is open */
	GATE_REST_IDLE,   /* some are, but everything that the program sent was handed on */
	GATE_REST_UNSENT, /* bytes or an end of stream of the program are not handed on yet */
};

/* 0; -1 with errno. */
int gate_relays_open(struct gate_relays **out, const struct gate_relays_args *args);
/* Closes all descriptors; before the loop is closed. */
void gate_relays_close(struct gate_relays *t);

/* Feeds one event of the engine. */
void gate_relays_event(struct gate_relays *t, const struct weir_event *ev);
/* Once a round, after the events. */
void gate_relays_round(struct gate_relays *t);

enum gate_relays_rest gate_relays_rest(struct gate_relays *t);
const struct gate_relays_stats *gate_relays_stats(const struct gate_relays *t);

#endif
