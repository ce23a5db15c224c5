/*
 * pattern.c: the bytes of a stream, a function of its key and the offset alone, so that any piece
 * of it can be made or checked at any time without being kept.
 *
 * A period would hide a slip by a multiple of it, so each group of eight bytes is a hash of its own
 * number.
 */
#include "sim/rng.h"

static uint8_t pattern_byte(uint64_t key, uint64_t offset)
{
	return (uint8_t)(sim_mix(key ^ (offset >> 3)) >> (8 * (offset & 7)));
}

void sim_pattern_fill(uint64_t key, uint64_t offset, uint8_t *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && ((offset + i) & 7) != 0) {
		bytes[i] = pattern_byte(key, offset + i);
		i++;
	}
	for (; i + 8 <= len; i += 8) {
		uint64_t v = sim_mix(key ^ ((offset + i) >> 3));

		for (size_t k = 0; k < 8; k++)
			bytes[i + k] = (uint8_t)(v >> (8 * k));
	}
	for (; i < len; i++)
		bytes[i] = pattern_byte(key, offset + i);
}

size_t sim_pattern_compare(uint64_t key, uint64_t offset, const uint8_t *bytes, size_t len)
{
	uint8_t want[64];

	for (size_t at = 0; at < len; at += sizeof(want)) {
		size_t n = len - at < sizeof(want) ? len - at : sizeof(want);

		sim_pattern_fill(key, offset + at, want, n);
		for (size_t i = 0; i < n; i++)
			if (bytes[at + i] != want[i])
				return at + i;
	}
	return len;
}
