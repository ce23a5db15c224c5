/*
 * bench_connect.c: one connection after the other: three segments to open, then each end closes,
 * the client first, and its record stays in TIME-WAIT for as long as it should.
 *
 * Virtual time goes on after each connection so far that TIMEWAITS records stay at any time: each
 * of them ends by its timer, and its port is used again.
 */
#include "bench.h"

#include <inttypes.h>

#include "cli.h"

#define TIMEWAITS 8192u /* of 28,232 ephemeral ports */
#define CHUNK     64u   /* connections between two looks at the clock */

static bool saw(const struct bench_pair *p, unsigned end, enum weir_event_kind kind)
{
	return (p->end[end].seen & 1u << kind) != 0;
}

/* Opens a connection and closes it. */
static bool one(struct bench_pair *p)
{
	if (!bench_pair_connect(p))
		return false;
	for (unsigned end = 0; end < 2; end++) {
		if (weir_close(p->end[end].stack, p->end[end].conn, p->now) != WEIR_OK)
			return false;
		bench_pair_settle(p, end);
		bench_pair_events(p, 0);
		bench_pair_events(p, 1);
	}
	return saw(p, 0, WEIR_EV_CLOSED) && saw(p, 1, WEIR_EV_CLOSED);
}

static bool connections(struct bench_pair *p, const struct bench_clock *c, weir_time gap,
			uint64_t *done)
{
	uint64_t n;

	for (*done = 0; (n = bench_clock_next(c, *done, CHUNK)) > 0; *done += n)
		for (uint64_t i = 0; i < n; i++, p->now += gap)
			if (!one(p))
				return false;
	return true;
}

static int measure(struct bench_pair *p, const struct bench_options *o, weir_time gap)
{
	struct bench_clock warm_up = {.count = TIMEWAITS + TIMEWAITS / 8}, c;
	struct weir_usage usage;
	uint64_t done;
	double each, per_s;
	json_t *j;

	if (!connections(p, &warm_up, gap, &done))
		return bench_fail("connect: a connection does not open or close");
	bench_clock_init(&c, o);
	bench_clock_run(&c);
	if (!connections(p, &c, gap, &done))
		return bench_fail("connect: a connection does not open or close");
	bench_clock_pause(&c);
	weir_stack_usage(p->end[0].stack, &usage);
	each = bench_clock_each(&c, done);
	per_s = bench_clock_rate(&c, done);
	j = json_pack("{s:s, s:I, s:f, s:f, s:I, s:f}", "bench", "connect", "connections",
		      (json_int_t)done, "per_s", per_s, "ns_each", each, "time_waits",
		      (json_int_t)usage.timewaits, "cpu_s", (double)c.cpu_ns / 1e9);
	return bench_report(o, j,
			    "connect: %.0f connections a second, %.0f ns each, opened and closed; "
			    "%" PRIu64 " connections, %" PRIu32 " in TIME-WAIT at any time",
			    per_s, each, done, usage.timewaits);
}

int bench_connect(const struct bench_options *o)
{
	static struct bench_pair p;
	struct weir_config cfg;
	int status;

	bench_config(&cfg);
	cfg.timewaits_max = 2 * TIMEWAITS;
	status = bench_config_finish(&cfg, o);
	if (status == CLI_EXIT_OK)
		status = bench_pair_open(&p, &cfg);
	if (status != CLI_EXIT_OK)
		return status;
	status = measure(&p, o, cfg.timewait_ms * 1000000 / TIMEWAITS + 1);
	bench_pair_close(&p);
	return status;
}
