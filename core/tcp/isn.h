/*
 * isn.h: initial sequence numbers (RFC 6528), timestamp offsets (RFC 7323 5.4) and the search for
 * a port (RFC 6056), all from one secret key.
 */
#ifndef WEIR_TCP_ISN_H
#define WEIR_TCP_ISN_H

#include <stddef.h>

#include "base/hash.h"
#include "tcp/tcb.h"

/* `id` names the pair of endpoints: `len` bytes, up to 40. */

/* A clock that ticks every 4 microseconds plus a keyed hash of the pair (RFC9293-MUST-8, SHLD-1).
 */
seq_t isn_make(const uint8_t key[16], const void *id, size_t len, weir_time now);

/* One hash for all that must be the same for each incarnation of a pair. Its lower half is the
 * offset of the timestamp clock, which PAWS and RFC 6191 compare and the peer can work out; its
 * upper half never leaves us. */
static inline uint64_t isn_pair(const uint8_t key[16], const void *id, size_t len);

static inline uint32_t isn_pair_ts_offset(uint64_t pair)
{
	return (uint32_t)pair;
}

/* The upper half, for look-up. */
static inline uint32_t isn_pair_secret(uint64_t pair)
{
	return (uint32_t)(pair >> 32);
}

/* The offset for a pair whose hash is not at hand. */
static inline uint32_t isn_ts_offset(const uint8_t key[16], const void *id, size_t len)
{
	return isn_pair_ts_offset(isn_pair(key, id, len));
}

/* Where to begin the search for an ephemeral port towards a destination, and which of the counters
 * moves it on (F and G of RFC 6056 3.3.4). */
uint32_t isn_port_offset(const uint8_t key[16], const void *id, size_t len);
uint32_t isn_port_counter(const uint8_t key[16], const void *id, size_t len);

/* --- Inlines: every segment's pair is hashed -------------------------------------------------- */

#define ISN_ID4_LEN 12u /* an IPv4 pair with ports */
#define ISN_ID6_LEN 36u /* an IPv6 one */

/* The uses of the key, told apart by a first byte, so that none of them reveals another. */
enum isn_use { ISN_USE_ISN = 1, ISN_USE_PAIR = 2, ISN_USE_PORT = 3, ISN_USE_PORT_COUNTER = 4 };

/* SipHash-2-4 of that byte and `id`, which is not written down as one message. */
static inline uint64_t isn_keyed4(const uint8_t key[16], enum isn_use use,
				  const uint8_t id[ISN_ID4_LEN])
{
	struct sip h = sip_begin(key);

	sip_word(&h, le64_get(id) << 8 | (uint64_t)use, 2);
	sip_word(&h, sip_last(le64_get(id + 4) >> 24, 1 + ISN_ID4_LEN), 2);
	return sip_end(&h, 4);
}

/* The same of an IPv6 pair. */
static inline uint64_t isn_keyed6(const uint8_t key[16], enum isn_use use,
				  const uint8_t id[ISN_ID6_LEN])
{
	struct sip h = sip_begin(key);

	sip_word(&h, le64_get(id) << 8 | (uint64_t)use, 2);
	sip_word(&h, le64_get(id + 7), 2);
	sip_word(&h, le64_get(id + 15), 2);
	sip_word(&h, le64_get(id + 23), 2);
	sip_word(&h, sip_last(le64_get(id + 28) >> 24, 1 + ISN_ID6_LEN), 2);
	return sip_end(&h, 4);
}

uint64_t isn_pair_any(const uint8_t key[16], const void *id, size_t len);

static inline uint64_t isn_pair(const uint8_t key[16], const void *id, size_t len)
{
	return len == ISN_ID4_LEN ? isn_keyed4(key, ISN_USE_PAIR, id) : isn_pair_any(key, id, len);
}

#endif
