/*
 * half_open.c: the queue of half-open connections: how it fills, ages and drains.
 *
 * Theory of operation
 *
 * Within a second more strangers than the backlog holds send a SYN each; then an honest client
 * opens a connection. What the strangers do with the SYN-ACK decides: nothing (the record stays
 * until its last retransmission has timed out), the third segment (it becomes a connection after
 * one round trip), or RST (it ends at once). A SYN that finds the queue full is dropped and counted
 * (RFC 4987 3.1); its sender sends it again later.
 *
 * The SYN-ACK goes again after 1, 3, 7, 15 and 31 s and the record ends after 63 s; with one
 * retransmission (half_retries 1) after 3 s, which is the first of the document's defences.
 *
 * Behind it stands the accept queue: connections that the application has not taken yet. In two
 * variants it takes none for 10 s, and strangers, who all answer, come in two waves, so that both
 * queues together hold more than the accept queue may. The third segment that finds it full is
 * dropped and its record stays, to become a connection when there is room; or with
 * accept_overflow_rst it is reset, as Linux does with tcp_abort_on_overflow. A SYN that finds the
 * accept queue full is dropped.
 *
 * The backlog is a number of records; what else a stack may do under pressure (cookies, lifetimes
 * that shrink) is off here and belongs to the experiment syn-flood.
 */
#include <inttypes.h>

#include "sim/lab/experiments.h"
#include "sim/lab/world.h"
#include "weir/info.h"

#define BACKLOG_MIN   8u
#define BACKLOG_MAX   24u
#define MORE_MAX      16u /* strangers beyond the backlog; at least one */
#define ARRIVE_NS     LAB_SECOND
#define HONEST_NS     (1200 * LAB_MS) /* when the honest client opens */
#define HORIZON_NS    (150 * LAB_SECOND)
#define STRANGER_PORT 40000u

#define SLEEP_NS (10 * LAB_SECOND) /* of an application that takes no connections */

enum {
	SYNS,
	FULL,
	PEAK,
	DROPPED,
	SYNACKS,
	EXPIRED,
	RESET,
	OVERFLOW,
	ACCEPTED,
	DRAINED,
	SERVED,
	WAITED
};
enum { SILENT, IMPATIENT, ANSWERING, RESETTING, BUSY, BUSY_RST, HOWS };

static const struct lab_count counts[] = {
	[SYNS] = {"syns", LAB_SUM, {{"SYNs of strangers", "陌生来源的 SYN"}}},
	[FULL] = {"runs_full",
		  LAB_SUM,
		  {{"runs in which the queue was full", "半连接队列曾满的次数"}}},
	[PEAK] = {"records_peak",
		  LAB_MAX,
		  {{"most records at one time, in any run", "半连接队列的最大长度"}}},
	[DROPPED] = {"syns_dropped",
		     LAB_SUM,
		     {{"SYNs, of anybody, that found a queue full", "因队列已满而丢弃的 SYN"}}},
	[SYNACKS] = {"synacks",
		     LAB_SUM,
		     {{"SYN-ACKs, with those that were sent again", "SYN+ACK, 包括重发的"}}},
	[EXPIRED] = {"expired", LAB_SUM, {{"records that timed out", "超时的记录"}}},
	[RESET] = {"ended_by_rst", LAB_SUM, {{"records that an RST ended", "被 RST 结束的记录"}}},
	[OVERFLOW] = {"acks_overflow",
		      LAB_SUM,
		      {{"third segments that found the accept queue full",
			"到达时全连接队列已满的第三次握手报文"}}},
	[ACCEPTED] = {"accepted", LAB_SUM, {{"records that became connections", "建立连接的记录"}}},
	[DRAINED] = {"drained_ms",
		     LAB_MEAN_MS,
		     {{"from the first SYN until no record of a stranger was left (mean, ms)",
		       "从第一个 SYN 到队列排空的时间 (平均, 毫秒)"}}},
	[SERVED] = {"honest_served",
		    LAB_SUM,
		    {{"runs in which the honest client got its connection (150 s are watched)",
		      "正常客户端建立连接的次数 (观察 150 秒)"}}},
	[WAITED] = {"honest_waited_ms",
		    LAB_MEAN_MS,
		    {{"how long it had to wait for it (mean, ms)",
		      "正常客户端等待的时间 (平均, 毫秒)"}}},
};

