/*
 * ICMP and ICMPv6 in: echo, and errors that reach the connection they quote.
 */
#include "fixture.h"

static size_t icmp_packet(uint8_t *bytes, const struct weir_addr *src, const struct weir_addr *dst,
			  const struct icmp_msg *m)
{
	bool v4 = src->family == 4;
	size_t ip = ip_out_len(src->family);

	if (v4)
		icmp4_emit(bytes + ip, m);
	else
		icmp6_emit(bytes + ip, m, src->bytes, dst->bytes);
	stk_ip(bytes, src, dst, v4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6, 8 + m->body_len);
	return ip + 8 + m->body_len;
}

/* A router says something about the packet that is in f->bytes. */
static enum weir_counter error_about(struct stk *f, uint8_t type, uint8_t code, uint32_t rest)
{
	uint8_t family = f->ip.src.family, bytes[200];
	struct weir_addr router = stk_peer(family, 254, 1).remote.addr;
	struct icmp_msg m = {.type = type,
			     .code = code,
			     .rest = rest,
			     .body = f->bytes,
			     .body_len = ip_out_len(family) + 8};

	return stk_frame(f, bytes, icmp_packet(bytes, &router, &f->ip.src, &m));
}

/* RFC 792, RFC 4443 4: identifier, sequence number and data come back. */
static void test_echo(void **state)
{
	struct stk *f = *state;
	static uint8_t text[1400];

	memset(text, 0x5a, sizeof(text));
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(family, 9, 0);
		struct icmp_msg m = {.type = family == 4 ? 8 : 128,
				     .rest = 0x12345678,
				     .body = text,
				     .body_len = sizeof(text)};
		uint8_t bytes[1500];
		size_t len = icmp_packet(bytes, &t.remote.addr, &t.local.addr, &m);

		stk_start(f);
		assert_verdict(stk_frame(f, bytes, len), ICMP_ECHO);
		assert_int_equal(weir_deadline(f->s, f->now), f->now);
		assert_verdict(stk_frame(f, bytes, len), ICMP_ECHO); /* one waits at a time */
		assert_int_equal(counter(f, REPLY_DROPPED), 1);
		assert_true(stk_out(f));
		assert_int_equal(f->icmp.type, family == 4 ? 0 : 129);
		assert_int_equal(f->icmp.rest, 0x12345678);
		assert_int_equal(f->icmp.body_len, sizeof(text));
		assert_memory_equal(f->icmp.body, text, sizeof(text));
		assert_memory_equal(&f->ip.dst, &t.remote.addr, sizeof(f->ip.dst));
		assert_false(stk_out(f));
		bytes[len - 1] ^= 1;
		assert_verdict(stk_frame(f, bytes, len), ICMP_MALFORMED);
		assert_false(stk_out(f));
	}
}

/* An answer larger than the link is none; an address that is not ours does not answer. */
static void test_echo_refused(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 0);
	static uint8_t text[2000];
	struct icmp_msg m = {.type = 8, .body = text, .body_len = 1600};
	uint8_t bytes[2100];

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	stk_frame(f, bytes, icmp_packet(bytes, &t.remote.addr, &t.local.addr, &m));
	assert_int_equal(counter(f, REPLY_DROPPED), 1);
	m.body_len = 10;
	t.local.addr.bytes[3] = 77;
	assert_verdict(stk_frame(f, bytes, icmp_packet(bytes, &t.remote.addr, &t.local.addr, &m)),
		       IP_NOT_OURS);
	assert_false(stk_out(f));
}

struct error_row {
	uint8_t family, type, code;
	enum weir_counter verdict; /* in SYN-SENT */
	enum weir_err reason;      /* of the end, or of the soft error */
};

