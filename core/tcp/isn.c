#include "tcp/isn.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

#define ID_MAX 40u

static uint64_t keyed_any(const uint8_t key[16], enum isn_use use, const void *id, size_t len)
{
	uint8_t buf[1 + ID_MAX];

	weir_assert(len <= ID_MAX);
	buf[0] = (uint8_t)use;
	memcpy(buf + 1, id, len);
	return siphash24(key, buf, 1 + len);
}

static inline uint64_t keyed(const uint8_t key[16], enum isn_use use, const void *id, size_t len)
{
	return len == ISN_ID4_LEN ? isn_keyed4(key, use, id) : keyed_any(key, use, id, len);
}

uint64_t isn_pair_any(const uint8_t key[16], const void *id, size_t len)
{
	return keyed(key, ISN_USE_PAIR, id, len);
}

seq_t isn_make(const uint8_t key[16], const void *id, size_t len, weir_time now)
{
	return seq_make((uint32_t)(now / 4000u) + (uint32_t)keyed(key, ISN_USE_ISN, id, len));
}

uint32_t isn_port_offset(const uint8_t key[16], const void *id, size_t len)
{
	return (uint32_t)keyed(key, ISN_USE_PORT, id, len);
}

uint32_t isn_port_counter(const uint8_t key[16], const void *id, size_t len)
{
	return (uint32_t)keyed(key, ISN_USE_PORT_COUNTER, id, len);
}
