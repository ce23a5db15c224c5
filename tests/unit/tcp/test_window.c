/*
 * The receive window: its edge never moves left, moves right in worthwhile steps only, and scaling
 * gives away no more than the slack.
 */
#include "fixture.h"

#include "tcp/window.h"

#define SLACK 32768u

/* RFC7323-04, -06 */
static void test_shift(void **state)
{
	static const struct {
		uint32_t rcvbuf;
		uint8_t shift;
	} rows[] = {{1, 0},       {65535, 0},   {65536, 1},         {131071, 1},     {131072, 2},
		    {1048576, 5}, {4190208, 6}, {65535u << 14, 14}, {UINT32_MAX, 14}};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++)
		assert_int_equal(window_shift(rows[i].rcvbuf), rows[i].shift);
}

static void test_shift_offer(void **state)
{
	struct fix *f = *state;

	assert_int_equal(window_shift_offer(&f->cfg, 1048576), 5);
	f->cfg.wscale_min = 8;
	assert_int_equal(window_shift_offer(&f->cfg, 1048576), 8);
	assert_int_equal(window_shift_offer(&f->cfg, 65535u << 10), 10);
	f->cfg.window_scaling = 0;
	assert_int_equal(window_shift_offer(&f->cfg, 1048576), 0);
}

/* RFC7323-03: not scaled. */
static void test_syn(void **state)
{
	(void)state;
	assert_int_equal(window_syn(1000), 1000);
	assert_int_equal(window_syn(65535), 65535);
	assert_int_equal(window_syn(1048576), 65535);
}

static void test_first(void **state)
{
	struct fix *f = *state;

	assert_int_equal(window_first(&f->cfg, 1 << 20, 1460), 65536);
	assert_int_equal(window_first(&f->cfg, 1 << 20, 8960), 89600); /* ten segments */
	assert_int_equal(window_first(&f->cfg, 30000, 8960), 30000);
}

struct field_row {
	uint32_t space, readable; /* given */
	uint32_t wnd;             /* offered before */
	uint32_t seg_max;
	uint8_t shift;
	uint16_t field; /* result */
	uint32_t wnd_after;
};

/* RFC9293-MUST-39, X-12, SHLD-14, RFC7323-07, -08 */
static void test_field(void **state)
{
	static const struct field_row rows[] = {
		{10000, 0, 10000, 1000, 0, 10000, 10000},
		/* steps: one segment, or half the buffer */
		{10000, 0, 9001, 1000, 0, 9001, 9001},
		{10000, 0, 9000, 1000, 0, 10000, 10000},
		{1500, 0, 751, 1000, 0, 751, 751},
		{1500, 0, 750, 1000, 0, 1500, 1500},
		{10000, 4000, 6000, 1000, 0, 6000, 6000},
		{10000, 10000, 0, 1000, 0, 0, 0},
		{10000, 9001, 0, 1000, 0, 0, 0},
		{10000, 9000, 0, 1000, 0, 1000, 1000},
		/* never to the left */
		{10000, 12000, 3000, 1000, 0, 3000, 3000},
		{2000, 0, 9000, 1000, 0, 9000, 9000},
		/* what the field can say */
		{200000, 0, 0, 1000, 0, 65535, 65535},
		/* scaling rounds up over what was offered ... */
		{10000, 0, 10000, 1000, 4, 625, 10000},
		{10000, 0, 10001, 1000, 4, 626, 10016},
		{10000, 0, 10015, 1000, 4, 626, 10016},
		{10000, 5000, 4999, 1000, 4, 313, 5008},
		/* ... and down where the edge may stay behind the step */
		{10003, 0, 5000, 1000, 4, 625, 10000},
		/* crumbs are given only inside the slack */
		{10000, 0, 10000 + SLACK - 17, 1000, 4, 2672, 10000 + SLACK - 16},
		{10000, 0, 10000 + SLACK - 1, 1000, 4, 2672, 10000 + SLACK - 1},
		{10000, 0, 10000 + SLACK + 1, 1000, 4, 2673, 10000 + SLACK + 1},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		const struct field_row *r = &rows[i];
		struct tcb *t = &f->t;

		fix_open(f, NULL);
		t->rcv.space = r->space;
		t->rcv.seg_max = r->seg_max;
		t->rcv.adv = seq_add(t->rcv.nxt, r->wnd);
		t->rcvq.nxt = t->rcvq.q.head + r->readable;
		t->rcv_wscale = r->shift;
		assert_int_equal(window_field(t, &f->env, f->now), r->field);
		assert_int_equal(tcb_rcv_wnd(t), r->wnd_after);
		t->rcvq.nxt = t->rcvq.q.head;
	}
}

