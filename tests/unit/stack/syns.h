/*
 * syns.h: SYNs as they may come: of known stacks, of none, and broken.
 */
#ifndef WEIR_TESTS_STACK_SYNS_H
#define WEIR_TESTS_STACK_SYNS_H

#include "fixture.h"

#define SYNS_PACKET_MAX 128u

struct syns {
	uint64_t random;
	uint8_t family; /* 4 or 6 */
	bool partial;   /* checksums are left to the device */
};

static inline size_t syns_ip_len(const struct syns *g)
{
	return g->family == 4 ? 20 : 40;
}

/* xorshift64*: the same numbers in each run. */
static inline uint32_t syns_random(struct syns *g, uint32_t below)
{
	g->random ^= g->random >> 12;
	g->random ^= g->random << 25;
	g->random ^= g->random >> 27;
	return (uint32_t)(g->random * 0x2545f4914f6cdd1du >> 32) % below;
}

/* Some option, mostly well formed; its length. */
static inline size_t syns_option(struct syns *g, uint8_t *at, size_t room)
{
	static const struct {
		uint8_t kind, len;
	} known[] = {{2, 4}, {3, 3}, {4, 2}, {8, 10}, {5, 10}, {5, 18}, {30, 12}, {254, 4}, {1, 1}};
	unsigned i = syns_random(g, LENGTH(known));
	size_t len = known[i].len;

	if (len > room) {
		at[0] = 1;
		return 1;
	}
	for (size_t k = 0; k < len; k++)
		at[k] = (uint8_t)syns_random(g, 256);
	at[0] = known[i].kind;
	if (len > 1)
		at[1] = (uint8_t)len;
	if (len > 1 && syns_random(g, 64) == 0)
		at[1] = (uint8_t)syns_random(g, 44); /* a wrong length */
	if (syns_random(g, 64) == 0)
		at[0] = 0; /* an end of list */
	return len;
}

/* Those of Linux and of FreeBSD, or any. The length, a multiple of 4. */
static inline size_t syns_options(struct syns *g, uint8_t *at)
{
	static const uint8_t linux_syn[20] = {2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
					      3, 4, 0, 0,   0, 0, 1, 3,  3, 7};
	static const uint8_t bsd_syn[20] = {2, 4,  5, 180, 1, 3, 3, 6, 4, 2,
					    8, 10, 1, 2,   3, 4, 0, 0, 0, 0};
	size_t len = 4 * syns_random(g, 11), n = 0;

	switch (syns_random(g, 6)) {
	case 0:
		memcpy(at, linux_syn, sizeof(linux_syn));
		return sizeof(linux_syn);
	case 1:
		memcpy(at, bsd_syn, sizeof(bsd_syn));
		return sizeof(bsd_syn);
	}
	while (n < len)
		n += syns_option(g, at + n, len - n);
	return len;
}

static inline void syns_sum(const struct syns *g, uint8_t *p, size_t len)
{
	size_t ip = syns_ip_len(g), addr = g->family == 4 ? 4 : 16;
	const uint8_t *src = p + (g->family == 4 ? 12 : 8);
	uint64_t sum =
		csum_add_pseudo(0, src, src + addr, addr, (uint32_t)(len - ip), IP_PROTO_TCP);
	uint16_t field = 0;

	memcpy(p + ip + TCP_CSUM_OFFSET, &field, 2);
	field = g->partial ? csum_fold(sum) : csum_finish(csum_add(sum, p + ip, len - ip));
	memcpy(p + ip + TCP_CSUM_OFFSET, &field, 2);
	if (g->family != 4)
		return;
	field = 0;
	memcpy(p + 10, &field, 2);
	field = csum_finish(csum_add20(0, p));
	memcpy(p + 10, &field, 2);
}

/* ... of the IPv4 header. */
static inline void syns_break4(struct syns *g, uint8_t *p, size_t len)
{
	switch (syns_random(g, 7)) {
	case 0:
		be16_put(p + 6, (uint16_t)(syns_random(g, 2) ? IP4_FLAG_MF : 5));
		break;
	case 1:
		p[19]++; /* another destination */
		break;
	case 2:
		p[12] = (uint8_t)(syns_random(g, 2) ? 127 : 224 + syns_random(g, 32));
		break;
	case 3:
		memcpy(p + 12, "\x0a\x00\x00\xff", 4); /* our broadcast address */
		break;
	case 4:
		p[0] = (uint8_t)(syns_random(g, 2) ? 0x46 : 0x65);
		break;
	case 5:
		p[9] = IP_PROTO_UDP;
		break;
	default:
		be16_put(p + 2, (uint16_t)(len - 1));
	}
}