static const struct lab_variant variants[] = {
	{.name = "silent",
	 .text = {{"strangers never answer (5 retransmissions, the default)",
		   "对方从不应答 (SYN+ACK 重发 5 次, 默认)"}},
	 .how = SILENT},
	{.name = "one-retry",
	 .text = {{"strangers never answer (half_retries 1: a shorter timeout)",
		   "对方从不应答, 缩短超时时间 (half_retries 1)"}},
	 .how = IMPATIENT,
	 .set = {{"half_retries", 1, LAB_AT_SERVER}}},
	{.name = "answering",
	 .text = {{"strangers send the third segment", "对方发送第三次握手的报文"}},
	 .how = ANSWERING},
	{.name = "resetting",
	 .text = {{"strangers answer with RST, as who sent no SYN does",
		   "对方回答 RST (没有发送过 SYN 的主机)"}},
	 .how = RESETTING},
	{.name = "busy",
	 .text = {{"strangers answer, and the application takes nothing for 10 s",
		   "对方应答, 但应用程序 10 秒内不取连接 (全连接队列满)"}},
	 .how = BUSY},
	{.name = "busy-rst",
	 .text = {{"the same with accept_overflow_rst 1",
		   "同上, 全连接队列满时发送 RST (accept_overflow_rst 1)"}},
	 .how = BUSY_RST,
	 .set = {{"accept_overflow_rst", 1, LAB_AT_SERVER}}},
};

static bool is_busy(const struct lab_run *r)
{
	return r->variant->how == BUSY || r->variant->how == BUSY_RST;
}

/* lab_run.stranger: SYN-ACKs are answered, or not. */
static void on_stranger(struct lab_run *r, const struct sim_packet *p)
{
	const uint8_t both = TCP_SYN | TCP_ACK;
	struct lab_forged g = {.src = p->dst, .dst = p->src, .seq = p->tcp.ack.v};

	if ((p->tcp.flags & both) != both)
		return;
	if (r->variant->how == ANSWERING || is_busy(r)) {
		g.flags = TCP_ACK;
		g.ack = p->tcp.seq.v + 1;
		lab_forge(&r->world, &g, 2 * r->world.plan.delay_ns);
	} else if (r->variant->how == RESETTING) {
		g.flags = TCP_RST;
		lab_forge(&r->world, &g, 2 * r->world.plan.delay_ns);
	}
}

/* Spread over a second; or in two waves, of which the second fills the queue of records again. */
static uint64_t arrival_ns(const struct lab_run *r, unsigned i, unsigned count)
{
	if (!is_busy(r))
		return (i + 1) * ARRIVE_NS / (count + 1);
	return i + r->world.plan.backlog < count ? LAB_MS : ARRIVE_NS;
}

/* Strangers have the networks 198.51.100.0/24 and 2001:db8:1::/64 (RFC 5737, RFC 3849), the first
 * one the host number 1. */
static void send_syns(struct lab_run *r, unsigned count)
{
	struct lab_world *w = &r->world;
	struct lab_forged g = {.flags = TCP_SYN,
			       .mss = 1400,
			       .src.port = STRANGER_PORT,
			       .dst = {w->node[LAB_SERVER].addr, LAB_PORT}};
	static const struct weir_addr base4 = {4, {198, 51, 100, 0}};
	static const struct weir_addr base6 = {6, {0x20, 0x01, 0x0d, 0xb8, 0, 1}};

	g.src.addr = w->plan.family == 4 ? base4 : base6;
	for (unsigned i = 0; i < count; i++) {
		g.src.addr.bytes[w->plan.family == 4 ? 3 : 15] = (uint8_t)(i + 1);
		g.seq = (uint32_t)sim_rng_next(&r->rng);
		lab_forge(w, &g, arrival_ns(r, i, count));
	}
}

