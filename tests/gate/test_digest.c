/*
 * test_digest.c: the bytes of /bytes/N and their digests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate/digest.h"

#define SAMPLE 5000

static void digest_of(const void *bytes, size_t len, char hex[GATE_DIGEST_HEX])
{
	struct gate_digest *d = gate_digest_new();

	assert_non_null(d);
	assert_int_equal(0, gate_digest_add(d, bytes, len));
	assert_int_equal(0, gate_digest_hex(d, hex));
	gate_digest_free(d);
}

/* FIPS 180-4, and the empty message. */
static void test_sha256(void **state)
{
	char hex[GATE_DIGEST_HEX];

	(void)state;
	digest_of("abc", 3, hex);
	assert_string_equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			    hex);
	digest_of("", 0, hex);
	assert_string_equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			    hex);
}

/* splitmix64 of seed 0 begins with e220a8397b1dcdaf, 6e789e6aa1b965f4. */
static void test_pattern_is_splitmix64(void **state)
{
	static const uint8_t want[16] = {0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2,
					 0xf4, 0x65, 0xb9, 0xa1, 0x6a, 0x9e, 0x78, 0x6e};
	uint8_t got[16];

	(void)state;
	gate_pattern_fill(got, 0, sizeof(got));
	assert_memory_equal(want, got, sizeof(want));
}

static void test_pattern_in_pieces(void **state)
{
	uint8_t whole[SAMPLE], piece[SAMPLE];
	size_t at, len;

	(void)state;
	gate_pattern_fill(whole, 0, SAMPLE);
	for (at = 0; at < 40; at++) {
		for (len = 0; len < 40; len++) {
			gate_pattern_fill(piece, at, len);
			assert_memory_equal(whole + at, piece, len);
		}
	}
	gate_pattern_fill(piece, 1003, SAMPLE - 1003);
	assert_memory_equal(whole + 1003, piece, SAMPLE - 1003);
}

/* Longer, shorter, the same again, and the kept prefix extended: always the plain digest. */
static void test_cache(void **state)
{
	static const uint64_t lens[] = {0, 1, 4096, 100000, 7, 4096, 300001, 299999, 0, 300001};
	struct gate_digest_cache *c = gate_digest_cache_new();
	uint8_t *bytes = malloc(300001);
	char want[GATE_DIGEST_HEX], got[GATE_DIGEST_HEX];
	size_t i;

	(void)state;
	assert_non_null(c);
	assert_non_null(bytes);
	gate_pattern_fill(bytes, 0, 300001);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		digest_of(bytes, (size_t)lens[i], want);
		assert_int_equal(0, gate_digest_of_pattern(c, lens[i], got));
		assert_string_equal(want, got);
	}
	free(bytes);
	gate_digest_cache_free(c);
}

/* More lengths than are remembered. */
static void test_cache_turns_over(void **state)
{
	struct gate_digest_cache *c = gate_digest_cache_new();
	uint8_t bytes[200];
	char want[GATE_DIGEST_HEX], got[GATE_DIGEST_HEX];
	unsigned len, round;

	(void)state;
	assert_non_null(c);
	gate_pattern_fill(bytes, 0, sizeof(bytes));
	for (round = 0; round < 2; round++) {
		for (len = 0; len < sizeof(bytes); len++) {
			digest_of(bytes, len, want);
			assert_int_equal(0, gate_digest_of_pattern(c, len, got));
			assert_string_equal(want, got);
		}
	}
	gate_digest_cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_pattern_is_splitmix64),
		cmocka_unit_test(test_pattern_in_pieces),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_turns_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
