/*
 * Packets of both families become one struct, or a verdict.
 */
#include "net_test.h"

#include "net/ip_in.h"
#include "net/ip_out.h"
#include "wire/checksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define TEXT 24u

/* A packet with TEXT bytes of payload, which are 0, 1, 2 ... */
static size_t make(uint8_t *bytes, const struct weir_addr *src, const struct weir_addr *dst)
{
	struct ip_out o = {.src = src, .dst = dst, .len = TEXT, .proto = 6, .ttl = 9, .tos = 0xb8};
	size_t n = ip_out_write(bytes, &o);

	for (uint8_t i = 0; i < TEXT; i++)
		bytes[n + i] = i;
	return n + TEXT;
}

static size_t make4(uint8_t *bytes)
{
	return make(bytes, &A4(10, 0, 0, 2), &A4(10, 0, 0, 1));
}

static size_t make6(uint8_t *bytes)
{
	return make(bytes, &A6(1, 2), &A6(1, 1));
}

static void sum4(uint8_t *bytes)
{
	size_t len = (size_t)(bytes[0] & 15) * 4;
	uint16_t field;

	memset(bytes + 10, 0, 2);
	field = csum_finish(csum_add(0, bytes, len));
	memcpy(bytes + 10, &field, 2);
}

static void test_good(void **state)
{
	uint8_t bytes[256];

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		size_t len = v6 ? make6(bytes) : make4(bytes);
		struct ip_packet p;

		/* more bytes than the header says are padding, of Ethernet for one */
		for (size_t padding = 0; padding < 20; padding += 10) {
			assert_int_equal(ip_in(&p, bytes, len + padding), WEIR_CTR_ACCEPTED);
			assert_int_equal(p.src.family, v6 ? 6 : 4);
			assert_int_equal(p.src.bytes[v6 ? 15 : 3], 2);
			assert_int_equal(p.dst.bytes[v6 ? 15 : 3], 1);
			assert_int_equal(p.proto, 6);
			assert_int_equal(p.tos, 0xb8);
			assert_int_equal(p.len, TEXT);
			assert_ptr_equal(p.payload, bytes + len - TEXT);
			assert_ptr_equal(p.head, bytes);
			assert_int_equal(p.head_len, len);
		}
	}
}

static void test_malformed(void **state)
{
	uint8_t bytes[256];
	struct ip_packet p;
	size_t len;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		len = v6 ? make6(bytes) : make4(bytes);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(ip_in(&p, bytes, cut), WEIR_CTR_IP_MALFORMED);
		for (unsigned version = 0; version < 16; version++) {
			if (version == 4 || version == 6)
				continue;
			bytes[0] = (uint8_t)(version << 4 | (bytes[0] & 15));
			assert_int_equal(ip_in(&p, bytes, len), WEIR_CTR_IP_MALFORMED);
		}
	}
	len = make4(bytes);
	bytes[10] ^= 1; /* the checksum */
	assert_int_equal(ip_in(&p, bytes, len), WEIR_CTR_IP_MALFORMED);
}

/* RFC9293-MUST-63, RFC1122-04 */
static void test_bad_source(void **state)
{
	static const struct weir_addr sources[] = {
		{4, {0}},
		{4, {127, 0, 0, 1}},
		{4, {224, 0, 0, 1}},
		{4, {255, 255, 255, 255}},
		{4, {240, 1}},
		{6, {0}},
		{6, {[15] = 1}},
		{6, {0xff, 2}},
	};
	uint8_t bytes[256];
	struct ip_packet p;

	(void)state;
	for (unsigned i = 0; i < LENGTH(sources); i++) {
		const struct weir_addr *src = &sources[i];
		size_t len = make(bytes, src, src->family == 4 ? &A4(10, 0, 0, 1) : &A6(1, 1));

		assert_int_equal(ip_in(&p, bytes, len), WEIR_CTR_IP_BAD_SOURCE);
	}
}

static void test_fragments(void **state)
{
	static const struct {
		uint8_t b6, b7;
		enum weir_counter verdict;
	} rows[] = {
		{0x00, 0x00, WEIR_CTR_ACCEPTED},    {0x40, 0x00, WEIR_CTR_ACCEPTED},
		{0x20, 0x00, WEIR_CTR_IP_FRAGMENT}, {0x00, 0x01, WEIR_CTR_IP_FRAGMENT},
		{0x1f, 0xff, WEIR_CTR_IP_FRAGMENT},
	};
	uint8_t bytes[256];
	struct ip_packet p;
	size_t len = make4(bytes);

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		bytes[6] = rows[i].b6;
		bytes[7] = rows[i].b7;
		sum4(bytes);
		assert_int_equal(ip_in(&p, bytes, len), rows[i].verdict);
	}
}

