/*
 * half_close.c: ending one's own sending, and going on to receive.
 *
 * Theory of operation
 *
 * A client sends a request and then has nothing more to say. With weir_shutdown() it ends its own
 * direction: the server reads the end of the stream, and its answer still arrives, in FIN-WAIT-2,
 * for as long as the server likes. With weir_close() it gives up reading as well: to data that
 * comes then it answers with RST (RFC 9293 SHLD-3), and the server is told of a reset.
 *
 * This is also why a close takes four segments and not three: between the second and the third lies
 * all that the other end still has to send.
 */
#include <inttypes.h>

#include "sim/lab/experiments.h"
#include "sim/lab/world.h"

#define PATIENCE_NS (30 * LAB_SECOND)
#define REQUEST_MAX 1000u
#define ANSWER_MIN  1u
#define ANSWER_MAX  30000u
#define THINK_MAX   (500 * LAB_MS)

enum { RECEIVED, ANSWERED, COMPLETE, ORDERLY, RESET };
enum { SHUTDOWN, CLOSE, HOWS };

static const struct lab_count counts[] = {
	[RECEIVED] = {"bytes_after_own_fin",
		      LAB_SUM,
		      {{"bytes that the client read after it had sent its FIN",
			"客户端发送 FIN 之后收到的字节"}}},
	[ANSWERED] = {"bytes_answered",
		      LAB_SUM,
		      {{"bytes that the server sent after it had read the client's end",
			"服务器得知客户端结束发送之后发送的字节"}}},
	[COMPLETE] = {"answers_complete",
		      LAB_SUM,
		      {{"runs in which the client read the whole answer",
			"客户端收到完整回答的次数"}}},
	[ORDERLY] = {"closed_orderly",
		     LAB_SUM,
		     {{"runs in which both ends were closed in order", "双方正常关闭的次数"}}},
	[RESET] = {"server_reset",
		   LAB_SUM,
		   {{"runs in which the server was told of a reset", "服务器的连接被 RST 的次数"}}},
};

static const struct lab_variant variants[] = {
	{.name = "half-close",
	 .text = {{"the client ends its sending (shutdown) and goes on reading",
		   "客户端只结束发送 (shutdown), 继续接收"}},
	 .how = SHUTDOWN},
	{.name = "full-close",
	 .text = {{"the client closes both directions (close)", "客户端同时关闭两个方向 (close)"}},
	 .how = CLOSE},
};

static void run(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	size_t request = 1 + sim_rng_below(&r->rng, REQUEST_MAX);
	size_t answer = sim_rng_range(&r->rng, ANSWER_MIN, ANSWER_MAX);
	uint64_t think = sim_rng_below(&r->rng, THINK_MAX);
	struct lab_conn *c, *s;

	lab_draw(r);
	lab_begin(r);
	w->node[LAB_SERVER].mark = 's';
	w->node[LAB_SERVER].expects = 'c';
	c = lab_connect(w, LAB_CLIENT, w->plan.port, LAB_PORT, 'c');
	c->expects = 's';
	lab_wait(w, &c->up, true, PATIENCE_NS);
	lab_send(w, LAB_CLIENT, c, request);
	if (r->variant->how == SHUTDOWN)
		lab_shutdown(w, LAB_CLIENT, c);
	else
		lab_close(w, LAB_CLIENT, c);
	lab_wait_conns(w, LAB_SERVER, 1, PATIENCE_NS);
	s = lab_conn(w, LAB_SERVER, 0);
	lab_wait(w, &s->eof, true, PATIENCE_NS);
	lab_pass(w, think);
	lab_send(w, LAB_SERVER, s, answer);
	lab_close(w, LAB_SERVER, s);
	lab_wait(w, &s->live, false, PATIENCE_NS);
	lab_wait(w, &c->live, false, PATIENCE_NS);
	lab_add(r, RECEIVED, c->got);
	lab_add(r, ANSWERED, answer);
	lab_add(r, COMPLETE, c->got == answer && c->strange == 0);
	lab_add(r, ORDERLY, !c->live && !s->live && c->reason == WEIR_OK && s->reason == WEIR_OK);
	lab_add(r, RESET, s->reason == WEIR_RESET);
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	static const struct lab_text head[HOWS] = {
		{{"Ending only its sending, the client read the whole answer ",
		  "只结束发送: 客户端收到完整的回答, "}},
		{{"Closing both directions, it did so ", "关闭两个方向: 客户端收到完整的回答, "}},
	};

	for (unsigned v = 0; v < HOWS; v++) {
		const struct lab_figure *f = res->figure[v];

		lab_say(out, "%s", head[v].in[out->lang]);
		lab_say_runs(out, f[COMPLETE].value, res->runs);
		LAB_SAY(out,
			":\n%" PRIu64 " of %" PRIu64 " bytes, %" PRIu64 " connections reset.\n",
			": %" PRIu64 " 字节 (共 %" PRIu64 " 字节), %" PRIu64 " 个连接被 RST。\n",
			f[RECEIVED].value, f[ANSWERED].value, f[RESET].value);
	}
}

const struct lab_experiment lab_half_close = {
	.name = "half-close",
	.section = "3.2",
	.title = {{"one end has nothing more to send, and goes on receiving",
		   "半关闭: 一端结束发送后还能接收另一端发送的数据"}},
	.rule = {{"A client sends a request and a FIN; the server reads both, takes its time, and "
		  "answers.\n",
		  "客户端发送请求和 FIN; 服务器收到后过一段时间再发送回答。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = sizeof(variants) / sizeof(variants[0]),
	.drawn_variant = SHUTDOWN,
	.drawn_count = COMPLETE,
	.view = LAB_CLIENT,
	.paths = LAB_PATHS,
	.run = run,
	.conclude = conclude,
};
