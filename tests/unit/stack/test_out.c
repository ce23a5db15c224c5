/*
 * Packets out: turns, headers, options' order, checksum offload, super-segments.
 */
#include "fixture.h"

static weir_conn open_one(struct stk *f, const struct weir_tuple *t, uint16_t mss)
{
	stk_in(f, t,
	       (struct tcp_seg){.seq = {PEER_ISN},
				.wnd = 60000,
				.flags = TCP_SYN,
				.opts = {.has_mss = true, .mss = mss}});
	assert_out(f, TCP_SYN | TCP_ACK);
	stk_in(f, t,
	       (struct tcp_seg){.seq = {PEER_ISN + 1},
				.ack = seq_add(f->seg.seq, 1),
				.wnd = 60000,
				.flags = TCP_ACK});
	return stk_event(f, WEIR_EV_ACCEPTED).conn;
}

/* Connections take turns, one packet each: none starves. */
static void test_turns(void **state)
{
	struct stk *f = *state;
	static uint8_t bytes[5000];
	size_t n;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	for (uint16_t i = 0; i < 3; i++) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1000 + i));

		weir_send(f->s, open_one(f, &t, 1000), bytes, 5000, 0, &n, f->now);
	}
	for (unsigned i = 0; i < 15; i++) {
		assert_true(stk_out(f));
		assert_int_equal(f->seg.dst_port, 1000 + i % 3);
		assert_int_equal(f->seg.len, 1000);
	}
	assert_false(stk_out(f));
	assert_int_equal(counter(f, FRAMES_OUT), 18);
	assert_int_equal(counter(f, SENT_DATA), 15);
	assert_int_equal(counter(f, BYTES_OUT), 15000);
}

/* MUST-48, -49, SHLD-21, -22: for data, ACKs and answers. */
static void test_dscp_and_ttl(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000), u = stk_peer(6, 9, 1000);
	weir_conn c;
	size_t n;

	f->cfg.dscp = 46;
	f->cfg.ttl = 7;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = open_one(f, &t, 1000);
	assert_int_equal(f->bytes[1], 46 << 2); /* the SYN-ACK */
	assert_int_equal(f->bytes[8], 7);
	weir_conn_set(f->s, c, WEIR_OPT_DSCP, 10);
	weir_conn_set(f->s, c, WEIR_OPT_TTL, 99);
	weir_send(f->s, c, "x", 1, 0, &n, f->now);
	assert_true(stk_out(f));
	assert_int_equal(f->bytes[1], 10 << 2);
	assert_int_equal(f->bytes[8], 99);
	assert_int_equal(f->bytes[6] & 0x40, 0x40); /* RFC7323-25: don't fragment */
	stk_syn(f, &u);
	assert_true(stk_out(f));
	assert_int_equal(f->bytes[7], 7);
	assert_int_equal(f->ip.tos, 46 << 2);
}

/* The order of the SYN's options, as Linux or BSD has it. */
static void test_option_order(void **state)
{
	static const uint8_t linux_kinds[] = {2, 4, 8, 1, 3}, bsd_kinds[] = {2, 1, 3, 4, 8};
	struct stk *f = *state;

	f->cfg.timestamps = 1;
	for (unsigned bsd = 0; bsd < 2; bsd++) {
		struct weir_tuple t = stk_peer(4, 9, 80);
		const uint8_t *o = f->bytes + 40;

		f->cfg.synopt_bsd = bsd;
		stk_start(f);
		stk_connect(f, &t);
		for (unsigned i = 0; i < 5; i++) {
			assert_int_equal(*o, bsd ? bsd_kinds[i] : linux_kinds[i]);
			o += *o == 1 ? 1 : o[1];
		}
	}
}

/* The link fills the checksum in: the field holds the pseudo-header's sum. */
static void test_checksum_offload(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint16_t field;
	size_t n;

	f->cfg.link_csum_offload = 1;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	weir_send(f->s, open_one(f, &t, 1000), "abc", 3, 0, &n, f->now);
	assert_true(stk_out(f));
	assert_true(f->pkt.flags & WEIR_PACKET_CSUM_PARTIAL);
	assert_int_equal(f->pkt.l4_start, 20);
	assert_int_equal(f->pkt.csum_offset, 16);
	/* what the device does: sum from l4_start on, store the complement */
	field = csum_finish(csum_add(0, f->bytes + 20, f->len - 20));
	memcpy(f->bytes + 36, &field, 2);
	assert_true(csum_good(csum_add(csum_add_pseudo(0, f->ip.src.bytes, f->ip.dst.bytes, 4,
						       (uint32_t)f->ip.len, IP_PROTO_TCP),
				       f->ip.payload, f->ip.len)));
}

/* Payload that is odd in length and lies in several pages: the sum is right (checked by stk_out),
 * and so are the bytes. */
static void test_spans(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	static uint8_t bytes[30000];
	uint32_t at = 0;
	weir_conn c;
	size_t n;

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 13 + i / 256);
	f->cfg.link_mtu = 9041;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = open_one(f, &t, 9001);
	weir_send(f->s, c, bytes, 30000, 0, &n, f->now);
	assert_int_equal(n, 30000);
	for (unsigned i = 0; i < 3; i++) {
		bool more = stk_out(f);

		if (!more) { /* cwnd */
			stk_in(f, &t,
			       (struct tcp_seg){.seq = {PEER_ISN + 1},
						.ack = seq_add(f->seg.seq, f->seg.len),
						.wnd = 60000,
						.flags = TCP_ACK});
			assert_true(stk_out(f));
		}
		assert_int_equal(f->seg.len, 9001);
		assert_true(f->pkt.span_count >= 3);
		assert_memory_equal(f->seg.payload, bytes + at, 9001);
		at += 9001;
	}
}

/* link_gso_max: one packet of many segments; its size with headers fits. */
static void test_super_segment(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000);
	static uint8_t bytes[60000];
	weir_conn c;
	size_t n;

	f->cfg.link_gso_max = 65535;
	f->cfg.initial_cwnd = 1000;
	f->cfg.link_csum_offload = 1;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	c = open_one(f, &t, 14600); /* the link's 1440 hold */
	weir_send(f->s, c, bytes, 60000, 0, &n, f->now);
	assert_true(stk_out(f));
	assert_int_equal(f->pkt.gso_size, 1440);
	assert_int_equal(f->seg.len, 60000); /* and the tail: nothing is behind it */
	assert_memory_equal(f->seg.payload, bytes, 60000);
	assert_false(stk_out(f));
	assert_true(f->pkt.total_len <= 65535);
	assert_true(f->pkt.span_count <= WEIR_SPANS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_turns),        TEST(test_dscp_and_ttl),
		TEST(test_option_order), TEST(test_checksum_offload),
		TEST(test_spans),        TEST(test_super_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
