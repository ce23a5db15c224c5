/*
 * reliability.c: what each mechanism that makes TCP reliable is for: one switched off at a time.
 *
 * Theory of operation
 *
 * A client sends BYTES bytes to a server through a path that loses, copies, reorders and damages
 * segments, TROUBLE_PPM of them each, in both directions. The server's application reads slower
 * than the path carries. What it has read in the end is compared with what was sent (judge.h).
 *
 * Before that the two have had a connection on the same pair of ports, over a path without faults;
 * a copy of one of its last segments is still in the network, and arrives in the new connection if
 * that begins within an MSL.
 *
 * The engine is the shipped one, and has no switches for what makes it a TCP. So, but for TIME-WAIT
 * (timewait_ms 0), a mechanism is taken away from outside, by a path that makes its information
 * worthless, while everything else about the run stays as it is:
 *
 *   checksum         the path mends the checksum of what it has damaged, so that it tells nothing
 *   sequence         what arrives is numbered anew in the order in which it arrives: the server
 *                    appends what comes when it comes, copies too, and counts
 *   acknowledgement  the path acknowledges each segment when it is sent, as if it had arrived, and
 *                    keeps the server's own acknowledgements away: they tell nothing
 *   retransmission   what was sent before does not get through
 *   connection       no TIME-WAIT: the pair of ports is used again at once, and old and new
 *                    segments look alike (`weir lab two-way` shows what the handshake is for)
 *   window           each acknowledgement says that there is all the room there can be
 *
 * Only bytes of the stream are damaged, so that a damaged segment still is a segment of this
 * connection; TCP's checksum covers them all. Timestamps are off: they would let the engine tell
 * copies and old segments apart by another mark (PAWS, RFC 7323 5).
 *
 * A run ends a second after the server's application has read the end of the stream, or after
 * PATIENCE_NS: then it has stalled. The sender was deceived if its engine has told it that all was
 * delivered and it was not so.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/be.h"
#include "sim/lab/experiments.h"
#include "sim/lab/judge.h"
#include "sim/lab/world.h"
#include "weir/info.h"

#define BYTES       200000u
#define OLD_BYTES   20000u /* of the earlier connection: 14 segments */
#define OLD_COPY    11u    /* of them, this one or one of the next two is copied */
#define TROUBLE_PPM 20000u
#define RATE_BPS    10000000u
#define HOLD_NS     (4 * LAB_MS)
#define DELAY_MIN   (2 * LAB_MS)
#define DELAY_MAX   (4 * LAB_MS)
#define READ_BYTES  2000u /* every READ_NS: 400 KB a second */
#define READ_NS     (5 * LAB_MS)
#define RCVBUF      24000u
#define R2_MS       60000u /* the sender gives up */
#define PATIENCE_NS (100 * LAB_SECOND)
#define OPEN_NS     (90 * LAB_SECOND) /* TIME-WAIT is over by then */
#define RUNS        20u
#define TCP_SEQ     4u
#define TCP_ACK_AT  8u
#define TCP_WND     14u

enum { INTACT, WRONG, LOST, TWICE, MOVED, STALLED, DECEIVED, SEGMENTS, REFUSED, TOOK };
enum { ALL, CHECKSUM, SEQUENCE, ACKNOWLEDGEMENT, RETRANSMISSION, CONNECTION, WINDOW, VARIANTS };

static const struct lab_count counts[] = {
	[INTACT] = {"intact",
		    LAB_SUM,
		    {{"runs in which all bytes arrived, in order, and nothing else",
		      "数据完整, 有序且没有多余内容的次数"}}},
	[WRONG] = {"bytes_wrong",
		   LAB_SUM,
		   {{"bytes read that were not sent in this connection", "读到的错误字节"}}},
	[LOST] = {"bytes_lost",
		  LAB_SUM,
		  {{"bytes sent that were never read", "发送但从未读到的字节"}}},
	[TWICE] = {"bytes_twice",
		   LAB_SUM,
		   {{"bytes read again that had been read", "重复读到的字节"}}},
	[MOVED] = {"bytes_moved",
		   LAB_SUM,
		   {{"bytes read at another place than they were sent at", "位置错误的字节"}}},
	[STALLED] = {"stalled",
		     LAB_SUM,
		     {{"runs in which the end of the stream never came", "数据流没有结束的次数"}}},
	[DECEIVED] = {"deceived",
		      LAB_SUM,
		      {{"runs in which the sender was told that all was delivered, and it was not",
			"发送方被告知全部送达而事实并非如此的次数"}}},
	[SEGMENTS] = {"segments",
		      LAB_SUM,
		      {{"segments with data that the client sent", "客户端发送的数据报文段"}}},
	[REFUSED] = {"refused",
		     LAB_SUM,
		     {{"segments that found no room in the server's window",
		       "因超出服务器窗口而被拒绝的报文段"}}},
	[TOOK] = {"took_ms",
		  LAB_MEAN_MS,
		  {{"how long those took that came to an end (mean, ms)",
		    "结束的传输所用的时间 (平均, 毫秒)"}}},
};

