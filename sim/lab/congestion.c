/*
 * congestion.c: flows that share a bottleneck: throughput, window and fairness.
 *
 * Theory of operation
 *
 * FLOWS senders have a receiver each behind one bottleneck (sim/dumbbell): RATE_MIN to RATE_MAX
 * Mbit/s, a round trip of RTT_MIN to RTT_MAX ms, a queue of one round trip. They begin STAGGER_NS
 * apart, so that each of the later ones finds the path full and must be given room, and send all
 * they can for RUN_NS. What is told is counted from WARM_NS on, when all are there; what each flow
 * has from one sample to the next is its throughput over time.
 *
 * A variant is the congestion control of the flows (setting cc), or what the queue does. `mixed`
 * has one flow of each kind, in the order of the kinds, so that each run tells how they live with
 * each other. With `codel` the queue is kept short by CoDel (RFC 8289), whose drops come long
 * before it is full; with `ecn` it marks instead, and both ends of a flow agree on that.
 *
 * Jain's index (Jain, Chiu and Hawe, 1984) of n goodputs x is (sum x)^2 / (n sum x^2): 1 when all
 * have the same, 1/n when one has all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "sim/dumbbell/dumbbell.h"
#include "sim/lab/experiments.h"
#include "sim/lab/world.h"

#define FLOWS      3u
#define RATE_MIN   10u /* Mbit/s */
#define RATE_MAX   20u
#define RTT_MIN    20u /* ms */
#define RTT_MAX    60u
#define RUN_NS     (40 * LAB_SECOND)
#define WARM_NS    (15 * LAB_SECOND)
#define STAGGER_NS (4 * LAB_SECOND)
/* On the way back. Without any noise a full queue would drop the same flow's packets again and
 * again (Floyd and Jacobson, 1992: on traffic phase effects). */
#define JITTER_NS LAB_MS
#define SAMPLE_NS (50 * LAB_MS)
#define SMOOTH    10u              /* samples that make one point of throughput: half a second */
#define TELL_NS   (4 * LAB_SECOND) /* between two lines of the story */
#define RUNS      10u

enum { NEWRENO, CUBIC, BBR, KINDS }; /* values of the setting cc */
enum { ONE_KIND_NEWRENO, ONE_KIND_CUBIC, ONE_KIND_BBR, MIXED, CODEL, ECN, VARIANTS };
enum {
	USED,
	JAIN,
	RATE_NEWRENO,
	RATE_CUBIC,
	RATE_BBR,
	WAIT,
	SRTT,
	SEGMENTS,
	MARKED,
	LOST,
	AGAIN,
	NEEDLESS
};

static const char *const kind_name[KINDS] = {"newreno", "cubic", "bbr"};

static const struct lab_count counts[] = {
	[USED] = {"utilisation_pct",
		  LAB_MEAN,
		  {{"goodput of all flows, in percent of the bottleneck's rate (mean)",
		    "所有流的有效吞吐量占瓶颈带宽的百分比 (平均)"}}},
	[JAIN] = {"jain_index",
		  LAB_MEAN,
		  {{"Jain's index of the flows' goodputs: 1 is fair (mean)",
		    "各流吞吐量的 Jain 公平指数: 1 为公平 (平均)"}}},
	[RATE_NEWRENO] = {"newreno_mbit_s",
			  LAB_MEAN,
			  {{"goodput of a NewReno flow (mean, Mbit/s)",
			    "一个 NewReno 流的有效吞吐量 (平均, Mbit/s)"}}},
	[RATE_CUBIC] = {"cubic_mbit_s",
			LAB_MEAN,
			{{"goodput of a CUBIC flow (mean, Mbit/s)",
			  "一个 CUBIC 流的有效吞吐量 (平均, Mbit/s)"}}},
	[RATE_BBR] = {"bbr_mbit_s",
		      LAB_MEAN,
		      {{"goodput of a BBR flow (mean, Mbit/s)",
			"一个 BBR 流的有效吞吐量 (平均, Mbit/s)"}}},
	[WAIT] = {"queued_ms",
		  LAB_MEAN_MS,
		  {{"how long a packet waited in the bottleneck's queue (mean, ms)",
		    "报文在瓶颈队列中等待的时间 (平均, 毫秒)"}}},
	[SRTT] = {"srtt_ms",
		  LAB_MEAN_MS,
		  {{"smoothed round trip as the flows measured it (mean, ms)",
		    "各流测得的平滑往返时间 (平均, 毫秒)"}}},
	[SEGMENTS] = {"segments", LAB_SUM, {{"segments with data, sent", "发送的数据报文段"}}},
	[MARKED] = {"marked",
		    LAB_SUM,
		    {{"of them: marked in the bottleneck's queue instead of dropped (RFC 3168)",
		      "其中被标记而不是丢弃的 (RFC 3168)"}}},
	[LOST] = {"lost", LAB_SUM, {{"of them: lost in the bottleneck", "其中在瓶颈处丢失的"}}},
	[AGAIN] = {"retransmitted", LAB_SUM, {{"of them: sent before", "其中重传的"}}},
	[NEEDLESS] = {"needless",
		      LAB_SUM,
		      {{"of these: for nothing, as both arrived",
			"其中不必要的重传 (两份都到达)"}}},
};

