/*
 * syn_flood.c: what a SYN flood does to honest clients, and what each defence against it does.
 *
 * Theory of operation
 *
 * Strangers who never answer send RATE_MIN to RATE_MAX SYNs a second to a server with BACKLOG
 * half-open records. Each record stays 63 s, so that a bit more than two SYNs a second would keep
 * the queue full. The flood is of one of two kinds, about half of the runs each:
 *
 *   spoofed   each SYN has another address, which nobody answers for
 *   few       all SYNs come from 2 to 4 addresses, whose hosts do not answer
 *
 * When the queue has long been full, CLIENTS honest clients, 20 to 200 ms away, open a connection
 * each and send a request. They are hosts of the shipped engine: an unanswered SYN goes again after
 * 1, 3 and 7 s. Served is a client whose connection and request the server's application has within
 * PATIENCE_NS; the flood lasts longer than that.
 *
 * The variants differ in settings of the server only. A short timeout (half_pressure_pct,
 * half_life_min_ms: RFC 4987 3.3) makes room for BACKLOG / 3 SYNs a second, whoever sends them: the
 * honest get their share of these, so it divides the flood's strength and does not end it. Cookies
 * (RFC 4987 3.6) need no room. A limit for each source (source_rate, half_source_max) ends a flood
 * from few addresses and does nothing against spoofed ones.
 *
 * Memory is what the flood can take: half-open records in use, each with the size that the engine
 * gives it, at their peak. BACKLOG bounds it. Established connections are not part of it; the stack
 * as a whole is carved from memory that is given to it once, and grows in no variant.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "sim/lab/experiments.h"
#include "sim/lab/world.h"
#include "stack/stack.h"
#include "weir/info.h"

#define BACKLOG     128u /* records; SOMAXCONN, for a long time */
#define RATE_MIN    120u /* SYNs a second */
#define RATE_MAX    240u
#define FEW_MIN     2u /* addresses */
#define FEW_MAX     4u
#define CLIENTS     LAB_ADDRS_MAX
#define NEAR_NS     (10 * LAB_MS) /* one way */
#define FAR_NS      (100 * LAB_MS)
#define FIRST_NS    (4 * LAB_SECOND) /* from here on honest clients open ... */
#define OPENING_NS  (3 * LAB_SECOND) /* ... for so long */
#define PATIENCE_NS (10 * LAB_SECOND)
#define FLOOD_NS    (FIRST_NS + OPENING_NS + PATIENCE_NS)
#define REQUEST     200u /* bytes */
#define PORT_FIRST  1024u
#define SOURCES_MAX 512u

enum {
	TRIED,
	SERVED,
	TRIED_SPOOFED,
	SERVED_SPOOFED,
	TRIED_FEW,
	SERVED_FEW,
	WAITED,
	SYNS,
	DROPPED,
	COOKIES,
	RECORDS,
	MEMORY
};
enum { NONE, SHORT, COOKIE, LIMIT, ALL, VARIANTS };

static const struct lab_count counts[] = {
	[TRIED] = {"honest_tried",
		   LAB_SUM,
		   {{"honest clients that opened a connection", "尝试连接的正常客户端"}}},
	[SERVED] = {"honest_served",
		    LAB_SUM,
		    {{"of them: the server had their request within 10 s",
		      "其中 10 秒内连接建立且请求到达服务器的"}}},
	[TRIED_SPOOFED] = {"tried_spoofed",
			   LAB_SUM,
			   {{"the same, while each SYN of the flood had another address",
			     "伪造来源地址的攻击下: 尝试的"}}},
	[SERVED_SPOOFED] = {"served_spoofed",
			    LAB_SUM,
			    {{"of them: served", "伪造来源地址的攻击下: 成功的"}}},
	[TRIED_FEW] = {"tried_few",
		       LAB_SUM,
		       {{"the same, while the flood came from 2 to 4 addresses",
			 "攻击来自少数 (2 到 4 个) 地址时: 尝试的"}}},
	[SERVED_FEW] = {"served_few", LAB_SUM, {{"of them: served", "攻击来自少数地址时: 成功的"}}},
	[WAITED] = {"honest_waited_ms",
		    LAB_MEAN_MS,
		    {{"how long who was served waited for the connection (mean, ms)",
		      "成功的客户端等待的时间 (平均, 毫秒)"}}},
	[SYNS] = {"syns", LAB_SUM, {{"SYNs of the flood", "攻击者发送的 SYN"}}},
	[DROPPED] = {"syns_dropped",
		     LAB_SUM,
		     {{"SYNs, of anybody, that were dropped: queue full, or too many of a source",
		       "被丢弃的 SYN (队列已满, 或同一来源过多), 包括正常客户端的"}}},
	[COOKIES] = {"cookies_sent",
		     LAB_SUM,
		     {{"SYNs, of anybody, that were answered with a cookie",
		       "用 SYN Cookie 回答的 SYN, 包括正常客户端的"}}},
	[RECORDS] = {"records_peak",
		     LAB_MAX,
		     {{"most half-open records at one time, in any run", "半连接队列的最大长度"}}},
	[MEMORY] = {"memory_peak_bytes",
		    LAB_MAX,
		    {{"memory of these records: 64 bytes each, 96 with IPv6",
		      "半连接记录占用内存的最大值: 每条 64 字节, IPv6 为 96 字节"}}},
};

