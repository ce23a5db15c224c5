/* Records keep their time in 32 bits of milliseconds: callers that sleep for weeks. */
#include "fixture.h"

static const struct {
	const char *name;
	uint64_t seconds;
} sleeps[] = {
	{"a minute and a bit", 61},
	{"12 days", 12ull * 86400},
	{"30 days: more than half of 32 bits", 30ull * 86400},
	{"50 days: all of them", 50ull * 86400},
	{"a year", 366ull * 86400},
};

static void run(struct stk *f)
{
	struct weir_packet p;

	while (weir_output(f->s, &p, f->now))
		;
}

static void test_half_open_ends(void **state)
{
	struct stk *f = *state;
	struct weir_listen_args args = {.local = {.addr = our4, .port = PORT}};
	struct weir_tuple t = stk_peer(4, 9, 4000);
	struct weir_usage usage;
	weir_listener l;

	f->cfg.half_retries = 0;
	for (size_t i = 0; i < LENGTH(sleeps); i++) {
		stk_start(f);
		assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
		stk_in(f, &t, (struct tcp_seg){.seq = {PEER_ISN}, .flags = TCP_SYN, .wnd = 1000});
		run(f);
		weir_stack_usage(f->s, &usage);
		assert_int_equal(usage.halfs, 1);
		f->now += sleeps[i].seconds * 1000 * NS_PER_MS;
		run(f);
		weir_stack_usage(f->s, &usage);
		if (usage.halfs)
			print_error("after %s\n", sleeps[i].name);
		assert_int_equal(usage.halfs, 0);
		assert_int_equal(weir_counter_get(f->s, WEIR_CTR_HALF_EXPIRED), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_half_open_ends)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
