#include "sink/pktview.h"

#include <string.h>

/* Extension headers that are walked over; more of them end the reading. */
#define EXTENSIONS_MAX 8

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool read_ip4(struct pktview *v, const uint8_t *p, size_t len)
{
	size_t ihl = (p[0] & 0x0fu) * 4u;

	if (len < 20 || ihl < 20)
		return false;
	v->src.family = v->dst.family = 4;
	memcpy(v->src.bytes, p + 12, 4);
	memcpy(v->dst.bytes, p + 16, 4);
	v->protocol = p[9];
	v->fragment = (be16(p + 6) & 0x1fff) != 0;
	v->l4 = ihl < len ? ihl : len;
	return !v->fragment;
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 60 || next == 51;
}

static bool read_ip6(struct pktview *v, const uint8_t *p, size_t len)
{
	uint8_t next;

	if (len < 40)
		return false;
	v->src.family = v->dst.family = 6;
	memcpy(v->src.bytes, p + 8, 16);
	memcpy(v->dst.bytes, p + 24, 16);
	next = p[6];
	v->l4 = 40;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(next); i++) {
		const uint8_t *x = p + v->l4;
		size_t n;

		if (len < v->l4 + 8)
			return false;
		if (next == 44)
			v->fragment = (be16(x + 2) & 0xfff8) != 0;
		n = next == 44 ? 8 : next == 51 ? (x[1] + 2u) * 4 : (x[1] + 1u) * 8;
		next = x[0];
		if (len < v->l4 + n)
			return false;
		v->l4 += n;
	}
	v->protocol = next;
	return !v->fragment;
}

/* An ICMP error quotes the packet that it is about: its IP header and the first 8 bytes. */
static size_t icmp_head_bytes(const struct pktview *v)
{
	bool error4 = v->protocol == PKTVIEW_ICMP &&
		      (v->icmp_type == 3 || v->icmp_type == 11 || v->icmp_type == 12);
	bool error6 = v->protocol == PKTVIEW_ICMP6 && v->icmp_type < 128;

	return error4 ? 8 + 20 + 8 : error6 ? 8 + 40 + 8 : 8;
}

static size_t upper_head_bytes(struct pktview *v, const uint8_t *x, size_t left)
{
	switch (v->protocol) {
	case PKTVIEW_TCP:
		if (left < 20)
			return left;
		v->src_port = be16(x);
		v->dst_port = be16(x + 2);
		return (x[12] >> 4) * 4u < 20 ? 20 : (x[12] >> 4) * 4u;
	case PKTVIEW_UDP:
		if (left < 8)
			return left;
		v->src_port = be16(x);
		v->dst_port = be16(x + 2);
		return 8;
	case PKTVIEW_ICMP:
	case PKTVIEW_ICMP6:
		if (left < 4)
			return left;
		v->icmp_type = x[0];
		v->icmp_code = x[1];
		return icmp_head_bytes(v);
	default:
		return 0;
	}
}

void pktview_read(struct pktview *v, const uint8_t *p, size_t len)
{
	bool whole = false;

	memset(v, 0, sizeof(*v));
	if (len > 0 && p[0] >> 4 == 4)
		whole = read_ip4(v, p, len);
	else if (len > 0 && p[0] >> 4 == 6)
		whole = read_ip6(v, p, len);
	v->head_len = v->l4;
	if (v->src.family == 0)
		v->head_len = len < 40 ? len : 40;
	else if (whole)
		v->head_len += upper_head_bytes(v, p + v->l4, len - v->l4);
	if (v->head_len > len)
		v->head_len = len;
}
