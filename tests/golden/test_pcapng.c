/*
 * The pcapng writer: each block is read back byte by byte, and tshark, where there is one, must
 * find nothing to complain about, checksums included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden/script.h"
#include "weir/sink.h"

#define FILE_MAX (4u << 20)

static const char *const cases[] = {
	"handshake", "active_close", "retransmit", "refused", "reset", "bulk", "disorder",
};

/* Checksums left to the device both ways, odd lengths, both families. */
static const char partial_script[] =
	"flow 1 10.0.0.2:40000 10.0.0.1:80 irs=1000 iss=2000\n"
	"1 in S seq=0 mss=1460 ws=7 sackok ts partial LISTEN>SYN-RECEIVED accepted\n"
	"2 out SA seq=0 ack=1 mss=1460 partial SYN-RECEIVED>SYN-RECEIVED sent-synack\n"
	"3 in A seq=1 ack=1 partial SYN-RECEIVED>ESTABLISHED accepted\n"
	"4 in PA seq=1 ack=1 len=1001 partial ESTABLISHED>ESTABLISHED accepted\n"
	"5 out PA seq=1 ack=1002 len=40003 partial ESTABLISHED>ESTABLISHED sent-data\n"
	"6 in PA seq=1002 ack=40004 len=2 ESTABLISHED>ESTABLISHED accepted\n"
	"flow 2 [fd00::2]:40000 [fd00::1]:80 irs=1000 iss=2000\n"
	"7 in S seq=0 mss=1440 partial LISTEN>SYN-RECEIVED accepted\n"
	"8 out SA seq=0 ack=1 mss=1440 partial SYN-RECEIVED>SYN-RECEIVED sent-synack\n"
	"9 in A seq=1 ack=1 partial SYN-RECEIVED>ESTABLISHED accepted\n"
	"10 out PA seq=1 ack=1 len=777 partial ESTABLISHED>ESTABLISHED sent-data\n"
	"11 in PA seq=1 ack=778 len=65000 partial ESTABLISHED>ESTABLISHED accepted\n";

static char path[] = "/tmp/weir-test-pcapng-XXXXXX";

static void feed(void *user, const struct weir_trace_record *r)
{
	weir_pcapng_feed(user, r);
}

static void write_file(const char *script, size_t payload_max, int64_t offset_ns)
{
	struct weir_pcapng *w;

	assert_int_equal(0, weir_pcapng_open(&w, path, payload_max, offset_ns));
	script_run(script, feed, w);
	assert_int_equal(0, weir_pcapng_close(w));
}

/* --- Reading back ----------------------------------------------------------------------------- */

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

struct read_back {
	unsigned sections, interfaces, packets;
	uint32_t caplen[64], len[64], flags[64];
	uint64_t at[64];
	uint8_t packet[64][128]; /* the first bytes */
	char comment[64][512];
};

static void read_options(const uint8_t *p, const uint8_t *end, struct read_back *b, unsigned i)
{
	while (p + 4 <= end && u16(p) != 0) {
		uint16_t len = u16(p + 2);

		assert_true(p + 4 + len <= end);
		if (u16(p) == 1)
			snprintf(b->comment[i], sizeof(b->comment[i]), "%.*s", len,
				 (const char *)p + 4);
		if (u16(p) == 2)
			b->flags[i] = u32(p + 4);
		p += 4 + (len + 3u) / 4 * 4;
	}
	assert_ptr_equal(p + 4, end);
}

static void read_packet(const uint8_t *p, uint32_t total, struct read_back *b)
{
	unsigned i = b->packets++;
	size_t kept;

	assert_true(i < 64);
	assert_int_equal(0, u32(p + 8));
	b->at[i] = (uint64_t)u32(p + 12) << 32 | u32(p + 16);
	b->caplen[i] = u32(p + 20);
	b->len[i] = u32(p + 24);
	assert_true(b->caplen[i] <= b->len[i]);
	kept = b->caplen[i] < 128 ? b->caplen[i] : 128;
	memcpy(b->packet[i], p + 28, kept);
	read_options(p + 28 + (b->caplen[i] + 3) / 4 * 4, p + total - 4, b, i);
}

static void read_file(struct read_back *b)
{
	uint8_t *bytes = malloc(FILE_MAX);
	FILE *f = fopen(path, "rbe");
	size_t n;

	assert_non_null(f);
	assert_non_null(bytes);
	memset(b, 0, sizeof(*b));
	n = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	for (size_t at = 0; at < n;) {
		uint32_t type = u32(bytes + at), total = u32(bytes + at + 4);

		assert_true(total % 4 == 0 && at + total <= n);
		assert_int_equal(total, u32(bytes + at + total - 4));
		if (type == 0x0a0d0d0a) {
			assert_int_equal(0x1a2b3c4d, u32(bytes + at + 8));
			b->sections++;
		} else if (type == 1) {
			assert_int_equal(101, u16(bytes + at + 8));
			b->interfaces++;
		} else if (type == 6) {
			read_packet(bytes + at, total, b);
		}
		at += total;
	}
	free(bytes);
}

static struct read_back back;

