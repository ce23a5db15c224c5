/*
 * Links below 1,280 bytes carry no IPv6 (RFC8200-02); from there on they do, and the MSS follows.
 */
#include "fixture.h"

static void init(struct stk *f, uint64_t mtu)
{
	f->cfg.link_mtu = mtu;
	stk_start(f); /* which gives it an IPv6 address from 1,280 on */
}

static void test_one_below(void **state)
{
	struct stk *f = *state;

	init(f, 1279);
	assert_int_equal(weir_addr_add(f->s, &our6, 64), WEIR_BAD_ARG);
}

/* RFC8200-03: 1,280 less 60. */
static void test_the_least(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(6, 9, 1000);

	init(f, 1280);
	assert_int_equal(weir_addr_add(f->s, &our6, 64), WEIR_EXISTS);
	stk_connect(f, &t);
	assert_true(f->seg.opts.has_mss);
	assert_int_equal(f->seg.opts.mss, 1220);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_below),
		TEST(test_the_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
