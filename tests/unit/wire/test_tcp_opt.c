/*
 * test_tcp_opt.c: TCP options: what is read, what is malformed, and the layouts that are written.
 */
#include "unit/wire/wire_packets.h"

#include "base/be.h"
#include "wire/tcp_opt.h"

#define MSS_1460 "020405b4"
#define WS_7     "030307"
#define SACK_OK  "0402"
#define TS       "080a1122334455667788"
#define BLOCK_1  "0000044d00000457"
#define BLOCK_2  "ffffff0000000010" /* across the wrap of the sequence space */
#define BLOCK_3  "000005150000051f"
#define BLOCK_4  "0000060000000700"

#define ALL_OF_SYN \
	.has_mss = true, .mss = 1460, .has_wscale = true, .wscale = 7, .sack_permitted = true, \
	.has_ts = true, .ts_val = 0x11223344, .ts_ecr = 0x55667788
#define ONLY_TS .has_ts = true, .ts_val = 0x11223344, .ts_ecr = 0x55667788

static void assert_opts_equal(const struct tcp_opts *a, const struct tcp_opts *b)
{
	assert_int_equal(a->has_mss, b->has_mss);
	assert_int_equal(a->mss, b->mss);
	assert_int_equal(a->has_wscale, b->has_wscale);
	assert_int_equal(a->wscale, b->wscale);
	assert_int_equal(a->sack_permitted, b->sack_permitted);
	assert_int_equal(a->has_ts, b->has_ts);
	assert_int_equal(a->ts_val, b->ts_val);
	assert_int_equal(a->ts_ecr, b->ts_ecr);
	assert_int_equal(a->sack_count, b->sack_count);
	for (unsigned i = 0; i < a->sack_count; i++) {
		assert_int_equal(a->sack[i].lo.v, b->sack[i].lo.v);
		assert_int_equal(a->sack[i].hi.v, b->sack[i].hi.v);
	}
	assert_int_equal(a->accecn, b->accecn);
	assert_int_equal(a->accecn_count, b->accecn_count);
	for (unsigned i = 0; i < a->accecn_count; i++)
		assert_int_equal(a->accecn_field[i], b->accecn_field[i]);
}

struct read_row {
	const char *name, *hex;
	struct tcp_opts want;
};

