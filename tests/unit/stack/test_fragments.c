/*
 * Packets in pieces: put together in any order, given up after 60 s, ended by an overlap.
 */
#include "fixture.h"

#define TEXT   1440u /* over IPv6 a packet of 1,500 bytes */
#define PIECE  496u  /* bytes of data in one piece; the packets of TEXT bytes have three */
#define MINUTE (60000 * NS_PER_MS)

/* A SYN with text to a port where nobody listens; its RST says how much of it came. */
struct cut {
	uint8_t packet[2000];
	size_t len, hdr; /* of the packet; of its IP header */
	struct weir_tuple t;
	uint32_t id;
};

static void cut_make(struct cut *c, uint8_t family, uint32_t id)
{
	uint8_t text[TEXT];

	for (size_t i = 0; i < TEXT; i++)
		text[i] = (uint8_t)(i * 7 + id);
	c->t = stk_peer(family, 9, 1000);
	c->hdr = family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN;
	c->id = id;
	c->len = stk_packet(
		c->packet, &c->t,
		(struct tcp_seg){
			.seq = {PEER_ISN}, .flags = TCP_SYN, .payload = text, .len = TEXT});
}

/* The piece of `len` bytes at `off` of what follows the IP header (far beyond its end: with bytes
 * of the beginning). Returns its length. */
static size_t cut_piece(const struct cut *c, uint8_t *out, uint32_t off, uint32_t len, bool more)
{
	const uint8_t *data = c->packet + c->hdr + (off < TEXT ? off : 0);

	if (c->t.local.addr.family == 4) {
		struct ip4_hdr h;

		assert_int_equal(ip4_parse(&h, c->packet, c->len), 0);
		h.total_len = (uint16_t)(IP4_HDR_LEN + len);
		h.id = (uint16_t)c->id;
		h.dont_frag = false;
		h.more_frags = more;
		h.frag_off = (uint16_t)off;
		ip4_emit(out, &h);
		memcpy(out + IP4_HDR_LEN, data, len);
		return IP4_HDR_LEN + len;
	}
	memcpy(out, c->packet, IP6_HDR_LEN);
	out[4] = (uint8_t)((len + 8) >> 8);
	out[5] = (uint8_t)(len + 8);
	out[6] = 44;
	memcpy(out + IP6_HDR_LEN,
	       (uint8_t[]){c->packet[6], 0, (uint8_t)(off >> 8), (uint8_t)(off | more), 0, 0,
			   (uint8_t)(c->id >> 8), (uint8_t)c->id},
	       8);
	memcpy(out + IP6_HDR_LEN + 8, data, len);
	return IP6_HDR_LEN + 8 + len;
}

static enum weir_counter send_piece(struct stk *f, const struct cut *c, uint32_t off, uint32_t len,
				    bool more)
{
	uint8_t bytes[2000];

	return stk_frame(f, bytes, cut_piece(c, bytes, off, len, more));
}

/* Piece number `n` of those of PIECE bytes. */
static enum weir_counter send_nth(struct stk *f, const struct cut *c, uint32_t n)
{
	uint32_t all = (uint32_t)(c->len - c->hdr), off = n * PIECE;
	uint32_t len = all - off < PIECE ? all - off : PIECE;

	return send_piece(f, c, off, len, off + len < all);
}

/* All of the text came: it is acknowledged by the RST. */
static void assert_came(struct stk *f)
{
	assert_true(stk_out(f));
	assert_int_equal(f->seg.flags, TCP_RST | TCP_ACK);
	assert_int_equal(f->seg.ack.v, PEER_ISN + 1 + TEXT);
	assert_false(stk_out(f));
}

/*
 * Three pieces in every order; without any one of them nothing comes of it.
 * neg: RFC1122-05 RFC8200-02
 */
static void test_every_order(void **state)
{
	static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	for (unsigned i = 0; i < 2 * LENGTH(orders); i++) {
		cut_make(&c, i & 1 ? 6 : 4, 100 + i);
		for (unsigned k = 0; k < 2; k++) {
			assert_verdict(send_nth(f, &c, orders[i / 2][k]), IP_FRAGMENT);
			assert_false(stk_out(f));
		}
		assert_verdict(send_nth(f, &c, orders[i / 2][2]), NO_OWNER);
		assert_came(f);
	}
	assert_true(weir_deadline(f->s, f->now) == WEIR_NEVER);
}