static const struct lab_variant variants[VARIANTS] = {
	[NONE] = {.name = "none",
		  .text = {{"no defence: a record stays 63 s, what finds the queue full is dropped",
			    "没有防御: 记录保留 63 秒, 队列满则丢弃"}}},
	[SHORT] = {.name = "short-timeout",
		   .text = {{"the fuller the queue, the shorter a record stays: 3 s at least "
			     "(half_pressure_pct)",
			     "缩短超时时间: 队列越满, 记录保留的时间越短, 最短 3 秒 "
			     "(half_pressure_pct)"}},
		   .set = {{"half_pressure_pct", 50, LAB_AT_SERVER},
			   {"half_life_min_ms", 3000, LAB_AT_SERVER}}},
	[COOKIE] = {.name = "cookies",
		    .text = {{"SYN cookies while 3/4 of the queue are in use (cookies 1)",
			      "SYN Cookie: 队列超过 3/4 时启用 (cookies 1)"}},
		    .set = {{"cookies", 1, LAB_AT_SERVER}}},
	[LIMIT] = {.name = "source-limit",
		   .text = {{"from one source 16 records and SYNs at once, one more a second "
			     "(source_rate 1)",
			     "限制来自同一来源的请求: 最多 16 条记录, 每秒 1 个 SYN "
			     "(source_rate 1)"}},
		   .set = {{"source_rate", 1, LAB_AT_SERVER},
			   {"source_burst", 16, LAB_AT_SERVER},
			   {"half_source_max", 16, LAB_AT_SERVER}}},
	[ALL] = {.name = "all",
		 .text = {{"all three together", "三种防御同时启用"}},
		 .set = {{"half_pressure_pct", 50, LAB_AT_SERVER},
			 {"half_life_min_ms", 3000, LAB_AT_SERVER},
			 {"cookies", 1, LAB_AT_SERVER},
			 {"source_rate", 1, LAB_AT_SERVER},
			 {"source_burst", 16, LAB_AT_SERVER},
			 {"half_source_max", 16, LAB_AT_SERVER}}},
};

/* --- One run -------------------------------------------------------------------------------- */

enum kind { SPOOFED, FEW };

struct honest {
	weir_time opens;
	const struct lab_conn *conn; /* NULL: not yet */
};

struct attack {
	enum kind kind;
	unsigned sources; /* of a flood from few */
	uint64_t gap_ns;  /* between two SYNs, on average */
	uint64_t syns, records_peak;
	weir_time next_syn, end;
	struct honest honest[CLIENTS];
};

static void set_up(struct lab_run *r, struct attack *a)
{
	struct lab_plan *p = &r->world.plan;

	lab_draw(r);
	p->backlog = BACKLOG;
	p->delay_ns = NEAR_NS;
	p->clients = CLIENTS;
	for (unsigned i = 0; i < CLIENTS; i++)
		p->detour_ns[i] = sim_rng_below(&r->rng, FAR_NS - NEAR_NS);
	p->cfg.halfs_max = BACKLOG;
	p->cfg.conns_max = CLIENTS;
	p->cfg.sources_max = SOURCES_MAX;
	/* Nothing defends, but for what the variant sets. */
	p->cfg.cookies = 0;
	p->cfg.half_pressure_pct = 100;
	p->cfg.source_rate = 0;
	p->cfg.half_source_max = BACKLOG;
	lab_begin(r);

	*a = (struct attack){.next_syn = r->world.now, .end = r->world.now + FLOOD_NS};
	a->kind = sim_rng_below(&r->rng, 2) ? SPOOFED : FEW;
	a->sources = (unsigned)sim_rng_range(&r->rng, FEW_MIN, FEW_MAX);
	a->gap_ns = LAB_SECOND / sim_rng_range(&r->rng, RATE_MIN, RATE_MAX);
	for (unsigned i = 0; i < CLIENTS; i++)
		a->honest[i].opens = r->world.now + FIRST_NS + sim_rng_below(&r->rng, OPENING_NS);
}

