/*
 * serve_device.h: the TUN device of `weir serve`.
 *
 * A device that does not exist is made, and goes when weir ends. It gets the address of the host's
 * end in the prefix that weir's own address is given with, so that the host reaches weir at once. A
 * device that exists and is up is taken as it is; one that is down is set up like a new one.
 */
#ifndef WEIR_CLI_SERVE_DEVICE_H
#define WEIR_CLI_SERVE_DEVICE_H

#include <stddef.h>

#include "weir/link.h"

/* MTU of a device that is made without --mtu: the largest a TUN takes is 65,535; 65,520 is what
 * other such tools set, a multiple of 16. */
#define SERVE_MTU 65520u

struct serve_device {
	const char *name;
	uint32_t mtu;   /* 0: SERVE_MTU for a new device, what it has for one that is up */
	char host4[64]; /* the host's end, as CIDR; empty: none */
	char host6[64];
	bool made; /* by serve_device_open(): it was not there before */
};

/* The first address of own's prefix that is not own itself, as CIDR. 0; -1: the prefix has room
 * for one address only. */
int serve_host_address(const struct weir_addr *own, unsigned prefix, char *cidr, size_t len);

/* 0; -1: said on standard error what is wrong. */
int serve_device_open(struct serve_device *d, struct weir_link **link);

#endif