static const struct lab_variant variants[VARIANTS] = {
	[ALL] = {.name = "all",
		 .text = {{"everything as it is shipped", "所有机制都启用"}},
		 .how = ALL},
	[CHECKSUM] = {.name = "no-checksum",
		      .text = {{"the path mends the checksum of what it has damaged",
				"没有检验和: 数据被破坏后检验和也被改对"}},
		      .how = CHECKSUM},
	[SEQUENCE] = {.name = "no-sequence",
		      .text = {{"what arrives is numbered anew, as it arrives",
				"没有序列号: 报文段按到达的次序重新编号"}},
		      .how = SEQUENCE},
	[ACKNOWLEDGEMENT] = {.name = "no-ack",
			     .text = {{"the path acknowledges all that is sent, at once",
				       "没有确认应答: 网络对发出的一切立即确认"}},
			     .how = ACKNOWLEDGEMENT},
	[RETRANSMISSION] = {.name = "no-resend",
			    .text = {{"nothing gets through that was sent before",
				      "没有重发控制: 重发的报文段都不能到达"}},
			    .how = RETRANSMISSION},
	[CONNECTION] = {.name = "no-time-wait",
			.text = {{"the pair of ports is used again at once (timewait_ms 0)",
				  "没有连接管理中的 TIME_WAIT: 端口对立即重用 (timewait_ms 0)"}},
			.how = CONNECTION,
			.set = {{"timewait_ms", 0, LAB_EVERYWHERE}}},
	[WINDOW] = {.name = "no-window",
		    .text = {{"each ACK says that there is room for 64 KB or more",
			      "没有窗口控制: 每个 ACK 都声称有足够的接收空间"}},
		    .how = WINDOW},
};

/* What a run keeps beside the world. */
struct trial {
	uint8_t sent[BYTES], got[2 * BYTES], old[OLD_BYTES];
	struct lab_tape up, down, old_up;
	struct weir_endpoint client, server;
	bool numbered;     /* the connection's numbers are known: the SYN was seen */
	uint32_t high;     /* of the client: one past all that it has sent */
	uint32_t next;     /* at the server: where the next segment goes, in SEQUENCE */
	uint32_t answered; /* to the client, in ACKNOWLEDGEMENT */
	uint32_t server_next;
	unsigned segments;
	struct judgement found;
};

static struct trial *trial_of(const struct lab_run *r)
{
	return r->own;
}

/* --- What the path does -------------------------------------------------------------------- */

static void tell_lost(struct lab_run *r, const struct sim_packet *p)
{
	if (r->watch != NULL && r->watch->lost != NULL && p->tcp.len > 0)
		r->watch->lost(r->watch->user, r->world.now, p->tcp.seq.v, p->tcp.len);
}

/* ACKNOWLEDGEMENT: what the client sends is acknowledged as if it had arrived. */
static void answer(struct lab_run *r, const struct sim_packet *p, uint32_t end)
{
	struct trial *t = trial_of(r);
	struct lab_forged ack = {.src = t->server,
				 .dst = t->client,
				 .flags = TCP_ACK,
				 .seq = t->server_next,
				 .ack = t->answered};

	if (end == p->tcp.seq.v || p->tcp.flags & TCP_SYN)
		return;
	if ((int32_t)(end - t->answered) > 0)
		t->answered = ack.ack = end;
	lab_forge(&r->world, &ack, 2 * r->world.plan.delay_ns);
}

/* Of what the client has sent. true: it does not get any further. */
static bool sent_by_client(struct lab_run *r, const struct sim_packet *p)
{
	struct trial *t = trial_of(r);
	bool syn = p->tcp.flags & TCP_SYN;
	uint32_t end = p->tcp.seq.v + p->tcp.len + syn + (p->tcp.flags & TCP_FIN ? 1 : 0);
	bool again = t->numbered && p->tcp.len > 0 && (int32_t)(p->tcp.seq.v - t->high) < 0;

	t->segments += p->tcp.len > 0;
	if (syn) {
		t->numbered = true;
		t->high = t->next = t->answered = end;
	}
	if ((int32_t)(end - t->high) > 0)
		t->high = end;
	if (r->variant->how == ACKNOWLEDGEMENT)
		answer(r, p, end);
	return r->variant->how == RETRANSMISSION && again;
}

