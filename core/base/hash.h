/*
 * hash.h: SipHash (Aumasson and Bernstein, 2012), a keyed pseudorandom function for short input.
 *
 * 2-4 where secrecy matters (ISNs, ports, timestamp offsets; RFC 6528), 1-3 for look-up tables,
 * so that nobody outside can choose collisions.
 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* `key`: 16 bytes; `len` bytes at `data`. */
uint64_t siphash24(const uint8_t key[16], const void *data, size_t len);
uint64_t siphash13(const uint8_t key[16], const void *data, size_t len);

#endif
