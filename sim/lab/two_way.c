/*
 * two_way.c: why two handshakes are not enough.
 *
 * Theory of operation
 *
 * The document's case, step by step: the client's first SYN is delayed in the network. The client
 * sends it again; that one arrives, the connection is established, data goes both ways, and the
 * client closes first, so that the server forgets the connection and the client keeps it in
 * TIME-WAIT. Then the first SYN arrives, not older than an MSL.
 *
 * With two handshakes (handshake_ways 2) the server takes a SYN alone for a connection: it has one
 * that no client knows of, a ghost. With three it has a half-open record, which only an
 * acknowledgement of its own ISN could make a connection; the old SYN's sender gives none.
 *
 * A ghost is counted when the application is told that a connection was accepted, beyond the one
 * that the client opened. The run goes on for HORIZON_NS, to see how long it is kept.
 */
#include <inttypes.h>

#include "sim/lab/experiments.h"
#include "sim/lab/world.h"

#define BYTES_MAX  4000u
#define HORIZON_NS (600 * LAB_SECOND)
#define MARGIN_NS  LAB_MS

enum { GHOSTS, HELD, BYTES, SYNACKS };

static const struct lab_count counts[] = {
	[GHOSTS] = {"ghost_connections",
		    LAB_SUM,
		    {{"connections of the server that the client knows nothing of",
		      "服务器上客户端并不知道的连接 (幽灵连接)"}}},
	[HELD] = {"ghost_held_ms",
		  LAB_MEAN_MS,
		  {{"how long the server kept each of them (mean, ms; 600 s are watched)",
		    "服务器保留每个幽灵连接的时间 (平均, 毫秒; 观察 600 秒)"}}},
	[BYTES] = {"ghost_bytes",
		   LAB_SUM,
		   {{"bytes that ever came in on them", "这些连接上收到的字节"}}},
	[SYNACKS] = {"synacks_to_old_syn",
		     LAB_SUM,
		     {{"SYN-ACKs with which the server answered the old SYN",
		       "服务器对迟到的 SYN 发出的 SYN+ACK"}}},
};

static const struct lab_variant variants[] = {
	{.name = "two-handshakes",
	 .text = {{"the server takes a SYN alone for a connection (handshake_ways 2)",
		   "两次握手: 服务器收到 SYN 就认为连接已建立 (handshake_ways 2)"}},
	 .set = {{"handshake_ways", 2, LAB_EVERYWHERE}}},
	{.name = "three-handshakes",
	 .text = {{"a connection needs the third segment (handshake_ways 3, the rule)",
		   "三次握手: 收到第三个报文才建立连接 (handshake_ways 3, 即标准)"}},
	 .set = {{"handshake_ways", 3, LAB_EVERYWHERE}}},
};

/* One connection, from its SYN sent again to the end of the server's side. */
static void talk(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	size_t up = sim_rng_below(&r->rng, BYTES_MAX), down = sim_rng_below(&r->rng, BYTES_MAX);
	uint64_t think = sim_rng_below(&r->rng, 500 * LAB_MS);
	struct lab_conn *c = lab_connect(w, LAB_CLIENT, w->plan.port, LAB_PORT, 'c'), *s;

	c->expects = 's';
	lab_wait(w, &c->up, true, 10 * LAB_SECOND);
	lab_wait_conns(w, LAB_SERVER, 1, 10 * LAB_SECOND);
	s = lab_conn(w, LAB_SERVER, 0);
	lab_send(w, LAB_CLIENT, c, up);
	lab_send(w, LAB_SERVER, s, down);
	lab_pass(w, think + 4 * w->plan.delay_ns);
	lab_close(w, LAB_CLIENT, c);
	lab_wait(w, &s->live, false, 10 * LAB_SECOND);
}

static void run(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	const struct lab_node *server = &w->node[LAB_SERVER];
	uint64_t left, wait = sim_rng_next(&r->rng);
	uint32_t synacks;
	weir_time limit;

	lab_draw(r);
	lab_begin(r);
	w->node[LAB_SERVER].at_eof = LAB_CLOSE_TOO;
	w->node[LAB_SERVER].mark = 's';
	w->node[LAB_SERVER].expects = 'c';
	lab_rule_add(w, LAB_CLIENT, LAB_SYN, 1, LAB_HOLD);
	talk(r);
	/* The old SYN arrives at any time from now on, while it is younger than an MSL. */
	left = w->held[0].born + LAB_MSL_NS - w->now - MARGIN_NS;
	lab_pass(w, wait % left);
	synacks = server->sent[LAB_SYNACK];
	lab_release(w, 0, MARGIN_NS);
	limit = w->now + HORIZON_NS;
	lab_pass(w, HORIZON_NS);
	lab_add(r, GHOSTS, server->conns - 1);
	lab_add(r, SYNACKS, server->sent[LAB_SYNACK] - synacks);
	for (unsigned i = 1; i < server->conns; i++) {
		const struct lab_conn *ghost = &server->conn[i];

		lab_add(r, BYTES, ghost->got);
		lab_add_time(r, HELD, ghost->began, ghost->live ? limit : ghost->ended_at);
	}
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	static const struct lab_text head[] = {
		{{"With two handshakes the old SYN made a connection ",
		  "只用两次握手: 迟到的 SYN 使服务器误建连接, "}},
		{{"With three it did so ", "用三次握手: 这样的连接, "}},
	};

	for (unsigned v = 0; v < 2; v++) {
		const struct lab_figure *f = res->figure[v];

		lab_say(out, "%s", head[v].in[out->lang]);
		lab_say_runs(out, f[GHOSTS].value, res->runs);
		if (f[GHOSTS].value != 0)
			LAB_SAY(out,
				": nobody was there,\n%" PRIu64
				" bytes ever came in on it, and the server kept it for %" PRIu64
				" s on average",
				", 共收到 %" PRIu64 " 字节, 服务器平均白白保留它 %" PRIu64 " 秒",
				f[BYTES].value, f[HELD].value / f[HELD].samples / 1000000);
		lab_say(out, out->lang == LAB_ZH ? "。\n" : ".\n");
	}
}

const struct lab_experiment lab_two_way = {
	.name = "two-way",
	.section = "2.3",
	.title = {{"why two handshakes are not enough: a delayed duplicate SYN",
		   "为何不能两次握手: 迟到的重复 SYN"}},
	.rule = {{"The client's first SYN is delayed. It sends another, which arrives; data goes "
		  "both ways, the\nclient closes, the connection ends. Then the first SYN arrives "
		  "(not older than an MSL, 30 s).\n",
		  "客户端发送的请求 1 由于网络延迟暂未到达服务器; 客户端重新发送请求 2, "
		  "正确到达, 连接建立;\n数据传输完毕后, 连接关闭; 此时请求 1 到达服务器 "
		  "(不晚于 MSL, 30 秒)。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = sizeof(variants) / sizeof(variants[0]),
	.drawn_variant = 0,
	.drawn_count = GHOSTS,
	.view = LAB_SERVER,
	.run = run,
	.conclude = conclude,
};
