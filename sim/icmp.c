#include "sim/icmp.h"

#include <string.h>

#include "base/be.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

static const struct {
	uint8_t type4, code4, type6, code6;
} rows[] = {
	[SIM_ICMP_NET] = {ICMP_UNREACH, ICMP_UNREACH_NET, ICMP6_UNREACH, ICMP6_UNREACH_NOROUTE},
	[SIM_ICMP_HOST] = {ICMP_UNREACH, ICMP_UNREACH_HOST, ICMP6_UNREACH, ICMP6_UNREACH_ADDR},
	[SIM_ICMP_TIME] = {ICMP_TIME_EXCEEDED, 0, ICMP6_TIME_EXCEEDED, 0},
	[SIM_ICMP_PARAM] = {ICMP_PARAM_PROBLEM, 0, ICMP6_PARAM_PROBLEM, 0},
	[SIM_ICMP_PROTO] = {ICMP_UNREACH, ICMP_UNREACH_PROTO, ICMP6_PARAM_PROBLEM, 1},
	[SIM_ICMP_PORT] = {ICMP_UNREACH, ICMP_UNREACH_PORT, ICMP6_UNREACH, ICMP6_UNREACH_PORT},
	[SIM_ICMP_ADMIN] = {ICMP_UNREACH, ICMP_UNREACH_ADMIN, ICMP6_UNREACH, ICMP6_UNREACH_ADMIN},
	[SIM_ICMP_TOO_BIG] = {ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG, ICMP6_TOO_BIG, 0},
};

static void source_of(const struct sim_packet *pk, enum sim_icmp_from from, uint8_t out[16])
{
	static const uint8_t router4[4] = {10, 255, 0, 1};
	static const uint8_t router6[16] = {0xfd, 0xff, [15] = 1};

	switch (from) {
	case SIM_ICMP_FROM_ROUTER:
		memcpy(out, pk->src.addr.family == 4 ? router4 : router6,
		       pk->src.addr.family == 4 ? 4 : 16);
		break;
	case SIM_ICMP_FROM_END:
		memcpy(out, pk->dst.addr.bytes, 16);
		break;
	}
}

struct sim_frame *sim_icmp_make(const struct sim_frame *quoted, const struct sim_packet *pk,
				enum sim_icmp_kind kind, uint32_t mtu, enum sim_icmp_from from)
{
	bool v4 = pk->src.addr.family == 4;
	size_t ip_len = v4 ? IP4_HDR_LEN : IP6_HDR_LEN;
	size_t quote = (size_t)pk->l4_start + pk->tcp.hdr_len;
	struct sim_frame *f = sim_frame_new(ip_len + ICMP_HDR_LEN + quote);
	struct icmp_msg m = {.type = v4 ? rows[kind].type4 : rows[kind].type6,
			     .code = v4 ? rows[kind].code4 : rows[kind].code6,
			     .rest = kind == SIM_ICMP_TOO_BIG ? mtu : 0,
			     .body = quoted->bytes,
			     .body_len = quote};
	const uint8_t *dst = pk->src.addr.bytes;
	uint8_t src[16];

	source_of(pk, from, src);
	if (v4) {
		struct ip4_hdr h = {.total_len = (uint16_t)f->len,
				    .hdr_len = 20,
				    .ttl = 60,
				    .proto = IP_PROTO_ICMP};

		memcpy(h.src, src, 4);
		memcpy(h.dst, dst, 4);
		ip4_emit(f->bytes, &h);
		icmp4_emit(f->bytes + ip_len, &m);
	} else {
		struct ip6_hdr h = {.payload_len = (uint16_t)(f->len - ip_len),
				    .hop_limit = 60,
				    .next = IP_PROTO_ICMP6};

		memcpy(h.src, src, 16);
		memcpy(h.dst, dst, 16);
		ip6_emit(f->bytes, &h);
		icmp6_emit(f->bytes + ip_len, &m, src, dst);
	}
	return f;
}

static bool quoted4(const uint8_t *bytes, size_t len, struct weir_endpoint *src,
		    struct weir_endpoint *dst, size_t *l4)
{
	struct ip4_hdr h;

	if (ip4_parse_quoted(&h, bytes, len) != 0 || h.proto != IP_PROTO_TCP)
		return false;
	memcpy(src->addr.bytes, h.src, 4);
	memcpy(dst->addr.bytes, h.dst, 4);
	*l4 = h.hdr_len;
	return true;
}

static bool quoted6(const uint8_t *bytes, size_t len, struct weir_endpoint *src,
		    struct weir_endpoint *dst, size_t *l4)
{
	struct ip6_hdr h;

	if (ip6_parse_quoted(&h, bytes, len) != IP6_OK || h.proto != IP_PROTO_TCP)
		return false;
	memcpy(src->addr.bytes, h.src, 16);
	memcpy(dst->addr.bytes, h.dst, 16);
	*l4 = h.upper_off;
	return true;
}

bool sim_icmp_quoted(const struct sim_packet *pk, struct weir_endpoint *src,
		     struct weir_endpoint *dst)
{
	const uint8_t *quote = pk->l4 + ICMP_HDR_LEN;
	size_t len = pk->l4_len - ICMP_HDR_LEN, l4;
	bool v4 = pk->src.addr.family == 4;

	memset(src, 0, sizeof(*src));
	memset(dst, 0, sizeof(*dst));
	src->addr.family = dst->addr.family = pk->src.addr.family;
	if ((pk->proto != IP_PROTO_ICMP && pk->proto != IP_PROTO_ICMP6) ||
	    pk->l4_len < ICMP_HDR_LEN)
		return false;
	if (v4 ? !quoted4(quote, len, src, dst, &l4) : !quoted6(quote, len, src, dst, &l4))
		return false;
	if (l4 + 4 > len)
		return false;
	src->port = be16_get(quote + l4);
	dst->port = be16_get(quote + l4 + 2);
	return true;
}
