/*
 * The scoreboard: against a model that keeps a mark for each segment, by example, and when no
 * record is free.
 */
#include "fixture.h"

#include "tcp/board.h"

#define SEG  100u
#define SEGS 64u         /* segments that are out at most */
#define BASE 0xfffff000u /* the numbers wrap on the way */

struct model {
	struct fix *f;
	struct board b;
	uint32_t una, nxt;  /* in segments from BASE */
	uint8_t mark[4096]; /* SEND_SACKED or SEND_LOST of each segment */
	uint64_t luck;
	weir_time now;
};

static uint32_t below(struct model *m, uint32_t n)
{
	m->luck = m->luck * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(m->luck >> 33) % n;
}

static seq_t at(uint32_t segment)
{
	return seq_make(BASE + segment * SEG);
}

static struct send_stamp stamp(const struct model *m)
{
	return (struct send_stamp){.at = m->now, .delivered_at = m->now};
}

static void begin(struct model *m, struct fix *f, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->f = f;
	m->luck = seed;
	m->now = START;
	board_init(&m->b);
	m->b.fack = at(0);
}

static void model_send(struct model *m)
{
	uint32_t n = 1 + below(m, 8);
	struct send_stamp s = stamp(m);

	if (m->nxt + n - m->una > SEGS)
		return;
	board_sent(&m->f->env, &m->b, at(m->nxt), at(m->nxt + n), SEG, &s);
	memset(m->mark + m->nxt, 0, n);
	m->nxt += n;
}

/* A block that need not begin or end between segments: only whole ones count. */
static void model_sack(struct model *m)
{
	struct board_news n = {.now = m->now, .fack = m->b.fack};
	uint32_t out = m->nxt - m->una;
	uint32_t lo, hi, more = 0;

	if (out < 2)
		return;
	lo = m->una + 1 + below(m, out - 1);
	hi = lo + 1 + below(m, m->nxt - lo);
	board_sack(&m->f->env, &m->b, seq_sub(at(lo), below(m, 2) * 7),
		   seq_add(at(hi), hi < m->nxt ? below(m, 2) * 7 : 0), &n);
	for (uint32_t i = lo; i < hi; i++) {
		more += m->mark[i] != SEND_SACKED;
		m->mark[i] = SEND_SACKED;
	}
	assert_int_equal(n.sacked, more * SEG);
	assert_int_equal(n.newest, more > 0);
}

static void model_ack(struct model *m)
{
	struct board_news n = {.now = m->now, .fack = m->b.fack};
	uint32_t to, more = 0;

	if (m->una == m->nxt)
		return;
	to = m->una + 1 + below(m, m->nxt - m->una);
	for (uint32_t i = m->una; i < to; i++)
		more += m->mark[i] != SEND_SACKED;
	board_acked(&m->f->env, &m->b, at(to), &n);
	assert_int_equal(n.acked, more * SEG);
	m->una = to;
}

/* What was sent first of what is neither SACKed nor lost. */
static void model_lose(struct model *m)
{
	const struct send *r;

	if (m->b.oldest == POOL_NONE)
		return;
	r = board_at(&m->f->env, m->b.oldest);
	for (uint32_t s = r->lo.v; s != r->hi.v; s += SEG)
		m->mark[(s - BASE) / SEG] = SEND_LOST;
	board_lose(&m->f->env, &m->b, m->b.oldest, WEIR_CTR_RETX_RACK);
}

static void model_resend(struct model *m)
{
	const struct send *r = board_first_lost(&m->f->env, &m->b);
	struct send_stamp s = stamp(m);
	uint32_t first, n;

	for (first = m->una; first < m->nxt && m->mark[first] != SEND_LOST; first++)
		;
	assert_int_equal(r != NULL, first < m->nxt);
	if (!r)
		return;
	assert_int_equal(r->lo.v, at(first).v);
	n = 1 + below(m, (r->hi.v - r->lo.v) / SEG);
	board_resent(&m->f->env, &m->b, at(first), at(first + n), SEG, &s);
	memset(m->mark + first, 0, n);
}

