/*
 * HyStart++ (RFC 9406): slow start that looks at the round-trip time.
 */
#include "cc_path.h"

struct script {
	struct cc c;
	weir_time now;
};

static struct script first_slow_start(enum cc_kind kind)
{
	struct script s = {.c = cc_at(kind, 10 * MSS, SECOND), .now = SECOND};

	s.c.ssthresh = CC_SSTHRESH_MAX;
	return s;
}

/* A round of `samples` ACKs of one segment each, all with an RTT of `us`. */
static void round_of(struct script *s, unsigned samples, unsigned us)
{
	for (unsigned i = 0; i < samples; i++) {
		struct cc_ack a = cc_ack_of(s->now += 100000, MSS, us * 1000ull);

		a.round_start = i == 0;
		cc_give(&s->c, &a);
	}
}

static const struct hystart *state_of(const struct script *s)
{
	return s->c.kind == CC_CUBIC ? &s->c.priv.cubic->hystart : &s->c.priv.reno->hystart;
}

/*
 * Each round has its least RTT, and the round before is remembered.
 * req: RFC9406-01
 */
static void test_rounds(void **state)
{
	struct script s = first_slow_start(CC_CUBIC);

	(void)state;
	round_of(&s, 10, 50000);
	assert_int_equal(state_of(&s)->round_us, 50000);
	assert_int_equal(state_of(&s)->last_us, HYSTART_NONE);
	round_of(&s, 3, 53000);
	round_of(&s, 0, 0);
	assert_int_equal(state_of(&s)->last_us, 50000);
	assert_int_equal(state_of(&s)->round_us, 53000);
	round_of(&s, 1, 51000);
	assert_int_equal(state_of(&s)->last_us, 53000);
	assert_int_equal(state_of(&s)->round_us, 51000);
}

/* req: RFC9406-02 */
static void test_constants(void **state)
{
	(void)state;
	assert_int_equal(HYSTART_RTT_THRESH_MIN_US, 4000);
	assert_int_equal(HYSTART_RTT_THRESH_MAX_US, 16000);
	assert_int_equal(HYSTART_RTT_DIVISOR, 8);
	assert_int_equal(HYSTART_SAMPLES, 8);
	assert_int_equal(HYSTART_CSS_DIVISOR, 4);
	assert_int_equal(HYSTART_CSS_ROUNDS, 5);
	assert_int_equal(HYSTART_L, 8);
}

/*
 * An eighth longer, at least 4 ms and at most 16 ms, over eight samples.
 * neg: RFC9406-03
 */
static void test_threshold(void **state)
{
	static const struct {
		unsigned before_us, samples, after_us;
		enum hystart_phase phase;
	} rows[] = {
		{40000, 8, 46000, HYSTART_CSS},
		{40000, 8, 45000, HYSTART_CSS},
		{40000, 8, 44999, HYSTART_SLOW_START},
		{40000, 8, 44000, HYSTART_SLOW_START},
		{40000, 7, 46000, HYSTART_SLOW_START}, /* too few samples */
		{8000, 8, 11999, HYSTART_SLOW_START},  /* a quarter: 4 ms */
		{8000, 8, 12000, HYSTART_CSS},
		{300000, 8, 315999, HYSTART_SLOW_START}, /* 16 ms */
		{300000, 8, 316000, HYSTART_CSS},
		{300000, 8, 299000, HYSTART_SLOW_START},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		for (enum cc_kind kind = CC_NEWRENO; kind <= CC_CUBIC; kind++) {
			struct script s = first_slow_start(kind);

			round_of(&s, 8, rows[i].before_us);
			round_of(&s, rows[i].samples, rows[i].after_us);
			assert_int_equal(state_of(&s)->phase, rows[i].phase);
		}
	}
}

/*
 * A queue that stays: five rounds, the one in which CSS began counted, at a quarter of the growth;
 * then congestion avoidance. The divisor is above two, so growth is at most half of slow start's.
 * req: RFC9406-04
 * neg: RFC9406-07
 */
