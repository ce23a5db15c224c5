/*
 * The receive buffer follows what a round trip brings (core/tcp/drs.c).
 */
#include "fixture.h"

#include "tcp/drs.h"
#include "tcp/rcvq.h"
#include "tcp/window.h"

#define MS NS_PER_MS

static const struct tcp_agreed stamps = {.mss = MSS, .ts_ok = true};

/* `len` bytes in order that echo what we said `age_ms` ago, one of many echoes. */
static void arrive_stamped(struct fix *f, uint32_t len, uint32_t age_ms)
{
	static uint8_t bytes[4 * MSS];
	uint32_t clock = (uint32_t)(f->now / MS) + f->t.ts.offset;

	fix_in(f,
	       (struct tcp_seg){.seq = f->t.rcv.nxt,
				.ack = f->t.snd.una,
				.wnd = 65535,
				.len = len,
				.payload = bytes,
				.flags = TCP_ACK,
				.opts = {.has_ts = true, .ts_val = 1, .ts_ecr = clock - age_ms}});
	user_consume(&f->t, &f->env, len, f->now);
	fix_drain(f);
}

static void test_rtt_by_stamps(void **state)
{
	struct fix *f = *state;
	struct drs *d = &f->t.rcv.drs;

	fix_open(f, &stamps);
	f->t.rtt.srtt_ns = 0;
	arrive_stamped(f, MSS, 80);
	assert_int_equal(d->rtt_us, 80 * 1000);
	arrive_stamped(f, MSS, 80); /* the same echo says nothing new */
	f->now += 8 * MS;
	arrive_stamped(f, MSS, 88);
	assert_int_equal(d->rtt_us, 80 * 1000);
	arrive_stamped(f, MSS, 160);
	assert_int_equal(d->rtt_us, 90 * 1000); /* an eighth of the way */
	arrive_stamped(f, MSS - 1, 10);         /* perhaps it waited for more */
	assert_int_equal(d->rtt_us, 90 * 1000);
	arrive_stamped(f, 2 * MSS, 10);
	assert_int_equal(d->rtt_us, 80 * 1000);
}

/* The handshake has a say in the first, and no round is shorter than the clock's tick. */
static void test_rtt_begins_with_the_handshake(void **state)
{
	struct fix *f = *state;

	fix_open(f, &stamps);
	f->t.rtt.srtt_ns = 16 * MS;
	arrive_stamped(f, MSS, 900);
	assert_int_equal(f->t.rcv.drs.rtt_us, 126500);
	for (unsigned i = 0; i < 200; i++) {
		f->now += MS;
		arrive_stamped(f, MSS, 0);
	}
	assert_in_range(f->t.rcv.drs.rtt_us, 1000, 1010);
}

/* A peer without timestamps: from the moment an edge is offered until bytes reach it. */
static void test_rtt_by_edge(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	struct drs *d = &t->rcv.drs;

	fix_open(f, NULL);
	t->rtt.srtt_ns = 0;
	t->rcv.adv = t->rcv.nxt;                        /* what the SYN offered is used up */
	user_set(t, &f->env, WEIR_OPT_RCVBUF, 3 * MSS); /* it stays */
	window_field(t, &f->env, f->now);
	assert_int_equal(d->mark, RCV + 3 * MSS);
	f->now += 30 * MS;
	fix_data(f, RCV, MSS, 0);
	fix_data(f, RCV + MSS, MSS, 0);
	assert_int_equal(d->rtt_us, 0);
	f->now += 10 * MS;
	fix_data(f, RCV + 2 * MSS, MSS, 0);
	assert_int_equal(d->rtt_us, 40 * 1000);
	user_consume(t, &f->env, 3 * MSS, f->now);
	fix_drain(f);
	assert_int_equal(d->mark, RCV + 6 * MSS);
	f->now += 90 * MS; /* the peer had nothing to send: the least counts */
	fix_data(f, RCV + 3 * MSS, 3 * MSS, 0);
	assert_int_equal(d->rtt_us, 40 * 1000);
	user_consume(t, &f->env, 3 * MSS, f->now);
	fix_drain(f);
	f->now += 25 * MS;
	fix_data(f, RCV + 6 * MSS, 3 * MSS, 0);
	assert_int_equal(d->rtt_us, 25 * 1000);
}

/* Reads of `len` bytes, one a millisecond, for a round of 10 ms. */
static void take_round(struct fix *f, uint32_t len)
{
	for (unsigned i = 0; i < 10; i++) {
		f->now += MS;
		f->t.rcv.drs.came += len / 10;
		drs_taken(&f->t, &f->env, f->now);
	}
}

static void open_with_round(struct fix *f)
{
	fix_open(f, NULL);
	f->t.rtt.srtt_ns = 0;
	f->t.rcv.drs.rtt_us = 10 * 1000;
	f->t.rcv.seg_max = MSS;
	drs_taken(&f->t, &f->env, f->now);
}

static void test_space(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	f->cfg.rcvbuf = 800000;
	open_with_round(f);
	assert_int_equal(t->rcv.space, 65536);
	take_round(f, 10 * MSS); /* what the initial window brings */
	assert_int_equal(t->rcv.space, 65536);
	take_round(f, 20 * MSS); /* it doubled: two rounds ahead, and as much for slow start */
	assert_int_equal(t->rcv.space, 2 * (2 * 20 + 16) * MSS);
	take_round(f, 80 * MSS); /* it did more than double: no more for that */
	assert_int_equal(t->rcv.space, 2 * (2 * 80 + 16) * MSS);
	take_round(f, 80 * MSS);
	take_round(f, 40 * MSS);
	assert_int_equal(t->rcv.space, 2 * (2 * 80 + 16) * MSS);
	take_round(f, 160 * MSS);
	assert_int_equal(t->rcv.space, 672 * MSS);
	take_round(f, 400 * MSS); /* the most that is configured */
	assert_int_equal(t->rcv.space, 800000);
}

