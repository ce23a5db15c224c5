/*
 * Theory of operation
 *
 * Under a flood nothing may be kept for a SYN. What the third segment needs is sent to the peer
 * instead, who returns it: the ACK field is our initial sequence number plus one, and with
 * timestamps TSecr is our TSval.
 *
 *   the number, 32 bits:  | 29 bits of H | MSS class, 3 bits |
 *   H = SipHash-2-4(key, hash of the pair ^ tick, the peer's initial number, class)
 *
 * The pair comes as its 64-bit hash under another secret (isn_pair()), which the stack has at hand
 * for each segment. Half of that is never seen outside, so nobody can find pairs and ticks that
 * would give the same message: by chance two do once in 2^64. What is equal for the same pair is
 * still hashed here, under the cookie's own key, which changes (weir_cookie_keys_set()).
 *
 * So an ACK passes only if it acknowledges a number made for this very pair, for a SYN with the
 * sequence number before its own, in this tick or the last. The tick itself is not sent: two hashes
 * are cheap, and every bit more of H halves the chance of a guess. 2 ticks x 8 classes of 2^32
 * numbers are right, one in 2^28.
 *
 *   TSval, 32 bits:       | the clock, 26 bits | ECN | SACK | window scale, 4 bits |
 *
 * The low bits replace those of a clock in milliseconds; what came out later than the clock is
 * taken back by 64 ms, so that the segments that follow are never older (RFC 7323 5.3). The ECN bit
 * is written as zero, since ECN is not offered. Without timestamps, window scale and SACK are lost,
 * and the SYN-ACK does not offer them.
 */
#include "tcp/syncookie.h"

#include "base/hash.h"

bool syncookie_check(const uint8_t key[16], uint64_t pair, seq_t irs, uint32_t tick, seq_t cookie,
		     uint16_t *mss)
{
	unsigned class = cookie.v & SYNCOOKIE_CLASS_MASK;

	*mss = syncookie_classes[class];
	for (unsigned age = 0; age < SYNCOOKIE_TICKS; age++)
		if (seq_eq(cookie, syncookie_number(key, pair, irs, tick - age, class)))
			return true;
	return false;
}

void syncookie_ts_read(uint32_t echo, struct tcp_agreed *agreed)
{
	uint32_t wscale = echo & SYNCOOKIE_TS_WSCALE_MASK;

	agreed->wscale_ok = wscale != SYNCOOKIE_TS_WSCALE_NONE;
	agreed->snd_wscale = agreed->wscale_ok ? (uint8_t)wscale : 0;
	agreed->sack_ok = echo & SYNCOOKIE_TS_SACK;
	agreed->ecn_ok = echo & SYNCOOKIE_TS_ECN;
}
