/*
 * test_ip6.c: the IPv6 header and the walk over its extension headers (RFC 8200).
 */
#include "unit/wire/wire_packets.h"

#include <stdio.h>

#include "base/be.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* fd09::2 -> fd09::1, or -> ff02::1. */
#define ADDRS     "fd090000000000000000000000000002fd090000000000000000000000000001"
#define ADDRS_ALL "fd090000000000000000000000000002ff020000000000000000000000000001"
#define UPPER     "0011223344556677" /* 8 bytes in place of an upper layer */

/* A packet from the next header's number (hex), the addresses and what follows. */
static struct bytes packet(const char *next, const char *addrs, const char *rest)
{
	char hex[1024];
	struct bytes b;
	int n = snprintf(hex, sizeof(hex), "600000000000%s40%s%s", next, addrs, rest);

	assert_in_range(n, 0, sizeof(hex) - 1);
	b = hex_bytes(hex);
	be16_put(b.at + 4, (uint16_t)(b.len - IP6_HDR_LEN));
	return b;
}

struct walk_row {
	const char *name, *next, *addrs, *rest;
	enum ip6_result result;
	uint8_t proto;
	uint16_t upper_off;   /* for IP6_OK */
	uint16_t problem_off; /* otherwise */
};

static const struct walk_row walks[] = {
	{"TCP at once", "06", ADDRS, UPPER, IP6_OK, 6, 40, 0},
	{"UDP at once", "11", ADDRS, UPPER, IP6_OK, 17, 40, 0},
	{"ICMPv6 at once", "3a", ADDRS, UPPER, IP6_OK, 58, 40, 0},
	{"no next header", "3b", ADDRS, "", IP6_OK, 59, 40, 0},
	{"no next header, bytes behind it", "3b", ADDRS, UPPER, IP6_OK, 59, 40, 0},
	{"nothing behind TCP", "06", ADDRS, "", IP6_OK, 6, 40, 0},

	{"hop-by-hop, PadN", "00", ADDRS, "0600010400000000" UPPER, IP6_OK, 6, 48, 0},
	{"hop-by-hop, six Pad1", "00", ADDRS, "0600000000000000" UPPER, IP6_OK, 6, 48, 0},
	{"hop-by-hop, router alert", "00", ADDRS, "3a00050200000100" UPPER, IP6_OK, 58, 48, 0},
	{"hop-by-hop of 16 bytes", "00", ADDRS, "0601010c000000000000000000000000" UPPER, IP6_OK, 6,
	 56, 0},
	{"destination options", "3c", ADDRS, "0600010400000000" UPPER, IP6_OK, 6, 48, 0},
	{"routing, no segments left", "2b", ADDRS, "0600040000000000" UPPER, IP6_OK, 6, 48, 0},
	{"hop-by-hop, destination, routing, destination", "00", ADDRS,
	 "3c00010400000000"
	 "2b00010400000000"
	 "3c00000000000000"
	 "0600010400000000" UPPER,
	 IP6_OK, 6, 72, 0},
	{"routing before destination", "2b", ADDRS,
	 "3c00000000000000"
	 "0600010400000000" UPPER,
	 IP6_OK, 6, 56, 0},
	{"atomic fragment (RFC8200-05, RFC 6946)", "2c", ADDRS, "0600000012345678" UPPER, IP6_OK, 6,
	 48, 0},
	{"atomic fragment, then destination", "2c", ADDRS,
	 "3c00000012345678"
	 "0600010400000000" UPPER,
	 IP6_OK, 6, 56, 0},

	{"unknown next header (RFC8200-04)", "fd", ADDRS, UPPER, IP6_UNKNOWN_NEXT, 253, 0, 6},
	{"unknown behind destination", "3c", ADDRS, "fd00010400000000" UPPER, IP6_UNKNOWN_NEXT, 253,
	 0, 40},
	{"unknown behind two", "00", ADDRS,
	 "3c00010400000000"
	 "3200010400000000" UPPER,
	 IP6_UNKNOWN_NEXT, 50, 0, 48},
	{"hop-by-hop in second place (RFC 8200 4)", "3c", ADDRS,
	 "0000010400000000"
	 "0600010400000000" UPPER,
	 IP6_UNKNOWN_NEXT, 0, 0, 40},
	{"ICMP of IPv4", "01", ADDRS, UPPER, IP6_UNKNOWN_NEXT, 1, 0, 6},

	{"unknown option 00: passed over", "3c", ADDRS, "06003e0400000000" UPPER, IP6_OK, 6, 48, 0},
	{"unknown option 01: dropped", "3c", ADDRS, "06007e0400000000" UPPER, IP6_UNKNOWN_DROP, 60,
	 0, 42},
	{"unknown option 10: answered", "3c", ADDRS, "0600be0400000000" UPPER, IP6_UNKNOWN_OPT, 60,
	 0, 42},
	{"unknown option 10 to a group: answered", "3c", ADDRS_ALL, "0600be0400000000" UPPER,
	 IP6_UNKNOWN_OPT, 60, 0, 42},
	{"unknown option 11: answered", "3c", ADDRS, "0600fe0400000000" UPPER, IP6_UNKNOWN_OPT, 60,
	 0, 42},
	{"unknown option 11 to a group: dropped", "3c", ADDRS_ALL, "0600fe0400000000" UPPER,
	 IP6_UNKNOWN_DROP, 60, 0, 42},
	{"unknown option behind padding", "00", ADDRS, "060001010000be00" UPPER, IP6_UNKNOWN_OPT, 0,
	 0, 46},
	{"jumbo payload", "00", ADDRS, "0600c20400010000" UPPER, IP6_UNKNOWN_OPT, 0, 0, 42},

	{"routing type 0 with segments left (RFC 5095)", "2b", ADDRS,
	 "0602000100000000"
	 "fd090000000000000000000000000003" UPPER,
	 IP6_ROUTED, 43, 0, 42},
	{"routing of an unknown type, segments left", "2b", ADDRS, "0600fd0100000000" UPPER,
	 IP6_ROUTED, 43, 0, 42},

	{"option beyond its header", "3c", ADDRS, "0600010500000000" UPPER, IP6_MALFORMED, 60, 0,
	 0},
	{"option without a length byte", "3c", ADDRS, "0600010300000001" UPPER, IP6_MALFORMED, 60,
	 0, 0},
	{"unknown option beyond its header", "3c", ADDRS, "0600be0500000000" UPPER, IP6_MALFORMED,
	 60, 0, 0},
	{"header beyond the packet", "3c", ADDRS, "0602010400000000" UPPER, IP6_MALFORMED, 60, 0,
	 0},
	{"header of 7 bytes", "3c", ADDRS, "06000104000000", IP6_MALFORMED, 60, 0, 0},
	{"fragment header of 7 bytes", "2c", ADDRS, "06000000123456", IP6_MALFORMED, 44, 0, 0},
	{"routing header cut short", "2b", ADDRS, "0601040000000000", IP6_MALFORMED, 43, 0, 0},
	{"extension header missing", "00", ADDRS, "", IP6_MALFORMED, 0, 0, 0},
};