struct progress {
	struct lab_conn *honest;
	uint64_t peak;
	weir_time begun;
	weir_time last_syn; /* of the strangers' */
	weir_time drained;  /* 0: not yet */
};

/* Until `limit`, keeping an eye on the queue. */
static void watch_queue(struct lab_world *w, struct progress *p, weir_time limit)
{
	const struct weir_stack *s = w->node[LAB_SERVER].stack;
	struct weir_usage u;
	bool more = true;

	while (more) {
		more = lab_step(w, limit);
		weir_stack_usage(s, &u);
		p->peak = u.halfs > p->peak ? u.halfs : p->peak;
		if (p->drained == 0 && u.halfs == 0 && w->now > p->last_syn)
			p->drained = w->now;
	}
}

static void tell(const struct lab_run *r, const struct progress *p)
{
	const struct lab_world *w = &r->world;
	uint64_t tenths = (w->now - p->begun) / (100 * LAB_MS);
	struct weir_usage u;

	if (r->watch == NULL || r->watch->story == NULL)
		return;
	weir_stack_usage(w->node[LAB_SERVER].stack, &u);
	LAB_SAY(r->watch->story,
		"  %4" PRIu64 ".%" PRIu64 " s  %2u of %2u records, %2" PRIu64
		" SYNs dropped so far\n",
		"  %4" PRIu64 ".%" PRIu64 " 秒  队列 %2u / %2u, 已丢弃 %2" PRIu64 " 个 SYN\n",
		tenths / 10, tenths % 10, u.halfs, w->plan.backlog,
		lab_counter(w, LAB_SERVER, WEIR_CTR_LISTEN_FULL));
}

static void count_up(struct lab_run *r, const struct progress *p)
{
	struct lab_world *w = &r->world;
	const struct lab_node *server = &w->node[LAB_SERVER];

	lab_add(r, PEAK, p->peak);
	lab_add(r, FULL, p->peak == w->plan.backlog);
	lab_add(r, DROPPED,
		lab_counter(w, LAB_SERVER, WEIR_CTR_LISTEN_FULL) +
			lab_counter(w, LAB_SERVER, WEIR_CTR_ACCEPT_FULL));
	lab_add(r, OVERFLOW, lab_counter(w, LAB_SERVER, WEIR_CTR_HALF_OVERFLOW));
	lab_add(r, SYNACKS, server->sent[LAB_SYNACK]);
	lab_add(r, EXPIRED, lab_counter(w, LAB_SERVER, WEIR_CTR_HALF_EXPIRED));
	lab_add(r, RESET, lab_counter(w, LAB_SERVER, WEIR_CTR_HALF_RST));
	lab_add(r, ACCEPTED, server->conns);
	if (p->drained != 0)
		lab_add_time(r, DRAINED, p->begun, p->drained);
	lab_add(r, SERVED, p->honest->up);
	if (p->honest->up)
		lab_add_time(r, WAITED, p->honest->began, p->honest->up_at);
}

static void set_up(struct lab_run *r)
{
	struct lab_plan *p = &r->world.plan;

	lab_draw(r);
	p->backlog = (uint32_t)sim_rng_range(&r->rng, BACKLOG_MIN, BACKLOG_MAX);
	p->cfg.halfs_max = BACKLOG_MAX;
	p->cfg.conns_max = BACKLOG_MAX + MORE_MAX + 1;
	/* Rows that not every engine has: what it would do under pressure is not asked here. */
	weir_config_set(&p->cfg, "cookies", 0);
	weir_config_set(&p->cfg, "half_pressure_pct", 100);
	lab_begin(r);
	r->stranger = on_stranger;
	if (is_busy(r))
		r->world.node[LAB_SERVER].asleep_until = r->world.now + SLEEP_NS;
}

