#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "pd.h"

#define PREFIX4 16u /* packetdrill's networks */
#define PREFIX6 48u

static void set4(struct weir_endpoint *out, const void *bytes)
{
	static const uint8_t any[4];

	if (memcmp(bytes, any, 4) == 0)
		return;
	out->addr.family = 4;
	memcpy(out->addr.bytes, bytes, 4);
}

int pd_addr_in(int domain, const struct sockaddr *addr, socklen_t len, struct weir_endpoint *out)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	*out = (struct weir_endpoint){0};
	if (len < (socklen_t)sizeof(in))
		return EINVAL;
	if (addr->sa_family == AF_INET && domain == AF_INET) {
		memcpy(&in, addr, sizeof(in));
		out->port = ntohs(in.sin_port);
		set4(out, &in.sin_addr);
		return 0;
	}
	if (addr->sa_family != AF_INET6 || domain != AF_INET6)
		return EAFNOSUPPORT;
	if (len < (socklen_t)sizeof(in6))
		return EINVAL;
	memcpy(&in6, addr, sizeof(in6));
	out->port = ntohs(in6.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		set4(out, in6.sin6_addr.s6_addr + 12);
	} else if (!IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr)) {
		out->addr.family = 6;
		memcpy(out->addr.bytes, &in6.sin6_addr, 16);
	}
	return 0;
}

static void fill6(const struct weir_endpoint *e, struct sockaddr_in6 *in6)
{
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(e->port);
	if (e->addr.family == 4) {
		in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(in6->sin6_addr.s6_addr + 12, e->addr.bytes, 4);
	} else {
		memcpy(&in6->sin6_addr, e->addr.bytes, 16);
	}
}

void pd_addr_out(int domain, const struct weir_endpoint *e, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in6 in6 = {0};
	struct sockaddr_in in = {0};
	const void *from = &in;
	socklen_t size = sizeof(in);

	if (addr == NULL || len == NULL)
		return;
	if (domain == AF_INET) {
		in.sin_family = AF_INET;
		in.sin_port = htons(e->port);
		memcpy(&in.sin_addr, e->addr.bytes, 4);
	} else {
		fill6(e, &in6);
		from = &in6;
		size = sizeof(in6);
	}
	memcpy(addr, from, *len < size ? *len : size);
	*len = size;
}

void pd_addr_add(struct pd *pd, const struct weir_addr *a)
{
	enum weir_err e;

	if (a->family == 0)
		return;
	e = weir_addr_add(pd->stack, a, a->family == 4 ? PREFIX4 : PREFIX6);
	if (e != WEIR_OK && e != WEIR_EXISTS)
		return; /* not an address that a host can have: calls that need it will say so */
	if (a->family == 4)
		pd->have_v4 = true;
	else
		pd->have_v6 = true;
}

static struct weir_addr parse(int family, const char *text)
{
	struct weir_addr a = {.family = family == AF_INET ? 4 : 6};

	inet_pton(family, text, a.bytes);
	return a;
}

void pd_addr_default(struct pd *pd, const struct weir_addr *peer)
{
	struct weir_addr a;

	if (peer->family == 4 && !pd->have_v4) {
		a = pd->flags.local4.family ? pd->flags.local4 : parse(AF_INET, "192.168.0.1");
	} else if (peer->family == 6 && !pd->have_v6) {
		a = pd->flags.local6.family ? pd->flags.local6
					    : parse(AF_INET6, "fd3d:fa7b:d17d::1");
		/* some runners give the peer what is our address by default */
		if (memcmp(a.bytes, peer->bytes, 16) == 0)
			a = parse(AF_INET6, "fd3d:a0b:17d6::1");
	} else {
		return;
	}
	pd_addr_add(pd, &a);
}
