/*
 * The size of segments on a path (core/tcp/mtup.c), without a wire: RFC 4821, 5927, 1191.
 */
#include "fixture.h"

#include "tcp/mtup.h"
#include "tcp/recovery.h"

#define MS   NS_PER_MS
#define LOTS 1000000u

static void open_searching(struct fix *f)
{
	f->cfg.mtu_probing = 2;
	f->cfg.mtu_base = 500;
	fix_open(f, NULL);
	f->t.cc.cwnd = 10 * f->t.snd.mss;
	f->t.rtt.srtt_ns = 20 * MS;
}

static uint32_t probe_len(struct fix *f)
{
	return mtup_probe_len(&f->t, &f->env, LOTS, LOTS, f->now);
}

/* A segment of `len` bytes leaves. */
static void leave(struct fix *f, uint32_t len, enum weir_counter why)
{
	struct tcp_plan p = {.seq = f->t.snd.nxt, .len = len, .why = why};

	mtup_sent(&f->t, &p);
	f->t.snd.nxt = seq_add(f->t.snd.nxt, len);
}

static void arrive(struct fix *f)
{
	f->t.snd.una = f->t.snd.nxt;
	mtup_acked(&f->t, &f->env, f->now);
}

/* RFC4821-01: from the base; the largest first, then half way, until it is not worth it. */
static void test_search(void **state)
{
	static const struct {
		uint32_t size;
		bool passes;
	} steps[] = {{1000, false}, {750, true},  {875, false}, {812, true},
		     {843, true},   {859, false}, {851, true},  {0, false}};
	struct fix *f = *state;

	open_searching(f);
	assert_int_equal(f->t.path_mss, 500);
	for (unsigned i = 0; steps[i].size; i++) {
		uint16_t before = f->t.path_mss;

		assert_int_equal(probe_len(f), steps[i].size);
		leave(f, steps[i].size, WEIR_CTR_PROBE_MTU);
		assert_int_equal(probe_len(f), 0); /* one is out */
		if (!steps[i].passes)
			assert_true(mtup_lost(&f->t, f->t.snd.nxt, MTUP_LOST_ALONE));
		arrive(f);
		assert_int_equal(f->t.path_mss, steps[i].passes ? steps[i].size : before);
		assert_int_equal(f->t.snd.mss, f->t.path_mss);
		f->now += 10000 * MS;
	}
	assert_int_equal(probe_len(f), 0);
	/* RFC4821-08 */
	f->now += 580000 * MS;
	assert_int_equal(probe_len(f), 0);
	f->now += 10000 * MS;
	assert_int_equal(probe_len(f), 1000);
	f->t.snd.una = f->t.snd.nxt = seq_make(SND);
}

/* RFC4821-02: what has to be so for a probe to go. */
static void test_conditions(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	uint32_t need = MSS + 3 * 500;

	open_searching(f);
	assert_int_equal(mtup_probe_len(t, &f->env, need, MSS, f->now), MSS);
	assert_int_equal(mtup_probe_len(t, &f->env, need - 1, MSS, f->now), 0);
	assert_int_equal(mtup_probe_len(t, &f->env, need, MSS - 1, f->now), 0);
	t->rec.phase = RECOVERY_FAST;
	assert_int_equal(probe_len(f), 0);
	t->rec.phase = RECOVERY_OPEN;
	t->rec.dupacks = 1;
	assert_int_equal(probe_len(f), 0);
	t->rec.dupacks = 0;
	t->board.sacked = 1;
	assert_int_equal(probe_len(f), 0);
	t->board.sacked = 0;
	t->retries = 1;
	assert_int_equal(probe_len(f), 0);
	t->retries = 0;
	t->peer_mss = 500; /* there is nothing to find */
	assert_int_equal(probe_len(f), 0);
	t->peer_mss = MSS;
	f->cfg.mtu_probing = 1;
	assert_int_equal(probe_len(f), 0);
	f->cfg.mtu_probing = 2;
	assert_int_equal(probe_len(f), MSS);
}

