/*
 * test_accecn.c: Accurate ECN: what flags ask for and tell, what is counted, and what a count means
 * that may have wrapped.
 */
#include "unit/tcp/fixture.h"

#include "tcp/accecn.h"

/*
 * What each combination of flags on a SYN asks for, by setting.
 * neg: RFC9768-03
 */
static void test_asked(void **state)
{
	static const enum accecn_kind classic[8] = {
		[3] = ACCECN_KIND_CLASSIC,
		[7] = ACCECN_KIND_CLASSIC,
	};
	static const enum accecn_kind accurate[8] = {
		ACCECN_KIND_NONE,     ACCECN_KIND_ACCURATE, ACCECN_KIND_ACCURATE,
		ACCECN_KIND_CLASSIC,  ACCECN_KIND_ACCURATE, ACCECN_KIND_ACCURATE,
		ACCECN_KIND_ACCURATE, ACCECN_KIND_ACCURATE,
	};
	struct weir_config cfg = {.handshake_ways = 3};

	(void)state;
	for (cfg.ecn = 0; cfg.ecn <= 4; cfg.ecn++)
		for (unsigned ace = 0; ace < 8; ace++) {
			struct tcp_seg syn = {.flags = TCP_SYN};
			enum accecn_kind want = cfg.ecn >= 3 ? accurate[ace] : classic[ace];

			tcp_set_ace(&syn, ace);
			assert_int_equal(tcp_ace(&syn), ace);
			assert_int_equal(accecn_asked(&cfg, &syn),
					 cfg.ecn ? want : ACCECN_KIND_NONE);
		}
	cfg.ecn = 4;
	cfg.handshake_ways = 2;
	assert_int_equal(accecn_asked(&cfg, &(struct tcp_seg){.flags = TCP_SYN | TCP_ECE}),
			 ACCECN_KIND_NONE);
}

/*
 * What tells of an ECN field; never what is reserved.
 * neg: RFC9768-01
 */
static void test_handshake_ace(void **state)
{
	static const unsigned want[4] = {2, 3, 4, 6};

	(void)state;
	for (unsigned field = 0; field < 4; field++)
		assert_int_equal(accecn_handshake_ace(field), want[field]);
}

static void begin(struct fix *f)
{
	fix_open(f, &(struct tcp_agreed){.mss = 1460, .sack_ok = true});
	f->t.ecn = 0;
	accecn_begin(&f->t, &(struct tcp_agreed){.accurate = true});
	f->t.accecn.capable_out = 15;
	f->t.accecn.heard = 1;
}

/* The counters as they begin. req: RFC9768-06 */
static void test_begin(void **state)
{
	struct fix *f = *state;
	struct tcp_opts o = {0};

	begin(f);
	assert_int_equal(f->t.accecn.cep, 5);
	assert_int_equal(f->t.accecn.told_cep, 5);
	assert_int_equal(f->t.accecn.e0b, 1);
	assert_int_equal(f->t.accecn.e1b, 1);
	assert_int_equal(f->t.accecn.ceb, 0);
	assert_int_equal(f->t.ecn, ECN_ACCURATE);
	accecn_first_option(&o);
	assert_int_equal(tcp_opt_len(&o), 12);
}

struct told_row {
	const char *name;
	unsigned ace;     /* of the ACK; the last was 5 */
	uint32_t packets; /* that it acknowledges, of 1000 bytes */
	int64_t bytes;    /* marked, by the option; -1: without one */
	uint64_t marked;  /* what it comes to */
};