static const struct read_row reads[] = {
	{"none", "", {0}},
	{"MSS (MUST-4)", MSS_1460, {.has_mss = true, .mss = 1460}},
	{"NOP, NOP, MSS, EOL, zeros (MUST-4)",
	 "0101020403e8000000000000",
	 {.has_mss = true, .mss = 1000}},
	{"MSS of 0", "02040000", {.has_mss = true}},
	{"MSS of 65,535", "0204ffff", {.has_mss = true, .mss = 65535}},
	{"only NOPs", "01010101", {0}},
	{"EOL at once: the rest is not looked at", "00" MSS_1460 "080000", {0}},
	{"EOL, then what would be malformed", MSS_1460 "00ff00", {.has_mss = true, .mss = 1460}},
	{"unknown kind 253 stepped over (MUST-6, MUST-68)",
	 "fd06aabbccdd02040384",
	 {.has_mss = true, .mss = 900}},
	{"unknown kind of two bytes", "fd02" MSS_1460, {.has_mss = true, .mss = 1460}},
	{"unknown kind that fills all", "fe28" TS TS TS "0000000000000000", {0}},
	{"Fast Open cookie stepped over",
	 "220a0102030405060708" MSS_1460,
	 {.has_mss = true, .mss = 1460}},
	{"MD5 signature stepped over",
	 "131200112233445566778899aabbccddeeff" SACK_OK,
	 {.sack_permitted = true}},
	{"odd offsets (MUST-64)", "01" WS_7 "01" TS, {.has_wscale = true, .wscale = 7, ONLY_TS}},
	{"nothing aligned (MUST-64)", WS_7 TS "01" MSS_1460 SACK_OK, {ALL_OF_SYN}},
	{"window scale of 0", "030300", {.has_wscale = true}},
	{"window scale of 14 (RFC7323-04)", "03030e", {.has_wscale = true, .wscale = 14}},
	{"window scale of 15 (RFC7323-04)", "03030f", {.has_wscale = true, .wscale = 14}},
	{"window scale of 255 (RFC7323-04)", "0303ff", {.has_wscale = true, .wscale = 14}},
	{"timestamps, the usual layout", "0101" TS, {ONLY_TS}},
	{"timestamps, the usual layout and more",
	 "0101" TS "0101" SACK_OK,
	 {ONLY_TS, .sack_permitted = true}},
	{"timestamps first", TS "0000", {ONLY_TS}},
	{"one SACK block", "0101050a" BLOCK_1, {.sack_count = 1, .sack = {{{0x44d}, {0x457}}}}},
	{"four SACK blocks",
	 "01010522" BLOCK_1 BLOCK_2 BLOCK_3 BLOCK_4,
	 {.sack_count = 4,
	  .sack = {{{0x44d}, {0x457}},
		   {{0xffffff00}, {0x10}},
		   {{0x515}, {0x51f}},
		   {{0x600}, {0x700}}}}},
	{"timestamps and three SACK blocks",
	 "0101" TS "0101051a" BLOCK_1 BLOCK_2 BLOCK_3,
	 {ONLY_TS, .sack_count = 3,
	  .sack = {{{0x44d}, {0x457}}, {{0xffffff00}, {0x10}}, {{0x515}, {0x51f}}}}},
	{"Accurate ECN, order 0, three counters",
	 "01ac0b010203fffffe800000",
	 {.accecn = TCP_ACCECN_ORDER_0,
	  .accecn_count = 3,
	  .accecn_field = {0x010203, 0xfffffe, 0x800000}}},
	{"Accurate ECN, order 1, three counters",
	 "ae0b00000100000200000301",
	 {.accecn = TCP_ACCECN_ORDER_1, .accecn_count = 3, .accecn_field = {1, 2, 3}}},
	{"Accurate ECN, two counters",
	 "ac08000001000002",
	 {.accecn = TCP_ACCECN_ORDER_0, .accecn_count = 2, .accecn_field = {1, 2}}},
	{"Accurate ECN, one counter",
	 "010101ae05000001",
	 {.accecn = TCP_ACCECN_ORDER_1, .accecn_count = 1, .accecn_field = {1}}},
	{"Accurate ECN, none", "0101ac02", {.accecn = TCP_ACCECN_ORDER_0}},
	{"Accurate ECN, a length between: what is whole counts",
	 "ac0a000001000002ffff",
	 {.accecn = TCP_ACCECN_ORDER_0, .accecn_count = 2, .accecn_field = {1, 2}}},
	{"Accurate ECN, one byte: no counter", "ac03ff00", {.accecn = TCP_ACCECN_ORDER_0}},
	{"Accurate ECN, longer than it may be: three counters",
	 "ae0e000001000002000003ffffff",
	 {.accecn = TCP_ACCECN_ORDER_1, .accecn_count = 3, .accecn_field = {1, 2, 3}}},
	{"Accurate ECN and timestamps",
	 "0101" TS "ac08000001000002",
	 {ONLY_TS, .accecn = TCP_ACCECN_ORDER_0, .accecn_count = 2, .accecn_field = {1, 2}}},
	{"MSS twice: the last one counts", "020403e8" MSS_1460, {.has_mss = true, .mss = 1460}},
	{"SACK twice: the last one counts",
	 "0512" BLOCK_3 BLOCK_4 "050a" BLOCK_1,
	 {.sack_count = 1, .sack = {{{0x44d}, {0x457}}}}},
};

/* neg: RFC9768-09 */
static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(reads); i++) {
		struct bytes b = hex_bytes(reads[i].hex);
		struct tcp_opts o;

		print_message("%s\n", reads[i].name);
		memset(&o, 0xff, sizeof(o)); /* all of it is to be set */
		assert_int_equal(tcp_opt_parse(&o, b.at, b.len), 0);
		assert_opts_equal(&o, &reads[i].want);
		free(b.at);
	}
}

