/*
 * netif.h: the addresses that are ours on the one link of a stack.
 */
#ifndef WEIR_NET_NETIF_H
#define WEIR_NET_NETIF_H

#include <string.h>

#include "weir/weir.h"

#define NETIF_ADDRS_MAX 16u

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

bool netif_is_ours(const struct netif *n, const struct weir_addr *addr);

/* The source for a destination: an address of its family whose prefix covers it, else the first of
 * the family; NULL: none. */
const struct weir_addr *netif_source_for(const struct netif *n, const struct weir_addr *dst);

/* Is it the limited broadcast, that of one of our prefixes, or a multicast group? */
bool netif_is_group(const struct netif *n, const struct weir_addr *addr);

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

#endif