/* Spoofed addresses are of 198.18.0.0/15 and 2001:db8:1::/48 (RFC 2544, RFC 3849), few ones of
 * 198.51.100.0/24 and networks of 2001:db8:2::/48. */
static void draw_source(struct lab_run *r, const struct attack *a, struct weir_addr *out)
{
	uint64_t bits = sim_rng_next(&r->rng);
	uint8_t one = (uint8_t)(bits % a->sources + 1);

	if (r->world.plan.family == 4 && a->kind == SPOOFED) {
		*out = (struct weir_addr){4, {198, (uint8_t)(18 + (bits >> 16 & 1))}};
		out->bytes[2] = (uint8_t)(bits >> 8);
		out->bytes[3] = (uint8_t)bits;
	} else if (r->world.plan.family == 4) {
		*out = (struct weir_addr){4, {198, 51, 100, one}};
	} else if (a->kind == SPOOFED) {
		*out = (struct weir_addr){6, {0x20, 0x01, 0x0d, 0xb8, 0, 1}};
		for (unsigned i = 0; i < 8; i++)
			out->bytes[6 + i] = (uint8_t)(bits >> 8 * i);
	} else {
		*out = (struct weir_addr){6, {0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, one}};
		out->bytes[15] = 1;
	}
}

static void send_syn(struct lab_run *r, struct attack *a)
{
	struct lab_world *w = &r->world;
	struct lab_forged g = {
		.flags = TCP_SYN, .mss = 1400, .dst = {w->node[LAB_SERVER].addr, LAB_PORT}};

	draw_source(r, a, &g.src.addr);
	g.src.port = (uint16_t)sim_rng_range(&r->rng, PORT_FIRST, UINT16_MAX);
	g.seq = (uint32_t)sim_rng_next(&r->rng);
	lab_forge(w, &g, 0);
	a->syns++;
	a->next_syn = w->now + 1 + sim_rng_below(&r->rng, 2 * a->gap_ns);
}

/* The next one to open; NULL: all have. */
static struct honest *next_honest(struct attack *a)
{
	struct honest *next = NULL;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct honest *h = &a->honest[i];

		if (h->conn == NULL && (next == NULL || h->opens < next->opens))
			next = h;
	}
	return next;
}

/* Until `limit`, keeping an eye on the queue. */
static void watch_records(struct lab_world *w, struct attack *a, weir_time limit)
{
	struct weir_usage u;
	bool more = true;

	while (more) {
		more = lab_step(w, limit);
		weir_stack_usage(w->node[LAB_SERVER].stack, &u);
		a->records_peak = u.halfs > a->records_peak ? u.halfs : a->records_peak;
	}
}

static void attack_run(struct lab_run *r, struct attack *a)
{
	struct lab_world *w = &r->world;

	set_up(r, a);
	while (a->next_syn < a->end) {
		struct honest *h = next_honest(a);

		if (h != NULL && h->opens <= a->next_syn) {
			watch_records(w, a, h->opens);
			h->conn = lab_request(w, (unsigned)(h - a->honest), w->plan.port, 'c',
					      REQUEST);
			weir_assert(h->conn != NULL);
		} else {
			watch_records(w, a, a->next_syn);
			send_syn(r, a);
		}
	}
	watch_records(w, a, a->end);
}

/* --- Figures -------------------------------------------------------------------------------- */

/* When the server's application had the client's connection; WEIR_NEVER: not in time, or without
 * the request. */