static void model_all(struct model *m, uint8_t from, uint8_t to)
{
	for (uint32_t i = m->una; i < m->nxt; i++)
		if (m->mark[i] == from)
			m->mark[i] = to;
}

static void compare(const struct model *m)
{
	uint32_t sacked = 0, lost = 0;

	for (uint32_t i = m->una; i < m->nxt; i++) {
		sacked += m->mark[i] == SEND_SACKED;
		lost += m->mark[i] == SEND_LOST;
	}
	assert_int_equal(m->b.sacked, sacked * SEG);
	assert_int_equal(m->b.sacked_segments >= sacked, 1); /* a part of a run may be gone */
	assert_int_equal(m->b.lost, lost * SEG);
	assert_true(m->b.count <= m->nxt - m->una);
}

static void check(const struct model *m)
{
	const char *bad = board_check(&m->f->env, &m->b, at(m->una), at(m->nxt));

	if (bad)
		fail_msg("%s", bad);
}

static void step(struct model *m)
{
	struct tcp_env *env = &m->f->env;

	m->now += below(m, 3);
	switch (below(m, 16)) {
	case 0:
		board_lose_all(env, &m->b, WEIR_CTR_RETX_TIMEOUT);
		model_all(m, 0, SEND_LOST);
		break;
	case 1:
		board_lose_none(env, &m->b);
		model_all(m, SEND_LOST, 0);
		break;
	case 2:
		board_forget_sacked(env, &m->b, WEIR_CTR_RETX_TIMEOUT);
		model_all(m, SEND_SACKED, SEND_LOST);
		break;
	case 3:
	case 4:
		model_lose(m);
		break;
	case 5:
	case 6:
	case 7:
		model_resend(m);
		break;
	case 8:
	case 9:
		model_ack(m);
		break;
	case 10:
	case 11:
	case 12:
		model_sack(m);
		break;
	default: /* numbers, not an enum */
		model_send(m);
		break;
	}
}

static void test_against_the_model(void **state)
{
	struct fix *f = *state;

	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct model m;

		begin(&m, f, seed);
		for (unsigned i = 0; i < 400; i++) {
			step(&m);
			check(&m);
			compare(&m);
		}
		board_clear(&f->env, &m.b);
		assert_int_equal(f->env.sends.used, 0);
		assert_int_equal(f->env.sends_extra, 0);
	}
}

/* The same with hardly a record: marks may be missing, none may be too many, nothing breaks. */
static void test_coarse(void **state)
{
	struct fix *f = *state;

	f->cfg.sends_max = 16;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct model m;

		begin(&m, f, seed);
		for (unsigned i = 0; i < 300; i++) {
			struct board_news n = {.now = m.now, .fack = m.b.fack};
			struct send_stamp s = stamp(&m);
			const struct send *r = board_first_lost(&f->env, &m.b);
			uint32_t kind = below(&m, 8);
			uint32_t lo;

			m.now++;
			if (kind < 4) {
				model_send(&m);
			} else if (kind == 4 && m.nxt - m.una > 1) {
				lo = m.una + 1 + below(&m, m.nxt - m.una - 1);
				board_sack(&f->env, &m.b, at(lo), at(lo + 1), &n);
				assert_true(n.sacked <= SEG);
			} else if (kind == 5 && m.b.oldest != POOL_NONE) {
				board_lose(&f->env, &m.b, m.b.oldest, WEIR_CTR_RETX_RACK);
			} else if (kind == 6 && r) {
				uint32_t lost = m.b.lost;
				seq_t hi = seq_min(seq_add(r->lo, SEG), r->hi);

				board_resent(&f->env, &m.b, r->lo, hi, SEG, &s);
				assert_true(m.b.lost < lost); /* it gets on */
			} else if (kind == 7 && m.nxt != m.una && below(&m, 4) == 0) {
				m.una += 1 + below(&m, m.nxt - m.una);
				board_acked(&f->env, &m.b, at(m.una), &n);
			}
			check(&m);
			assert_true(m.b.count <= 4 + BOARD_FLOOR);
		}
		board_clear(&f->env, &m.b);
	}
	assert_true(f->env.counters[WEIR_CTR_SENDS_FULL] > 0);
}

