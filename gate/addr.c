/*
 * addr.c: the plan of addresses inside, and the classes of destinations.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Which host of the prefix is whom; 1 is left to whatever a real network has there. */
#define HOST_GATEWAY 2u
#define HOST_ORIGIN  3u
#define ORIGIN_PORT  80u

static unsigned addr_len(const struct weir_addr *a)
{
	return a->family == 4 ? 4 : 16;
}

/* The first address of the prefix that holds `a`. */
static struct weir_addr addr_network(const struct weir_addr *a, unsigned prefix)
{
	struct weir_addr net = *a;
	unsigned bit;

	for (bit = prefix; bit < addr_len(a) * 8; bit++)
		net.bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	return net;
}

static bool addr_equal(const struct weir_addr *a, const struct weir_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, addr_len(a)) == 0;
}

static bool addr_in(const struct weir_addr *a, const struct gate_subnet *net)
{
	struct weir_addr own, other;

	if (a->family != net->program.family)
		return false;
	own = addr_network(&net->program, net->prefix);
	other = addr_network(a, net->prefix);
	return addr_equal(&own, &other);
}

/* RFC 1122 3.2.1.3: all ones in the host part is everybody on the prefix. */
static bool is_broadcast4(const struct weir_addr *a, unsigned prefix)
{
	unsigned bit;

	for (bit = prefix; bit < 32; bit++) {
		if ((a->bytes[bit / 8] & (0x80u >> (bit % 8))) == 0)
			return false;
	}
	return true;
}

/* 0/8 is "this host", which connect(2) takes for loopback; 127/8; 224/4; and all ones. */
static bool is_never4(const uint8_t *b)
{
	return b[0] == 0 || b[0] == 127 || (b[0] >= 224 && b[0] <= 239) ||
	       (b[0] == 255 && b[1] == 255 && b[2] == 255 && b[3] == 255);
}

/* ff00::/8, and all of ::/8: unspecified, loopback, and IPv4 addresses in their IPv6 forms, which
 * are never on a wire (RFC 4291 2.5.5) but which connect(2) would take for 127.0.0.1. */
static bool is_never6(const uint8_t *b)
{
	return b[0] == 0 ? b[1] != 0x64 : b[0] == 0xff;
}

const char *gate_subnet_set(struct gate_subnet *out, const struct weir_addr *program,
			    unsigned prefix)
{
	bool is4 = program->family == 4;
	unsigned last = addr_len(program) - 1;
	struct weir_addr net;

	if (is4 && (prefix < GATE_PREFIX4_MIN || prefix > GATE_PREFIX4_MAX))
		return "needs a prefix from /8 to /29";
	if (!is4 && (prefix < GATE_PREFIX6_MIN || prefix > GATE_PREFIX6_MAX))
		return "needs a prefix from /16 to /124";
	if (is4 ? is_never4(program->bytes) : is_never6(program->bytes))
		return "is not an address that a host can have";
	net = addr_network(program, prefix);
	out->program = *program;
	out->prefix = prefix;
	out->gateway = net;
	out->gateway.bytes[last] |= HOST_GATEWAY;
	out->origin = net;
	out->origin.bytes[last] |= HOST_ORIGIN;
	if (addr_equal(program, &net) || (is4 && is_broadcast4(program, prefix)))
		return "is the address of the network itself or of all its hosts";
	if (addr_equal(program, &out->gateway) || addr_equal(program, &out->origin))
		return "is taken: hosts 2 and 3 of the prefix are weir and weir.test";
	return NULL;
}

enum gate_dest gate_dest_of(const struct gate_net *net, const struct weir_endpoint *dest)
{
	const struct gate_subnet *sub = dest->addr.family == 4 ? &net->v4 : &net->v6;

	if (addr_in(&dest->addr, sub)) {
		if (addr_equal(&dest->addr, &sub->origin) && dest->port == ORIGIN_PORT)
			return GATE_DEST_ORIGIN;
		return GATE_DEST_INSIDE;
	}
	if (dest->addr.family == 4)
		return is_never4(dest->addr.bytes) ? GATE_DEST_NEVER : GATE_DEST_HOST;
	return is_never6(dest->addr.bytes) ? GATE_DEST_NEVER : GATE_DEST_HOST;
}

const char *gate_addr_text(char *out, const struct weir_addr *addr)
{
	if (inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out, GATE_CIDR_TEXT) ==
	    NULL)
		out[0] = '\0';
	return out;
}

const char *gate_cidr_text(char *out, const struct weir_addr *addr, unsigned prefix)
{
	size_t used;

	gate_addr_text(out, addr);
	used = strlen(out);
	snprintf(out + used, GATE_CIDR_TEXT - used, "/%u", prefix);
	return out;
}

socklen_t gate_sockaddr_set(struct sockaddr_storage *out, const struct weir_endpoint *e)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (e->addr.family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(e->port);
		memcpy(&in->sin_addr, e->addr.bytes, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(e->port);
	memcpy(&in6->sin6_addr, e->addr.bytes, 16);
	return sizeof(*in6);
}
