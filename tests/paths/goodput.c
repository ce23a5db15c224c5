/*
 * goodput.c: what one flow carries, by loss, round trip and reordering.
 *
 * The path carries RATE, its queue one round trip of that (at least 64 KB). A reordered packet is
 * held back for an eighth of the round trip. Goodput is what the receiving application got in
 * RUN_S seconds from the SYN on, slow start included; each cell is the mean of SEEDS runs.
 */
#include <stdio.h>

#include "paths.h"

#define RATE  50000000ull
#define RUN_S 20ull
#define SEEDS 3u

static const uint32_t losses_ppm[] = {0, 100, 1000, 10000, 30000, 100000};
static const unsigned rtts_ms[] = {1, 20, 100, 300};
static const uint32_t reorders_ppm[] = {0, 10000, 50000};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define RTTS        COUNT(rtts_ms)

struct cell {
	uint64_t goodput; /* bytes a second */
	uint64_t segments, retransmitted, needless;
};

static void measure(struct cell *c, enum paths_cc cc, uint32_t loss_ppm, unsigned rtt_ms,
		    uint32_t reorder_ppm)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		static struct dumbbell_plan p;
		struct dumbbell *d;

		dumbbell_plan_init(&p, seed, RATE, rtt_ms * NS_PER_MS, 0);
		p.run_ns = RUN_S * NS_PER_S;
		p.forth.loss_ppm = loss_ppm;
		p.forth.reorder_ppm = reorder_ppm;
		p.forth.hold_ns = rtt_ms * NS_PER_MS / 8;
		dumbbell_flow_set(dumbbell_plan_bulk(&p), "cc", cc);
		d = dumbbell_new(&p);
		dumbbell_run(d);
		c->goodput += dumbbell_goodput(d, 0) / SEEDS;
		c->segments += d->flow[0].n.segments;
		c->retransmitted += d->flow[0].n.retransmitted;
		c->needless += d->flow[0].n.needless;
		dumbbell_free(d);
	}
}

static void print_row(uint32_t loss_ppm, const struct cell *row)
{
	printf("  %5.2f %% |", loss_ppm / 10000.0);
	for (unsigned i = 0; i < RTTS; i++)
		printf(" %7.2f", (double)row[i].goodput * 8 / 1e6);
	printf("  |");
	for (unsigned i = 0; i < RTTS; i++)
		printf(" %6.2f", 100.0 * (double)row[i].retransmitted / (double)row[i].segments);
	printf("  |");
	for (unsigned i = 0; i < RTTS; i++)
		printf(" %6.3f", 100.0 * (double)row[i].needless / (double)row[i].segments);
	putchar('\n');
}

static void print_head(void)
{
	printf("          | goodput, Mbit/s, by RTT        | sent again, %% of segments   "
	       "| ... for nothing, %%\n"
	       "     loss |");
	for (unsigned i = 0; i < RTTS; i++)
		printf(" %4u ms", rtts_ms[i]);
	printf("     |");
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < RTTS; i++)
			printf(" %6u", rtts_ms[i]);
		printf("%s", k == 0 ? "  |" : "\n");
	}
}

unsigned paths_goodput(enum paths_cc cc)
{
	printf("One flow of %s through %.0f Mbit/s with a queue of one round trip (at least "
	       "64 KB), %u s\nfrom its SYN on; mean of %u seeds. Reordered packets are held back "
	       "for an\neighth of the round trip.\n",
	       paths_cc_name[cc], RATE / 1e6, (unsigned)RUN_S, SEEDS);
	for (unsigned r = 0; r < COUNT(reorders_ppm); r++) {
		printf("\nreordered: %.0f %%\n\n", reorders_ppm[r] / 10000.0);
		print_head();
		for (unsigned l = 0; l < COUNT(losses_ppm); l++) {
			struct cell row[RTTS] = {{0}};

			for (unsigned i = 0; i < RTTS; i++)
				measure(&row[i], cc, losses_ppm[l], rtts_ms[i], reorders_ppm[r]);
			print_row(losses_ppm[l], row);
		}
	}
	return 0;
}