/* A burst is one record; another time, or a short segment, begins another. */
static void test_bursts(void **state)
{
	struct fix *f = *state;
	struct model m;
	struct send_stamp s;

	begin(&m, f, 1);
	s = stamp(&m);
	for (unsigned i = 0; i < 10; i++)
		board_sent(&f->env, &m.b, at(i), at(i + 1), SEG, &s);
	assert_int_equal(m.b.count, 1);
	board_sent(&f->env, &m.b, at(10), seq_add(at(10), 30), SEG, &s);
	assert_int_equal(m.b.count, 1); /* the tail joins ... */
	board_sent(&f->env, &m.b, seq_add(at(10), 30), seq_add(at(10), 60), SEG, &s);
	assert_int_equal(m.b.count, 2); /* ... and nothing joins it */
	s.at++;
	board_sent(&f->env, &m.b, seq_add(at(10), 60), at(11), SEG, &s);
	assert_int_equal(m.b.count, 3);
	assert_int_equal(board_last_segment(&f->env, &m.b).v, at(10).v + 60);
	board_clear(&f->env, &m.b);
}

/* RFC8985-03: what went twice tells of its last time only when it surely was that one. */
static void test_ambiguous(void **state)
{
	static const struct {
		uint64_t min_rtt_ns;
		bool has_echo;
		uint32_t echo_ms; /* after START */
		bool newest;
	} rows[] = {
		{0, false, 0, true},
		{0, true, 10, true}, /* echoes the retransmission */
		{0, true, 9, false}, /* echoes the original */
		{5 * NS_PER_MS, false, 0, true},
		{6 * NS_PER_MS, false, 0, false}, /* sooner than any round trip */
	};
	struct fix *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct board_news n = {.now = START + 15 * NS_PER_MS,
				       .min_rtt_ns = rows[i].min_rtt_ns,
				       .has_echo = rows[i].has_echo,
				       .echo = (uint32_t)(START / NS_PER_MS) + rows[i].echo_ms};
		struct model m;
		struct send_stamp s;

		begin(&m, f, 1);
		n.fack = m.b.fack;
		s = stamp(&m);
		board_sent(&f->env, &m.b, at(0), at(1), SEG, &s);
		board_lose_all(&f->env, &m.b, WEIR_CTR_RETX_RACK);
		s.at = START + 10 * NS_PER_MS;
		board_resent(&f->env, &m.b, at(0), at(1), SEG, &s);
		board_acked(&f->env, &m.b, at(1), &n);
		assert_int_equal(n.newest, rows[i].newest);
		assert_true(n.again);
		assert_int_equal(m.b.count, 0);
	}
}

/*
 * Times are nanoseconds, whatever the round trip.
 * neg: RFC8985-02
 */
static void test_times_are_fine(void **state)
{
	struct fix *f = *state;
	struct board_news n = {.now = START + 1000};
	struct model m;
	struct send_stamp s;

	begin(&m, f, 1);
	n.fack = m.b.fack;
	s = stamp(&m);
	board_sent(&f->env, &m.b, at(0), at(1), SEG, &s);
	s.at += 250; /* a quarter of a microsecond */
	board_sent(&f->env, &m.b, at(1), at(2), SEG, &s);
	board_sack(&f->env, &m.b, at(1), at(2), &n);
	assert_int_equal(n.at, START + 250);
	assert_int_equal(m.b.count, 2);
	board_clear(&f->env, &m.b);
}

