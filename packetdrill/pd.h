/*
 * pd.h: one stack under packetdrill: the engine, its clock, its wire and its descriptors.
 *
 * packetdrill makes one with packetdrill_interface_init() and ends it with `free`, for each script
 * anew. Every callback runs with `lock` held; a call that blocks lets go of it while it sleeps.
 */
#ifndef WEIR_PACKETDRILL_PD_H
#define WEIR_PACKETDRILL_PD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/info.h"
#include "weir/weir.h"

#include "clock.h"
#include "fds.h"
#include "flags.h"
#include "net.h"

struct pd {
	pthread_mutex_t lock;
	struct pd_flags flags;
	struct weir_stack *stack;
	void *mem;
	size_t mem_len;
	struct pd_clock clock;
	struct pd_net net;
	struct pd_fds fds;
	uint16_t port_next;    /* the next one to try for a socket that named none */
	bool have_v4, have_v6; /* the stack has an address of the family */
};

/* The engine's time. */
static inline weir_time pd_now(const struct pd *pd)
{
	return (weir_time)pd->clock.now_us * 1000u;
}

#endif
