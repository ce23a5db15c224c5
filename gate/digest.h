/*
 * digest.h: the reproducible bytes of /bytes/N, SHA-256, and the digests of the first N bytes.
 */
#ifndef GATE_DIGEST_H
#define GATE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define GATE_DIGEST_HEX 65 /* 64 digits and NUL */

struct gate_digest;

/* A running SHA-256. NULL: no memory. */
struct gate_digest *gate_digest_new(void);
/* 0; -1: the library failed, and the digest is of no use. */
int gate_digest_add(struct gate_digest *d, const void *bytes, size_t len);
/* Writes the digest so far in hexadecimal; the digest must not be added to any more. 0; -1. */
int gate_digest_hex(struct gate_digest *d, char hex[GATE_DIGEST_HEX]);
void gate_digest_free(struct gate_digest *d);

/* Writes bytes [at, at + len) of the stream whose first N bytes /bytes/N gives. */
void gate_pattern_fill(uint8_t *out, uint64_t at, size_t len);

struct gate_digest_cache;

/* NULL: no memory. */
struct gate_digest_cache *gate_digest_cache_new(void);
void gate_digest_cache_free(struct gate_digest_cache *c);

/* The digest of the stream's first `len` bytes, in hexadecimal; computed if it is not remembered
 * (1 GB in half a second with the processor's SHA instructions). Any thread may call it. 0; -1. */
int gate_digest_of_pattern(struct gate_digest_cache *c, uint64_t len, char hex[GATE_DIGEST_HEX]);

#endif