/* RFC9293-MUST-7: lengths of 0 and 1, beyond the end, or wrong for their kind. */
static const char *const bads[] = {
	"02",
	"03",
	"04",
	"05",
	"08",
	"fd", /* no length byte */
	"0800",
	"0801",
	"fd00",
	"fd01",
	"0400",
	"0401", /* length below 2 */
	"01fd00",
	"fd03aafe01", /* .. behind good ones */
	"0204",
	"020405",
	"fd03",
	"fd28aa",
	"080a112233445566",
	"050a00000000",     /* beyond the end */
	"0228000000000000", /* MSS of 40 bytes in 8 */
	"0203050000",
	"020505b400",
	"0202",
	"020605b40000", /* MSS */
	"0302",
	"03040700", /* window scale */
	"040300",
	"04040000", /* SACK permitted */
	"080900000000000000",
	"080b000000000000000000",
	"0802", /* timestamps */
	"0502",
	"050900000000000000",
	"050b000000000000000000",
	"05060000aaaa",                              /* SACK */
	"0523" BLOCK_1 BLOCK_2 BLOCK_3 BLOCK_4 "00", /* SACK of 35 bytes */
	MSS_1460 "01fd",                             /* good ones before */
	"0101" TS "02",
	"ac",
	"ac01",
	"ae0b0000010000020000", /* Accurate ECN */
	"01010809112233445566778800",
};

static void test_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(bads); i++) {
		struct bytes b = hex_bytes(bads[i]);
		struct tcp_opts o;

		print_message("%s\n", bads[i]);
		assert_int_equal(tcp_opt_parse(&o, b.at, b.len), -1);
		free(b.at);
	}
}

/* Every kind with every length byte in every space: read or refused, never beyond the end. */
static void test_all_lengths(void **state)
{
	(void)state;
	for (unsigned kind = 2; kind < 256; kind++) {
		for (unsigned len = 0; len < 64; len++) {
			struct bytes b = {.at = calloc(1, TCP_OPT_MAX), .len = TCP_OPT_MAX};
			bool good = len >= 2 && len <= TCP_OPT_MAX;
			struct tcp_opts o;

			if (kind == 2)
				good = len == 4;
			else if (kind == 3)
				good = len == 3;
			else if (kind == 4)
				good = len == 2;
			else if (kind == 5)
				good = len == 10 || len == 18 || len == 26 || len == 34;
			else if (kind == 8)
				good = len == 10;
			b.at[0] = (uint8_t)kind;
			b.at[1] = (uint8_t)len;
			assert_int_equal(tcp_opt_parse(&o, b.at, b.len), good ? 0 : -1);
			free(b.at);
		}
	}
}

struct write_row {
	const char *name;
	struct tcp_opts opts;
	const char *linux_hex, *bsd_hex;
};

