/*
 * theory.c: windows against the response functions of RFC 9438 and of Reno.
 *
 * Theory of operation
 *
 * A response function says how large the mean window is in steady state when every 1/p-th segment
 * is lost (RFC 9438 5, figures in segments and seconds):
 *
 *     Reno    sqrt(3 / (2 p))
 *     CUBIC   (C (3 + b) / (4 (1 - b)))^(1/4) RTT^(3/4) / p^(3/4), with b = 0.7 and C = 0.4,
 *             or Reno's where that is larger (its Reno-friendly region)
 *
 * Both are for losses at equal distances, which is what `lose_every` does. With losses by chance
 * and the same p, Reno's mean is 1.3098 / sqrt(p) (Ott, Kemperman and Mathis, 1996: the stationary
 * behaviour of ideal TCP congestion avoidance); for CUBIC there is no formula in the RFC, and the
 * ratio to the other one is only told.
 *
 * The formulas leave out the two round trips in which a loss is found and repaired, and the window
 * does not grow. With windows of a few segments these are a good part of all: of ten, at p = 1/100.
 * So what is below EVERY_LEAST is told only.
 *
 * The path has so large a rate that no queue forms: the round trip is what the plan says, and the
 * mean window is the goodput times the round trip. Counting begins after WARM cycles of 1/p
 * segments and lasts for CYCLES, by what the formula lets expect.
 */
#include <math.h>
#include <stdio.h>

#include "paths.h"

#define RATE        10000000000ull
#define WARM        15.0
#define CYCLES      30.0
#define CHANCE_MORE 6.0  /* chance needs more cycles for a mean */
#define OFF_MAX     15.0 /* percent */
#define EVERY_LEAST 300u

enum how { AT_DISTANCE, BY_CHANCE };

struct row {
	enum paths_cc cc;
	enum how how;
	unsigned rtt_ms;
	uint32_t every; /* 1/p */
};

static const struct row rows[] = {
	{PATHS_NEWRENO, AT_DISTANCE, 20, 100},    {PATHS_NEWRENO, AT_DISTANCE, 20, 300},
	{PATHS_NEWRENO, AT_DISTANCE, 20, 1000},   {PATHS_NEWRENO, AT_DISTANCE, 20, 10000},
	{PATHS_NEWRENO, AT_DISTANCE, 100, 100},   {PATHS_NEWRENO, AT_DISTANCE, 100, 1000},
	{PATHS_NEWRENO, AT_DISTANCE, 100, 10000}, {PATHS_NEWRENO, BY_CHANCE, 20, 100},
	{PATHS_NEWRENO, BY_CHANCE, 20, 1000},     {PATHS_NEWRENO, BY_CHANCE, 20, 10000},
	{PATHS_NEWRENO, BY_CHANCE, 100, 1000},    {PATHS_CUBIC, AT_DISTANCE, 20, 100},
	{PATHS_CUBIC, AT_DISTANCE, 100, 300},     {PATHS_CUBIC, AT_DISTANCE, 20, 1000},
	{PATHS_CUBIC, AT_DISTANCE, 20, 10000},    {PATHS_CUBIC, AT_DISTANCE, 100, 100},
	{PATHS_CUBIC, AT_DISTANCE, 100, 1000},    {PATHS_CUBIC, AT_DISTANCE, 100, 10000},
	{PATHS_CUBIC, AT_DISTANCE, 100, 100000},  {PATHS_CUBIC, BY_CHANCE, 100, 1000},
	{PATHS_CUBIC, BY_CHANCE, 100, 10000},
};

static double formula(const struct row *r)
{
	double p = 1.0 / r->every, rtt = r->rtt_ms / 1000.0, b = 0.7;
	double reno = sqrt(1.5 / p), cubic;

	if (r->cc == PATHS_NEWRENO)
		return r->how == BY_CHANCE ? 1.3098 / sqrt(p) : reno;
	cubic = pow(0.4 * (3 + b) / (4 * (1 - b)), 0.25) * pow(rtt, 0.75) / pow(p, 0.75);
	return cubic > reno ? cubic : reno;
}

static double measure(const struct row *r)
{
	static struct dumbbell_plan p;
	double cycle_s = r->every / formula(r) * r->rtt_ms / 1000.0;
	double cycles = r->how == BY_CHANCE ? CHANCE_MORE * CYCLES : CYCLES;
	struct dumbbell *d;
	double window;

	dumbbell_plan_init(&p, 1, RATE, r->rtt_ms * NS_PER_MS, 0);
	if (r->how == BY_CHANCE)
		p.forth.loss_ppm = 1000000 / r->every;
	else
		p.lose_every = r->every;
	p.warmup_ns = (uint64_t)(WARM * cycle_s * 1e9);
	p.run_ns = p.warmup_ns + (uint64_t)(cycles * cycle_s * 1e9);
	dumbbell_flow_set(dumbbell_plan_bulk(&p), "cc", r->cc);
	d = dumbbell_new(&p);
	dumbbell_run(d);
	window = (double)dumbbell_goodput(d, 0) * r->rtt_ms / 1000.0 / MSS;
	dumbbell_free(d);
	return window;
}

unsigned paths_theory(void)
{
	unsigned failures = 0;

	printf("Mean window in steady state, in segments, against the response functions of Reno "
	       "and CUBIC\n(RFC 9438 5); ! marks what is more than %.0f %% off.\n\n"
	       "            loss                RTT   formula  measured    off\n",
	       OFF_MAX);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		double want = formula(r), got = measure(r), off = 100 * (got / want - 1);
		bool judged = (r->cc == PATHS_NEWRENO || r->how == AT_DISTANCE) &&
			      r->every >= EVERY_LEAST;
		bool bad = judged && fabs(off) > OFF_MAX;

		printf("  %-8s  1 in %-6u %s  %3u ms  %8.1f  %8.1f  %+5.1f%s\n",
		       paths_cc_name[r->cc], r->every, r->how == BY_CHANCE ? "chance" : "      ",
		       r->rtt_ms, want, got, off,
		       bad      ? " !"
		       : judged ? ""
				: " (told only)");
		failures += bad;
	}
	return failures;
}