static const struct error_row errors[] = {
	/* MUST-56: soft, never fatal */
	{4, 3, 0, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{4, 3, 1, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{4, 3, 5, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{4, 11, 0, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{4, 12, 0, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{6, 1, 0, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{6, 1, 3, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{6, 3, 0, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	{6, 4, 1, WEIR_CTR_ICMP_SOFT, WEIR_UNREACHABLE},
	/* SHLD-26, RFC4443-04: an attempt ends */
	{4, 3, 2, WEIR_CTR_ICMP_HARD, WEIR_REFUSED},
	{4, 3, 3, WEIR_CTR_ICMP_HARD, WEIR_REFUSED},
	{4, 3, 9, WEIR_CTR_ICMP_HARD, WEIR_UNREACHABLE},
	{4, 3, 10, WEIR_CTR_ICMP_HARD, WEIR_UNREACHABLE},
	{4, 3, 13, WEIR_CTR_ICMP_HARD, WEIR_UNREACHABLE},
	{6, 1, 1, WEIR_CTR_ICMP_HARD, WEIR_UNREACHABLE},
	{6, 1, 4, WEIR_CTR_ICMP_HARD, WEIR_REFUSED},
	/* MUST-55, and what is no error */
	{4, 4, 0, WEIR_CTR_ICMP_IGNORED, WEIR_OK},
	{4, 5, 0, WEIR_CTR_ICMP_IGNORED, WEIR_OK},
	{4, 0, 0, WEIR_CTR_ICMP_IGNORED, WEIR_OK},
	{6, 129, 0, WEIR_CTR_ICMP_IGNORED, WEIR_OK},
};

static void test_errors(void **state)
{
	struct stk *f = *state;

	for (unsigned i = 0; i < LENGTH(errors); i++) {
		const struct error_row *r = &errors[i];
		struct weir_tuple t = stk_peer(r->family, 9, 80);
		enum weir_counter v;
		weir_conn c;

		stk_start(f);
		c = stk_connect(f, &t);
		v = error_about(f, r->type, r->code, 0);
		if (v != r->verdict)
			fail_msg("row %u: %s", i, weir_counter_name(v));
		assert_int_equal(stk_info(f, c).state,
				 v == WEIR_CTR_ICMP_HARD ? WEIR_STATE_CLOSED : WEIR_STATE_SYN_SENT);
		if (v == WEIR_CTR_ICMP_SOFT)
			assert_int_equal(stk_event(f, WEIR_EV_SOFT_ERROR).reason, r->reason);
		if (v == WEIR_CTR_ICMP_HARD) {
			stk_event(f, WEIR_EV_READABLE);
			assert_int_equal(stk_event(f, WEIR_EV_CLOSED).reason, r->reason);
		}
		stk_no_event(f);
	}
}

/* RFC5927-02: the same on an established connection ends nothing. */
static void test_errors_when_established(void **state)
{
	struct stk *f = *state;

	for (unsigned i = 0; i < LENGTH(errors); i++) {
		struct weir_tuple t = stk_peer(errors[i].family, 9, 80);
		weir_conn c;
		size_t n;

		stk_start(f);
		c = stk_connect(f, &t);
		stk_synack(f, &t);
		weir_send(f->s, c, "x", 1, 0, &n, f->now);
		assert_out(f, TCP_ACK | TCP_PSH);
		error_about(f, errors[i].type, errors[i].code, 0);
		assert_int_equal(stk_info(f, c).state, WEIR_STATE_ESTABLISHED);
	}
}

/* MUST-54, RFC8201-03, RFC5927-01: matched by tuple and sequence number, or stray. */
static void test_strays(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 80);
	weir_conn c;
	static const unsigned at[] = {9, 15, 19, 21, 23, 24, 27}; /* protocol, addresses, TCP */

	stk_start(f);
	c = stk_connect(f, &t);
	for (unsigned i = 0; i < LENGTH(at); i++) {
		f->bytes[at[i]] ^= 2;
		assert_verdict(error_about(f, 3, 3, 0), ICMP_STRAY);
		f->bytes[at[i]] ^= 2;
	}
	assert_int_equal(stk_info(f, c).state, WEIR_STATE_SYN_SENT);
	assert_verdict(error_about(f, 3, 3, 0), ICMP_HARD);
	assert_verdict(error_about(f, 3, 3, 0), ICMP_STRAY); /* nobody is left */
}

/* RFC1191-01 to -03, -05, RFC8201-01, -02, RFC4443-02 */
static void test_path_mtu(void **state)
{
	static const struct {
		uint8_t family;
		uint32_t sent, mtu;
		enum weir_counter verdict;
		uint32_t mss; /* afterwards */
	} rows[] = {
		{4, 1000, 1000, WEIR_CTR_ICMP_PMTU, 960},
		{4, 1000, 1500, WEIR_CTR_ICMP_IGNORED, 1460},
		{4, 1000, 9000, WEIR_CTR_ICMP_IGNORED, 1460},
		{4, 1000, 40, WEIR_CTR_ICMP_PMTU, 28}, /* no lower than 68 */
		{4, 1000, 0, WEIR_CTR_ICMP_PMTU, 966}, /* the plateau below 1,040: 1,006 */
		{4, 1460, 0, WEIR_CTR_ICMP_PMTU, 966}, /* below 1,500 less a header, too */
		{4, 966, 0, WEIR_CTR_ICMP_PMTU, 468},  /* below 1,006 itself: 508 */
		{6, 1000, 1400, WEIR_CTR_ICMP_PMTU, 1340},
		{6, 1000, 1280, WEIR_CTR_ICMP_PMTU, 1220},
		{6, 1000, 1279, WEIR_CTR_ICMP_IGNORED, 1440},
		{6, 1000, 0x10000 + 1300, WEIR_CTR_ICMP_IGNORED, 1440}, /* 32 bits count */
	};
	struct stk *f = *state;
	static uint8_t text[1460];

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		bool v4 = rows[i].family == 4;
		struct weir_tuple t = stk_peer(rows[i].family, 9, 80);
		weir_conn c;
		size_t n;

		stk_start(f);
		c = stk_connect(f, &t);
		stk_in(f, &t,
		       (struct tcp_seg){.seq = {PEER_ISN},
					.ack = seq_add(f->seg.seq, 1),
					.wnd = 60000,
					.flags = TCP_SYN | TCP_ACK,
					.opts = {.has_mss = true, .mss = 9000}});
		stk_drain(f);
		weir_send(f->s, c, text, rows[i].sent, 0, &n, f->now);
		assert_out(f, TCP_ACK | TCP_PSH);
		assert_int_equal(error_about(f, v4 ? 3 : 2, v4 ? 4 : 0, rows[i].mtu),
				 rows[i].verdict);
		assert_int_equal(stk_info(f, c).mss_bytes, rows[i].mss);
	}
}

/* A half-open record ends by a hard error about its very SYN-ACK; a soft one is only noted. */
static void test_half_open(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_usage u;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	stk_syn(f, &t);
	assert_out(f, TCP_SYN | TCP_ACK);
	assert_verdict(error_about(f, 3, 1, 0), ICMP_SOFT);
	f->bytes[27] ^= 1;
	assert_verdict(error_about(f, 3, 3, 0), ICMP_STRAY);
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.halfs, 1);
	f->bytes[27] ^= 1;
	assert_verdict(error_about(f, 3, 3, 0), ICMP_HARD);
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.halfs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_echo),      TEST(test_echo_refused),
		TEST(test_errors),    TEST(test_errors_when_established),
		TEST(test_strays),    TEST(test_path_mtu),
		TEST(test_half_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