/* A hostile peer: blocks of a byte cut nothing, blocks far apart cost a bounded walk. */
static void test_no_more_records_than_segments(void **state)
{
	struct fix *f = *state;
	struct board_news n = {.now = START};
	struct model m;
	struct send_stamp s;

	begin(&m, f, 1);
	n.fack = m.b.fack;
	s = stamp(&m);
	board_sent(&f->env, &m.b, at(0), at(40), SEG, &s);
	for (uint32_t i = 1; i < 40 * SEG - 60; i++)
		board_sack(&f->env, &m.b, seq_add(at(0), i), seq_add(at(0), i + 60), &n);
	assert_int_equal(m.b.count, 1);
	assert_int_equal(m.b.sacked, 0);
	for (uint32_t i = 1; i < 40; i += 2)
		board_sack(&f->env, &m.b, at(i), at(i + 1), &n);
	assert_int_equal(m.b.count, 40);
	assert_null(board_check(&f->env, &m.b, at(0), at(40)));
	board_clear(&f->env, &m.b);
}

/* --- Long flights ----------------------------------------------------------------------------- */

#define HOLES 600u /* segments of which every second one has arrived */
#define FRESH 400u /* ... behind them, of which nothing was heard */

static const struct send_stamp *later(struct model *m)
{
	static struct send_stamp s;

	s = stamp(m);
	m->now += NS_PER_MS;
	return &s;
}

/* A record for each segment of a long flight: holes, and then what was just sent. */
static void long_flight(struct model *m, struct fix *f, struct board_news *n, void **mem)
{
	size_t bytes = (HOLES + FRESH + 8) * sizeof(struct send);
	struct arena a;

	*mem = aligned_alloc(64, bytes);
	assert_non_null(*mem);
	arena_init(&a, *mem, bytes);
	pool_init(&f->env.sends, &a, HOLES + FRESH + BOARD_FLOOR, sizeof(struct send), 64);
	f->cfg.sends_max = 4 * (HOLES + FRESH); /* a connection has a quarter */
	begin(m, f, 1);
	*n = (struct board_news){.now = START + NS_PER_S, .fack = m->b.fack};
	for (uint32_t i = 0; i < HOLES + FRESH; i++)
		board_sent(&f->env, &m->b, at(i), at(i + 1), SEG, later(m));
	for (uint32_t i = 1; i < HOLES; i += 2)
		board_sack(&f->env, &m->b, at(i), at(i + 1), n);
	assert_int_equal(m->b.count, HOLES + FRESH);
	assert_int_equal(m->b.sacked, HOLES / 2 * SEG);
}

/* While what went again fills holes far below, each new arrival is marked at once, however much
 * lies on either side of it: a block that is not found makes a loss of what has arrived. */
static void test_two_places(void **state)
{
	struct fix *f = *state;
	struct board_news n;
	struct model m;
	void *mem;

	long_flight(&m, f, &n, &mem);
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t sacked = m.b.sacked;

		board_sack(&f->env, &m.b, at(HOLES), at(HOLES + i + 1), &n);
		assert_int_equal(m.b.sacked, sacked + SEG);
		board_sack(&f->env, &m.b, at(2 * i), at(2 * i + 2), &n);
		assert_int_equal(m.b.sacked, sacked + 2 * SEG);
	}
	assert_null(board_check(&f->env, &m.b, at(0), at(HOLES + FRESH)));
	board_clear(&f->env, &m.b);
	free(mem);
}

/* A block too far from anywhere is found when it is repeated: no walk is made twice. */
static void test_repeated(void **state)
{
	struct fix *f = *state;
	uint32_t sacked, tries = 0;
	struct board_news n;
	struct model m;
	void *mem;

	long_flight(&m, f, &n, &mem);
	board_sack(&f->env, &m.b, at(0), at(2), &n); /* the search stands at the beginning */
	sacked = m.b.sacked;
	do {
		board_sack(&f->env, &m.b, at(HOLES / 2), at(HOLES / 2 + 2), &n);
	} while (m.b.sacked == sacked && ++tries < 8);
	assert_in_range(tries, 1, 2);
	assert_int_equal(m.b.sacked, sacked + SEG);
	board_clear(&f->env, &m.b);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_against_the_model),
		TEST(test_coarse),
		TEST(test_bursts),
		TEST(test_ambiguous),
		TEST(test_times_are_fine),
		TEST(test_no_more_records_than_segments),
		TEST(test_two_places),
		TEST(test_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