static void test_css_ends_slow_start(void **state)
{
	struct script s = first_slow_start(CC_CUBIC);
	uint32_t cwnd;

	(void)state;
	round_of(&s, 8, 40000);
	round_of(&s, 8, 46000);
	assert_int_equal(s.c.ssthresh, CC_SSTHRESH_MAX);
	for (unsigned i = 0; i < 4; i++) {
		cwnd = s.c.cwnd;
		round_of(&s, 10, 46000);
		assert_int_equal(s.c.cwnd, cwnd + 10 * MSS / 4);
		assert_int_equal(s.c.ssthresh, CC_SSTHRESH_MAX);
	}
	cwnd = s.c.cwnd;
	round_of(&s, 1, 46000);
	assert_int_equal(s.c.ssthresh, cwnd);
	assert_in_range(s.c.cwnd, cwnd, cwnd + MSS / 2);
}

/* A queue that went away was somebody else's: slow start resumes, and may end again. */
static void test_css_resumes(void **state)
{
	struct script s = first_slow_start(CC_CUBIC);
	uint32_t cwnd;

	(void)state;
	round_of(&s, 8, 40000);
	round_of(&s, 8, 46000);
	assert_int_equal(state_of(&s)->phase, HYSTART_CSS);
	round_of(&s, 8, 45000);
	assert_int_equal(state_of(&s)->phase, HYSTART_SLOW_START);
	cwnd = s.c.cwnd;
	round_of(&s, 10, 45000);
	assert_int_equal(s.c.cwnd, cwnd + 10 * MSS);
	round_of(&s, 8, 51000);
	assert_int_equal(state_of(&s)->phase, HYSTART_CSS);
	for (unsigned i = 0; i < 4; i++)
		round_of(&s, 8, 51000);
	assert_int_equal(s.c.ssthresh, CC_SSTHRESH_MAX); /* five rounds anew */
	round_of(&s, 8, 51000);
	assert_true(s.c.ssthresh < CC_SSTHRESH_MAX);
}

/*
 * An ACK adds eight segments at most, if nothing paces what it lets out; a loss and a mark end slow
 * start.
 * neg: RFC9406-05
 */
static void test_growth_of_one_ack(void **state)
{
	static const struct {
		bool paced;
		uint32_t burst, acked, grown;
	} rows[] = {
		{false, 0, 20 * MSS, 8 * MSS},
		{false, 0, 8 * MSS, 8 * MSS},
		{false, 0, 500, 500},
		{true, 0, 20 * MSS, 20 * MSS},
		{false, 64 * MSS, 20 * MSS, 20 * MSS}, /* that is what the link sends as one */
		{false, 12 * MSS, 20 * MSS, 12 * MSS},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct script s = first_slow_start(CC_NEWRENO);
		struct cc_ack a = cc_ack_of(s.now, rows[i].acked, 40 * MS);

		s.c.paced = rows[i].paced;
		s.c.burst = rows[i].burst;
		cc_give(&s.c, &a);
		assert_int_equal(s.c.cwnd, 10 * MSS + rows[i].grown);
	}
	for (enum cc_signal what = CC_LOSS; what <= CC_RTO; what++) {
		struct script s = first_slow_start(CC_CUBIC);

		cc_hit(&s.c, what, 10 * MSS, s.now);
		assert_true(s.c.ssthresh < 10 * MSS);
	}
}

/*
 * Later slow starts are plain: no limit, and a longer RTT does not end them.
 * neg: RFC9406-06
 */
static void test_only_first(void **state)
{
	struct script s = first_slow_start(CC_CUBIC);
	struct cc_ack a;

	(void)state;
	s.c.cwnd = 1000 * MSS;
	cc_hit(&s.c, CC_RTO, 1000 * MSS, s.now);
	assert_int_equal(s.c.cwnd, MSS);
	a = cc_ack_of(s.now, 20 * MSS, 40 * MS);
	cc_give(&s.c, &a);
	assert_int_equal(s.c.cwnd, 21 * MSS);
	round_of(&s, 8, 40000);
	for (unsigned i = 0; i < 7; i++)
		round_of(&s, 8, 80000);
	assert_int_equal(s.c.ssthresh, 700 * MSS);
	assert_int_equal(s.c.cwnd, (21 + 64) * MSS);
}

