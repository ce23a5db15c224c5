/*
 * fence.h: keeps a flood of forged packets inside the network namespace that was made for it.
 *
 * A benchmark that sends forged SYNs asks here first. The answer is no unless all of this is true:
 * the namespace is not the machine's first nor that of process 1; all its interfaces that are up
 * are loopback, TUN, veth or dummy; it has no IPv4 default route over a device; and the named
 * device is a TUN or a veth. What the fence cannot see is where the far end of a veth is; hence
 * senders also set FENCE_TTL, by which no router passes their packets on.
 */
#ifndef WEIR_BENCH_FENCE_H
#define WEIR_BENCH_FENCE_H

#include <netinet/in.h>
#include <stddef.h>

/* TTL of every forged packet: the first router drops it (RFC 1812 5.3.1). */
#define FENCE_TTL 1

/* 0: packets may be sent out of `device`; -1: they may not, and `why` says so in one line. */
int fence_check(const char *device, char *why, size_t len);

/* Whether `addr` is of a range that the public Internet does not route: private (RFC 1918),
 * benchmarks (RFC 2544), documentation (RFC 5737). */
int fence_is_reserved(struct in_addr addr);

#endif