static const struct told_row told_rows[] = {
	{"nothing", 5, 1, -1, 0},
	{"one", 6, 1, -1, 1},
	{"seven", 4, 7, -1, 7},
	{"more than were acknowledged: ACKs of ours", 0, 1, -1, 3},
	{"seven packets cannot wrap", 5, 7, -1, 0},
	{"eight can", 5, 8, -1, 8},
	{"nine, one marked: nine", 6, 9, -1, 9},
	{"nine, two marked: two", 7, 9, -1, 2},
	{"thirty: the most that ends so", 6, 30, -1, 25},
	{"thirty, and no byte was marked", 5, 30, 0, 0},
	{"thirty, and one was", 6, 30, 1000, 1},
	{"thirty, and nine were", 6, 30, 9000, 9},
	{"thirty, and sixteen and a half: what holds them", 5, 30, 16500, 24},
	{"thirty, more bytes than there are: the most", 6, 30, 90000, 25},
};

/*
 * RFC 9768 A.2 and 3.2.2.5.2.
 * neg: RFC9768-06
 */
static void test_told(void **state)
{
	struct fix *f = *state;

	begin(f);
	f->t.snd.mss = 1000;
	f->t.snd.nxt = seq_add(f->t.snd.una, 100000);
	for (size_t i = 0; i < LENGTH(told_rows); i++) {
		const struct told_row *r = &told_rows[i];
		struct tcp_in in = {.env = &f->env, .t = &f->t, .in_window = true};
		uint64_t before = f->env.counters[WEIR_CTR_ECN_TOLD];
		uint32_t ce_bytes = 0;

		print_message("%s\n", r->name);
		f->t.accecn.told_cep = 5;
		f->t.accecn.told_ceb = 0xfffff0;
		f->t.accecn.option_in = 1;
		in.seg.flags = TCP_ACK;
		in.seg.ack = seq_add(f->t.snd.una, r->packets * 1000);
		tcp_set_ace(&in.seg, r->ace);
		if (r->bytes >= 0) {
			in.seg.opts.accecn = TCP_ACCECN_ORDER_1;
			in.seg.opts.accecn_count = 2;
			in.seg.opts.accecn_field[1] = (0xfffff0 + (uint32_t)r->bytes) & 0xffffff;
		}
		assert_int_equal(accecn_told(&in, 0, &ce_bytes), r->marked > 0);
		assert_int_equal(f->env.counters[WEIR_CTR_ECN_TOLD] - before, r->marked);
		assert_int_equal(f->t.accecn.told_cep, r->ace);
		assert_int_equal(ce_bytes, r->bytes > 0 ? (uint64_t)r->bytes : r->marked * 1000);
	}
	f->t.snd.nxt = f->t.snd.una;
}

/*
 * However ACKs and data come marked, never more than seven marks go by without an ACK.
 * neg: RFC9768-08
 */
static void test_marks_are_told(void **state)
{
	struct fix *f = *state;
	uint32_t luck = 12345;

	begin(f);
	for (unsigned i = 0; i < 2000; i++) {
		struct tcp_in in = {.env = &f->env, .t = &f->t, .in_window = true};
		struct tcp_plan ack = {.flags = TCP_ACK};

		luck = luck * 1103515245u + 12345u;
		in.seg.ip_ecn = luck >> 16 & 3;
		in.whole = luck >> 18 & 1 ? 100 : 0;
		accecn_arrived(&in);
		assert_true(f->t.accecn.marks < 3 || f->t.ackgen.now);
		if (!f->t.ackgen.now || luck >> 20 & 1)
			continue;
		accecn_sent(&f->t, &ack);
		f->t.ackgen.now = false;
		assert_int_equal(f->t.accecn.marks, 0);
	}
}

/* No device cuts up what goes out while CWR is set in the count: it would clear it. */
static void test_may_cut(void **state)
{
	struct fix *f = *state;

	begin(f);
	for (unsigned cep = 0; cep < 8; cep++) {
		f->t.accecn.cep = cep & 7;
		assert_int_equal(accecn_may_cut(&f->t),
				 cep != 2 && cep != 3 && cep != 6 && cep != 7);
	}
	f->t.ecn = ECN_ON;
	assert_true(accecn_may_cut(&f->t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_asked), TEST(test_handshake_ace),  TEST(test_begin),
		TEST(test_told),  TEST(test_marks_are_told), TEST(test_may_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
