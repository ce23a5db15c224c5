/*
 * A plan becomes a header: options, SACK blocks, the urgent pointer, window and ACK fields.
 */
#include "fixture.h"

#include "tcp/rcvq.h"

static struct tcp_seg emit(struct fix *f, struct tcp_plan *p)
{
	struct tcp_seg seg;

	tcp_emit_segment(&f->env, &f->t, p, f->now, &seg);
	return seg;
}

static struct tcp_seg emit_ack(struct fix *f)
{
	struct tcp_plan p = {.seq = f->t.snd.nxt, .flags = TCP_ACK, .why = WEIR_CTR_SENT_ACK};

	return emit(f, &p);
}

/* RFC7323-01, -06, -10, RFC2018-01, RFC9293-MUST-14, RFC6691-01: what a SYN offers. */
static void test_syn(void **state)
{
	struct fix *f = *state;
	struct tcp_plan p = {.seq = {ISS}, .flags = TCP_SYN};
	struct tcp_seg s;

	fix_init(f);
	tcb_open_active(&f->t, &f->env, seq_make(ISS), 4711, f->now);
	s = emit(f, &p);
	assert_int_equal(s.flags, TCP_SYN);
	assert_int_equal(s.ack.v, 0);
	assert_true(s.opts.has_mss && s.opts.has_wscale && s.opts.sack_permitted && s.opts.has_ts);
	assert_int_equal(s.opts.mss, MSS);
	assert_int_equal(s.opts.wscale, 5); /* of a buffer of 1 MiB */
	assert_int_equal(s.opts.ts_val, 1000 + 4711);
	assert_int_equal(s.opts.ts_ecr, 0); /* RFC7323-12 */
	assert_int_equal(s.wnd, 65535);     /* RFC7323-03: never scaled */
	f->cfg.mss = 900;
	assert_int_equal(emit(f, &p).opts.mss, 900);
	f->cfg.mss = MSS + 1; /* no more than the link takes: MUST-67 */
	assert_int_equal(emit(f, &p).opts.mss, MSS);
	f->cfg.timestamps = f->cfg.window_scaling = f->cfg.sack = 0;
	s = emit(f, &p);
	assert_true(s.opts.has_mss); /* MAY-3 */
	assert_false(s.opts.has_wscale || s.opts.sack_permitted || s.opts.has_ts);
}

/* RFC7323-01, -02, -10, RFC2018-01: a SYN-ACK has only what the SYN had. */
static void test_synack_options(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		struct tcp_agreed agreed = {.rcv_wscale = 9,
					    .wscale_ok = bits & 1,
					    .ts_ok = bits & 2,
					    .sack_ok = bits & 4};
		struct tcp_opts o;

		tcp_synack_options(&o, &agreed, 1460, 11, 22);
		assert_true(o.has_mss);
		assert_int_equal(o.mss, 1460);
		assert_int_equal(o.has_wscale, agreed.wscale_ok);
		assert_int_equal(o.has_ts, agreed.ts_ok);
		assert_int_equal(o.sack_permitted, agreed.sack_ok);
		assert_int_equal(o.wscale, 9);
		assert_int_equal(o.ts_val, 11);
		assert_int_equal(o.ts_ecr, 22);
	}
}

/* RFC7323-11, -12, -23, -26: on every segment, one tick a millisecond, offset for this pair. */
static void test_timestamps(void **state)
{
	static const struct tcp_agreed ts = {.mss = MSS, .ts_ok = true};
	struct fix *f = *state;
	struct tcp_seg s;

	fix_open(f, &ts);
	f->t.ts.offset = 0xffffff00u;
	f->t.ts.recent = 77;
	s = emit_ack(f);
	assert_true(s.opts.has_ts);
	assert_int_equal(s.opts.ts_val, 0xffffff00u + 1000);
	assert_int_equal(s.opts.ts_ecr, 77);
	f->now += 999999;
	assert_int_equal(emit_ack(f).opts.ts_val, 0xffffff00u + 1000);
	f->now += 1;
	assert_int_equal(emit_ack(f).opts.ts_val, 0xffffff00u + 1001);
	/* MUST-65, RFC7323-01: what belongs to SYNs is on no other segment */
	assert_false(s.opts.has_mss || s.opts.has_wscale || s.opts.sack_permitted);
	fix_open(f, NULL);
	assert_false(emit_ack(f).opts.has_ts);
}

/* RFC9293-X-17: the ACK field is RCV.NXT. */
static void test_ack_field(void **state)
{
	struct fix *f = *state;
	struct tcp_seg s;

	fix_open(f, NULL);
	fix_data(f, RCV, 123, 0);
	s = emit_ack(f);
	assert_int_equal(s.ack.v, RCV + 123);
	assert_int_equal(s.seq.v, SND);
}

/* RFC7323-05: out of a window of 40,000 comes a field of 40,000 >> 3. */
static void test_window_is_scaled(void **state)
{
	static const struct tcp_agreed agreed = {.mss = MSS, .wscale_ok = true, .rcv_wscale = 3};
	struct fix *f = *state;

	fix_open(f, &agreed);
	f->t.rcv.space = 40000;
	f->t.rcv.adv = f->t.rcv.nxt;
	assert_int_equal(emit_ack(f).wnd, 5000);
	assert_int_equal(tcb_rcv_wnd(&f->t), 40000);
}