/* RFC9293-MUST-50: options of IP are stepped over. */
static void test_ip4_options(void **state)
{
	uint8_t bytes[256];
	struct ip_packet p;
	size_t len = make4(bytes);

	(void)state;
	memmove(bytes + 24, bytes + 20, TEXT);
	memcpy(bytes + 20, "\x94\x04\x00\x00", 4); /* router alert */
	bytes[0] = 0x46;
	bytes[3] = (uint8_t)(len + 4);
	sum4(bytes);
	assert_int_equal(ip_in(&p, bytes, len + 4), WEIR_CTR_ACCEPTED);
	assert_int_equal(p.len, TEXT);
	assert_int_equal(p.payload[5], 5);
}

/* Puts an extension header of 8 bytes in front of the payload. */
static size_t extend6(uint8_t *bytes, uint8_t kind, const uint8_t header[8])
{
	size_t len = make6(bytes);

	memmove(bytes + 48, bytes + 40, TEXT);
	memcpy(bytes + 40, header, 8);
	bytes[6] = kind;
	bytes[5] = (uint8_t)(bytes[5] + 8);
	return len + 8;
}

/* RFC8200-04, -05 */
static void test_ip6_headers(void **state)
{
	static const struct {
		uint8_t kind, header[8];
		enum weir_counter verdict;
		uint8_t code;
		uint32_t off; /* of a parameter problem */
	} rows[] = {
		{60, {6, 0, 1, 4}, WEIR_CTR_ACCEPTED, 0, 0},
		{0, {6, 0, 1, 4}, WEIR_CTR_ACCEPTED, 0, 0},
		{43, {6, 0, 0, 0}, WEIR_CTR_ACCEPTED, 0, 0},
		{43, {6, 0, 0, 1}, WEIR_CTR_IP6_HEADER, 0, 42},    /* segments left */
		{253, {6, 0, 0, 0}, WEIR_CTR_IP6_HEADER, 1, 6},    /* a header not known */
		{60, {6, 0, 0x80, 4}, WEIR_CTR_IP6_HEADER, 2, 42}, /* an option that asks */
		{60, {6, 0, 0x40, 4}, WEIR_CTR_IP6_HEADER, 0, 0},  /* ... and one in silence */
		{44, {6, 0, 0, 0, 1, 2, 3, 4}, WEIR_CTR_ACCEPTED, 0, 0}, /* atomic */
		{44, {6, 0, 0, 1, 1, 2, 3, 4}, WEIR_CTR_IP_FRAGMENT, 0, 0},
		{44, {6, 0, 0, 8, 1, 2, 3, 4}, WEIR_CTR_IP_FRAGMENT, 0, 0},
	};
	uint8_t bytes[256];

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		size_t len = extend6(bytes, rows[i].kind, rows[i].header);
		struct ip_packet p;

		if (ip_in(&p, bytes, len) != rows[i].verdict)
			fail_msg("row %u", i);
		assert_int_equal(p.problem_off, rows[i].off);
		assert_int_equal(p.problem_code, rows[i].code);
		if (rows[i].verdict == WEIR_CTR_ACCEPTED) {
			assert_int_equal(p.len, TEXT);
			assert_int_equal(p.proto, 6);
			assert_int_equal(p.payload[5], 5);
		}
	}
}

/* Quoted in an ICMP error: cut short, its checksum perhaps stale. */
static void test_quoted(void **state)
{
	uint8_t bytes[256];
	struct ip_packet p;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		size_t len = v6 ? make6(bytes) : make4(bytes);
		size_t hdr = len - TEXT;
		uint8_t family = v6 ? 6 : 4;

		if (!v6)
			bytes[10] ^= 1;
		assert_int_equal(ip_in_quoted(&p, family, bytes, hdr + 8), 0);
		assert_int_equal(p.src.bytes[v6 ? 15 : 3], 2);
		assert_int_equal(p.dst.bytes[v6 ? 15 : 3], 1);
		assert_int_equal(p.proto, 6);
		assert_int_equal(p.len, 8);
		assert_ptr_equal(p.payload, bytes + hdr);
		assert_int_equal(ip_in_quoted(&p, family, bytes, hdr - 1), -1);
		assert_int_equal(ip_in_quoted(&p, family, bytes, 0), -1);
		assert_int_equal(ip_in_quoted(&p, v6 ? 4 : 6, bytes, len), -1);
	}
	make4(bytes);
	bytes[7] = 1; /* a later fragment: its first bytes are no header */
	assert_int_equal(ip_in_quoted(&p, 4, bytes, 28), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),        cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_bad_source),  cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ip4_options), cmocka_unit_test(test_ip6_headers),
		cmocka_unit_test(test_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
