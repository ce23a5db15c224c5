/*
 * test_checksum.c: the internet checksum against a plain sum of 16-bit words, the examples of the
 * RFCs, and the checksums of packets that another stack has sent.
 */
#include "unit/wire/wire_packets.h"

#include "base/be.h"
#include "wire/checksum.h"

/* The definition: big-endian 16-bit words, carries added at the end, a zero behind an odd byte. */
static uint16_t plain_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A field in memory order, as the number that stands there. */
static uint16_t as_number(uint16_t field)
{
	uint8_t raw[2];

	memcpy(raw, &field, 2);
	return be16_get(raw);
}

static uint16_t as_field(uint16_t number)
{
	uint8_t raw[2];
	uint16_t field;

	be16_put(raw, number);
	memcpy(&field, raw, 2);
	return field;
}

/* RFC 1071 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
static void test_rfc1071_example(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(as_number(csum_fold(csum_add(0, bytes, sizeof(bytes)))), 0xddf2);
	assert_int_equal(as_number(csum_finish(csum_add(0, bytes, sizeof(bytes)))), 0x220d);
}

/* Every length up to two blocks and every alignment, odd last bytes included (RFC9293-MUST-2). */
static void test_lengths_and_alignments(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (size_t len = 0; len <= 100; len++) {
		for (size_t align = 0; align < 8; align++) {
			uint8_t *mem = malloc(align + len);
			uint16_t got;

			for (size_t i = 0; i < align + len; i++)
				mem[i] = (uint8_t)next_random(&random);
			got = csum_fold(csum_add(0, mem + align, len));
			assert_int_equal(as_number(got), plain_sum(mem + align, len));
			free(mem);
		}
	}
}

/* 64 KB of 0xff make the largest sums and a carry with every word. */
static void test_carries(void **state)
{
	size_t len = 65535;
	uint8_t *mem = malloc(len);
	uint64_t sum = UINT64_MAX - 1;

	(void)state;
	memset(mem, 0xff, len);
	assert_int_equal(as_number(csum_fold(csum_add(0, mem, len))), plain_sum(mem, len));
	/* From a sum that is nearly full: the carry must come round, not get lost. */
	assert_int_equal(csum_fold(sum), 0xfffe);
	sum = csum_add(sum, mem, 8);
	assert_int_equal(csum_fold(sum), 0xfffe);
	sum = csum_add(UINT64_MAX, (const uint8_t[]){0, 5}, 2);
	assert_int_equal(as_number(csum_fold(sum)), 5);
	free(mem);
}

/* A sum in two pieces is the sum of the whole, wherever it is cut. */
static void test_pieces(void **state)
{
	uint8_t mem[97];
	uint64_t random = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(mem); i++)
		mem[i] = (uint8_t)next_random(&random);
	for (size_t cut = 0; cut <= sizeof(mem); cut++) {
		uint64_t sum = csum_add(0, mem, cut);

		if (cut & 1)
			sum = csum_add_odd(sum, mem + cut, sizeof(mem) - cut);
		else
			sum = csum_add(sum, mem + cut, sizeof(mem) - cut);
		assert_int_equal(as_number(csum_fold(sum)), plain_sum(mem, sizeof(mem)));
	}
}

/* Three pieces that begin at odd, even and odd offsets, as payload spans may. */
static void test_odd_pieces(void **state)
{
	uint8_t mem[64];
	uint64_t random = 9, sum;

	(void)state;
	for (size_t i = 0; i < sizeof(mem); i++)
		mem[i] = (uint8_t)next_random(&random);
	sum = csum_add(0, mem, 13);
	sum = csum_add_odd(sum, mem + 13, 21);
	sum = csum_add(sum, mem + 34, 11);
	sum = csum_add_odd(sum, mem + 45, 19);
	assert_int_equal(as_number(csum_fold(sum)), plain_sum(mem, sizeof(mem)));
}

struct packet_row {
	const char *name, *hex;
	size_t ip_len, addr_off, addr_len;
	uint8_t proto;
};

/* RFC9293-MUST-2 and MUST-3: the pseudo-header of IPv4; RFC8200-01: that of IPv6. */
static const struct packet_row packets[] = {
	{"SYN over IPv4", PKT_SYN4, 20, 12, 4, 6},
	{"odd payload over IPv4", PKT_DATA, 20, 12, 4, 6},
	{"RST over IPv4", PKT_RST, 20, 12, 4, 6},
	{"SYN over IPv6", PKT_SYN6, 40, 8, 16, 6},
	{"ICMPv6", PKT_ICMP6, 40, 8, 16, 58},
};

static void test_packets(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(packets); i++) {
		const struct packet_row *row = &packets[i];
		struct bytes b = hex_bytes(row->hex);
		const uint8_t *src = b.at + row->addr_off;
		size_t len = b.len - row->ip_len;
		uint64_t pseudo = csum_add_pseudo(0, src, src + row->addr_len, row->addr_len,
						  (uint32_t)len, row->proto);

		print_message("%s\n", row->name);
		assert_true(csum_good(csum_add(pseudo, b.at + row->ip_len, len)));
		/* Any one bit that flips is noticed. */
		for (size_t bit = 0; bit < len * 8; bit++) {
			b.at[row->ip_len + bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(csum_good(csum_add(pseudo, b.at + row->ip_len, len)));
			b.at[row->ip_len + bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		free(b.at);
	}
}

/*
 * A length above 65,535 counts in full in the pseudo-header of IPv6.
 * req: RFC8200-01
 */
static void test_pseudo_long(void **state)
{
	static const uint8_t zeros[16];
	uint64_t sum = csum_add_pseudo(0, zeros, zeros, 16, 0x00012345, 6);

	(void)state;
	assert_int_equal(as_number(csum_fold(sum)), 0x2345 + 1 + 6);
}

/*
 * Both forms of zero pass.
 * neg: RFC1624-02
 */
static void test_both_zeros(void **state)
{
	uint8_t segment[4] = {0xff, 0xff, 0x00, 0x00};

	(void)state;
	assert_true(csum_good(csum_add(0, segment, 4)));
	segment[2] = segment[3] = 0xff;
	assert_true(csum_good(csum_add(0, segment, 4)));
	segment[3] = 0xfe;
	assert_false(csum_good(csum_add(0, segment, 4)));
}

/*
 * The example of section 4, where RFC 1141's form gives 0xffff.
 * neg: RFC1624-01
 */
static void test_update_example(void **state)
{
	(void)state;
	assert_int_equal(csum_update(as_field(0xdd2f), as_field(0x5555), as_field(0x3285)), 0);
}

/*
 * An updated field is the one that a sum from scratch gives.
 * neg: RFC1624-01
 */
static void test_update_random(void **state)
{
	uint64_t random = 3;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t words[8] = {0x45};
		uint16_t before, after, from, to;

		for (size_t i = 1; i < sizeof(words); i++)
			words[i] = (uint8_t)next_random(&random);
		before = csum_finish(csum_add(0, words, 8));
		memcpy(&from, words + 4, 2);
		to = (uint16_t)next_random(&random);
		memcpy(words + 4, &to, 2);
		after = csum_finish(csum_add(0, words, 8));
		assert_int_equal(csum_update(before, from, to), after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071_example),
		cmocka_unit_test(test_lengths_and_alignments),
		cmocka_unit_test(test_carries),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_odd_pieces),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_pseudo_long),
		cmocka_unit_test(test_both_zeros),
		cmocka_unit_test(test_update_example),
		cmocka_unit_test(test_update_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
