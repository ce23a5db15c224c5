/*
 * Is a segment acceptable, and what is left of it: RFC9293-X-04, -06, PAWS, RST (RFC 5961).
 */
#include "fixture.h"

#define WND 1000u

static struct tcp_in step_in(struct fix *f, struct tcp_seg seg)
{
	return (struct tcp_in){.env = &f->env, .t = &f->t, .seg = seg, .now = f->now};
}

static void open_window(struct fix *f, uint32_t wnd)
{
	fix_open(f, NULL);
	f->t.rcv.adv = seq_add(f->t.rcv.nxt, wnd);
}

/* RFC9293-X-04, -06, -18: given SEG.SEQ - RCV.NXT and SEG.LEN; what is left after trimming. */
static void test_sequence(void **state)
{
	static const struct {
		uint32_t wnd;
		int seq;
		uint32_t len;
		uint8_t flags;
		enum weir_counter verdict;
		bool goes_on;
		int left_seq;
		uint32_t left_len;
		uint8_t left_flags;
	} rows[] = {
		/* no text */
		{WND, 0, 0, 0, WEIR_CTR_ACCEPTED, true, 0, 0, 0},
		{WND, WND - 1, 0, 0, WEIR_CTR_ACCEPTED, true, WND - 1, 0, 0},
		{WND, WND, 0, 0, WEIR_CTR_ACCEPTED, true, WND, 0, 0}, /* the edge itself */
		{WND, WND + 1, 0, 0, WEIR_CTR_OUT_OF_WINDOW, false, 0, 0, 0},
		{WND, -1, 0, 0, WEIR_CTR_OUT_OF_WINDOW, true, 0, 0, 0}, /* a keep-alive's ACK */
		{WND, -2, 0, 0, WEIR_CTR_OUT_OF_WINDOW, false, 0, 0, 0},
		{0, 0, 0, 0, WEIR_CTR_ACCEPTED, true, 0, 0, 0},
		{0, 1, 0, 0, WEIR_CTR_OUT_OF_WINDOW, false, 0, 0, 0},
		/* text */
		{WND, 0, 10, 0, WEIR_CTR_ACCEPTED, true, 0, 10, 0},
		{WND, WND - 1, 1, 0, WEIR_CTR_ACCEPTED, true, WND - 1, 1, 0},
		{WND, WND, 1, 0, WEIR_CTR_OUT_OF_WINDOW, false, 0, 0, 0},
		{WND, -10, 10, 0, WEIR_CTR_DUPLICATE, false, 0, 0, 0},
		{0, 0, 1, 0, WEIR_CTR_OUT_OF_WINDOW, true, 0, 0, 0}, /* MUST-66: its ACK counts */
		{0, 5, 1, 0, WEIR_CTR_OUT_OF_WINDOW, false, 0, 0, 0},
		/* trimmed on the left, on the right, on both sides */
		{WND, -10, 11, 0, WEIR_CTR_ACCEPTED, true, 0, 1, 0},
		{WND, WND - 5, 10, 0, WEIR_CTR_ACCEPTED, true, WND - 5, 5, 0},
		{WND, -10, WND + 20, 0, WEIR_CTR_ACCEPTED, true, 0, WND, 0},
		/* FIN */
		{WND, 0, 0, TCP_FIN, WEIR_CTR_ACCEPTED, true, 0, 0, TCP_FIN},
		{WND, -10, 10, TCP_FIN, WEIR_CTR_ACCEPTED, true, 0, 0, TCP_FIN},
		{WND, WND - 5, 10, TCP_FIN, WEIR_CTR_ACCEPTED, true, WND - 5, 5, 0},
		{WND, WND - 5, 5, TCP_FIN, WEIR_CTR_ACCEPTED, true, WND - 5, 5, TCP_FIN},
		{WND, -1, 0, TCP_FIN, WEIR_CTR_DUPLICATE, true, 0, 0, 0},
	};
	struct fix *f = *state;
	static uint8_t bytes[2 * WND];

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcp_in in;
		enum tcp_step step;

		open_window(f, rows[i].wnd);
		in = step_in(f, (struct tcp_seg){.seq = {RCV + (uint32_t)rows[i].seq},
						 .len = rows[i].len,
						 .payload = bytes,
						 .flags = TCP_ACK | rows[i].flags});
		step = accept_sequence(&in);
		if (in.verdict != rows[i].verdict || (step == TCP_STEP_ON) != rows[i].goes_on)
			fail_msg("row %u: %s, step %d", i, weir_counter_name(in.verdict),
				 (int)step);
		assert_int_equal(f->t.ackgen.now, in.verdict != WEIR_CTR_ACCEPTED);
		if (!rows[i].goes_on)
			continue;
		assert_int_equal(in.seg.seq.v, RCV + (uint32_t)rows[i].left_seq);
		assert_int_equal(in.seg.len, rows[i].left_len);
		assert_int_equal(in.seg.flags, TCP_ACK | rows[i].left_flags);
		if (rows[i].seq < 0 && in.seg.len)
			assert_ptr_equal(in.seg.payload, bytes - rows[i].seq);
	}
}