/* Pieces of other packets between them: another sender, another identification. */
static void test_apart(void **state)
{
	struct stk *f = *state;
	static struct cut c[3];

	stk_start(f);
	cut_make(&c[0], 4, 1);
	cut_make(&c[1], 4, 2);
	cut_make(&c[2], 6, 1);
	for (uint32_t n = 0; n < 2; n++)
		for (unsigned i = 0; i < 3; i++)
			assert_verdict(send_nth(f, &c[i], n), IP_FRAGMENT);
	for (unsigned i = 0; i < 3; i++) {
		assert_verdict(send_nth(f, &c[i], 2), NO_OWNER);
		assert_came(f);
	}
}

/*
 * Given up after 60 s, not before; the sender is told if the first piece was there.
 * neg: RFC1122-05 RFC8200-05
 */
static void test_timeout(void **state)
{
	struct stk *f = *state;
	weir_time began;
	static struct cut c;

	stk_start(f);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t family = i & 1 ? 6 : 4;
		bool first = i / 2;

		cut_make(&c, family, 7);
		began = f->now;
		assert_verdict(send_nth(f, &c, first ? 0 : 1), IP_FRAGMENT);
		f->now += MINUTE / 2; /* a later piece does not begin it anew */
		assert_verdict(send_nth(f, &c, 2), IP_FRAGMENT);
		assert_true(weir_deadline(f->s, f->now) == began + MINUTE);
		f->now = began + MINUTE - 1;
		assert_false(stk_out(f));
		f->now++;
		assert_int_equal(stk_out(f), first);
		if (first) {
			assert_int_equal(f->icmp.type, family == 4 ? 11 : 3);
			assert_int_equal(f->icmp.code, 1);
			assert_in_range(f->icmp.body_len, c.hdr + 8, 128);
			assert_memory_equal(f->icmp.body + c.hdr + (family == 4 ? 0 : 8),
					    c.packet + c.hdr, 8);
		}
		assert_int_equal(counter(f, FRAGMENTS_EXPIRED), 2 * i + 1);
		assert_verdict(send_nth(f, &c, first ? 1 : 0), IP_FRAGMENT);
		assert_false(stk_out(f));
		f->now += MINUTE;
		assert_int_equal(stk_out(f), !first);
		assert_int_equal(counter(f, FRAGMENTS_EXPIRED), 2 * (i + 1));
	}
}

/*
 * A piece that overlaps others ends the packet: nothing comes of it, no ICMP error is sent, and
 * what comes later of it is dropped.
 * neg: RFC8200-05
 */
static void test_overlap(void **state)
{
	static const struct {
		uint32_t off, len;
		bool more;
	} rows[] = {
		{0, 8, true},         {8, 8, true},      {PIECE - 8, 16, true},
		{PIECE - 8, 8, true}, {PIECE, 8, false}, {PIECE - 8, 8, false},
		{0, 2 * PIECE, true},
	};
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	for (unsigned i = 0; i < 2 * LENGTH(rows); i++) {
		cut_make(&c, i & 1 ? 6 : 4, 200 + i);
		assert_verdict(send_nth(f, &c, 0), IP_FRAGMENT);
		assert_verdict(send_nth(f, &c, 2), IP_FRAGMENT);
		assert_verdict(
			send_piece(f, &c, rows[i / 2].off, rows[i / 2].len, rows[i / 2].more),
			FRAGMENT_DROPPED);
		assert_verdict(send_nth(f, &c, 1), FRAGMENT_DROPPED);
		f->now += MINUTE;
		assert_false(stk_out(f));
	}
}

/*
 * The same piece twice is no overlap.
 * req: RFC8200-05
 */
