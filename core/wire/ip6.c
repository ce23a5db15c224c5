/*
 * ip6.c: the IPv6 header and its extension headers.
 *
 * Theory of operation
 *
 * The fixed header is followed by a chain of extension headers, each naming the kind of the next
 * in its first byte. ip6_parse() walks the chain once, in order (RFC8200-04), and says where the
 * upper layer begins and which it is, or why the packet goes no further: then problem_off is the
 * offset that an ICMPv6 parameter problem points at. Whether one is sent is up to core/net.
 *
 *	hop-by-hop (0)   only right behind the fixed header; elsewhere it counts as unknown
 *	destination (60) options; those not known say in their two top bits what to do (4.2)
 *	routing (43)     passed over with no segments left, otherwise refused: weir is an end node
 *	                 and type 0 is forbidden (RFC 5095)
 *	fragment (44)    ends the walk, unless the fragment is the whole packet (RFC8200-05): what
 *	                 follows is a piece, and `proto` names what its packet begins with
 *	none (59)        ends the walk
 *
 * TCP, UDP and ICMPv6 end the walk; any other value is a next header that is not known.
 *
 * The walk never reads beyond payload_len nor beyond the bytes that are there, and passes at most
 * eight headers: nobody sends more in earnest, and each costs work that the sender chooses. Since a
 * header takes at least 8 bytes, it goes forward with each step.
 *
 * In a header quoted in an ICMPv6 error the packet may be cut short, so payload_len only limits
 * the walk where it is less than what is there.
 *
 * State: none. RFC 8200 3 and 4, RFC 6946 (atomic fragments), RFC 4291 2.5 (addresses).
 */
#include "wire/ip6.h"

#include <string.h>

#include "base/be.h"
#include "wire/ip4.h"

#define NEXT_HOP_BY_HOP 0u
#define NEXT_ROUTING    43u
#define NEXT_FRAGMENT   44u
#define NEXT_NONE       59u
#define NEXT_DEST_OPTS  60u

#define OPT_PAD1 0u
#define OPT_PADN 1u

#define EXT_HDRS_MAX 8u
#define EXT_UNIT     8u /* bytes; the least length, and that of a fragment header */

/* Where the walk is. */
struct walk {
	const uint8_t *bytes;
	size_t end;      /* of the packet, from the fixed header's start */
	size_t off;      /* of the header that is looked at */
	size_t next_off; /* of the field that named it */
	uint8_t next;    /* its kind */
};

static enum ip6_result problem(struct ip6_hdr *out, enum ip6_result why, size_t off)
{
	out->problem_off = (uint16_t)off;
	return why;
}

/* Bytes of the extension header at w->off by its own length field; 0: it is cut short. */
static size_t ext_len(const struct walk *w)
{
	size_t len;

	if (w->end - w->off < EXT_UNIT)
		return 0;
	len = EXT_UNIT + w->bytes[w->off + 1] * (size_t)EXT_UNIT;
	return len <= w->end - w->off ? len : 0;
}

static void step(struct walk *w, size_t len)
{
	w->next = w->bytes[w->off];
	w->next_off = w->off;
	w->off += len;
}

/* What the two top bits of an option that is not known ask for (RFC 8200 4.2). */
static enum ip6_result unknown_option(struct ip6_hdr *out, uint8_t kind, size_t off)
{
	switch (kind >> 6) {
	case 0:
		return IP6_OK;
	case 1:
		return problem(out, IP6_UNKNOWN_DROP, off);
	case 2:
		return problem(out, IP6_UNKNOWN_OPT, off);
	default:
		return problem(out, ip6_is_multicast(out->dst) ? IP6_UNKNOWN_DROP : IP6_UNKNOWN_OPT,
			       off);
	}
}

static enum ip6_result walk_options(struct ip6_hdr *out, struct walk *w)
{
	size_t len = ext_len(w);
	size_t off = w->off + 2, end = w->off + len;
	enum ip6_result r;

	if (!len)
		return IP6_MALFORMED;
	while (off < end) {
		const uint8_t *opt = w->bytes + off;

		if (opt[0] == OPT_PAD1) {
			off++;
			continue;
		}
		if (end - off < 2 || opt[1] > end - off - 2)
			return IP6_MALFORMED;
		r = opt[0] == OPT_PADN ? IP6_OK : unknown_option(out, opt[0], off);
		if (r != IP6_OK)
			return r;
		off += 2u + opt[1];
	}
	step(w, len);
	return IP6_OK;
}