/* ... of IPv6's. */
static inline void syns_break6(struct syns *g, uint8_t *p, size_t len)
{
	static const uint8_t sources[][16] = {{0},
					      {[15] = 1},
					      {[15] = 2},
					      {0xff, 2},
					      {[10] = 0xff, 0xff, 1, 2, 3, 4},
					      {[8] = 1},
					      {[12] = 1, 2, 3, 4}};
	static const uint8_t nexts[] = {0, 44, 60, IP_PROTO_UDP};

	switch (syns_random(g, 5)) {
	case 0:
		p[39]++; /* another destination */
		break;
	case 1:
		memcpy(p + 8, sources[syns_random(g, LENGTH(sources))], 16);
		break;
	case 2:
		p[0] = (uint8_t)(syns_random(g, 2) ? 0x45 : 0x70);
		break;
	case 3:
		p[6] = nexts[syns_random(g, LENGTH(nexts))];
		break;
	default:
		be16_put(p + 4, (uint16_t)(len - 40 - 1));
	}
}

/* Breaks one thing. */
static inline void syns_break(struct syns *g, uint8_t *p, size_t len)
{
	static const uint8_t flags[] = {TCP_SYN | TCP_ACK, TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST,
					TCP_ACK,           TCP_RST,           0,
					TCP_SYN | TCP_PSH, TCP_SYN | TCP_URG};

	uint8_t *tcp = p + syns_ip_len(g);

	switch (syns_random(g, 10)) {
	case 0:
		p[syns_random(g, (uint32_t)len)] ^= (uint8_t)(1u << syns_random(g, 8));
		return; /* and its sums are wrong */
	case 1:
		tcp[13] = flags[syns_random(g, LENGTH(flags))];
		break;
	case 2:
		be16_put(tcp + 2, PORT + 1);
		break;
	case 3:
		tcp[12] = (uint8_t)(syns_random(g, 16) << 4);
		break;
	case 4:
		tcp[13] |= TCP_ECE | TCP_CWR;
		break;
	default:
		if (g->family == 4)
			syns_break4(g, p, len);
		else
			syns_break6(g, p, len);
	}
	syns_sum(g, p, len);
}

/* The next one to our PORT; `p` has SYNS_PACKET_MAX bytes. Its length. */
static inline size_t syns_next(struct syns *g, uint8_t *p)
{
	struct weir_tuple t = stk_peer(g->family, (uint8_t)(2 + syns_random(g, 250)), 0);
	size_t ip = syns_ip_len(g), options, len;
	uint8_t *tcp = p + ip;

	memset(p, 0, SYNS_PACKET_MAX);
	options = syns_options(g, tcp + 20);
	len = ip + 20 + options + (syns_random(g, 4) ? 0 : syns_random(g, 20));
	for (size_t i = ip + 20 + options; i < len; i++)
		p[i] = (uint8_t)syns_random(g, 256);
	t.remote.addr.bytes[1] = (uint8_t)syns_random(g, 256);
	stk_ip(p, &t.remote.addr, &t.local.addr, IP_PROTO_TCP, len - ip);
	p[1] = (uint8_t)(g->family == 4 ? syns_random(g, 256) : syns_random(g, 4) << 4);
	be16_put(tcp, (uint16_t)(1 + syns_random(g, 65535)));
	be16_put(tcp + 2, PORT);
	be32_put(tcp + 4, syns_random(g, UINT32_MAX));
	tcp[12] = (uint8_t)((5 + options / 4) << 4);
	tcp[13] = TCP_SYN | (syns_random(g, 4) ? 0 : TCP_ECE | TCP_CWR);
	if (syns_random(g, 4) == 0) {
		tcp[12] |= TCP_AE;
		tcp[13] ^= (uint8_t)(syns_random(g, 4) << 6); /* mostly CWR and ECE, too; or any */
	}
	be16_put(tcp + 14, (uint16_t)syns_random(g, 65536));
	syns_sum(g, p, len);
	if (syns_random(g, 5) == 0)
		syns_break(g, p, len);
	return len;
}

#endif
