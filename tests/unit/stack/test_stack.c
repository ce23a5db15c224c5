/*
 * A stack is carved from one block, or the caller is told why not.
 */
#include "fixture.h"

/* What the architecture promises about sizes; reasons are in its section on memory. */
_Static_assert(sizeof(struct conn) <= 1024, "a connection without its buffers");
_Static_assert(sizeof(struct half_slot) <= 64, "a half-open record");
_Static_assert(sizeof(struct half_slot) + sizeof(struct addr6_pair) <= 96, "with IPv6");
_Static_assert(sizeof(struct timewait_slot) <= 64, "a TIME-WAIT record");
_Static_assert(sizeof(struct timewait_slot) + sizeof(struct addr6_pair) <= 96, "with IPv6");
_Static_assert(offsetof(struct conn, next) == 0, "the link of its bucket");
_Static_assert(offsetof(struct half_slot, next) == 0, "the link of its bucket");
_Static_assert(offsetof(struct timewait_slot, next) == 0, "the link of its bucket");

static void test_errors(void **state)
{
	struct stk *f = *state;
	size_t need = weir_stack_bytes(&f->cfg);
	struct weir_config bad = f->cfg;
	struct weir_stack *s = NULL;
	uint8_t *mem = aligned_alloc(64, (need + 127) & ~(size_t)63);

	assert_true(need > 0);
	assert_int_equal(weir_stack_init(&s, mem, need - 1, &f->cfg, 0), WEIR_NO_MEMORY);
	assert_int_equal(weir_stack_init(&s, NULL, need, &f->cfg, 0), WEIR_NO_MEMORY);
	assert_int_equal(weir_stack_init(&s, mem + 8, need, &f->cfg, 0), WEIR_NO_MEMORY);
	assert_int_equal(weir_stack_init(&s, mem, 0, &f->cfg, 0), WEIR_NO_MEMORY);
	bad.conns_max = 0;
	assert_int_equal(weir_stack_bytes(&bad), 0);
	assert_int_equal(weir_stack_init(&s, mem, need, &bad, 0), WEIR_BAD_CONFIG);
	bad = f->cfg;
	bad.port_first = bad.port_last + 1;
	assert_int_equal(weir_stack_init(&s, mem, need, &bad, 0), WEIR_BAD_CONFIG);
	assert_null(s);
	assert_int_equal(weir_stack_init(&s, mem, need, &f->cfg, 0), WEIR_OK);
	assert_non_null(s);
	free(mem);
}

/* Every limit is paid for at the start, and nothing is in use. */
static void test_memory(void **state)
{
	struct stk *f = *state;
	struct weir_usage u;
	size_t base = weir_stack_bytes(&f->cfg);
	struct weir_config more = f->cfg;

	more.pages_max += 100;
	assert_int_equal(weir_stack_bytes(&more), base + 100 * WEIR_PAGE_BYTES);
	more = f->cfg;
	more.conns_max += 10;
	assert_true(weir_stack_bytes(&more) >= base + 10 * sizeof(struct conn));
	assert_true(weir_stack_bytes(&more) <= base + 10 * 1024 + 4096);
	stk_start(f);
	weir_stack_usage(f->s, &u);
	assert_int_equal(u.conns + u.halfs + u.timewaits + u.listeners + u.pages + u.ranges, 0);
	assert_null(weir_stack_check(f->s));
	assert_int_equal(weir_stack_config(f->s)->pages_max, 256);
	assert_true(weir_deadline(f->s, f->now) == WEIR_NEVER);
	assert_false(stk_out(f));
	stk_no_event(f);
}

static void test_counter_out_of_range(void **state)
{
	struct stk *f = *state;

	stk_start(f);
	assert_int_equal(weir_counter_get(f->s, WEIR_CTR_COUNT), 0);
	assert_int_equal(weir_counter_get(f->s, (enum weir_counter)1000000), 0);
}

/*
 * neg: RFC8200-03
 * req: RFC9293-MUST-15 RFC6691-01 RFC8200-02
 */
static void test_mss(void **state)
{
	static const struct {
		uint64_t mtu;
		uint16_t mss4, mss6;
	} rows[] = {{1500, 1460, 1440}, {65535, 65495, 65475}, {68, 28, 8}, {1280, 1240, 1220}};
	struct stk *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		f->cfg.link_mtu = rows[i].mtu;
		stk_start(f);
		assert_int_equal(stack_mss_local(f->s, 4), rows[i].mss4);
		assert_int_equal(stack_mss_local(f->s, 6), rows[i].mss6);
	}
	assert_int_equal(stack_mss_default(4), 536);
	assert_int_equal(stack_mss_default(6), 1220);
}

static void test_time_never_goes_back(void **state)
{
	struct stk *f = *state;
	weir_time at = f->now;

	stk_start(f);
	assert_int_equal(stack_clock(f->s, at + 5), at + 5);
	assert_int_equal(stack_clock(f->s, at), at + 5);
}

/* The same bytes and times in, the same bytes out. */
static void test_deterministic(void **state)
{
	struct stk *f = *state;
	uint8_t first[3][100];
	size_t len[3];

	for (unsigned run = 0; run < 2; run++) {
		struct weir_tuple t = stk_peer(4, 9, 999);

		stk_start(f);
		stk_listen(f, WEIR_ACCEPT_EARLY, 0);
		stk_syn(f, &t);
		assert_true(stk_out(f));
		for (unsigned i = 0; i < 3; i++) {
			if (i) {
				struct weir_tuple to = stk_peer(i == 1 ? 4 : 6, 7, 80);

				stk_connect(f, &to);
			}
			if (run)
				assert_memory_equal(first[i], f->bytes, len[i]);
			len[i] = f->len;
			memcpy(first[i], f->bytes, f->len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_errors),
		TEST(test_memory),
		TEST(test_counter_out_of_range),
		TEST(test_mss),
		TEST(test_time_never_goes_back),
		TEST(test_deterministic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
