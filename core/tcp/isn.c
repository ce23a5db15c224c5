#include "tcp/isn.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

#define ID_MAX  40u
#define ID4_LEN 12u /* of an IPv4 pair with ports */

/* The uses are told apart by a first byte, so that none of them reveals another. */
enum { USE_ISN = 1, USE_TS = 2, USE_PORT = 3, USE_PORT_COUNTER = 4 };

static uint64_t keyed(const uint8_t key[16], uint8_t use, const void *id, size_t len)
{
	uint8_t buf[1 + ID_MAX];

	weir_assert(len <= ID_MAX);
	buf[0] = use;
	if (len == ID4_LEN) /* by a size that the compiler knows */
		memcpy(buf + 1, id, ID4_LEN);
	else
		memcpy(buf + 1, id, len);
	return siphash24(key, buf, 1 + len);
}

seq_t isn_make(const uint8_t key[16], const void *id, size_t len, weir_time now)
{
	return seq_make((uint32_t)(now / 4000u) + (uint32_t)keyed(key, USE_ISN, id, len));
}

uint32_t isn_ts_offset(const uint8_t key[16], const void *id, size_t len)
{
	return (uint32_t)keyed(key, USE_TS, id, len);
}

uint32_t isn_port_offset(const uint8_t key[16], const void *id, size_t len)
{
	return (uint32_t)keyed(key, USE_PORT, id, len);
}

uint32_t isn_port_counter(const uint8_t key[16], const void *id, size_t len)
{
	return (uint32_t)keyed(key, USE_PORT_COUNTER, id, len);
}
