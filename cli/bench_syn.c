/*
 * Theory of operation
 *
 * SYNs from random sources that never answer, made before the clock runs: whole frames with valid
 * checksums and the options of a Linux client. They are given in BURST at a time, then all output
 * is drained, and each SYN-ACK is held against the SYN that it must answer: address, port, and the
 * number that it acknowledges. What is not answered is counted as that.
 *
 * In cookie mode nothing is kept. In queue mode each SYN becomes a half-open record. So that each
 * can be answered, records end: SYN-ACKs are not repeated, a record ends after rto_initial_ms, and
 * virtual time goes on after each SYN so far that `half_open` records live at any time. What is
 * measured is then all of a record's life: made, found to be due, ended. The frames repeat after
 * twice as many, when a source's last record is long gone.
 */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli.h"

#define BURST 64u

struct syn_frame {
	uint8_t bytes[BENCH_FRAME_MAX];
	uint32_t src, seq;
	uint16_t port, len;
};

struct flood {
	struct weir_stack *stack;
	struct bench_memory memory;
	struct syn_frame *frames;
	uint64_t frame_count; /* a multiple of BURST */
	uint64_t next;        /* frame */
	weir_time now, gap;   /* gap: between two SYNs */
	uint64_t answered, strange;
};

/* Distinct sources in random order: multiplication by an odd number permutes the numbers below
 * 2^26, and there are that many addresses in 16.0.0.0/6. */
static void make_frames(struct flood *f)
{
	for (uint64_t i = 0; i < f->frame_count; i++) {
		struct syn_frame *s = &f->frames[i];
		uint64_t random = bench_mix(i);
		struct bench_segment g = {
			.src = 0x10000000u | ((uint32_t)i * 0x9e3779b1u & 0x03ffffffu),
			.dst = BENCH_SERVER_ADDR,
			.src_port = (uint16_t)(1024 + (random >> 48) % 64512),
			.dst_port = BENCH_PORT,
			.seq = (uint32_t)random,
			.flags = BENCH_SYN,
		};

		s->src = g.src;
		s->seq = g.seq;
		s->port = g.src_port;
		s->len = (uint16_t)bench_frame_write(s->bytes, &g, BENCH_OPTIONS_LINUX);
	}
}

static bool answers(const struct bench_segment *g, const struct syn_frame *s)
{
	return g->flags == (BENCH_SYN | BENCH_ACK) && g->ack == s->seq + 1 && g->dst == s->src &&
	       g->dst_port == s->port;
}

/* Reads all output; answers come in the order of the SYNs. */
static void count_answers(struct flood *f, const struct syn_frame *burst, uint64_t n)
{
	struct bench_segment g;
	struct weir_packet k;
	uint64_t at = 0;

	while (weir_output(f->stack, &k, f->now)) {
		uint64_t i = at;

		if (!bench_frame_read(&k, &g))
			i = n;
		while (i < n && !answers(&g, &burst[i]))
			i++;
		if (i < n) {
			f->answered++;
			at = i + 1;
		} else {
			f->strange++;
		}
	}
}

static void send_syns(struct flood *f, const struct bench_clock *c, uint64_t *done)
{
	uint64_t n;

	for (*done = 0; (n = bench_clock_next(c, *done, BURST)) > 0; *done += n) {
		struct syn_frame *burst = &f->frames[f->next];

		for (uint64_t i = 0; i < n; i++) {
			struct weir_frame in = {.bytes = burst[i].bytes, .len = burst[i].len};

			weir_input(f->stack, &in, f->now);
		}
		count_answers(f, burst, n);
		f->now += n * f->gap;
		f->next = f->next + BURST < f->frame_count ? f->next + BURST : 0;
	}
}

static int flood_open(struct flood *f, const struct bench_options *o, struct weir_config *cfg)
{
	struct bench_peer server;
	int status;

	bench_config(cfg);
	cfg->halfs_max = 2 * o->half_open + BURST;
	cfg->half_retries = 0;
	bench_config_try(cfg, "cookies", o->mode == BENCH_MODE_COOKIE ? 2 : 0);
	bench_config_try(cfg, "half_pressure_pct", 100);
	status = bench_config_finish(cfg, o);
	if (status != CLI_EXIT_OK)
		return status;
	f->frame_count = (2 * o->half_open + BURST - 1) / BURST * BURST;
	f->now = 1000000000;
	f->gap = cfg->rto_initial_ms * 1000000 / o->half_open + 1;
	f->frames = calloc(f->frame_count, sizeof(*f->frames));
	f->stack = bench_stack_make(&f->memory, cfg, f->now);
	if (f->frames == NULL || f->stack == NULL)
		return bench_fail("syn: no memory");
	if (!bench_peer_init(&server, f->stack, f->now))
		return bench_fail("syn: the engine refuses a listener");
	make_frames(f);
	return CLI_EXIT_OK;
}

static void flood_close(struct flood *f)
{
	free(f->frames);
	bench_memory_free(&f->memory);
}

static int measure(struct flood *f, const struct bench_options *o)
{
	const char *mode = o->mode == BENCH_MODE_COOKIE ? "cookie" : "queue";
	/* Until as many records end as are made. */
	struct bench_clock warm_up = {.count = o->half_open + o->half_open / 8 + BURST}, c;
	struct weir_usage usage;
	uint64_t syns, unanswered;
	double each, per_s;
	json_t *j;

	send_syns(f, &warm_up, &syns);
	f->answered = f->strange = 0;
	bench_clock_init(&c, o);
	bench_clock_run(&c);
	send_syns(f, &c, &syns);
	bench_clock_pause(&c);
	weir_stack_usage(f->stack, &usage);
	unanswered = syns - f->answered;
	each = bench_clock_each(&c, f->answered);
	per_s = bench_clock_rate(&c, f->answered);
	j = json_pack("{s:s, s:s, s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:f}", "bench", "syn", "mode",
		      mode, "syns", (json_int_t)syns, "per_s", per_s, "ns_each", each, "answered",
		      (json_int_t)f->answered, "unanswered", (json_int_t)unanswered, "other_output",
		      (json_int_t)f->strange, "half_open", (json_int_t)usage.halfs, "cpu_s",
		      (double)c.cpu_ns / 1e9);
	return bench_report(o, j,
			    "syn: %.2f million SYNs answered a second in %s mode, %.0f ns each; "
			    "%" PRIu64 " SYNs, %" PRIu64 " unanswered, %" PRIu32
			    " half-open records at any time",
			    per_s / 1e6, mode, each, syns, unanswered, usage.halfs);
}

int bench_syn(const struct bench_options *o)
{
	struct bench_options mine = *o;
	struct flood f = {0};
	struct weir_config cfg;
	int status;

	if (mine.mode == BENCH_MODE_COOKIE && !bench_config_has("cookies")) {
		cli_complain("bench", "--mode cookie: this build of the engine has no SYN cookies, "
				      "only --mode queue");
		return CLI_EXIT_BAD_USE;
	}
	if (mine.mode == BENCH_MODE_ANY)
		mine.mode = bench_config_has("cookies") ? BENCH_MODE_COOKIE : BENCH_MODE_QUEUE;
	status = flood_open(&f, &mine, &cfg);
	if (status == CLI_EXIT_OK)
		status = measure(&f, &mine);
	flood_close(&f);
	return status;
}
