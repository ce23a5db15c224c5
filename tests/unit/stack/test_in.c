/*
 * Frames: each gets one verdict, which is counted; super-segments; checksums; who owns what.
 */
#include "fixture.h"

/* Flips a bit anywhere in a segment: nothing but a drop, a count and silence (MUST-3). */
static void test_every_bit_is_covered(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint8_t bytes[200];
	size_t len;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	len = stk_packet(bytes, &t,
			 (struct tcp_seg){.seq = {PEER_ISN},
					  .flags = TCP_SYN,
					  .opts.has_mss = true,
					  .opts.mss = 1000});
	for (size_t bit = 20 * 8; bit < len * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_verdict(stk_frame(f, bytes, len), TCP_CHECKSUM);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_false(stk_out(f));
	assert_int_equal(counter(f, TCP_CHECKSUM), (len - 20) * 8);
	assert_int_equal(counter(f, FRAMES_IN), (len - 20) * 8);
	assert_verdict(stk_frame(f, bytes, len), ACCEPTED);
}

/* The device vouches for the checksum: it is not looked at. */
static void test_checksum_by_the_device(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_frame frame;
	uint8_t bytes[200];

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	frame = (struct weir_frame){.bytes = bytes, .flags = WEIR_FRAME_CSUM_OK};
	frame.len = stk_packet(bytes, &t, (struct tcp_seg){.seq = {PEER_ISN}, .flags = TCP_SYN});
	bytes[20 + TCP_CSUM_OFFSET] ^= 0x55;
	assert_verdict(weir_input(f->s, &frame, f->now), ACCEPTED);
}

/* RFC9293-MUST-57, -63, RFC1122-04: groups and sources that cannot be. */
static void test_addresses(void **state)
{
	static const struct {
		struct weir_addr src, dst;
		enum weir_counter verdict;
	} rows[] = {
		{{4, {10, 0, 0, 9}}, {4, {10, 0, 0, 1}}, WEIR_CTR_ACCEPTED},
		{{4, {10, 0, 0, 9}}, {4, {10, 0, 0, 255}}, WEIR_CTR_IP_GROUP},
		{{4, {10, 0, 0, 9}}, {4, {255, 255, 255, 255}}, WEIR_CTR_IP_GROUP},
		{{4, {10, 0, 0, 9}}, {4, {224, 0, 0, 1}}, WEIR_CTR_IP_GROUP},
		{{4, {10, 0, 0, 255}}, {4, {10, 0, 0, 1}}, WEIR_CTR_IP_BAD_SOURCE},
		{{4, {224, 0, 0, 1}}, {4, {10, 0, 0, 1}}, WEIR_CTR_IP_BAD_SOURCE},
		{{4, {0, 0, 0, 0}}, {4, {10, 0, 0, 1}}, WEIR_CTR_IP_BAD_SOURCE},
		{{6, {0xfd, [15] = 9}}, {6, {0xff, 2, [15] = 1}}, WEIR_CTR_IP_GROUP},
		{{6, {0xff, 2, [15] = 1}}, {6, {0xfd, [15] = 1}}, WEIR_CTR_IP_BAD_SOURCE},
		{{6, {0}}, {6, {0xfd, [15] = 1}}, WEIR_CTR_IP_BAD_SOURCE},
	};
	struct stk *f = *state;

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0); /* on any address: even it takes no groups */
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct weir_tuple t = {.local = {.addr = rows[i].dst, .port = PORT},
				       .remote = {.addr = rows[i].src, .port = 1000}};

		assert_int_equal(stk_syn(f, &t), rows[i].verdict);
		assert_int_equal(stk_out(f), rows[i].verdict == WEIR_CTR_ACCEPTED);
	}
}

static void test_what_is_not_tcp(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	uint8_t bytes[200] = {0};
	size_t n;

	stk_start(f);
	n = stk_ip(bytes, &t.remote.addr, &t.local.addr, 132, 10);
	assert_verdict(stk_frame(f, bytes, n + 10), IP_PROTOCOL);
	n = stk_ip(bytes, &t.remote.addr, &t.local.addr, IP_PROTO_ICMP6, 10); /* of IPv6 only */
	assert_verdict(stk_frame(f, bytes, n + 10), IP_PROTOCOL);
	n = stk_ip(bytes, &t.remote.addr, &t.local.addr, IP_PROTO_UDP, 3);
	assert_verdict(stk_frame(f, bytes, n + 3), IP_PROTOCOL);
	t.local.addr.bytes[3] = 77;
	n = stk_ip(bytes, &t.remote.addr, &t.local.addr, 132, 10);
	assert_verdict(stk_frame(f, bytes, n + 10), IP_NOT_OURS);
	assert_verdict(stk_frame(f, bytes, 0), IP_MALFORMED);
	assert_false(stk_out(f));
}

/* RFC9293-MUST-7, X-16: a header that cannot be. */
static void test_malformed_header(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_frame frame = {.flags = WEIR_FRAME_CSUM_OK};
	uint8_t bytes[200];

	stk_start(f);
	frame.bytes = bytes;
	frame.len = stk_packet(bytes, &t, (struct tcp_seg){.flags = TCP_SYN});
	for (unsigned words = 0; words < 16; words++) {
		bytes[20 + 12] = (uint8_t)(words << 4);
		assert_int_equal(weir_input(f->s, &frame, f->now),
				 words == 5 ? WEIR_CTR_NO_OWNER : WEIR_CTR_TCP_MALFORMED);
	}
}

/*
 * An answer for an unknown header, none when it went to a group.
 * neg: RFC8200-04 RFC4443-03
 */
