/*
 * A held SYN is refused as its destination would have refused it.
 */
#include "fixture.h"

static weir_half held(struct stk *f, const struct weir_tuple *t, struct tcp_opts opts)
{
	struct tcp_seg syn = {.seq = {PEER_ISN}, .wnd = 1234, .flags = TCP_SYN, .opts = opts};

	assert_verdict(stk_in(f, t, syn), HALF_HELD);
	return stk_event(f, WEIR_EV_SYN).half;
}

static void assert_gone(struct stk *f, const struct weir_tuple *t)
{
	struct weir_usage u;

	weir_stack_usage(f->s, &u);
	assert_int_equal(u.halfs, 0);
	stk_no_event(f); /* who refuses needs no event */
	assert_false(stk_out(f));
	assert_verdict(stk_syn(f, t), HALF_HELD);
}

/* RFC9293-X-01: <SEQ=0><ACK=ISN+1><CTL=RST,ACK>; RFC7323-22: it echoes the timestamp. */
static void test_rst(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	weir_half h;

	f->cfg.timestamps = 1;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	h = held(f, &t, (struct tcp_opts){.has_ts = true, .ts_val = 77});
	weir_half_user_set(f->s, h, 5);
	assert_int_equal(weir_half_refuse(f->s, h, WEIR_REFUSE_RST, f->now), WEIR_OK);
	assert_out(f, TCP_RST | TCP_ACK);
	assert_int_equal(f->seg.seq.v, 0);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 1);
	assert_int_equal(f->seg.src_port, PORT);
	assert_int_equal(f->seg.dst_port, 1000);
	assert_true(f->seg.opts.has_ts);
	assert_int_equal(f->seg.opts.ts_val, 0);
	assert_int_equal(f->seg.opts.ts_ecr, 77);
	assert_int_equal(counter(f, HALF_REFUSED), 1);
	assert_gone(f, &t);
}

/* RFC 792, RFC 4443 3.1: the quote is a valid IP header, ports and the sequence number. */
static void test_icmp(void **state)
{
	static const struct {
		enum weir_refusal how;
		uint8_t code4, code6;
	} rows[] = {
		{WEIR_REFUSE_UNREACH_HOST, 1, 3},
		{WEIR_REFUSE_UNREACH_NET, 0, 0},
		{WEIR_REFUSE_UNREACH_ADMIN, 13, 1},
	};
	struct stk *f = *state;

	for (unsigned i = 0; i < 2 * LENGTH(rows); i++) {
		bool v6 = i & 1;
		struct weir_tuple t = stk_peer(v6 ? 6 : 4, 9, 1000);
		struct ip_packet quoted;
		struct tcp_seg syn;
		weir_half h;

		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_HELD, 0);
		h = held(f, &t, (struct tcp_opts){0});
		assert_int_equal(weir_half_refuse(f->s, h, rows[i / 2].how, f->now), WEIR_OK);
		assert_true(stk_out(f));
		assert_int_equal(f->ip.proto, v6 ? IP_PROTO_ICMP6 : IP_PROTO_ICMP);
		assert_memory_equal(&f->ip.src, &t.local.addr, sizeof(t.local.addr));
		assert_memory_equal(&f->ip.dst, &t.remote.addr, sizeof(t.remote.addr));
		assert_int_equal(f->icmp.type, v6 ? 1 : 3);
		assert_int_equal(f->icmp.code, v6 ? rows[i / 2].code6 : rows[i / 2].code4);
		/* the quote passes for a whole packet: lengths and the header's checksum */
		assert_int_equal(ip_in(&quoted, f->icmp.body, f->icmp.body_len), WEIR_CTR_ACCEPTED);
		assert_memory_equal(&quoted.src, &t.remote.addr, sizeof(quoted.src));
		assert_memory_equal(&quoted.dst, &t.local.addr, sizeof(quoted.dst));
		assert_int_equal(quoted.proto, IP_PROTO_TCP);
		assert_int_equal(tcp_parse(&syn, quoted.payload, quoted.len), 0);
		assert_int_equal(syn.src_port, 1000);
		assert_int_equal(syn.dst_port, PORT);
		assert_int_equal(syn.seq.v, PEER_ISN);
		assert_int_equal(syn.flags, TCP_SYN);
		assert_int_equal(syn.wnd, 1234);
		assert_gone(f, &t);
	}
}

static void test_drop(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);

	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_HELD, 0);
	assert_int_equal(
		weir_half_refuse(f->s, held(f, &t, (struct tcp_opts){0}), WEIR_REFUSE_DROP, f->now),
		WEIR_OK);
	assert_gone(f, &t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_rst), TEST(test_icmp), TEST(test_drop)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
