/*
 * Big-endian loads and stores at each alignment, and that a store touches no byte beside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"

static void test_get(void **state)
{
	static const uint8_t bytes[] = {0x80, 0x01, 0xfe, 0xff, 0x00, 0x7f};

	(void)state;
	assert_int_equal(be16_get(bytes), 0x8001);
	assert_int_equal(be16_get(bytes + 1), 0x01fe);
	assert_int_equal(be16_get(bytes + 4), 0x007f);
	assert_int_equal(be32_get(bytes), 0x8001feff);
	assert_int_equal(be32_get(bytes + 1), 0x01feff00);
	assert_int_equal(be32_get(bytes + 2), 0xfeff007f);
}

static void test_put(void **state)
{
	static const uint32_t values[] = {0, 1, 0x80, 0xff00, 0x8000, 0x12345678, UINT32_MAX};

	(void)state;
	for (size_t skip = 1; skip <= 4; skip++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			uint8_t bytes[10];

			memset(bytes, 0xaa, sizeof(bytes));
			be32_put(bytes + skip, values[i]);
			assert_int_equal(be32_get(bytes + skip), values[i]);
			assert_int_equal(bytes[skip], values[i] >> 24);
			assert_int_equal(bytes[skip - 1], 0xaa);
			assert_int_equal(bytes[skip + 4], 0xaa);

			memset(bytes, 0xaa, sizeof(bytes));
			be16_put(bytes + skip, (uint16_t)values[i]);
			assert_int_equal(be16_get(bytes + skip), (uint16_t)values[i]);
			assert_int_equal(bytes[skip + 1], (uint8_t)values[i]);
			assert_int_equal(bytes[skip - 1], 0xaa);
			assert_int_equal(bytes[skip + 2], 0xaa);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
