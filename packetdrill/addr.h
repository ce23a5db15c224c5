/*
 * addr.h: socket addresses to the engine's endpoints and back. An IPv4 endpoint of an IPv6 socket
 * is shown as IPv4-mapped (RFC 4291 2.5.5.2).
 */
#ifndef WEIR_PACKETDRILL_ADDR_H
#define WEIR_PACKETDRILL_ADDR_H

#include <sys/socket.h>

#include "weir/weir.h"

struct pd;

/* 0; EINVAL: too short; EAFNOSUPPORT: not of the socket's domain. The unspecified address gives
 * family 0. */
int pd_addr_in(int domain, const struct sockaddr *addr, socklen_t len, struct weir_endpoint *out);

/* As the C library's calls do: writes up to *len bytes and sets *len to what it takes. */
void pd_addr_out(int domain, const struct weir_endpoint *e, struct sockaddr *addr, socklen_t *len);

/* Makes an address ours, if it is not yet; the unspecified one is left alone. */
void pd_addr_add(struct pd *pd, const struct weir_addr *a);

/* Before a connect without an address: gives the stack one of the peer's family if it has none. */
void pd_addr_default(struct pd *pd, const struct weir_addr *peer);

#endif
