/*
 * Theory of operation
 *
 * Under a flood nothing may be kept for a SYN. What the third segment needs is sent to the peer
 * instead, who returns it: the ACK field is our initial sequence number plus one, and with
 * timestamps TSecr is our TSval.
 *
 *   the number, 32 bits:  | 29 bits of H | MSS class, 3 bits |
 *   H = SipHash-2-4(key, pair of endpoints, the peer's initial number, tick, class)
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

#include <string.h>

#include "base/assert.h"
#include "base/be.h"
#include "base/hash.h"

#define ID_MAX     36u
#define ID4_LEN    12u /* of an IPv4 pair with ports */
#define CLASS_BITS 3u
#define CLASS_MASK ((1u << CLASS_BITS) - 1)

#define TS_MASK        ((1u << SYNCOOKIE_TS_BITS) - 1)
#define TS_WSCALE_MASK 0x0fu
#define TS_WSCALE_NONE 0x0fu
#define TS_SACK        0x10u
#define TS_ECN         0x20u

/* What peers have: a link of 68 bytes, of 296, the defaults of IPv4 and IPv6, tunnels, Ethernet
 * with IPv6 and with IPv4, jumbo frames. */
static const uint16_t classes[1u << CLASS_BITS] = {28, 256, 536, 1220, 1360, 1440, 1460, 8940};

static unsigned class_of(uint16_t mss)
{
	unsigned c = CLASS_MASK;

	while (c > 0 && classes[c] > mss)
		c--;
	return c;
}

static seq_t number(const uint8_t key[16], const void *id, size_t len, seq_t irs, uint32_t tick,
		    unsigned class)
{
	uint8_t buf[ID_MAX + 9];

	weir_assert(len <= ID_MAX);
	if (len == ID4_LEN) /* by a size that the compiler knows */
		memcpy(buf, id, ID4_LEN);
	else
		memcpy(buf, id, len);
	be32_put(buf + len, irs.v);
	be32_put(buf + len + 4, tick);
	buf[len + 8] = (uint8_t) class;
	return seq_make((uint32_t)siphash24(key, buf, len + 9) << CLASS_BITS | class);
}

seq_t syncookie_make(const uint8_t key[16], const void *id, size_t len, seq_t irs, uint32_t tick,
		     uint16_t mss)
{
	return number(key, id, len, irs, tick, class_of(mss));
}

bool syncookie_check(const uint8_t key[16], const void *id, size_t len, seq_t irs, uint32_t tick,
		     seq_t cookie, uint16_t *mss)
{
	unsigned class = cookie.v & CLASS_MASK;

	*mss = classes[class];
	for (unsigned age = 0; age < SYNCOOKIE_TICKS; age++)
		if (seq_eq(cookie, number(key, id, len, irs, tick - age, class)))
			return true;
	return false;
}

uint32_t syncookie_ts(uint32_t clock, const struct tcp_agreed *agreed)
{
	uint32_t bits = agreed->wscale_ok ? agreed->snd_wscale : TS_WSCALE_NONE;
	uint32_t ts;

	if (agreed->sack_ok)
		bits |= TS_SACK;
	if (agreed->ecn_ok)
		bits |= TS_ECN;
	ts = (clock & ~TS_MASK) | bits;
	return (int32_t)(ts - clock) > 0 ? ts - (TS_MASK + 1) : ts;
}

void syncookie_ts_read(uint32_t echo, struct tcp_agreed *agreed)
{
	uint32_t wscale = echo & TS_WSCALE_MASK;

	agreed->wscale_ok = wscale != TS_WSCALE_NONE;
	agreed->snd_wscale = agreed->wscale_ok ? (uint8_t)wscale : 0;
	agreed->sack_ok = echo & TS_SACK;
	agreed->ecn_ok = echo & TS_ECN;
}
