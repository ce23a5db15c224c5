/*
 * close.c: how a connection ends.
 *
 * Theory of operation
 *
 * Each direction of a connection is ended by a FIN of its own, and each FIN is acknowledged: four
 * segments, whoever begins. Three do when the other end has nothing more to send and closes at
 * once: its FIN then rides on the acknowledgement of the first. When both close at once the FINs
 * cross, and both ends go through CLOSING.
 *
 * Who sent the first FIN is the one that waits in TIME-WAIT (both, when they crossed), since it
 * sends the last ACK, which may get lost: see time_wait.c. After 2MSL nothing may be left.
 */
#include <inttypes.h>

#include "sim/lab/experiments.h"
#include "sim/lab/world.h"
#include "weir/info.h"

#define PATIENCE_NS (30 * LAB_SECOND)
#define BYTES_MAX   2000u
#define THINK_MAX   (500 * LAB_MS)

enum { ORDERLY, SEGMENTS, TOOK, WAIT_CLIENT, WAIT_SERVER, LEFT };
enum { BY_CLIENT, BY_SERVER, AT_ONCE, FIN_WITH_ACK, HOWS };

static const struct lab_count counts[] = {
	[ORDERLY] = {"closed_orderly",
		     LAB_SUM,
		     {{"runs in which both ends were closed in order", "双方正常关闭的次数"}}},
	[SEGMENTS] = {"segments",
		      LAB_SUM,
		      {{"segments from the first FIN on, by both, in all runs",
			"从第一个 FIN 起双方发送的报文总数"}}},
	[TOOK] = {"closed_ms",
		  LAB_MEAN_MS,
		  {{"from the first FIN until both ends were told so (mean, ms)",
		    "从第一个 FIN 到双方都得知关闭的时间 (平均, 毫秒)"}}},
	[WAIT_CLIENT] = {"time_wait_client",
			 LAB_SUM,
			 {{"runs that left the client in TIME-WAIT",
			   "客户端进入 TIME_WAIT 的次数"}}},
	[WAIT_SERVER] = {"time_wait_server",
			 LAB_SUM,
			 {{"runs that left the server in TIME-WAIT",
			   "服务器进入 TIME_WAIT 的次数"}}},
	[LEFT] = {"left_after_2msl",
		  LAB_SUM,
		  {{"connections and records that were left after 2MSL",
		    "2MSL 之后仍残留的连接和记录"}}},
};

static const struct lab_variant variants[] = {
	{.name = "by-client",
	 .text = {{"the client closes first, the server later", "客户端主动断开连接"}},
	 .how = BY_CLIENT},
	{.name = "by-server",
	 .text = {{"the server closes first, the client later", "服务器主动断开连接"}},
	 .how = BY_SERVER},
	{.name = "at-once",
	 .text = {{"both close before they hear of the other's FIN", "双方同时断开连接"}},
	 .how = AT_ONCE},
	{.name = "fin-with-ack",
	 .text = {{"the server closes as soon as the client has",
		   "服务器也立即断开, FIN 和 ACK 在同一个报文中"}},
	 .how = FIN_WITH_ACK},
};

/* Both are established, and data has gone up. */
static struct lab_conn *open_pair(struct lab_world *w, size_t bytes)
{
	struct lab_conn *c = lab_connect(w, LAB_CLIENT, w->plan.port, LAB_PORT, 'c');

	lab_wait(w, &c->up, true, PATIENCE_NS);
	lab_wait_conns(w, LAB_SERVER, 1, PATIENCE_NS);
	lab_send(w, LAB_CLIENT, c, bytes);
	lab_pass(w, LAB_SECOND);
	return c;
}

static uint64_t count_left(const struct lab_world *w)
{
	struct weir_usage u;
	uint64_t left = 0;

	for (unsigned h = 0; h < LAB_HOSTS; h++) {
		weir_stack_usage(w->node[h].stack, &u);
		left += u.conns + u.halfs + u.timewaits;
	}
	return left;
}

