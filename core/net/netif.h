/*
 * netif.h: the addresses that are ours on the one link of a stack.
 */
#ifndef WEIR_NET_NETIF_H
#define WEIR_NET_NETIF_H

#include <string.h>

#include "base/be.h"
#include "weir/weir.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define NETIF_ADDRS_MAX 16u
#define NETIF_BROADCAST 0xffffffffu /* the limited one */

struct netif {
	struct {
		struct weir_addr addr;
		uint8_t prefix;     /* bits */
		uint32_t broadcast; /* of an IPv4 prefix that has one; else that of all */
	} own[NETIF_ADDRS_MAX];
	unsigned count;
};

/* WEIR_OK, WEIR_BAD_ARG, WEIR_EXISTS, WEIR_NO_RESOURCES. */
enum weir_err netif_add(struct netif *n, const struct weir_addr *addr, unsigned prefix);

static inline bool netif_is_ours(const struct netif *n, const struct weir_addr *addr);

/* The source for a destination: an address of its family whose prefix covers it, else the first of
 * the family; NULL: none. */
const struct weir_addr *netif_source_for(const struct netif *n, const struct weir_addr *dst);

/* Is it the limited broadcast, that of one of our prefixes, or a multicast group? */
static inline bool netif_is_group(const struct netif *n, const struct weir_addr *addr);

/* May a connection be opened to it (RFC9293-MUST-46)? */
bool netif_may_be_peer(const struct netif *n, const struct weir_addr *addr);

/* Bytes of an address of the family: 4 or 16. */
static inline size_t netif_addr_len(uint8_t family)
{
	return family == 4 ? 4u : 16u;
}

/* Equal as addresses. By sizes that the compiler knows, since every packet asks several times. */
static inline bool netif_addr_eq(const struct weir_addr *a, const struct weir_addr *b)
{
	if (a->family != b->family)
		return false;
	return a->family == 4 ? !memcmp(a->bytes, b->bytes, 4) : !memcmp(a->bytes, b->bytes, 16);
}

static inline bool netif_is_ours(const struct netif *n, const struct weir_addr *addr)
{
	for (unsigned i = 0; i < n->count; i++)
		if (netif_addr_eq(&n->own[i].addr, addr))
			return true;
	return false;
}

static inline bool netif_is_group(const struct netif *n, const struct weir_addr *addr)
{
	uint32_t v;

	if (addr->family != 4)
		return ip6_is_multicast(addr->bytes);
	v = be32_get(addr->bytes);
	for (unsigned i = 0; i < n->count; i++)
		if (n->own[i].broadcast == v)
			return true;
	return v == NETIF_BROADCAST || ip4_is_multicast(addr->bytes);
}

#endif
