/*
 * device.h: the network device between a stack and its links: it completes checksums, cuts
 * super-segments, and on the way in says what it has verified.
 */
#ifndef WEIR_SIM_DEVICE_H
#define WEIR_SIM_DEVICE_H

#include "sim/frame.h"

/* What becomes of a super-segment. */
enum sim_gso {
	SIM_GSO_NONE, /* the device takes none */
	SIM_GSO_CUT,  /* cut into segments that the link carries one by one */
	SIM_GSO_PASS, /* carried whole, as between two ends of one TUN device */
};

/* Does the device complete TCP checksums on the way out, and verify them on the way in? */
enum sim_csum { SIM_CSUM_NONE, SIM_CSUM_OFFLOAD };

struct sim_device {
	uint32_t mtu;     /* bytes of the largest IP packet on the wire */
	uint32_t gso_max; /* bytes of the largest super-segment; 0 for SIM_GSO_NONE */
	enum sim_gso gso;
	enum sim_csum csum;
};

/* Takes a frame, which then belongs to it. */
typedef void sim_emit_fn(void *user, struct sim_frame *f);

/* Makes the frames of a packet and gives each to `emit`. NULL, or what is wrong with the packet:
 * then it asks for what the device does not offer, or contradicts itself. */
const char *sim_device_send(const struct sim_device *d, const struct weir_packet *p,
			    sim_emit_fn *emit, void *user);

/* Describes a frame to the stack, with what the device verified about it. */
void sim_device_receive(const struct sim_device *d, const struct sim_frame *f,
			struct weir_frame *out);

#endif