/* The user's limit holds whatever the buffer has grown to. */
static void test_rcvbuf_limits(void **state)
{
	struct fix *f = *state;

	f->cfg.rcvbuf = 20000;
	fix_open(f, NULL);
	f->t.rcv.space = 60000;
	f->t.rcv.adv = f->t.rcv.nxt;
	assert_int_equal(window_field(&f->t, &f->env, f->now), 20000);
}

/* Ten thousand segments of one byte cannot push the edge beyond buffer and slack (RFC 7323 2.4). */
static void test_crumbs_are_bounded(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	t->rcv_wscale = 7;
	t->rcv.space = 65536;
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t edge = t->rcv.adv.v;

		t->rcv.nxt = seq_add(t->rcv.nxt, 1);
		t->rcvq.nxt++;
		window_field(t, &f->env, f->now);
		assert_true(seq_geq(t->rcv.adv, seq_make(edge)));
		assert_true((uint32_t)t->rcvq.nxt + tcb_rcv_wnd(t) <= 65536 + SLACK + 128);
		if (tcb_rcv_wnd(t) < 2)
			break;
	}
	assert_true(tcb_rcv_wnd(t) < 2); /* it ends: the window closes */
	t->rcvq.nxt = t->rcvq.q.head;
}

/* The edge stands still while pages are short, but a connection with nothing buffered goes on. */
static void test_page_shortage(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	t->rcv.seg_max = 1000;
	t->rcv.adv = t->rcv.nxt;
	f->env.pages.used = PAGES - PAGES / 8; /* an eighth free: not short yet */
	assert_int_equal(window_field(t, &f->env, f->now), 65535);
	t->rcv.adv = t->rcv.nxt;
	f->env.pages.used++;
	assert_int_equal(window_field(t, &f->env, f->now), 1000);
	t->rcv.adv = t->rcv.nxt;
	t->rcvq.nxt += 1;
	assert_int_equal(window_field(t, &f->env, f->now), 0);
	t->rcvq.nxt -= 1;
	f->env.pages.used = PAGES;
	assert_int_equal(window_field(t, &f->env, f->now), 0);
	f->env.pages.used = 0;
}

/* A window update of its own: a quarter of the buffer, or the peer is about to stall (MUST-39). */
static void test_update_is_worth_it(void **state)
{
	static const struct {
		uint32_t wnd, readable; /* after the read */
		bool update;
	} rows[] = {
		{30000, 10000, false}, /* 40,000 - 10,000 - 30,000: no step at all */
		{0, 39001, false},     /* one byte at a time */
		{0, 39000, true},      /* one segment */
		{20000, 10001, false}, /* a step, but neither */
		{20000, 10000, true},  /* a quarter of the buffer */
		{1999, 37001, true},   /* less than two segments are left to the peer */
		{2000, 37000, false},
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct tcb *t = &f->t;

		fix_open(f, NULL);
		t->ackgen.now = false;
		t->rcv.space = 40000;
		t->rcv.seg_max = 1000;
		t->rcv.adv = seq_add(t->rcv.nxt, rows[i].wnd);
		t->rcvq.nxt = t->rcvq.q.head + rows[i].readable;
		window_consumed(t, &f->env, f->now);
		assert_int_equal(t->ackgen.now, rows[i].update);
		if (rows[i].update)
			assert_verdict(t->ackgen.why, SENT_WINDOW);
		t->rcvq.nxt = t->rcvq.q.head;
	}
}

/* Nothing more can come after the peer's FIN: no update. */
static void test_no_update_after_fin(void **state)
{
	struct fix *f = *state;

	fix_open(f, NULL);
	fix_data(f, RCV, 0, TCP_FIN);
	fix_drain(f);
	assert_int_equal(f->t.state, WEIR_STATE_CLOSE_WAIT);
	f->t.rcv.adv = f->t.rcv.nxt;
	window_consumed(&f->t, &f->env, f->now);
	assert_false(f->t.ackgen.now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shift),
		TEST(test_shift_offer),
		cmocka_unit_test(test_syn),
		TEST(test_first),
		TEST(test_field),
		TEST(test_rcvbuf_limits),
		TEST(test_crumbs_are_bounded),
		TEST(test_page_shortage),
		TEST(test_update_is_worth_it),
		TEST(test_no_update_after_fin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
