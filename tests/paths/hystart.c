/*
 * hystart.c: whether slow start ends before the queue is full.
 *
 * HyStart++ (RFC 9406) sees the queue when a round's least RTT has grown by 4 ms at least, of the
 * shortest round trip here a fifth. A round's ACKs tell of what was sent in the round before, so
 * the window may be four times what made it so long by then; and it goes on for five rounds with a
 * quarter of the growth, which make three times as much of it: 4 * 1.2 * 1.25^5 = 14.6 times rate
 * times round trip. So it ends before loss where the queue is deeper, which is what it is for:
 * there a doubling window runs on. A queue of one round trip is overrun by it; there slow start is
 * to end by ACK trains, at about 1.5 times rate times round trip, before anything is lost. (What is
 * lost later, when the window has grown by a twentieth a round trip, is another matter.)
 *
 * Losses are counted until some round trips after the end of slow start, when what was lost at its
 * end is known.
 */
#include <stdio.h>
#include <string.h>

#include "paths.h"

#define DEEP  16u /* round trips of the rate */
#define SHORT 1u
#define LONG  120u /* round trips, of the empty path: full, they last far longer */
#define LATER 10u
#define SOON  3u

struct slow {
	uint64_t rate_bps;
	unsigned rtt_ms;
};

static const struct slow slows[] = {
	{10000000, 20}, {20000000, 20}, {50000000, 20}, {10000000, 100}, {20000000, 60},
};

struct end {
	uint64_t lost;
	double rtts; /* round trips of the empty path until slow start ended; 0: it did not */
	double bdps; /* its window then, in rate times round trip */
};

static struct dumbbell *run_for(const struct slow *s, unsigned queue, enum paths_cc cc,
				uint64_t hystart, uint64_t run_ns)
{
	static struct dumbbell_plan p;
	struct dumbbell *d;

	dumbbell_plan_init(&p, 1, s->rate_bps, s->rtt_ms * NS_PER_MS,
			   queue * s->rate_bps / 8 * s->rtt_ms / 1000);
	p.run_ns = run_ns;
	p.sample_ns = NS_PER_MS;
	dumbbell_flow_set(dumbbell_plan_bulk(&p), "cc", cc);
	dumbbell_flow_set(&p.flow[0], "hystart", hystart);
	d = dumbbell_new(&p);
	dumbbell_run(d);
	return d;
}

static void measure(const struct slow *s, unsigned queue, enum paths_cc cc, uint64_t hystart,
		    unsigned later, struct end *out)
{
	double bdp = (double)s->rate_bps / 8 * s->rtt_ms / 1000;
	uint64_t rtt_ns = s->rtt_ms * NS_PER_MS, at = 0;
	struct dumbbell *d = run_for(s, queue, cc, hystart, LONG * rtt_ns);
	const struct dumbbell_flow *f = &d->flow[0];

	memset(out, 0, sizeof(*out));
	for (unsigned i = 1; i < f->sample_count && at == 0; i++) {
		if (f->sample[i].cwnd != 0 && f->sample[i].ssthresh < UINT32_MAX / 4) {
			at = f->sample[i].at;
			out->bdps = f->sample[i - 1].cwnd / bdp;
			out->rtts = (double)at / (double)rtt_ns;
		}
	}
	dumbbell_free(d);
	d = run_for(s, queue, cc, hystart, at != 0 ? at + later * rtt_ns : LONG * rtt_ns);
	out->lost = d->flow[0].n.lost;
	dumbbell_free(d);
}

static unsigned print_row(const struct slow *s, unsigned queue, enum paths_cc cc)
{
	struct end with, without;
	uint64_t hystart = queue == DEEP ? 1 : 2;
	unsigned later = queue == DEEP ? LATER : SOON;
	bool bad;

	measure(s, queue, cc, hystart, later, &with);
	measure(s, queue, cc, 0, LATER, &without);
	bad = (with.lost > 0 || with.rtts == 0 || without.lost == 0);
	printf("  %-8s  %4.0f Mbit/s  %3u ms  %6u  %11lu  %6.1f  %5.0f  %14lu  %6.1f  %5.0f%s\n",
	       paths_cc_name[cc], (double)s->rate_bps / 1e6, s->rtt_ms, queue,
	       (unsigned long)with.lost, with.bdps, with.rtts, (unsigned long)without.lost,
	       without.bdps, without.rtts, bad ? " !" : "");
	return bad;
}

unsigned paths_hystart(void)
{
	unsigned failures = 0;

	printf("Slow start of one flow with HyStart++ (RFC 9406) and without: segments lost at "
	       "its end, its window\nthen in rate times round trip, and after how many round trips "
	       "of the empty path that was. Into a queue of\n%u round trips by delay only, into "
	       "one of %u by ACK trains, too; ! marks losses with it, and slow\nstarts that do "
	       "not end.\n\n"
	       "                                 queue   with: lost  window   time   "
	       "without: lost  window   time\n",
	       DEEP, SHORT);
	for (unsigned i = 0; i < sizeof(slows) / sizeof(slows[0]); i++)
		for (unsigned cc = PATHS_NEWRENO; cc <= PATHS_CUBIC; cc++)
			failures += print_row(&slows[i], DEEP, (enum paths_cc)cc);
	for (unsigned i = 0; i < sizeof(slows) / sizeof(slows[0]); i++)
		failures += print_row(&slows[i], SHORT, PATHS_CUBIC);
	return failures;
}