/* Of what the server has sent. true: it does not get any further. */
static bool sent_by_server(struct lab_run *r, const struct sim_packet *p, struct sim_frame *f)
{
	struct trial *t = trial_of(r);
	uint8_t *tcp = f->bytes + p->l4_start;

	if (p->tcp.flags & TCP_SYN)
		t->server_next = p->tcp.seq.v + 1;
	if (p->tcp.flags & TCP_SYN)
		return false;
	if (r->variant->how == ACKNOWLEDGEMENT && !(p->tcp.flags & (TCP_FIN | TCP_RST)))
		return true;
	if (r->variant->how == WINDOW)
		be16_put(tcp + TCP_WND, UINT16_MAX);
	/* A sender that counts knows that no more can have arrived than it has sent. */
	if (r->variant->how == SEQUENCE && (int32_t)(p->tcp.ack.v - t->high) > 0)
		be32_put(tcp + TCP_ACK_AT, t->high);
	sim_frame_sum(f, p->l4_start);
	return false;
}

/* lab_run.sent */
static void on_sent(struct lab_run *r, enum lab_host from, struct sim_frame *f)
{
	struct sim_packet p;
	bool stopped;

	weir_assert(sim_packet_read(&p, f) == SIM_PACKET_TCP);
	stopped = from == LAB_CLIENT ? sent_by_client(r, &p) : sent_by_server(r, &p, f);
	if (stopped) {
		if (from == LAB_CLIENT)
			tell_lost(r, &p);
		sim_frame_free(f);
		return;
	}
	f->life = 0;
	if (!lab_way_offer(r, from, f) && from == LAB_CLIENT)
		tell_lost(r, &p);
}

/* Inverts bits of the stream's bytes: two to fifteen of them in a row, the ends always. */
static void damage(struct sim_frame *f, const struct sim_packet *p, uint64_t noise)
{
	uint8_t *bytes = f->bytes + p->l4_start + p->tcp.hdr_len;
	unsigned run = 2 + (unsigned)(noise % 14);
	size_t first = (noise >> 8) % (p->tcp.len * 8u - run);

	for (unsigned i = 0; i < run; i++)
		if (i == 0 || i == run - 1 || noise >> (40 + i) & 1)
			bytes[(first + i) / 8] ^= (uint8_t)(0x80u >> (first + i) % 8);
}

/* SEQUENCE: a segment gets the number that the server expects. */
static void number_anew(struct trial *t, struct sim_frame *f, const struct sim_packet *p)
{
	if (p->tcp.flags & TCP_SYN)
		return;
	be32_put(f->bytes + p->l4_start + TCP_SEQ, t->next);
	t->next += p->tcp.len + (p->tcp.flags & TCP_FIN ? 1 : 0);
	sim_frame_sum(f, p->l4_start);
}

/* lab_run.came */
static void on_came(struct lab_run *r, enum lab_host from, struct sim_frame *f,
		    const struct weir_impair_out *out)
{
	struct sim_packet p;
	bool damaged;

	weir_assert(sim_packet_read(&p, f) == SIM_PACKET_TCP);
	damaged = out->corrupt && p.tcp.len >= 2;
	if (damaged) {
		damage(f, &p, out->noise);
		if (r->variant->how == CHECKSUM)
			sim_frame_sum(f, p.l4_start);
		else if (from == LAB_CLIENT)
			tell_lost(r, &p);
	}
	if (!damaged && from == LAB_CLIENT && r->variant->how == SEQUENCE)
		number_anew(trial_of(r), f, &p);
	lab_put(&r->world, !from, f, 0);
}

/* --- One run ------------------------------------------------------------------------------- */

static void set_up(struct lab_run *r)
{
	struct lab_plan *p = &r->world.plan;
	struct trial *t = trial_of(r);

	lab_draw(r);
	p->delay_ns = sim_rng_range(&r->rng, DELAY_MIN, DELAY_MAX);
	p->cfg.timestamps = 0;
	p->cfg.sack = 1;
	p->cfg.window_scaling = 1;
	p->cfg.r2_ms = R2_MS;
	p->cfg.rcvbuf = RCVBUF;
	sim_pattern_fill(sim_rng_next(&r->rng), 0, t->sent, BYTES);
	sim_pattern_fill(sim_rng_next(&r->rng), 0, t->old, OLD_BYTES);
	t->up = (struct lab_tape){.feed = t->sent, .feed_len = BYTES};
	t->down = (struct lab_tape){.keep = t->got, .keep_max = sizeof(t->got), .by_hand = true};
	t->old_up = (struct lab_tape){.feed = t->old, .feed_len = OLD_BYTES};
	lab_begin(r);
	r->world.node[LAB_SERVER].at_eof = LAB_CLOSE_TOO;
	t->client = (struct weir_endpoint){r->world.node[LAB_CLIENT].addr, p->port};
	t->server = (struct weir_endpoint){r->world.node[LAB_SERVER].addr, LAB_PORT};
}

