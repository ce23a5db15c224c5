/*
 * run.c: one path from the command line, for looking at one cell of a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "paths.h"

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

struct command {
	double rate_mbit, rtt_ms, queue_kb, seconds, warmup_s, loss_pct, reorder_pct, hold_ms,
		dup_pct;
	double jitter_ms, ack_jitter_ms, burst_pct, burst_mean, short_kb, gap_ms, sample_ms, seed,
		lose_every, flows, spread_ms, mark_kb, codel;
	struct dumbbell_setting set[DUMBBELL_SETTINGS_MAX];
	unsigned sets;
	bool series, counters;
	const char *svg; /* file; NULL: no picture */
};

static const struct {
	const char *name;
	size_t at;
	const char *text;
} rows[] = {
#define ROW(field, text) \
	{ \
#field, offsetof(struct command, field), text \
	}
	ROW(rate_mbit, "of the bottleneck (50)"),
	ROW(rtt_ms, "without queueing (20)"),
	ROW(queue_kb, "of the bottleneck (0: one round trip, at least 64 KB)"),
	ROW(seconds, "of virtual time (20)"),
	ROW(warmup_s, "not counted (0)"),
	ROW(loss_pct, "by chance"),
	ROW(burst_pct, "a run of losses begins"),
	ROW(burst_mean, "packets of such a run, on the average (3)"),
	ROW(lose_every, "every n-th segment with data is lost"),
	ROW(reorder_pct, "held back, by hold_ms"),
	ROW(hold_ms, "(an eighth of the round trip)"),
	ROW(dup_pct, "delivered twice"),
	ROW(jitter_ms, "without reordering"),
	ROW(ack_jitter_ms, "of the way back"),
	ROW(mark_kb, "more than this in the queue: ECN marks"),
	ROW(codel, "1: CoDel"),
	ROW(flows, "(1)"),
	ROW(short_kb, "transfers of this size, one after another, in place of a stream"),
	ROW(gap_ms, "between two of them (0)"),
	ROW(spread_ms, "flow i starts i times this after the first (100)"),
	ROW(sample_ms, "between samples (100)"),
	ROW(seed, "(1)"),
#undef ROW
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int print_usage(FILE *out, int status)
{
	fprintf(out, "usage: weir-paths run [NAME=NUMBER...] [+SETTING=NUMBER...] [WORD...]\n\n");
	for (unsigned i = 0; i < ROWS; i++)
		fprintf(out, "  %-12s %s\n", rows[i].name, rows[i].text);
	fprintf(out, "  +SETTING     a row of weir-tables(7), for both ends of all flows: +cc=2\n"
		     "  series       print all samples\n"
		     "  counters     print what the engines have counted\n"
		     "  svg=FILE     draw the first flow\n");
	return status;
}

static bool take_setting(struct command *c, const char *name, uint64_t value)
{
	struct weir_config any;

	weir_config_default(&any);
	if (c->sets == DUMBBELL_SETTINGS_MAX || weir_config_set(&any, name, value) != 0)
		return false;
	c->set[c->sets++] = (struct dumbbell_setting){.name = name, .value = value};
	return true;
}

static bool take(struct command *c, char *word)
{
	char *eq = strchr(word, '='), *end;
	double value;

	if (strcmp(word, "series") == 0)
		return c->series = true;
	if (strcmp(word, "counters") == 0)
		return c->counters = true;
	if (strncmp(word, "svg=", 4) == 0) {
		c->svg = word + 4;
		return true;
	}
	if (eq == NULL)
		return false;
	value = strtod(eq + 1, &end);
	if (end == eq + 1 || *end != '\0' || value < 0)
		return false;
	*eq = '\0';
	if (word[0] == '+')
		return take_setting(c, word + 1, (uint64_t)value);
	for (unsigned i = 0; i < ROWS; i++) {
		if (strcmp(word, rows[i].name) == 0) {
			*(double *)(void *)((char *)c + rows[i].at) = value;
			return true;
		}
	}
	return false;
}

static void make_plan(const struct command *c, struct dumbbell_plan *p)
{
	dumbbell_plan_init(p, (uint64_t)c->seed, (uint64_t)(c->rate_mbit * 1e6),
			   (uint64_t)(c->rtt_ms * 1e6), (uint64_t)(c->queue_kb * 1e3));
	p->run_ns = (uint64_t)(c->seconds * 1e9);
	p->warmup_ns = (uint64_t)(c->warmup_s * 1e9);
	p->sample_ns = (uint64_t)(c->sample_ms * 1e6);
	p->lose_every = (uint32_t)c->lose_every;
	p->forth.loss_ppm = (uint32_t)(c->loss_pct * 1e4);
	p->forth.reorder_ppm = (uint32_t)(c->reorder_pct * 1e4);
	p->forth.hold_ns = (uint64_t)((c->hold_ms > 0 ? c->hold_ms : c->rtt_ms / 8) * 1e6);
	p->forth.burst_enter_ppm = (uint32_t)(c->burst_pct * 1e4);
	p->forth.burst_leave_ppm = (uint32_t)(1e6 / c->burst_mean);
	p->forth.dup_ppm = (uint32_t)(c->dup_pct * 1e4);
	p->forth.jitter_ns = (uint64_t)(c->jitter_ms * 1e6);
	p->back.jitter_ns = (uint64_t)(c->ack_jitter_ms * 1e6);
	p->forth.mark_bytes = (uint64_t)(c->mark_kb * 1e3);
	p->forth.aqm = c->codel > 0 ? WEIR_IMPAIR_AQM_CODEL : WEIR_IMPAIR_AQM_NONE;
	p->forth.codel_answer = WEIR_IMPAIR_ANSWER_MARK;
	for (unsigned i = 0; i < (unsigned)c->flows; i++) {
		struct dumbbell_flow_plan *f = dumbbell_plan_bulk(p);

		if (c->short_kb > 0) {
			f->app = DUMBBELL_SHORT;
			f->bytes = (uint64_t)(c->short_kb * 1e3);
			f->gap_ns = (uint64_t)(c->gap_ms * 1e6);
		}
		f->start_ns = (uint64_t)(c->spread_ms * 1e6) * i;
		memcpy(f->set, c->set, sizeof(f->set));
	}
}

static void print_series(const struct dumbbell_flow *f)
{
	printf("      time     cwnd ssthresh     pipe     rwnd     srtt    queue   got\n"
	       "         s  segment  segment  segment       KB       ms       KB    KB\n");
	for (unsigned i = 0; i < f->sample_count; i++) {
		const struct dumbbell_sample *s = &f->sample[i];

		printf("  %8.3f %8.1f %8.1f %8.1f %8.1f %8.2f %8.1f %8.1f\n", (double)s->at / 1e9,
		       (double)s->cwnd / MSS, (double)s->ssthresh / MSS, (double)s->pipe / MSS,
		       s->rwnd / 1e3, (double)s->srtt_ns / 1e6, (double)s->queue_bytes / 1e3,
		       (double)s->got_bytes / 1e3);
	}
}

static void print_counters(const struct dumbbell_flow *f)
{
	printf("      sender   receiver  counter\n");
	for (unsigned i = 0; i < WEIR_CTR_COUNT; i++) {
		enum weir_counter n = (enum weir_counter)i;
		uint64_t s = weir_counter_get(f->node[DUMBBELL_SENDER].stack, n);
		uint64_t r = weir_counter_get(f->node[DUMBBELL_RECEIVER].stack, n);

		if (s != 0 || r != 0)
			printf("  %10lu %10lu  %s\n", (unsigned long)s, (unsigned long)r,
			       weir_counter_name(n));
	}
}

static void print_flow(const struct command *c, const struct dumbbell *d, unsigned i)
{
	const struct dumbbell_flow *f = &d->flow[i];

	if (c->series)
		print_series(f);
	if (c->counters)
		print_counters(f);
	printf("flow %u: %.3f Mbit/s, %lu segments, %lu again, %lu of them for nothing, %lu lost, "
	       "srtt %.2f to %.2f ms, mean %.2f\n",
	       i, (double)dumbbell_goodput(d, i) * 8 / 1e6, (unsigned long)f->n.segments,
	       (unsigned long)f->n.retransmitted, (unsigned long)f->n.needless,
	       (unsigned long)f->n.lost, (double)f->n.srtt_min_ns / 1e6,
	       (double)f->n.srtt_max_ns / 1e6, (double)dumbbell_srtt_mean(f) / 1e6);
	if (c->short_kb > 0)
		printf("        %u transfers, half of them within %.3f ms\n", f->done_count,
		       (double)dumbbell_done_median(f) / 1e6);
	if (f->failures > 0)
		printf("        %u connections failed\n", f->failures);
}

static void print_path(const struct dumbbell *d, double took)
{
	const struct weir_impair_stats *s = weir_impair_stats(d->way[DUMBBELL_SENDER]);

	printf("path: %lu packets, lost %lu by chance, %lu by a full queue, %lu by CoDel; marked "
	       "%lu; overtaken %lu\n",
	       (unsigned long)s->packets, (unsigned long)s->verdicts[WEIR_IMPAIR_LOST],
	       (unsigned long)s->verdicts[WEIR_IMPAIR_QUEUE_FULL], (unsigned long)s->codel_drops,
	       (unsigned long)(s->marks_codel + s->marks_queue), (unsigned long)s->late);
	printf("queue: at most %.1f KB, mean wait %.2f ms; Jain's index %.3f\n",
	       (double)s->queue_bytes_high / 1e3,
	       s->out_packets > 0 ? (double)s->sojourn_sum_ns / (double)s->out_packets / 1e6 : 0,
	       dumbbell_jain(d, 0, d->plan.flows) / 1000.0);
	printf("speed: %.2f s for %.0f virtual s (%.0f a second), %.0f ns a packet\n", took,
	       (double)d->stepped_ns / 1e9, (double)d->stepped_ns / 1e9 / took,
	       took * 1e9 / (double)d->packets);
}

/* 0: go on; otherwise *status is the program's. */
static int read_command(struct command *c, int argc, char **argv, int *status)
{
	for (int i = 1; i < argc; i++) {
		bool help = strcmp(argv[i], "--help") == 0;

		if (help || !take(c, argv[i])) {
			*status = help ? print_usage(stdout, 0) : print_usage(stderr, STATUS_USAGE);
			return -1;
		}
	}
	if (c->flows >= 1 && c->flows <= DUMBBELL_FLOWS_MAX)
		return 0;
	*status = print_usage(stderr, STATUS_USAGE);
	return -1;
}

int paths_run(int argc, char **argv)
{
	struct command c = {.rate_mbit = 50, .rtt_ms = 20, .seconds = 20, .flows = 1, .seed = 1};
	static struct dumbbell_plan p;
	struct paths_drawing drawing;
	struct dumbbell *d;
	clock_t begun;
	int status = 0;

	c.spread_ms = c.sample_ms = 100;
	c.burst_mean = 3;
	if (read_command(&c, argc, argv, &status) != 0)
		return status;
	make_plan(&c, &p);
	if (c.svg != NULL)
		paths_draw_begin(&drawing, &p);
	begun = clock();
	d = dumbbell_new(&p);
	dumbbell_run(d);
	for (unsigned i = 0; i < p.flows; i++)
		print_flow(&c, d, i);
	print_path(d, (double)(clock() - begun) / CLOCKS_PER_SEC);
	if (c.svg != NULL && paths_draw_end(&drawing, &d->flow[0], c.svg) != 0)
		status = STATUS_FAILED;
	dumbbell_free(d);
	return status;
}