/* Without the setting slow start is RFC 5681's. */
static void test_off(void **state)
{
	struct script s = first_slow_start(CC_NEWRENO);

	(void)state;
	s.c.hystart = HYSTART_OFF;
	round_of(&s, 8, 40000);
	for (unsigned i = 0; i < 8; i++)
		round_of(&s, 8, 80000);
	assert_int_equal(s.c.cwnd, (10 + 72) * MSS);
	assert_int_equal(s.c.ssthresh, CC_SSTHRESH_MAX);
}

/* A deep buffer (an RTT is known a round late, and CSS adds a factor of three): slow start ends
 * before anything is lost, and without the setting it does not. */
static void test_leaves_before_loss(void **state)
{
	static struct path p;
	uint64_t bdp = 156000;

	(void)state;
	for (enum cc_kind kind = CC_NEWRENO; kind <= CC_CUBIC; kind++) {
		for (unsigned on = 0; on < 2; on++) {
			path_init(&p, kind, 1, bdp * 20, 50 * MS, 16 * bdp);
			p.cfg.hystart = on ? HYSTART_BY_DELAY : HYSTART_OFF;
			path_run(&p, 4 * SECOND);
			assert_true(p.flows[0].cc.ssthresh < CC_SSTHRESH_MAX);
			assert_int_equal(p.flows[0].losses > 0, !on);
			assert_true(p.flows[0].cc.cwnd > bdp);
		}
	}
}

/* A round of ACKs `gap_us` apart, for `span_us` after the first one, all with one RTT. */
static void train(struct script *s, unsigned gap_us, unsigned span_us, unsigned rtt_us)
{
	for (unsigned at = 0; at <= span_us; at += gap_us) {
		struct cc_ack a = cc_ack_of(s->now + at * 1000ull, MSS, rtt_us * 1000ull);

		a.round_start = at == 0;
		cc_give(&s->c, &a);
	}
	s->now += SECOND;
}

/* ACKs that come without a pause for more than half a round trip end slow start: not for less, not
 * with a pause between, not in small windows, not on short paths, not if only the delay counts;
 * and where all is paced, for a whole one. */
static void test_train(void **state)
{
	static const struct {
		enum hystart_mode mode;
		bool paced;
		unsigned segments, gap_us, span_us, rtt_us;
		bool ends;
	} rows[] = {
		{HYSTART_BY_TRAIN_TOO, false, 16, 1000, 21000, 40000, true},
		{HYSTART_BY_TRAIN_TOO, false, 16, 1000, 20000, 40000, false},
		{HYSTART_BY_TRAIN_TOO, false, 6, 2500, 22500, 40000, false}, /* 15 segments */
		{HYSTART_BY_TRAIN_TOO, false, 7, 2500, 22500, 40000, true},  /* 16 */
		{HYSTART_BY_TRAIN_TOO, false, 16, 2501, 22509, 40000, false},
		{HYSTART_BY_TRAIN_TOO, false, 16, 500, 3500, 4000, true},
		{HYSTART_BY_TRAIN_TOO, false, 16, 500, 3500, 3999, false},
		{HYSTART_BY_TRAIN_TOO, true, 16, 1000, 40000, 40000, false},
		{HYSTART_BY_TRAIN_TOO, true, 16, 1000, 41000, 40000, true},
		{HYSTART_BY_DELAY, false, 16, 1000, 41000, 40000, false},
		{HYSTART_OFF, false, 16, 1000, 41000, 40000, false},
	};

	(void)state;
	for (unsigned i = 0; i < LENGTH(rows); i++) {
		for (enum cc_kind kind = CC_NEWRENO; kind <= CC_CUBIC; kind++) {
			struct script s = first_slow_start(kind);

			s.c.hystart = rows[i].mode & 3;
			s.c.paced = rows[i].paced;
			s.c.cwnd = rows[i].segments * MSS;
			train(&s, rows[i].gap_us, rows[i].span_us, rows[i].rtt_us);
			assert_int_equal(s.c.ssthresh < CC_SSTHRESH_MAX, rows[i].ends);
			assert_int_equal(state_of(&s)->phase,
					 rows[i].ends ? HYSTART_TRAINED : HYSTART_SLOW_START);
		}
	}
}

