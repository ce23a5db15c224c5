/*
 * fairness.c: how flows share a bottleneck (Jain's index), and whether slow start ends before the
 * queue is full.
 */
#include <stdio.h>
#include <string.h>

#include "paths.h"

#define JAIN_LEAST 950u /* thousandths, of flows of one kind */
#define RUN_S      120ull
#define WARM_S     20ull
#define RTT_MS     20u
#define FLOW_BPS   5000000ull /* of the rate, for each flow */
#define STAGGER_MS 500u

/* --- Sharing ------------------------------------------------------------------------------ */

struct share {
	enum paths_cc kind[2]; /* by turns */
	unsigned flows;
};

static const struct share shares[] = {
	{{PATHS_NEWRENO, PATHS_NEWRENO}, 2},  {{PATHS_NEWRENO, PATHS_NEWRENO}, 4},
	{{PATHS_NEWRENO, PATHS_NEWRENO}, 16}, {{PATHS_CUBIC, PATHS_CUBIC}, 2},
	{{PATHS_CUBIC, PATHS_CUBIC}, 4},      {{PATHS_CUBIC, PATHS_CUBIC}, 16},
	{{PATHS_BBR, PATHS_BBR}, 2},          {{PATHS_BBR, PATHS_BBR}, 4},
	{{PATHS_BBR, PATHS_BBR}, 16},         {{PATHS_CUBIC, PATHS_NEWRENO}, 4},
	{{PATHS_CUBIC, PATHS_BBR}, 4},        {{PATHS_NEWRENO, PATHS_BBR}, 4},
};

static struct dumbbell *run_share(const struct share *s)
{
	static struct dumbbell_plan p;
	struct dumbbell *d;

	dumbbell_plan_init(&p, 1, FLOW_BPS * s->flows, RTT_MS * NS_PER_MS, 0);
	p.run_ns = RUN_S * NS_PER_S;
	p.warmup_ns = WARM_S * NS_PER_S;
	for (unsigned i = 0; i < s->flows; i++) {
		struct dumbbell_flow_plan *f = dumbbell_plan_bulk(&p);

		f->start_ns = i * STAGGER_MS * NS_PER_MS;
		/* No two machines have the same round trip: without that all would move in step. */
		f->delay_ns = i * NS_PER_MS / 16;
		dumbbell_flow_set(f, "cc", s->kind[i % 2]);
	}
	d = dumbbell_new(&p);
	dumbbell_run(d);
	return d;
}

static uint64_t share_of(const struct dumbbell *d, unsigned first)
{
	uint64_t sum = 0;

	for (unsigned i = first; i < d->plan.flows; i += 2)
		sum += dumbbell_goodput(d, i);
	return sum;
}

static unsigned print_share(const struct share *s)
{
	struct dumbbell *d = run_share(s);
	bool mixed = s->kind[0] != s->kind[1];
	unsigned jain = dumbbell_jain(d, 0, s->flows);
	uint64_t first = share_of(d, 0), second = share_of(d, 1), all = first + second;
	bool bad = !mixed && jain < JAIN_LEAST;
	char who[64];

	snprintf(who, sizeof(who), "%u %s%s%s", s->flows, paths_cc_name[s->kind[0]],
		 mixed ? ", " : "", mixed ? paths_cc_name[s->kind[1]] : "");
	printf("  %-18s  %5.3f  %5.1f %%", who, jain / 1000.0,
	       (double)all * 8 * 100 / (double)(FLOW_BPS * s->flows));
	if (mixed)
		printf("  %.1f %% to %.1f %%", 100.0 * (double)first / (double)all,
		       100.0 * (double)second / (double)all);
	printf("%s\n", bad ? " !" : "");
	dumbbell_free(d);
	return bad;
}

unsigned paths_fairness(void)
{
	unsigned failures = 0;

	printf("Flows through one bottleneck of %.0f Mbit/s for each, %u ms, a queue of one round "
	       "trip, %u s after\n%u: Jain's index of their goodputs, goodput of all in percent of "
	       "the rate, and the shares of kinds\nthat are mixed (half of each); ! marks flows of "
	       "one kind below %.2f.\n\n",
	       FLOW_BPS / 1e6, RTT_MS, (unsigned)(RUN_S - WARM_S), (unsigned)WARM_S,
	       JAIN_LEAST / 1000.0);
	for (unsigned i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		failures += print_share(&shares[i]);
	return failures;
}

/* --- Slow start --------------------------------------------------------------------------- */

struct slow {
	uint64_t rate_bps;
	unsigned rtt_ms;
};

static const struct slow slows[] = {
	{10000000, 20}, {10000000, 100}, {50000000, 20}, {50000000, 100}, {100000000, 50},
};

struct end {
	uint64_t lost;
	uint32_t window; /* bytes, when slow start ended */
	weir_time at;
};

/* Slow start has ended when ssthresh is below the window, or at it. */
static void run_slow(const struct slow *s, enum paths_cc cc, uint64_t hystart, struct end *out)
{
	static struct dumbbell_plan p;
	struct dumbbell *d;
	const struct dumbbell_flow *f;

	dumbbell_plan_init(&p, 1, s->rate_bps, s->rtt_ms * NS_PER_MS, 0);
	p.run_ns = 20 * s->rtt_ms * NS_PER_MS; /* doubling has come to its end by then */
	p.sample_ns = NS_PER_MS;
	dumbbell_flow_set(dumbbell_plan_bulk(&p), "cc", cc);
	dumbbell_flow_set(&p.flow[0], "hystart", hystart);
	d = dumbbell_new(&p);
	dumbbell_run(d);
	f = &d->flow[0];
	memset(out, 0, sizeof(*out));
	out->lost = f->n.lost;
	for (unsigned i = 0; i < f->sample_count && out->at == 0; i++) {
		if (f->sample[i].cwnd != 0 && f->sample[i].ssthresh <= f->sample[i].cwnd) {
			out->at = f->sample[i].at;
			out->window = f->sample[i].cwnd;
		}
	}
	dumbbell_free(d);
}

unsigned paths_hystart(void)
{
	unsigned failures = 0;

	printf("Slow start of one flow into a queue of one round trip, with HyStart++ (RFC 9406) "
	       "and without:\nsegments lost in the first 20 round trips, and the window when it "
	       "ended, in "
	       "percent of rate times\nround trip; ! marks losses with HyStart++.\n\n"
	       "                                 with: lost  window   without: lost  window\n");
	for (unsigned i = 0; i < 2 * sizeof(slows) / sizeof(slows[0]); i++) {
		const struct slow *s = &slows[i / 2];
		enum paths_cc cc = i % 2 ? PATHS_CUBIC : PATHS_NEWRENO;
		double bdp = (double)s->rate_bps / 8 * s->rtt_ms / 1000;
		struct end with, without;

		run_slow(s, cc, 1, &with);
		run_slow(s, cc, 0, &without);
		printf("  %-8s  %4.0f Mbit/s  %3u ms  %12lu  %4.0f %%  %14lu  %4.0f %%%s\n",
		       paths_cc_name[cc], (double)s->rate_bps / 1e6, s->rtt_ms,
		       (unsigned long)with.lost, 100 * with.window / bdp,
		       (unsigned long)without.lost, 100 * without.window / bdp,
		       with.lost > 0 ? " !" : "");
		failures += with.lost > 0;
	}
	return failures;
}
