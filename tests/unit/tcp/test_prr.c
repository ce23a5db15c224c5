/* Proportional rate reduction: the formulas of RFC 9937 6.2. */
#include "fixture.h"

#include "tcp/prr.h"

static void test_formulas(void **state)
{
	/* target 5,000, RecoverFS 10,000 */
	static const struct {
		const char *what;
		uint32_t delivered_before, out, delivered, pipe;
		enum prr_ack safe;
		uint32_t cwnd;
	} rows[] = {
		{"the first goes (RFC9937-05)", 0, 0, 1000, 9000, PRR_NOT_SAFE, 10000},
		{"in proportion (-03)", 1000, 1000, 1000, 8000, PRR_SAFE, 8000},
		{"in proportion, rounded up", 2001, 1000, 1000, 8000, PRR_SAFE, 8501},
		{"more went than should", 1000, 5000, 1000, 8000, PRR_SAFE, 8000},
		{"as much as arrives", 4000, 4000, 1000, 3000, PRR_NOT_SAFE, 4000},
		{"and one more if safe (-04)", 4000, 4000, 1000, 3000, PRR_SAFE, 5000},
		{"what was not sent before", 4000, 2000, 1000, 1000, PRR_NOT_SAFE, 4000},
		{"never beyond the target", 4000, 4000, 3000, 4000, PRR_SAFE, 5000},
		{"at the target", 4000, 4000, 1000, 5000, PRR_SAFE, 5000},
	};
	(void)state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct prr p;
		uint32_t cwnd;

		prr_begin(&p, 10000);
		p.delivered = rows[i].delivered_before;
		prr_sent(&p, rows[i].out);
		cwnd = prr_acked(&p, rows[i].delivered, rows[i].safe, rows[i].pipe, 5000, 1000);
		if (cwnd != rows[i].cwnd)
			fail_msg("%s: %u, not %u", rows[i].what, cwnd, rows[i].cwnd);
	}
}

static void test_nothing_was_out(void **state)
{
	struct prr p;

	(void)state;
	prr_begin(&p, 0); /* no division by zero */
	assert_true(prr_acked(&p, 1000, PRR_SAFE, 6000, 5000, 1000) >= 6000);
}

/* Over a whole round trip of n segments, of which one is lost, half of them go. */
static void test_a_round_trip(void **state)
{
	struct prr p;
	uint32_t sent = 0, pipe = 19000;

	(void)state;
	prr_begin(&p, 20000);
	for (unsigned i = 0; i < 19; i++) {
		uint32_t cwnd;

		pipe -= i ? 1000 : 0;
		cwnd = prr_acked(&p, 1000, PRR_NOT_SAFE, pipe, 10000, 1000);
		while (pipe + 1000 <= cwnd) {
			pipe += 1000;
			sent++;
			prr_sent(&p, 1000);
		}
	}
	assert_in_range(sent, 9, 10);
	assert_in_range(pipe, 9000, 11000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_nothing_was_out),
		cmocka_unit_test(test_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
