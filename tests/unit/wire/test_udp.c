/*
 * test_udp.c: the UDP header.
 */
#include "unit/wire/wire_packets.h"

#include <stdbool.h>

#include "base/be.h"
#include "wire/udp.h"

struct udp_row {
	const char *name, *hex;
	size_t off;
	uint16_t src_port, len;
};

static const struct udp_row rows[] = {
	{"over IPv4", PKT_UDP4, 20, 0xe721, 13},
	{"over IPv6", PKT_UDP6, 40, 0xd0fb, 14},
	{"with padding behind it", PKT_UDP4 "00000000", 20, 0xe721, 13},
};

static void test_packets(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct bytes b = hex_bytes(rows[i].hex);
		struct udp_hdr h;

		print_message("%s\n", rows[i].name);
		assert_int_equal(udp_parse(&h, b.at + rows[i].off, b.len - rows[i].off), 0);
		assert_int_equal(h.src_port, rows[i].src_port);
		assert_int_equal(h.dst_port, 53);
		assert_int_equal(h.len, rows[i].len);
		free(b.at);
	}
}

/* Every length field against every number of bytes, around the limits. */
static void test_lengths(void **state)
{
	(void)state;
	for (uint16_t field = 0; field < 24; field++) {
		for (size_t len = 0; len < 24; len++) {
			struct bytes b = {.at = malloc(len), .len = len};
			bool good = len >= 8 && field >= 8 && field <= len;
			struct udp_hdr h;

			memset(b.at, 0, len);
			if (len >= 6)
				be16_put(b.at + 4, field);
			assert_int_equal(udp_parse(&h, b.at, len), good ? 0 : -1);
			free(b.at);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