/* Growth by a quarter asks for a quarter more than twice. */
static void test_space_in_proportion(void **state)
{
	struct fix *f = *state;

	open_with_round(f);
	f->t.rcv.drs.most = 100 * MSS;
	take_round(f, 125 * MSS);
	assert_int_equal(f->t.rcv.space, (2 * 125 + 16) * MSS * 5 / 4);
	/* A steady flow has two products at least. */
	f->t.rcv.space = 65536;
	take_round(f, 125 * MSS);
	assert_int_equal(f->t.rcv.space, (2 * 125 + 16) * MSS);
}

/* Nothing is decided before the round trip is known, nor before one is over. */
static void test_rounds(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_with_round(f);
	t->rcv.drs.rtt_us = 0;
	take_round(f, 100 * MSS);
	take_round(f, 100 * MSS);
	assert_int_equal(t->rcv.space, 65536);
	t->rcv.drs.rtt_us = 100 * 1000;
	f->now += 79 * MS;
	drs_taken(t, &f->env, f->now);
	assert_int_equal(t->rcv.space, 65536);
	f->now += MS;
	drs_taken(t, &f->env, f->now);
	assert_in_range(t->rcv.space, 800 * MSS, 900 * MSS);
	/* The next begins anew. */
	assert_int_equal(t->rcv.drs.came, 0);
}

/* No more than half of the spare pages; less than an eighth free: what is not needed goes back. */
static void test_pages(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_with_round(f);
	fix_hog(f, KEPT + 64);
	take_round(f, 200 * MSS);
	assert_int_equal(t->rcv.space, 32 * WEIR_PAGE_BYTES);
	fix_hog(f, PAGES / 8);
	t->rcv.space = 600000;
	take_round(f, 400 * MSS); /* needed: it stays */
	assert_int_equal(t->rcv.space, 600000);
	take_round(f, 100 * MSS);
	assert_int_equal(t->rcv.space, 600000); /* an eighth is free: not short yet */
	fix_hog(f, PAGES / 8 - 1);
	take_round(f, 100 * MSS);
	assert_int_equal(t->rcv.space, 216 * MSS);
	take_round(f, 0);
	take_round(f, 0);
	assert_int_equal(t->rcv.space, 65536); /* as at the beginning */
	fix_unhog(f);
	take_round(f, 100 * MSS);
	assert_int_equal(t->rcv.space, 432 * MSS); /* and it can grow again */
}

/* A gap keeps the user from reading for three rounds: what comes in them is not one round's. */
static void test_gap(void **state)
{
	struct fix *f = *state;

	open_with_round(f);
	for (uint32_t i = 1; i <= 30; i++) {
		f->now += MS;
		fix_data(f, RCV + i * MSS, MSS, 0);
	}
	assert_in_range(f->t.rcv.drs.came, MSS, 12 * MSS);
	fix_data(f, RCV, MSS, 0);
	user_consume(&f->t, &f->env, 31 * MSS, f->now);
	assert_int_equal(f->t.rcv.space, 65536);
}

/* ... but each tells what a round brings, and the space follows while the gap lasts; not without
 * SACK, where a duplicate ACK with another window is none (RFC5681-02), and not where the user has
 * set it. */
static void test_space_above_a_gap(void **state)
{
	static const struct {
		bool sack, set;
		bool grows;
	} rows[] = {{true, false, true}, {false, false, false}, {true, true, false}};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		open_with_round(f);
		f->t.sack_ok = rows[i].sack;
		f->t.user.rcvbuf_set = rows[i].set;
		for (uint32_t k = 1; k <= 40; k++) {
			if (k % 2)
				f->now += MS;
			fix_data(f, RCV + k * MSS, MSS, 0);
		}
		assert_int_equal(f->t.rcv.space > 65536, rows[i].grows);
		assert_int_equal(rcvq_readable(&f->t), 0);
		rcvq_clear(&f->t, &f->env);
	}
}

/* What the user has set is neither more nor less, before and after the handshake. */
static void test_users_buffer(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_with_round(f);
	user_set(t, &f->env, WEIR_OPT_RCVBUF, 300000);
	assert_int_equal(t->rcv.space, 300000);
	take_round(f, 200 * MSS);
	take_round(f, 200 * MSS);
	assert_int_equal(t->rcv.space, 300000);
	fix_hog(f, PAGES / 8 - 1); /* not even when pages are short */
	take_round(f, 0);
	take_round(f, 0);
	assert_int_equal(t->rcv.space, 300000);
	user_set(t, &f->env, WEIR_OPT_RCVBUF, 3000);
	assert_int_equal(t->rcv.space, 3000);
	fix_init(f);
	user_set(t, &f->env, WEIR_OPT_RCVBUF, 200000);
	tcb_agree(t, &f->env, &stamps);
	assert_int_equal(t->rcv.space, 200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rtt_by_stamps),
		TEST(test_rtt_begins_with_the_handshake),
		TEST(test_rtt_by_edge),
		TEST(test_space),
		TEST(test_space_in_proportion),
		TEST(test_rounds),
		TEST(test_pages),
		TEST(test_gap),
		TEST(test_space_above_a_gap),
		TEST(test_users_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