static const struct write_row writes[] = {
	{"nothing", {0}, "", ""},
	{"SYN", {ALL_OF_SYN}, MSS_1460 SACK_OK TS "01" WS_7, MSS_1460 "01" WS_7 SACK_OK TS},
	{"SYN without timestamps",
	 {.has_mss = true, .mss = 1460, .has_wscale = true, .wscale = 7, .sack_permitted = true},
	 MSS_1460 "0101" SACK_OK "01" WS_7,
	 MSS_1460 "01" WS_7 SACK_OK "0000"},
	{"SYN without SACK",
	 {.has_mss = true, .mss = 1460, .has_wscale = true, .wscale = 7, ONLY_TS},
	 MSS_1460 "0101" TS "01" WS_7,
	 MSS_1460 "01" WS_7 "0101" TS},
	{"SYN with MSS only", {.has_mss = true, .mss = 1460}, MSS_1460, MSS_1460},
	{"SYN with MSS and scale",
	 {.has_mss = true, .mss = 1460, .has_wscale = true, .wscale = 7},
	 MSS_1460 "01" WS_7,
	 MSS_1460 "01" WS_7},
	{"SACK permitted alone", {.sack_permitted = true}, "0101" SACK_OK, SACK_OK "0000"},
	{"timestamps", {ONLY_TS}, "0101" TS, "0101" TS},
	{"one SACK block",
	 {.sack_count = 1, .sack = {{{0x44d}, {0x457}}}},
	 "0101050a" BLOCK_1,
	 "0101050a" BLOCK_1},
	{"four SACK blocks",
	 {.sack_count = 4,
	  .sack = {{{0x44d}, {0x457}},
		   {{0xffffff00}, {0x10}},
		   {{0x515}, {0x51f}},
		   {{0x600}, {0x700}}}},
	 "01010522" BLOCK_1 BLOCK_2 BLOCK_3 BLOCK_4,
	 "01010522" BLOCK_1 BLOCK_2 BLOCK_3 BLOCK_4},
	{"timestamps and four SACK blocks, of which three fit",
	 {ONLY_TS, .sack_count = 4,
	  .sack = {{{0x44d}, {0x457}},
		   {{0xffffff00}, {0x10}},
		   {{0x515}, {0x51f}},
		   {{0x600}, {0x700}}}},
	 "0101" TS "0101051a" BLOCK_1 BLOCK_2 BLOCK_3,
	 "0101" TS "0101051a" BLOCK_1 BLOCK_2 BLOCK_3},
	{"all of a SYN and SACK blocks, of which two fit",
	 {ALL_OF_SYN, .sack_count = 3,
	  .sack = {{{0x44d}, {0x457}}, {{0xffffff00}, {0x10}}, {{0x515}, {0x51f}}}},
	 MSS_1460 SACK_OK TS "01" WS_7 "01010512" BLOCK_1 BLOCK_2,
	 MSS_1460 "01" WS_7 SACK_OK TS "01010512" BLOCK_1 BLOCK_2},
	{"SYN-ACK with Accurate ECN",
	 {ALL_OF_SYN, .accecn = TCP_ACCECN_ORDER_0, .accecn_count = 3, .accecn_field = {1, 0, 1}},
	 MSS_1460 SACK_OK TS "01" WS_7 "01ac0b000001000000000001",
	 MSS_1460 "01" WS_7 SACK_OK TS "01ac0b000001000000000001"},
	{"Accurate ECN, two counters",
	 {.accecn = TCP_ACCECN_ORDER_1, .accecn_count = 2, .accecn_field = {0xabcdef, 1}},
	 "ae08abcdef000001",
	 "ae08abcdef000001"},
	{"Accurate ECN, one counter",
	 {.accecn = TCP_ACCECN_ORDER_0, .accecn_count = 1, .accecn_field = {0xabcdef}},
	 "010101ac05abcdef",
	 "010101ac05abcdef"},
	{"Accurate ECN, empty", {.accecn = TCP_ACCECN_ORDER_1}, "0101ae02", "0101ae02"},
	{"timestamps, two counters, three SACK blocks, of which two fit",
	 {ONLY_TS, .accecn = TCP_ACCECN_ORDER_0, .accecn_count = 2, .accecn_field = {1, 2},
	  .sack_count = 3,
	  .sack = {{{0x44d}, {0x457}}, {{0xffffff00}, {0x10}}, {{0x515}, {0x51f}}}},
	 "0101" TS "ac08000001000002"
	 "01010512" BLOCK_1 BLOCK_2,
	 "0101" TS "ac08000001000002"
	 "01010512" BLOCK_1 BLOCK_2},
	{"SACK permitted alone and Accurate ECN: no end of list before it",
	 {.sack_permitted = true, .accecn = TCP_ACCECN_ORDER_0},
	 "0101" SACK_OK "0101ac02",
	 "0101" SACK_OK "0101ac02"},
	{"SACK permitted and a block: no end of list before it",
	 {.sack_permitted = true, .sack_count = 1, .sack = {{{0x44d}, {0x457}}}},
	 "0101" SACK_OK "0101050a" BLOCK_1,
	 "0101" SACK_OK "0101050a" BLOCK_1},
};

static void check_write(const struct tcp_opts *o, enum tcp_opt_order order, const char *hex)
{
	struct bytes want = hex_bytes(hex);
	uint8_t *out = malloc(want.len);

	assert_int_equal(tcp_opt_len(o), want.len);
	assert_int_equal(tcp_opt_emit(out, o, order), want.len);
	assert_memory_equal(out, want.at, want.len);
	free(out);
	free(want.at);
}

static void test_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(writes); i++) {
		print_message("%s\n", writes[i].name);
		check_write(&writes[i].opts, TCP_OPT_ORDER_LINUX, writes[i].linux_hex);
		check_write(&writes[i].opts, TCP_OPT_ORDER_BSD, writes[i].bsd_hex);
	}
}

/* Linux's own options come back as they were. */
static void test_linux_layout(void **state)
{
	static const char *const hexes[] = {PKT_SYN4, PKT_SYN4_NO_TS, PKT_SYN4_NO_SACK, PKT_SACK_1,
					    PKT_SACK_3};

	(void)state;
	for (size_t i = 0; i < LENGTH(hexes); i++) {
		struct bytes b = hex_bytes(hexes[i]);
		uint8_t out[TCP_OPT_MAX];
		struct tcp_opts o;

		assert_int_equal(tcp_opt_parse(&o, b.at + 40, b.len - 40), 0);
		assert_int_equal(tcp_opt_emit(out, &o, TCP_OPT_ORDER_LINUX), b.len - 40);
		assert_memory_equal(out, b.at + 40, b.len - 40);
		free(b.at);
	}
}

