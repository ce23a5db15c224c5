/*
 * test_icmp.c: ICMP and ICMPv6: messages of another stack, what is malformed, and back.
 */
#include "unit/wire/wire_packets.h"

#include "base/be.h"
#include "wire/icmp.h"
#include "wire/ip4.h"

#define IP6_ADDRS 8 /* offset of both addresses in the IPv6 header */

static void test_unreachable(void **state)
{
	struct bytes packet = hex_bytes(PKT_UNREACH4);
	struct bytes b = bytes_from(packet, 20);
	struct icmp_msg m;

	(void)state;
	assert_int_equal(icmp4_parse(&m, b.at, b.len), 0);
	assert_int_equal(m.type, ICMP_UNREACH);
	assert_int_equal(m.code, ICMP_UNREACH_PORT);
	assert_int_equal(m.rest, 0);
	assert_ptr_equal(m.body, b.at + 8);
	assert_int_equal(m.body_len, 30);
	free(b.at);
	free(packet.at);
}

static void test_solicitation(void **state)
{
	struct bytes b = hex_bytes(PKT_ICMP6);
	const uint8_t *src = b.at + IP6_ADDRS, *dst = src + 16;
	struct icmp_msg m;

	(void)state;
	assert_int_equal(icmp6_parse(&m, b.at + 40, b.len - 40, src, dst), 0);
	assert_int_equal(m.type, 133);
	assert_int_equal(m.code, 0);
	assert_int_equal(m.body_len, 0);
	/* The addresses are under the checksum, the sum of ICMP without them is another. */
	assert_int_equal(icmp4_parse(&m, b.at + 40, b.len - 40), -1);
	b.at[IP6_ADDRS + 15] ^= 1;
	assert_int_equal(icmp6_parse(&m, b.at + 40, b.len - 40, src, dst), -1);
	free(b.at);
}

/* All shorter lengths and all single wrong bits are refused. */
static void test_malformed(void **state)
{
	struct bytes packet = hex_bytes(PKT_UNREACH4), packet6 = hex_bytes(PKT_ICMP6);
	const uint8_t *src = packet6.at + IP6_ADDRS;
	struct icmp_msg m;

	(void)state;
	for (size_t len = 0; len < ICMP_HDR_LEN; len++) {
		struct bytes b = {.at = calloc(1, len + 1), .len = len};
		struct bytes tight = bytes_copy(b.at, len);

		assert_int_equal(icmp4_parse(&m, tight.at, len), -1);
		assert_int_equal(icmp6_parse(&m, tight.at, len, src, src + 16), -1);
		free(tight.at);
		free(b.at);
	}
	for (size_t bit = 20 * 8; bit < packet.len * 8; bit++) {
		packet.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(icmp4_parse(&m, packet.at + 20, packet.len - 20), -1);
		packet.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(packet.at);
	free(packet6.at);
}

struct msg_row {
	const char *name;
	uint8_t type, code;
	uint32_t rest;
	size_t body_len;
};

static const struct msg_row msgs[] = {
	{"echo without data", ICMP_ECHO_REPLY, 0, 0x12340001, 0},
	{"echo with one byte", ICMP_ECHO_REPLY, 0, 0xffff0000, 1},
	{"unreachable, 28 bytes quoted", ICMP_UNREACH, ICMP_UNREACH_ADMIN, 0, 28},
	{"fragmentation needed", ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG, 1280, 548},
	{"packet too big", ICMP6_TOO_BIG, 0, 0xfffffffe, 1232},
	{"echo of ICMPv6, odd", ICMP6_ECHO_REPLY, 0, 1, 999},
};

static void test_emit(void **state)
{
	struct bytes addrs = hex_bytes(PKT_ICMP6);
	const uint8_t *src = addrs.at + IP6_ADDRS, *dst = src + 16;
	uint64_t random = 5;

	(void)state;
	for (size_t i = 0; i < LENGTH(msgs); i++) {
		const struct msg_row *row = &msgs[i];
		struct bytes body = {.at = malloc(row->body_len), .len = row->body_len};
		uint8_t *out = malloc(ICMP_HDR_LEN + row->body_len);
		struct icmp_msg m = {row->type, row->code, row->rest, body.at, body.len}, got;

		print_message("%s\n", row->name);
		for (size_t j = 0; j < body.len; j++)
			body.at[j] = (uint8_t)next_random(&random);
		for (int v6 = 0; v6 < 2; v6++) {
			size_t len = v6 ? icmp6_emit(out, &m, src, dst) : icmp4_emit(out, &m);
			int r = v6 ? icmp6_parse(&got, out, len, src, dst)
				   : icmp4_parse(&got, out, len);

			assert_int_equal(len, ICMP_HDR_LEN + row->body_len);
			assert_int_equal(r, 0);
			assert_int_equal(got.type, row->type);
			assert_int_equal(got.code, row->code);
			assert_int_equal(got.rest, row->rest);
			assert_int_equal(got.body_len, row->body_len);
			assert_memory_equal(got.body, body.at, body.len);
		}
		free(out);
		free(body.at);
	}
	free(addrs.at);
}

/* A reply may be made where the request lies: the body is then in its place already. */
static void test_emit_in_place(void **state)
{
	struct bytes packet = hex_bytes(PKT_UNREACH4);
	struct bytes b = bytes_from(packet, 20);
	struct icmp_msg m;

	(void)state;
	assert_int_equal(icmp4_parse(&m, b.at, b.len), 0);
	assert_int_equal(icmp4_emit(b.at, &m), b.len);
	assert_memory_equal(b.at, packet.at + 20, b.len);
	free(b.at);
	free(packet.at);
}

/* No body and no pointer to one. */
static void test_emit_null_body(void **state)
{
	struct icmp_msg m = {.type = ICMP_ECHO_REQUEST, .rest = 0x00010001};
	uint8_t out[ICMP_HDR_LEN];

	(void)state;
	assert_int_equal(icmp4_emit(out, &m), ICMP_HDR_LEN);
	assert_int_equal(be16_get(out + 2), 0xf7fd); /* ~(0800 + 0001 + 0001) */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unreachable),   cmocka_unit_test(test_solicitation),
		cmocka_unit_test(test_malformed),     cmocka_unit_test(test_emit),
		cmocka_unit_test(test_emit_in_place), cmocka_unit_test(test_emit_null_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