static void test_ip6_parameter_problem(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000);
	uint8_t bytes[200] = {0};
	size_t n;

	stk_start(f);
	n = stk_ip(bytes, &t.remote.addr, &t.local.addr, 253, 20) + 20;
	assert_verdict(stk_frame(f, bytes, n), IP6_HEADER);
	assert_true(stk_out(f));
	assert_int_equal(f->icmp.type, 4);
	assert_int_equal(f->icmp.code, 1);
	assert_int_equal(f->icmp.rest, 6); /* the next-header field */
	assert_memory_equal(f->icmp.body, bytes, n);
	t.local.addr = (struct weir_addr){6, {0xff, 2, [15] = 1}};
	n = stk_ip(bytes, &t.remote.addr, &t.local.addr, 253, 20) + 20;
	assert_verdict(stk_frame(f, bytes, n), IP6_HEADER);
	assert_false(stk_out(f));
}

/* A SYN behind a header of destination options; the checksum covers `more` bytes than it should. */
static size_t syn_behind_options(uint8_t *out, const struct weir_tuple *t, uint32_t more)
{
	static const uint8_t options[8] = {IP_PROTO_TCP, 0, 1, 4};
	uint8_t plain[200];
	size_t len = stk_packet(plain, t, (struct tcp_seg){.flags = TCP_SYN});
	size_t tcp = len - IP6_HDR_LEN;
	uint16_t field = 0;
	uint64_t sum;

	stk_ip(out, &t->remote.addr, &t->local.addr, 60, tcp + sizeof(options));
	memcpy(out + IP6_HDR_LEN, options, sizeof(options));
	out += IP6_HDR_LEN + sizeof(options);
	memcpy(out, plain + IP6_HDR_LEN, tcp);
	memcpy(out + TCP_CSUM_OFFSET, &field, 2);
	sum = csum_add_pseudo(0, t->remote.addr.bytes, t->local.addr.bytes, 16,
			      (uint32_t)tcp + more, IP_PROTO_TCP);
	field = csum_finish(csum_add(sum, out, tcp));
	memcpy(out + TCP_CSUM_OFFSET, &field, 2);
	return len + sizeof(options);
}

/*
 * Behind extension headers the checksum covers next header 6 and the segment's own length, not that
 * of the headers.
 * neg: RFC8200-01 RFC8200-04
 */
static void test_ip6_checksum_behind_headers(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000);
	uint8_t bytes[200] = {0};
	size_t n;

	stk_start(f);
	n = syn_behind_options(bytes, &t, 0);
	assert_verdict(stk_frame(f, bytes, n), NO_OWNER);
	assert_true(stk_out(f));
	assert_int_equal(f->seg.flags, TCP_RST | TCP_ACK);
	n = syn_behind_options(bytes, &t, 8);
	assert_verdict(stk_frame(f, bytes, n), TCP_CHECKSUM);
	assert_false(stk_out(f));
}

/* A super-segment of 20,000 bytes is taken whole; its pieces count for the ACK. */
static void test_super_segment(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_frame frame = {.gso_size = 1460};
	static uint8_t bytes[21000];
	struct weir_info info;
	weir_conn c;
	uint32_t iss;

	f->cfg.quickacks = 0;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	iss = stk_handshake(f, &t);
	c = stk_event(f, WEIR_EV_ACCEPTED).conn;
	frame.bytes = bytes;
	frame.len = stk_packet(bytes, &t,
			       (struct tcp_seg){.seq = {PEER_ISN + 1},
						.ack = {iss + 1},
						.wnd = 60000,
						.len = 20000,
						.flags = TCP_ACK});
	assert_verdict(weir_input(f->s, &frame, f->now), ACCEPTED);
	assert_out(f, TCP_ACK);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 20001);
	info = stk_info(f, c);
	assert_int_equal(info.rcvq_bytes, 20000);
	assert_int_equal(info.bytes_received, 20000);
	assert_int_equal(info.segs_in, 2);
	assert_false(stk_out(f));
}

/* The trace: one record for each frame, with the verdict that was returned. */
struct seen {
	unsigned in, out, states;
	enum weir_counter last;
};

static void note(void *user, const struct weir_trace_record *r)
{
	struct seen *s = user;

	s->in += r->kind == WEIR_TRACE_IN;
	s->out += r->kind == WEIR_TRACE_OUT;
	s->states += r->kind == WEIR_TRACE_STATE;
	s->last = r->verdict;
}

static void test_trace(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct seen seen = {0};
	uint8_t junk[10] = {0};

	f->cfg.trace = note;
	f->cfg.trace_user = &seen;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
	assert_verdict(stk_frame(f, junk, sizeof(junk)), IP_MALFORMED);
	assert_verdict(seen.last, IP_MALFORMED);
	assert_verdict(stk_syn(f, &t), ACCEPTED);
	assert_verdict(seen.last, ACCEPTED);
	assert_int_equal(seen.in, 2);
	assert_out(f, TCP_SYN | TCP_ACK);
	assert_verdict(seen.last, SENT_SYNACK);
	assert_int_equal(seen.out, 1);
	f->cfg.half_retries = 0;
	f->now += 600000 * NS_PER_MS;
	while (stk_out(f))
		f->now += 600000 * NS_PER_MS;
	assert_int_equal(seen.states, 1);
	assert_verdict(seen.last, HALF_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_bit_is_covered),
		TEST(test_checksum_by_the_device),
		TEST(test_addresses),
		TEST(test_what_is_not_tcp),
		TEST(test_malformed_header),
		TEST(test_ip6_parameter_problem),
		TEST(test_ip6_checksum_behind_headers),
		TEST(test_super_segment),
		TEST(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
