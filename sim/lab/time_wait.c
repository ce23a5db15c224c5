/*
 * time_wait.c: what TIME-WAIT is for.
 *
 * Theory of operation
 *
 * Each run does both things that the document names, on two ports.
 *
 * The last ACK is lost. One end closes first, the other after it; the ACK of the second FIN does
 * not arrive. The second end sends its FIN again. Who is in TIME-WAIT answers with an ACK. Who has
 * forgotten the connection answers with RST, and the second end's orderly close becomes an error.
 *
 * An old duplicate. The client sends a few segments faster than the clock of initial sequence
 * numbers runs (250,000 numbers a second, RFC 9293 3.4.1), a copy of one of the last stays in the
 * network, and both ends close. The client opens the same pair of ports again as soon as its engine
 * lets it. The copy arrives when the new connection is established, or when it is an MSL old, since
 * no segment lives longer. Without TIME-WAIT its bytes then lie in the window of the new
 * connection, and are delivered in the place of the new ones. With TIME-WAIT the pair is not to be
 * had while the copy lives: at the end that keeps it, weir_connect() says so; at the other, the SYN
 * is not heeded until its number is above all old ones (RFC 6191, RFC 9293 3.10.7.4) or 2MSL are
 * over.
 *
 * Either end closes first, by turns at random. Timestamps are off in all runs: where both ends have
 * them, PAWS (RFC 7323 5) sees an old segment by its timestamp.
 *
 * Bytes of the first connection are 'A', of the second 'B'; an old byte is an 'A' that is read on
 * the second.
 */
#include <inttypes.h>

#include "base/assert.h"
#include "sim/lab/experiments.h"
#include "sim/lab/world.h"

#define SMALL_MAX    2000u
#define SEGMENTS_MIN 6u
#define SEGMENTS_MAX 10u /* the initial window: they go out at once (RFC 6928) */
#define LAST_ONES    3u  /* one of these is copied */
#define HEADERS      60u /* of IPv6 and TCP without options; IPv4 has less, its segments more */
#define PATIENCE_NS  (400 * LAB_SECOND)
#define TRY_AGAIN_NS LAB_SECOND /* an application tries to open once a second */

enum { LATE_FIN, LATE_ACK, OLD_BYTES, OLD_RUNS, REOPEN, WHOLE };

static const struct lab_count counts[] = {
	[LATE_FIN] = {"late_fin_reset",
		      LAB_SUM,
		      {{"runs in which the FIN that came again was answered with RST",
			"重发的 FIN 被 RST 回答的次数"}}},
	[LATE_ACK] = {"late_fin_acked",
		      LAB_SUM,
		      {{"runs in which it was acknowledged, and both ends closed in order",
			"重发的 FIN 得到确认, 双方正常关闭的次数"}}},
	[OLD_BYTES] = {"old_bytes_delivered",
		       LAB_SUM,
		       {{"bytes of the first connection that were read on the second",
			 "旧连接的字节被当作新连接的数据交付"}}},
	[OLD_RUNS] = {"runs_with_old_bytes",
		      LAB_SUM,
		      {{"runs in which that happened", "发生上述情况的次数"}}},
	[REOPEN] = {"reopened_after_ms",
		    LAB_MEAN_MS,
		    {{"from the end of the first connection to the second being established "
		      "(mean, ms)",
		      "从旧连接结束到新连接建立的时间 (平均, 毫秒)"}}},
	[WHOLE] = {"streams_intact",
		   LAB_SUM,
		   {{"runs in which the second connection delivered all bytes, and only its own",
		     "新连接完整且正确地交付全部数据的次数"}}},
};

static const struct lab_variant variants[] = {
	{.name = "with",
	 .text = {{"TIME-WAIT for 2MSL = 60 s (timewait_ms 60000, the rule)",
		   "有 TIME_WAIT: 等待 2MSL = 60 秒 (timewait_ms 60000, 即标准)"}},
	 .set = {{"timewait_ms", 60000, LAB_EVERYWHERE}}},
	{.name = "without",
	 .text = {{"no TIME-WAIT (timewait_ms 0)", "没有 TIME_WAIT (timewait_ms 0)"}},
	 .set = {{"timewait_ms", 0, LAB_EVERYWHERE}}},
};

