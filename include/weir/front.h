/*
 * front.h: what stands before the engine and answers SYNs for it with the engine's SYN cookies.
 *
 * Under a flood the path of a packet to the engine costs more than the engine. A front is a program
 * nearer to the wire (of the kernel, of a network card, on another machine) that answers SYNs to
 * listeners in cookie mode as the engine would, byte for byte. The third segment goes to the
 * engine, which takes the cookie for its own. The engine gives the rules; the front keeps to them:
 *
 *   - It answers only what weir_front_rules says, and hands on everything else, the SYN of a pair
 *     with an owner or with a used cookie included: the slots tell.
 *   - It writes when it answered (answered_ms), and its caller reports how often: at any other time
 *     no guess makes a connection, and cookie mode lasts as long as the records that the front
 *     spared would have filled the listener's queue.
 *
 * Its clock is the engine's: what weir_input() is given. Only listeners with address and port, and
 * only the first WEIR_FRONT_LISTENERS that a stack has: others are served by the engine.
 */
#ifndef WEIR_FRONT_H
#define WEIR_FRONT_H

#include "weir/weir.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_FRONT_LISTENERS  8u
#define WEIR_FRONT_GROUPS     16u /* one for each address that a stack may have */
#define WEIR_FRONT_FORM_BYTES 80u /* IPv6 40, TCP 20, options 20 */

/* The front reads the clock when a SYN comes, the engine had it read before it was given the ACK:
 * for the front a tick begins this much later, so that no cookie is from a tick to come. */
#define WEIR_FRONT_LAG_MS 50u

/* Options that both sides use, and ECN: they choose the form of the SYN-ACK. */
#define WEIR_FRONT_TS     1u
#define WEIR_FRONT_SACK   2u
#define WEIR_FRONT_WSCALE 4u
#define WEIR_FRONT_ECN    8u
#define WEIR_FRONT_FORMS  16u

/* A SYN-ACK with blanks: addresses, ports, sequence numbers, timestamps, checksums are zero. Sums
 * are those of RFC 1071, folded, in the byte order of memory. */
struct weir_front_form {
	uint8_t bytes[WEIR_FRONT_FORM_BYTES];
	uint8_t len;         /* bytes of the packet */
	uint8_t ts_at;       /* where TSval goes, TSecr behind it; 0: no timestamps */
	uint16_t ip4_sum;    /* of the IPv4 header, if it is one */
	uint16_t tcp_sum;    /* of TCP header and pseudo-header */
	uint16_t pseudo_sum; /* of the pseudo-header alone */
};

struct weir_front_listener {
	uint8_t addr[16]; /* IPv4: the first four */
	uint16_t port;    /* host order */
	uint8_t family;   /* 4 or 6 */
	uint8_t on;       /* 1: its SYNs are to be answered */
};

/* Plain memory without pointers, so that it can be copied to where the front is. */
struct weir_front_rules {
	uint8_t isn_key[16], cookie_key[16]; /* secrets */
	uint64_t tick_ms, epoch_ms;          /* the tick is (clock in ms + epoch_ms) / tick_ms,
					      * the sum modulo 2^64 */
	uint32_t options;                    /* WEIR_FRONT_*: those that may be agreed on */
	uint32_t ecn;                        /* the setting ecn: which kind of it */
	uint32_t slot_mask;                  /* slots - 1 */
	uint32_t listeners;                  /* listener[] that may be on: the first ones */
	uint32_t groups;                     /* group[] in use */
	struct weir_front_listener listener[WEIR_FRONT_LISTENERS];
	uint8_t group[WEIR_FRONT_GROUPS][4]; /* IPv4 addresses that are never a sender's */
	struct weir_front_form form4[WEIR_FRONT_FORMS], form6[WEIR_FRONT_FORMS];
};

/* One for many pairs, chosen by the upper half of the pair's hash. A SYN goes to the engine unless
 * both say that it may not matter. */
struct weir_front_slot {
	uint8_t owners; /* pairs with an owner; 255: so many that they are no longer counted */
	uint8_t spent;  /* when a used cookie was last noted here: WEIR_FRONT_STAMP; 0: never */
};

/* Which tick a used cookie was noted in. It matters in that tick and in the next, and in the one
 * before, for a front may be behind by the lag. */
#define WEIR_FRONT_STAMP(tick) ((uint8_t)((tick) % 255u + 1u))

/* Memory that the caller lends until weir_front_close(), zeroed. */
struct weir_front_args {
	struct weir_front_slot *slots; /* written by the engine, read by the front */
	uint32_t slot_count;           /* a power of two; weir_front_slots() is a good one */
	/* WEIR_FRONT_LISTENERS of them, written by the front: when it last answered a SYN to the
	 * listener, in milliseconds of the clock; 0: never. */
	const volatile uint64_t *answered_ms;
};

/* Slots for about one false alarm in 16 when every record of the stack is in use. */
uint32_t weir_front_slots(const struct weir_stack *s);

/* A front is there from now on. WEIR_OK, WEIR_EXISTS (there is one), WEIR_BAD_ARG (slot_count). */
enum weir_err weir_front_open(struct weir_stack *s, const struct weir_front_args *args);

/* It is gone: nothing is answered any more. */
void weir_front_close(struct weir_stack *s);

/* Looks after the cookie modes, to be called after weir_input() and ten times a second at least.
 * Returns a number that differs from the last one if the rules do. */
uint32_t weir_front_update(struct weir_stack *s, weir_time now);

/* The rules as they are now. */
void weir_front_rules_get(const struct weir_stack *s, struct weir_front_rules *out);

/* Is any listener's SYN to be answered? */
bool weir_front_is_on(const struct weir_stack *s);

/* The front has answered `count` more SYNs (0 included) to rules.listener[i]; ten times a second at
 * least while it is on. */
void weir_front_report(struct weir_stack *s, unsigned i, uint64_t count, weir_time now);

#ifdef __cplusplus
}
#endif

#endif