/* Puts ten bytes every hundred above a gap, in the order given. */
static void punch(struct fix *f, const unsigned *order, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fix_data(f, RCV + 100 * order[i], 10, 0);
}

/* RFC2018-03, -04, -05: the newest block first, three with timestamps and four without. */
static void test_sack_blocks(void **state)
{
	static const unsigned order[] = {1, 5, 3, 2, 4};
	static const struct {
		struct tcp_agreed agreed;
		unsigned blocks;
	} rows[] = {
		{{.mss = MSS, .sack_ok = true, .ts_ok = true}, 3},
		{{.mss = MSS, .sack_ok = true}, 4},
		{{.mss = MSS, .ts_ok = true}, 0}, /* RFC2018-02: not permitted */
	};
	struct fix *f = *state;

	for (unsigned r = 0; r < LENGTH(rows); r++) {
		struct tcp_agreed a = rows[r].agreed;
		struct tcp_seg s;

		a.ts_ok = false; /* their segments carry none here */
		fix_open(f, &a);
		punch(f, order, LENGTH(order));
		f->t.ts.ok = rows[r].agreed.ts_ok;
		s = emit_ack(f);
		assert_int_equal(s.opts.sack_count, rows[r].blocks);
		for (unsigned i = 0; i < s.opts.sack_count; i++) {
			unsigned at = 100 * order[LENGTH(order) - 1 - i];

			assert_int_equal(s.opts.sack[i].lo.v, RCV + at);
			assert_int_equal(s.opts.sack[i].hi.v, RCV + at + 10);
		}
		assert_true(TCP_HDR_LEN + tcp_opt_len(&s.opts) <= TCP_HDR_MAX);
		tcb_flush(&f->t, &f->env);
	}
}

/* RFC2018-04: a block that grows comes to the front; what is in order is no block any more. */
static void test_sack_blocks_change(void **state)
{
	static const struct tcp_agreed sack = {.mss = MSS, .sack_ok = true};
	static const unsigned order[] = {1, 3};
	struct fix *f = *state;
	struct tcp_seg s;

	fix_open(f, &sack);
	punch(f, order, 2);
	fix_data(f, RCV + 110, 5, 0);
	s = emit_ack(f);
	assert_int_equal(s.opts.sack_count, 2);
	assert_int_equal(s.opts.sack[0].lo.v, RCV + 100);
	assert_int_equal(s.opts.sack[0].hi.v, RCV + 115);
	fix_data(f, RCV, 100, 0);
	s = emit_ack(f);
	assert_int_equal(s.ack.v, RCV + 115);
	assert_int_equal(s.opts.sack_count, 1);
	fix_data(f, RCV + 115, 185, 0);
	assert_int_equal(emit_ack(f).opts.sack_count, 0);
}

/* RFC6691-02, RFC9293-MUST-16: blocks take room from the payload. */
static void test_sack_shortens_data(void **state)
{
	static const struct tcp_agreed sack = {.mss = MSS, .sack_ok = true};
	static const unsigned order[] = {1, 3};
	struct fix *f = *state;
	struct tcp_plan p = {.seq = {SND},
			     .len = 5 * MSS,
			     .gso_size = MSS,
			     .flags = TCP_ACK | TCP_PSH | TCP_FIN};
	struct tcp_seg s;

	fix_open(f, &sack);
	punch(f, order, 2);
	s = emit(f, &p);
	assert_int_equal(p.len, MSS - 20); /* NOP, NOP and two blocks */
	assert_int_equal(s.len, MSS - 20);
	assert_int_equal(s.gso_size, 0);
	assert_int_equal(s.flags, TCP_ACK); /* neither the end nor the FIN is in it */
	p = (struct tcp_plan){.seq = {SND}, .len = 100, .flags = TCP_ACK | TCP_PSH};
	s = emit(f, &p);
	assert_int_equal(s.len, 100);
	assert_int_equal(s.flags, TCP_ACK | TCP_PSH);
}

/* MUST-30, -62, RFC7323-28 */
static void test_urgent(void **state)
{
	static const struct {
		uint32_t seq, up;
		bool urg;
		uint16_t field;
	} rows[] = {
		{SND, SND + 1, true, 1},
		{SND, SND + 65534, true, 65534},
		{SND, SND + 65535, true, 65535},
		{SND, SND + 200000, true, 65535},
		{SND + 10, SND + 11, true, 1},
		{SND + 11, SND + 11, false, 0}, /* all of it was before */
		{SND + 12, SND + 11, false, 0},
	};
	struct fix *f = *state;

	fix_open(f, NULL);
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcp_plan p = {.seq = {rows[i].seq}, .flags = TCP_ACK};
		struct tcp_seg s;

		f->t.snd.up_set = true;
		f->t.snd.up = seq_make(rows[i].up);
		s = emit(f, &p);
		assert_int_equal(!!(s.flags & TCP_URG), rows[i].urg);
		assert_int_equal(s.urgent, rows[i].field);
	}
	f->t.snd.up_set = false;
	assert_int_equal(emit_ack(f).flags, TCP_ACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_syn),
		cmocka_unit_test(test_synack_options),
		TEST(test_timestamps),
		TEST(test_ack_field),
		TEST(test_window_is_scaled),
		TEST(test_sack_blocks),
		TEST(test_sack_blocks_change),
		TEST(test_sack_shortens_data),
		TEST(test_urgent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