static void blocks_are_well_formed(void **state)
{
	(void)state;
	write_file(partial_script, 0, 1000000000000000000);
	read_file(&back);
	assert_int_equal(1, back.sections);
	assert_int_equal(1, back.interfaces);
	assert_int_equal(11, back.packets);
	assert_int_equal(1000000000001000000, back.at[0]);
	assert_int_equal(1, back.flags[0]);
	assert_int_equal(2, back.flags[1]);
	assert_string_equal(back.comment[0],
			    "flow 1; LISTEN -> SYN-RECEIVED; accepted (RFC 9293 3.10.7)");
	assert_string_equal(
		back.comment[4],
		"flow 1; ESTABLISHED -> ESTABLISHED; sent-data: data (RFC 9293 3.8.6.2)");
}

/* What is known of the connection's windows, rates and recovery is told, and nothing else. */
static void comments_tell_of_windows(void **state)
{
	(void)state;
	write_file(
		"flow 1 10.0.0.2:40000 10.0.0.1:80 irs=1000 iss=2000\n"
		"1 out A seq=1 ack=1 cwnd=14600 ESTABLISHED>ESTABLISHED sent-ack\n"
		"2 out A seq=1 ack=1 len=9 cwnd=7300 ssthresh=10220 pipe=2920 rtt=40.125 "
		"pacing=437956 delivery=365000 recovery=fast spurious=2 "
		"ESTABLISHED>ESTABLISHED retx-rack\n"
		"3 in A seq=1 ack=1 cwnd=1 ssthresh=2 recovery=cwr ESTABLISHED>CLOSED accepted\n",
		0, 0);
	read_file(&back);
	assert_string_equal(back.comment[0],
			    "flow 1; ESTABLISHED -> ESTABLISHED; sent-ack: acknowledgement (RFC "
			    "9293 3.8.6.3); cwnd:14600 pipe:0 recovery:open");
	assert_string_equal(back.comment[1],
			    "flow 1; ESTABLISHED -> ESTABLISHED; retx-rack: retransmitted: one "
			    "sent later has arrived (RACK) (RFC 8985 6.2); cwnd:7300 "
			    "ssthresh:10220 pipe:2920 rtt:40.125 pacing:437956 delivery:365000 "
			    "recovery:fast spurious:2");
	assert_string_equal(back.comment[2],
			    "flow 1; ESTABLISHED -> CLOSED; accepted (RFC 9293 3.10.7); cwnd:1 "
			    "ssthresh:2 pipe:0 recovery:cwr");
}

/* Only headers are kept by default, however long the packet; more on demand. */
static void payload_is_cut(void **state)
{
	(void)state;
	write_file(partial_script, 0, 0);
	read_file(&back);
	assert_int_equal(40, back.caplen[4]);
	assert_int_equal(40 + 40003, back.len[4]);
	assert_int_equal(40, back.caplen[3]);
	assert_int_equal(60, back.caplen[10]);
	write_file(partial_script, 10, 0);
	read_file(&back);
	assert_int_equal(50, back.caplen[4]);
	assert_int_equal(42, back.caplen[5]); /* it has 2 */
	assert_int_equal(42, back.len[5]);
	write_file(partial_script, SIZE_MAX, 0);
	read_file(&back);
	assert_int_equal(40 + 40003, back.caplen[4]);
}

static const uint8_t *checksum_field(unsigned i)
{
	return back.packet[i] + (back.packet[i][0] == 0x60 ? 56 : 36);
}

/* A completed checksum is the one of a packet that never was incomplete, whatever is kept of it. */
static void checksum_covers_what_is_cut(void **state)
{
	char *whole = strdup(partial_script);
	uint8_t sum[64][2];
	unsigned packets;

	(void)state;
	assert_non_null(whole);
	for (char *at = whole; (at = strstr(at, " partial"));)
		memset(at, ' ', strlen(" partial"));
	write_file(whole, 0, 0);
	free(whole);
	read_file(&back);
	packets = back.packets;
	for (unsigned i = 0; i < packets; i++)
		memcpy(sum[i], checksum_field(i), 2);
	write_file(partial_script, 0, 0);
	read_file(&back);
	assert_int_equal(packets, back.packets);
	for (unsigned i = 0; i < packets; i++)
		assert_memory_equal(sum[i], checksum_field(i), 2);
}

/* ICMP and UDP: their headers, of an error also those that it quotes, and no more. */
static void other_protocols_are_cut(void **state)
{
	(void)state;
	write_file("flow 0 10.0.0.2:1 10.0.0.1:1\n"
		   "1 in udp 10.0.0.2:5353 10.0.0.1:53 len=400 udp-refused\n"
		   "2 in icmp 10.0.0.2 10.0.0.1 type=8 code=0 len=56 icmp-echo\n"
		   "3 out icmp 10.0.0.1 10.0.0.2 type=3 code=3 len=500 sent-icmp\n"
		   "4 state ESTABLISHED>CLOSED closed-abort\n",
		   0, 0);
	read_file(&back);
	assert_int_equal(3, back.packets);
	assert_int_equal(28, back.caplen[0]);
	assert_int_equal(28, back.caplen[1]);
	assert_int_equal(20 + 8 + 28, back.caplen[2]);
	assert_string_equal(back.comment[2],
			    "CLOSED -> CLOSED; sent-icmp: ICMP message (RFC 792, RFC 4443)");
}

