#include "net/ip_in.h"

#include "base/be.h"
#include "wire/ip6.h"

/* For a packet that is zeros yet. */
static void addrs(struct ip_packet *p, uint8_t family, const uint8_t *src, const uint8_t *dst)
{
	size_t n = family == 4 ? 4 : 16;

	p->src.family = p->dst.family = family;
	memcpy(p->src.bytes, src, n);
	memcpy(p->dst.bytes, dst, n);
}

static enum weir_counter problem(struct ip_packet *p, const struct ip6_hdr *h, uint8_t code)
{
	p->problem_code = code;
	p->problem_off = h->problem_off;
	return WEIR_CTR_IP6_HEADER;
}

static enum weir_counter in6(struct ip_packet *p, const uint8_t *bytes, size_t len)
{
	struct ip6_hdr h;
	enum ip6_result r = ip6_parse(&h, bytes, len);

	if (r == IP6_MALFORMED)
		return WEIR_CTR_IP_MALFORMED;
	addrs(p, 6, h.src, h.dst);
	p->head_len = IP6_HDR_LEN + (size_t)h.payload_len;
	p->tos = h.tclass;
	if (!ip6_source_ok(h.src))
		return WEIR_CTR_IP_BAD_SOURCE;
	switch (r) {
	case IP6_OK:
		break;
	case IP6_ROUTED:
		return problem(p, &h, 0);
	case IP6_UNKNOWN_NEXT:
		return problem(p, &h, 1);
	case IP6_UNKNOWN_OPT:
		return problem(p, &h, 2);
	case IP6_UNKNOWN_DROP:
	case IP6_MALFORMED:
		return WEIR_CTR_IP6_HEADER;
	}
	p->payload = bytes + h.upper_off;
	p->len = p->head_len - h.upper_off;
	p->proto = h.proto;
	if (!h.fragment)
		return WEIR_CTR_ACCEPTED;
	p->frag_id = be32_get(p->payload - 4); /* the walk ended behind the fragment header */
	p->frag_off = h.frag_off;
	p->more_frags = h.more_frags;
	return WEIR_CTR_IP_FRAGMENT;
}

static enum weir_counter in4(struct ip_packet *p, const uint8_t *bytes, size_t len)
{
	struct ip4_hdr h;

	return ip4_parse(&h, bytes, len) ? WEIR_CTR_IP_MALFORMED : ip_in4_take(p, &h, bytes);
}

enum weir_counter ip_in_any(struct ip_packet *out, const uint8_t *bytes, size_t len)
{
	*out = (struct ip_packet){.head = bytes, .head_len = len};
	if (len == 0)
		return WEIR_CTR_IP_MALFORMED;
	switch (bytes[0] >> 4) {
	case 4:
		return in4(out, bytes, len);
	case 6:
		return in6(out, bytes, len);
	}
	return WEIR_CTR_IP_MALFORMED;
}

int ip_in_quoted(struct ip_packet *out, uint8_t family, const uint8_t *bytes, size_t len)
{
	struct ip4_hdr h4;
	struct ip6_hdr h6;
	size_t off;

	*out = (struct ip_packet){.head = bytes, .head_len = len};
	if (family == 4) {
		if (ip4_parse_quoted(&h4, bytes, len) || h4.frag_off)
			return -1;
		addrs(out, 4, h4.src, h4.dst);
		off = h4.hdr_len;
		out->proto = h4.proto;
	} else {
		if (ip6_parse_quoted(&h6, bytes, len) != IP6_OK)
			return -1;
		addrs(out, 6, h6.src, h6.dst);
		off = h6.upper_off;
		out->proto = h6.proto;
	}
	if (off > len)
		return -1;
	out->payload = bytes + off;
	out->len = len - off;
	return 0;
}
