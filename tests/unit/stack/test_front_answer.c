/*
 * What a front sends (kern/answer.h), built natively, against the engine: the SYN-ACK of one is
 * that of the other, byte for byte, for whatever SYN; and no SYN is answered that the engine would
 * not answer with a cookie. The same for the program in the kernel: tests/host/test_shield.c.
 */
#include "syns.h"

#include "kern/answer.h"
#include "stack/cookies.h"
#include "stack/demux.h"

#define SLOTS   65536u
#define SYNS    20000u
#define STEP_NS 7654321u
#define OPTIONS 3u /* settings that choose options */

static struct weir_front_slot slots[SLOTS];
static volatile uint64_t answered_ms[WEIR_FRONT_LISTENERS];

static void begin(struct stk *f)
{
	struct weir_listen_args args = {.local = {.addr = our4, .port = PORT}};
	struct weir_listen_args args6 = {.local = {.addr = our6, .port = PORT}};
	struct weir_front_args front = {
		.slots = slots, .slot_count = SLOTS, .answered_ms = answered_ms};
	weir_listener l;

	f->cfg.cookies = 2;
	f->cfg.dscp = 10;
	f->cfg.ttl = 77;
	f->cfg.cookie_tick_ms = 5000;
	f->cfg.cookie_epoch_ms = 123456789;
	for (unsigned i = 0; i < 16; i++) {
		f->cfg.isn_key[i] = (uint8_t)(i * 7 + 1);
		f->cfg.cookie_key[i] = (uint8_t)(i * 5 + 3);
	}
	stk_start(f);
	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	assert_int_equal(weir_listen(f->s, &args6, &l), WEIR_OK);
	memset(slots, 0, sizeof(slots));
	assert_int_equal(weir_front_open(f->s, &front), WEIR_OK);
	weir_front_update(f->s, f->now);
}

/* The front's answer to a packet; `out` gets it. */
static enum answer_verdict ask_front(const struct stk *f, const struct weir_front_rules *r,
				     const uint8_t *packet, size_t len, uint8_t *out,
				     size_t *out_len)
{
	size_t ip_len = packet[0] >> 4 == 6 ? 40 : 20, hdr;
	uint64_t now_ms = f->now / NS_PER_MS;
	struct answer_syn syn = {0};
	enum answer_verdict v;
	struct answer a;

	memcpy(syn.ip, packet, ip_len);
	memcpy(syn.tcp, packet + ip_len, 20);
	v = answer_look(syn.ip, syn.tcp, (uint32_t)len);
	if (v != ANSWER_SYNACK)
		return v;
	hdr = (syn.tcp[12] >> 4) * 4u;
	memcpy(syn.tcp, packet + ip_len, hdr);
	memcpy(syn.data, packet + ip_len + hdr, answer_tcp_len(syn.ip) - hdr);
	v = answer_read(&a, r, &syn);
	if (v == ANSWER_SYNACK)
		v = answer_owned(&slots[answer_slot(r, &a)], answer_tick(r, now_ms));
	if (v == ANSWER_SYNACK)
		*out_len = answer_write(&a, r, &syn, now_ms, out);
	return v;
}

/* Could a front have answered it, by what answer.h says is usual? */
static bool is_usual(const uint8_t *p, size_t len)
{
	if (p[0] >> 4 == 6)
		return p[6] == IP_PROTO_TCP && len == 40u + be16_get(p + 4);
	return p[0] == 0x45 && len == be16_get(p + 2);
}

/* Is the checksum that of the pseudo-header, too? */
static bool is_ambiguous(const struct syns *g, const uint8_t *p, size_t len)
{
	size_t ip = syns_ip_len(g), addr = g->family == 4 ? 4 : 16;
	const uint8_t *src = p + (g->family == 4 ? 12 : 8);
	uint16_t field;

	memcpy(&field, p + ip + TCP_CSUM_OFFSET, sizeof(field));
	return field == csum_fold(csum_add_pseudo(0, src, src + addr, addr, (uint32_t)(len - ip),
						  IP_PROTO_TCP));
}

