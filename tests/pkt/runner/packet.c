/* Bytes of IPv4, IPv6, TCP, UDP and ICMP, written without any code of the engine's. */
#include "packet.h"

#include <string.h>

static void put16(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static void put32(uint8_t *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b + 2, v);
}

static uint16_t get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)get16(b) << 16 | get16(b + 2);
}

/* RFC 1071 4.1, as it stands there. */
static uint32_t sum(uint32_t s, const uint8_t *b, size_t len)
{
	for (; len > 1; len -= 2, b += 2)
		s += get16(b);
	if (len == 1)
		s += (uint32_t)b[0] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

uint16_t packet_checksum(const uint8_t *bytes, size_t len)
{
	return (uint16_t)~sum(0, bytes, len);
}

static uint32_t sum_pseudo(const struct packet *p, size_t len)
{
	size_t n = p->family == 4 ? 4 : 16;
	uint8_t tail[8] = {0};

	put32(tail, (uint32_t)len);
	tail[7] = p->proto;
	return sum(sum(sum(0, p->src, n), p->dst, n), tail, 8);
}

static size_t write_tcp(const struct packet *p, uint8_t *b)
{
	size_t hdr = 20 + (p->opt_len + 3) / 4 * 4;
	size_t len = hdr + p->payload_len;
	uint32_t c;

	memset(b, 0, hdr);
	put16(b, p->src_port);
	put16(b + 2, p->dst_port);
	put32(b + 4, p->seq);
	put32(b + 8, p->ack);
	b[12] = (uint8_t)((p->doff ? p->doff : hdr / 4) << 4 | p->reserved |
			  (p->flags & FLAG_AE ? 1 : 0));
	b[13] = (uint8_t)p->flags;
	put16(b + 14, p->wnd);
	put16(b + 18, p->urgent);
	memcpy(b + 20, p->opt, p->opt_len);
	if (p->payload_len)
		memcpy(b + hdr, p->payload, p->payload_len);
	c = ~sum(sum_pseudo(p, len), b, len) & 0xffff;
	put16(b + 16, p->hurt & HURT_CHECKSUM ? c ^ 0x0100 : c);
	return len;
}

static size_t write_icmp(const struct packet *p, uint8_t *b)
{
	size_t len = 8 + p->payload_len;
	uint32_t c = p->family == 6 ? sum_pseudo(p, len) : 0;

	b[0] = p->icmp_type;
	b[1] = p->icmp_code;
	put16(b + 2, 0);
	put32(b + 4, p->icmp_rest);
	memcpy(b + 8, p->payload, p->payload_len);
	c = ~sum(c, b, len) & 0xffff;
	put16(b + 2, p->hurt & HURT_CHECKSUM ? c ^ 0x0100 : c);
	return len;
}

static size_t write_udp(const struct packet *p, uint8_t *b)
{
	size_t len = 8 + p->payload_len;
	uint32_t c;

	put16(b, p->src_port);
	put16(b + 2, p->dst_port);
	put16(b + 4, (uint32_t)len);
	put16(b + 6, 0);
	memcpy(b + 8, p->payload, p->payload_len);
	c = ~sum(sum_pseudo(p, len), b, len) & 0xffff;
	put16(b + 6, c ? c : 0xffff);
	return len;
}

/* What the protocol number says; TCP for a number that is none. */
static size_t write_upper(const struct packet *p, uint8_t *b)
{
	switch (p->proto) {
	case PACKET_ICMP:
	case PACKET_ICMP6:
		return write_icmp(p, b);
	case PACKET_UDP:
		return write_udp(p, b);
	default:
		return write_tcp(p, b);
	}
}

static void write_ip4(const struct packet *p, uint8_t *b, size_t hdr, size_t len)
{
	uint32_t c;

	memset(b, 0, hdr);
	b[0] = (uint8_t)(0x40 | hdr / 4);
	b[1] = p->tos;
	put16(b + 2, (uint32_t)(hdr + len));
	put16(b + 6, p->df ? 0x4000 : 0);
	b[8] = p->ttl;
	b[9] = p->proto;
	memcpy(b + 12, p->src, 4);
	memcpy(b + 16, p->dst, 4);
	memcpy(b + 20, p->ip_opt, p->ip_opt_len);
	c = ~sum(0, b, hdr) & 0xffff;
	put16(b + 10, p->hurt & HURT_IP_CHECKSUM ? c ^ 0x0100 : c);
}

size_t packet_write(const struct packet *p, uint8_t *b)
{
	size_t hdr = p->family == 4 ? 20 + p->ip_opt_len : 40;
	size_t len = write_upper(p, b + hdr);

	if (p->family == 4) {
		write_ip4(p, b, hdr, len);
		return hdr + len;
	}
	put32(b, 0x60000000u | (uint32_t)p->tos << 20);
	put16(b + 4, (uint32_t)len);
	b[6] = p->proto;
	b[7] = p->ttl;
	memcpy(b + 8, p->src, 16);
	memcpy(b + 24, p->dst, 16);
	return hdr + len;
}

static const char *read_tcp(struct packet *p, const uint8_t *b, size_t len)
{
	size_t hdr;

	if (len < 20)
		return "TCP header is cut short";
	hdr = (size_t)(b[12] >> 4) * 4;
	if (hdr < 20 || hdr > len)
		return "TCP data offset is wrong";
	if (sum(sum_pseudo(p, len), b, len) != 0xffff)
		return "TCP checksum is wrong (RFC9293-MUST-2)";
	p->src_port = get16(b);
	p->dst_port = get16(b + 2);
	p->seq = get32(b + 4);
	p->ack = get32(b + 8);
	p->reserved = b[12] & 14;
	p->doff = b[12] >> 4;
	p->flags = (uint16_t)(b[13] | (b[12] & 1 ? FLAG_AE : 0));
	p->wnd = get16(b + 14);
	p->urgent = get16(b + 18);
	p->opt_len = hdr - 20;
	memcpy(p->opt, b + 20, hdr - 20);
	p->payload = b + hdr;
	p->payload_len = len - hdr;
	return p->reserved ? "reserved bits are set" : NULL;
}

static const char *read_icmp(struct packet *p, const uint8_t *b, size_t len)
{
	if (len < 8)
		return "ICMP header is cut short";
	if (sum(p->family == 6 ? sum_pseudo(p, len) : 0, b, len) != 0xffff)
		return "ICMP checksum is wrong";
	p->icmp_type = b[0];
	p->icmp_code = b[1];
	p->icmp_rest = get32(b + 4);
	p->payload = b + 8;
	p->payload_len = len - 8;
	return NULL;
}

static const char *read_ip4(struct packet *p, const uint8_t *b, size_t len)
{
	if (len < 20 || b[0] != 0x45)
		return "IPv4 header is malformed";
	if (get16(b + 2) != len)
		return "IPv4 total length is wrong";
	if (sum(0, b, 20) != 0xffff)
		return "IPv4 header checksum is wrong";
	if (get16(b + 6) & 0x3fff)
		return "a fragment";
	p->family = 4;
	p->tos = b[1];
	p->df = (b[6] & 0x40) != 0;
	p->ttl = b[8];
	p->proto = b[9];
	memcpy(p->src, b + 12, 4);
	memcpy(p->dst, b + 16, 4);
	return NULL;
}

static const char *read_ip6(struct packet *p, const uint8_t *b, size_t len)
{
	if (len < 40 || b[0] >> 4 != 6)
		return "IPv6 header is malformed";
	if (get16(b + 4) + 40u != len)
		return "IPv6 payload length is wrong";
	p->family = 6;
	p->tos = (uint8_t)(get16(b) >> 4);
	p->df = true;
	p->proto = b[6];
	p->ttl = b[7];
	memcpy(p->src, b + 8, 16);
	memcpy(p->dst, b + 24, 16);
	return NULL;
}

const char *packet_read(struct packet *p, const uint8_t *b, size_t len)
{
	const char *bad;
	size_t hdr;

	memset(p, 0, sizeof(*p));
	if (len == 0)
		return "an empty packet";
	bad = b[0] >> 4 == 4 ? read_ip4(p, b, len) : read_ip6(p, b, len);
	if (bad)
		return bad;
	hdr = p->family == 4 ? 20 : 40;
	if (p->proto == PACKET_TCP)
		return read_tcp(p, b + hdr, len - hdr);
	if (p->proto == (p->family == 4 ? PACKET_ICMP : PACKET_ICMP6))
		return read_icmp(p, b + hdr, len - hdr);
	return "neither TCP nor ICMP";
}
