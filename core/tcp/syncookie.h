/*
 * syncookie.h: SYN cookies (RFC 4987 3.6): a handshake's state in its initial sequence number.
 *
 * Pure functions: who may use them, and when, is the stack's (stack/cookies.h).
 */
#ifndef WEIR_TCP_SYNCOOKIE_H
#define WEIR_TCP_SYNCOOKIE_H

#include <stddef.h>

#include "base/hash.h"
#include "tcp/tcb.h"

#define SYNCOOKIE_TICKS   2u /* a cookie is good in the tick that made it and in the next */
#define SYNCOOKIE_TS_BITS 6u

/* A cookie for the SYN with sequence number `irs` of the pair whose hash is `pair` (isn_pair()).
 * `key`: 16 secret bytes; `tick`: of a slow clock; `mss`: what the SYN said, in bytes. */
static inline seq_t syncookie_make(const uint8_t key[16], uint64_t pair, seq_t irs, uint32_t tick,
				   uint16_t mss);

/* Is `cookie` one that syncookie_make() gave for the same pair and `irs` in this tick or the one
 * before? Then *mss is the class of the SYN's MSS: no larger than that, but for MSS below 28. A
 * guess is right once in 2^28: of 2^32 numbers 8 (one for each class) are right in each of the two
 * ticks. */
bool syncookie_check(const uint8_t key[16], uint64_t pair, seq_t irs, uint32_t tick, seq_t cookie,
		     uint16_t *mss);

/* The timestamp of a SYN-ACK that carries a cookie: `clock` with its low bits replaced by what the
 * cookie has no room for (window scale, SACK, ECN), and never later than `clock`. */
static inline uint32_t syncookie_ts(uint32_t clock, const struct tcp_agreed *agreed);

/* Reads them from the echo of such a timestamp: snd_wscale, wscale_ok, sack_ok and ecn_ok are
 * set. */
void syncookie_ts_read(uint32_t echo, struct tcp_agreed *agreed);

#define SYNCOOKIE_MESSAGE_LEN 13u /* the pair with the tick, the initial number, the class */

#define SYNCOOKIE_CLASS_BITS 3u
#define SYNCOOKIE_CLASS_MASK ((1u << SYNCOOKIE_CLASS_BITS) - 1)

/* What peers have: a link of 68 bytes, of 296, the defaults of IPv4 and IPv6, tunnels, Ethernet
 * with IPv6 and with IPv4, jumbo frames. Here, and not in a source, as a front has only headers. */
static const uint16_t syncookie_classes[1u << SYNCOOKIE_CLASS_BITS] = {28,   256,  536,  1220,
								       1360, 1440, 1460, 8940};

static inline unsigned syncookie_class_of(uint16_t mss)
{
	unsigned c = SYNCOOKIE_CLASS_MASK;

	while (c > 0 && syncookie_classes[c] > mss)
		c--;
	return c;
}

static inline seq_t syncookie_number(const uint8_t key[16], uint64_t pair, seq_t irs, uint32_t tick,
				     unsigned class)
{
	struct sip h = sip_begin(key);

	sip_word(&h, pair ^ tick, 2);
	sip_word(&h, sip_last((uint64_t) class << 32 | irs.v, SYNCOOKIE_MESSAGE_LEN), 2);
	return seq_make((uint32_t)sip_end(&h, 4) << SYNCOOKIE_CLASS_BITS | class);
}

static inline seq_t syncookie_make(const uint8_t key[16], uint64_t pair, seq_t irs, uint32_t tick,
				   uint16_t mss)
{
	return syncookie_number(key, pair, irs, tick, syncookie_class_of(mss));
}

#define SYNCOOKIE_TS_MASK        ((1u << SYNCOOKIE_TS_BITS) - 1)
#define SYNCOOKIE_TS_WSCALE_MASK 0x0fu
#define SYNCOOKIE_TS_WSCALE_NONE 0x0fu
#define SYNCOOKIE_TS_SACK        0x10u
#define SYNCOOKIE_TS_ECN         0x20u

static inline uint32_t syncookie_ts(uint32_t clock, const struct tcp_agreed *agreed)
{
	uint32_t bits = agreed->wscale_ok ? agreed->snd_wscale : SYNCOOKIE_TS_WSCALE_NONE;
	uint32_t ts;

	if (agreed->sack_ok)
		bits |= SYNCOOKIE_TS_SACK;
	if (agreed->ecn_ok)
		bits |= SYNCOOKIE_TS_ECN;
	ts = (clock & ~SYNCOOKIE_TS_MASK) | bits;
	return (int32_t)(ts - clock) > 0 ? ts - (SYNCOOKIE_TS_MASK + 1) : ts;
}

#endif
