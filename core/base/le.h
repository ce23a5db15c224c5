/*
 * le.h: little-endian loads at any alignment.
 */
#ifndef WEIR_BASE_LE_H
#define WEIR_BASE_LE_H

#include <stdint.h>

static inline uint32_t le32_get(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t le64_get(const uint8_t *p)
{
	return (uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

#endif