/* The earlier connection. Ends when neither end has it any more, but for TIME-WAIT. */
static void have_been(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	unsigned nth = OLD_COPY + (unsigned)sim_rng_below(&r->rng, 3);
	struct lab_conn *c;

	r->unseen = true;
	lab_rule_add(w, LAB_CLIENT, LAB_DATA, nth, LAB_COPY);
	c = lab_connect_tape(w, LAB_CLIENT, w->plan.port, LAB_PORT, &trial_of(r)->old_up);
	weir_assert(lab_wait(w, &c->live, false, OPEN_NS));
	weir_assert(lab_wait(w, &lab_conn(w, LAB_SERVER, 0)->live, false, OPEN_NS));
	r->unseen = false;
}

static void make_ways(struct lab_run *r)
{
	struct weir_impair_conf conf = {.rate_bps = RATE_BPS,
					.delay_ns = r->world.plan.delay_ns,
					.loss_ppm = TROUBLE_PPM,
					.dup_ppm = TROUBLE_PPM,
					.reorder_ppm = TROUBLE_PPM,
					.corrupt_ppm = TROUBLE_PPM,
					.hold_ns = HOLD_NS};

	r->sent = on_sent;
	r->came = on_came;
	lab_way_make(r, LAB_CLIENT, &conf);
	lab_way_make(r, LAB_SERVER, &conf);
}

/* Opens the pair of ports again as soon as it is to be had. */
static struct lab_conn *open_again(struct lab_run *r)
{
	struct lab_world *w = &r->world;
	weir_time limit = w->now + OPEN_NS;
	struct lab_conn *c = NULL;

	w->node[LAB_SERVER].tape = &trial_of(r)->down;
	while (c == NULL && w->now < limit) {
		c = lab_connect_tape(w, LAB_CLIENT, w->plan.port, LAB_PORT, &trial_of(r)->up);
		if (c == NULL)
			lab_pass(w, LAB_SECOND);
	}
	weir_assert(c != NULL);
	return c;
}

/* The copy of the old segment arrives when the server's end is there, unless it has died. */
static void bring_old(struct lab_run *r)
{
	struct lab_world *w = &r->world;

	lab_wait_conns(w, LAB_SERVER, 2, OPEN_NS);
	if (w->now < w->held[0].born + LAB_MSL_NS)
		lab_release(w, 0, 0);
}

static void read_slowly(struct lab_run *r, struct lab_conn **server)
{
	struct lab_world *w = &r->world;
	weir_time limit = w->now + PATIENCE_NS;

	if (!lab_wait_conns(w, LAB_SERVER, 2, PATIENCE_NS))
		return;
	*server = lab_conn(w, LAB_SERVER, 1);
	while (!(*server)->eof && w->now < limit) {
		lab_pass(w, READ_NS);
		lab_read(w, LAB_SERVER, *server, READ_BYTES);
	}
}

/* Has the client's engine told it that all it sent was delivered? */
static bool was_told(const struct lab_run *r, const struct lab_conn *c)
{
	struct weir_info info;

	if (!c->live)
		return c->reason == WEIR_OK;
	return weir_conn_info(r->world.node[LAB_CLIENT].stack, c->handle, &info) == WEIR_OK &&
	       info.bytes_acked >= BYTES;
}

static void count(struct lab_run *r, const struct lab_conn *c, const struct lab_conn *s,
		  weir_time began, weir_time ended)
{
	struct trial *t = trial_of(r);
	struct judgement *j = &t->found;

	judge_stream(t->sent, BYTES, t->got, t->down.kept, j);
	lab_add(r, INTACT, j->intact);
	lab_add(r, WRONG, j->wrong);
	lab_add(r, LOST, j->lost);
	lab_add(r, TWICE, j->twice);
	lab_add(r, MOVED, j->moved);
	lab_add(r, STALLED, s == NULL || !s->eof);
	lab_add(r, DECEIVED, !j->intact && was_told(r, c));
	lab_add(r, SEGMENTS, t->segments);
	lab_add(r, REFUSED, lab_counter(&r->world, LAB_SERVER, WEIR_CTR_OUT_OF_WINDOW));
	if (s != NULL && s->eof)
		lab_add_time(r, TOOK, began, ended);
}

