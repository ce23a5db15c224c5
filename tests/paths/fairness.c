/*
 * fairness.c: how flows share a bottleneck (Jain's index).
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
	/* Without any noise a full queue would drop the same flows' packets again and again (Floyd
	 * and Jacobson, 1992: on traffic phase effects). */
	p.back.jitter_ns = NS_PER_MS;
	for (unsigned i = 0; i < s->flows; i++) {
		struct dumbbell_flow_plan *f = dumbbell_plan_bulk(&p);

		f->start_ns = i * STAGGER_MS * NS_PER_MS;
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
