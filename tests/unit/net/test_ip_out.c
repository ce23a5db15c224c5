/*
 * The IP header of what goes out, byte by byte (RFC 791, RFC 8200).
 */
#include "net_test.h"

#include "net/ip_out.h"

static void test_ip4(void **state)
{
	/* the checksum worked out by hand: 0x45b8 + 0x0123 + 0xbeef + 0x4000 + 0x0706 + 0x0a00
	 * + 0x0001 + 0x0a00 + 0x0002 = 0x160d3; folded 0x60d4; complement 0x9f2b */
	static const uint8_t expected[20] = {
		0x45, 0xb8, 0x01, 0x23, 0xbe, 0xef, 0x40, 0x00, 0x07, 0x06,
		0x9f, 0x2b, 10,   0,    0,    1,    10,   0,    0,    2,
	};
	struct ip_out o = {.src = &A4(10, 0, 0, 1),
			   .dst = &A4(10, 0, 0, 2),
			   .len = 0x123 - 20,
			   .id = 0xbeef,
			   .proto = 6,
			   .ttl = 7,
			   .tos = 0xb8};
	uint8_t bytes[20];

	(void)state;
	assert_int_equal(ip_out_len(4), 20);
	assert_int_equal(ip_out_write(bytes, &o), 20);
	assert_memory_equal(bytes, expected, 20); /* MUST-48, -49, RFC7323-25: DF is set */
}

static void test_ip6(void **state)
{
	uint8_t expected[40] = {0x6b, 0x80, 0, 0, 0x12, 0x34, 6, 7};
	struct ip_out o = {.src = &A6(1, 1),
			   .dst = &A6(2, 2),
			   .len = 0x1234,
			   .id = 0xbeef,
			   .proto = 6,
			   .ttl = 7,
			   .tos = 0xb8};
	uint8_t bytes[40];

	(void)state;
	memcpy(expected + 8, A6(1, 1).bytes, 16);
	memcpy(expected + 24, A6(2, 2).bytes, 16);
	assert_int_equal(ip_out_len(6), 40);
	assert_int_equal(ip_out_write(bytes, &o), 40);
	assert_memory_equal(bytes, expected, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip4),
		cmocka_unit_test(test_ip6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
