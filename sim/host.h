/*
 * host.h: a host: a stack, its device, its listeners, and the applications that run on it.
 */
#ifndef WEIR_SIM_HOST_H
#define WEIR_SIM_HOST_H

#include "sim/device.h"
#include "sim/oracle.h"
#include "sim/rng.h"
#include "sim/talk.h"

#define SIM_ADDRS_MAX     2u /* one of each family */
#define SIM_LISTENERS_MAX 16u

struct sim_host_config {
	struct weir_config stack; /* its link_ rows are set from `device` */
	struct sim_device device;
	struct weir_addr addr[SIM_ADDRS_MAX];
	unsigned addr_count;
};

/* What a host wants from its world. */
struct sim_host_ops {
	/* Takes a frame to the network. */
	void (*send)(void *user, unsigned host, struct sim_frame *f);
	/* Has sim_host_decide() called for the talk at `at`. */
	void (*decide_at)(void *user, unsigned host, struct sim_talk *t, weir_time at);
	/* Has sim_host_wake() called for the talk's side at `at`, its end's `wake`. */
	void (*wake_at)(void *user, unsigned host, struct sim_talk *t, unsigned side, weir_time at);
	void *user;
};

struct sim_host {
	unsigned number;
	struct sim_host_config cfg;
	struct sim_host_ops ops;
	struct sim_oracle *oracle;
	struct sim_talks *talks;
	struct sim_rng rng;
	struct weir_stack *stack; /* NULL: it is down */
	void *memory;
	weir_listener listener[SIM_LISTENERS_MAX];
	struct weir_listen_args listens[SIM_LISTENERS_MAX]; /* what each was made with */
	unsigned listener_count;
	bool deaf;          /* they are closed for now */
	weir_time up_at;    /* when it comes back, if it is down; WEIR_NEVER: it does not */
	uint32_t syn_seq;   /* of the frame that is being taken in */
	weir_time deadline; /* the stack's, after the last step */
	uint64_t packets_out;
};

/* Makes the stack. false: the configuration is not accepted; the oracle tells. */
bool sim_host_init(struct sim_host *h, const struct sim_host_config *cfg, uint64_t seed,
		   weir_time now);
void sim_host_free(struct sim_host *h);

/* The host crashes: its stack is thrown away without a farewell, and all that it knew with it. */
void sim_host_crash(struct sim_host *h, weir_time up_at);
/* It comes back with the same addresses and listeners, and other keys. */
void sim_host_boot(struct sim_host *h, weir_time now);
/* Its listeners are closed, and made again. */
void sim_host_deafen(struct sim_host *h);
void sim_host_hear(struct sim_host *h);

void sim_host_listen(struct sim_host *h, uint16_t port, enum weir_accept_mode mode);
void sim_host_listen_args(struct sim_host *h, const struct weir_listen_args *args);
/* Ends all listeners and tells the oracle what is still in use. */
void sim_host_finish(struct sim_host *h);

bool sim_host_owns(const struct sim_host *h, const struct weir_addr *addr);

/* The steps. Each ends with events read until there are none, packets given out until there are
 * none, and all invariants checked. */
void sim_host_input(struct sim_host *h, const struct sim_frame *f, weir_time now);
void sim_host_open(struct sim_host *h, struct sim_talk *t, unsigned side, weir_time now);
void sim_host_decide(struct sim_host *h, struct sim_talk *t, weir_time now);
void sim_host_wake(struct sim_host *h, struct sim_talk *t, unsigned side, weir_time now);
void sim_host_deadline(struct sim_host *h, weir_time now);

#endif