/* RFC4821-05: cwnd round trips after a failure, five times that after a timeout. */
static void test_back_off(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_searching(f);
	leave(f, MSS, WEIR_CTR_PROBE_MTU);
	assert_true(mtup_lost(t, t->snd.nxt, MTUP_LOST_ALONE));
	f->now += 100000 * MS;
	assert_int_equal(probe_len(f), 0); /* the round trips begin with an ACK */
	arrive(f);
	f->now += 199 * MS;
	assert_int_equal(probe_len(f), 0);
	f->now += MS;
	assert_int_equal(probe_len(f), 750);
	leave(f, 750, WEIR_CTR_PROBE_MTU);
	mtup_timeout(t, &f->env, f->now);
	arrive(f);
	assert_int_equal(t->path_mss, 500); /* what went again proves nothing */
	f->now += 999 * MS;
	assert_int_equal(probe_len(f), 0);
	f->now += MS;
	assert_int_equal(probe_len(f), 750); /* and nothing against it */
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* RFC4821-04: alone; among others it is congestion, and its ACK, when it went again, no proof. */
static void test_lost(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_searching(f);
	assert_false(mtup_lost(t, t->snd.nxt, MTUP_LOST_ALONE)); /* no probe is out */
	leave(f, MSS, WEIR_CTR_PROBE_MTU);
	leave(f, 500, WEIR_CTR_SENT_DATA);
	assert_false(mtup_lost(t, t->snd.nxt, MTUP_LOST_ALONE)); /* another one is lost */
	arrive(f);
	assert_int_equal(t->path_mss, 500);
	f->now += 10000 * MS;
	assert_int_equal(probe_len(f), MSS);
	leave(f, MSS, WEIR_CTR_PROBE_MTU);
	assert_false(mtup_lost(t, t->snd.nxt, MTUP_LOST_AMONG));
	arrive(f);
	assert_int_equal(t->path_mss, 500);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* RFC4821-07: in bytes as before when it is raised, in segments when it is lowered. */
static void test_cwnd(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	open_searching(f);
	t->cc.cwnd = 7777;
	leave(f, MSS, WEIR_CTR_PROBE_MTU);
	arrive(f);
	assert_int_equal(t->path_mss, MSS);
	assert_int_equal(t->cc.cwnd, 7777);
	t->mtup.proven = 0;
	leave(f, MSS, WEIR_CTR_SENT_DATA);
	assert_verdict(mtup_claimed(t, &f->env, 600, t->snd.una, f->now), ICMP_PMTU);
	assert_int_equal(t->cc.cwnd, 7 * 600);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* RFC5927-03, -04 */
static void test_claims(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	seq_t first;

	fix_open(f, NULL);
	leave(f, 700, WEIR_CTR_SENT_DATA);
	arrive(f);
	assert_int_equal(t->mtup.proven, 700);
	first = t->snd.nxt;
	leave(f, MSS, WEIR_CTR_SENT_DATA);
	assert_verdict(mtup_claimed(t, &f->env, 699, first, f->now), ICMP_HELD);
	assert_verdict(mtup_claimed(t, &f->env, 600, first, f->now), ICMP_HELD);
	assert_int_equal(t->path_mss, MSS);
	arrive(f);
	leave(f, 500, WEIR_CTR_SENT_DATA);
	mtup_timeout(t, &f->env, f->now); /* refuted before */
	assert_int_equal(t->path_mss, MSS);
	assert_int_equal(t->mtup.proven, MSS);
	first = t->snd.una;
	assert_verdict(mtup_claimed(t, &f->env, 699, first, f->now), ICMP_HELD);
	mtup_timeout(t, &f->env, f->now);
	assert_int_equal(t->path_mss, 699);
	assert_int_equal(t->mtup.proven, 699);
	assert_true(t->mtup.news);
	/* As large as what got through: at once. */
	t->mtup.proven = 600;
	assert_verdict(mtup_claimed(t, &f->env, 600, first, f->now), ICMP_PMTU);
	assert_verdict(mtup_claimed(t, &f->env, 600, first, f->now), ICMP_IGNORED);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* RFC8201-05: a message about the probe ends the search above, and is no reason to send less. */
static void test_probe_refused(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;
	seq_t at;

	open_searching(f);
	at = t->snd.nxt;
	leave(f, MSS, WEIR_CTR_PROBE_MTU);
	leave(f, 500, WEIR_CTR_SENT_DATA);
	assert_verdict(mtup_claimed(t, &f->env, 800, seq_add(at, MSS), f->now), ICMP_IGNORED);
	assert_verdict(mtup_claimed(t, &f->env, 800, at, f->now), ICMP_PMTU);
	assert_int_equal(t->path_mss, 500);
	assert_true(mtup_lost(t, seq_add(at, MSS), MTUP_LOST_ALONE));
	arrive(f);
	f->now += 599000 * MS; /* RFC8201-04 */
	assert_int_equal(probe_len(f), 0);
	f->now += 2000 * MS;
	assert_int_equal(probe_len(f), 650);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

static void time_out(struct fix *f, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		mtup_timeout(&f->t, &f->env, f->now);
		f->t.retries++;
	}
}

/* RFC4821-06: the base, then halves, to the least of the family; only for what is larger. */
static void test_black_hole(void **state)
{
	static const uint16_t sizes4[] = {1000, 512, 256, 128, 64, 32, 28, 28};
	struct fix *f = *state;
	struct tcb *t = &f->t;

	f->cfg.mtu_base = 512;
	fix_open(f, NULL);
	leave(f, MSS, WEIR_CTR_SENT_DATA);
	for (unsigned i = 0; i < LENGTH(sizes4); i++) {
		assert_int_equal(t->path_mss, sizes4[i]);
		time_out(f, 2);
		assert_int_equal(t->path_mss, sizes4[i]);
		time_out(f, 1);
	}
	assert_int_equal(f->env.counters[WEIR_CTR_MTU_BLACK_HOLE], 6);
	t->snd.una = t->snd.nxt;
	fix_open(f, NULL);
	leave(f, 512, WEIR_CTR_SENT_DATA);
	time_out(f, 3);
	assert_int_equal(t->path_mss, MSS);
	t->snd.una = t->snd.nxt = seq_make(SND);
	fix_open(f, NULL);
	f->cfg.mtu_probing = 0;
	leave(f, MSS, WEIR_CTR_SENT_DATA);
	time_out(f, 9);
	assert_int_equal(t->path_mss, MSS);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

static void test_black_hole_ip6(void **state)
{
	struct fix *f = *state;
	struct tcp_agreed agreed = {.mss = 1440};
	struct tcb *t = &f->t;

	fix_open(f, &agreed);
	t->path_mss = t->mtup.link = 1440;
	t->mtup.ip6 = true;
	tcb_set_mss(t);
	leave(f, 1440, WEIR_CTR_SENT_DATA);
	time_out(f, 3);
	assert_int_equal(t->path_mss, 1220);
	time_out(f, 30);
	assert_int_equal(t->path_mss, 1220);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* It may have been an outage: after a while the old size is tried, and then it is over. */
static void test_after_black_hole(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	f->cfg.mtu_base = 512;
	fix_open(f, NULL);
	leave(f, MSS, WEIR_CTR_SENT_DATA);
	time_out(f, 3);
	t->retries = 0;
	t->rtt.srtt_ns = 20 * MS;
	arrive(f);
	assert_int_equal(t->mtup.proven, 0); /* what went again was smaller */
	f->now += 199 * MS;
	assert_int_equal(probe_len(f), 0);
	f->now += MS;
	assert_int_equal(probe_len(f), MSS);
	leave(f, MSS, WEIR_CTR_PROBE_MTU);
	arrive(f);
	assert_int_equal(t->path_mss, MSS);
	assert_false(t->mtup.blind);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* RFC1191-04: what ICMP made small grows with age, what a black hole did only by probes. */
static void test_age(void **state)
{
	struct fix *f = *state;
	struct tcb *t = &f->t;

	fix_open(f, NULL);
	leave(f, MSS, WEIR_CTR_SENT_DATA);
	mtup_claimed(t, &f->env, 600, t->snd.una, f->now);
	f->now += 599999 * MS;
	assert_false(mtup_aged(t, &f->env, f->now));
	mtup_follow(t, &f->env, MSS, f->now);
	assert_int_equal(t->path_mss, 600);
	f->now += MS;
	assert_true(mtup_aged(t, &f->env, f->now));
	mtup_follow(t, &f->env, 9000, f->now); /* no larger than the link */
	assert_int_equal(t->path_mss, MSS);
	mtup_follow(t, &f->env, 700, f->now); /* others know better */
	assert_int_equal(t->path_mss, 700);
	f->now += 700000 * MS;
	t->mtup.blind = true;
	mtup_follow(t, &f->env, MSS, f->now);
	assert_int_equal(t->path_mss, 700);
	t->snd.una = t->snd.nxt = seq_make(SND);
}

/* A clock of 32 bits of milliseconds goes over its end. */
static void test_clock_wraps(void **state)
{
	struct fix *f = *state;

	f->now = ((1ull << 32) - 100) * MS;
	open_searching(f);
	assert_int_equal(probe_len(f), MSS);
	leave(f, MSS, WEIR_CTR_PROBE_MTU);
	assert_true(mtup_lost(&f->t, f->t.snd.nxt, MTUP_LOST_ALONE));
	arrive(f);
	f->now += 150 * MS;
	assert_int_equal(probe_len(f), 0);
	f->now += 50 * MS;
	assert_int_equal(probe_len(f), 750);
	f->t.snd.una = f->t.snd.nxt = seq_make(SND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_search),
		TEST(test_conditions),
		TEST(test_back_off),
		TEST(test_lost),
		TEST(test_cwnd),
		TEST(test_claims),
		TEST(test_probe_refused),
		TEST(test_black_hole),
		TEST(test_black_hole_ip6),
		TEST(test_after_black_hole),
		TEST(test_age),
		TEST(test_clock_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
