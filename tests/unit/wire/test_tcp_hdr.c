/*
 * test_tcp_hdr.c: the TCP header: segments of another stack, what is malformed, and back. Options
 * have their own test.
 */
#include "unit/wire/wire_packets.h"

#include "base/be.h"
#include "wire/tcp_hdr.h"

struct seg_row {
	const char *name, *hex;
	size_t ip_len;
	uint32_t seq, ack, len, seg_len;
	uint16_t src_port, dst_port, wnd;
	uint8_t flags, hdr_len;
};

static const struct seg_row segs[] = {
	{"SYN over IPv4", PKT_SYN4, 20, 0x9b85d64d, 0, 0, 1, 38296, 80, 64240, TCP_SYN, 40},
	{"SYN without timestamps", PKT_SYN4_NO_TS, 20, 0xdbead045, 0, 0, 1, 51018, 81, 64240,
	 TCP_SYN, 32},
	{"SYN over IPv6", PKT_SYN6, 40, 0xc1f46da0, 0, 0, 1, 39268, 443, 64800, TCP_SYN, 40},
	{"duplicate ACK with three SACK blocks", PKT_SACK_3, 20, 0x414cd9cf, 1001, 0, 0, 8080, 5000,
	 64, TCP_ACK, 60},
	{"three bytes behind 40 of options (MUST-5)", PKT_DATA, 20, 0x414cd9cf, 1001, 3, 3, 8080,
	 5000, 64, TCP_ACK | TCP_PSH, 60},
	{"RST", PKT_RST, 20, 0, 2, 0, 0, 8081, 5000, 0, TCP_RST | TCP_ACK, 20},
};

static void test_packets(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(segs); i++) {
		const struct seg_row *row = &segs[i];
		struct bytes packet = hex_bytes(row->hex);
		struct bytes b = bytes_from(packet, row->ip_len);
		struct tcp_seg s;

		print_message("%s\n", row->name);
		memset(&s, 0xa5, sizeof(s));
		assert_int_equal(tcp_parse(&s, b.at, b.len), 0);
		assert_int_equal(s.seq.v, row->seq);
		assert_int_equal(s.ack.v, row->ack);
		assert_int_equal(s.len, row->len);
		assert_int_equal(tcp_seg_len(&s), row->seg_len);
		assert_int_equal(s.src_port, row->src_port);
		assert_int_equal(s.dst_port, row->dst_port);
		assert_int_equal(s.wnd, row->wnd);
		assert_int_equal(s.flags, row->flags);
		assert_int_equal(s.hdr_len, row->hdr_len);
		assert_int_equal(s.gso_size, 0);
		assert_ptr_equal(s.payload, b.at + row->hdr_len);
		free(b.at);
		free(packet.at);
	}
}

/* A header of 20 bytes with chosen data offset (in words) and flags; the rest is zero. */
static struct bytes plain_header(unsigned words, uint8_t flags, size_t len)
{
	struct bytes b = {.at = calloc(1, len ? len : 1), .len = len};
	struct bytes tight;

	if (len > 13) {
		b.at[12] = (uint8_t)(words << 4);
		b.at[13] = flags;
	}
	tight = bytes_copy(b.at, len);
	free(b.at);
	return tight;
}

/* Every data offset against every length: good from 5 words on, and within the bytes. */
static void test_data_offset(void **state)
{
	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		for (size_t len = 0; len <= 64; len++) {
			struct bytes b = plain_header(words, TCP_ACK, len);
			bool good = len >= 20 && words >= 5 && words * 4 <= len;
			struct tcp_seg s;

			assert_int_equal(tcp_parse(&s, b.at, len), good ? 0 : -1);
			if (good)
				assert_int_equal(s.len, len - words * 4);
			free(b.at);
		}
	}
}

/* All 256 combinations of flags are read; SYN and FIN count in SEG.LEN. */
static void test_flags(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		struct bytes b = plain_header(5, (uint8_t)flags, 25);
		struct tcp_seg s;

		assert_int_equal(tcp_parse(&s, b.at, b.len), 0);
		assert_int_equal(s.flags, flags);
		assert_int_equal(tcp_seg_len(&s), 5 + (flags & 1) + (flags >> 1 & 1));
		free(b.at);
	}
}

