#include "net/ip_out.h"

#include <string.h>

#include "wire/ip4.h"
#include "wire/ip6.h"

size_t ip_out_write(uint8_t *bytes, const struct ip_out *o)
{
	if (o->src->family == 4) {
		struct ip4_hdr h = {
			.total_len = (uint16_t)(IP4_HDR_LEN + o->len),
			.id = o->id,
			.tos = o->tos,
			.ttl = o->ttl,
			.proto = o->proto,
			.hdr_len = IP4_HDR_LEN,
			.dont_frag = true,
		};

		memcpy(h.src, o->src->bytes, 4);
		memcpy(h.dst, o->dst->bytes, 4);
		ip4_emit(bytes, &h);
		return IP4_HDR_LEN;
	}
	struct ip6_hdr h = {
		.payload_len = (uint16_t)o->len,
		.tclass = o->tos,
		.hop_limit = o->ttl,
		.next = o->proto,
	};

	memcpy(h.src, o->src->bytes, 16);
	memcpy(h.dst, o->dst->bytes, 16);
	ip6_emit(bytes, &h);
	return IP6_HDR_LEN;
}