/* The rules, as if there were no lag, so that tick and tick can be compared. */
static struct weir_front_rules rules_of(const struct stk *f)
{
	struct weir_front_rules r;

	weir_front_rules_get(f->s, &r);
	r.epoch_ms += WEIR_FRONT_LAG_MS;
	return r;
}

static void compare(struct stk *f, struct syns *g)
{
	struct weir_front_rules r = rules_of(f);
	uint8_t packet[SYNS_PACKET_MAX], out[WEIR_FRONT_FORM_BYTES];
	unsigned answered = 0, passed[ANSWER_VERDICTS] = {0};

	for (unsigned i = 0; i < SYNS; i++) {
		size_t len = syns_next(g, packet), out_len = 0;
		enum answer_verdict front = ask_front(f, &r, packet, len, out, &out_len);
		struct weir_frame frame = {
			.bytes = packet, .len = len, .flags = g->partial ? WEIR_FRAME_CSUM_OK : 0};
		enum weir_counter engine = weir_input(f->s, &frame, f->now);

		passed[front]++;
		if (front == ANSWER_SYNACK) {
			assert_verdict(engine, SYN_COOKIE);
			assert_out(f, f->seg.flags);
			assert_int_equal(out_len, f->len);
			assert_memory_equal(out, f->bytes, f->len);
			answered++;
		} else if (engine == WEIR_CTR_SYN_COOKIE && is_usual(packet, len)) {
			/* once in 65,536 */
			assert_int_equal(front, ANSWER_CHECKSUM);
			assert_true(is_ambiguous(g, packet, len));
		}
		stk_drain(f);
		f->now += STEP_NS;
	}
	assert_true(answered > SYNS / 3);
	assert_true(passed[ANSWER_CHECKSUM] && passed[ANSWER_NO_SYN] && passed[ANSWER_UNUSUAL] &&
		    passed[ANSWER_ELSEWHERE]);
}

static void test_same_bytes(void **state)
{
	struct stk *f = *state;
	struct syns g = {.random = 88172645463325252u, .family = 4};

	for (unsigned bits = 0; bits < 1u << OPTIONS; bits++) {
		f->cfg.timestamps = bits & 1;
		f->cfg.sack = f->cfg.window_scaling = bits >> 1 & 1;
		f->cfg.synopt_bsd = bits >> 2 & 1;
		f->cfg.ecn = bits % (ACCECN_SETTING_ACCEPT + 1u);
		begin(f);
		g.family = 4;
		compare(f, &g);
		g.family = 6;
		compare(f, &g);
	}
}

/* SYNs of sockets of this machine, whose checksum is left to the device: so is that of the SYN-ACK,
 * as the engine leaves it to a link that completes it. */
static void test_partial(void **state)
{
	struct stk *f = *state;
	struct syns g = {.random = 362436069u, .family = 4, .partial = true};
	struct weir_front_rules r;
	uint8_t packet[SYNS_PACKET_MAX], out[WEIR_FRONT_FORM_BYTES];
	unsigned answered = 0;

	f->cfg.timestamps = 1;
	f->cfg.link_csum_offload = 1;
	begin(f);
	r = rules_of(f);
	for (unsigned i = 0; i < SYNS; i++) {
		size_t len = syns_next(&g, packet), out_len;
		struct weir_frame frame = {
			.bytes = packet, .len = len, .flags = WEIR_FRAME_CSUM_OK};

		g.family ^= 4 ^ 6; /* in turn */

		if (ask_front(f, &r, packet, len, out, &out_len) == ANSWER_SYNACK) {
			assert_verdict(weir_input(f->s, &frame, f->now), SYN_COOKIE);
			assert_out(f, f->seg.flags);
			assert_int_equal(f->pkt.flags, WEIR_PACKET_CSUM_PARTIAL);
			assert_int_equal(out_len, f->len);
			assert_memory_equal(out, f->bytes, f->len);
			answered++;
		}
		f->now += STEP_NS;
	}
	assert_true(answered > SYNS / 3);
}

