/*
 * fuzz_pair.c: two whole stacks, joined by a network in which the input decides what becomes of
 * each frame, and judged by the simulator's oracle.
 *
 * Theory of operation
 *
 * The input is read from its front. HOST_BYTES bytes each describe the two hosts (link, offloads,
 * options, buffers, limits); then come the family, the clock, and up to TALKS_MAX talks of
 * TALK_BYTES bytes: who opens to whom, how, and what the application at either end does. Every byte
 * after that is the fate of one frame, in the order in which frames leave their hosts: it passes
 * after a delay, is lost, doubled, damaged, comes once more much later, or is followed by a forgery
 * that lies outside every window. Past the end of the input the network is perfect.
 *
 * So liveness can be judged: lost and damaged frames are at most HARM_MAX in a run, which the
 * timeouts outlast by far, and each talk that nobody aborts must deliver every byte of both
 * streams, once and in order, and end in an orderly way. The oracle (sim/oracle.c, sim/tap.c) also
 * judges each segment on the wire: windows that do not shrink, nothing beyond the peer's, nothing
 * acknowledged that was not sent, form and options; weir_stack_check() runs after each step, and at
 * the end, after all timers, no stack may hold anything.
 *
 * With FUZZ_SHOW in the environment the run is printed, event by event.
 *
 * Frames delivered late (LATE) stay below the maximum segment lifetime. Streams are small, so that
 * a run is short; STEPS_MAX bounds it, and to reach it is a failure.
 */
#include "base/be.h"
#include "fuzz.h"
#include "sim/scenario.h"
#include "tests/sim/show.h"

#define HOST_BYTES 5u
#define TALK_BYTES 17u
#define TALKS_MAX  3u
#define HARM_MAX   5u
#define STEPS_MAX  200000u
#define PAST_MAX   4u
#define MS         1000000ull
#define HORIZON_NS (12ull * 3600 * 1000 * MS)

#define PORT_EARLY 80u
#define PORT_HELD  81u
#define PORT_BOTH  4000u
#define PORT_AGAIN 5000u
/* Streams of single bytes, or with pauses, are kept short. */
#define SMALL_STREAM 1024u
#define STREAM_MAX   20000u

/* What is left of the input, for the network. */
struct net {
	struct show show; /* first: its hooks take this struct for theirs */
	struct fuzz_input in;
	unsigned harm;                    /* frames lost or damaged */
	struct sim_frame *past[PAST_MAX]; /* frames that were on the wire */
	unsigned past_host[PAST_MAX];     /* who received them */
	unsigned past_next;
};

/* --- Hosts ------------------------------------------------------------------------------------ */

static void pick_device(struct sim_device *d, uint8_t family, uint8_t bits)
{
	static const uint32_t mtus4[8] = {1500, 576, 577, 1006, 4352, 9000, 65520, 65535};
	static const uint32_t mtus6[8] = {1500, 1280, 1281, 1500, 4352, 9000, 65520, 65535};

	d->mtu = family == 4 ? mtus4[bits & 7] : mtus6[bits & 7];
	d->csum = bits & 8 ? SIM_CSUM_OFFLOAD : SIM_CSUM_NONE;
	d->gso = SIM_GSO_NONE;
	if (!(bits & 8) || !(bits & 0x30))
		return;
	d->gso = bits & 0x10 ? SIM_GSO_CUT : SIM_GSO_PASS;
	d->gso_max = bits & 0x40 && d->mtu <= 9000 ? 9000 : 65535;
}

static void pick_switches(struct weir_config *c, uint8_t bits)
{
	c->timestamps = !(bits & 1);
	c->sack = !(bits & 2);
	c->window_scaling = !(bits & 4);
	c->nagle = !(bits & 8);
	c->synopt_bsd = bits >> 4 & 1;
	if (bits & 0x20)
		c->quickacks = 0;
	if (bits & 0x40)
		c->delack_ms = 400;
	if (bits & 0x80)
		c->initial_cwnd = 1;
}

static void pick_buffers(struct weir_config *c, uint8_t bits)
{
	static const uint32_t sizes[8] = {65535, 600, 1460, 2048, 5000, 8192, 16384, 262144};

	c->sndbuf = sizes[bits & 7];
	c->rcvbuf = sizes[bits >> 3 & 7];
	if (bits & 0x40)
		c->mss = 100;
	if (bits & 0x80)
		c->persist_max_ms = 1000;
}

