/*
 * net.h: the wire between packetdrill and the engine: raw IP packets in, and a queue of those that
 * left, each with its time. The adapter is the link, so it cuts the engine's super-segments and
 * completes their checksums, and it checks the checksums of everything that leaves.
 */
#ifndef WEIR_PACKETDRILL_NET_H
#define WEIR_PACKETDRILL_NET_H

#include <stddef.h>
#include <stdint.h>

struct pd;
struct weir_packet;

struct pd_out {
	struct pd_out *next;
	int64_t at_us;
	size_t len;
	uint8_t bytes[];
};

struct pd_net {
	struct pd_out *first, **last;
	unsigned queued;
	unsigned bad_checksums;    /* packets that left with one */
	unsigned unasked;          /* that nobody had asked for when the script ended */
	int ended;                 /* the script is over: packetdrill has begun to clean up */
	uint8_t flat[65536 + 256]; /* a packet of the engine in one piece */
	uint8_t room[65536 + 256]; /* a piece of it */
};

void pd_net_init(struct pd_net *n);
void pd_net_clear(struct pd_net *n);

/* Takes a packet that the engine sends now. */
void pd_net_out(struct pd *pd, const struct weir_packet *p);

/* The callbacks of the interface, with the lock held. */
int pd_net_send(struct pd *pd, const void *packet, size_t bytes);
int pd_net_receive(struct pd *pd, void *buf, size_t *bytes, long long *time_usecs);

#endif
