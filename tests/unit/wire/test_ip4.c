/*
 * test_ip4.c: the IPv4 header: packets of another stack, each way to be malformed, and back.
 */
#include "unit/wire/wire_packets.h"

#include "base/be.h"
#include "wire/checksum.h"
#include "wire/ip4.h"

static void fix_checksum(struct bytes b)
{
	size_t len = (b.at[0] & 15u) * 4u;
	uint16_t sum;

	memset(b.at + 10, 0, 2);
	sum = csum_finish(csum_add(0, b.at, len));
	memcpy(b.at + 10, &sum, 2);
}

struct good_row {
	const char *name, *hex;
	uint16_t total_len, id, frag_off;
	uint8_t hdr_len, tos, ttl, proto;
	bool dont_frag, more_frags;
};

static const struct good_row goods[] = {
	{"TCP", PKT_SYN4, 60, 0x23a8, 0, 20, 0, 64, IP_PROTO_TCP, true, false},
	{"ICMP with a DSCP", PKT_UNREACH4, 58, 0x8a27, 0, 20, 0xc0, 64, IP_PROTO_ICMP, false,
	 false},
	{"router alert option", PKT_IP4_OPTION, 40, 0, 0, 24, 0xc0, 1, 2, true, false},
	{"padding of the link", PKT_UDP4 "0000000000", 33, 0xa0b7, 0, 20, 0, 64, IP_PROTO_UDP, true,
	 false},
};

static void test_parse_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(goods); i++) {
		const struct good_row *row = &goods[i];
		struct bytes b = hex_bytes(row->hex);
		struct ip4_hdr h;

		print_message("%s\n", row->name);
		assert_int_equal(ip4_parse(&h, b.at, b.len), 0);
		assert_int_equal(h.total_len, row->total_len);
		assert_int_equal(h.id, row->id);
		assert_int_equal(h.frag_off, row->frag_off);
		assert_int_equal(h.hdr_len, row->hdr_len);
		assert_int_equal(h.tos, row->tos);
		assert_int_equal(h.ttl, row->ttl);
		assert_int_equal(h.proto, row->proto);
		assert_int_equal(h.dont_frag, row->dont_frag);
		assert_int_equal(h.more_frags, row->more_frags);
		assert_memory_equal(h.src, b.at + 12, 4);
		assert_memory_equal(h.dst, b.at + 16, 4);
		free(b.at);
	}
}

/* The two fragments of a datagram of 1,608 bytes; only the headers are at hand. */
static void test_fragments(void **state)
{
	struct bytes first = hex_bytes(HDR_FRAG4_FIRST), last = hex_bytes(HDR_FRAG4_LAST);
	struct ip4_hdr h;

	(void)state;
	assert_int_equal(ip4_parse_quoted(&h, first.at, first.len), 0);
	assert_true(h.more_frags);
	assert_int_equal(h.frag_off, 0);
	assert_int_equal(ip4_parse_quoted(&h, last.at, last.len), 0);
	assert_false(h.more_frags);
	assert_int_equal(h.frag_off, 1480);
	free(first.at);
	free(last.at);
}

struct bad_row {
	const char *name;
	size_t at;     /* byte to change */
	uint8_t value; /* to what; the checksum is put right again */
	size_t len;    /* bytes that are there */
	int quoted;    /* what ip4_parse_quoted says of it */
};

static const struct bad_row bads[] = {
	{"no bytes", 8, 64, 0, -1},
	{"19 bytes", 8, 64, 19, -1},
	{"version 6", 0, 0x65, 60, -1},
	{"version 0", 0, 0x05, 60, -1},
	{"header of 16 bytes", 0, 0x44, 60, -1},
	{"header of 0 bytes", 0, 0x40, 60, -1},
	{"header beyond the bytes", 0, 0x4f, 59, -1},
	{"total length below the header's", 3, 19, 60, 0},
	{"total length of zero", 3, 0, 60, 0},
	{"total length beyond the bytes", 3, 61, 60, 0},
	{"packet cut short", 8, 64, 59, 0},
};

