/*
 * netlink.h: what the new network namespace needs besides its TUN device: loopback and routes.
 */
#ifndef GATE_NETLINK_H
#define GATE_NETLINK_H

#include "weir/weir.h"

/* Brings the loopback device of the current network namespace up. 0; -1 with errno. */
int gate_loopback_up(void);

/* Adds the default route of the gateway's family through `device`. 0; -1 with errno. */
int gate_route_default(const char *device, const struct weir_addr *gateway);

#endif
