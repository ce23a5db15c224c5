/*
 * reasm.h: puts packets together again that were fragmented on their way (RFC 791, RFC 8200 4.5).
 *
 * A bounded number of packets at one time, each for at most 60 s; the oldest makes room.
 */
#ifndef WEIR_NET_REASM_H
#define WEIR_NET_REASM_H

#include <stdbool.h>

#include "base/arena.h"
#include "net/ip_in.h"

#define REASM_TIMEOUT_NS 60000000000ull /* RFC 8200 4.5; RFC 1122 3.3.2: 60 to 120 s */
#define REASM_DATA_MAX   65535u         /* with the header, as any frame */
#define REASM_UNIT       8u             /* fragments begin at multiples of it */
#define REASM_QUOTE_MAX  128u           /* bytes of the first fragment, for an ICMP error */
#define REASM_HDR_MAX    40u            /* of the header that is put in front */

struct reasm_slot {
	uint8_t *bytes; /* REASM_HDR_MAX bytes for the header, then the data */
	struct weir_addr src, dst;
	uint32_t id;
	weir_time expires;
	uint32_t got;   /* bytes that are there */
	uint32_t high;  /* end of the last piece that is there */
	uint32_t total; /* bytes of all of it; 0: not known yet */
	uint8_t proto, tos, quote_len;
	uint8_t ecn_seen; /* bit n: a piece had ECN codepoint n */
	bool used;
	bool dead; /* pieces overlapped: the rest is dropped until the time is over */
	uint8_t quote[REASM_QUOTE_MAX];
	uint8_t have[(REASM_DATA_MAX / REASM_UNIT + 1 + 7) / 8];   /* bit n: unit n is there */
	uint8_t starts[(REASM_DATA_MAX / REASM_UNIT + 1 + 7) / 8]; /* .. and begins a piece */
};

struct reasm {
	struct reasm_slot *slot;
	uint32_t count; /* of slots; 0: no fragment is taken */
	uint32_t used;
};

void reasm_init(struct reasm *r, struct arena *a, uint32_t count);

/* Takes a fragment that ip_in() has found. ACCEPTED: *whole is the packet put together, valid until
 * the next call; IP_FRAGMENT: kept (or there already), more is missing; FRAGMENT_DROPPED. */
enum weir_counter reasm_put(struct reasm *r, const struct ip_packet *p, weir_time now,
			    struct weir_frame *whole);

/* A slot whose time is over by `now`: it is free, but may still be read until the next call. If
 * quote_len is not 0, its sender is to be told (RFC 1122 3.3.2). NULL: none. */
const struct reasm_slot *reasm_expire(struct reasm *r, weir_time now);

/* When the next slot's time is over; WEIR_NEVER. */
weir_time reasm_next(const struct reasm *r);

#endif
