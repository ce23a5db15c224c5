/*
 * frame.c: packets in the simulator. Reading uses the engine's codecs, which have tests of their
 * own, and looks at every packet whole: the checksum is computed here again.
 */
#include "sim/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/be.h"
#include "wire/checksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

void *sim_alloc(size_t count, size_t size)
{
	void *p = calloc(count == 0 ? 1 : count, size);

	weir_assert(p != NULL);
	return p;
}

struct sim_frame *sim_frame_new(size_t len)
{
	struct sim_frame *f = sim_alloc(1, sizeof(*f) + len);

	f->len = (uint32_t)len;
	return f;
}

struct sim_frame *sim_frame_copy(const struct sim_frame *f)
{
	struct sim_frame *copy = sim_frame_new(f->len);

	copy->gso_size = f->gso_size;
	copy->life = f->life;
	memcpy(copy->bytes, f->bytes, f->len);
	return copy;
}

void sim_frame_free(struct sim_frame *f)
{
	free(f);
}

bool sim_addr_equal(const struct weir_addr *a, const struct weir_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

bool sim_endpoint_equal(const struct weir_endpoint *a, const struct weir_endpoint *b)
{
	return a->port == b->port && sim_addr_equal(&a->addr, &b->addr);
}

static enum sim_packet_kind bad(struct sim_packet *out, const char *fault)
{
	out->fault = fault;
	return out->kind = SIM_PACKET_BAD;
}

static const char *read_ip4(struct sim_packet *out, const struct sim_frame *f)
{
	struct ip4_hdr h;

	if (ip4_parse(&h, f->bytes, f->len) != 0)
		return "IPv4 header malformed or its checksum wrong";
	if (h.total_len != f->len)
		return "IPv4 total length is not the frame's";
	if (h.more_frags || h.frag_off != 0)
		return "IPv4 fragment";
	out->src.addr.family = out->dst.addr.family = 4;
	memcpy(out->src.addr.bytes, h.src, 4);
	memcpy(out->dst.addr.bytes, h.dst, 4);
	out->l4_start = h.hdr_len;
	out->proto = h.proto;
	out->hop_limit = h.ttl;
	return NULL;
}

static const char *read_ip6(struct sim_packet *out, const struct sim_frame *f)
{
	struct ip6_hdr h;

	if (ip6_parse(&h, f->bytes, f->len) != IP6_OK)
		return "IPv6 header malformed";
	if (IP6_HDR_LEN + h.payload_len != f->len)
		return "IPv6 payload length is not the frame's";
	if (h.fragment)
		return "IPv6 fragment";
	out->src.addr.family = out->dst.addr.family = 6;
	memcpy(out->src.addr.bytes, h.src, 16);
	memcpy(out->dst.addr.bytes, h.dst, 16);
	out->l4_start = h.upper_off;
	out->proto = h.proto;
	out->hop_limit = h.hop_limit;
	return NULL;
}

static uint64_t pseudo_sum(const struct sim_packet *p)
{
	size_t addr_len = p->src.addr.family == 4 ? 4 : 16;

	return csum_add_pseudo(0, p->src.addr.bytes, p->dst.addr.bytes, addr_len, p->l4_len,
			       p->proto);
}

enum sim_packet_kind sim_packet_read(struct sim_packet *out, const struct sim_frame *f)
{
	const char *fault;

	memset(out, 0, sizeof(*out));
	if (f->len == 0)
		return bad(out, "empty frame");
	fault = f->bytes[0] >> 4 == 4 ? read_ip4(out, f) : read_ip6(out, f);
	if (fault != NULL)
		return bad(out, fault);
	out->l4 = f->bytes + out->l4_start;
	out->l4_len = (uint16_t)(f->len - out->l4_start);
	if (out->proto != IP_PROTO_TCP)
		return out->kind = SIM_PACKET_OTHER;
	if (!csum_good(csum_add(pseudo_sum(out), f->bytes + out->l4_start, out->l4_len)))
		return bad(out, "TCP checksum wrong");
	if (tcp_parse(&out->tcp, f->bytes + out->l4_start, out->l4_len) != 0)
		return bad(out, "TCP header or options malformed");
	out->src.port = out->tcp.src_port;
	out->dst.port = out->tcp.dst_port;
	return out->kind = SIM_PACKET_TCP;
}

void sim_frame_sum_ip4(struct sim_frame *f)
{
	uint16_t field;

	be16_put(f->bytes + 10, 0);
	field = csum_finish(csum_add(0, f->bytes, (f->bytes[0] & 15u) * 4u));
	memcpy(f->bytes + 10, &field, 2);
}

void sim_frame_sum(struct sim_frame *f, size_t l4_start)
{
	bool v4 = f->bytes[0] >> 4 == 4;
	uint8_t *l4 = f->bytes + l4_start;
	uint32_t l4_len = (uint32_t)(f->len - l4_start);
	uint64_t sum;
	uint16_t field;

	if (v4) {
		sim_frame_sum_ip4(f);
		sum = csum_add_pseudo(0, f->bytes + 12, f->bytes + 16, 4, l4_len, IP_PROTO_TCP);
	} else {
		sum = csum_add_pseudo(0, f->bytes + 8, f->bytes + 24, 16, l4_len, IP_PROTO_TCP);
	}
	be16_put(l4 + TCP_CSUM_OFFSET, 0);
	field = csum_finish(csum_add(sum, l4, l4_len));
	memcpy(l4 + TCP_CSUM_OFFSET, &field, 2);
}
