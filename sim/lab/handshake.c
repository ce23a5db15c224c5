/*
 * handshake.c: how a connection begins.
 *
 * Theory of operation
 *
 * A client opens, a server listens, and each of the three segments is lost in turn: the SYN and the
 * SYN-ACK are sent again after a second (RFC 6298 2.1), and a third segment that is lost needs no
 * repetition where data follows, as every segment of the client carries the acknowledgement. The
 * third segment may itself carry data. And both may open at once, which takes four segments (RFC
 * 9293 figure 7).
 *
 * A run ends when both ends are ESTABLISHED and the path is empty. Then each end's sequence numbers
 * are compared with what the other expects, which is what the handshake is for, and the options
 * that both have agreed on.
 */
#include <inttypes.h>

#include "base/assert.h"
#include "sim/lab/experiments.h"
#include "sim/lab/world.h"
#include "weir/info.h"

#define PATIENCE_NS (30 * LAB_SECOND)
#define BYTES_MAX   1000u
#define THINK_MAX   (500 * LAB_MS) /* before a lost SYN-ACK would be sent again */

enum { ESTABLISHED, SEGMENTS, TOOK, NUMBERS, OPTIONS, THIRD };
enum { CLEAN, SYN_LOST, SYNACK_LOST, ACK_LOST, THIRD_DATA, AT_ONCE, HOWS };

static const struct lab_count counts[] = {
	[ESTABLISHED] = {"established",
			 LAB_SUM,
			 {{"runs in which both ends became ESTABLISHED",
			   "双方都进入 ESTABLISHED 的次数"}}},
	[SEGMENTS] = {"segments",
		      LAB_SUM,
		      {{"segments that were sent until then, by both, in all runs",
			"到那时为止双方发送的报文总数"}}},
	[TOOK] = {"established_ms",
		  LAB_MEAN_MS,
		  {{"from the first SYN until then (mean, ms)",
		    "从第一个 SYN 到那时的时间 (平均, 毫秒)"}}},
	[NUMBERS] = {"numbers_agree",
		     LAB_SUM,
		     {{"runs in which each end sends the number that the other expects",
		       "双方的序列号和确认号已同步的次数"}}},
	[OPTIONS] = {"options_agree",
		     LAB_SUM,
		     {{"runs in which both use the same options",
		       "双方使用相同选项 (窗口扩大, 时间戳, SACK) 的次数"}}},
	[THIRD] = {"third_with_data",
		   LAB_SUM,
		   {{"runs in which the third segment carried data", "第三个报文携带数据的次数"}}},
};

static const struct lab_variant variants[] = {
	{.name = "clean", .text = {{"nothing is lost", "没有丢失"}}, .how = CLEAN},
	{.name = "syn-lost",
	 .text = {{"the SYN is lost once", "第一次握手的报文丢失一次"}},
	 .how = SYN_LOST},
	{.name = "synack-lost",
	 .text = {{"the SYN-ACK is lost once", "第二次握手的报文丢失一次"}},
	 .how = SYNACK_LOST},
	{.name = "ack-lost",
	 .text = {{"the third segment is lost; data follows it",
		   "第三次握手的报文丢失; 随后发送数据"}},
	 .how = ACK_LOST},
	{.name = "third-data",
	 .text = {{"the client has data before the SYN-ACK comes", "第三次握手的报文可以携带数据"}},
	 .how = THIRD_DATA},
	{.name = "at-once", .text = {{"both open at once", "双方同时打开"}}, .how = AT_ONCE},
};

static void set_rules(struct lab_run *r)
{
	struct lab_world *w = &r->world;

	if (r->variant->how == SYN_LOST)
		lab_rule_add(w, LAB_CLIENT, LAB_SYN, 1, LAB_LOSE);
	if (r->variant->how == SYNACK_LOST)
		lab_rule_add(w, LAB_SERVER, LAB_SYNACK, 1, LAB_LOSE);
	if (r->variant->how == ACK_LOST)
		lab_rule_add(w, LAB_CLIENT, LAB_ACK, 1, LAB_LOSE);
}

static void compare(struct lab_run *r, const struct lab_conn *c, const struct lab_conn *s)
{
	struct lab_node *node = r->world.node;
	struct weir_info a, b;

	if (weir_conn_info(node[LAB_CLIENT].stack, c->handle, &a) != WEIR_OK ||
	    weir_conn_info(node[LAB_SERVER].stack, s->handle, &b) != WEIR_OK)
		return;
	lab_add(r, ESTABLISHED,
		a.state == WEIR_STATE_ESTABLISHED && b.state == WEIR_STATE_ESTABLISHED);
	lab_add(r, NUMBERS, a.snd_nxt == b.rcv_nxt && b.snd_nxt == a.rcv_nxt);
	lab_add(r, OPTIONS,
		a.ts_ok == b.ts_ok && a.sack_ok == b.sack_ok && a.snd_wscale == b.rcv_wscale &&
			a.rcv_wscale == b.snd_wscale);
}