static weir_time served_at(const struct lab_world *w, const struct honest *h)
{
	const struct lab_node *server = &w->node[LAB_SERVER];

	for (unsigned i = 0; i < server->conns; i++) {
		const struct lab_conn *c = &server->conn[i];

		if (sim_endpoint_equal(&c->tuple.remote, &h->conn->tuple.local))
			return c->got == REQUEST && c->up_at <= h->opens + PATIENCE_NS ? c->up_at
										       : WEIR_NEVER;
	}
	return WEIR_NEVER;
}

static size_t record_bytes(uint8_t family)
{
	return sizeof(struct half_slot) + (family == 6 ? sizeof(struct addr6_pair) : 0);
}

static void count_up(struct lab_run *r, const struct attack *a)
{
	const struct lab_world *w = &r->world;
	unsigned tried = a->kind == SPOOFED ? TRIED_SPOOFED : TRIED_FEW;
	unsigned served = a->kind == SPOOFED ? SERVED_SPOOFED : SERVED_FEW;

	for (unsigned i = 0; i < CLIENTS; i++) {
		weir_time at = served_at(w, &a->honest[i]);

		lab_add(r, TRIED, 1);
		lab_add(r, tried, 1);
		if (at == WEIR_NEVER)
			continue;
		lab_add(r, SERVED, 1);
		lab_add(r, served, 1);
		lab_add_time(r, WAITED, a->honest[i].opens, at);
	}
	lab_add(r, SYNS, a->syns);
	lab_add(r, DROPPED,
		lab_counter(w, LAB_SERVER, WEIR_CTR_LISTEN_FULL) +
			lab_counter(w, LAB_SERVER, WEIR_CTR_LISTEN_SOURCE));
	lab_add(r, COOKIES, lab_counter(w, LAB_SERVER, WEIR_CTR_SYN_COOKIE));
	lab_add(r, RECORDS, a->records_peak);
	lab_add(r, MEMORY, a->records_peak * record_bytes(w->plan.family));
}

/* --- Words ---------------------------------------------------------------------------------- */

static void tell_flood(struct lab_words *out, const struct lab_run *r, const struct attack *a)
{
	static const struct lab_text each = {{"each from another address", "来源地址各不相同"}};
	uint64_t cookies = lab_counter(&r->world, LAB_SERVER, WEIR_CTR_SYN_COOKIE);

	LAB_SAY(out, "%" PRIu64 " SYNs came in %u s, ",
		"攻击者发送了 %" PRIu64 " 个 SYN (%u 秒内), ", a->syns,
		(unsigned)(FLOOD_NS / LAB_SECOND));
	if (a->kind == SPOOFED)
		lab_say(out, "%s; ", each.in[out->lang]);
	else
		LAB_SAY(out, "from %u addresses; ", "来自 %u 个地址; ", a->sources);
	LAB_SAY(out, "%" PRIu64 " of %u records were in use at most.\n",
		"队列最多时有 %" PRIu64 " / %u 条记录。\n", a->records_peak, BACKLOG);
	LAB_SAY(out,
		"%" PRIu64 " SYNs were answered with a cookie, of which the server keeps nothing: "
		"for it this\nconnection begins with the third segment.\n",
		"服务器用 Cookie 回答了 %" PRIu64 " 个 SYN, 不保留任何记录: "
		"对服务器来说, 连接从第三个报文开始。\n",
		cookies);
}

/* The client that is drawn, in a run without defences. */
static void tell_undefended(struct lab_words *out, const struct lab_run *r, const struct attack *a)
{
	const struct honest *h = &a->honest[0];
	weir_time at = served_at(&r->world, h);
	struct weir_info info;

	if (at != WEIR_NEVER)
		LAB_SAY(out, "Without defences the same client was served after %.3f s.\n",
			"没有防御时, 同一客户端在 %.3f 秒后连接成功。\n",
			(double)(at - h->opens) / (double)LAB_SECOND);
	else if (weir_conn_info(r->world.node[LAB_CLIENT].stack, h->conn->handle, &info) == WEIR_OK)
		LAB_SAY(out,
			"Without defences the same client sent its SYN %u times, and %.1f s after "
			"the first it was in\n%s still: all of them were dropped.\n",
			"没有防御时, 同一客户端发送了 %u 次 SYN, %.1f 秒后仍处于 %s: 全部被丢弃。\n",
			info.segs_out, (double)(r->world.now - h->opens) / (double)LAB_SECOND,
			weir_state_name(info.state));
}

