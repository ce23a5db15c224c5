/*
 * fuzz_engine.c: a whole stack, driven through its public API by a stream of actions.
 *
 * Theory of operation
 *
 * The first HEAD_LEN bytes of the input choose the configuration: small limits, so that each of
 * them is reached, and the switches of the protocol. Every byte after that names an action (in the
 * table below) whose arguments follow it; past the end arguments are zero. An action is a frame
 * from a peer (engine_peer.c, engine_stray.c), a call of the application (engine_app.c), or time
 * that passes.
 *
 * After each action, or a burst of them, the stack is taken to rest, as every user of it does:
 * output until it returns nothing, events until there are none. Then
 *
 *	- every packet that came out has passed engine_out.c;
 *	- weir_stack_check() finds all invariants holding (also within a burst);
 *	- what was acknowledged and delivered has come (engine_model.c);
 *	- weir_deadline() is in the future: a stack at rest does not ask to be woken at once;
 *	- nobody waits for room that is there.
 *
 * At the end the application gives everything back, by aborting or by closing, time goes on, and
 * nothing may be in use any more: no connection, half-open or TIME-WAIT record, page or range.
 *
 * The same input makes the same run: there is no other source of time, randomness or order.
 *
 * Seeds are in corpus/engine, written by make_engine_corpus.py, which knows the actions by name.
 */
#include "engine_world.h"

#include "stack/check.h"

#define HEAD_LEN     9u
#define PACKETS_MAX  20000u /* that one action may make, far more than limits allow, ... */
#define EVENTS_MAX   1000u
#define PASSES_MAX   4u /* of output and events, until nothing is due */
#define ACTIONS_MAX  2000u
#define FINISH_STEPS 5000u /* timer expiries until everything has ended */
#define NS_PER_MS    1000000u

/* --- Time ------------------------------------------------------------------------------------- */

static void time_pass(struct world *w)
{
	static const uint32_t ms[16] = {0,     1,      5,       10,        40,   100,
					200,   500,    1000,    3000,      9000, 30000,
					60000, 180000, 3600000, 2592000000};

	w->now += (uint64_t)ms[fuzz_u8(&w->in) & 15] * NS_PER_MS + 1;
}

static void time_deadline(struct world *w)
{
	weir_time due = weir_deadline(w->stack, w->now);

	if (due != WEIR_NEVER && due > w->now)
		w->now = due;
}

/* --- The stack taken to rest ------------------------------------------------------------------ */

/* ... and besides all that the buffers hold, a byte at a time, as a peer may ask by its MSS. */
static uint64_t packets_max(const struct world *w)
{
	return PACKETS_MAX + w->cfg.pages_max * WEIR_PAGE_BYTES;
}

/* Output and events until there are none; returns what weir_deadline() says then. */
static weir_time rest_once(struct world *w)
{
	struct weir_packet p;
	struct weir_event ev;
	uint64_t packets = 0;
	unsigned events = 0;

	while (weir_output(w->stack, &p, w->now)) {
		out_check(w, &p);
		fuzz_assert(++packets < packets_max(w));
	}
	while (weir_event_next(w->stack, &ev)) {
		app_event(w, &ev);
		fuzz_assert(++events < EVENTS_MAX);
	}
	return weir_deadline(w->stack, w->now);
}

static void check_stack(const struct world *w)
{
	const char *broken = weir_stack_check(w->stack);

	if (broken)
		fprintf(stderr, "weir_stack_check: %s\n", broken);
	fuzz_assert(!broken);
}

static void rest(struct world *w)
{
	unsigned passes = 0;

	while (rest_once(w) <= w->now)
		fuzz_assert(++passes < PASSES_MAX);
	check_stack(w);
	app_check_waits(w);
}

/* --- Compounds: what a well-behaved peer does in several steps -------------------------------- */

/* A SYN and, after the answer, the third segment; a held one is accepted at once. */
static void peer_handshake(struct world *w)
{
	weir_half newest;

	peer_syn(w);
	rest(w);
	newest = w->halfs[(w->half_next - 1) % HALFS_MAX];
	if (newest.v && weir_half_accept(w->stack, newest, 7, w->now) == WEIR_OK)
		rest(w);
	peer_ack_all(w, &w->flows[w->flow_last], 0);
}

/* Up to 16 rounds of: the peer acknowledges everything, the next timer runs. */
static void peer_pump(struct world *w)
{
	struct flow *f = peer_pick(w);
	uint8_t bits = fuzz_u8(&w->in);

	for (unsigned i = 0; f && i <= (bits & 15u); i++) {
		peer_ack_all(w, f, bits & 0xf0);
		rest(w);
		time_deadline(w);
		rest(w);
	}
}

/* Up to 31 actions of which output and events are asked only at the end, as by a user that takes in
 * many frames at once. */
static void burst(struct world *w)
{
	w->hold = 1 + (fuzz_u8(&w->in) & 31u);
}