static void run(struct lab_run *r)
{
	struct lab_conn *c, *s = NULL;
	weir_time began, ended;

	r->own = sim_alloc(1, sizeof(struct trial));
	set_up(r);
	have_been(r);
	make_ways(r);
	c = open_again(r);
	began = r->world.now;
	bring_old(r);
	read_slowly(r, &s);
	ended = r->world.now;
	lab_pass(&r->world, LAB_SECOND);
	count(r, c, s, began, ended);
	if (r->watch != NULL && r->watch->story != NULL)
		lab_say(r->watch->story, "%s", trial_of(r)->found.map);
	free(r->own);
}

/* --- The conclusion ------------------------------------------------------------------------ */

static void say_variant(const struct lab_result *res, unsigned v, struct lab_words *out)
{
	const struct lab_figure *f = res->figure[v];
	uint64_t runs = res->runs;

	lab_say(out, "%-14s", variants[v].name);
	if (f[INTACT].value == runs) {
		LAB_SAY(out, "%s", "%s", out->lang == LAB_ZH ? "每次都完整" : "intact in each run");
	} else {
		LAB_SAY(out, "intact in %" PRIu64 " of %" PRIu64,
			"%" PRIu64 " 次完整, 共 %" PRIu64 " 次", f[INTACT].value, runs);
		LAB_SAY(out, "; each run %" PRIu64 " bytes wrong, %" PRIu64 " lost",
			"; 每次平均错误 %" PRIu64 " 字节, 丢失 %" PRIu64, f[WRONG].value / runs,
			f[LOST].value / runs);
		LAB_SAY(out, ", %" PRIu64 " twice, %" PRIu64 " moved",
			", 重复 %" PRIu64 ", 错位 %" PRIu64, f[TWICE].value / runs,
			f[MOVED].value / runs);
	}
	LAB_SAY(out, "%s", "%s", out->lang == LAB_ZH ? "。\n" : ".\n");
}

static void conclude(const struct lab_result *res, struct lab_words *out)
{
	for (unsigned v = 0; v < VARIANTS; v++)
		say_variant(res, v, out);
	LAB_SAY(out,
		"Without acknowledgement the sender was deceived in %" PRIu64
		" runs; without retransmission %" PRIu64
		" stalled;\nwithout window control %" PRIu64
		" segments found no room, with it %" PRIu64 ".\n",
		"没有确认应答时发送方被骗 %" PRIu64 " 次; 没有重发时停滞 %" PRIu64
		" 次; 没有窗口控制时\n有 %" PRIu64 " 个报文段被拒绝, 有窗口控制时 %" PRIu64
		" 个。\n",
		res->figure[ACKNOWLEDGEMENT][DECEIVED].value,
		res->figure[RETRANSMISSION][STALLED].value, res->figure[WINDOW][REFUSED].value,
		res->figure[ALL][REFUSED].value);
}

const struct lab_experiment lab_reliability = {
	.name = "reliability",
	.section = "1",
	.title = {{"what each mechanism is for: one switched off at a time",
		   "可靠传输的各个机制: 依次关闭一个"}},
	.rule = {{"A client sends 200,000 bytes through a path that loses, copies, reorders and "
		  "damages 2 % of\nthe segments each; the server reads slower than the path "
		  "carries. A segment of an earlier\nconnection is still in the network. One "
		  "mechanism at a time is made worthless by the path.\n",
		  "客户端发送 200,000 字节; 网络使 2 % 的报文段丢失, 2 % 重复, 2 % 乱序, 2 % 被破坏; "
		  "服务器\n读取得比网络慢; 旧连接的一个报文段还滞留在网络中。"
		  "每次由网络使一个机制失去作用。\n"}},
	.count = counts,
	.counts = sizeof(counts) / sizeof(counts[0]),
	.variant = variants,
	.variants = VARIANTS,
	.drawn_variant = ALL,
	.drawn_count = SEGMENTS,
	.telling = LAB_STORY_EACH,
	.legend =
		{{"Each sign is 3,125 bytes of what was sent: = as it was sent, ~ at another "
		  "place, 2 read twice,\nx wrong, . lost.\n",
		  "每个符号表示发送的 3,125 字节: = 正确, ~ 位置错误, 2 重复, x 错误, . 丢失。\n"}},
	.picture = LAB_PICTURE_SEQUENCE,
	.picture_ns = 800 * LAB_MS,
	.runs_default = RUNS,
	.run = run,
	.conclude = conclude,
};