static const struct lab_variant variants[VARIANTS] = {
	[ONE_KIND_NEWRENO] = {.name = "newreno",
			      .text = {{"all flows use NewReno (cc 0, RFC 5681)",
					"所有流使用 NewReno (cc 0, RFC 5681)"}},
			      .how = NEWRENO},
	[ONE_KIND_CUBIC] = {.name = "cubic",
			    .text = {{"all flows use CUBIC (cc 1, RFC 9438, the default)",
				      "所有流使用 CUBIC (cc 1, RFC 9438, 默认)"}},
			    .how = CUBIC},
	[ONE_KIND_BBR] = {.name = "bbr",
			  .text = {{"all flows use BBR (cc 2)", "所有流使用 BBR (cc 2)"}},
			  .how = BBR},
	[MIXED] = {.name = "mixed",
		   .text = {{"one flow of each kind", "三种算法各一个流"}},
		   .how = KINDS},
	[CODEL] = {.name = "codel",
		   .text = {{"CUBIC, and the queue is kept short by CoDel (RFC 8289)",
			     "CUBIC, 瓶颈队列由 CoDel (RFC 8289) 管理"}},
		   .how = CUBIC},
	[ECN] = {.name = "ecn",
		 .text = {{"the same, and CoDel marks what it would drop (ecn 2, RFC 3168)",
			   "同上, CoDel 标记报文而不丢弃 (ecn 2, RFC 3168)"}},
		 .how = CUBIC},
};

enum { PANEL_RATE, PANEL_CWND };

static const struct lab_panel panels[] = {
	[PANEL_RATE] = {"throughput", "Mbit/s", 1e-6},
	[PANEL_CWND] = {"congestion window", "KB", 1e-3},
	{NULL, NULL, 0},
};

static unsigned kind_of(const struct lab_run *r, unsigned flow)
{
	return r->variant->how == KINDS ? flow % KINDS : r->variant->how;
}

static void draw(struct lab_run *r, struct dumbbell_plan *p)
{
	uint64_t seed = sim_rng_next(&r->rng);
	uint64_t rate = sim_rng_range(&r->rng, RATE_MIN * 1000, RATE_MAX * 1000) * 1000;
	uint64_t rtt = sim_rng_range(&r->rng, RTT_MIN * 1000, RTT_MAX * 1000) * 1000;

	dumbbell_plan_init(p, seed, rate, rtt, 0);
	p->run_ns = RUN_NS;
	p->warmup_ns = WARM_NS;
	p->sample_ns = SAMPLE_NS;
	p->back.jitter_ns = JITTER_NS;
	if (r->variant == &variants[CODEL] || r->variant == &variants[ECN])
		p->forth.aqm = WEIR_IMPAIR_AQM_CODEL;
	if (r->variant == &variants[ECN])
		p->forth.codel_answer = WEIR_IMPAIR_ANSWER_MARK;
	for (unsigned i = 0; i < FLOWS; i++) {
		struct dumbbell_flow_plan *f = dumbbell_plan_bulk(p);

		f->start_ns = i * STAGGER_NS;
		dumbbell_flow_set(f, "cc", kind_of(r, i));
		if (r->variant == &variants[ECN])
			dumbbell_flow_set(f, "ecn", 2);
	}
}