/* What is written obeys MUST-68 and MUST-69, and is at most 40 bytes in whole words. */
static void check_wire_rules(const uint8_t *p, size_t len)
{
	size_t off = 0;

	assert_int_equal(len % 4, 0);
	assert_in_range(len, 0, TCP_OPT_MAX);
	while (off < len && p[off] != 0) {
		if (p[off] == 1) {
			off++;
			continue;
		}
		assert_in_range(off, 0, len - 2);
		assert_in_range(p[off + 1], 2, len - off);
		off += p[off + 1];
	}
	for (; off < len; off++)
		assert_int_equal(p[off], 0); /* RFC9293-MUST-69 */
}

/*
 * Every combination of options and block counts, both orders: the rules hold, the announced length
 * is the written one, and reading gives back what was written.
 * neg: RFC9293-MUST-68 RFC9293-MUST-69
 */
static void test_combinations(void **state)
{
	(void)state;
	for (unsigned mask = 0; mask < 16 * 6 * 2 * 9; mask++) {
		enum tcp_opt_order order = mask / 96 % 2 ? TCP_OPT_ORDER_BSD : TCP_OPT_ORDER_LINUX;
		unsigned accecn = mask / 192; /* 0: none, 1 to 4 and 5 to 8: either order */
		struct tcp_opts o = {
			.has_mss = mask & 1,
			.has_wscale = mask & 2,
			.sack_permitted = mask & 4,
			.has_ts = mask & 8,
			.mss = mask & 1 ? 0x0102 : 0,
			.wscale = mask & 2 ? 14 : 0,
			.ts_val = mask & 8 ? 0xdeadbeef : 0,
			.sack_count = (uint8_t)(mask % 96 / 16),
			.accecn = (uint8_t)((accecn + 3) / 4),
			.accecn_count = accecn ? (uint8_t)((accecn - 1) % 4) : 0,
			.accecn_field = {0xffffff, 0x010203, 0x800000},
		};
		uint8_t *out = malloc(tcp_opt_len(&o));
		struct tcp_opts back;
		size_t len;

		for (unsigned i = 0; i < TCP_SACK_MAX; i++)
			o.sack[i] = (struct tcp_sack){{100 * i}, {100 * i + 50}};
		len = tcp_opt_emit(out, &o, order);
		assert_int_equal(len, tcp_opt_len(&o));
		check_wire_rules(out, len);
		assert_int_equal(tcp_opt_parse(&back, out, len), 0);
		assert_in_range(back.sack_count, 0, o.sack_count);
		o.sack_count = back.sack_count;
		assert_opts_equal(&back, &o);
		free(out);
	}
}

/*
 * D-SACK by the ACK field of the same segment and by the second block, and by nothing else.
 * neg: RFC2883-04
 */
static void test_sack_again(void **state)
{
	static const struct {
		struct tcp_sack block[2];
		unsigned count;
		uint32_t ack;
		bool again;
	} rows[] = {
		{{{{0}, {0}}}, 0, 4000, false},
		{{{{3000}, {3500}}}, 1, 4000, true},
		{{{{4500}, {5000}}}, 1, 4000, false},
		{{{{3000}, {3500}}, {{4500}, {5000}}}, 2, 4000, true},
		{{{{5000}, {5500}}, {{4500}, {5500}}}, 2, 4000, true},
		{{{{4500}, {5500}}, {{4500}, {5500}}}, 2, 4000, true},
		{{{{4500}, {5500}}, {{5000}, {5500}}}, 2, 4000, false},
		{{{{4500}, {5000}}, {{5500}, {6000}}}, 2, 4000, false},
		/* An old ACK, overtaken: its block is above it, whatever came since. */
		{{{{3000}, {3500}}}, 1, 2000, false},
		{{{{0xfffffff0}, {5}}}, 1, 100, true},
		{{{{5}, {50}}}, 1, 0xfffffff0, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct tcp_opts o = {.sack_count = (uint8_t)rows[i].count};

		memcpy(o.sack, rows[i].block, sizeof(rows[i].block));
		assert_int_equal(tcp_sack_again(&o, seq_make(rows[i].ack)), rows[i].again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),         cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_sack_again),   cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_write),        cmocka_unit_test(test_linux_layout),
		cmocka_unit_test(test_combinations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
