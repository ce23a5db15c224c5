/*
 * SYN-ACKs are filled into forms (stack/synack.c): each must be, byte for byte, the packet that the
 * writers of all other packets make of the same fields.
 */
#include "fixture.h"

#include "stack/halfs.h"
#include "stack/synack.h"
#include "tcp/emit.h"
#include "tcp/isn.h"
#include "tcp/syncookie.h"

#define DSCP    10u
#define TTL     77u
#define PEER_TS 0x80c0ffeeu
#define SYNACK  (TCP_SYN | TCP_ACK)

struct variant {
	uint8_t family;
	bool cookie, bsd, offload;
	unsigned options; /* of the SYN: HALF_TS, HALF_SACK, HALF_WSCALE */
};

static void begin(struct stk *f, const struct variant *v)
{
	f->cfg.cookies = v->cookie ? 2 : 0;
	f->cfg.synopt_bsd = v->bsd;
	f->cfg.link_csum_offload = v->offload;
	f->cfg.dscp = DSCP;
	f->cfg.ttl = TTL;
	stk_start(f);
	stk_listen(f, WEIR_ACCEPT_EARLY, 0);
}

static struct tcp_seg syn_of(const struct variant *v)
{
	struct tcp_seg syn = {.seq = {PEER_ISN}, .wnd = 60000, .flags = TCP_SYN};

	syn.opts.has_mss = true;
	syn.opts.mss = 1400;
	syn.opts.has_ts = v->options & HALF_TS;
	syn.opts.ts_val = PEER_TS;
	syn.opts.sack_permitted = v->options & HALF_SACK;
	syn.opts.has_wscale = v->options & HALF_WSCALE;
	syn.opts.wscale = 9;
	return syn;
}

/* What the SYN-ACK must offer: without timestamps a cookie has room for the MSS alone. */
static struct tcp_opts offer_of(const struct stk *f, const struct variant *v,
				const struct weir_tuple *t)
{
	unsigned use = v->cookie && !(v->options & HALF_TS) ? 0 : v->options;
	struct tcp_agreed agreed = {
		.snd_wscale = 9,
		.rcv_wscale = use & HALF_WSCALE ? halfs_shift(f->s) : 0,
		.wscale_ok = use & HALF_WSCALE,
		.ts_ok = use & HALF_TS,
		.sack_ok = use & HALF_SACK,
	};
	struct tcp_opts o;
	uint8_t id[36];
	size_t n = stack_tuple_id(t, id);
	uint32_t ts = tcp_ts_clock(f->now, isn_ts_offset(f->cfg.isn_key, id, n));

	if (v->cookie)
		ts = syncookie_ts(ts, &agreed);
	tcp_synack_options(&o, &agreed, halfs_mss(f->s, v->family), ts, PEER_TS);
	return o;
}

/* Writes the packet as any other is written. */
static size_t expect(const struct stk *f, const struct variant *v, const struct weir_tuple *t,
		     uint8_t *out)
{
	struct tcp_seg seg = {
		.seq = f->seg.seq, /* which is not this test's */
		.ack = {PEER_ISN + 1},
		.wnd = halfs_window(f->s),
		.flags = SYNACK,
		.src_port = t->local.port,
		.dst_port = t->remote.port,
		.opts = offer_of(f, v, t),
	};
	struct ip_out o = {.src = &t->local.addr,
			   .dst = &t->remote.addr,
			   .proto = IP_PROTO_TCP,
			   .ttl = TTL,
			   .tos = DSCP << 2};
	size_t ip = ip_out_len(v->family);
	uint64_t sum;
	uint16_t field;

	o.len = (uint32_t)tcp_emit(out + ip, &seg, stack_opt_order(f->s));
	ip_out_write(out, &o);
	sum = csum_add_pseudo(0, t->local.addr.bytes, t->remote.addr.bytes,
			      netif_addr_len(v->family), o.len, IP_PROTO_TCP);
	field = v->offload ? csum_fold(sum) : csum_finish(csum_add(sum, out + ip, o.len));
	memcpy(out + ip + TCP_CSUM_OFFSET, &field, 2);
	return ip + o.len;
}