/* --- What is counted ---------------------------------------------------------------------- */

static void count_flow(struct lab_run *r, const struct dumbbell *d, unsigned i)
{
	const struct dumbbell_counts *n = &d->flow[i].n;

	lab_add(r, RATE_NEWRENO + kind_of(r, i), dumbbell_goodput(d, i) * 8 / 1000);
	lab_add(r, SRTT, dumbbell_srtt_mean(&d->flow[i]) / 1000);
	lab_add(r, SEGMENTS, n->segments);
	lab_add(r, LOST, n->lost);
	lab_add(r, AGAIN, n->retransmitted);
	lab_add(r, NEEDLESS, n->needless);
}

static void count(struct lab_run *r, const struct dumbbell *d)
{
	const struct weir_impair_stats *s = weir_impair_stats(d->way[DUMBBELL_SENDER]);
	uint64_t all = 0;

	for (unsigned i = 0; i < FLOWS; i++) {
		count_flow(r, d, i);
		all += dumbbell_goodput(d, i) * 8;
	}
	lab_add(r, USED, all * 100 * 1000 / d->plan.forth.rate_bps);
	lab_add(r, MARKED, s->marks_codel);
	lab_add(r, JAIN, dumbbell_jain(d, 0, FLOWS));
	lab_add(r, WAIT, s->sojourn_sum_ns / (s->out_packets + 1) / 1000);
}

/* --- What is shown ------------------------------------------------------------------------ */

static void show_flow(struct lab_run *r, const struct dumbbell *d, unsigned i)
{
	const struct lab_watch *w = r->watch;
	const struct dumbbell_flow *f = &d->flow[i];
	char name[32];

	snprintf(name, sizeof(name), "flow %u, %s", i + 1, kind_name[kind_of(r, i)]);
	w->line(w->user, PANEL_RATE, i, name);
	w->line(w->user, PANEL_CWND, i, name);
	for (unsigned k = 0; k < f->sample_count; k++) {
		const struct dumbbell_sample *s = &f->sample[k];

		if (s->cwnd != 0)
			w->point(w->user, PANEL_CWND, i, s->at, s->cwnd);
		if (k >= SMOOTH && k % SMOOTH == 0 && s->at > f->plan->start_ns) {
			uint64_t bytes = s->got_bytes - s[-(int)SMOOTH].got_bytes;

			w->point(w->user, PANEL_RATE, i, s->at - SMOOTH * SAMPLE_NS / 2,
				 bytes * 8 * LAB_SECOND / (SMOOTH * SAMPLE_NS));
		}
	}
}

static void tell_path(const struct dumbbell *d, struct lab_words *w)
{
	double mbit = (double)d->plan.forth.rate_bps / 1e6;
	double rtt = (double)(d->plan.forth.delay_ns + d->plan.back.delay_ns) / 1e6;
	double kb = (double)d->plan.forth.queue_bytes / 1e3;

	LAB_SAY(w, "A bottleneck of %.1f Mbit/s, %.1f ms there and back, a queue of %.1f KB.\n\n",
		"瓶颈 %.1f Mbit/s, 往返 %.1f 毫秒, 队列 %.1f KB。\n\n", mbit, rtt, kb);
	LAB_SAY(w, "%s", "%s",
		w->lang == LAB_ZH ? "  时间 (秒)       吞吐量 (Mbit/s)          拥塞窗口 (KB)      "
				    "队列 (KB)\n"
				  : "  seconds       throughput, Mbit/s      congestion window, KB"
				    "     queue, KB\n");
}