static void test_walk(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(walks); i++) {
		const struct walk_row *row = &walks[i];
		struct bytes b = packet(row->next, row->addrs, row->rest);
		struct ip6_hdr h;

		print_message("%s\n", row->name);
		assert_int_equal(ip6_parse(&h, b.at, b.len), row->result);
		assert_int_equal(ip6_parse_quoted(&h, b.at, b.len), row->result);
		assert_int_equal(h.proto, row->proto);
		if (row->result == IP6_OK)
			assert_int_equal(h.upper_off, row->upper_off);
		else
			assert_int_equal(h.problem_off, row->problem_off);
		assert_false(h.fragment);
		free(b.at);
	}
}

/* Eight extension headers pass, nine do not. */
static void test_chain_limit(void **state)
{
	static const char eight[] = "3c00010400000000"
				    "3c00010400000000"
				    "3c00010400000000"
				    "3c00010400000000"
				    "3c00010400000000"
				    "3c00010400000000"
				    "3c00010400000000"
				    "0600010400000000";
	char nine[256] = "3c00010400000000";
	struct bytes b = packet("3c", ADDRS, eight);
	struct ip6_hdr h;

	(void)state;
	assert_int_equal(ip6_parse(&h, b.at, b.len), IP6_OK);
	assert_int_equal(h.upper_off, 40 + 64);
	free(b.at);
	memcpy(nine + 16, eight, sizeof(eight));
	b = packet("3c", ADDRS, nine);
	assert_int_equal(ip6_parse(&h, b.at, b.len), IP6_MALFORMED);
	free(b.at);
}

/* RFC8200-05: real fragments end the walk, and say which layer the whole packet begins with. */
static void test_fragments(void **state)
{
	struct bytes first = hex_bytes(HDR_FRAG6_FIRST), last = hex_bytes(HDR_FRAG6_LAST);
	struct ip6_hdr h;

	(void)state;
	assert_int_equal(ip6_parse(&h, first.at, first.len), IP6_MALFORMED); /* payload missing */
	assert_int_equal(ip6_parse_quoted(&h, first.at, first.len), IP6_OK);
	assert_true(h.fragment);
	assert_true(h.more_frags);
	assert_int_equal(h.frag_off, 0);
	assert_int_equal(h.proto, IP_PROTO_UDP);
	assert_int_equal(h.upper_off, 48);
	assert_int_equal(ip6_parse_quoted(&h, last.at, last.len), IP6_OK);
	assert_true(h.fragment);
	assert_false(h.more_frags);
	assert_int_equal(h.frag_off, 1448);
	free(first.at);
	free(last.at);
}