static void test_parse_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(bads); i++) {
		const struct bad_row *row = &bads[i];
		struct bytes whole = hex_bytes(PKT_SYN4), b;
		struct ip4_hdr h;

		print_message("%s\n", row->name);
		whole.at[row->at] = row->value;
		fix_checksum(whole);
		b = bytes_copy(whole.at, row->len);
		assert_int_equal(ip4_parse(&h, b.at, b.len), -1);
		assert_int_equal(ip4_parse_quoted(&h, b.at, b.len), row->quoted);
		free(b.at);
		free(whole.at);
	}
}

/* Each bit of the header, options included, is under the checksum; a quote may have changed. */
static void test_checksum(void **state)
{
	struct bytes b = hex_bytes(PKT_IP4_OPTION);
	struct ip4_hdr h;

	(void)state;
	for (size_t bit = 0; bit < 24 * 8; bit++) {
		b.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(ip4_parse(&h, b.at, b.len), -1);
		b.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	b.at[8]--; /* a router counts TTL down */
	assert_int_equal(ip4_parse(&h, b.at, b.len), -1);
	assert_int_equal(ip4_parse_quoted(&h, b.at, b.len), 0);
	free(b.at);
}

/* What an ICMP error quotes at least: the header and 8 bytes (RFC 792). */
static void test_quoted_short(void **state)
{
	struct bytes whole = hex_bytes(PKT_SYN4);
	struct bytes b = bytes_copy(whole.at, 28);
	struct ip4_hdr h;

	(void)state;
	assert_int_equal(ip4_parse(&h, b.at, b.len), -1);
	assert_int_equal(ip4_parse_quoted(&h, b.at, b.len), 0);
	assert_int_equal(h.total_len, 60);
	assert_int_equal(h.proto, IP_PROTO_TCP);
	free(b.at);
	free(whole.at);
}

/* Emission gives back Linux's own header, byte for byte. */
static void test_emit(void **state)
{
	static const char *const hexes[] = {PKT_SYN4, PKT_UNREACH4, PKT_RST, HDR_FRAG4_FIRST,
					    HDR_FRAG4_LAST};

	(void)state;
	for (size_t i = 0; i < LENGTH(hexes); i++) {
		struct bytes b = hex_bytes(hexes[i]);
		uint8_t *out = malloc(IP4_HDR_LEN);
		struct ip4_hdr h;

		assert_int_equal(ip4_parse_quoted(&h, b.at, b.len), 0);
		ip4_emit(out, &h);
		assert_memory_equal(out, b.at, IP4_HDR_LEN);
		free(out);
		free(b.at);
	}
}

/* RFC 1122 3.2.1.3. */
static void test_addresses(void **state)
{
	static const struct {
		uint8_t a[4];
		bool source_ok, multicast;
	} rows[] = {
		{{0, 0, 0, 0}, false, false},         {{0, 1, 2, 3}, false, false},
		{{1, 0, 0, 0}, true, false},          {{10, 0, 0, 1}, true, false},
		{{126, 255, 255, 255}, true, false},  {{127, 0, 0, 1}, false, false},
		{{128, 0, 0, 1}, true, false},        {{192, 168, 255, 255}, true, false},
		{{223, 255, 255, 255}, true, false},  {{224, 0, 0, 0}, false, true},
		{{239, 255, 255, 255}, false, true},  {{240, 0, 0, 0}, false, false},
		{{255, 255, 255, 255}, false, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_int_equal(ip4_source_ok(rows[i].a), rows[i].source_ok);
		assert_int_equal(ip4_is_multicast(rows[i].a), rows[i].multicast);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_good),   cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_parse_bad),    cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_quoted_short), cmocka_unit_test(test_emit),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