/* One line: what each flow had since the line before, and its window now. */
static void tell_line(const struct dumbbell *d, unsigned k, struct lab_words *w)
{
	unsigned step = TELL_NS / SAMPLE_NS;
	const struct dumbbell_sample *first = &d->flow[0].sample[k];

	lab_say(w, "  %7.0f ", (double)first->at / 1e9);
	for (unsigned i = 0; i < FLOWS; i++) {
		const struct dumbbell_sample *s = &d->flow[i].sample[k];

		lab_say(w, " %7.2f",
			(double)(s->got_bytes - s[-(int)step].got_bytes) * 8e3 / TELL_NS);
	}
	lab_say(w, " ");
	for (unsigned i = 0; i < FLOWS; i++)
		lab_say(w, " %7.1f", d->flow[i].sample[k].cwnd / 1e3);
	lab_say(w, " %13.1f\n", (double)first->queue_bytes / 1e3);
}

static void show(struct lab_run *r, const struct dumbbell *d)
{
	struct lab_words *story = r->watch->story;

	if (r->watch->line != NULL && r->watch->point != NULL)
		for (unsigned i = 0; i < FLOWS; i++)
			show_flow(r, d, i);
	if (story == NULL)
		return;
	tell_path(d, story);
	for (unsigned k = TELL_NS / SAMPLE_NS; k < d->flow[0].sample_count;
	     k += TELL_NS / SAMPLE_NS)
		tell_line(d, k, story);
}

static void run(struct lab_run *r)
{
	struct dumbbell_plan *p = sim_alloc(1, sizeof(*p));
	struct dumbbell *d;

	draw(r, p);
	d = dumbbell_new(p);
	free(p);
	dumbbell_run(d);
	count(r, d);
	if (r->watch != NULL)
		show(r, d);
	r->world.now = d->now;
	dumbbell_free(d);
}

/* --- The conclusion ----------------------------------------------------------------------- */

static double mean(const struct lab_result *res, unsigned variant, unsigned count_of)
{
	const struct lab_figure *f = &res->figure[variant][count_of];

	return f->samples == 0 ? 0 : (double)f->value / (double)f->samples / 1000;
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	for (unsigned v = 0; v < VARIANTS; v++)
		LAB_SAY(out, "%-8s %5.1f %% of the path used, Jain's index %.3f, %.1f ms queued.\n",
			"%-8s 瓶颈利用率 %5.1f %%, Jain 公平指数 %.3f, 排队 %.1f 毫秒。\n",
			variants[v].name, mean(res, v, USED), mean(res, v, JAIN),
			mean(res, v, WAIT));
	LAB_SAY(out, "Mixed, a flow had on average: NewReno %.2f, CUBIC %.2f, BBR %.2f Mbit/s.\n",
		"混合时每个流的平均吞吐量: NewReno %.2f, CUBIC %.2f, BBR %.2f Mbit/s。\n",
		mean(res, MIXED, RATE_NEWRENO), mean(res, MIXED, RATE_CUBIC),
		mean(res, MIXED, RATE_BBR));
}

const struct lab_experiment lab_congestion = {
	.name = "congestion",
	.section = "1",
	.title = {{"flows that share a bottleneck: throughput, window, fairness",
		   "共享瓶颈的多个流: 吞吐量, 拥塞窗口, 公平性"}},
	.rule = {{"Three flows share a bottleneck of 10 to 20 Mbit/s, 20 to 60 ms there and back, "
		  "with a queue\nof one round trip. They begin 4 s apart and send all they can for "
		  "40 s; figures are of the\nlast 25 s. What differs is how the senders find out "
		  "how much the path carries.\n",
		  "三个流共享一个 10 到 20 Mbit/s 的瓶颈, 往返 20 到 60 毫秒, 队列为一个往返的数据量。"
		  "各流\n相隔 4 秒开始, 持续发送 40 秒; 数据取自最后 25 秒。各种情况的差别在于拥塞控制。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = VARIANTS,
	.drawn_variant = ONE_KIND_CUBIC,
	.drawn_count = SEGMENTS,
	.telling = LAB_STORY_ONLY,
	.picture = LAB_PICTURE_LINES,
	.picture_ns = RUN_NS,
	.panel = panels,
	.runs_default = RUNS,
	.run = run,
	.conclude = conclude,
};