/* --- The table of actions: make_engine_corpus.py has the same order --------------------------- */

typedef void (*action)(struct world *w);

static const action actions[] = {
	time_pass,  time_deadline, peer_syn,     peer_synack,       peer_ack,    peer_data,
	peer_fin,   peer_rst,      peer_segment, peer_rewind,       peer_replay, peer_handshake,
	peer_pump,  stray_icmp,    stray_packet, stray_raw,         app_listen,  app_unlisten,
	app_decide, app_connect,   app_send,     app_send_in_place, app_read,    app_shutdown,
	app_close,  app_abort,     app_set,      app_look,          burst,
};

#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

/* --- Begin and end ---------------------------------------------------------------------------- */

/* With FUZZ_SHOW in the environment: the run, record by record. */
static void show_record(const struct weir_trace_record *r)
{
	static const char *const kinds[] = {"in", "out", "state"};

	fprintf(stderr, "%14.6f  %-5s flow %u %-16s %s > %s", (double)r->at / 1e9, kinds[r->kind],
		r->flow, weir_counter_name(r->verdict), weir_state_name(r->before),
		weir_state_name(r->after));
	if (r->is_tcp)
		fprintf(stderr, "  port %u/%u flags %02x seq %u ack %u len %u wnd %u opts %u",
			r->tuple.local.port, r->tuple.remote.port, r->seg_flags, r->seq, r->ack,
			r->payload_len, r->wnd_bytes, r->opt_len);
	fputc('\n', stderr);
}

/* Touches all that a record points to, so that a sanitizer sees what does not live. */
static void on_trace(void *user, const struct weir_trace_record *r)
{
	struct world *w = user;
	uint8_t sum = 0;

	if (getenv("FUZZ_SHOW"))
		show_record(r);
	fuzz_assert(r->kind <= WEIR_TRACE_STATE && r->verdict < WEIR_CTR_COUNT);
	fuzz_assert(r->before < WEIR_STATE_COUNT && r->after < WEIR_STATE_COUNT);
	fuzz_assert(r->opt_len <= TCP_OPT_MAX && (r->is_tcp || !r->opt_len));
	for (unsigned i = 0; i < r->opt_len; i++)
		sum ^= r->opt[i];
	if (r->kind != WEIR_TRACE_STATE) {
		for (size_t i = 0; i < r->head_len; i++)
			sum ^= r->head[i];
	}
	for (size_t i = 0; i < r->span_count; i++)
		sum ^= r->span[i].bytes[0] ^ r->span[i].bytes[r->span[i].len - 1];
	w->trace_sum ^= sum;
	out_record(w, r);
}

static void limits_from(struct weir_config *cfg, uint8_t bits)
{
	static const uint16_t pages[4] = {64, 8, 16, 256};

	cfg->conns_max = bits & 1 ? 1 : 8;
	cfg->halfs_max = bits & 2 ? 1 : 8;
	cfg->timewaits_max = bits & 4 ? 1 : 4;
	cfg->ranges_max = bits & 8 ? 16 : 64;
	cfg->ranges_conn_max = bits & 8 ? 2 : 16;
	cfg->pages_max = pages[bits >> 4 & 3];
	cfg->half_source_max = bits & 0x40 ? 1 : 8;
	cfg->replies_max = bits & 0x80 ? 16 : 64;
	cfg->listeners_max = LISTEN_MAX;
	cfg->sources_max = 8;
}

static void switches_from(struct weir_config *cfg, uint8_t bits)
{
	cfg->timestamps = !(bits & 1);
	cfg->sack = !(bits & 2);
	cfg->window_scaling = !(bits & 4);
	cfg->nagle = !(bits & 8);
	cfg->keepalive = bits >> 4 & 1;
	cfg->link_csum_offload = bits >> 5 & 1;
	cfg->link_gso_max = bits & 0x40 ? 65535 : 0;
	cfg->synopt_bsd = bits >> 7;
}

static void sizes_from(struct weir_config *cfg, uint8_t link, uint8_t buffers, uint8_t timers)
{
	static const uint16_t mtus[8] = {1500, 65520, 9000, 1280, 576, 296, 68, 65535};
	static const uint32_t bufs[8] = {65536, 4096, 16384, 1048576, 1, 600, 1460, 300000};

	cfg->link_mtu = mtus[link & 7];
	cfg->mss = link & 8 ? 536 : 0;
	cfg->icmp_rate = link & 0x10 ? 1 : 100;
	cfg->cookies = link & 0x20 ? 2 : link & 0x40 ? 0 : 1;
	cfg->cookie_shared = (link & 0x60) == 0x60;
	cfg->source_rate = link & 0x80 ? 2 : 0;
	cfg->accept_overflow_rst = link >> 7;
	cfg->sndbuf = bufs[buffers & 7];
	cfg->rcvbuf = bufs[buffers >> 3 & 7];
	cfg->quickacks = buffers & 0x40 ? 0 : 16;
	cfg->delack_ms = buffers & 0x80 ? 0 : 40;
	cfg->r2_ms = timers & 1 ? 1000 : 300000;
	cfg->syn_r2_ms = timers & 2 ? 1000 : 180000;
	cfg->half_retries = timers & 4 ? 0 : 5;
	cfg->timewait_reuse = !(timers & 8);
	cfg->timewait_rst_ignored = !(timers & 0x10);
	cfg->keep_idle_ms = timers & 0x20 ? 100 : 7200000;
	cfg->finwait2_ms = timers & 0x40 ? 10 : 60000;
	cfg->initial_cwnd = timers & 0x80 ? 1 : 10;
	cfg->ecn = (link ^ buffers ^ timers) % 5;
}

