/*
 * Theory of operation
 *
 * Connections whose keep-alive timers fire once a second, at moments that are spread over that
 * second, and whose peers do not answer. Virtual time goes on by a millisecond at a time. A firing
 * is all that the engine does for it: the timer is found due, the connection decides, the probe is
 * made, the timer is armed again.
 *
 * Before a peer that never answers is given up, all connections are made anew, and that is not
 * measured.
 */
#include "bench.h"

#include <inttypes.h>

#include "cli.h"

#define PERIOD_MS   1000u
#define PERIODS_MAX 250u /* of the 255 probes that a silent peer gets at most */
#define IDLE_MAX_MS (3 * PERIOD_MS)
#define NS_PER_MS   1000000u

struct timers {
	struct weir_stack *stack;
	struct bench_memory memory;
	struct weir_config cfg;
	uint64_t connections;
	weir_time now;
	weir_time remake_at;
};

/* false: a connection could not be made. */
static bool make_all(struct timers *t)
{
	struct bench_peer peer;
	weir_conn conn;

	bench_memory_free(&t->memory);
	t->stack = bench_stack_make(&t->memory, &t->cfg, t->now);
	if (t->stack == NULL || !bench_peer_init(&peer, t->stack, t->now))
		return false;
	for (uint64_t i = 0; i < t->connections; i++) {
		/* All are there before the first timer fires. */
		peer.now = t->now + i * (PERIOD_MS - 1) * NS_PER_MS / t->connections;
		if (!bench_peer_open(&peer, (uint32_t)i, &conn))
			return false;
	}
	t->now += (uint64_t)(PERIOD_MS - 1) * NS_PER_MS;
	t->remake_at = t->now + (uint64_t)PERIODS_MAX * PERIOD_MS * NS_PER_MS;
	return true;
}

/* false: nothing fires any more, or the connections could not be made again. */
static bool fire(struct timers *t, struct bench_clock *c, uint64_t *fired)
{
	struct weir_packet k;
	unsigned idle = 0; /* ms of virtual time in which nothing fired */

	for (*fired = 0; bench_clock_next(c, *fired, 1) > 0;) {
		if (t->now >= t->remake_at) {
			bench_clock_pause(c);
			if (!make_all(t))
				return false;
			bench_clock_run(c);
		}
		t->now += NS_PER_MS;
		for (idle++; weir_output(t->stack, &k, t->now); idle = 0)
			++*fired;
		if (idle > IDLE_MAX_MS)
			return false;
	}
	return true;
}

static int measure(struct timers *t, const struct bench_options *o)
{
	struct bench_clock c;
	uint64_t fired;
	double each;
	json_t *j;

	if (!make_all(t))
		return bench_fail("timers: %" PRIu64 " connections cannot be made", t->connections);
	bench_clock_init(&c, o);
	bench_clock_run(&c);
	if (!fire(t, &c, &fired))
		return bench_fail("timers: no timer fires any more");
	bench_clock_pause(&c);
	each = bench_clock_each(&c, fired);
	j = json_pack("{s:s, s:I, s:f, s:I, s:f, s:f}", "bench", "timers", "connections",
		      (json_int_t)t->connections, "ns_per_timer", each, "timers", (json_int_t)fired,
		      "per_s", bench_clock_rate(&c, fired), "cpu_s", (double)c.cpu_ns / 1e9);
	return bench_report(o, j,
			    "timers: %.0f ns for each that fires, its probe included; "
			    "%" PRIu64 " connections, %" PRIu64 " firings",
			    each, t->connections, fired);
}

int bench_timers(const struct bench_options *o)
{
	struct timers t = {.connections = o->connections, .now = 1000000000};
	int status;

	bench_config(&t.cfg);
	t.cfg.conns_max = o->connections;
	t.cfg.keepalive = 1;
	t.cfg.keep_idle_ms = PERIOD_MS;
	t.cfg.keep_interval_ms = PERIOD_MS;
	t.cfg.keep_count = 255;
	status = bench_config_finish(&t.cfg, o);
	if (status != CLI_EXIT_OK)
		return status;
	status = measure(&t, o);
	bench_memory_free(&t.memory);
	return status;
}