static enum ip6_result walk_routing(struct ip6_hdr *out, struct walk *w)
{
	size_t len = ext_len(w);

	if (!len)
		return IP6_MALFORMED;
	if (w->bytes[w->off + 3] != 0) /* segments left; the problem is the type (RFC 8200 4.4) */
		return problem(out, IP6_ROUTED, w->off + 2);
	step(w, len);
	return IP6_OK;
}

static enum ip6_result walk_fragment(struct ip6_hdr *out, struct walk *w)
{
	uint16_t field;

	if (w->end - w->off < EXT_UNIT)
		return IP6_MALFORMED;
	field = be16_get(w->bytes + w->off + 2);
	out->frag_off = field & 0xfff8u;
	out->more_frags = field & 1u;
	out->fragment = out->frag_off || out->more_frags;
	step(w, EXT_UNIT);
	return IP6_OK;
}

static enum ip6_result walk_chain(struct ip6_hdr *out, struct walk *w)
{
	enum ip6_result r = IP6_OK;

	for (unsigned passed = 0; r == IP6_OK; passed++) {
		out->proto = w->next;
		out->upper_off = (uint16_t)w->off;
		if (out->fragment)
			return IP6_OK;
		switch (w->next) {
		case IP_PROTO_TCP:
		case IP_PROTO_UDP:
		case IP_PROTO_ICMP6:
		case NEXT_NONE:
			return IP6_OK;
		}
		if (passed == EXT_HDRS_MAX)
			return IP6_MALFORMED;
		if (w->next == NEXT_DEST_OPTS || (w->next == NEXT_HOP_BY_HOP && passed == 0))
			r = walk_options(out, w);
		else if (w->next == NEXT_ROUTING)
			r = walk_routing(out, w);
		else if (w->next == NEXT_FRAGMENT)
			r = walk_fragment(out, w);
		else
			r = problem(out, IP6_UNKNOWN_NEXT, w->next_off);
	}
	return r;
}

/* The fixed header; -1 if it is not one. */
static int read_fixed(struct ip6_hdr *out, const uint8_t *bytes, size_t len)
{
	uint32_t first;

	if (len < IP6_HDR_LEN || bytes[0] >> 4 != 6)
		return -1;
	memset(out, 0, sizeof(*out));
	first = be32_get(bytes);
	out->tclass = (uint8_t)(first >> 20);
	out->flow_label = first & 0xfffff;
	out->payload_len = be16_get(bytes + 4);
	out->next = bytes[6];
	out->hop_limit = bytes[7];
	memcpy(out->src, bytes + 8, 16);
	memcpy(out->dst, bytes + 24, 16);
	return 0;
}

static enum ip6_result walk_from_fixed(struct ip6_hdr *out, const uint8_t *bytes, size_t end)
{
	struct walk w = {
		.bytes = bytes,
		.end = end,
		.off = IP6_HDR_LEN,
		.next_off = 6,
		.next = out->next,
	};

	return walk_chain(out, &w);
}

enum ip6_result ip6_parse(struct ip6_hdr *out, const uint8_t *bytes, size_t len)
{
	if (read_fixed(out, bytes, len) || out->payload_len > len - IP6_HDR_LEN)
		return IP6_MALFORMED;
	return walk_from_fixed(out, bytes, IP6_HDR_LEN + (size_t)out->payload_len);
}

enum ip6_result ip6_parse_quoted(struct ip6_hdr *out, const uint8_t *bytes, size_t len)
{
	size_t end;

	if (read_fixed(out, bytes, len))
		return IP6_MALFORMED;
	end = IP6_HDR_LEN + (size_t)out->payload_len;
	return walk_from_fixed(out, bytes, end < len ? end : len);
}

void ip6_emit(uint8_t *bytes, const struct ip6_hdr *h)
{
	be32_put(bytes, 6u << 28 | (uint32_t)h->tclass << 20 | (h->flow_label & 0xfffff));
	be16_put(bytes + 4, h->payload_len);
	bytes[6] = h->next;
	bytes[7] = h->hop_limit;
	memcpy(bytes + 8, h->src, 16);
	memcpy(bytes + 24, h->dst, 16);
}

bool ip6_source_ok(const uint8_t a[16])
{
	static const uint8_t zeros[15];
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (ip6_is_multicast(a) || !memcmp(a, mapped, sizeof(mapped)))
		return false;
	return memcmp(a, zeros, sizeof(zeros)) != 0 || a[15] > 1;
}
