/*
 * Answers that belong to no connection: their fields, the ring's limit, the rate of ICMP errors.
 */
#include "fixture.h"

#include "stack/reply.h"

/* RFC9293-X-01, X-02 */
static void test_reset_of_a_stray(void **state)
{
	static const struct {
		uint8_t flags;
		uint32_t len;
		bool answered;
		uint8_t out;
		uint32_t seq, ack;
	} rows[] = {
		{TCP_ACK, 0, true, TCP_RST, 555, 0},
		{TCP_ACK | TCP_FIN, 10, true, TCP_RST, 555, 0},
		{TCP_SYN | TCP_ACK, 0, true, TCP_RST, 555, 0},
		{TCP_SYN, 0, true, TCP_RST | TCP_ACK, 0, PEER_ISN + 1},
		{TCP_SYN, 10, true, TCP_RST | TCP_ACK, 0, PEER_ISN + 11},
		{TCP_FIN, 10, true, TCP_RST | TCP_ACK, 0, PEER_ISN + 11},
		{0, 10, true, TCP_RST | TCP_ACK, 0, PEER_ISN + 10},
		{TCP_SYN | TCP_FIN, 1, true, TCP_RST | TCP_ACK, 0, PEER_ISN + 3},
		{TCP_RST, 0, false, 0, 0, 0},
		{TCP_RST | TCP_ACK, 0, false, 0, 0, 0},
	};
	struct stk *f = *state;

	stk_start(f);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct weir_tuple t = stk_peer(i & 1 ? 4 : 6, 9, 1000);

		assert_int_equal(stk_in(f, &t,
					(struct tcp_seg){.seq = {PEER_ISN},
							 .ack = {555},
							 .len = rows[i].len,
							 .flags = rows[i].flags}),
				 rows[i].answered ? WEIR_CTR_NO_OWNER : WEIR_CTR_NO_OWNER_RST);
		assert_int_equal(stk_out(f), rows[i].answered);
		if (!rows[i].answered)
			continue;
		assert_int_equal(f->seg.flags, rows[i].out);
		assert_int_equal(f->seg.seq.v, rows[i].seq);
		assert_int_equal(f->seg.ack.v, rows[i].ack);
		assert_int_equal(f->seg.wnd, 0);
		assert_int_equal(f->seg.dst_port, 1000);
	}
}

/* RFC9293-X-02 holds whoever asks. */
static void test_no_reset_for_a_reset(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct tcp_seg rst = {.seq = {PEER_ISN}, .flags = TCP_RST};

	stk_start(f);
	reply_reset_seg(f->s, &t, &rst, 0);
	assert_false(stk_out(f));
}

/* replies_max: the newest is dropped and counted; those that wait go out. */
static void test_ring_full(void **state)
{
	struct stk *f = *state;

	stk_start(f);
	for (uint16_t i = 0; i < 20; i++) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1000 + i));

		assert_verdict(stk_syn(f, &t), NO_OWNER);
	}
	assert_int_equal(counter(f, REPLY_DROPPED), 4);
	for (uint16_t i = 0; i < 16; i++) {
		assert_out(f, TCP_RST | TCP_ACK);
		assert_int_equal(f->seg.dst_port, 1000 + i); /* in their order */
	}
	assert_false(stk_out(f));
	assert_int_equal(counter(f, SENT_RST), 16);
}

/* An RST of a connection carries its numbers, and timestamps when it uses them (RFC7323-22). */
static void test_reset_of_a_connection(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint32_t iss;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	assert_int_equal(weir_abort(f->s, stk_event(f, WEIR_EV_ACCEPTED).conn, f->now), WEIR_OK);
	assert_out(f, TCP_RST | TCP_ACK);
	assert_int_equal(f->seg.seq.v, iss + 1);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 1);
	assert_false(f->seg.opts.has_ts);
}

static size_t udp_packet(uint8_t *bytes, const struct weir_tuple *t, size_t text)
{
	uint8_t ip[40];
	size_t n = stk_ip(ip, &t->remote.addr, &t->local.addr, IP_PROTO_UDP, 8 + text);

	memcpy(bytes, ip, n);
	memset(bytes + n, 0, 8 + text);
	bytes[n] = 3; /* from port 1000 to port 53 */
	bytes[n + 1] = 0xe8;
	bytes[n + 3] = 53;
	bytes[n + 4] = (uint8_t)((8 + text) >> 8);
	bytes[n + 5] = (uint8_t)(8 + text);
	return n + 8 + text;
}

/* RFC4443-03, RFC 1122 4.1.3.1: port unreachable, quoting the packet, so many in a second. */
static void test_icmp_rate(void **state)
{
	struct stk *f = *state;
	uint8_t bytes[600];

	f->cfg.icmp_rate = 3;
	for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
		struct weir_tuple t = stk_peer(family, 9, 1000);
		size_t len = udp_packet(bytes, &t, 4);

		stk_start(f);
		for (unsigned i = 0; i < 10; i++)
			assert_verdict(stk_frame(f, bytes, len), UDP_REFUSED);
		assert_int_equal(stk_drain(f), 3);
		assert_int_equal(f->icmp.type, family == 4 ? 3 : 1);
		assert_int_equal(f->icmp.code, family == 4 ? 3 : 4);
		assert_int_equal(f->icmp.body_len, len);
		assert_memory_equal(f->icmp.body, bytes, len);
		f->now += 999 * NS_PER_MS;
		stk_frame(f, bytes, len);
		assert_int_equal(stk_drain(f), 0);
		f->now += NS_PER_MS;
		stk_frame(f, bytes, len);
		assert_int_equal(stk_drain(f), 1);
		assert_int_equal(counter(f, REPLY_DROPPED), 0);
		len = udp_packet(bytes, &t, 500); /* a long one is quoted in part */
		stk_frame(f, bytes, len);
		assert_true(stk_out(f));
		assert_int_equal(f->icmp.body_len, REPLY_BYTES_MAX);
		assert_memory_equal(f->icmp.body, bytes, REPLY_BYTES_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reset_of_a_stray), TEST(test_no_reset_for_a_reset),
		TEST(test_ring_full),        TEST(test_reset_of_a_connection),
		TEST(test_icmp_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
