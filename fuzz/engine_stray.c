/*
 * engine_stray.c: packets that belong to no connection, or only say so: ICMP errors that quote a
 * segment, other protocols, extension headers, fragments, and plain rubbish.
 */
#include "engine_world.h"

#include "base/be.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define BODY_MAX 320u

static size_t put_ip(uint8_t *at, enum version version, const struct weir_addr *src,
		     const struct weir_addr *dst, uint8_t proto, size_t upper_len)
{
	if (version == V4) {
		struct ip4_hdr h = {.ttl = 64, .proto = proto};

		h.total_len = (uint16_t)(IP4_HDR_LEN + upper_len);
		memcpy(h.src, src->bytes, 4);
		memcpy(h.dst, dst->bytes, 4);
		ip4_emit(at, &h);
		return IP4_HDR_LEN;
	}
	struct ip6_hdr h = {.hop_limit = 64, .next = proto, .payload_len = (uint16_t)upper_len};

	memcpy(h.src, src->bytes, 16);
	memcpy(h.dst, dst->bytes, 16);
	ip6_emit(at, &h);
	return IP6_HDR_LEN;
}

/* A segment whose checksum happens to be right is left out: its payload would not be what the
 * application expects to read. */
static void input_copy(struct world *w, const uint8_t *bytes, size_t len)
{
	if (world_tcp_passes(bytes, len))
		return;
	world_input(w, (struct frame){.bytes = fuzz_copy(bytes, len), .len = len});
}

/* The start of a segment that the flow's stack might have sent, as a router would quote it. */
static size_t put_quoted(struct world *w, uint8_t *at, const struct flow *f)
{
	struct weir_addr src = world_ours_addr(f->version, f->ours);
	struct weir_addr dst = world_peer_addr(f->version, f->peer);
	struct tcp_seg seg = {
		.src_port = f->port,
		.dst_port = f->peer_port,
		.seq = {f->una + (uint32_t)(int8_t)fuzz_u8(&w->in)},
		.ack = {f->stk_ack},
		.flags = TCP_ACK,
	};
	size_t len = put_ip(at, f->version, &src, &dst, IP_PROTO_TCP, 1000);

	tcp_emit(at + len, &seg, TCP_OPT_ORDER_LINUX);
	return len + (fuzz_u8(&w->in) % 21u);
}

void stray_icmp(struct world *w)
{
	static const uint8_t types[2][12][2] = {
		{{3, 0},
		 {3, 1},
		 {3, 2},
		 {3, 3},
		 {3, 4},
		 {3, 13},
		 {4, 0},
		 {11, 0},
		 {12, 0},
		 {8, 0},
		 {0, 0},
		 {5, 1}},
		{{1, 0},
		 {1, 1},
		 {1, 2},
		 {1, 3},
		 {1, 4},
		 {2, 0},
		 {3, 0},
		 {4, 0},
		 {4, 1},
		 {128, 0},
		 {129, 0},
		 {137, 0}},
	};
	struct flow *f = peer_pick(w);
	const uint8_t *type;
	uint8_t out[IP6_HDR_LEN + 8 + 128], body[128];
	struct icmp_msg m = {.body = body};
	struct weir_addr src, dst;
	size_t len;

	if (!f)
		return;
	type = types[f->version][fuzz_u8(&w->in) % 12];
	m.type = type[0];
	m.code = type[1];
	m.rest = fuzz_u16(&w->in);
	m.body_len = put_quoted(w, body, f);
	src = world_peer_addr(f->version, 3); /* a router, or another host */
	dst = world_ours_addr(f->version, f->ours);
	len = put_ip(out, f->version, &src, &dst, f->version == V4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6,
		     ICMP_HDR_LEN + m.body_len);
	if (f->version == V4)
		len += icmp4_emit(out + len, &m);
	else
		len += icmp6_emit(out + len, &m, src.bytes, dst.bytes);
	input_copy(w, out, len);
}

/* ICMP's checksum put right; that of the rest stays as it is. */
static void fix_icmp(uint8_t *upper, size_t len, uint8_t proto, const struct weir_addr *src,
		     const struct weir_addr *dst)
{
	uint64_t sum = 0;
	uint16_t field;

	if (len < ICMP_HDR_LEN || (proto != IP_PROTO_ICMP && proto != IP_PROTO_ICMP6))
		return;
	memset(upper + 2, 0, 2);
	if (proto == IP_PROTO_ICMP6)
		sum = csum_add_pseudo(0, src->bytes, dst->bytes, 16, (uint32_t)len, proto);
	field = csum_finish(csum_add(sum, upper, len));
	memcpy(upper + 2, &field, 2);
}

/* A destination: ours, another's, or a group. */
static struct weir_addr pick_dst(enum version version, uint8_t bits)
{
	struct weir_addr a = world_ours_addr(version, bits & 1 ? FOREIGN : OURS);

	if (bits & 2) {
		a.bytes[0] = version == V4 ? 224 : 0xff;
		a.bytes[1] = version == V4 ? 0 : 0x02;
	}
	return a;
}

/* A good IP header before anything: other protocols, extension headers, fragments, bad sources. */
void stray_packet(struct world *w)
{
	static const uint8_t protos[8] = {1, 17, 58, 0, 43, 44, 60, 253};
	uint8_t how = fuzz_u8(&w->in), mem[IP6_HDR_LEN + BODY_MAX];
	enum version version = how & 1 ? V6 : V4;
	uint8_t proto = protos[how >> 1 & 7];
	struct weir_addr src = world_peer_addr(version, how >> 4 & 1);
	struct weir_addr dst = pick_dst(version, how >> 5 & 3);
	size_t body_len = fuzz_u8(&w->in), ip_len;

	if (how & 0x80)
		src.bytes[0] = fuzz_u8(&w->in);
	ip_len = put_ip(mem, version, &src, &dst, proto, body_len);
	for (size_t i = 0; i < body_len; i++)
		mem[ip_len + i] = fuzz_u8(&w->in);
	fix_icmp(mem + ip_len, body_len, proto, &src, &dst);
	if (version == V4 && fuzz_u8(&w->in) & 1) { /* a fragment */
		uint16_t frag = fuzz_u16(&w->in), from = 0, field, to;

		be16_put(mem + 6, frag);
		memcpy(&to, mem + 6, 2);
		memcpy(&field, mem + 10, 2);
		field = csum_update(field, from, to);
		memcpy(mem + 10, &field, 2);
	}
	input_copy(w, mem, ip_len + body_len);
}

/* Bytes as they are. */
void stray_raw(struct world *w)
{
	uint8_t mem[256];
	size_t len = fuzz_u8(&w->in);

	for (size_t i = 0; i < len; i++)
		mem[i] = fuzz_u8(&w->in);
	input_copy(w, mem, len);
}