/* Tables too small for what happens: work is refused, nothing established is harmed. */
static void pick_scarce(struct weir_config *c, uint8_t bits)
{
	static const uint16_t pages[4] = {128, 8, 12, 20};

	c->pages_max = pages[bits & 3];
	if (bits & 4)
		c->ranges_max = 16;
	if (bits & 8)
		c->ranges_conn_max = 1 + (bits >> 6);
	if (bits & 0x10)
		c->replies_max = 16;
	if (bits & 0x20)
		c->rto_min_ms = 1000;
}

static void make_host(struct sim_world *w, struct fuzz_input *in, unsigned number, uint8_t family)
{
	struct sim_host_config cfg;
	uint8_t rare;

	memset(&cfg, 0, sizeof(cfg));
	sim_stack_config(&cfg.stack, w->cfg.seed ^ number);
	sim_host_addrs(&cfg, number);
	pick_device(&cfg.device, family, fuzz_u8(in));
	pick_switches(&cfg.stack, fuzz_u8(in));
	pick_buffers(&cfg.stack, fuzz_u8(in));
	pick_scarce(&cfg.stack, fuzz_u8(in));
	rare = fuzz_u8(in);
	if (rare & 0x0f)
		cfg.stack.dupthresh = 1 + (rare & 7);
	if (rare & 0x10)
		cfg.stack.ooo_ack_ms = 0;
	if (family == 4 && cfg.device.mtu < 1280)
		cfg.addr_count = 1;
	sim_world_host_add(w, &cfg);
	if (w->oracle.failed)
		return;
	sim_host_listen(&w->host[number], PORT_EARLY, WEIR_ACCEPT_EARLY);
	sim_host_listen(&w->host[number], PORT_HELD, WEIR_ACCEPT_HELD);
}

/* --- Talks ------------------------------------------------------------------------------------ */

static void pick_pace(uint32_t *min, uint32_t *max, uint64_t *gap_ns, uint8_t bits)
{
	static const uint32_t sizes[8] = {4096, 1, 7, 100, 536, 1460, 3000, SIM_WRITE_MAX};
	static const uint16_t gaps_ms[4] = {0, 1, 60, 300};

	*max = sizes[bits & 7];
	*min = bits & 8 ? *max : 1;
	*gap_ns = gaps_ms[bits >> 4 & 3] * MS;
}

static void pick_plan(struct sim_plan *p, struct fuzz_input *in)
{
	static const uint16_t stalls_ms[4] = {0, 200, 3000, 20000};
	uint8_t bits;

	p->total = fuzz_u16(in) % STREAM_MAX;
	pick_pace(&p->write_min, &p->write_max, &p->write_gap_ns, fuzz_u8(in));
	pick_pace(&p->read_min, &p->read_max, &p->read_gap_ns, fuzz_u8(in));
	bits = fuzz_u8(in);
	p->urgent_ppm = bits & 1 ? 300000 : 0;
	p->more_ppm = bits & 2 ? 500000 : 0;
	p->start = bits & 4 ? SIM_START_CONNECTED : SIM_START_AT_ONCE;
	p->close = bits & 8 ? SIM_CLOSE_SHUT_ONLY : SIM_CLOSE_SHUTDOWN;
	p->write = bits & 0x10 ? SIM_WRITE_RESERVE : SIM_WRITE_SEND;
	p->nodelay = bits >> 5 & 1;
	p->keepalive = bits >> 6 & 1;
	bits = fuzz_u8(in);
	p->stall_ns = stalls_ms[bits & 3] * MS;
	p->stall_at = (bits >> 2) * 100u;
}

static void bound_totals(struct sim_plan p[2])
{
	for (unsigned side = 0; side < 2; side++) {
		bool slow = p[side].write_gap_ns || p[!side].read_gap_ns;
		bool tiny = p[side].write_max < 100 || p[!side].read_max < 100;

		if ((slow || tiny) && p[side].total > SMALL_STREAM)
			p[side].total = SMALL_STREAM;
	}
}