/* The pair of an owner, and one whose cookie was used, in this tick and in the next. */
static void test_owned(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 1000);
	struct weir_front_rules r;
	struct weir_front_slot *slot;
	uint8_t packet[SYNS_PACKET_MAX], out[WEIR_FRONT_FORM_BYTES];
	struct tcp_seg syn = {.seq = {PEER_ISN}, .wnd = 60000, .flags = TCP_SYN};
	size_t len, out_len;

	begin(f);
	r = rules_of(f);
	len = stk_packet(packet, &t, syn);
	slot = &slots[demux_hash(f->s, &t) >> 32 & (SLOTS - 1)];
	assert_int_equal(ask_front(f, &r, packet, len, out, &out_len), ANSWER_SYNACK);
	slot->owners = 1;
	assert_int_equal(ask_front(f, &r, packet, len, out, &out_len), ANSWER_OWNED);
	slot->owners = 0;
	slot->spent = WEIR_FRONT_STAMP(cookies_tick(f->s));
	for (unsigned tick = 0; tick < 3; tick++) {
		assert_int_equal(ask_front(f, &r, packet, len, out, &out_len),
				 tick < 2 ? ANSWER_OWNED : ANSWER_SYNACK);
		f->now += f->cfg.cookie_tick_ms * NS_PER_MS;
	}
	weir_front_close(f->s); /* nothing is on */
	weir_front_rules_get(f->s, &r);
	assert_int_equal(ask_front(f, &r, packet, len, out, &out_len), ANSWER_ELSEWHERE);
}

/* Around the end of a tick: the engine is given the ACK with a clock that was read up to the lag
 * before the front's, and takes the cookie; and it takes the last ones of a tick in the next. */
static void test_lag(void **state)
{
	struct stk *f = *state;
	struct weir_front_rules r;
	uint64_t end_ms;

	begin(f);
	weir_front_rules_get(f->s, &r);
	end_ms = f->now / NS_PER_MS + f->cfg.cookie_tick_ms -
		 (f->now / NS_PER_MS + f->cfg.cookie_epoch_ms) % f->cfg.cookie_tick_ms;
	for (uint64_t ms = end_ms - 10; ms < end_ms + 2 * WEIR_FRONT_LAG_MS; ms += 5) {
		struct weir_tuple t = stk_peer(4, 9, (uint16_t)(1000 + ms - end_ms));
		uint8_t packet[SYNS_PACKET_MAX], out[WEIR_FRONT_FORM_BYTES];
		struct tcp_seg syn = {.seq = {PEER_ISN}, .wnd = 60000, .flags = TCP_SYN}, synack;
		size_t len = stk_packet(packet, &t, syn), out_len;

		f->now = ms * NS_PER_MS;
		assert_int_equal(ask_front(f, &r, packet, len, out, &out_len), ANSWER_SYNACK);
		answered_ms[0] = ms;
		assert_int_equal(tcp_parse(&synack, out + 20, out_len - 20), 0);
		f->now -= (WEIR_FRONT_LAG_MS - 1) * NS_PER_MS;
		f->s->now = f->now; /* it has not seen any later time */
		f->s->cookie_tick_end = 0;
		assert_verdict(stk_in(f, &t,
				      (struct tcp_seg){.seq = {PEER_ISN + 1},
						       .ack = seq_add(synack.seq, 1),
						       .wnd = 60000,
						       .flags = TCP_ACK}),
			       ACCEPTED);
		assert_int_equal(weir_abort(f->s, stk_event(f, WEIR_EV_ACCEPTED).conn, f->now),
				 WEIR_OK);
		stk_drain(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_bytes),
		TEST(test_partial),
		TEST(test_owned),
		TEST(test_lag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
