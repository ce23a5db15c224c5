/*
 * fixture.h: a stack and a peer made of packets, for the tests of core/stack.
 *
 * A test may change f->cfg before stk_start(). What goes out is checked (lengths, checksums) and
 * read back by the codecs. Teardown checks every invariant of the stack.
 */
#ifndef WEIR_TESTS_STACK_FIXTURE_H
#define WEIR_TESTS_STACK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/ip_in.h"
#include "net/ip_out.h"
#include "stack/check.h"
#include "stack/stack.h"
#include "weir/info.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define START    (1000 * NS_PER_MS)
#define PEER_ISN 70000u
#define PORT     80u

struct stk {
	struct weir_config cfg;
	struct weir_stack *s;
	void *mem;
	weir_time now;
	/* the last packet that went out */
	struct weir_packet pkt;
	uint8_t bytes[70000];
	size_t len;
	struct ip_packet ip;
	struct tcp_seg seg;
	struct icmp_msg icmp;
};

static const struct weir_addr our4 = {4, {10, 0, 0, 1}};
static const struct weir_addr our6 = {6, {[0] = 0xfd, [15] = 1}};

static inline int stk_setup(void **state)
{
	struct stk *f = calloc(1, sizeof(*f));

	weir_config_default(&f->cfg);
	f->cfg.conns_max = 16;
	f->cfg.halfs_max = 16;
	f->cfg.timewaits_max = 8;
	f->cfg.listeners_max = 8;
	f->cfg.pages_max = 256;
	f->cfg.ranges_max = 64;
	f->cfg.replies_max = 16;
	f->cfg.link_mtu = 1500;
	f->cfg.timestamps = 0;
	f->now = START;
	*state = f;
	return 0;
}

static inline void stk_start(struct stk *f)
{
	size_t need = weir_stack_bytes(&f->cfg);

	free(f->mem);
	f->mem = aligned_alloc(64, (need + 63) & ~(size_t)63);
	memset(f->mem, 0xa5, need); /* a stack depends on nothing that was there */
	assert_int_equal(weir_stack_init(&f->s, f->mem, need, &f->cfg, f->now), WEIR_OK);
	assert_int_equal(weir_addr_add(f->s, &our4, 24), WEIR_OK);
	if (f->cfg.link_mtu >= 1280) /* RFC8200-02 */
		assert_int_equal(weir_addr_add(f->s, &our6, 64), WEIR_OK);
}

static inline int stk_teardown(void **state)
{
	struct stk *f = *state;
	const char *bad = f->s ? weir_stack_check(f->s) : NULL;

	if (bad)
		print_error("%s\n", bad);
	free(f->mem);
	free(f);
	return bad != NULL;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stk_setup, stk_teardown)

/* Peer number `n` of a family, at `port`, towards our PORT. */
static inline struct weir_tuple stk_peer(uint8_t family, uint8_t n, uint16_t port)
{
	struct weir_tuple t = {.local = {.addr = family == 4 ? our4 : our6, .port = PORT},
			       .remote = {.addr = {.family = family}, .port = port}};

	memcpy(t.remote.addr.bytes, t.local.addr.bytes, 16);
	t.remote.addr.bytes[family == 4 ? 3 : 15] = n;
	return t;
}

static inline enum weir_counter stk_frame(struct stk *f, const uint8_t *bytes, size_t len)
{
	struct weir_frame frame = {.bytes = bytes, .len = len};

	return weir_input(f->s, &frame, f->now);
}

static inline size_t stk_ip(uint8_t *out, const struct weir_addr *src, const struct weir_addr *dst,
			    uint8_t proto, size_t len)
{
	struct ip_out o = {.src = src, .dst = dst, .len = (uint32_t)len, .proto = proto, .ttl = 64};

	return ip_out_write(out, &o);
}

/* Writes the packet of a segment from the peer; seg.payload may be NULL: zeros. */
static inline size_t stk_packet(uint8_t *out, const struct weir_tuple *t, struct tcp_seg seg)
{
	size_t ip = ip_out_len(t->local.addr.family), hdr;
	size_t alen = t->local.addr.family == 4 ? 4 : 16;
	uint16_t field;
	uint64_t sum;

	seg.src_port = t->remote.port;
	seg.dst_port = t->local.port;
	hdr = tcp_emit(out + ip, &seg, TCP_OPT_ORDER_LINUX);
	memset(out + ip + hdr, 0, seg.len);
	if (seg.payload)
		memcpy(out + ip + hdr, seg.payload, seg.len);
	stk_ip(out, &t->remote.addr, &t->local.addr, IP_PROTO_TCP, hdr + seg.len);
	sum = csum_add_pseudo(0, t->remote.addr.bytes, t->local.addr.bytes, alen,
			      (uint32_t)(hdr + seg.len), IP_PROTO_TCP);
	field = csum_finish(csum_add(sum, out + ip, hdr + seg.len));
	memcpy(out + ip + TCP_CSUM_OFFSET, &field, 2);
	return ip + hdr + seg.len;
}

static inline enum weir_counter stk_in(struct stk *f, const struct weir_tuple *t,
				       struct tcp_seg seg)
{
	uint8_t bytes[3000];
	const char *bad;
	enum weir_counter v = stk_frame(f, bytes, stk_packet(bytes, t, seg));

	bad = weir_stack_check(f->s);
	if (bad)
		fail_msg("%s", bad);
	return v;
}

