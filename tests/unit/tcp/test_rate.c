/* Delivery rate samples (draft-ietf-ccwg-bbr 4.1). */
#include "fixture.h"

#include "tcp/rate.h"

#define MS NS_PER_MS

static struct cc_ack ack(struct fix *f, const struct send_stamp *s, uint32_t delivered)
{
	struct board_news n = {.now = f->now, .newest = true, .at = s->at, .stamp = *s};
	struct cc_ack a = {.now = f->now, .delivered = delivered};

	rate_ack(&f->t.rate, &n, &a);
	return a;
}

static void test_a_steady_stream(void **state)
{
	struct fix *f = *state;
	struct send_stamp s[10];
	struct cc_ack a;

	fix_open(f, NULL);
	/* A segment of 1,000 bytes each millisecond, acknowledged 10 ms later: a megabyte a second.
	 * */
	for (unsigned i = 0; i < 10; i++) {
		rate_stamp(&f->t, i * 1000, 1000, f->now + i * MS, &s[i]);
		assert_int_equal(s[i].pipe, (i + 1) * 1000);
	}
	f->now += 10 * MS;
	a = ack(f, &s[0], 1000);
	assert_true(a.round_start);
	assert_int_equal(a.rate_delivered, 1000);
	assert_int_equal(a.rate_interval_ns, 10 * MS);
	for (unsigned i = 1; i < 10; i++) {
		f->now += MS;
		a = ack(f, &s[i], 1000);
		assert_false(a.round_start);
		assert_int_equal(a.total_delivered, (i + 1) * 1000);
		assert_int_equal(a.rate_delivered, (i + 1) * 1000);
		assert_int_equal(a.rate_interval_ns, (10 + i) * MS);
	}
	rate_stamp(&f->t, 1000, 1000, f->now, &s[0]);
	assert_int_equal(s[0].delivered, 10000);
	f->now += 10 * MS;
	a = ack(f, &s[0], 1000);
	assert_true(a.round_start); /* sent when all of the round before had arrived */
	assert_int_equal(a.prior_delivered, 10000);
}

/* A burst of ACKs does not make a path faster than it was sent into. */
static void test_the_longer_of_both(void **state)
{
	struct fix *f = *state;
	struct send_stamp s[2];
	struct cc_ack a;

	fix_open(f, NULL);
	rate_stamp(&f->t, 0, 1000, f->now, &s[0]);
	rate_stamp(&f->t, 1000, 1000, f->now + 50 * MS, &s[1]);
	assert_int_equal(s[1].span_us, 50000);
	f->now += 60 * MS;
	f->t.rate.delivered_at = s[1].delivered_at = f->now - MS; /* ACKs that came together */
	a = ack(f, &s[1], 2000);
	assert_int_equal(a.rate_interval_ns, 50 * MS);
}

static void test_no_sample(void **state)
{
	struct fix *f = *state;
	struct board_news none = {.now = f->now};
	struct board_news quick;
	struct cc_ack a = {.now = f->now, .delivered = 500};
	struct send_stamp s;

	fix_open(f, NULL);
	rate_ack(&f->t.rate, &none, &a); /* nothing that surely arrived */
	assert_int_equal(a.rate_interval_ns, 0);
	assert_int_equal(f->t.rate.delivered, 500);
	rate_stamp(&f->t, 0, 1000, f->now, &s);
	f->now += 5 * MS;
	quick = (struct board_news){
		.now = f->now, .min_rtt_ns = 6 * MS, .newest = true, .at = s.at, .stamp = s};
	a = (struct cc_ack){.now = f->now, .delivered = 1000};
	rate_ack(&f->t.rate, &quick, &a);
	assert_int_equal(a.rate_interval_ns, 0);
}

/* What is out while the user has nothing more tells of the user. */
static void test_app_limited(void **state)
{
	struct fix *f = *state;
	struct send_stamp before, then;
	struct cc_ack a;

	fix_open(f, NULL);
	fix_send(f, 2 * MSS);
	rate_stamp(&f->t, 0, 1000, f->now, &before);
	fix_drain(f); /* all of it, and the window has room */
	assert_true(f->t.rate.held_back);
	rate_stamp(&f->t, 2000, 1000, f->now, &then);
	f->now += 10 * MS;
	a = ack(f, &before, 1000);
	assert_false(a.rate_app_limited);
	a = ack(f, &then, 1000);
	assert_true(a.rate_app_limited);
	assert_true(f->t.rate.held_back);
	a = ack(f, &then, 1000);
	assert_false(f->t.rate.held_back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_steady_stream),
		TEST(test_the_longer_of_both),
		TEST(test_no_sample),
		TEST(test_app_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