static void run(struct lab_run *r)
{
	/* When the story looks at the queue. */
	static const uint32_t look_ms[] = {300,   600,   900,   1000,  3000,  3500,
					   10000, 40000, 62500, 63500, 64100, 65000};
	struct lab_world *w = &r->world;
	struct progress p = {.peak = 0};
	unsigned syns;

	set_up(r);
	syns = w->plan.backlog + 1 + (unsigned)sim_rng_below(&r->rng, MORE_MAX);
	p.begun = w->now;
	p.last_syn = p.begun + ARRIVE_NS;
	send_syns(r, syns);
	lab_add(r, SYNS, syns);
	for (unsigned i = 0; i < sizeof(look_ms) / sizeof(look_ms[0]); i++) {
		if (p.honest == NULL && look_ms[i] * LAB_MS > HONEST_NS) {
			watch_queue(w, &p, p.begun + HONEST_NS);
			p.honest = lab_connect(w, LAB_CLIENT, w->plan.port, LAB_PORT, 'c');
		}
		watch_queue(w, &p, p.begun + look_ms[i] * LAB_MS);
		tell(r, &p);
	}
	watch_queue(w, &p, p.begun + HORIZON_NS);
	count_up(r, &p);
}

/* The honest client and the first stranger are enough to see: both have the host number 1. */
static bool draws(const struct weir_trace_record *rec)
{
	const struct weir_addr *a = &rec->tuple.remote.addr;

	return a->bytes[a->family == 4 ? 3 : 15] == 1;
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	static const struct lab_text head[HOWS] = {
		{{"silent strangers", "对方从不应答"}},
		{{"one retransmission", "缩短超时时间"}},
		{{"strangers that answer", "对方应答"}},
		{{"strangers that reset", "对方回答 RST"}},
		{{"a busy application", "应用程序不取连接"}},
		{{"a busy application and RST", "应用程序不取连接, 发送 RST"}},
	};

	for (unsigned v = 0; v < HOWS; v++) {
		const struct lab_figure *f = res->figure[v];

		LAB_SAY(out, "With %s the queue was full ", "%s: 队列曾满, ",
			head[v].in[out->lang]);
		lab_say_runs(out, f[FULL].value, res->runs);
		if (f[DRAINED].samples != 0)
			LAB_SAY(out, ", empty again after %.1f s", ", %.1f 秒后排空",
				(double)f[DRAINED].value / (double)f[DRAINED].samples / 1e6);
		if (f[WAITED].samples != 0)
			LAB_SAY(out, ",\nand the honest client waited %.1f s",
				", 正常客户端等待 %.1f 秒",
				(double)f[WAITED].value / (double)f[WAITED].samples / 1e6);
		if (f[OVERFLOW].value != 0)
			LAB_SAY(out, ";\n%.1f third segments a run found the accept queue full",
				"; 平均每次 %.1f 个第三次握手报文到达时全连接队列已满",
				(double)f[OVERFLOW].value / (double)res->runs);
		lab_say(out, out->lang == LAB_ZH ? "。\n" : ".\n");
	}
}

const struct lab_experiment lab_half_open = {
	.name = "half-open",
	.section = "2.4",
	.title = {{"the half-open queue: how it fills, ages and drains",
		   "半连接队列: 填满, 老化, 排空"}},
	.rule = {{"Within a second more strangers than the backlog (8 to 24 records) holds send a "
		  "SYN each; then\nan honest client opens a connection.\n",
		  "一秒之内, 多于半连接队列长度 (8 到 24) 的陌生来源各发送一个 SYN; "
		  "然后一个正常客户端\n打开连接。服务器把处于 SYN_RCVD 状态的连接放入半连接队列。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = sizeof(variants) / sizeof(variants[0]),
	.drawn_variant = SILENT,
	.drawn_count = FULL,
	.view = LAB_SERVER,
	.other = "peer",
	.draws = draws,
	.run = run,
	.conclude = conclude,
};
