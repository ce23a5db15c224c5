#include "net/netif.h"

#include <string.h>

static bool is_zero(const struct weir_addr *a)
{
	for (size_t i = 0; i < netif_addr_len(a->family); i++)
		if (a->bytes[i])
			return false;
	return true;
}

/* RFC 3021: a prefix of 31 bits has none. */
static uint32_t broadcast_of(const struct weir_addr *a, unsigned prefix)
{
	if (a->family != 4 || prefix >= 31)
		return NETIF_BROADCAST;
	return be32_get(a->bytes) | NETIF_BROADCAST >> prefix;
}

enum weir_err netif_add(struct netif *n, const struct weir_addr *addr, unsigned prefix)
{
	if ((addr->family != 4 && addr->family != 6) || prefix > 8 * netif_addr_len(addr->family) ||
	    is_zero(addr) || netif_is_group(n, addr))
		return WEIR_BAD_ARG;
	if (netif_is_ours(n, addr))
		return WEIR_EXISTS;
	if (n->count == NETIF_ADDRS_MAX)
		return WEIR_NO_RESOURCES;
	n->own[n->count].addr = *addr;
	n->own[n->count].prefix = (uint8_t)prefix;
	n->own[n->count].broadcast = broadcast_of(addr, prefix);
	n->count++;
	return WEIR_OK;
}

static bool covers(const struct weir_addr *net, unsigned prefix, const struct weir_addr *a)
{
	unsigned bytes = prefix / 8, bits = prefix % 8;

	if (net->family != a->family || memcmp(net->bytes, a->bytes, bytes) != 0)
		return false;
	return bits == 0 || ((net->bytes[bytes] ^ a->bytes[bytes]) >> (8 - bits)) == 0;
}

const struct weir_addr *netif_source_for(const struct netif *n, const struct weir_addr *dst)
{
	const struct weir_addr *first = NULL;

	for (unsigned i = 0; i < n->count; i++) {
		if (n->own[i].addr.family != dst->family)
			continue;
		if (covers(&n->own[i].addr, n->own[i].prefix, dst))
			return &n->own[i].addr;
		if (!first)
			first = &n->own[i].addr;
	}
	return first;
}

bool netif_may_be_peer(const struct netif *n, const struct weir_addr *addr)
{
	return !is_zero(addr) && !netif_is_group(n, addr);
}