/* The server's end, which is told by its listener, or opened by itself. */
static struct lab_conn *await_server(struct lab_run *r, weir_time *up_at)
{
	struct lab_world *w = &r->world;
	struct lab_conn *c = lab_conn(w, LAB_CLIENT, 0), *s;

	if (!lab_wait_conns(w, LAB_SERVER, 1, PATIENCE_NS))
		return NULL;
	s = lab_conn(w, LAB_SERVER, 0);
	if (!lab_wait(w, &s->up, true, PATIENCE_NS) || !lab_wait(w, &c->up, true, PATIENCE_NS))
		return NULL;
	*up_at = s->up_at > c->up_at ? s->up_at : c->up_at;
	return s;
}

static void run(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	size_t bytes = 1 + sim_rng_below(&r->rng, BYTES_MAX);
	uint64_t think = sim_rng_below(&r->rng, THINK_MAX), skew = sim_rng_next(&r->rng);
	struct lab_conn *c, *s;
	weir_time begun, up_at;

	lab_draw(r);
	w->plan.listens = r->variant->how != AT_ONCE;
	lab_begin(r);
	set_rules(r);
	begun = w->now;
	c = lab_connect(w, LAB_CLIENT, w->plan.port, LAB_PORT, 'c');
	if (r->variant->how == THIRD_DATA)
		lab_send(w, LAB_CLIENT, c, bytes);
	if (r->variant->how == AT_ONCE) {
		lab_pass(w, skew % w->plan.delay_ns);
		lab_connect(w, LAB_SERVER, LAB_PORT, w->plan.port, 's');
	}
	if (r->variant->how == ACK_LOST) {
		lab_wait(w, &c->up, true, PATIENCE_NS);
		lab_pass(w, think);
		lab_send(w, LAB_CLIENT, c, bytes);
	}
	s = await_server(r, &up_at);
	if (s == NULL)
		return;
	lab_add(r, SEGMENTS, w->node[LAB_CLIENT].segments + w->node[LAB_SERVER].segments);
	lab_add(r, THIRD,
		w->node[LAB_CLIENT].sent[LAB_DATA] == 1 && w->node[LAB_CLIENT].sent[LAB_ACK] == 0);
	lab_add_time(r, TOOK, begun, up_at);
	lab_pass(w, 2 * w->plan.delay_ns);
	compare(r, c, s);
}

/* Segments of a variant, for one run, with one place after the point. */
static void say_each(const struct lab_result *res, unsigned v, struct lab_words *out)
{
	uint64_t tenths = res->figure[v][SEGMENTS].value * 10 / res->runs;

	lab_say(out, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	uint64_t established = 0, agree = 0;

	for (unsigned v = 0; v < HOWS; v++) {
		established += res->figure[v][ESTABLISHED].value;
		agree += res->figure[v][NUMBERS].value;
	}
	lab_say(out, "%s", out->lang == LAB_ZH ? "建立连接, " : "Both ends were ESTABLISHED ");
	lab_say_runs(out, established, res->runs * HOWS);
	lab_say(out, "%s",
		out->lang == LAB_ZH ? "; 序列号同步, " : ",\nand knew each other's numbers ");
	lab_say_runs(out, agree, res->runs * HOWS);
	lab_say(out, "%s",
		out->lang == LAB_ZH ? "。\n平均报文数: 没有丢失时 "
				    : ".\nSegments for a connection: ");
	say_each(res, CLEAN, out);
	lab_say(out, "%s", out->lang == LAB_ZH ? ", 双方同时打开时 " : " when nothing was lost, ");
	say_each(res, AT_ONCE, out);
	lab_say(out, "%s", out->lang == LAB_ZH ? "。\n" : " when both opened at once.\n");
}

const struct lab_experiment lab_handshake = {
	.name = "handshake",
	.section = "2.2",
	.title = {{"three segments make a connection: states, initial numbers, options",
		   "三次握手的过程: 状态, 初始序列号, 选项"}},
	.rule = {{"A client opens a connection to a server that listens; each of the three "
		  "segments is lost in turn.\n",
		  "客户端向处于 LISTEN 状态的服务器打开连接; 三个报文依次丢失一次。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = sizeof(variants) / sizeof(variants[0]),
	.drawn_variant = CLEAN,
	.drawn_count = ESTABLISHED,
	.view = LAB_SERVER,
	.paths = LAB_PATHS_AND_ISNS,
	.run = run,
	.conclude = conclude,
};