/* RFC9293-X-08: reserved bits are ignored, and written as zero; AE, which once was one, is not. */
static void test_reserved_bits(void **state)
{
	uint8_t out[TCP_HDR_LEN];
	struct bytes b = plain_header(5, TCP_ACK, 20);
	struct tcp_seg s;

	(void)state;
	b.at[12] |= 0x0e;
	assert_int_equal(tcp_parse(&s, b.at, b.len), 0);
	assert_int_equal(s.hdr_len, 20);
	assert_int_equal(tcp_emit(out, &s, TCP_OPT_ORDER_LINUX), 20);
	assert_int_equal(out[12], 0x50);
	assert_int_equal(tcp_ace(&s), 0);
	b.at[12] |= TCP_AE;
	b.at[13] |= TCP_ECE;
	assert_int_equal(tcp_parse(&s, b.at, b.len), 0);
	assert_int_equal(tcp_ace(&s), 5);
	assert_int_equal(s.flags, TCP_ACK | TCP_ECE);
	assert_int_equal(tcp_emit(out, &s, TCP_OPT_ORDER_LINUX), 20);
	assert_int_equal(out[12], 0x51);
	free(b.at);
}

/* RFC9293-MUST-1: the window, like the urgent pointer, is unsigned. */
static void test_window_unsigned(void **state)
{
	struct bytes b = plain_header(5, TCP_ACK | TCP_URG, 20);
	struct tcp_seg s;

	(void)state;
	be16_put(b.at + 14, 0xffff);
	be16_put(b.at + 18, 0x8000);
	assert_int_equal(tcp_parse(&s, b.at, b.len), 0);
	assert_int_equal(s.wnd, 65535);
	assert_int_equal((uint32_t)s.wnd << 14, 1073725440);
	assert_int_equal(s.urgent, 32768);
	free(b.at);
}

/* RFC9293-MUST-7: an option that is wrong makes the segment malformed, payload or not. */
static void test_bad_option(void **state)
{
	struct bytes b = plain_header(7, TCP_SYN, 40);
	struct tcp_seg s;

	(void)state;
	b.at[20] = 8; /* timestamps of length 0, as the requirement has it */
	assert_int_equal(tcp_parse(&s, b.at, b.len), -1);
	b.at[20] = 2; /* MSS of length 40 in 8 bytes of options */
	b.at[21] = 40;
	assert_int_equal(tcp_parse(&s, b.at, b.len), -1);
	b.at[21] = 4;
	assert_int_equal(tcp_parse(&s, b.at, b.len), 0);
	free(b.at);
}

static void test_quoted(void **state)
{
	struct bytes packet = hex_bytes(PKT_SYN4);
	struct tcp_seg s;

	(void)state;
	for (size_t len = 0; len <= 20; len++) {
		struct bytes b = bytes_copy(packet.at + 20, len);

		memset(&s, 0xa5, sizeof(s));
		assert_int_equal(tcp_parse_quoted(&s, b.at, len), len < 8 ? -1 : 0);
		if (len >= 8) {
			assert_int_equal(s.src_port, 38296);
			assert_int_equal(s.dst_port, 80);
			assert_int_equal(s.seq.v, 0x9b85d64d);
			assert_int_equal(s.flags, 0);
			assert_int_equal(s.len, 0);
		}
		free(b.at);
	}
	free(packet.at);
}

/* Linux's own headers come back byte for byte but for the checksum, which is left at zero. */
static void test_emit(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(segs); i++) {
		const struct seg_row *row = &segs[i];
		struct bytes b = hex_bytes(row->hex);
		uint8_t *at = b.at + row->ip_len;
		uint8_t *out = malloc(row->hdr_len);
		struct tcp_seg s;

		print_message("%s\n", row->name);
		assert_int_equal(tcp_parse(&s, at, b.len - row->ip_len), 0);
		s.hdr_len = 0; /* not looked at */
		assert_int_equal(tcp_emit(out, &s, TCP_OPT_ORDER_LINUX), row->hdr_len);
		be16_put(at + TCP_CSUM_OFFSET, 0);
		assert_memory_equal(out, at, row->hdr_len);
		free(out);
		free(b.at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets),         cmocka_unit_test(test_data_offset),
		cmocka_unit_test(test_flags),           cmocka_unit_test(test_reserved_bits),
		cmocka_unit_test(test_window_unsigned), cmocka_unit_test(test_bad_option),
		cmocka_unit_test(test_quoted),          cmocka_unit_test(test_emit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