/* The last two switch off what makes TCP right (weir lab shows what follows). The stack must be as
 * sound as ever; what comes of it on the wire is the user's wish. */
static void rare_from(struct weir_config *cfg, uint8_t bits)
{
	if (bits & 1)
		cfg->idle_restart = 0;
	if (bits & 2)
		cfg->wscale_min = 14;
	if (bits & 4)
		cfg->dupthresh = 1;
	if (bits & 8)
		cfg->ooo_ack_ms = 0;
	if (bits & 0x10)
		cfg->challenge_count = 1;
	if (bits & 0x20)
		cfg->rto_min_ms = cfg->rto_initial_ms = 1;
	if (bits & 0x40)
		cfg->timewait_ms = 0;
	if (bits & 0x80)
		cfg->handshake_ways = 2;
}

/* false: not a configuration that the engine accepts. */
static bool begin(struct world *w)
{
	uint8_t filler;
	size_t bytes;

	weir_config_default(&w->cfg);
	limits_from(&w->cfg, fuzz_u8(&w->in));
	switches_from(&w->cfg, fuzz_u8(&w->in));
	sizes_from(&w->cfg, fuzz_u8(&w->in), fuzz_u8(&w->in), fuzz_u8(&w->in));
	rare_from(&w->cfg, fuzz_u8(&w->in));
	w->cfg.trace = on_trace;
	w->cfg.trace_user = w;
	w->now = (uint64_t)fuzz_u8(&w->in) << 56 | 1;
	if (w->now > WEIR_NEVER / 2)
		w->now = 1;
	filler = fuzz_u8(&w->in);
	w->orderly = filler & 2;
	memset(w->cfg.isn_key, filler, sizeof(w->cfg.isn_key));
	bytes = weir_stack_bytes(&w->cfg);
	if (!bytes)
		return false;
	w->mem = aligned_alloc(64, (bytes + 63) / 64 * 64);
	fuzz_assert(w->mem);
	memset(w->mem, filler, bytes);
	fuzz_assert(weir_stack_init(&w->stack, w->mem, bytes, &w->cfg, w->now) == WEIR_OK);
	for (enum version v = V4; v <= V6; v++) {
		struct weir_addr a = world_ours_addr(v, OURS);

		if (v == V6 && w->cfg.link_mtu < 1280)
			continue;
		fuzz_assert(weir_addr_add(w->stack, &a, v == V4 ? 24 : 64) == WEIR_OK);
	}
	filler = fuzz_u8(&w->in);
	app_listen_all(w, filler, filler >> 4);
	return true;
}

/* Everything is given back, in one of two ways, and nothing may stay. After an orderly close no
 * peer answers any more: the timeouts must end each connection. */
static void finish(struct world *w)
{
	struct weir_usage usage;

	for (unsigned i = 0; i < LISTEN_MAX; i++) {
		if (w->listeners[i].v)
			fuzz_assert(weir_listener_close(w->stack, w->listeners[i]) == WEIR_OK);
	}
	rest(w);
	if (w->orderly)
		app_close_all(w);
	else
		app_abort_all(w);
	for (unsigned i = 0; i < FINISH_STEPS; i++) {
		rest(w);
		weir_stack_usage(w->stack, &usage);
		if (!(usage.conns | usage.halfs | usage.timewaits | usage.pages | usage.ranges))
			break;
		fuzz_assert(weir_deadline(w->stack, w->now) != WEIR_NEVER);
		time_deadline(w);
	}
	fuzz_assert(!usage.conns && !usage.halfs && !usage.timewaits && !usage.listeners);
	fuzz_assert(!usage.pages && !usage.ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.in = {data, size}};

	if (size < HEAD_LEN || !begin(&w))
		return 0;
	rest(&w);
	for (unsigned i = 0; w.in.left && i < ACTIONS_MAX; i++) {
		actions[fuzz_u8(&w.in) % ACTION_COUNT](&w);
		w.hold -= w.hold > 0;
		if (w.hold)
			check_stack(&w);
		else
			rest(&w);
	}
	finish(&w);
	for (unsigned i = 0; i < PAST_MAX; i++)
		free(w.past[i].bytes);
	free(w.mem);
	return 0;
}
