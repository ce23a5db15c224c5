/*
 * fuzz.h: what all fuzz targets share.
 *
 * A target is one function that takes bytes, does something with them, and stops the process when a
 * property does not hold. libFuzzer calls it with inputs of its own making; replay.c with files.
 */
#ifndef WEIR_FUZZ_H
#define WEIR_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds, or ends the process with the place and the property. */
#define fuzz_assert(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

/* Memory of exactly `len` bytes, so that a sanitizer sees each access beyond it. */
static inline uint8_t *fuzz_alloc(size_t len)
{
	uint8_t *p = malloc(len ? len : 1);

	fuzz_assert(p);
	return p;
}

static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *p = fuzz_alloc(len);

	if (len)
		memcpy(p, bytes, len);
	return p;
}

/* An input that is taken apart from the front; past its end it reads as zeros. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
	uint8_t high = fuzz_u8(in);

	return (uint16_t)(high << 8 | fuzz_u8(in));
}

static inline uint32_t fuzz_u32(struct fuzz_input *in)
{
	uint32_t high = fuzz_u16(in);

	return high << 16 | fuzz_u16(in);
}

#endif
