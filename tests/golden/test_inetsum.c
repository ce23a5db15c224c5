/*
 * The sinks' checksum against the definition, over pieces of any length and alignment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sink/inetsum.h"

/* RFC 1071 1: 16-bit words, a last odd byte with a zero after it, carries added at the low end. */
static uint16_t by_definition(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static void example_of_rfc_1071(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	struct inetsum s = {0};

	(void)state;
	inetsum_add(&s, bytes, sizeof(bytes));
	assert_int_equal((uint16_t)~0xddf2, inetsum_finish(&s));
}

static void pieces_of_any_length(void **state)
{
	static uint8_t bytes[70000];
	uint32_t rnd = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((rnd = rnd * 1664525u + 1013904223u) >> 24);
	memset(bytes + 100, 0xff, 1000); /* carries */
	for (int round = 0; round < 2000; round++) {
		size_t at = (rnd = rnd * 1664525u + 1013904223u) >> 24, from = at;
		size_t len = round < 1990 ? (rnd >> 8) % 300 : 65535;
		struct inetsum s = {0};

		for (size_t end = at + len; at < end;) {
			size_t n = ((rnd = rnd * 1664525u + 1013904223u) >> 20) % (len / 3 + 2);

			n = n < end - at ? n : end - at;
			inetsum_add(&s, bytes + at, n);
			at += n;
		}
		assert_int_equal(by_definition(bytes + from, len), inetsum_finish(&s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_of_rfc_1071),
		cmocka_unit_test(pieces_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
