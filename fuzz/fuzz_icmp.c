/*
 * fuzz_icmp.c: ICMP and ICMPv6. The input's first byte says which; for ICMPv6 32 bytes of addresses
 * follow; the rest is the message. What is accepted lies within the bytes and survives emission; a
 * quoted packet is read as far as the engine does.
 */
#include "fuzz.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp_hdr.h"

enum version { V4, V6 };

struct subject {
	enum version version;
	const uint8_t *addrs; /* V6: source and destination */
};

static int parse(const struct subject *s, struct icmp_msg *m, const uint8_t *bytes, size_t len)
{
	if (s->version == V4)
		return icmp4_parse(m, bytes, len);
	return icmp6_parse(m, bytes, len, s->addrs, s->addrs + 16);
}

static size_t emit(const struct subject *s, uint8_t *bytes, const struct icmp_msg *m)
{
	if (s->version == V4)
		return icmp4_emit(bytes, m);
	return icmp6_emit(bytes, m, s->addrs, s->addrs + 16);
}

static void read_quoted(const struct subject *s, const struct icmp_msg *m)
{
	struct tcp_seg seg;
	size_t off;

	if (s->version == V4) {
		struct ip4_hdr h;

		if (ip4_parse_quoted(&h, m->body, m->body_len))
			return;
		off = h.hdr_len;
	} else {
		struct ip6_hdr h;

		if (ip6_parse_quoted(&h, m->body, m->body_len) != IP6_OK)
			return;
		off = h.upper_off;
	}
	fuzz_assert(off <= m->body_len);
	if (tcp_parse_quoted(&seg, m->body + off, m->body_len - off) == 0)
		fuzz_assert(m->body_len - off >= 8 && seg.len == 0);
}

static void check(const struct subject *s, const uint8_t *bytes, size_t len)
{
	struct icmp_msg m, back;
	uint8_t *out;

	if (parse(s, &m, bytes, len))
		return;
	fuzz_assert(len >= ICMP_HDR_LEN && m.body == bytes + ICMP_HDR_LEN);
	fuzz_assert(m.body_len == len - ICMP_HDR_LEN);
	read_quoted(s, &m);
	out = fuzz_alloc(len);
	fuzz_assert(emit(s, out, &m) == len);
	fuzz_assert(!memcmp(out, bytes, 2) && !memcmp(out + 4, bytes + 4, len - 4));
	fuzz_assert(parse(s, &back, out, len) == 0);
	fuzz_assert(back.type == m.type && back.code == m.code && back.rest == m.rest);
	free(out);
}

/* Puts the checksum right by adding what is missing to the field. */
static void fix_checksum(const struct subject *s, uint8_t *bytes, size_t len)
{
	uint64_t sum = 0;
	uint16_t field;

	if (len < ICMP_HDR_LEN)
		return;
	memset(bytes + 2, 0, 2);
	if (s->version == V6)
		sum = csum_add_pseudo(0, s->addrs, s->addrs + 16, 16, (uint32_t)len,
				      IP_PROTO_ICMP6);
	field = csum_finish(csum_add(sum, bytes, len));
	memcpy(bytes + 2, &field, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct subject s = {.version = fuzz_u8(&in) & 1 ? V6 : V4};
	uint8_t *fixed;

	if (s.version == V6) {
		if (in.left < 32)
			return 0;
		s.addrs = in.at;
		in.at += 32;
		in.left -= 32;
	}
	fixed = fuzz_copy(in.at, in.left);
	check(&s, in.at, in.left);
	fix_checksum(&s, fixed, in.left);
	check(&s, fixed, in.left);
	free(fixed);
	return 0;
}