/* RFC5961-01, -02, -03, MUST-66: also with a closed window. */
static void test_rst(void **state)
{
	static const struct {
		uint32_t wnd;
		int seq;
		enum weir_counter verdict;
		bool ends, answered;
	} rows[] = {
		{WND, 0, WEIR_CTR_RST_ACCEPTED, true, false},
		{0, 0, WEIR_CTR_RST_ACCEPTED, true, false},
		{WND, 1, WEIR_CTR_RST_CHALLENGED, false, true},
		{WND, WND - 1, WEIR_CTR_RST_CHALLENGED, false, true},
		{WND, WND, WEIR_CTR_RST_OUTSIDE, false, false},
		{WND, -1, WEIR_CTR_RST_OUTSIDE, false, false},
		{0, 1, WEIR_CTR_RST_OUTSIDE, false, false},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		open_window(f, rows[i].wnd);
		assert_int_equal(fix_in(f, (struct tcp_seg){.seq = {RCV + (uint32_t)rows[i].seq},
							    .flags = TCP_RST}),
				 rows[i].verdict);
		assert_int_equal(f->t.state,
				 rows[i].ends ? WEIR_STATE_CLOSED : WEIR_STATE_ESTABLISHED);
		assert_int_equal(f->t.reason, rows[i].ends ? WEIR_RESET : WEIR_OK);
		assert_int_equal(f->t.ackgen.now, rows[i].answered);
	}
}

/* MUST-11, SHLD-2: refused if the handshake is not over; payload does not matter. */
static void test_rst_in_syn_received(void **state)
{
	struct fix *f = *state;
	uint8_t text[20] = {0};

	fix_init(f);
	tcb_open_active(&f->t, &f->env, seq_make(ISS), 0, f->now);
	fix_drain(f);
	fix_in(f, (struct tcp_seg){.seq = {IRS}, .wnd = 1000, .flags = TCP_SYN});
	fix_in(f, (struct tcp_seg){.seq = {RCV}, .len = 20, .payload = text, .flags = TCP_RST});
	assert_int_equal(f->t.state, WEIR_STATE_CLOSED);
	assert_int_equal(f->t.reason, WEIR_REFUSED);
}

#define DAYS_NS (86400ull * 1000 * NS_PER_MS)

/* RFC7323-13, -14, -18, -19, -21, -24 */
static void test_paws(void **state)
{
	static const struct {
		bool ts_ok, has_ts;
		uint32_t recent, val;
		uint64_t age_ns;
		uint8_t flags;
		enum weir_counter verdict;
	} rows[] = {
		{true, true, 100, 100, 0, TCP_ACK, WEIR_CTR_ACCEPTED},
		{true, true, 100, 101, 0, TCP_ACK, WEIR_CTR_ACCEPTED},
		{true, true, 100, 99, 0, TCP_ACK, WEIR_CTR_PAWS},
		{true, true, 5, 0xfffffff0u, 0, TCP_ACK, WEIR_CTR_PAWS}, /* modulo 2^32 */
		{true, true, 0xfffffff0u, 5, 0, TCP_ACK, WEIR_CTR_ACCEPTED},
		{true, true, 100, 99, 24 * DAYS_NS, TCP_ACK, WEIR_CTR_PAWS},
		{true, true, 100, 99, 24 * DAYS_NS + NS_PER_S, TCP_ACK, WEIR_CTR_ACCEPTED},
		{true, true, 100, 99, 0, TCP_RST, WEIR_CTR_ACCEPTED},
		{true, true, 100, 99, 0, TCP_SYN, WEIR_CTR_ACCEPTED}, /* challenged later */
		{true, false, 100, 0, 0, TCP_ACK, WEIR_CTR_TS_MISSING},
		{true, false, 100, 0, 0, TCP_RST, WEIR_CTR_ACCEPTED},
		{true, false, 100, 0, 0, TCP_SYN, WEIR_CTR_ACCEPTED},
		{false, true, 100, 99, 0, TCP_ACK, WEIR_CTR_ACCEPTED},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		bool good = rows[i].verdict == WEIR_CTR_ACCEPTED;
		struct tcp_in in;

		fix_open(f, NULL);
		f->t.ts = (struct tsopt){.ok = rows[i].ts_ok,
					 .recent = rows[i].recent,
					 .recent_s = (uint32_t)(f->now / NS_PER_S)};
		in = step_in(f, (struct tcp_seg){
					.seq = {RCV},
					.len = 1,
					.flags = rows[i].flags,
					.opts = {.has_ts = rows[i].has_ts, .ts_val = rows[i].val}});
		in.now += rows[i].age_ns;
		assert_int_equal(accept_paws(&in), good ? TCP_STEP_ON : TCP_STEP_DONE);
		assert_int_equal(in.verdict, rows[i].verdict);
		/* old ones are answered, missing ones are not */
		assert_int_equal(f->t.ackgen.now, rows[i].verdict == WEIR_CTR_PAWS);
	}
}

/* RFC7323-17, -18, -20: newer, and not beyond Last.ACK.sent. */
static void test_ts_recent(void **state)
{
	static const struct {
		int seq; /* SEG.SEQ - Last.ACK.sent */
		uint32_t val;
		bool has_ts, taken;
	} rows[] = {
		{0, 101, true, true},  {-5, 101, true, true}, {0, 100, true, true},
		{1, 101, true, false}, {0, 99, true, false},  {0, 101, false, false},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcp_in in;

		fix_open(f, NULL);
		f->t.ts = (struct tsopt){.ok = true, .recent = 100, .recent_s = 0};
		in = step_in(f, (struct tcp_seg){
					.opts = {.has_ts = rows[i].has_ts, .ts_val = rows[i].val}});
		input_ts_recent(&in, seq_add(f->t.rcv.last_ack, (uint32_t)rows[i].seq));
		assert_int_equal(f->t.ts.recent, rows[i].taken ? rows[i].val : 100);
		assert_int_equal(f->t.ts.recent_s, rows[i].taken ? f->now / NS_PER_S : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sequence), TEST(test_rst),       TEST(test_rst_in_syn_received),
		TEST(test_paws),     TEST(test_ts_recent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