/* The next packet out, read into f->ip and f->seg or f->icmp. */
static inline bool stk_out(struct stk *f)
{
	const struct weir_packet *p = &f->pkt;
	size_t alen;
	uint64_t sum;

	if (!weir_output(f->s, &f->pkt, f->now))
		return false;
	memcpy(f->bytes, p->head, p->head_len);
	f->len = p->head_len;
	for (unsigned i = 0; i < p->span_count; i++) {
		memcpy(f->bytes + f->len, p->span[i].bytes, p->span[i].len);
		f->len += p->span[i].len;
	}
	assert_int_equal(f->len, p->total_len);
	assert_int_equal(ip_in(&f->ip, f->bytes, f->len), WEIR_CTR_ACCEPTED);
	assert_int_equal(f->ip.head_len, f->len);
	assert_int_equal(f->ip.payload - f->bytes, p->l4_start);
	alen = f->ip.src.family == 4 ? 4 : 16;
	if (f->ip.proto == IP_PROTO_ICMP) {
		assert_int_equal(icmp4_parse(&f->icmp, f->ip.payload, f->ip.len), 0);
	} else if (f->ip.proto == IP_PROTO_ICMP6) {
		assert_int_equal(icmp6_parse(&f->icmp, f->ip.payload, f->ip.len, f->ip.src.bytes,
					     f->ip.dst.bytes),
				 0);
	} else {
		assert_int_equal(tcp_parse(&f->seg, f->ip.payload, f->ip.len), 0);
		assert_int_equal(p->csum_offset, TCP_CSUM_OFFSET);
		sum = csum_add_pseudo(0, f->ip.src.bytes, f->ip.dst.bytes, alen,
				      (uint32_t)f->ip.len, IP_PROTO_TCP);
		if (!(p->flags & WEIR_PACKET_CSUM_PARTIAL)) /* MUST-2 */
			assert_true(csum_good(csum_add(sum, f->ip.payload, f->ip.len)));
	}
	return true;
}

static inline unsigned stk_drain(struct stk *f)
{
	unsigned n = 0;

	while (stk_out(f))
		assert_true(++n < 10000);
	return n;
}

/* What goes out next is a TCP segment with these flags. */
#define assert_out(f, bits) \
	do { \
		assert_true(stk_out(f)); \
		assert_int_equal((f)->ip.proto, IP_PROTO_TCP); \
		assert_int_equal((f)->seg.flags, bits); \
	} while (0)

#define assert_verdict(got, expected) \
	assert_string_equal(weir_counter_name(got), weir_counter_name(WEIR_CTR_##expected))

#define counter(f, name) weir_counter_get((f)->s, WEIR_CTR_##name)

static inline struct weir_event stk_event(struct stk *f, enum weir_event_kind kind)
{
	struct weir_event ev;

	assert_true(weir_event_next(f->s, &ev));
	assert_string_equal(weir_event_name(ev.kind), weir_event_name(kind));
	return ev;
}

static inline void stk_no_event(struct stk *f)
{
	struct weir_event ev;

	if (weir_event_next(f->s, &ev))
		fail_msg("event %s", weir_event_name(ev.kind));
}

static inline weir_listener stk_listen(struct stk *f, enum weir_accept_mode mode, uint32_t backlog)
{
	struct weir_listen_args args = {.local.port = PORT, .mode = mode, .backlog = backlog};
	weir_listener l;

	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	return l;
}

static inline enum weir_counter stk_syn(struct stk *f, const struct weir_tuple *t)
{
	return stk_in(f, t, (struct tcp_seg){.seq = {PEER_ISN}, .wnd = 60000, .flags = TCP_SYN});
}

/* A passive open up to the third segment; the ISN of ours is returned. */
static inline uint32_t stk_handshake(struct stk *f, const struct weir_tuple *t)
{
	uint32_t iss;

	assert_verdict(stk_syn(f, t), ACCEPTED);
	assert_out(f, TCP_SYN | TCP_ACK);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 1);
	iss = f->seg.seq.v;
	stk_in(f, t,
	       (struct tcp_seg){
		       .seq = {PEER_ISN + 1}, .ack = {iss + 1}, .wnd = 60000, .flags = TCP_ACK});
	return iss;
}

static inline weir_conn stk_accept(struct stk *f, const struct weir_tuple *t)
{
	stk_handshake(f, t);
	return stk_event(f, WEIR_EV_ACCEPTED).conn;
}

/* An active open to `t`'s remote end; t->local is filled in. The SYN stays in f->seg. */
static inline weir_conn stk_connect(struct stk *f, struct weir_tuple *t)
{
	struct weir_connect_args args = {.remote = t->remote};
	weir_conn c;

	assert_int_equal(weir_connect(f->s, &args, f->now, &c), WEIR_OK);
	assert_out(f, TCP_SYN);
	t->local.addr = f->ip.src;
	t->local.port = f->seg.src_port;
	return c;
}

/* The peer answers the SYN that is in f->seg. */
static inline void stk_synack(struct stk *f, const struct weir_tuple *t)
{
	stk_in(f, t,
	       (struct tcp_seg){.seq = {PEER_ISN},
				.ack = seq_add(f->seg.seq, 1),
				.wnd = 60000,
				.flags = TCP_SYN | TCP_ACK});
	stk_event(f, WEIR_EV_CONNECTED);
	assert_out(f, TCP_ACK);
}

static inline struct weir_info stk_info(struct stk *f, weir_conn c)
{
	struct weir_info i;

	assert_int_equal(weir_conn_info(f->s, c, &i), WEIR_OK);
	return i;
}

#endif