static void try_variant(struct stk *f, const struct variant *v)
{
	uint8_t want[WEIR_HEAD_MAX];
	size_t len;

	begin(f, v);
	for (uint16_t port = 1; port < 1000; port = (uint16_t)(port * 3)) {
		struct weir_tuple t = stk_peer(v->family, (uint8_t)port, port);

		f->now += 12345678;
		stk_in(f, &t, syn_of(v));
		assert_out(f, SYNACK);
		len = expect(f, v, &t, want);
		assert_int_equal(f->len, len);
		assert_memory_equal(f->bytes, want, len);
		assert_int_equal(f->pkt.flags, v->offload ? WEIR_PACKET_CSUM_PARTIAL : 0);
		assert_int_equal(f->pkt.span_count, 0);
		assert_int_equal(f->pkt.gso_size, 0);
		assert_false(stk_out(f));
	}
}

/* Both families, records and cookies, both orders of options, each choice of options. */
static void test_every_form(void **state)
{
	struct stk *f = *state;

	f->cfg.timestamps = 1;
	for (unsigned i = 0; i < 16 * SYNACK_FORMS; i++) {
		struct variant v = {
			.family = i & 1 ? 6 : 4,
			.cookie = i & 2,
			.bsd = i & 4,
			.offload = i & 8,
			.options = i / 16,
		};

		try_variant(f, &v);
	}
}

/* What of ours is switched off is not offered. */
static void test_switched_off(void **state)
{
	static const struct {
		uint64_t timestamps, sack, window_scaling;
		unsigned offered;
	} rows[] = {
		{0, 1, 1, HALF_SACK | HALF_WSCALE},
		{1, 0, 1, HALF_TS | HALF_WSCALE},
		{1, 1, 0, HALF_TS | HALF_SACK},
	};
	struct stk *f = *state;

	for (unsigned i = 0; i < LENGTH(rows); i++) {
		struct variant all = {.family = 4, .options = SYNACK_FORMS - 1};
		struct weir_tuple t = stk_peer(4, 9, 1000);

		f->cfg.timestamps = rows[i].timestamps;
		f->cfg.sack = rows[i].sack;
		f->cfg.window_scaling = rows[i].window_scaling;
		begin(f, &all);
		stk_in(f, &t, syn_of(&all));
		assert_out(f, SYNACK);
		assert_int_equal(f->seg.opts.has_ts, !!(rows[i].offered & HALF_TS));
		assert_int_equal(f->seg.opts.sack_permitted, !!(rows[i].offered & HALF_SACK));
		assert_int_equal(f->seg.opts.has_wscale, !!(rows[i].offered & HALF_WSCALE));
	}
}

/* --- The trace ------------------------------------------------------------------------------- */

static void keep_out(void *user, const struct weir_trace_record *r)
{
	struct weir_trace_record *last = user;

	if (r->kind == WEIR_TRACE_OUT)
		*last = *r;
}

/* It tells of a SYN-ACK what it tells of any segment. */
static void test_trace(void **state)
{
	struct stk *f = *state;
	struct weir_trace_record r;

	f->cfg.timestamps = 1;
	for (unsigned i = 0; i < 4; i++) {
		struct variant v = {.family = i & 1 ? 6 : 4, .cookie = i & 2, .options = HALF_TS};
		struct weir_tuple t = stk_peer(v.family, 9, 1000);

		memset(&r, 0, sizeof(r));
		f->cfg.trace = keep_out;
		f->cfg.trace_user = &r;
		begin(f, &v);
		stk_in(f, &t, syn_of(&v));
		assert_out(f, SYNACK);
		assert_memory_equal(&r.tuple, &t, sizeof(t));
		assert_int_equal(r.verdict, v.cookie ? WEIR_CTR_SENT_COOKIE : WEIR_CTR_SENT_SYNACK);
		assert_int_equal(r.before, v.cookie ? WEIR_STATE_LISTEN : WEIR_STATE_SYN_RECEIVED);
		assert_int_equal(r.after, r.before);
		assert_int_equal(r.flow != 0, !v.cookie);
		assert_true(r.is_tcp);
		assert_int_equal(r.seg_flags, SYNACK);
		assert_int_equal(r.seq, f->seg.seq.v);
		assert_int_equal(r.iss, f->seg.seq.v);
		assert_int_equal(r.ack, PEER_ISN + 1);
		assert_int_equal(r.irs, PEER_ISN);
		assert_int_equal(r.wnd_bytes, f->seg.wnd);
		assert_int_equal(r.total_len, f->len);
		assert_int_equal(r.opt_len, f->seg.hdr_len - TCP_HDR_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_form),
		TEST(test_switched_off),
		TEST(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
