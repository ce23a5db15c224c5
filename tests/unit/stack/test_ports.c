/*
 * Ephemeral ports: RFC 6056 3.3.4, RFC6056-01.
 */
#include "fixture.h"

#include "stack/ports.h"

static void start(struct stk *f, uint64_t first, uint64_t last)
{
	f->cfg.port_first = first;
	f->cfg.port_last = last;
	stk_start(f);
}

static enum weir_err connect_to(struct stk *f, uint8_t peer, uint16_t port, struct weir_tuple *t)
{
	struct weir_connect_args args = {.remote = stk_peer(4, peer, port).remote};
	struct weir_info info;
	weir_conn c;
	enum weir_err e = weir_connect(f->s, &args, f->now, &c);

	if (e != WEIR_OK)
		return e;
	assert_int_equal(weir_conn_info(f->s, c, &info), WEIR_OK);
	*t = info.tuple;
	return WEIR_OK;
}

/* Every port of the range once for one destination, then NO_PORT; another one is not harmed. */
static void test_exhaustion(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t;
	unsigned seen = 0;

	start(f, 40000, 40006);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(connect_to(f, 9, 80, &t), WEIR_OK);
		assert_in_range(t.local.port, 40000, 40006);
		assert_false(seen & 1u << (t.local.port - 40000));
		seen |= 1u << (t.local.port - 40000);
	}
	assert_int_equal(connect_to(f, 9, 80, &t), WEIR_NO_PORT);
	assert_int_equal(connect_to(f, 9, 81, &t), WEIR_OK);
	assert_int_equal(connect_to(f, 8, 80, &t), WEIR_OK);
}

/*
 * No port of a local service; a catch-all reserves none.
 * neg: RFC6056-01
 */
static void test_listened_ports_are_skipped(void **state)
{
	struct stk *f = *state;
	struct weir_listen_args any = {0}, one = {.local.port = 40001};
	struct weir_tuple t;
	weir_listener l;

	start(f, 40000, 40002);
	assert_int_equal(weir_listen(f->s, &any, &l), WEIR_OK);
	assert_int_equal(weir_listen(f->s, &one, &l), WEIR_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(connect_to(f, 9, 80, &t), WEIR_OK);
		assert_int_not_equal(t.local.port, 40001);
	}
	assert_int_equal(connect_to(f, 9, 80, &t), WEIR_NO_PORT);
}

/* Ports follow one another for one destination, from a place that the key decides. */
static void test_start_depends_on_the_key(void **state)
{
	struct stk *f = *state;
	uint16_t port[2];

	for (unsigned run = 0; run < 2; run++) {
		struct weir_tuple t;

		f->cfg.isn_key[3] = (uint8_t)run;
		start(f, 32768, 60999);
		assert_int_equal(connect_to(f, 9, 80, &t), WEIR_OK);
		port[run] = t.local.port;
		assert_int_equal(connect_to(f, 9, 80, &t), WEIR_OK);
		assert_int_equal(t.local.port, port[run] == 60999 ? 32768 : port[run] + 1);
	}
	assert_int_not_equal(port[0], port[1]);
}

/* A server that is connected to twice cannot tell how often others were in between. */
static void test_counters_are_apart(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t, other;
	uint16_t before;

	start(f, 20000, 59999);
	assert_int_equal(connect_to(f, 9, 80, &t), WEIR_OK);
	before = t.local.port;
	for (uint16_t i = 0; i < 10; i++)
		assert_int_equal(connect_to(f, 8, (uint16_t)(1000 + i), &other), WEIR_OK);
	assert_int_equal(connect_to(f, 9, 80, &t), WEIR_OK);
	assert_int_equal(t.local.port, before == 59999 ? 20000 : before + 1);
}

/* A port that was freed is not the next one again. */
static void test_no_early_reuse(void **state)
{
	struct stk *f = *state;
	uint16_t last = 0;

	start(f, 40000, 49999);
	for (unsigned i = 0; i < 50; i++) {
		struct weir_tuple t = stk_peer(4, 9, 80);
		weir_conn c = stk_connect(f, &t);

		assert_int_not_equal(t.local.port, last);
		last = t.local.port;
		assert_int_equal(weir_abort(f->s, c, f->now), WEIR_OK);
		stk_drain(f);
	}
}

/*
 * Chosen uniformly over destinations: 2,000 of them in 16 groups of ports, chi-square at 0.1 %.
 * neg: RFC6056-01
 */
static void test_spread(void **state)
{
	struct stk *f = *state;
	unsigned count[16] = {0};
	double chi = 0;

	start(f, 32768, 49151);
	for (unsigned i = 0; i < 2000; i++) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1 + i));

		memset(f->s->port_seq, 0, sizeof(f->s->port_seq)); /* the hash alone */
		assert_int_equal(ports_choose(f->s, &t), WEIR_OK);
		count[(t.local.port - 32768) / 1024]++;
	}
	for (unsigned i = 0; i < 16; i++)
		chi += (count[i] - 125.0) * (count[i] - 125.0) / 125.0;
	assert_true(chi < 37.7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exhaustion),
		TEST(test_listened_ports_are_skipped),
		TEST(test_start_depends_on_the_key),
		TEST(test_counters_are_apart),
		TEST(test_no_early_reuse),
		TEST(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