/* What is drawn for a run beside its plan. */
struct draw {
	enum lab_host closer; /* closes first */
	size_t small;         /* bytes before the last ACK is lost */
	size_t bytes;         /* of each of the two connections */
	unsigned copied;      /* which segment */
	uint64_t think;       /* before the pair is opened again */
};

static void draw(struct lab_run *r, struct draw *d)
{
	struct lab_plan *p = &r->world.plan;
	unsigned segments = (unsigned)sim_rng_range(&r->rng, SEGMENTS_MIN, SEGMENTS_MAX);
	size_t mss;

	lab_draw(r);
	p->cfg.timestamps = 0;
	p->delay_ns = sim_rng_range(&r->rng, LAB_MS / 10, 2 * LAB_MS);
	p->port &= 0xfffe; /* the other connection has the next one */
	mss = p->cfg.link_mtu - HEADERS + (p->family == 4 ? 20 : 0);
	d->closer = (enum lab_host)sim_rng_below(&r->rng, 2);
	d->small = sim_rng_below(&r->rng, SMALL_MAX);
	d->bytes = segments * mss - sim_rng_below(&r->rng, mss / 2);
	d->copied = segments - (unsigned)sim_rng_below(&r->rng, LAST_ONES);
	d->think = sim_rng_range(&r->rng, 1, 4 * LAB_MS);
}

/* A connection that sends `bytes` upwards and is closed by both, in order. Returns the server's
 * end; NULL: it never was there. */
static struct lab_conn *talk(struct lab_world *w, struct lab_conn *c, unsigned before,
			     const struct draw *d, size_t bytes)
{
	struct lab_conn *s;

	if (!lab_wait(w, &c->up, true, PATIENCE_NS) ||
	    !lab_wait_conns(w, LAB_SERVER, before + 1, PATIENCE_NS))
		return NULL;
	s = lab_conn(w, LAB_SERVER, before);
	lab_send(w, LAB_CLIENT, c, bytes);
	lab_pass(w, 4 * w->plan.delay_ns);
	lab_shutdown(w, d->closer, d->closer == LAB_CLIENT ? c : s);
	lab_wait(w, d->closer == LAB_CLIENT ? &s->live : &c->live, false, PATIENCE_NS);
	return s;
}

static void lose_last_ack(struct lab_run *r, const struct draw *d)
{
	struct lab_world *w = &r->world;
	struct lab_conn *c, *s, *second;

	w->node[LAB_SERVER].expects = 'A';
	lab_rule_add(w, d->closer, LAB_LAST_ACK, 1, LAB_LOSE);
	c = lab_connect(w, LAB_CLIENT, w->plan.port, LAB_PORT, 'A');
	s = talk(w, c, 0, d, d->small);
	weir_assert(s != NULL);
	second = d->closer == LAB_CLIENT ? s : c;
	lab_add(r, LATE_FIN, second->reason == WEIR_RESET);
	lab_add(r, LATE_ACK, second->reason == WEIR_OK && !second->live);
}

/* Opens the pair again as soon as it is to be had. The copy arrives right after the handshake, or
 * before, when it is as old as a segment can be. NULL: it was not to be had. */
static struct lab_conn *reopen(struct lab_world *w, uint16_t port)
{
	weir_time limit = w->now + PATIENCE_NS, latest = w->held[0].born + LAB_MSL_NS;
	struct lab_conn *c = NULL;
	bool released = false;