/* The same run once more, with nothing that defends. */
static void tell_without(struct lab_words *out, const struct sim_rng *start)
{
	struct lab_run *r = sim_alloc(1, sizeof(*r));
	struct attack a;

	r->variant = &variants[NONE];
	r->count = counts;
	r->rng = *start;
	r->world.run = r;
	attack_run(r, &a);
	tell_undefended(out, r, &a);
	lab_end(r);
	free(r);
}

static void run(struct lab_run *r)
{
	struct sim_rng start = r->rng;
	struct attack a;

	attack_run(r, &a);
	count_up(r, &a);
	if (r->watch == NULL || r->watch->story == NULL)
		return;
	tell_flood(r->watch->story, r, &a);
	tell_without(r->watch->story, &start);
}

/* Of all connections one: the first client's. */
static bool draws(const struct weir_trace_record *rec)
{
	static const struct weir_addr first4 = {4, {192, 0, 2, LAB_CLIENT + 1}};
	const struct weir_addr *a = &rec->tuple.remote.addr;

	if (a->family == 4)
		return sim_addr_equal(a, &first4);
	return a->bytes[5] == 0 && a->bytes[7] == 0;
}

/* What part of those who tried. */
static const char *share(char out[16], const struct lab_figure *tried,
			 const struct lab_figure *served)
{
	if (tried->value == 0)
		snprintf(out, 16, "-");
	else
		snprintf(out, 16, "%.2f %%", 100.0 * (double)served->value / (double)tried->value);
	return out;
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	static const struct lab_text head[VARIANTS] = {
		[NONE] = {{"Without defences", "没有防御"}},
		[SHORT] = {{"With a short timeout", "缩短超时时间"}},
		[COOKIE] = {{"With SYN cookies", "SYN Cookie"}},
		[LIMIT] = {{"With a limit for each source", "限制同一来源"}},
		[ALL] = {{"With all three", "三种同时启用"}},
	};
	char all[16], spoofed[16], few[16];
	uint64_t memory = 0;

	for (unsigned v = 0; v < VARIANTS; v++) {
		const struct lab_figure *f = res->figure[v];

		LAB_SAY(out,
			"%s %s of the honest clients were served,\n%s in floods of spoofed sources "
			"and %s in those of few.\n",
			"%s: %s 的正常客户端连接成功 (伪造来源地址时 %s, 少数来源时 %s)。\n",
			head[v].in[out->lang], share(all, &f[TRIED], &f[SERVED]),
			share(spoofed, &f[TRIED_SPOOFED], &f[SERVED_SPOOFED]),
			share(few, &f[TRIED_FEW], &f[SERVED_FEW]));
		memory = f[MEMORY].value > memory ? f[MEMORY].value : memory;
	}
	LAB_SAY(out,
		"In no variant did half-open connections take more than %" PRIu64
		" bytes: %u records.\n",
		"任何情况下半连接占用的内存都不超过 %" PRIu64 " 字节 (%u 条记录)。\n", memory,
		BACKLOG);
}

const struct lab_experiment lab_syn_flood = {
	.name = "syn-flood",
	.section = "2.5",
	.title = {{"a SYN flood, and what each defence does for honest clients",
		   "SYN 洪泛攻击与三种防御"}},
	.rule = {{"Strangers who never answer send 120 to 240 SYNs a second to a server with room "
		  "for 128\nhalf-open connections: in about half of the runs each from another, "
		  "spoofed address, in the\nothers all from 2 to 4 addresses. When the queue has "
		  "long been full, 16 honest clients, 20\nto 200 ms away, open a connection "
		  "each and send a request. Who gets no answer\nsends the SYN again, after 1, "
		  "3 and 7 s.\n",
		  "攻击者每秒向服务器发送 120 到 240 个 SYN, 从不应答 SYN+ACK; "
		  "半连接队列长度为 128。\n约一半的运行中来源地址都是伪造的, 各不相同; "
		  "另一半中全部来自 2 到 4 个地址。\n队列早已填满之后, "
		  "16 个正常客户端 (往返时间 20 到 200 毫秒) 各打开一个连接\n并发送请求; "
		  "没有应答时在 1, 3, 7 秒后重发 SYN。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = VARIANTS,
	.drawn_variant = COOKIE,
	.drawn_count = TRIED_SPOOFED,
	.view = LAB_SERVER,
	.draws = draws,
	.run = run,
	.conclude = conclude,
};
