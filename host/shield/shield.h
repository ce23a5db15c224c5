/*
 * shield.h: weir's SYN cookies in the kernel, before the queue of a TUN device.
 *
 * While a listener of the stack is in cookie mode, the kernel answers its SYNs on behalf of the
 * stack (weir/front.h), in the context of whoever sent them; at all other times, and for all other
 * packets, nothing changes. Needs root (CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN), Linux 5.8 with
 * tc's clsact, and a build that had clang and libbpf.
 */
#ifndef WEIR_HOST_SHIELD_H
#define WEIR_HOST_SHIELD_H

#include <stddef.h>

#include "weir/loop.h"

struct shield;

/* Is the program for the kernel part of this build? */
bool shield_is_built(void);

/* Puts it before the device `name` of the loop's link. A program that a weir which was killed has
 * left there is replaced; filters of others stay. 0; -1: `why` (`len` bytes) gets one line. */
int shield_open(struct shield **out, struct weir_loop *loop, const char *name, char *why,
		size_t len);

/* To be called in each round of the loop, after its events. */
void shield_round(struct shield *h);

/* SYNs that the kernel has answered so far, as of the last tenth of a second. */
uint64_t shield_answered(const struct shield *h);

/* Takes it away, before the loop is closed; what it has sent can still be taken up. */
void shield_close(struct shield *h);

/* The program, an ELF object, for its tests. NULL: it was not built. */
const void *shield_object(size_t *len);

#endif