static void run(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	size_t bytes = sim_rng_below(&r->rng, BYTES_MAX);
	uint64_t think = sim_rng_below(&r->rng, THINK_MAX), skew = sim_rng_next(&r->rng);
	enum lab_host first = r->variant->how == BY_SERVER ? LAB_SERVER : LAB_CLIENT;
	struct lab_conn *end[LAB_HOSTS];
	uint32_t before;
	weir_time begun;

	lab_draw(r);
	lab_begin(r);
	w->node[LAB_SERVER].at_eof = r->variant->how == FIN_WITH_ACK ? LAB_CLOSE_TOO
								     : LAB_KEEP_OPEN;
	end[LAB_CLIENT] = open_pair(w, bytes);
	end[LAB_SERVER] = lab_conn(w, LAB_SERVER, 0);
	before = w->node[LAB_CLIENT].segments + w->node[LAB_SERVER].segments;
	begun = w->now;
	lab_close(w, first, end[first]);
	if (r->variant->how == AT_ONCE)
		lab_pass(w, skew % w->plan.delay_ns);
	else if (lab_wait(w, &end[!first]->eof, true, PATIENCE_NS))
		lab_pass(w, think);
	if (r->variant->how != FIN_WITH_ACK)
		lab_close(w, !first, end[!first]);
	lab_wait(w, &end[LAB_CLIENT]->live, false, PATIENCE_NS);
	lab_wait(w, &end[LAB_SERVER]->live, false, PATIENCE_NS);
	lab_add_time(r, TOOK, begun, w->now);
	lab_pass(w, 4 * w->plan.delay_ns);
	lab_add(r, ORDERLY,
		!end[0]->live && !end[1]->live && end[0]->reason == WEIR_OK &&
			end[1]->reason == WEIR_OK);
	lab_add(r, SEGMENTS, w->node[LAB_CLIENT].segments + w->node[LAB_SERVER].segments - before);
	lab_add(r, WAIT_CLIENT, lab_usage_timewaits(w, LAB_CLIENT));
	lab_add(r, WAIT_SERVER, lab_usage_timewaits(w, LAB_SERVER));
	lab_pass(w, 2 * LAB_MSL_NS);
	lab_add(r, LEFT, count_left(w));
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	static const struct lab_text head[HOWS] = {
		{{"by the client", "客户端主动断开"}},
		{{"by the server", "服务器主动断开"}},
		{{"by both at once", "双方同时断开"}},
		{{"with FIN and ACK in one segment", "FIN 和 ACK 在同一个报文中"}},
	};
	static const struct lab_text who[] = {
		{{"nobody", "没有一方"}},
		{{"the client", "客户端"}},
		{{"the server", "服务器"}},
		{{"both", "双方"}},
	};

	for (unsigned v = 0; v < HOWS; v++) {
		const struct lab_figure *f = res->figure[v];
		uint64_t tenths = f[SEGMENTS].value * 10 / res->runs;
		unsigned waits = (f[WAIT_CLIENT].value != 0) | (f[WAIT_SERVER].value != 0) << 1;

		LAB_SAY(out,
			"A close %s took %" PRIu64 ".%" PRIu64 " segments and left %s in "
			"TIME-WAIT.\n",
			"%s: 平均 %" PRIu64 ".%" PRIu64 " 个报文, %s进入 TIME_WAIT。\n",
			head[v].in[out->lang], tenths / 10, tenths % 10, who[waits].in[out->lang]);
	}
}

const struct lab_experiment lab_close_ways = {
	.name = "close",
	.section = "3.1",
	.title = {{"four segments end a connection: by either end, by both, and in three",
		   "四次挥手的过程: 由客户端, 由服务器, 同时, 以及三次挥手"}},
	.rule = {{"A connection is closed, by one end or the other or both; each end says that it "
		  "has no more to\nsend with a FIN, which the other acknowledges.\n",
		  "连接由一方或双方断开; 每一方用 FIN 报文表示不再发送, 另一方确认。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = sizeof(variants) / sizeof(variants[0]),
	.drawn_variant = BY_CLIENT,
	.drawn_count = ORDERLY,
	.view = LAB_CLIENT,
	.paths = LAB_PATHS,
	.run = run,
	.conclude = conclude,
};