static void test_duplicate(void **state)
{
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	for (unsigned i = 0; i < 2; i++) {
		cut_make(&c, i ? 6 : 4, 5);
		for (unsigned n = 0; n < 2; n++) {
			assert_verdict(send_nth(f, &c, 2 * n), IP_FRAGMENT);
			assert_verdict(send_nth(f, &c, 2 * n), IP_FRAGMENT);
		}
		assert_verdict(send_nth(f, &c, 1), NO_OWNER);
		assert_came(f);
		/* With other bytes it is one. */
		assert_verdict(send_nth(f, &c, 0), IP_FRAGMENT);
		c.packet[c.hdr + 100] ^= 1;
		assert_verdict(send_nth(f, &c, 0), FRAGMENT_DROPPED);
		f->now += MINUTE;
		assert_false(stk_out(f));
	}
}

/*
 * A fragment that is the whole packet is processed by itself, also while pieces with the same
 * identification wait, which it leaves alone.
 * neg: RFC8200-05
 */
static void test_atomic(void **state)
{
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	cut_make(&c, 6, 5);
	assert_verdict(send_nth(f, &c, 0), IP_FRAGMENT);
	assert_verdict(send_piece(f, &c, 0, (uint32_t)(c.len - c.hdr), false), NO_OWNER);
	assert_came(f);
	assert_verdict(send_nth(f, &c, 1), IP_FRAGMENT);
	assert_verdict(send_nth(f, &c, 2), NO_OWNER);
	assert_came(f);
}

/* Lengths that cannot be: the piece is dropped, the packet is not. */
static void test_lengths(void **state)
{
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	for (unsigned i = 0; i < 2; i++) {
		cut_make(&c, i ? 6 : 4, 5);
		assert_verdict(send_piece(f, &c, 0, 12, true), FRAGMENT_DROPPED);
		assert_verdict(send_piece(f, &c, 0, 0, true), FRAGMENT_DROPPED);
		for (uint32_t n = 0; n < 2; n++)
			assert_verdict(send_nth(f, &c, n), IP_FRAGMENT);
		assert_verdict(send_nth(f, &c, 2), NO_OWNER);
		assert_came(f);
	}
}

/* Up to 65,535 bytes with the header, and not one more. */
static void test_beyond_the_largest(void **state)
{
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t room = 65535 - (i ? IP6_HDR_LEN : IP4_HDR_LEN);
		uint32_t off = room / 8 * 8;

		cut_make(&c, i ? 6 : 4, 5);
		for (unsigned more = 0; more < 2; more++) {
			uint32_t len = more ? 8 : room - off + 1;

			assert_verdict(send_piece(f, &c, off, len, more), FRAGMENT_DROPPED);
		}
		assert_verdict(send_piece(f, &c, off, room - off, false), IP_FRAGMENT);
		f->now += MINUTE;
		assert_false(stk_out(f));
	}
}

/* Another end than the one that is known, and data beyond the end. */
static void test_two_ends(void **state)
{
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	for (unsigned i = 0; i < 4; i++) {
		cut_make(&c, 4, 300 + i);
		if (i & 1) { /* the end comes first, or last */
			assert_verdict(send_piece(f, &c, 512, 8, false), IP_FRAGMENT);
			assert_verdict(send_piece(f, &c, i & 2 ? 520 : 528, 8, i & 2),
				       FRAGMENT_DROPPED);
		} else {
			assert_verdict(send_piece(f, &c, 520, 8, true), IP_FRAGMENT);
			assert_verdict(send_piece(f, &c, 8, 8, false), FRAGMENT_DROPPED);
		}
		assert_verdict(send_nth(f, &c, 0), FRAGMENT_DROPPED);
	}
	assert_false(stk_out(f));
}

/* As many packets as frags_max; of more the oldest is given up, and none at all with 0. */
static void test_bound(void **state)
{
	struct stk *f = *state;
	static struct cut c[4];

	f->cfg.frags_max = 3;
	stk_start(f);
	for (unsigned i = 0; i < 4; i++) {
		cut_make(&c[i], i & 1 ? 6 : 4, i);
		assert_verdict(send_nth(f, &c[i], 0), IP_FRAGMENT);
		assert_verdict(send_nth(f, &c[i], 1), IP_FRAGMENT);
		f->now++;
	}
	for (unsigned i = 1; i < 4; i++) {
		assert_verdict(send_nth(f, &c[i], 2), NO_OWNER);
		assert_came(f);
	}
	assert_verdict(send_nth(f, &c[0], 2), IP_FRAGMENT);
	f->cfg.frags_max = 0;
	stk_start(f);
	assert_verdict(send_nth(f, &c[0], 0), FRAGMENT_DROPPED);
	assert_true(weir_deadline(f->s, f->now) == WEIR_NEVER);
}

