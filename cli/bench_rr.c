/*
 * bench_rr.c: one connection; a request, an answer of the same size, and so on.
 *
 * Both applications copy their bytes in and consume what comes out. The answer carries the
 * acknowledgement of the request, and the next request that of the answer.
 */
#include "bench.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"

#define SPANS_MAX   32u
#define CHUNK       256u  /* round trips between two looks at the clock */
#define ROUND_NS    1000u /* virtual time of one way */
#define STALLED_MAX 1000u /* turns without a byte */
#define WARM_UP     1000u /* round trips */

struct rr {
	struct bench_pair pair;
	uint8_t *message;
	size_t size;
};

static size_t read_all(struct bench_pair *p, unsigned end)
{
	struct bench_end *e = &p->end[end];
	struct weir_span span[SPANS_MAX];
	size_t count, bytes, got = 0;

	while (weir_recv_peek(e->stack, e->conn, span, SPANS_MAX, &count, &bytes) == WEIR_OK) {
		weir_recv_consume(e->stack, e->conn, bytes, p->now);
		got += bytes;
	}
	return got;
}

/* One message from `from` to the other. false: it does not arrive. */
static bool pass(struct rr *r, unsigned from)
{
	struct bench_pair *p = &r->pair;
	struct bench_end *e = &p->end[from];
	size_t sent = 0, got = 0, n;
	unsigned idle = 0;

	while (got < r->size && idle++ < STALLED_MAX) {
		if (sent < r->size && weir_send(e->stack, e->conn, r->message + sent,
						r->size - sent, 0, &n, p->now) == WEIR_OK)
			sent += n;
		bench_pair_carry(p, from, UINT32_MAX);
		p->now += ROUND_NS;
		bench_pair_events(p, 1 - from);
		n = read_all(p, 1 - from);
		got += n;
		if (n > 0)
			idle = 0;
		if (got < r->size && bench_pair_carry(p, 1 - from, UINT32_MAX) == 0 && n == 0)
			bench_pair_jump(p);
		bench_pair_events(p, from);
	}
	return got == r->size;
}

static bool round_trips(struct rr *r, const struct bench_clock *c, uint64_t *done)
{
	uint64_t n;

	for (*done = 0; (n = bench_clock_next(c, *done, CHUNK)) > 0; *done += n)
		for (uint64_t i = 0; i < n; i++)
			if (!pass(r, 0) || !pass(r, 1))
				return false;
	return true;
}

static int measure(struct rr *r, const struct bench_options *o)
{
	struct bench_clock warm_up = {.count = WARM_UP}, c;
	uint64_t done;
	double each;
	json_t *j;

	if (!bench_pair_connect(&r->pair))
		return bench_fail("rr: the two stacks do not connect");
	if (!round_trips(r, &warm_up, &done))
		return bench_fail("rr: a message does not arrive");
	bench_clock_init(&c, o);
	bench_clock_run(&c);
	if (!round_trips(r, &c, &done))
		return bench_fail("rr: a message does not arrive");
	bench_clock_pause(&c);
	each = bench_clock_each(&c, done);
	j = json_pack("{s:s, s:I, s:f, s:f, s:I, s:f}", "bench", "rr", "round_trips",
		      (json_int_t)done, "ns_each", each, "per_s", bench_clock_rate(&c, done),
		      "size", (json_int_t)r->size, "cpu_s", (double)c.cpu_ns / 1e9);
	return bench_report(
		o, j, "rr: %.0f ns a round trip of %zu bytes each way; %" PRIu64 " round trips",
		each, r->size, done);
}

int bench_rr(const struct bench_options *o)
{
	static uint8_t message[1048576];
	static struct rr r;
	struct weir_config cfg;
	int status;

	r.message = message;
	r.size = o->size < sizeof(message) ? (size_t)o->size : sizeof(message);
	memset(message, 'w', r.size);
	bench_config(&cfg);
	cfg.pages_max = 4096;
	cfg.ranges_max = 1024;
	status = bench_config_finish(&cfg, o);
	if (status == CLI_EXIT_OK)
		status = bench_pair_open(&r.pair, &cfg);
	if (status != CLI_EXIT_OK)
		return status;
	status = measure(&r, o);
	bench_pair_close(&r.pair);
	return status;
}