/* Any bytes may come in: short, no IP, headers that promise more than there is. */
static void broken_packets_are_written(void **state)
{
	static const uint8_t bytes[] = {0x45, 0, 0xff, 0xff, 0,  0,  0,  0,  64,   6,  0,  0,
					10,   0, 0,    2,    10, 0,  0,  1,  1,    2,  3,  4,
					5,    6, 7,    8,    9,  10, 11, 12, 0xf0, 14, 15, 16};
	struct weir_pcapng *w;

	(void)state;
	assert_int_equal(0, weir_pcapng_open(&w, path, 0, 0));
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		for (unsigned first = 0x44; first <= 0x46; first++) {
			uint8_t copy[sizeof(bytes)];
			struct weir_trace_record r = {
				.kind = WEIR_TRACE_IN,
				.verdict = WEIR_CTR_IP_MALFORMED,
				.head = copy,
				.head_len = n,
				.total_len = n,
				.csum_partial = true,
			};

			memcpy(copy, bytes, sizeof(bytes));
			copy[0] = first == 0x46 ? 0x60 : (uint8_t)first;
			if (n % 3 == first % 3)
				weir_pcapng_feed(w, &r);
		}
	}
	assert_int_equal(0, weir_pcapng_close(w));
	read_file(&back);
	assert_int_equal(sizeof(bytes) + 1, back.packets);
}

static void errors_are_told(void **state)
{
	struct weir_pcapng *w;

	(void)state;
	assert_int_equal(-1, weir_pcapng_open(&w, "/nonexistent/x.pcapng", 0, 0));
	assert_int_equal(ENOENT, errno);
	assert_int_equal(0, weir_pcapng_open(&w, "/dev/full", 65535, 0));
	script_run(partial_script, feed, w);
	assert_int_equal(-1, weir_pcapng_close(w));
	assert_int_equal(ENOSPC, errno);
}

/* --- tshark ----------------------------------------------------------------------------------- */

#define TSHARK \
	"LC_ALL=C tshark -r %s -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE " \
	"-o udp.check_checksum:TRUE %s"

static int have_tshark(void)
{
	return system("tshark --version >/dev/null 2>&1") == 0;
}

/* What tshark says, standard error included but for the remark about root. */
static char *tshark(const char *args)
{
	char command[512], *text = calloc(1, FILE_MAX);
	FILE *p;
	size_t n;

	assert_non_null(text);
	snprintf(command, sizeof(command), TSHARK " 2>&1", path, args);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(text, 1, FILE_MAX - 1, p);
	text[n] = '\0';
	assert_int_equal(0, pclose(p));
	return text;
}

static unsigned count_lines_with(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

static void tshark_finds_nothing_wrong(const char *script, size_t payload_max)
{
	static const char *const wrong[] = {
		"Malformed", "Bad checksum", "Errors (", "damaged",
		"cut short", "Warning:",     "bogus",
	};
	char *text;

	write_file(script, payload_max, 1700000000000000000);
	text = tshark("-q -z expert");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (strstr(text, wrong[i]))
			fail_msg("tshark says \"%s\":\n%s", wrong[i], text);
	}
	free(text);
}

static void tshark_reads_each_case(void **state)
{
	(void)state;
	if (!have_tshark())
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char file[64], *script;

		snprintf(file, sizeof(file), "%s.trace", cases[i]);
		script = script_read_file(file);
		assert_non_null(script);
		tshark_finds_nothing_wrong(script, 0);
		free(script);
	}
}

static void tshark_verifies_completed_checksums(void **state)
{
	char *text;

	(void)state;
	if (!have_tshark())
		skip();
	tshark_finds_nothing_wrong(partial_script, SIZE_MAX);
	text = tshark("-T fields -e tcp.checksum.status -e tcp.len -e frame.comment "
		      "-e frame.packet_flags_direction");
	assert_int_equal(11, count_lines_with(text, "\tflow "));
	/* Status 1 is good. */
	assert_true(strncmp(text, "1\t", 2) == 0 || strstr(text, "\n1\t"));
	assert_int_equal(0, count_lines_with(text, "\n0\t"));
	assert_int_equal(0, count_lines_with(text, "\n2\t"));
	assert_non_null(strstr(text, "1\t40003\tflow 1; ESTABLISHED -> ESTABLISHED; sent-data"));
	free(text);
}

static int path_make(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd) != 0;
}

static int path_remove(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_well_formed),
		cmocka_unit_test(comments_tell_of_windows),
		cmocka_unit_test(payload_is_cut),
		cmocka_unit_test(checksum_covers_what_is_cut),
		cmocka_unit_test(other_protocols_are_cut),
		cmocka_unit_test(broken_packets_are_written),
		cmocka_unit_test(errors_are_told),
		cmocka_unit_test(tshark_reads_each_case),
		cmocka_unit_test(tshark_verifies_completed_checksums),
	};

	return cmocka_run_group_tests(tests, path_make, path_remove);
}
