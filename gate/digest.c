/*
 * digest.c: what /bytes/N is made of.
 *
 * Theory of operation
 *
 * The stream is one, and /bytes/N gives its first N bytes: the 64-bit words splitmix64(0),
 * splitmix64(1), ... in little-endian order. Every position has a different neighbourhood, so that
 * bytes that are lost, repeated or swapped anywhere on the way change the digest, and any piece can
 * be made without the ones before it.
 *
 * The digest goes into a header, so it must be known before the first byte. SHA-256 has no short
 * cut, hence its speed decides how long the first request for a large N waits: measured on 64 KB
 * blocks, libcrypto with SHA-NI does 1.8 GB/s and libsodium 0.32 GB/s. This is why libcrypto is
 * used here. The state of the digest is kept at the largest length that was asked for, and the
 * digests of the last lengths are remembered, so a second request waits for nothing, and a longer
 * one only for the difference.
 */
#include "digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lengths remembered; tests use a handful. */
#define CACHE_ROWS   32
#define FILL_BLOCK   65536u
#define SHA256_BYTES 32

struct gate_digest {
	EVP_MD_CTX *ctx;
};

struct cache_row {
	uint64_t len;
	char hex[GATE_DIGEST_HEX]; /* empty: no row */
};

struct gate_digest_cache {
	pthread_mutex_t lock;
	struct gate_digest *prefix; /* of the first prefix_len bytes */
	uint64_t prefix_len;
	struct cache_row rows[CACHE_ROWS];
	unsigned next; /* the row that is overwritten next */
};

struct gate_digest *gate_digest_new(void)
{
	struct gate_digest *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->ctx = EVP_MD_CTX_new();
	if (d->ctx != NULL && EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) == 1)
		return d;
	gate_digest_free(d);
	return NULL;
}

int gate_digest_add(struct gate_digest *d, const void *bytes, size_t len)
{
	return EVP_DigestUpdate(d->ctx, bytes, len) == 1 ? 0 : -1;
}

int gate_digest_hex(struct gate_digest *d, char hex[GATE_DIGEST_HEX])
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned i, len;

	if (EVP_DigestFinal_ex(d->ctx, raw, &len) != 1 || len != SHA256_BYTES)
		return -1;
	for (i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

void gate_digest_free(struct gate_digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

/* Sebastiano Vigna, splitmix64: the output function on the state (k + 1) * golden ratio. */
static uint64_t pattern_word(uint64_t k)
{
	uint64_t z = (k + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void put_word(uint8_t out[8], uint64_t word)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		out[i] = (uint8_t)(word >> (8 * i));
}

void gate_pattern_fill(uint8_t *out, uint64_t at, size_t len)
{
	uint8_t word[8];
	size_t skip = at % 8;
	size_t take;

	for (at /= 8; len > 0; at++, skip = 0) {
		if (skip == 0 && len >= 8) {
			put_word(out, pattern_word(at));
			out += 8;
			len -= 8;
			continue;
		}
		put_word(word, pattern_word(at));
		take = 8 - skip < len ? 8 - skip : len;
		memcpy(out, word + skip, take);
		out += take;
		len -= take;
	}
}

struct gate_digest_cache *gate_digest_cache_new(void)
{
	struct gate_digest_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->prefix = gate_digest_new();
	if (c->prefix != NULL && pthread_mutex_init(&c->lock, NULL) == 0)
		return c;
	gate_digest_free(c->prefix);
	free(c);
	return NULL;
}

void gate_digest_cache_free(struct gate_digest_cache *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	gate_digest_free(c->prefix);
	free(c);
}

static int add_pattern(struct gate_digest *d, uint64_t from, uint64_t to)
{
	uint8_t *block = malloc(FILL_BLOCK);
	int failed = block == NULL ? -1 : 0;
	size_t n;

	while (failed == 0 && from < to) {
		n = to - from < FILL_BLOCK ? (size_t)(to - from) : FILL_BLOCK;
		gate_pattern_fill(block, from, n);
		failed = gate_digest_add(d, block, n);
		from += n;
	}
	free(block);
	return failed;
}

/* A copy of the kept state is extended; it becomes the kept one if it is longer. */
static int compute(struct gate_digest_cache *c, uint64_t len, char hex[GATE_DIGEST_HEX])
{
	bool extends = len >= c->prefix_len;
	struct gate_digest *d = gate_digest_new();
	struct gate_digest *kept = gate_digest_new();
	int failed = -1;

	if (d != NULL && kept != NULL &&
	    (!extends || EVP_MD_CTX_copy_ex(d->ctx, c->prefix->ctx) == 1) &&
	    add_pattern(d, extends ? c->prefix_len : 0, len) == 0 &&
	    EVP_MD_CTX_copy_ex(kept->ctx, d->ctx) == 1)
		failed = gate_digest_hex(d, hex);
	if (failed == 0 && extends) {
		gate_digest_free(c->prefix);
		c->prefix = kept;
		c->prefix_len = len;
		kept = NULL;
	}
	gate_digest_free(kept);
	gate_digest_free(d);
	return failed;
}

int gate_digest_of_pattern(struct gate_digest_cache *c, uint64_t len, char hex[GATE_DIGEST_HEX])
{
	struct cache_row *row;
	unsigned i;
	int failed = -1;

	pthread_mutex_lock(&c->lock);
	for (i = 0; i < CACHE_ROWS && failed != 0; i++) {
		row = &c->rows[i];
		if (row->hex[0] == '\0' || row->len != len)
			continue;
		memcpy(hex, row->hex, GATE_DIGEST_HEX);
		failed = 0;
	}
	if (failed != 0) {
		failed = compute(c, len, hex);
		if (failed == 0) {
			row = &c->rows[c->next++ % CACHE_ROWS];
			row->len = len;
			memcpy(row->hex, hex, GATE_DIGEST_HEX);
		}
	}
	pthread_mutex_unlock(&c->lock);
	return failed;
}