/* Trains of two rounds are two trains, even without a pause between them. */
static void test_train_of_one_round(void **state)
{
	struct script s = first_slow_start(CC_CUBIC);

	(void)state;
	s.c.cwnd = 16 * MSS;
	for (unsigned i = 0; i < 4; i++) {
		train(&s, 1000, 15000, 40000);
		s.now -= SECOND - 16 * MS;
	}
	assert_int_equal(s.c.ssthresh, CC_SSTHRESH_MAX);
}

/* From there on CUBIC grows by a twentieth in a round trip, until the first loss ... */
static void test_after_train(void **state)
{
	struct script s = first_slow_start(CC_CUBIC);
	struct cc_ack a;
	uint32_t at;

	(void)state;
	s.c.cwnd = 100 * MSS;
	train(&s, 1000, 21000, 40000);
	assert_int_equal(state_of(&s)->phase, HYSTART_TRAINED);
	at = s.c.cwnd;
	cc_round(&s.c, s.now += 100 * MS, 40 * MS);
	assert_in_range(s.c.cwnd, at + at / 20 - 2 * MSS, at + at / 20 + 2 * MSS);
	/* ... that was one. */
	cc_hit(&s.c, CC_LOSS, s.c.cwnd, s.now);
	s.c.cwnd = s.c.target;
	a = cc_ack_of(s.now, MSS, 40 * MS);
	cc_on_undo(&s.c, &a);
	at = s.c.cwnd;
	assert_true(at > 100 * MSS);
	cc_round(&s.c, s.now += 100 * MS, 40 * MS);
	assert_in_range(s.c.cwnd, at + at / 20 - 2 * MSS, at + at / 20 + 2 * MSS);
	cc_hit(&s.c, CC_LOSS, s.c.cwnd, s.now);
	s.c.cwnd = s.c.target;
	at = s.c.cwnd;
	cc_round(&s.c, s.now += 100 * MS, 40 * MS);
	assert_in_range(s.c.cwnd, at, at + 2 * MSS);
}

/* ... or until a queue shows: a round an eighth longer than the least, with samples enough. */
static void test_after_train_a_queue(void **state)
{
	struct script s = first_slow_start(CC_CUBIC);
	struct cc_ack a;
	uint32_t at;

	(void)state;
	s.c.cwnd = 100 * MSS;
	train(&s, 1000, 21000, 40000);
	at = s.c.cwnd;
	round_of(&s, 20, 44999);
	assert_in_range(s.c.cwnd, at + MSS - 200, at + 2 * MSS);
	/* The round begins with an ACK that acknowledges nothing new, only reports. */
	a = cc_ack_of(s.now, 0, 45000 * 1000ull);
	a.round_start = true;
	a.delivered = MSS;
	cc_give(&s.c, &a);
	for (unsigned i = 1; i < 7; i++) {
		a = cc_ack_of(s.now, MSS, 45000 * 1000ull);
		cc_give(&s.c, &a);
	}
	assert_int_equal(state_of(&s)->phase, HYSTART_TRAINED);
	cc_give(&s.c, &a);
	assert_int_equal(state_of(&s)->phase, HYSTART_OVER);
	at = s.c.cwnd;
	round_of(&s, 20, 40000); /* for good */
	assert_in_range(s.c.cwnd, at, at + MSS / 2);
}

/* A queue of one round trip: trains end slow start before it is full. */
static void test_train_before_loss(void **state)
{
	static struct path p;
	uint64_t bdp = 156000;

	(void)state;
	for (unsigned by = HYSTART_BY_DELAY; by <= HYSTART_BY_TRAIN_TOO; by++) {
		path_init(&p, CC_NEWRENO, 1, bdp * 20, 50 * MS, bdp);
		p.cfg.hystart = by;
		path_run(&p, 600 * MS);
		assert_int_equal(p.flows[0].losses == 0, by == HYSTART_BY_TRAIN_TOO);
		assert_true(p.flows[0].cc.cwnd > bdp);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_css_ends_slow_start),
		cmocka_unit_test(test_css_resumes),
		cmocka_unit_test(test_growth_of_one_ack),
		cmocka_unit_test(test_only_first),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_leaves_before_loss),
		cmocka_unit_test(test_train),
		cmocka_unit_test(test_train_of_one_round),
		cmocka_unit_test(test_after_train),
		cmocka_unit_test(test_after_train_a_queue),
		cmocka_unit_test(test_train_before_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
