/*
 * relay_impl.h: one relay, shared by relay.c (its life), relay_open.c (its beginning) and
 * relay_pump.c (its bytes).
 */
#ifndef GATE_RELAY_IMPL_H
#define GATE_RELAY_IMPL_H

#include "relay.h"

enum relay_phase {
	RELAY_FREE,
	RELAY_CONNECTING, /* the SYN is held; the outside descriptor is connecting */
	RELAY_ACCEPTING,  /* connected; the handshake inside goes on */
	RELAY_OPEN,       /* both sides are open, or were */
};

/* relay.flags. "host" is the descriptor's side, "prog" the engine's connection. */
#define RELAY_HOST_READABLE 0x01u /* a read may find something */
#define RELAY_HOST_WRITABLE 0x02u /* a write may take something */
#define RELAY_HOST_HUP      0x04u /* the other end is gone: short reads do not mean empty */
#define RELAY_HOST_ENDED    0x08u /* the host's end of stream was handed on (weir_shutdown) */
#define RELAY_PROG_ENDED    0x10u /* the program's end of stream was handed on (SHUT_WR) */
#define RELAY_HOST_RESET    0x20u /* the host reset; the program learns it after what came before */
#define RELAY_AGAIN         0x40u /* on the list of those whose turn ended early */

struct relay {
	struct gate_relays *table;
	struct relay *next, *prev; /* in the list of free or of connecting ones */
	struct relay *again_next;  /* in the list of RELAY_AGAIN */
	struct relay *reset_next;  /* in the list of RELAY_HOST_RESET */
	struct weir_watch *watch;
	struct gate_origin_link *link; /* NULL: a host socket */
	struct weir_endpoint dest;
	weir_half half;
	weir_conn conn;
	weir_time reset_at;
	uint32_t generation; /* of the record: stale events do not match */
	int fd;              /* -1: closed */
	enum relay_phase phase;
	uint32_t flags;
};

struct gate_relays {
	struct weir_loop *loop;
	struct weir_stack *stack;
	const struct gate_net *net;
	struct gate_origin *origin;
	void (*notice)(void *user, enum gate_notice what);
	void *user;
	struct relay *free;
	struct relay connecting; /* head of a ring; oldest first */
	unsigned connecting_count;
	struct relay *again, **again_end;
	struct relay *reset;
	int again_fd; /* eventfd: readable while `again` is not empty */
	struct weir_watch *again_watch;
	struct gate_relays_stats stats;
	uint32_t told; /* bit for each gate_notice */
	struct relay relays[GATE_RELAYS_MAX];
};

/* A held SYN: starts a relay, or refuses. */
void relay_open(struct gate_relays *t, const struct weir_event *ev);

/* A record in RELAY_CONNECTING for the SYN of `ev`; NULL: all are in use. */
struct relay *relay_new(struct gate_relays *t, const struct weir_event *ev);
/* Takes a record out of the list of connecting ones, before its phase changes. */
void relay_leave_connecting(struct relay *r);
/* What names the relay to the engine. */
uint64_t relay_user(const struct relay *r);
/* Gives a notice, the first time. */
void relay_tell(struct gate_relays *t, enum gate_notice what);

/* Moves bytes both ways until one side has to wait or the turn is over. The relay may be free
 * afterwards. */
void relay_pump(struct relay *r);

/* The host's side has ended by a reset. */
void relay_host_reset(struct relay *r);

/* Puts the relay on the list of those that go on in the next round. */
void relay_go_on(struct relay *r);

void relay_close_fd(struct relay *r);
/* Closes the descriptor so that the outside gets a reset. */
void relay_close_fd_hard(struct relay *r);
/* The record's end: closes what is open, and the record is free. */
void relay_free(struct relay *r);

#endif