/* What lies behind a fragment header is a piece: it is not taken for a header, nor complained of.
 */
static void test_fragment_is_opaque(void **state)
{
	struct bytes b = packet("2c", ADDRS, "fd00000912345678" UPPER);
	struct ip6_hdr h;

	(void)state;
	assert_int_equal(ip6_parse(&h, b.at, b.len), IP6_OK);
	assert_true(h.fragment);
	assert_int_equal(h.frag_off, 8);
	assert_int_equal(h.proto, 253);
	assert_int_equal(h.upper_off, 48);
	free(b.at);
}

static void test_fixed_header(void **state)
{
	struct bytes b = hex_bytes(PKT_SYN6);
	struct ip6_hdr h;

	(void)state;
	b.at[0] = 0x6a; /* traffic class 0xa3, flow label 0xf8d7e */
	b.at[1] = 0x3f;
	assert_int_equal(ip6_parse(&h, b.at, b.len), IP6_OK);
	assert_int_equal(h.tclass, 0xa3);
	assert_int_equal(h.flow_label, 0xf8d7e);
	assert_int_equal(h.payload_len, 40);
	assert_int_equal(h.hop_limit, 64);
	assert_int_equal(h.next, IP_PROTO_TCP);
	assert_memory_equal(h.src, b.at + 8, 16);
	assert_memory_equal(h.dst, b.at + 24, 16);
	free(b.at);
}

/* The payload length against the bytes that are there: less is malformed, more is padding. */
static void test_lengths(void **state)
{
	struct bytes whole = hex_bytes(PKT_SYN6);
	struct ip6_hdr h;

	(void)state;
	for (size_t len = 0; len < whole.len; len++) {
		struct bytes b = bytes_copy(whole.at, len);

		assert_int_equal(ip6_parse(&h, b.at, b.len), IP6_MALFORMED);
		assert_int_equal(ip6_parse_quoted(&h, b.at, b.len),
				 len < IP6_HDR_LEN ? IP6_MALFORMED : IP6_OK);
		free(b.at);
	}
	whole.at[5] = 30;
	assert_int_equal(ip6_parse(&h, whole.at, whole.len), IP6_OK);
	assert_int_equal(h.payload_len, 30);
	whole.at[0] = 0x40;
	assert_int_equal(ip6_parse(&h, whole.at, whole.len), IP6_MALFORMED);
	assert_int_equal(ip6_parse_quoted(&h, whole.at, whole.len), IP6_MALFORMED);
	free(whole.at);
}

/* An extension header must lie within payload_len, not just within the bytes that are there. */
static void test_padding_is_no_header(void **state)
{
	struct bytes b = packet("3c", ADDRS, "0600010400000000" UPPER);
	struct ip6_hdr h;

	(void)state;
	be16_put(b.at + 4, 7);
	assert_int_equal(ip6_parse(&h, b.at, b.len), IP6_MALFORMED);
	assert_int_equal(ip6_parse_quoted(&h, b.at, b.len), IP6_MALFORMED);
	free(b.at);
}

static void test_emit(void **state)
{
	static const char *const hexes[] = {PKT_SYN6, PKT_UDP6, PKT_ICMP6};

	(void)state;
	for (size_t i = 0; i < LENGTH(hexes); i++) {
		struct bytes b = hex_bytes(hexes[i]);
		uint8_t *out = malloc(IP6_HDR_LEN);
		struct ip6_hdr h;

		b.at[1] |= 0x50; /* a traffic class as well */
		assert_int_equal(ip6_parse(&h, b.at, b.len), IP6_OK);
		ip6_emit(out, &h);
		assert_memory_equal(out, b.at, IP6_HDR_LEN);
		free(out);
		free(b.at);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *hex;
		bool source_ok, multicast;
	} rows[] = {
		{"00000000000000000000000000000000", false, false}, /* :: */
		{"00000000000000000000000000000001", false, false}, /* ::1 */
		{"00000000000000000000000000000002", true, false},
		{"00000000000000000000000000000100", true, false},
		{"00000000000000000000ffff0a090002", false, false}, /* ::ffff:10.9.0.2 */
		{"00000000000000000000fffe0a090002", true, false},
		{"fd090000000000000000000000000002", true, false},
		{"fe800000000000000000000000000001", true, false},
		{"20010db8000000000000000000000001", true, false},
		{"ff020000000000000000000000000001", false, true},
		{"ff0e0000000000000000000000000001", false, true},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct bytes b = hex_bytes(rows[i].hex);

		print_message("%s\n", rows[i].hex);
		assert_int_equal(ip6_source_ok(b.at), rows[i].source_ok);
		assert_int_equal(ip6_is_multicast(b.at), rows[i].multicast);
		free(b.at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_chain_limit),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragment_is_opaque),
		cmocka_unit_test(test_fixed_header),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_padding_is_no_header),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