	while ((c == NULL || !c->up) && w->now < limit) {
		weir_time until = w->now + TRY_AGAIN_NS;

		if (!released && w->now >= latest) {
			lab_release(w, 0, 0);
			released = true;
		}
		if (c == NULL)
			c = lab_connect(w, LAB_CLIENT, port, LAB_PORT, 'B');
		if (!released && until > latest)
			until = latest;
		while ((c == NULL || !c->up) && lab_step(w, until))
			;
	}
	if (!released) /* behind the ACK that has just been sent */
		lab_release(w, 0, w->plan.delay_ns);
	return c != NULL && c->up ? c : NULL;
}

static void bring_old_segment(struct lab_run *r, const struct draw *d)
{
	struct lab_world *w = &r->world;
	struct lab_node *server = &w->node[LAB_SERVER];
	uint16_t port = (uint16_t)(w->plan.port + 1);
	struct lab_conn *c = lab_connect(w, LAB_CLIENT, port, LAB_PORT, 'A'), *s;
	weir_time ended;

	lab_rule_add(w, LAB_CLIENT, LAB_DATA, d->copied, LAB_COPY);
	talk(w, c, server->conns, d, d->bytes);
	ended = w->now;
	lab_pass(w, d->think);
	server->expects = 'B';
	c = reopen(w, port);
	if (c == NULL)
		return;
	lab_add_time(r, REOPEN, ended, w->now);
	s = talk(w, c, server->conns, d, d->bytes);
	weir_assert(s != NULL);
	lab_add(r, OLD_BYTES, s->strange);
	lab_add(r, OLD_RUNS, s->strange != 0);
	lab_add(r, WHOLE, s->strange == 0 && s->got == d->bytes);
}

static void run(struct lab_run *r)
{
	struct draw d;

	draw(r, &d);
	lab_begin(r);
	r->world.node[LAB_CLIENT].at_eof = r->world.node[LAB_SERVER].at_eof = LAB_CLOSE_TOO;
	lose_last_ack(r, &d);
	bring_old_segment(r, &d);
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	static const struct lab_text head[] = {
		{{"With TIME-WAIT the late FIN was answered with RST ",
		  "有 TIME_WAIT: 迟到的 FIN 被 RST 回答, "}},
		{{"Without it that was so ", "没有 TIME_WAIT: 迟到的 FIN 被 RST 回答, "}},
	};

	for (unsigned v = 0; v < 2; v++) {
		const struct lab_figure *f = res->figure[v];

		lab_say(out, "%s", head[v].in[out->lang]);
		lab_say_runs(out, f[LATE_FIN].value, res->runs);
		lab_say(out, "%s",
			out->lang == LAB_ZH ? "; 旧数据被交付, "
					    : ",\nand old bytes were delivered ");
		lab_say_runs(out, f[OLD_RUNS].value, res->runs);
		LAB_SAY(out, " (%" PRIu64 " bytes).\n", " (%" PRIu64 " 字节)。\n",
			f[OLD_BYTES].value);
	}
}

const struct lab_experiment lab_time_wait = {
	.name = "time-wait",
	.section = "3.3",
	.title = {{"what TIME-WAIT is for: the last ACK lost, and an old duplicate",
		   "等待 2MSL 的意义: 最后一个 ACK 丢失, 以及已失效的报文段"}},
	.rule = {{"Two connections in each run. On one the last ACK is lost, so that the FIN comes "
		  "again.\nOn the other a copy of a data segment stays in the network; the pair of "
		  "ports is\nopened again as soon as it is to be had, and the copy arrives then, "
		  "or when it is an MSL\n(30 s) old.\n",
		  "每次运行有两个连接。其一: 最后一个 ACK 报文丢失, 对方重发 FIN。"
		  "其二: 一个数据报文段的副本\n滞留在网络中; 同一对端口一旦可用就重新打开, "
		  "副本此时到达 (最迟不晚于 MSL, 30 秒)。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = sizeof(variants) / sizeof(variants[0]),
	.drawn_variant = 1,
	.drawn_count = OLD_BYTES,
	.view = LAB_SERVER,
	.run = run,
	.conclude = conclude,
};
