/*
 * Theory of operation
 *
 * One connection, one direction. A round: the sender's application fills the send buffer, up to
 * `batch` packets are carried, the receiver's application reads what there is, and all of its
 * acknowledgements are carried back, as a loop does that takes in a batch of frames before it
 * sends. A round takes a microsecond of virtual time.
 *
 * The applications do what applications do: one copies bytes in, the other looks at each byte that
 * comes out, and compares it with what was sent.
 */
#include "bench.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"

#define PERIOD      4093u  /* of the bytes sent: a prime, so that a shift of any kind shows */
#define WRITE_MAX   16384u /* bytes of one write */
#define SPANS_MAX   32u
#define ROUND_NS    1000u
#define STALLED_MAX 1000u  /* rounds without a packet: more than all timers that could be due */
#define WARM_UP     20000u /* segments: the window has opened, the pages were all touched */

struct bulk {
	struct bench_pair pair;
	uint8_t pattern[PERIOD + WRITE_MAX];
	uint64_t written, read; /* bytes */
	unsigned idle;          /* rounds without a packet */
	bool broken;            /* a byte was wrong */
};

static void fill(struct bulk *b)
{
	struct bench_end *e = &b->pair.end[0];
	size_t taken;

	while (weir_send(e->stack, e->conn, b->pattern + b->written % PERIOD, WRITE_MAX, 0, &taken,
			 b->pair.now) == WEIR_OK)
		b->written += taken;
}

static void drain(struct bulk *b)
{
	struct bench_end *e = &b->pair.end[1];
	struct weir_span span[SPANS_MAX];
	size_t count, bytes;

	while (weir_recv_peek(e->stack, e->conn, span, SPANS_MAX, &count, &bytes) == WEIR_OK) {
		for (size_t i = 0; i < count; i++) {
			for (size_t at = 0, n; at < span[i].len; at += n) {
				const uint8_t *want = b->pattern + b->read % PERIOD;

				n = span[i].len - at < WRITE_MAX ? span[i].len - at : WRITE_MAX;
				b->broken |= memcmp(span[i].bytes + at, want, n) != 0;
				b->read += n;
			}
		}
		weir_recv_consume(e->stack, e->conn, bytes, b->pair.now);
	}
}

/* false: nothing moves any more, or what came was wrong. */
static bool run_round(struct bulk *b, unsigned batch)
{
	fill(b);
	b->idle = bench_pair_carry(&b->pair, 0, batch) > 0 ? 0 : b->idle + 1;
	drain(b);
	bench_pair_carry(&b->pair, 1, UINT32_MAX);
	bench_pair_events(&b->pair, 0);
	bench_pair_events(&b->pair, 1);
	b->pair.now += ROUND_NS;
	if (b->idle > 0)
		bench_pair_jump(&b->pair);
	return !b->broken && b->idle < STALLED_MAX;
}

static bool send_segments(struct bulk *b, const struct bench_options *o,
			  const struct bench_clock *c)
{
	uint64_t since = b->pair.end[0].data_out;
	uint64_t n;

	while ((n = bench_clock_next(c, b->pair.end[0].data_out - since, o->batch)) > 0)
		if (!run_round(b, (unsigned)n))
			return false;
	return true;
}

static int report(const struct bulk *b, const struct bench_options *o, const struct bench_clock *c,
		  const struct bulk *before)
{
	uint64_t bytes = b->read - before->read;
	uint64_t segments = b->pair.end[0].data_out - before->pair.end[0].data_out;
	uint64_t acks = b->pair.end[1].packets_out - before->pair.end[1].packets_out;
	double gbit_s = 8.0 * bench_clock_rate(c, bytes) / 1e9;
	double each = bench_clock_each(c, segments);
	struct weir_info info;
	json_t *j;

	if (weir_conn_info(b->pair.end[0].stack, b->pair.end[0].conn, &info) != WEIR_OK)
		return bench_fail("bulk: the connection has ended");
	j = json_pack("{s:s, s:f, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:f}", "bench", "bulk",
		      "gbit_s", gbit_s, "segments", (json_int_t)segments, "ns_per_segment", each,
		      "retransmits", (json_int_t)info.retransmits, "acks", (json_int_t)acks,
		      "segment_bytes", (json_int_t)info.mss_bytes, "batch", (json_int_t)o->batch,
		      "bytes", (json_int_t)bytes, "cpu_s", (double)c->cpu_ns / 1e9);
	return bench_report(o, j,
			    "bulk: %.1f Gbit/s, %.0f ns a segment of %" PRIu32 " bytes; %" PRIu64
			    " segments, %" PRIu64 " ACKs, %" PRIu32 " retransmits",
			    gbit_s, each, info.mss_bytes, segments, acks, info.retransmits);
}

int bench_bulk(const struct bench_options *o)
{
	static struct bulk b, before;
	struct bench_clock warm_up = {.count = WARM_UP}, c;
	struct weir_config cfg;
	int status;

	bench_config(&cfg);
	cfg.link_mtu = o->segment + 40;
	cfg.pages_max = 4096;
	cfg.ranges_max = 1024;
	status = bench_config_finish(&cfg, o);
	if (status == CLI_EXIT_OK)
		status = bench_pair_open(&b.pair, &cfg);
	if (status != CLI_EXIT_OK)
		return status;
	for (size_t i = 0; i < sizeof(b.pattern); i++)
		b.pattern[i] = (uint8_t)(bench_mix(i % PERIOD) >> 56);
	if (!bench_pair_connect(&b.pair))
		return bench_fail("bulk: the two stacks do not connect");
	if (!send_segments(&b, o, &warm_up))
		return bench_fail("bulk: the stream has stopped or is damaged");
	before = b;
	bench_clock_init(&c, o);
	bench_clock_run(&c);
	if (!send_segments(&b, o, &c))
		return bench_fail("bulk: the stream has stopped or is damaged");
	bench_clock_pause(&c);
	status = report(&b, o, &c, &before);
	bench_pair_close(&b.pair);
	return status;
}