/* How the two ends end. Where one aborts or is refused, nothing is promised but that all ends. */
static void pick_ends(struct sim_talk_spec *t, uint8_t bits, uint8_t abort_at)
{
	struct sim_plan *p = t->plan;
	unsigned side = bits >> 3 & 1;

	t->expect = SIM_EXPECT_INTACT;
	switch (bits & 7) {
	case 1: /* the side waits for the other's end and then closes once */
		p[side].close = SIM_CLOSE_LAST;
		return;
	case 2: /* half-close: the side answers only after the other's end */
		p[side].start = SIM_START_EOF;
		return;
	case 3: /* nothing comes the other way, so that reading may be given up */
		p[side].close = SIM_CLOSE_EARLY;
		p[side].start = SIM_START_CONNECTED;
		p[!side].total = 0;
		p[!side].read_gap_ns = p[!side].stall_ns = 0;
		return;
	case 4: /* reading is given up while bytes still come */
		p[side].close = SIM_CLOSE_EARLY;
		break;
	case 5:
		p[side].close = SIM_CLOSE_ABORT;
		p[side].abort_at = abort_at * 16u;
		break;
	case 6:
		t->port[1] = PORT_HELD;
		t->reply = SIM_REPLY_REFUSE;
		break;
	default:
		return;
	}
	t->expect = SIM_EXPECT_ANY;
	p[0].keepalive = p[1].keepalive = 1; /* a reset may be lost, and then nothing else tells */
}

/* The same two endpoints once more, when the talk before has ended and its listener's side is in
 * TIME-WAIT: that side must end first. */
static void talk_again(struct sim_world *w, struct sim_talk_spec *t)
{
	struct sim_talk *before = &w->talks.list[w->talks.count - 1];
	struct sim_plan *p = before->spec.plan;

	if (before->spec.expect != SIM_EXPECT_INTACT || before->spec.open == SIM_OPEN_BOTH)
		return;
	before->spec.port[0] = before->at[0].port = (uint16_t)(PORT_AGAIN + before->number);
	p[0].close = SIM_CLOSE_LAST;
	p[0].start = SIM_START_CONNECTED;
	p[1].start = SIM_START_CONNECTED;
	p[1].close = SIM_CLOSE_SHUTDOWN;
	memcpy(t->host, before->spec.host, sizeof(t->host));
	memcpy(t->port, before->spec.port, sizeof(t->port));
	t->after = before->number;
	t->open_at -= w->cfg.start;
}

static void make_talk(struct sim_world *w, struct fuzz_input *in, uint8_t family)
{
	struct sim_talk_spec t = {.family = family, .after = SIM_TALK_NONE};
	uint8_t how = fuzz_u8(in), ends = fuzz_u8(in), abort_at = fuzz_u8(in);
	uint8_t when = fuzz_u8(in), reply = fuzz_u8(in);

	t.host[0] = how & 1;
	t.host[1] = !t.host[0];
	t.port[1] = how & 2 ? PORT_HELD : PORT_EARLY;
	t.reply = SIM_REPLY_ACCEPT;
	t.reply_after_ns = (reply & 15) * 200 * MS;
	t.open_at = w->cfg.start + (when & 31) * MS;
	pick_plan(&t.plan[0], in);
	pick_plan(&t.plan[1], in);
	pick_ends(&t, ends, abort_at);
	bound_totals(t.plan);
	if (how & 0x10 && w->talks.count) {
		talk_again(w, &t);
	} else if (how & 4 && t.reply == SIM_REPLY_ACCEPT) {
		t.open = SIM_OPEN_BOTH;
		t.port[0] = t.port[1] = (uint16_t)(PORT_BOTH + w->talks.count);
		/* Before the first SYN can arrive: a closed port would refuse it. */
		t.open_at_1 = t.open_at;
	}
	sim_world_talk_add(w, &t);
}

/* --- The network ------------------------------------------------------------------------------ */

static void remember(struct net *n, unsigned to, const struct sim_frame *f)
{
	unsigned slot = n->past_next++ % PAST_MAX;

	sim_frame_free(n->past[slot]);
	n->past[slot] = sim_frame_copy(f);
	n->past_host[slot] = to;
}

