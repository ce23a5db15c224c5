/*
 * frame.h: a packet on its way through the simulated network, and what it says.
 */
#ifndef WEIR_SIM_FRAME_H
#define WEIR_SIM_FRAME_H

#include "weir/weir.h"
#include "wire/tcp_hdr.h"

struct sim_frame {
	uint32_t life;     /* of the end that sent it (talk.h); 0: not known */
	uint32_t len;      /* bytes */
	uint16_t gso_size; /* as in struct weir_frame */
	uint8_t bytes[];   /* one IP packet */
};

/* A frame of `len` bytes, all zero. Never NULL: the simulator ends where memory does. */
struct sim_frame *sim_frame_new(size_t len);
struct sim_frame *sim_frame_copy(const struct sim_frame *f);
void sim_frame_free(struct sim_frame *f);

/* Memory of the simulator itself, zeroed; never NULL. Freed with free(). */
void *sim_alloc(size_t count, size_t size);

enum sim_packet_kind {
	SIM_PACKET_TCP,   /* well-formed, its checksums right */
	SIM_PACKET_OTHER, /* a good IP packet that is not TCP */
	SIM_PACKET_BAD,   /* malformed, or a checksum is wrong: `fault` says which */
};

/* A frame's meaning. Points into the frame. */
struct sim_packet {
	enum sim_packet_kind kind;
	const char *fault;             /* for BAD */
	struct weir_endpoint src, dst; /* addresses as far as they could be read; ports for TCP */
	struct tcp_seg tcp;            /* for TCP */
	const uint8_t *l4;             /* where the upper layer begins, and its offset */
	uint16_t l4_start;
	uint16_t l4_len; /* bytes of the upper layer */
	uint8_t proto, hop_limit;
};

enum sim_packet_kind sim_packet_read(struct sim_packet *out, const struct sim_frame *f);

/* Are two addresses, or endpoints, the same? */
bool sim_addr_equal(const struct weir_addr *a, const struct weir_addr *b);
bool sim_endpoint_equal(const struct weir_endpoint *a, const struct weir_endpoint *b);

/* Makes the checksums of a TCP packet right after its bytes were changed: what a middlebox does,
 * and what makes a change invisible to the receiver. `l4_start` as sim_packet_read() gave it. */
void sim_frame_sum(struct sim_frame *f, size_t l4_start);
/* The same for an IPv4 header alone. */
void sim_frame_sum_ip4(struct sim_frame *f);

#endif
