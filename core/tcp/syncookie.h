/*
 * syncookie.h: SYN cookies (RFC 4987 3.6): a handshake's state in its initial sequence number.
 *
 * Pure functions: who may use them, and when, is the stack's (stack/cookies.h).
 */
#ifndef WEIR_TCP_SYNCOOKIE_H
#define WEIR_TCP_SYNCOOKIE_H

#include <stddef.h>

#include "tcp/tcb.h"

#define SYNCOOKIE_TICKS   2u /* a cookie is good in the tick that made it and in the next */
#define SYNCOOKIE_TS_BITS 6u

/* A cookie for the SYN with sequence number `irs` of the pair `id` (`len` bytes, up to 36). `key`:
 * 16 secret bytes; `tick`: of a slow clock; `mss`: what the SYN said, in bytes. */
seq_t syncookie_make(const uint8_t key[16], const void *id, size_t len, seq_t irs, uint32_t tick,
		     uint16_t mss);

/* Is `cookie` one that syncookie_make() gave for the same pair and `irs` in this tick or the one
 * before? Then *mss is the class of the SYN's MSS: no larger than that, but for MSS below 28. A
 * guess is right once in 2^28: of 2^32 numbers 8 (one for each class) are right in each of the two
 * ticks. */
bool syncookie_check(const uint8_t key[16], const void *id, size_t len, seq_t irs, uint32_t tick,
		     seq_t cookie, uint16_t *mss);

/* The timestamp of a SYN-ACK that carries a cookie: `clock` with its low bits replaced by what the
 * cookie has no room for (window scale, SACK, ECN), and never later than `clock`. */
uint32_t syncookie_ts(uint32_t clock, const struct tcp_agreed *agreed);

/* Reads them from the echo of such a timestamp: snd_wscale, wscale_ok, sack_ok and ecn_ok are set.
 * */
void syncookie_ts_read(uint32_t echo, struct tcp_agreed *agreed);

#endif