/* No room for what is not for us. */
static void test_not_for_us(void **state)
{
	struct stk *f = *state;
	static struct cut c;

	stk_start(f);
	cut_make(&c, 4, 1);
	c.packet[19] = 77;
	memcpy(c.packet + 10, (uint8_t[2]){0, 0}, 2);
	memcpy(c.packet + 10, &(uint16_t){csum_finish(csum_add(0, c.packet, 20))}, 2);
	assert_verdict(send_nth(f, &c, 0), IP_NOT_OURS);
	c.packet[16] = 224;
	memcpy(c.packet + 10, (uint8_t[2]){0, 0}, 2);
	memcpy(c.packet + 10, &(uint16_t){csum_finish(csum_add(0, c.packet, 20))}, 2);
	assert_verdict(send_nth(f, &c, 0), IP_GROUP);
	assert_true(weir_deadline(f->s, f->now) == WEIR_NEVER);
}

/* An echo request that came in pieces is answered if the answer fits the link in one packet. */
static void test_echo(void **state)
{
	struct stk *f = *state;
	static struct cut c;
	uint8_t body[1600] = {0};

	stk_start(f);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t family = i & 1 ? 6 : 4;
		bool fits = i < 2;
		size_t hdr = (family == 4 ? IP4_HDR_LEN : IP6_HDR_LEN) + ICMP_HDR_LEN;
		struct icmp_msg m = {.type = family == 4 ? 8 : 128,
				     .body = body,
				     .body_len = 1500 - hdr + !fits};
		const struct weir_tuple *t = &c.t;

		cut_make(&c, family, 5);
		stk_ip(c.packet, &t->remote.addr, &t->local.addr,
		       family == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6, ICMP_HDR_LEN + m.body_len);
		c.len = hdr + m.body_len;
		if (family == 4)
			icmp4_emit(c.packet + c.hdr, &m);
		else
			icmp6_emit(c.packet + c.hdr, &m, t->remote.addr.bytes, t->local.addr.bytes);
		for (uint32_t n = 0; n < 2; n++)
			assert_verdict(send_nth(f, &c, n), IP_FRAGMENT);
		assert_verdict(send_nth(f, &c, 2), ICMP_ECHO);
		assert_int_equal(stk_out(f), fits);
		if (fits)
			assert_int_equal(f->len, 1500);
	}
	assert_int_equal(counter(f, REPLY_DROPPED), 2);
}

/* The device vouches for a piece, not for what it belongs to. */
static void test_checksum_of_the_whole(void **state)
{
	struct stk *f = *state;
	static struct cut c;
	uint8_t bytes[2000];
	struct weir_frame frame = {.bytes = bytes, .flags = WEIR_FRAME_CSUM_OK};

	stk_start(f);
	cut_make(&c, 4, 1);
	c.packet[c.hdr + 700] ^= 1;
	for (uint32_t n = 0; n < 3; n++) {
		uint32_t all = (uint32_t)(c.len - c.hdr), off = n * PIECE;

		frame.len = cut_piece(&c, bytes, off, n < 2 ? PIECE : all - off, n < 2);
		assert_int_equal(weir_input(f->s, &frame, f->now),
				 n < 2 ? WEIR_CTR_IP_FRAGMENT : WEIR_CTR_TCP_CHECKSUM);
	}
	assert_false(stk_out(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_order),
		TEST(test_apart),
		TEST(test_timeout),
		TEST(test_overlap),
		TEST(test_duplicate),
		TEST(test_atomic),
		TEST(test_lengths),
		TEST(test_beyond_the_largest),
		TEST(test_two_ends),
		TEST(test_bound),
		TEST(test_not_for_us),
		TEST(test_echo),
		TEST(test_checksum_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