/* A segment of the same connection from half the sequence space away: nobody may believe it. */
static void forge(struct sim_world *w, unsigned from, const struct sim_frame *f, uint8_t bits)
{
	static const uint8_t flags[4] = {TCP_RST, TCP_RST | TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK};
	struct sim_frame *out = sim_frame_copy(f);
	struct sim_packet pk;
	uint8_t *tcp;

	if (sim_packet_read(&pk, out) != SIM_PACKET_TCP || pk.tcp.flags & TCP_SYN) {
		sim_frame_free(out);
		return;
	}
	tcp = out->bytes + pk.l4_start;
	be32_put(tcp + 4, pk.tcp.seq.v ^ 0x80000000u);
	tcp[13] = flags[bits & 3];
	sim_frame_sum(out, pk.l4_start);
	sim_world_inject(w, from, !from, out, MS);
}

/* sim_hooks.tamper: the next byte is the fate of this frame. */
static void on_frame(void *user, struct sim_world *w, unsigned from, struct sim_frame *f)
{
	static const uint16_t delays_us[16] = {1000,  0,     1,     500,   2000,  3000,
					       5000,  8000,  10000, 13000, 20000, 25000,
					       30000, 40000, 50000, 65000};
	struct net *n = user;
	uint8_t fate = fuzz_u8(&n->in);
	unsigned slot = (fate >> 4) % PAST_MAX;
	uint64_t delay = delays_us[fate >> 4] * 1000ull;
	struct sim_link_config link = {.delay_ns = MS, .dead_from = WEIR_NEVER};

	switch (fate & 15) {
	case 7: /* SLOW: up to 1.6 s */
		link.delay_ns = delay * 25;
		break;
	case 8:
	case 9:
		link.loss_ppm = n->harm < HARM_MAX ? SIM_PPM : 0;
		break;
	case 10:
		link.corrupt_ppm = n->harm < HARM_MAX ? SIM_PPM : 0;
		break;
	case 11: /* twice, the second one later */
		link.dup_ppm = SIM_PPM;
		link.spread_ns = delay;
		break;
	case 12: /* LATE: once more after up to 20 s */
		link.dup_ppm = SIM_PPM;
		link.spread_ns = delay * 300;
		break;
	case 13: /* an old one comes again */
		if (n->past[slot])
			sim_world_inject(w, !n->past_host[slot], n->past_host[slot],
					 sim_frame_copy(n->past[slot]), MS);
		break;
	case 14:
		forge(w, from, f, fate >> 4);
		break;
	case 15:
		remember(n, !from, f);
		break;
	default: /* 0 to 6: it passes */
		link.delay_ns = delay;
		break;
	}
	n->harm += link.loss_ppm || link.corrupt_ppm;
	sim_world_link_set(w, from, !from, &link);
}

/* --- A run ------------------------------------------------------------------------------------ */

static weir_time pick_start(uint8_t bits)
{
	if (bits & 1) /* milliseconds in 32 bits are about to wrap */
		return ((1ull << 32) - (bits >> 1) * 16u) * MS;
	return ((uint64_t)bits << 40) + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net net = {.in = {data, size}};
	struct sim_world_config cfg = {
		.seed = 1,
		.horizon_ns = HORIZON_NS,
		.steps_max = STEPS_MAX,
		.talks_max = TALKS_MAX,
		.hosts_max = 2,
		.hooks = {.tamper = on_frame},
	};
	struct sim_world w;
	uint8_t world, talks, family;

	if (size < 2 + 2 * HOST_BYTES + TALK_BYTES)
		return 0;
	world = fuzz_u8(&net.in);
	family = world & 1 ? 6 : 4;
	talks = 1 + (world >> 1) % TALKS_MAX;
	cfg.seed = world >> 4;
	cfg.start = pick_start(fuzz_u8(&net.in));
	if (getenv("FUZZ_SHOW"))
		show_hooks(&net.show, &w, &cfg.hooks);
	cfg.hooks.user = &net;
	sim_world_init(&w, &cfg);
	make_host(&w, &net.in, 0, family);
	make_host(&w, &net.in, 1, family);
	for (uint8_t i = 0; i < talks && !w.oracle.failed; i++)
		make_talk(&w, &net.in, family);
	if (getenv("FUZZ_SHOW"))
		show_world(&w);
	if (!sim_world_run(&w)) {
		fflush(stdout);
		fprintf(stderr, "%s\n", w.oracle.text);
	}
	fuzz_assert(!w.oracle.failed);
	sim_world_free(&w);
	for (unsigned i = 0; i < PAST_MAX; i++)
		sim_frame_free(net.past[i]);
	return 0;
}
